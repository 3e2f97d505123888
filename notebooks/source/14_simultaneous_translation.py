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
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb), [lesson
# 05](05_thresholds_and_dialects.ipynb) for thresholds, section 1 of [lesson
# 08](08_nar_decoding.ipynb) for the autoregressive decoder. No network, no GPU.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [13 Read lips](13_lipreading.ipynb) · Next: [15 See a CIF as a
# neuron](15_spiking_neurons.ipynb)

# %% tags=["hide-input"]
# Imports
import itertools

import torch

import cifviz
from cifviz.core.firing import integrate_and_fire
from cifviz.course import (
    Slider,
    canvas,
    check,
    glossary,
    live_figure,
    name_words,
    record,
    show,
    table,
)
from cifviz.metrics import (
    average_lagging,
    differentiable_average_lagging,
    length_adaptive_average_lagging,
    spread,
)
from cifviz.plot import accumulation, read_write_staircase
from cifviz.published import read_study
from cifviz.resources import resource

# %% tags=["parameters"]
seed = 0  # of the weights in section 4
fast = True  # nothing here takes long
clip = "digits_five"  # a name in cifviz.list_clips() that begins with digits

# %% [markdown]
# ## 1. Why wait
#
# An interpreter in a conference speaks while the speaker speaks. Each word that she waits makes the
# listeners impatient. Each word that she does not wait may be wrong, because languages have other
# orders: a German verb may come at the end.
#
# For this lesson there is a made-up language, so that we know what is right. Each English digit has
# one translation:

# %%
ENGLISH = "zero one two three four five six seven eight nine".split()
OURS = "ba de fi go ku la me no pu ri".split()


def translate(digits):
    """An odd digit stands *behind* an even one that follows it."""
    words, place = [], 0
    while place < len(digits):
        swaps = place + 1 < len(digits) and digits[place] % 2 == 1 and digits[place + 1] % 2 == 0
        words += digits[place : place + 2][::-1] if swaps else [digits[place]]
        place += 2 if swaps else 1
    return [OURS[digit] for digit in words]


for digits in ([2, 4, 1], [1, 2, 3], [1, 3, 2, 4]):
    print([ENGLISH[digit] for digit in digits], "→", translate(digits))

# %% [markdown]
# Somebody says “seven”. **Predict first:** may the best interpreter write “no” now? And after
# “four”?

# %% [markdown] tags=["answer"]
# After “seven” she has to wait. If the next digit is even its word comes first; she knows only when
# she has heard the next digit, or that there is none. After “four” she writes at once: an even
# digit never waits. So the least latency depends on the sentence, and no clock knows it.

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

# %% [markdown]
# ## 2. Measure the lag
#
# The *delay* dᵢ of a word is how much of the sound was read when it was written. Long sentences
# have long delays, so the mean delay says little. *Average lagging* (AL) compares with an ideal
# system that writes its words evenly over the sound, the first one at 0:
#
# ```text
# AL = mean of  dᵢ − (i − 1) · |X| / |Y|      up to the first word written when all was read
# ```
#
# |X| is the length of the sound and |Y| the number of words in the reference.

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
    "A staircase: it goes right while sound is read and up when a word is written. A dashed "
    "diagonal is the ideal system. The staircase stays to the right of it by half a second to one.",
    caption="Right: reading; up: writing. The distance from the dashed line to a step is the lag "
    "of that word; AL is their mean.",
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

# %% [markdown]
# The second lag is *negative*, which looks wonderful. The system chatters: it writes more words
# than there are, and the ideal system with its three words cannot keep up. Two repairs are usual:
#
# - *LAAL* lets the ideal system write as many words as the longer of hypothesis and reference.
# - *DAL* does not let a word make up for the delay of one before it.

# %%
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

# %% [markdown]
# ## 3. Fires are a policy
#
# A simultaneous system needs a *policy*: a rule that says, at any time, READ or WRITE. The simplest
# is *wait-k*: read k pieces of a fixed length, then write a word, read one piece, write a word … It
# knows the clock and not the sound.
#
# A CIF has a policy without any addition. A fire says: here a token is complete. So
#
# ```text
# WRITE while there are more fires than words written, else READ
# ```
#
# (Chang & Lee, 2022). The model learns with the translation as its target. Where words change
# places it has to learn to fire *later*: the first fire of “seven two” must not come before “two”
# was heard.
#
# **Exercise 14.3.** Write the policy. `policy(weights, threshold)` takes the weights of the frames
# and gives for each word the number of frames read when it is written, counted from 1: as long as
# the accumulated weight has reached the threshold once more often than words were written, a word
# is written. What is left at the end writes nothing.


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

# %% [markdown]
# ## 4. The threshold as a handle
#
# After training the threshold β can still be moved. Here are the weights of the model “digits” for
# a clip; it is no translator, but its weights fire once a word, and that is all that counts here.
# At β = 1 each word is written when it fires. **Predict first:** which way does β have to go for
# words to come earlier? What else changes?


# %% tags=["answer", "hide-input"]
# Figure: fires and the staircase by β, to be moved
model, said = cifviz.load_model("digits"), cifviz.load_clip(clip)
made = model.transcribe(said.waveform)
alpha, grid = made.firing.alpha, made.grid
frames = torch.zeros(1, alpha.shape[1], 1)


def draw(ax, threshold):
    firing = integrate_and_fire(alpha, frames, threshold=threshold)
    accumulation(firing, grid, ax=ax)
    name_words(ax, said.words)
    times = grid.seconds(firing.fire_positions[0].double()).tolist()
    lag = average_lagging(times, said.waveform.duration, len(said.words)) if times else float("nan")
    return f"{len(times)} words written, AL {lag:.2f} s"


live_figure(
    draw,
    threshold=Slider(0.5, 1.5, 0.05, 1.0),
    static=[{"threshold": value} for value in (0.7, 0.9, 1.0, 1.2)],
    alt="The accumulated weight with its fires at four thresholds. With a smaller threshold there "
    "are more fires, and they come earlier; with a larger one fewer and later.",
    caption="The same weights at other thresholds. Look at where the fifth fire comes, and at how "
    "many there are.",
)

# %% [markdown] tags=["answer"]
# A smaller β fires earlier, and *more often*: a word's weight is enough for more than a fire. A
# decoder that is asked for more words than there are has to end before (this one may: its end is a
# token) or to chatter. A larger β fires later and less often, so that words are missing at the end
# and are written when the sound is over. So β is a coarse handle; a *latency loss* in training is a
# finer one: it adds DAL of the fires to the loss.

# %% [markdown]
# ## 5. What was measured
#
# Translators into the language of section 1 were trained, three of each kind: CIF-IL, whose decoder
# looks back at all fires; CIF-F, whose decoder sees one fire for each word; and wait-k with three
# k. They begin with the encoder of a recogniser, as in the paper.
#
# **Predict first:** who is better at the same latency, the clock or the fires? Does a latency loss
# cost anything?

# %% tags=["answer", "hide-input"]
# Figure: errors over latency
found = read_study(resource("results"), "simultaneous-translation")
digits_runs = [one for one in found["runs"] if one["recipe"] == "reordered-digits"]


def points(kept):
    """Mean latency and errors of each variant and β among some runs."""
    groups = itertools.groupby(
        sorted(kept, key=lambda one: (one["variant"], one["beta"])),
        key=lambda one: (one["variant"], one["beta"]),
    )
    for name, group in groups:
        each = list(group)
        lag = sum(one["LAAL"] for one in each) / len(each)
        yield name, lag, sum(100 * one["token_error_rate"] for one in each) / len(each)


FAMILIES = {
    "CIF-IL": ("", "latency-0.25", "latency-0.5", "latency-1", "latency-2"),
    "CIF-F": ("fusion", "fusion-latency-1"),
    "wait-k": ("wait-2", "wait-4", "wait-6"),
}
figure, (ax,) = canvas(height=3.0, share_time=False)
short = [one for one in digits_runs if one["joined"] == 1]
for (family, names), marker in zip(FAMILIES.items(), "osv", strict=True):
    at = [(lag, errors) for (name, _), lag, errors in points(short) if name in names]
    ax.plot(*zip(*sorted(at), strict=True), marker=marker, linestyle=":", label=family)
(lag_of_best,) = [
    one["LAAL"]
    for one in found["best"]
    if (one["recipe"], one["joined"]) == ("reordered-digits", 1)
]
ax.axvline(lag_of_best, linestyle="--", label="best interpreter")
ax.set_xlabel("LAAL (s)")
ax.set_ylabel("token errors (%)")
ax.legend()
show(
    figure,
    "Token errors over latency: three lines of points, of CIF-IL, CIF-F and wait-k, and a dashed "
    "line at the latency of the best interpreter.",
    caption="Errors over latency (LAAL): left is quick, down is right. The points of a line differ "
    "in latency loss, β or k. Compare the lines at the same latency.",
)

# %% tags=["answer", "hide-input"]
# Table: longer than in training, mean ± standard deviation of the seeds
rows = []
for name, title in {"": "CIF-IL", "fusion": "CIF-F", "wait-4": "wait-4"}.items():
    cells = [
        spread(
            [
                100 * one["token_error_rate"]
                for one in digits_runs
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
    tolerance=1e-6,
)
record(
    **{
        f"fires_at_{value}": int(integrate_and_fire(alpha, frames, threshold=value / 10).num_fires)
        for value in (7, 12)
    }
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
# - Change `translate` so that three digits turn round. What is the least latency now?
# - Which k of wait-k would the best interpreter need, if each digit took exactly 0.5 s? Why is it
#   not enough for real digits?
# - In a clone, `python -m experiments train reordered-digits --variant in-order`, then the recipe
#   itself, and `model.stream()`: feed frames one by one and watch when words come.

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
