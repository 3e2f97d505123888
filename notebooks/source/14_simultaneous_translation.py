# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # Translate while you listen
#
# **What you'll do:** let the fires of a CIF decide when a word of a translation may be written,
# move the threshold of a trained translator, and measure what haste costs.
#
# **What you'll learn**
#
# - *explain* why a translator may have to wait, and name the least that the best one waits
# - *compute* average lagging (AL) by hand, and say what LAAL and DAL repair
# - *write* the policy: a word is written when there are enough fires
# - *predict* what a smaller threshold does to latency and to errors
# - *judge* whether fires have learned to wait, and compare them with a policy by the clock
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb); section 1 of [lesson
# 08](08_nar_decoding.ipynb) helps, on decoders that write one word after the other. No network, no
# GPU.
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
from dataclasses import replace

import numpy as np

import cifviz
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
    token_errors,
)
from cifviz.metrics.statistics import mean
from cifviz.plot import STYLE, read_write_staircase
from cifviz.plot import weights as draw_weights
from cifviz.published import read_study
from cifviz.resources import resource

# %% tags=["parameters"]
seed = 0  # of the random digits in section 5
fast = True  # nothing here takes long
recording = "digits_george"  # a name in cifviz.list_recordings() that begins with digits

# %% [markdown]
# ## 1. Why wait
#
# An interpreter at a conference speaks while the speaker speaks. As long as she waits, her
# listeners wait. If she does not wait, what she says may be wrong, because languages have different
# orders: a German verb may come at the end of its sentence. So she asks herself all the time: *when
# is it time to speak?* A recogniser never has to ask this. Its words come in the order of the
# sound, so it can write each word as soon as the word was said.
#
# To study the question we need to know what is right, and how long one has to wait for it. So here
# is a made-up language. Each English digit has one translation, and some neighbours change places:

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
# The *best interpreter* of this lesson makes no mistakes and loses no time. She recognises each
# digit at its end, not before, and writes each word of the translation as soon as it is certain
# that this word comes next. She hears when the sound has ended.
#
# **Predict first:** somebody says “seven”. May the best interpreter write “ni” at its end? And when
# somebody says “four” as the first digit, may she write “ku”?

# %% [markdown] tags=["answer"]
# After “seven” she has to wait. If the next digit is even, the word of that digit comes first. She
# knows this only at the end of the next digit, or when the sound ends. After “four” she writes at
# once: an even digit never waits. So the least *latency*, the time by which a translation comes
# later than what was said, depends on the sentence.

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

# %% tags=["hide-input"]
# The best interpreter of any string: what the exercise asks for, as a function


def best_delays(digits, ends, duration):
    """When each word is written by somebody who knows a digit at its end and none before."""
    delays, place = [], 0
    while place < len(digits):
        odd = digits[place] % 2 == 1
        swaps = odd and place + 1 < len(digits) and digits[place + 1] % 2 == 0
        delays += [[*ends, duration][place + odd]] * (2 if swaps else 1)
        place += 2 if swaps else 1
    return delays


# %% [markdown]
# ## 2. Measure the lag
#
# The *delay* $d_i$ of word i is how much of the sound was read when it was written; words count
# from 1 in this lesson, as in the formulas of the field. The mean of the delays says little, since
# it grows with the length of the sentence. *Average lagging* (AL) compares with an *ideal system*
# that writes its words evenly over the sound, the first one at 0:
#
# $$\mathrm{AL} = \frac1m \sum_{i=1}^{m} \Bigl(d_i - (i-1)\,\frac{|X|}{|Y|}\Bigr)$$
#
# $|X|$ is the length of the sound and $|Y|$ the number of words in the reference, the right
# translation. What stands in the sum is the *lag* of a word. The sum ends at word $m$, the first
# one that is written when all of the sound was read: those after it cost nobody any more time. If
# no word is written as late as that, $m$ is the last word.
#
# The ideal system is not the best interpreter: it writes its first word before anything was said.
# It is only a ruler.

# %%
delays, duration, words = [1.0, 1.5, 2.0, 2.0], 2.0, 4
step = duration / words
for number, delay in enumerate(delays):
    print(f"word {number + 1}: read {delay} s, the ideal system {number * step} s")
print(f"AL {average_lagging(delays, duration, words):.2f} s")

# %% tags=["hide-input"]
# Figure: reading and writing
figure, (ax,) = canvas(height=2.4)
read_write_staircase(delays, "fi ku go la".split(), duration, ax=ax)
ax.set_xlim(0, 1.03 * duration)
show(
    figure,
    "A staircase: it goes right while sound is read and up where a word is written. A dashed "
    "diagonal is the ideal system. The foot of each of the first three steps stands a second to "
    "the right of it.",
    caption="Right: reading; up: writing. The horizontal distance from the dashed line to the foot "
    "of a step is the lag of that word. AL is the mean of the first three lags, for the third word "
    "is the first one at the end.",
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
# The six lags of the second system are 1, 0.2, −0.8, −1.8, −2.8 and −3.8. None of its words comes
# at the end of the sound, so all six are in the mean.

# %% [markdown]
# One of the two lags is *negative*, which looks wonderful. The system chatters: it writes more
# words than the reference has. Word 6, written at 1.2 s, is compared with 5 s, the time at which
# the ideal system would write a sixth word. Two repairs are usual:
#
# - *LAAL*, length-adaptive AL: the ideal system writes as many words over the sound as the
#   reference or the hypothesis, whichever has more.
# - *DAL*, differentiable AL: the ideal system writes as many words as the hypothesis, and no word
#   makes up for the delay of one before it. A word counts as written at least one step of the ideal
#   system after the word before it, and all words are in the mean.
#
# **Predict first:** which of the two are above 0 for the system that chatters?

# %% tags=["answer"]
chatter = [1.0, 1.2, 1.2, 1.2, 1.2, 1.2]
lags_of_chatter = {
    "AL": average_lagging(chatter, 3.0, 3),
    "LAAL": length_adaptive_average_lagging(chatter, 3.0, 3),
    "DAL": differentiable_average_lagging(chatter, 3.0),
}
table(["", *lags_of_chatter], [["chatter", *(f"{lag:.2f} s" for lag in lags_of_chatter.values())]])

# %% [markdown] tags=["answer"]
# DAL alone. LAAL only takes away the reward for words that are too many: the last words are still
# ahead of an ideal system. For DAL the first word lags a second. Each word after it counts as a
# step later, as does the ideal system, so it lags a second as well.

# %% [markdown]
# ## 3. Fires are a policy
#
# A simultaneous system needs a *policy*: a rule that says, at any time, READ or WRITE. The simplest
# one follows the clock. It is called *wait-k*: read k pieces of a fixed length, then write a word,
# read one piece, write a word …
#
# A CIF has a policy without any addition: a fire says that a token is complete. This is the idea of
# [Chang & Lee 2022](https://arxiv.org/abs/2204.09595), which is *the paper* in this lesson. So
#
# ```text
# WRITE while there are more fires than words written, else READ
# ```
#
# A decoder then writes the next word. In *CIF-F* (fusion) it sees for word i only what fired at
# fire i, one embedding. In *CIF-IL* (infinite look-back) it looks at the embeddings of all fires so
# far, by attention. Both are *autoregressive*: they are told the words that they wrote before.
#
# The rule can also wait for more fires. With `wait` 2, word 1 is written at fire 2, word 2 at fire
# 3, and so on: WRITE while there are at least `wait` fires more than words written. `wait` 1 is the
# rule above. Section 5 shows why one may want to wait.
#
# **Exercise 14.3.** Write the policy. `policy(weights, threshold, wait)` takes the weights of the
# frames. It gives a number for each word: how many frames were read when the word is written, so 1
# after the first frame. Word i is written as soon as there are i + `wait` − 1 fires. When the
# frames are over, nothing more is written. (The system of the next section does write the rest
# then.)


# %% tags=["exercise"]
def policy(weights, threshold, wait): ...


check("14.3", policy)


# %% tags=["solution"]
def policy(weights, threshold, wait):
    total, written = 0.0, []
    for frame, weight in enumerate(weights):
        total += weight
        while total >= (len(written) + wait) * threshold - 1e-9:
            written.append(frame + 1)
    return written


check("14.3", policy)

# %% [markdown] tags=["hints"]
# Go through the frames, and keep a running sum of the weights.
#
# How many fires are there by the end of a frame? One for each whole threshold in the sum.
#
# Inside the loop, `while total >= (len(written) + wait) * threshold:` write one more word. Rounding
# may leave the sum a last digit too small: allow for 1e-9.

# %% [markdown]
# ## 4. A threshold to move
#
# “reordered-digits” is a CIF-IL that was trained on digits of four people, and on their
# translations into our language. Its encoder looks at no later frame. It has `wait` 2. The end of
# the sentence is a token as well, with a fire of its own, so a sentence of five words has six
# fires. When the sound is over, the words that are still missing are written.
#
# This course has no recordings of people, but it has features that were computed from some. Here
# are eight strings of digits that were not used in training.

# %%
translator = cifviz.load_model("reordered-digits")
names = [name for name in cifviz.list_recordings() if name.startswith("digits")]
strings = {name: cifviz.load_recording(name) for name in names}


def digits_of(name):
    return [ENGLISH.index(word.token) for word in strings[name].words]


def translated(name, beta=1.0):
    """What the translator writes, with another threshold and nothing learned again."""
    translator.config = replace(translator.config, threshold=beta)
    one = strings[name]
    return translator.transcribe_features(one.log_mel, duration=one.duration)


found = translated(recording)
print("spoken: ", *(word.token for word in strings[recording].words))
print("right:  ", *translate(digits_of(recording)))
print("written:", *found.tokens)
print("read by then, in s:", *(f"{delay:.2f}" for delay in found.extras["delays"]))

# %% [markdown]
# After training, the threshold β can be moved. The next figure has a slider for it, and a choice of
# strings.
#
# **Predict first:** which way must β go for words to come earlier? What else changes? Will words be
# missing, or be too many?

# %% tags=["hide-input"]
# What the slider draws


def draw(ax, *, beta, string):
    """The staircase of one string, with its fires and the times of the best interpreter."""
    one, written = strings[string], translated(string, beta)
    written_at = written.extras["delays"].tolist()
    read_write_staircase(written_at, written.tokens, one.duration, ax=ax)
    ax.set_xlim(0, 1.03 * one.duration)
    digits, ends = digits_of(string), [word.end for word in one.words]
    best = best_delays(digits, ends, one.duration)
    places = [place + 0.5 for place in range(len(best))]
    ax.plot(best, places, "D", ms=5, color=STYLE["incomplete"])
    fired = written.grid.seconds(written.firing.fire_positions[0].double())
    ax.plot(fired, [0] * len(fired), "v", color=STYLE["fire"], clip_on=False)
    ax.set_ylim(0, 1.5 * len(best) + 2)
    name_words(ax, one.words)
    wrong = token_errors([translate(digits)], [written.tokens])
    count = wrong.deletions + wrong.insertions + wrong.substitutions
    lag = length_adaptive_average_lagging(written_at, one.duration, len(digits))
    return f"errors {count} of {len(digits)}, LAAL {lag:.2f} s"


# %% tags=["answer", "hide-input"]
# Figure with a slider: reading and writing by β
chosen = [recording, *(name for name in names if name != recording)]
live_figure(
    draw,
    beta=Slider(0.6, 1.5, 0.05, 1.0),
    string=chosen,
    static=[{"beta": beta, "string": recording} for beta in (0.7, 1.0, 1.3)],
    height=2.6,
    alt="Staircases of one string at three thresholds, with the spoken words above. Diamonds are "
    "the times of the best interpreter, triangles below are fires. At a smaller threshold there "
    "are more fires, words come earlier, and there are too many; at a larger one there are fewer "
    "fires, and a word is missing.",
    caption="The same weights at three thresholds, on one scale. Each word stands left of the step "
    "up at which it is written. ◆ are the times of the best interpreter, one for each right word, "
    "and ▼ the fires. Are the steps left or right of the diamonds? Are the words the right ones? "
    "The dashed line is an ideal system that writes as many words as this one.",
)

# %% tags=["answer", "hide-input"]
# Table: the 200 test strings by threshold, mean ± standard deviation of the trainings
study = read_study(resource("results"), "simultaneous-translation")
runs = [one for one in study["runs"] if one["recipe"] == "reordered-digits"]


def of_runs(variant, beta=1.0, joined=1):
    """What was measured of one system, an entry for each training."""
    wanted = (variant, beta, joined)
    return [one for one in runs if (one["variant"], one["beta"], one["joined"]) == wanted]


def percent(each, score):
    return spread([100 * one[score] / one["tokens"] for one in each], digits=1)


BETAS = sorted({one["beta"] for one in runs if one["variant"] == ""})
KINDS = ("deletions", "insertions", "substitutions")
rows = []
for beta in BETAS:
    each = of_runs("", beta)
    errors = spread([100 * one["token_error_rate"] for one in each], digits=1)
    lag = spread([one["LAAL"] for one in each])
    rows.append([f"{beta:g}", errors, *(percent(each, kind) for kind in KINDS), lag])
table(["β", "errors, %", "deleted", "inserted", "substituted", "LAAL, s"], rows)
print("trainings:", len(of_runs("")))

# %% [markdown] tags=["answer"]
# A smaller β: each token needs less weight, so fires come earlier, and there are *more* of them.
# The translator is given more places to fill than there are words, and writes words that nobody
# spoke. A larger β: fires come later and there are fewer of them, so words are missing. There are
# more errors on both sides, and most of all with a smaller β.
#
# So β is a coarse handle. It moves the *number* of tokens along with their times, because a CIF
# knows only one thing, the accumulated weight.
#
# At β = 1 some words come a little *before* the best interpreter would write them. That is no
# mistake: she recognises a digit at its end, but a network may recognise it earlier, from its first
# sounds. So she is the best only of those who hear each digit to its end.

# %% [markdown]
# ## 5. Have the fires learned to wait?
#
# Look once more at the string above, this time at its weights.

# %% tags=["hide-input"]
# Figure: weights and fires under the words
found = translated(recording)
figure, (ax,) = canvas(height=2.2)
draw_weights(found.firing, found.grid, ax=ax)
fired = found.grid.seconds(found.firing.fire_positions[0].double()).tolist()
for place, time in enumerate(fired):
    ax.axvline(time, color=STYLE["fire"], linestyle=":", linewidth=1.2)
    ax.annotate(
        f"{place + 1}", (time, ax.get_ylim()[1]), (2, -9), textcoords="offset points", fontsize=8
    )
name_words(ax, strings[recording].words)
show(
    figure,
    "Weights of the frames of one string: they are above 0 in each word and small between words. "
    "A dotted line for each fire stands in each word or near its end, and one more at the end of "
    "the sound. The first frames have weight, too, before anybody speaks.",
    caption="The weights of the translator, with its fires numbered from 1. Where do they stand, "
    "seen from the words? The last one is that of the end. And where is weight without a word?",
)

# %% [markdown]
# There is a fire in each word, in its middle or a little later. By the rule of the paper, `wait` 1,
# a word of the translation is written at the fire of its own digit. Then the next digit is not
# known yet.
#
# One thing may surprise you: the first frames have weight, though nobody speaks there. The weights
# sum to about one more than there are words, because the end is a token. The end has no sound, so
# its weight may lie anywhere. Training has put a part of it at the beginning, where it makes *all*
# fires come a little earlier.
#
# **Exercise 14.4.** A translator writes one word at the end of each digit, and recognises every
# digit. It does not know the next digit: each of the ten is equally likely. After an even digit the
# word is certain. After an odd digit it can only guess, and it makes the best guess. In a long
# string, how many words of 100 does it get wrong?

# %% tags=["exercise"]
wrong = ...
check("14.4", wrong)

# %% tags=["solution"]
wrong = 100 * 0.5 * 0.5  # a digit is odd; the next one is even, which nobody could know
check("14.4", wrong)

# %% [markdown] tags=["hints"]
# How often is a digit odd? For the others nothing has to be guessed.
#
# After “seven”, compare the guesses: “ni” is right if an odd digit follows. “ku” is right only if
# “four” follows.
#
# So it guesses that nothing changes places. That is wrong when the next digit is even: for one of
# two odd digits. When the even digit has come, the word after it is certain again.

# %% [markdown]
# In training, nothing forbids a CIF to fire later. It could keep the weight of “seven” small, and
# put what is missing into the next digit. Then the fire of “seven” would come when “four” is over,
# and even by the rule of the paper it would be known which word comes first. That would make the
# loss of the words smaller. So a second translator was trained by the rule of the paper, to see
# when its fires come.
#
# We look at two kinds of digits: those after which the best interpreter writes at once, and those
# after which she waits for the next one. If the fires had learned to wait, they would come later
# after the second kind, by the length of a digit and a pause, about 0.6 s.
#
# **Predict first:** do they? And how many words does this translator get wrong, compared with your
# answer to 14.4?

# %% tags=["answer", "hide-input"]
# Table: how long after the end of its digit a fire comes
SYSTEMS = {"own-fire": "wait 1, the word's own fire", "": "wait 2, one fire later"}
rows = []
for variant, title in SYSTEMS.items():
    each = of_runs(variant)
    if each:
        known, waiting = (
            [one["fires_after"][kind] for one in each] for kind in ("known", "waiting")
        )
        errors = spread([100 * one["token_error_rate"] for one in each], digits=1)
        lag = spread([one["LAAL"] for one in each])
        rows.append([title, len(each), spread(known), spread(waiting), errors, lag])
heads = ["rule", "trainings", "fire minus end of its digit, s: digits known at their end"]
table([*heads, "digits that wait for the next", "errors, %", "LAAL, s"], rows)

# %% tags=["answer"]
# Exercise 14.4 by trial: the best guess for 10,000 random digits
some = np.random.default_rng(seed).integers(10, size=10_000).tolist()
right, guess = translate(some), []
for before, digit in zip([0, *some], some, strict=False):
    moved = digit % 2 == 0 and before % 2 == 1  # then the odd one before it comes now
    guess.append(OURS[before if moved else digit])
wrong_guesses = 100 * mean([a != b for a, b in zip(right, guess, strict=True)])
print(f"wrong: {wrong_guesses:.0f} %")

# %% [markdown] tags=["answer"]
# They do not. A fire comes near the end of its digit or before it (a negative number), and no later
# after a digit that has to wait. A CIF here has learned to *segment*, not to *decide*. So at its
# own fire a word is written before it is known, and many are wrong. There are more errors than
# those of the guesser of 14.4, who recognises every digit.
#
# A likely reason, which we have not tested: to fire only a little later helps nobody. While “four”
# is only beginning, the word for “seven” is as uncertain as before. The loss falls only when the
# fire has moved far into the next digit, and a gradient sees only what a small step changes.
#
# One fire later, the next digit is known, for every word. The waiting is then in the rule, not in
# the weights. It costs the time of a digit, also where no wait would be needed. But there are far
# fewer errors. The next section compares them with those of a recogniser of the same digits.

# %% [markdown]
# ## 6. What haste costs
#
# To ask for less latency in training there is a *latency loss*. It is the DAL of delays that have a
# derivative: the delay of a token is the mean of the frames that it is made of, weighted by what
# each gives to it. This loss is added to the other losses, times a number (× 0.25 to × 2 below).
# The paper trains a system, then goes on with this loss. Here it comes in after a quarter of the
# training.
#
# And there is the clock. We train wait-k with two lengths of a piece: 280 ms, which is usual, and
# 600 ms, since in our strings a digit with its pause lasts about 0.58 s.
#
# **Predict first:** wait-4 with pieces of 280 ms listens to a string of eight digits, of 0.58 s
# each. How many words has it written when the fifth digit is over? What can it write there?

# %% tags=["answer"]
read = 5 * 0.58
pieces = int(read / 0.28)
print(f"{read:.1f} s are {pieces} whole pieces; written: {pieces - 4 + 1} words, spoken: 5")

# %% [markdown] tags=["answer"]
# The clock runs twice as fast as the words. From the third word on it is ahead of them: the system
# has to write what nobody has spoken yet. Training has taught it what is likeliest then: the end.
# So it stops after a few words. That is no argument against wait-k, but against its clock: a fair
# one has pieces as long as a word.

# %% [markdown]
# All systems begin with the encoder of a recogniser, as in the paper. The level dotted line in the
# figure shows what that recogniser makes of the same strings, in the order of the sound: errors
# below it cannot be expected. The upright dashed line is the latency of the best interpreter.
#
# **Predict first:** which systems lie lowest at the same latency? Does the latency loss bring a
# point to the left, and at which price?

# %% tags=["answer", "hide-input"]
# Figure: errors over latency, a point for each training
FAMILIES = {
    "CIF-IL, one fire later, latency loss × 0 to 2": (
        *("", "latency-0.25", "latency-0.5", "latency-1", "latency-2"),
    ),
    "CIF-IL, own fire": ("own-fire",),
    "CIF-F, own fire": ("fusion",),
    "wait-1, 2, 3 of 600 ms": ("wait-1-600ms", "wait-2-600ms", "wait-3-600ms"),
    "wait-2, 4, 6 of 280 ms": ("wait-2", "wait-4", "wait-6"),
}


def places_of(each):
    """Latency and errors of some trainings."""
    return [(one["LAAL"], 100 * one["token_error_rate"]) for one in each]


(lag_of_best,) = [
    one["LAAL"]
    for one in study["best"]
    if (one["recipe"], one["joined"]) == ("reordered-digits", 1)
]
figure, (ax,) = canvas(height=3.8, share_time=False)


BESIDE = {
    **{"": (7, -10), "latency-0.25": (-48, -11), "latency-0.5": (-46, -5)},
    **{"latency-1": (7, 3), "latency-2": (7, -10)},
}


def label(point, text, offset=(5, 5)):
    """A few letters beside a marker."""
    ax.annotate(text, point, offset, textcoords="offset points", fontsize=8, color=STYLE["label"])


for (family, variants), marker in zip(FAMILIES.items(), "oDsv^", strict=True):
    each = [places_of(of_runs(variant)) for variant in variants if of_runs(variant)]
    if each:
        middles = [[mean(list(axis)) for axis in zip(*one, strict=True)] for one in each]
        (line,) = ax.plot(*zip(*middles, strict=True), marker=marker, label=family)
        for variant, point in zip(filter(of_runs, variants), middles, strict=True):
            if variant.startswith("wait"):
                label(point, variant.removesuffix("-600ms"))
            elif variant in BESIDE:
                label(point, f"loss {variant[8:] or 0}", BESIDE[variant])
        alone = [point for one in each for point in one]
        ax.plot(*zip(*alone, strict=True), ".", color=line.get_color(), ms=5)
swept = [[mean(list(axis)) for axis in zip(*places_of(of_runs("", b)), strict=True)] for b in BETAS]
ax.plot(
    *zip(*swept, strict=True),
    marker="x",
    color=STYLE["sound"],
    label="the first with loss 0, β moved",
)
for beta, point in zip(BETAS, swept, strict=True):
    if beta not in (min(BETAS), 1):
        label(point, f"β {beta:g}")
ax.axvline(lag_of_best, linestyle="--", color=STYLE["level"], label="best interpreter")
recognised = mean([100 * one["token_error_rate"] for one in of_runs("in-order")])
ax.axhline(recognised, linestyle=":", color=STYLE["label"], label="recogniser")
ax.set(xlabel="LAAL (s)", ylabel="token errors (%)", ylim=(0, 84), xlim=(0, 1.9))
ax.legend(fontsize=STYLE["text_size"], frameon=False, loc="upper right")
show(
    figure,
    "Token errors over latency, a line for each family of systems. A dashed line at the latency "
    "of the best interpreter, a dotted one at the errors of a recogniser of the same words. CIF-IL "
    "that waits for one more fire lies near the dotted line, a little right of the dashed one; all "
    "others that are as quick lie above it.",
    caption="Errors over latency: left is quick, down is right. Markers are means, dots are single "
    "trainings. “loss 0.5” is the latency loss × 0.5. Compare systems at equal latency, and look "
    "where the latency loss leads.",
)

# %% tags=["answer", "hide-input"]
# Table: what the latency loss does to the fires
rows = []
for weight in ("", "latency-0.25", "latency-0.5", "latency-1", "latency-2"):
    each = of_runs(weight)
    if each:
        rows.append(
            [
                f"× {weight.removeprefix('latency-') or '0'}",
                spread([one["weight_outside"]["before"] for one in each]),
                spread([one["fires_after"]["known"] for one in each]),
                spread([100 * one["token_error_rate"] for one in each], digits=1),
                spread([one["LAAL"] for one in each]),
                len(each),
            ]
        )
heads = ["latency loss", "weight before the first word", "fires, s after the end of a word"]
table([*heads, "errors, %", "LAAL, s", "trainings"], rows)

# %% tags=["answer", "hide-input"]
# Table: longer than in training, mean ± standard deviation
NAMES = {
    "": "CIF-IL, one fire later",
    "own-fire": "CIF-IL, own fire",
    "fusion": "CIF-F, own fire",
    "wait-2-600ms": "wait-2 of 600 ms",
    "in-order": "recogniser",
}
rows = []
for variant, title in NAMES.items():
    if of_runs(variant):
        longer = [of_runs(variant, joined=n) for n in (1, 2, 4)]
        cells = [
            spread([100 * one["token_error_rate"] for one in each], digits=1) for each in longer
        ]
        off = [one["fires_off"] for one in longer[-1]]
        fires_off = "–" if None in off else spread([100 * one for one in off], digits=1)
        rows.append([title, *cells, fires_off, len(longer[0])])
heads = ["errors, %", "as they are", "two joined", "four joined"]
table([*heads, "fires too many or too few, % of the words, four joined", "trainings"], rows)

# %% [markdown] tags=["answer"]
# Compare points that lie one above the other: they have the same latency. Of the clock of 280 ms
# there was one training each, so nothing is claimed of it.
#
# - *Fires and the clock.* CIF-IL that waits for one more fire lies a little right of the best
#   interpreter. The clocks of 600 ms on either side of it, wait-1 and wait-2, make more errors.
#   Wait-3 makes about as many, at nearly twice the latency. Digits are short and long and have
#   pauses. Fires follow them, a clock cannot.
# - *At their own fire* both kinds of CIF are quick, and about four words of ten are wrong.
#   CIF-IL looks back, and is little better for it, if at all: what both lack is the next digit.
# - *The latency loss* brings points to the left, and with larger weights up. The second table says
#   how. It puts more weight before the first word, where nobody speaks, and so *all* fires come
#   earlier by about the same time. A little of that is free: enough of a word is there to know it
#   before it is over. With the weight 1 it is the length of a word: what the rule waits for, the
#   loss takes back. With 0.5 some trainings do the one and some the other, and none stands between:
#   look at the dots. The loss does not learn to wait only where it has to.
# - *The threshold* does the same by force. At the same latency it makes more errors than the loss.
# - *Longer strings.* All systems fail, the recogniser, too. In training no string had more than
#   twelve digits, and the decoder writes the end after about as many. The last column shows that
#   the fires go on: their number is wrong by a few percent of the words. The abstract of the paper
#   claims that CIF generalises better to long utterances than monotonic attention. Of the fires
#   that may be so; of our decoder it is not, and monotonic attention is not built here.

# %% [markdown] tags=["optional"]
# ## 7. Real prompts, and why their numbers say little
#
# Recorded telephone prompts exist in English, Spanish, French, Italian
# and Russian: a few hundred pairs of English sound and translation. For each language a CIF-IL was
# trained on its pairs alone. The scores are *BLEU* and *chrF*: both count what hypothesis and
# reference share, runs of words or of letters, from 0 to 100.
#
# **Predict first:** a *memory* hears no sound. It is given the English text of each prompt that is
# judged, looks for the most similar English prompt in training, and writes the translation of that
# one. How does it do beside the translator?

# %% tags=["answer", "hide-input"]
# Table: BLEU and chrF of translator and memory
prompts = read_study(resource("results"), "prompt-translation")["languages"]
LANGUAGES = {"es": "Spanish", "fr": "French", "it": "Italian", "ru": "Russian"}
heads = ["English to", "pairs", "words not in training"]
for metric in ("BLEU", "chrF"):
    heads += [f"{metric}, memory", f"{metric}, translator"]
rows = [
    [
        LANGUAGES[one["language"]],
        one["pairs"],
        f"{100 * one['unknown_words']:.0f} %",
        *(
            f"{one[system]['all'][metric]:.1f}"
            for metric in ("BLEU", "chrF")
            for system in ("memory", "translator")
        ),
    ]
    for one in prompts
]
table(heads, rows)

# %% [markdown] tags=["answer"]
# The memory does far better. The translator has learned to write frequent words, and too many of
# them. A few hundred pairs teach templates such as “please enter … followed by the pound key”, and
# a good part of the words that are judged never occurred in training. **Read no translation quality
# out of these numbers.** Where a memory without ears does better, a score measures templates.
#
# Why is it in a lesson, then? Because such numbers are often shown without the memory beside them.

# %% tags=["hide-input"]
# Numbers kept
record(
    chatter_al=lags_of_chatter["AL"],
    chatter_laal=lags_of_chatter["LAAL"],
    chatter_dal=lags_of_chatter["DAL"],
    tolerance=1e-6,
)
record(
    fires=len(fired),
    words_written=len(found.tokens),
    fires_at_a_smaller_threshold=int(translated(recording, 0.7).firing.num_fires),
)
record(first_fire=fired[0], best_lag=lag_of_best, wrong_guesses=wrong_guesses, tolerance=1e-3)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary(
    *("autoregressive", "average lagging", "delay", "fire", "policy", "threshold"),
    "wait-k",
)

# %% [markdown]
# ## On your own
#
# - Change `translate` so that an odd digit comes after *up to two* even ones that follow it. How
#   many digits does the best interpreter wait for now, at most?
# - Which is the smallest k with which wait-k, with pieces of 0.5 s, writes no word before the best
#   interpreter could, if each digit takes exactly 0.5 s and there are no pauses? Why is it not
#   enough for real digits?
# - Find a system with an AL of 0 s that nobody would want to listen to.
# - Move the slider of section 4 to the largest β at which there are still as many words as digits,
#   for several strings. Is it the same β? What does that say about the weights?
# - `stream = cifviz.load_model("reordered-digits").stream()` listens piece by piece.
#   `stream.feed(strings[recording].log_mel[:10])` gives it the first ten feature frames, of 10 ms
#   each. Feed it the whole string, ten frames at a time, then call `stream.finish()`. Print what
#   each call gives. When do words come?

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *Two even ones.* If the digit after an odd one is odd, too, she writes at its end. If it is even
#   she waits for one more, since the odd word may come after that one as well. So she waits for two
#   digits at most; and the first of the two even words is known at its own end.
# - *wait-k.* The best interpreter writes word i at the end of digit i + 1 at the latest, so word i
#   needs i + 1 pieces: k = 2. Real digits are longer and shorter and have pauses: after some words
#   the pieces are ahead of the digits, and then the system writes what nobody has spoken yet.
# - *AL of 0 s.* Do not listen, and write random words, evenly over the sound. Latency says nothing
#   without errors beside it.
# - *The largest β.* It is a little above 1, and not the same for all strings: the weights of a word
#   sum to about 1, not to exactly 1. In training they are scaled to the number of words ([lesson
#   02](02_scaling.ipynb)), here they are as they come.
# - *A stream.* The first fire gives no word. Each later fire gives one, so a word comes while the
#   next digit is spoken. `finish` gives the last one. The fires are the same as for the whole
#   string, however you cut it.

# %% [markdown]
# ## In practice
#
# - **simulst** ([code](https://github.com/George0828Zhang/simulst)) is the authors' own: CIF-F and
#   CIF-IL on an Emformer, an encoder that looks up to a second ahead, with the latency loss. When
#   more words than fires are written, each further word makes the end likelier.
# - **SimulEval** ([code](https://github.com/facebookresearch/SimulEval)) has the definitions of AL,
#   LAAL and DAL that most papers use; those of this library are
#   tested against it.
# - **Time of computing** is in none of these numbers: variants with
#   the suffix CA (computation-aware) add it.
# - **Policies that are trained** to decide, by attention or by a classifier, exist beside CIF.
#   Measure whether yours waits: compare its delays after words that need it and words that do not.

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
# - [docs/simultaneous_translation.md](../docs/simultaneous_translation.md): all tables of this
#   lesson, what stands in for what, and which claims of the paper hold here.
# - [cifviz/systems/simultaneous.py](../cifviz/systems/simultaneous.py) and
#   [latency.py](../cifviz/metrics/latency.py): the system and the metrics in the library.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 15 min: section 1 as a play: one student says digits, another interprets. Who waits when?
# - 20 min: section 2 at the board. Exercise 14.2, then ask for a system with an AL of −10 s.
# - 15 min: section 3, exercise 14.3 in pairs.
# - 15 min: section 4 with the slider. Collect guesses first: which way does β go?
# - 15 min: section 5. Exercise 14.4, then a vote: have the fires learned to wait?
# - 10 min: section 6. Which comparison is fair?
#
# ### Likely questions
#
# - *Why does the encoder not look ahead a little?* Many do, that of the paper up to a second. Here
#   it looks at nothing that comes later, so that delays are what they are.
# - *Could CIF-F wait for one more fire?* It sees the embedding of its own place alone, which the
#   next fire does not change. So waiting tells it nothing.
# - *Why is the end a token?* A translation may be shorter or longer than what was spoken. The
#   decoder has to say when it is over, and needs a fire for that as well.
# - *Is a fire at the end of a word bad?* For a segmentation it is just right. As a policy it is
#   right only where the order stays.
#
# ### Usual misconceptions
#
# - *A small AL is good.* With chatter it is negative. Look at LAAL and the errors together.
# - *A smaller β makes the system quicker at no price.* It fires more often.
# - *wait-k waits k words.* It waits k pieces of the clock.
# - *A CIF decides when to write.* It counts what has come. Whether that is a good time to write is
#   a question to measure.
