# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # Translate while you listen
#
# **What you'll do:** let the fires of a CIF decide when a word of a translation may be written,
# move the threshold, and measure what haste costs.
#
# **What you'll learn**
#
# - *explain* why a translator may have to wait, and name the least that the best one waits
# - *compute* average lagging (AL) by hand, and say what LAAL and DAL repair
# - *write* the policy: a word is written when there are more fires than words
# - *predict* what a larger threshold does to latency and to errors
# - *compare* a policy by the clock (wait-k) with one by the sound
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb), and section 1 of
# [lesson 08](08_nar_decoding.ipynb) for the autoregressive decoder. No network, no GPU. The
# translators are trained: the lesson shows what was measured of them.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [13 Read the lips of a drawn mouth](13_lipreading.ipynb) · Next: [15 See a CIF as a
# neuron](15_spiking_neurons.ipynb)

# %% tags=["hide-input"]
# Imports
from collections import defaultdict

from cifviz import Alignment, TimedToken
from cifviz.course import canvas, check, glossary, live_figure, name_words, record, show, table
from cifviz.metrics import (
    average_lagging,
    differentiable_average_lagging,
    length_adaptive_average_lagging,
    spread,
)
from cifviz.plot import STYLE, read_write_staircase
from cifviz.published import read_study
from cifviz.resources import resource

# %% tags=["parameters"]
seed = 0  # of the translators in section 4
fast = True  # nothing here takes long

# %% [markdown]
# ## 1. Why wait
#
# An interpreter at a conference speaks while the speaker speaks. Each word that she waits makes the
# listeners impatient. Each word for which she does not wait may be wrong, because languages have
# different orders: a German verb may come at the end.
#
# For this lesson there is a made-up language, so that we know what is right. Each English digit has
# one translation:

# %%
ENGLISH = "zero one two three four five six seven eight nine".split()
OURS = "ba de fi go ku la me ni po ru".split()


def translate(digits):
    """An odd digit comes *after* the next one, if that is even."""
    words, place = [], 0
    while place < len(digits):
        swaps = place + 1 < len(digits) and digits[place] % 2 == 1 and digits[place + 1] % 2 == 0
        words += digits[place : place + 2][::-1] if swaps else [digits[place]]
        place += 2 if swaps else 1
    return [OURS[digit] for digit in words]


for digits in ([2, 4, 1], [1, 2, 3], [1, 3, 2, 4]):
    print([ENGLISH[digit] for digit in digits], "→", translate(digits))

# %% [markdown]
# **Predict first:** somebody says “seven”. May the best interpreter write “ni” now? And when
# somebody says “four”, may she write “ku”?

# %% [markdown] tags=["answer"]
# After “seven” she has to wait. If the next digit is even, its word comes first. She knows this
# only at the end of the next digit, or when the sound ends. After “four” she writes at once: an
# even digit never waits. So the least *latency*, the time that a listener waits, depends on the
# sentence, and no clock knows it.

# %% [markdown]
# **Exercise 14.1.** The digits “four, seven, two, nine” end at 0.5, 1.0, 1.5 and 2.0 s; the sound
# ends at 2.2 s. When does the best interpreter write each of the four words of the translation?
# Give four times, in the order in which they are written.

# %% tags=["exercise"]
best = ...
check("14.1", best)

# %% tags=["solution"]
best = [0.5, 1.5, 1.5, 2.2]  # "seven two" is known at the end of "two"; "nine" may have a next one
check("14.1", best)

# %% [markdown] tags=["hints"]
# Write down the translation first: which two digits change places?
#
# “four” is even. “seven” is odd and “two” is even, so they change places. “nine” is odd.
#
# For an odd digit, ask when it is certain what follows it: at the end of the next digit, or at the
# end of the sound.

# %% [markdown]
# ## 2. Measure the lag
#
# The *delay* $d_i$ of a word is how much of the sound was read when it was written. Long sentences
# have long delays, so the mean delay says little. *Average lagging* (AL) compares with an ideal
# system that writes its words evenly over the sound, the first one at 0:
#
# $$\mathrm{AL} = \frac1\tau \sum_{i=1}^{\tau} \Bigl(d_i - (i-1)\,\frac{|X|}{|Y|}\Bigr)$$
#
# $|X|$ is the length of the sound and $|Y|$ the number of words in the reference. The sum ends at
# word τ, the first one that is written when all of the sound was read: what follows costs nobody
# any more time.

# %%
delays, duration, words = [1.0, 1.5, 2.0, 2.0], 2.0, 4
step = duration / words
for number, delay in enumerate(delays):
    print(f"word {number + 1}: read {delay} s, the ideal system {number * step} s")
print("AL", average_lagging(delays, duration, words))

# %% tags=["hide-input"]
# Figure: reading and writing
figure, (ax,) = canvas(height=2.4)
read_write_staircase(delays, "fi no go la".split(), duration, ax=ax)
show(
    figure,
    "A staircase: it goes right while sound is read and up where a word is written. A dashed "
    "diagonal is the ideal system. The staircase stays to the right of it by half a second to one.",
    caption="Right: reading; up: writing. The horizontal distance from the dashed line to a step "
    "is the lag of that word; AL is their mean up to the first word at the end.",
)

# %% [markdown]
# **Exercise 14.2.** A sound of 3 s has three words in the reference. A system writes three words,
# at 1, 2 and 3 s. Another one writes the first word at 1 s and five more at 1.2 s, all nonsense.
# What is AL of the first, and what of the second? Give both.

# %% tags=["exercise"]
lags = ...
check("14.2", lags)

# %% tags=["solution"]
lags = [
    (1 + (2 - 1) + (3 - 2)) / 3,
    (1 + sum(1.2 - number for number in range(1, 6))) / 6,
]
check("14.2", lags)

# %% [markdown] tags=["hints"]
# When does the ideal system write words 1, 2, 3 …, if it has three for 3 s?
#
# It writes one a second, the first at 0 s: word i at i − 1 s. Subtract that from each delay.
#
# The six lags of the second system are 1, 0.2, −0.8, −1.8, −2.8 and −3.8.

# %% [markdown]
# The second lag is *negative*, which looks wonderful. The system chatters: it writes more words
# than there are, and the ideal system with its three words cannot keep up. Two repairs are usual:
#
# - *LAAL* lets the ideal system write as many words as the longer of hypothesis and reference.
# - *DAL* does not let a word make up for the delay of one before it.
#
# **Predict first:** which of the two are above 0 for the system that chatters?

# %% tags=["answer"]
chatter = [1.0, 1.2, 1.2, 1.2, 1.2, 1.2]
table(
    ["", "AL", "LAAL", "DAL"],
    [
        [
            "chatter",
            *(
                f"{metric:.2f}"
                for metric in (
                    average_lagging(chatter, 3.0, 3),
                    length_adaptive_average_lagging(chatter, 3.0, 3),
                    differentiable_average_lagging(chatter, 3.0),
                )
            ),
        ],
    ],
)

# %% [markdown] tags=["answer"]
# Both are. LAAL only takes away the reward for words that are too many. DAL also remembers that the
# first word waited a second, and lets no later word make it good.

# %% [markdown]
# ## 3. Fires are a policy
#
# A simultaneous system needs a *policy*: a rule that says, at any time, READ or WRITE. The simplest
# is *wait-k*: read k pieces of a fixed length, then write a word, read one piece, write a word …
# It follows the clock, not the sound.
#
# A CIF has a policy without any addition ([Chang & Lee 2022](https://arxiv.org/abs/2204.09595)): a
# fire says that a token is complete. So
#
# ```text
# WRITE while there are more fires than words written, else READ
# ```
#
# The model learns with the translation as its target. Where words change places it has to learn to
# fire *later*: the first fire of “seven two” must not come before “two” has ended. Section 5 asks
# whether it does. If not, the rule can wait for one more fire: write word i when there are i + 1.
#
# **Exercise 14.3.** Write the policy. `policy(weights, threshold)` takes the weights of the frames
# and gives for each word the number of frames read when it is written, counted from 1: as long as
# the accumulated weight has reached the threshold once more often than words were written, a word
# is written. The residual at the end writes nothing.


# %% tags=["exercise"]
def policy(weights, threshold): ...


check("14.3", policy)


# %% tags=["solution"]
def policy(weights, threshold):
    total, written = 0.0, []
    for frame, weight in enumerate(weights):
        total += weight
        while total >= (len(written) + 1) * threshold - 1e-9:
            written.append(frame + 1)
    return written


check("14.3", policy)

# %% [markdown] tags=["hints"]
# Go through the frames, and keep a running sum of the weights.
#
# How many words may be written by the end of a frame? One for each whole threshold in the sum.
#
# Inside the loop, `while total >= (len(written) + 1) * threshold:` write one more word. Rounding
# may leave the sum a last digit too small: allow for 1e-9.

# %% [markdown]
# ## 4. The threshold as a handle
#
# After training the threshold β can be moved without learning anything again. Below, one string of
# digits is translated at five thresholds by two trained systems of the kind *CIF-IL*, whose decoder
# looks back at all fires so far: one waits for one more fire, one writes at a word's own fire.
# (*CIF-F* is the other kind: its decoder sees one fire for each word.)
#
# **Predict first:** which way does β have to go for words to come earlier? What else changes?

# %% tags=["hide-input"]
# What was measured: translators of section 1's language, and one string in detail
found = read_study(resource("results"), "simultaneous-translation")
digit_runs = [one for one in found["runs"] if one["recipe"] == "reordered-digits"]
(example,) = [one for one in found["examples"] if one["recipe"] == "reordered-digits"]
spoken = Alignment(tuple(TimedToken(*word) for word in example["words"]))
SYSTEMS = {"CIF-IL": "", "CIF-IL, own fire": "own-fire"}
print("spoken:", *(word.token for word in spoken), "\nright: ", *example["translation"])


def mean(system, beta, name):
    """A number of all strings, in the mean over the seeds."""
    values = [
        one[name]
        for one in digit_runs
        if (one["variant"], one["joined"], one["beta"]) == (SYSTEMS[system], 1, beta)
    ]
    return sum(values) / len(values)


# %% tags=["answer", "hide-input"]
# Figure: reading and writing by β, to be moved
def draw(ax, *, system, beta):
    """The staircase of one system at one threshold, and the steps of the best interpreter."""
    (one,) = [
        one
        for one in example["written"]
        if (one["variant"], one["beta"], one["seed"]) == (SYSTEMS[system], beta, seed)
    ]
    read_write_staircase(one["delays"], one["tokens"], example["duration"], ax=ax)
    least = example["least_delays"]
    places = [place + 0.5 for place in range(len(least))]
    ax.plot(least, places, "d", color=STYLE["neutral"], label="best interpreter")
    name_words(ax, spoken)
    errors, lag = 100 * mean(system, beta, "token_error_rate"), mean(system, beta, "LAAL")
    return f"all strings: {errors:.0f} % token errors, LAAL {lag:.2f} s"


betas = sorted({one["beta"] for one in example["written"]})
shown = [
    name for name, variant in SYSTEMS.items() if variant in {one["variant"] for one in digit_runs}
]
live_figure(
    draw,
    system=shown,
    beta=betas,
    static=[{"system": "CIF-IL", "beta": beta} for beta in (betas[0], 1.0, betas[-1])],
    height=2.6,
    alt="Staircases of one string at three thresholds, words above; diamonds are the times of the "
    "best interpreter. At a smaller threshold the steps come earlier, at a larger one later.",
    caption="The same weights at other thresholds. Compare the steps with the diamonds, the best "
    "interpreter, and the written words with the right ones.",
)

# %% [markdown] tags=["answer"]
# A smaller β fires earlier, and *more often*: the weight of a word is enough for more than one
# fire. A decoder that is asked for more words than there are has to end before (this one may: its
# end is a token) or to chatter. A larger β fires later and less often, so that words are missing at
# the end and are written when the sound is over. So β is a coarse handle. A *latency loss* in
# training is a finer one: it adds the DAL of the fires to the loss.

# %% [markdown]
# ## 5. What was measured
#
# Translators into the language of section 1 were trained, three of each kind: CIF-IL without and
# with the latency loss, CIF-F, and wait-k with three k. They begin with the encoder of a
# recogniser, as in the paper.
#
# **Predict first:** who is better at the same latency, the clock or the fires? Does a latency loss
# cost anything?

# %% tags=["answer", "hide-input"]
# Figure: errors over latency, a point for each seed
FAMILIES = {
    "CIF-IL, latency loss": ("", "latency-0.25", "latency-0.5", "latency-1", "latency-2"),
    "CIF-IL, own fire": ("own-fire",),
    "CIF-F": ("fusion",),
    "wait-k": ("wait-2", "wait-4", "wait-6"),
}
points = defaultdict(list)
for one in digit_runs:
    if (one["joined"], one["beta"]) == (1, 1.0):
        points[one["variant"]].append((one["LAAL"], 100 * one["token_error_rate"]))
(lag_of_best,) = [
    one["LAAL"]
    for one in found["best"]
    if (one["recipe"], one["joined"]) == ("reordered-digits", 1)
]
figure, (ax,) = canvas(height=3.0, share_time=False)
for (family, names), marker in zip(FAMILIES.items(), "oDsv", strict=True):
    each = [points[name] for name in names if points[name]]
    if each:
        means = [[sum(axis) / len(axis) for axis in zip(*one, strict=True)] for one in each]
        (line,) = ax.plot(*zip(*sorted(means), strict=True), marker=marker, label=family)
        alone = [point for one in each for point in one]
        ax.plot(*zip(*alone, strict=True), marker, color=line.get_color(), alpha=0.3)
ax.axvline(lag_of_best, linestyle="--", color=STYLE["level"], label="best interpreter")
recognised = [rate for _, rate in points["in-order"]]
ax.axhline(
    sum(recognised) / len(recognised), linestyle=":", color=STYLE["label"], label="words alone"
)
ax.set(xlabel="LAAL (s)", ylabel="token errors (%)", ylim=(0, None))
ax.legend(fontsize="small")
show(
    figure,
    "Token errors over latency, a family of systems in each colour; a dashed line at the latency "
    "of the best interpreter, a dotted one at the errors of a recogniser of the same words.",
    caption="Errors over latency (LAAL): left is quick, down is right. Faint: single seeds. "
    "Dotted: errors of a recogniser, for which no word changes places. Compare at equal latency.",
)

# %% tags=["answer", "hide-input"]
# Table: longer than in training, mean ± standard deviation of the seeds
rows = []
kinds = {
    "": "CIF-IL",
    "own-fire": "CIF-IL, own fire",
    "fusion": "CIF-F",
    "wait-4": "wait-4",
    "in-order": "words alone",
}
for name, title in kinds.items():
    if not points[name]:
        continue
    cells = [
        spread(
            [
                100 * one["token_error_rate"]
                for one in digit_runs
                if (one["variant"], one["joined"], one["beta"]) == (name, joined, 1.0)
            ],
            digits=1,
        )
        for joined in (1, 2, 4)
    ]
    rows.append([title, *cells])
table(["token errors, %", "as in training", "two joined", "four joined"], rows)

# %% [markdown] tags=["answer"]
# TEXT FOLLOWS THE RESULTS: which line lies lower at equal latency; what the latency loss costs; who
# stands longer utterances. The paper claims that CIF generalises better to long utterances than
# monotonic attention, which is not built here; compared with is wait-4.

# %% [markdown] tags=["optional"]
# ## 6. Real prompts, and why their numbers say nothing
#
# Telephone prompts exist in English, Spanish, French, Italian and Russian: a few hundred pairs. A
# CIF-IL was trained on those of each language alone, and scored by BLEU and chrF.
#
# **Predict first:** a *memory* that hears nothing gives, for each prompt that is judged, the
# translation of the most similar prompt in training. How does it do beside the translator?

# %% tags=["answer", "hide-input"]
# Table: BLEU and chrF of translator and memory
prompts = read_study(resource("results"), "prompt-translation")["languages"]
table(
    [
        "English to",
        "pairs",
        "unknown words",
        "BLEU, memory",
        "BLEU, translator",
        "chrF, memory",
        "chrF, translator",
    ],
    [
        [
            one["language"],
            one["pairs"],
            f"{100 * one['unknown_words']:.0f} %",
            *(
                f"{one[system]['all'][metric]:.1f}"
                for metric in ("BLEU", "chrF")
                for system in ("memory", "translator")
            ),
        ]
        for one in prompts
    ],
)

# %% [markdown] tags=["answer"]
# TEXT FOLLOWS THE RESULTS. Read no translation quality out of these numbers. A few hundred pairs
# teach templates, “please enter … followed by the pound key”; most of the other words occur once or
# never. Where a memory without ears does as well, a score measures the templates.

# %% tags=["hide-input"]
# Records
record(
    chatter_al=average_lagging(chatter, 3.0, 3),
    chatter_laal=length_adaptive_average_lagging(chatter, 3.0, 3),
    chatter_dal=differentiable_average_lagging(chatter, 3.0),
    tolerance=1e-6,
)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary("average lagging", "delay", "fire", "policy", "threshold", "wait-k")

# %% [markdown]
# ## On your own
#
# - Change `translate` so that an odd digit comes after *two* even ones that follow it. What is the
#   least that the best interpreter waits now?
# - Which k of wait-k, with pieces of 0.5 s, writes no word before the best interpreter could, if
#   each digit takes exactly 0.5 s and there are no pauses? Why is it not enough for real digits?
# - Find a system with an AL of 0 s that nobody would want to listen to.
# - In a clone, `python -m experiments train reordered-digits --variant in-order`, then the recipe
#   itself, and `model.stream()`: feed frames one by one and watch when words come.

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *Two even ones.* If the digit after an odd one is odd, too, she writes at its end. If it is
#   even she has to wait for one more, and so has that even digit: whether it comes first depends
#   on the digit after it. So she waits for two digits at most.
# - *wait-k.* Word i must wait for the end of digit i + 1 at most, so for i + 1 pieces: k = 2. Real
#   digits are longer and shorter and have pauses: after some words the pieces are ahead of the
#   digits, and after a few more they write what nobody has spoken yet.
# - *AL of 0 s.* Read nothing, write words at random evenly over the sound. Latency says nothing
#   without errors beside it.
# - *A stream.* Words come in bursts: two at once where digits change places, one at a time
#   elsewhere, if the model has learned to wait.

# %% [markdown]
# ## In practice
#
# - **simulst** ([code](https://github.com/George0828Zhang/simulst)) is the authors' own: CIF-F and
#   CIF-IL on an Emformer, with the latency loss. An end that comes late is made likelier with each
#   word beyond the fires.
# - **SimulEval** ([code](https://github.com/facebookresearch/SimulEval)) has the definitions of AL,
#   LAAL and DAL that everybody uses; those here are held to it.
# - **Time of computing** is in none of these numbers: variants with the suffix CA add it.
# - **MoSST** puts an integrate-and-fire segmentation in front of wait-k.

# %% [markdown]
# ## Further reading
#
# - C.-C. Chang, H. Lee, [Exploring Continuous Integrate-and-Fire for Adaptive Simultaneous Speech
#   Translation](https://arxiv.org/abs/2204.09595), Interspeech 2022.
# - M. Ma and others, [STACL](https://arxiv.org/abs/1810.08398), ACL 2019: wait-k and AL.
# - C. Cherry, G. Foster, [Thinking Slow about Latency
#   Evaluation](https://arxiv.org/abs/1906.00048), 2019: DAL.
# - S. Papi and others, [Over-Generation Cannot Be Rewarded](https://arxiv.org/abs/2206.05807),
#   2022: LAAL.
# - [cifviz/systems/simultaneous.py](../cifviz/systems/simultaneous.py) and
#   [latency.py](../cifviz/metrics/latency.py): the system and the metrics in the library.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 15 min: section 1 as a play: one student says digits, another interprets. Who waits when?
# - 20 min: section 2 at the board. Exercise 14.2, then ask for a system with AL of minus ten.
# - 20 min: section 3, exercise 14.3 in pairs.
# - 15 min: section 4 with the slider.
# - 15 min: section 5. Which comparison is fair?
# - 5 min: section 6: when does a number measure nothing?
#
# ### Likely questions
#
# - *Why does CIF-F still work if words change places?* Its encoder can carry a word to a later
#   fire; the decoder sees the words before.
# - *Is the encoder not allowed to look ahead a little?* Many do. Here it looks at nothing that
#   comes later, so that delays are what they are.
# - *What is the difference to a segmentation?* Segments are fires here. A voice detector would cut
#   at pauses.
#
# ### Usual misconceptions
#
# - *A small AL is good.* With chatter it is negative. Look at LAAL and the errors together.
# - *A smaller β makes the system quicker at no price.* It fires more often.
# - *wait-k waits k words.* It waits k pieces of the clock.
