# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # Decide what happens to the residual
#
# **What you'll do:** watch a recogniser lose the last word, compare six rules that could save it,
# choose one by its errors, and look for the same loss in batches and in streams.
#
# **What you'll learn**
#
# - *compute* what six tail rules make of the weight that is left at the end
# - *choose* a tail threshold on development data, and say how much the choice matters
# - *explain* how a word can be lost alone and kept in a batch
# - *program* a stream that loses no last word
# - *tell* what a tail rule does in a recogniser that rounds whole phrases
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb), and from [lesson
# 02](02_scaling.ipynb) that training scales the weights. No network, no GPU; headphones help.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in
# Jupyter three dots stand in its place. Optional sections may be left unread, but run their
# cells.
#
# Previous: [04 Find out where the weights come from](04_weights.ipynb) · Next: [06 Measure how far
# a fire is from a word's edge](06_how_good_is_it.ipynb)

# %% tags=["hide-input"]
# Imports
import math
import random
from dataclasses import replace

import torch
from torch.testing import assert_close

import cifviz
from cifviz.core import tail as tails
from cifviz.core.dialects import DIALECTS, tail_rules
from cifviz.core.pause_rounding import round_at_pauses
from cifviz.core.streaming import Fired
from cifviz.course import (
    Slider,
    canvas,
    check,
    glossary,
    live_figure,
    name_words,
    play,
    record,
    show,
    table,
)
from cifviz.metrics import spread
from cifviz.plot import accumulation, residual_histogram, tail_errors, tail_lanes, token_spans
from cifviz.published import best_thresholds, read_results, read_tail_sweep, total_errors
from cifviz.resources import resource
from cifviz.systems.tail_rule_decoding import decode_by_tail_rule

# %% tags=["parameters"]
seed = 0  # where the stream of section 8 is cut
fast = True  # False: cut every recording into chunks, not one
clip = "grid_place"  # the clip of section 1: a name in cifviz.list_clips()
clip_model = "grid"  # the model that recognises it: "grid", or "digits" for a clip of digits
recording = "digits_jackson"  # the real speech of sections 3 and 8: see cifviz.list_recordings()
tail_threshold = 0.5  # τ in sections 1 and 8
listen = False  # True: play the recording, if its sound is on this machine

# %% [markdown]
# ## 1. A word goes missing
#
# A CIF fires a token each time the sum of its weights reaches β = 1. At the end of an utterance
# some weight is usually left that did not reach 1. This is the *residual*. Something has to be done
# with it. Most often one more token fires if the residual is large enough, but not every
# implementation does that, and some do it in some cases only.
#
# Here is why it matters. A synthetic voice speaks a sentence. A recogniser transcribes it, with
# two settings turned off that you will meet in this lesson. Listen, then compare the two lines.

# %%
spoken = cifviz.load_clip(clip)
recognizer = cifviz.load_model(clip_model)
shipped = recognizer.cif.config
recognizer.cif.config = replace(shipped, apply_tail_handling=False, pause_frames=0)
found = recognizer.transcribe(spoken.waveform)
play(spoken.waveform, f"The clip {clip}")
print("reference: ", *spoken.tokens)
print("hypothesis:", *found.tokens)

# %% [markdown]
# One word is missing. Either its weights are too small, so that CIF did not notice it. Or the
# weights are there, and something else went wrong.
#
# **Predict first:** is the sum of all weights close to the number of words in the reference, or
# close to the number in the hypothesis?

# %% tags=["answer", "hide-input"]
# Figure: the accumulated weight above the words of the reference
firing = found.firing
figure, axes = canvas(2, height=1.8)
accumulation(firing, found.grid, ax=axes[0])
axes[0].set_xlabel("")
token_spans(spoken.words, ax=axes[1])
axes[1].set_ylabel("reference")
axes[1].set_xlim(0, spoken.waveform.duration)
show(
    figure,
    f"Above, the accumulated weight: a sawtooth that reaches 1 and falls {len(found.tokens)} times "
    f"and ends at {float(firing.residual):.2f}, in grey, without reaching it again. Below, the "
    f"{len(spoken.tokens)} words of the reference; the last one stands under the grey.",
    caption="Accumulated weight above the words of the reference. Look at the end: under the last "
    "word the weight rises once more (grey), but it does not reach 1.",
)
print(f"sum of the weights {float(firing.weight_sum):.2f}, residual {float(firing.residual):.2f}")

# %% [markdown] tags=["answer"]
# Close to the number in the reference. The weights of the last word are there. But the sum is a
# little below the number of words, so the last word does not reach 1, does not fire, and is
# dropped.
#
# Why is it the last word that is lost, and not the one that weighs too little? Look where the
# fires are: late, some of them inside the next word. A word that weighs too little is completed
# with weight of the word after it. After the last word there is nothing to complete it with.

# %% [markdown]
# This is the sound that was dropped:

# %%
last_fire = found.grid.seconds(float(firing.fire_positions[0, -1]))
dropped_sound = spoken.waveform.cut(last_fire, spoken.waveform.duration)
play(dropped_sound, f"From the last fire at {last_fire:.2f} s to the end")

# %% [markdown]
# A *tail rule* decides what happens to the residual. The most common one fires it as one more
# token if it is above a *tail threshold* τ:

# %%
recognizer.cif.config = replace(
    shipped, tail_handling_firing_threshold=tail_threshold, pause_frames=0
)
rescued = recognizer.transcribe(spoken.waveform)
print(f"hypothesis with τ = {tail_threshold}:", *rescued.tokens)

# %% [markdown]
# Could training not make the residual zero? In training the number of words is known, and the
# weights are scaled so that they sum to it exactly (lesson 02). In recognition nobody knows the
# number. The quantity loss has taught the model to make the sum *close* to the number of words,
# but it is never exactly equal. So almost every utterance has a residual.

# %% [markdown]
# ## 2. Six rules, by hand
#
# Take seven frames of weight 0.4. Their sum is S = 2.8: two full tokens, and a residual of 0.8.
# In published code and papers there are six ways to treat it. In code, each rule is a function of
# S that says where the tokens *end* on the mass axis of lesson 01. Four of them change nothing
# about the full tokens:


# %%
def drop(total):  # ⌊S⌋ full tokens, no more
    return [float(token) for token in range(1, math.floor(total) + 1)]


def above(total, tau=0.5):  # a residual above τ fires: CIF-PyTorch, this library
    full = drop(total)
    return [*full, total] if total - len(full) > tau else full


def at_least(total, tau=0.5):  # a residual of τ or more fires: torch_cif
    full = drop(total)
    return [*full, total] if total - len(full) >= tau else full


def appended(total):  # an empty frame of weight 0.45 comes last: FunASR, WeNet
    return drop(total + 0.45)


# %% [markdown]
# The other two move the ends of all tokens, so that there is no residual. One scales the weights
# so that they sum to the nearest whole number. The other leaves the weights as they are and
# changes the threshold β.


# %%
def equal_parts(total, tokens):
    return [part * total / tokens for part in range(1, tokens + 1)]


def rounded(total):  # round(S) tokens: w2v-cif-bert, E-Paraformer
    return equal_parts(total, round(total))


def dynamic(total):  # ⌈S⌉ tokens, β = S / ⌈S⌉: the paper of Paraformer
    return equal_parts(total, math.ceil(total))


rules = {
    "drop": drop,
    "above 0.5": above,
    "at least 0.5": at_least,
    "appended 0.45": appended,
    "rounded": rounded,
    "dynamic": dynamic,
}

# %% [markdown]
# **Predict first:** for S = 2.8, which of the six rules give three tokens? With which of them
# does the first token still end at mass 1?

# %% tags=["answer", "hide-input"]
# Figure: the tokens of the six rules on the mass axis
alpha = [0.4] * 7
figure, (ax,) = canvas(height=3.0)
tail_lanes(sum(alpha), {name: rule(sum(alpha)) for name, rule in rules.items()}, ax=ax)
show(
    figure,
    "The mass axis from 0 to 3, a lane for each rule, with the number of its tokens. With drop two "
    "tokens end at 1 and 2, and a grey residual of 0.8 is dropped. Above 0.5 and from 0.5 on, "
    "the residual is token 2. With 0.45 appended token 2 reaches beyond the end of the weights, "
    "0.2 of it empty. Rounded and dynamic: three equal tokens end at 0.93, 1.87, 2.8.",
    caption="Where the tokens end on the mass axis, a lane for each rule; the number of tokens "
    "stands at the right. Compare the ends of the first tokens in the last two lanes with those "
    "above.",
)

# %% [markdown] tags=["answer"]
# All but *drop* give three tokens. The first token ends at 1 with the first four rules. With
# *rounded* and *dynamic* it ends at 2.8 / 3 = 0.93: all borders have moved to earlier frames.

# %% [markdown]
# The figure does not show a second difference. The decoder gets each token as a weighted sum of
# frames, and the contributions of the frames to a full token sum to 1. In training they always
# do. What do they sum to for the token made of the residual?
#
# - *Above* and *at least* divide the contributions by their sum: the token is a full one.
# - *Rounded* scales all weights up, so all tokens are full.
# - With *appended* and *dynamic* nothing is divided. The decoder gets a smaller vector than in
#   training.
#
# In code, with the contributions W of lesson 01:


# %%
def fire(alpha, name):
    starts = torch.tensor([0.0, *alpha]).double().cumsum(0)
    ends = torch.tensor([0.0, *rules[name](sum(alpha))]).double()
    upper = torch.minimum(starts[1:], ends[1:, None])
    lower = torch.maximum(starts[:-1], ends[:-1, None])
    overlap = (upper - lower).clamp(min=0)  # W, as in lesson 01
    if name in ("appended 0.45", "dynamic"):
        return overlap
    return overlap / overlap.sum(dim=1, keepdim=True)  # full tokens


# %% tags=["hide-input"]
# Table: contributions to the last token of each rule, by the library; ours are compared with them
rows = []
for name in rules:
    contributions = tail_rules()[name](torch.tensor([alpha]))
    assert_close(fire(alpha, name), contributions, rtol=0, atol=1e-5)
    last = " ".join(f"{part:.2f}" for part in contributions[-1].tolist())
    rows.append([name, len(contributions), last, f"{float(contributions[-1].sum()):.2f}"])
table(["rule", "tokens", "contributions of the seven frames to its last token", "sum"], rows)

# %% [markdown]
# The table is made by the library, which has all six rules ([tail.py](../cifviz/core/tail.py)).
# The hidden code has checked that our functions give the same numbers. (In the first row the last
# token is the second one, not the third.)
#
# Which rules differ depends on the sum. The next table has the number of tokens for other sums.
#
# **Predict first:** which rules give three tokens for S = 2.5?

# %% tags=["answer", "hide-input"]
# Table: number of tokens of each rule, for five sums
sums = [2.0, 2.2, 2.5, 2.52, 2.8]
counts = {total: [len(rule(total)) for rule in rules.values()] for total in sums}
table(["sum of the weights", *rules], [[total, *tokens] for total, tokens in counts.items()])

# %% [markdown] tags=["answer"]
# *At least 0.5* and *dynamic*. The residual is exactly 0.5: it is not above 0.5, but it is at least
# 0.5. *Rounded* gives two, since Python and PyTorch round a half to the nearest *even* number: 2.5
# becomes 2, but 3.5 becomes 4. With 0.45 appended the sum is 2.5 + 0.45 = 2.95, which is below 3.

# %% [markdown]
# **Exercise 05.1.** The weights of another utterance sum to 3.52. How many tokens come out? Give
# five numbers, in this order: drop, above 0.5, appended 0.45, rounded, dynamic.

# %% tags=["exercise"]
tokens_of_five_rules = ...
check("05.1", tokens_of_five_rules)

# %% tags=["solution"]
tokens_of_five_rules = [3, 4, 3, 4, 4]  # 3.52 + 0.45 = 3.97 is not yet 4
check("05.1", tokens_of_five_rules)

# %% [markdown] tags=["hints"]
# First write down ⌊S⌋, the number of full tokens, and the residual.
#
# S = 3.52: three full tokens and 0.52. Go through the rules one by one: above 0.5? plus 0.45?
# nearest? rounded up?
#
# *Appended*: does 3.52 + 0.45 reach 4? *Rounded*: which whole number is nearest? *Dynamic*: always
# up.

# %% [markdown]
# **Exercise 05.2.** α = (0.5, 0.7, 0.4), and a residual above 0.5 fires as a full token. What do
# the three frames contribute to that token? Give three numbers that sum to 1.

# %% tags=["exercise"]
tail_token = ...
check("05.2", tail_token)

# %% tags=["solution"]
tail_token = [0.0, 0.2 / 0.6, 0.4 / 0.6]  # 0.5 + 0.7 − 1 = 0.2 and 0.4 are left, 0.6 together
check("05.2", tail_token)

# %% [markdown] tags=["hints"]
# Which frames have weight left after token 0 is full?
#
# Token 0 takes 0.5 of frame 0 and 0.5 of frame 1. What is left of frame 1, and of frame 2?
#
# 0.2 and 0.4 are left. Divide both by their sum, so that the token is a full one.

# %% [markdown]
# ## 3. On real speech
#
# Now people speak. This project does not contain the sound of these recordings, but the log-mel
# features that the recogniser sees. (If you have their data sets, set `listen = True` in the cell
# of parameters to hear them.) `decode_by_tail_rule` runs the encoder once, fires with each rule,
# and decodes what has fired.

# %%
speech = cifviz.load_recording(recording)
models = {name: cifviz.load_model(name) for name in ("digits", "grid")}
firing, words = decode_by_tail_rule(models[speech.model], speech.log_mel)
total = float(firing.weight_sum)
print(f"{recording}: {speech.attribution} ({speech.licence})")
print(f"{len(speech.words)} words in the reference; the weights sum to {total:.2f}")
if listen:
    play(speech.waveform(), f"The recording {recording}")

# %% tags=["hide-input"]
# Figure: the words that each rule gives, on the mass axis
ends = {name: rule(total) for name, rule in rules.items()}
named = {name: (*words[name], "", "")[: len(end)] for name, end in ends.items()}
figure, (ax,) = canvas(height=3.0)
tail_lanes(total, ends, words=named, ax=ax)
show(
    figure,
    f"The mass axis from 0 to {total:.2f}, a lane for each rule, with words in the boxes. "
    + " ".join(f"{name}: {' '.join(decoded)}." for name, decoded in words.items()),
    caption="The same recording with six rules. Encoder, weights and decoder are the same in all "
    "lanes. Compare the last words.",
)

# %% [markdown]
# Is a rule safe, once it saves the last word? It may also fire a word too many. Here are all
# twelve recordings of the project. The columns of the rules have the number of tokens less the
# number of words in the reference, ✓ where they are equal. (A sum of 5.99 gives six tokens with
# *drop*, too: these models fire a token that lacks at most 0.01. This is called *slack*, see
# lesson 07.)

# %% tags=["hide-input"]
# Table: how many words each rule gives too many or too few, on all recordings
utterances = {name: cifviz.load_recording(name) for name in cifviz.list_recordings()}
decoded_all = {
    name: (len(one.words), *decode_by_tail_rule(models[one.model], one.log_mel))
    for name, one in utterances.items()
}
rows = []
for name, (spoken_words, one_firing, by_rule) in decoded_all.items():
    off = [f"{len(by_rule[rule]) - spoken_words:+d}".replace("+0", "✓") for rule in rules]
    rows.append([name, spoken_words, f"{float(one_firing.weight_sum):.2f}", *off])
table(["recording", "words", "sum of the weights", *rules], rows)

# %% [markdown]
# The first five rules agree on most recordings. A τ is right on *all* recordings if it lies above
# the residual of each recording in which all words have fired, and below the residual of each in
# which a word is missing:

# %% tags=["hide-input"]
# The residuals between which τ would be right on all recordings
residuals = {name: float(one.residual) for name, (_, one, _) in decoded_all.items()}
is_short = {name: count > int(one.num_fires) for name, (count, one, _) in decoded_all.items()}
highest = max(residuals[name] for name in residuals if not is_short[name])
lowest = min(residuals[name] for name in residuals if is_short[name])
print(f"with drop, {sum(is_short.values())} of {len(decoded_all)} recordings lose a word")
print(f"largest residual where all words have fired:   {highest:.3f}")
print(f"smallest residual where a word is missing:     {lowest:.3f}")

# %% [markdown]
# 0.5 is not between the two numbers, so τ = 0.5 makes a mistake: one slow speaker's eight digits
# weigh so much too much that the residual alone counts as a word. But twelve recordings are far
# too few to choose τ by. Section 4 takes more.
#
# In the next figure you can move τ, the dotted line, for four of the recordings.
#
# **Predict first:** from which τ on is the last word of the first recording lost? And what
# happens in the second if τ is very small?


# %% tags=["hide-input"]
# A live figure: the accumulated weight and τ
def draw_tail(ax, *, recording, tail_threshold):
    count, one, _ = decoded_all[recording]
    frames = torch.zeros(*one.alpha.shape, 1)
    again = cifviz.integrate_and_fire(
        one.alpha, frames, slack=one.slack, tail=tails.above(tail_threshold)
    )
    accumulation(again, utterances[recording].grid, ax=ax)
    ax.axhline(tail_threshold, color="black", linestyle=":", linewidth=1)
    ax.set_ylabel("weight")
    name_words(ax, utterances[recording].words)
    return f"{int(again.num_fires)} tokens, {count} words, residual {float(again.residual):.2f}"


# %% tags=["answer", "hide-input"]
# The live figure
live_figure(
    draw_tail,
    recording=("digits_jackson", "digits_nicolas", "digits_george_long", "sentence_lay"),
    tail_threshold=Slider(0.05, 0.95, 0.05, 0.5),
    height=1.6,
    static=[
        {"recording": "digits_jackson", "tail_threshold": 0.5},
        {"recording": "digits_jackson", "tail_threshold": 0.8},
        {"recording": "digits_nicolas", "tail_threshold": 0.1},
        {"recording": "digits_george_long", "tail_threshold": 0.5},
    ],
    caption="Accumulated weight and τ (dotted). A residual that ends above the line fires as a "
    "last token (hollow mark), one that ends below is dropped (grey).",
    alt="Four sawtooths of accumulated weight over time, each with a dotted line at τ. What ends "
    "above the line fires as a last token, with a hollow mark; what ends below is grey. Jackson's "
    "last word fires at 0.5 and is dropped at 0.8; Nicolas gets a word too many at 0.1, and "
    "George's eight digits a ninth at 0.5.",
)

# %% [markdown] tags=["answer"]
# The first recording ends with a residual of 0.73, so it loses its last word with any τ above that.
# The second ends with a residual of about a fifth although all its words have fired; with τ below
# that, this becomes a word that nobody spoke.

# %% [markdown]
# ## 4. Residuals of many utterances
#
# To choose τ, many utterances are needed: 200 strings of digits that were not used in training,
# decoded by a plain CIF (without what section 9 adds). It was trained three times from other random
# weights; the number that sets them is called the *seed*.
#
# **Predict first:** the residuals lie between 0 and 1. Are they spread evenly? Are most of them
# near 0.5? Or elsewhere?

# %% tags=["answer", "hide-input"]
# Figure: histogram of the residuals
sweep = read_tail_sweep(resource("results"))
runs, reference_words = sweep["runs"], sweep["said"]
rests, missing = [], []
for run in runs:
    rests += run["test"]["rests"]
    pairs = zip(reference_words["test"], run["test"]["full"], strict=True)
    missing += [count - full for count, full in pairs]
figure, (ax,) = canvas(height=3.0)
residual_histogram(rests, [count > 0 for count in missing], tail_threshold=0.5, ax=ax)
middle = sum(0.3 < rest <= 0.7 for rest in rests)
show(
    figure,
    f"Histogram of {len(rests)} residuals with a dashed line at 0.5. Two groups: one at 0, where "
    "all words have fired, one just below 1, hatched, where a word is missing; hardly any between.",
    caption=f"Residuals of {len(rests)} transcriptions: {len(reference_words['test'])} strings, "
    f"{len(runs)} seeds. Hatched: a word of the reference has not fired. Look at how many lie near "
    "the dashed line.",
)
print(f"made by: {sweep['command']}")
print(f"residuals between 0.3 and 0.7: {middle} of {len(rests)}")

# %% [markdown] tags=["answer"]
# They form two groups, one just above 0 and one just below 1, and few lie between. The quantity
# loss of training does that: it pulls every sum towards a *whole* number, the number of words. In
# the group at the left all words have fired, and a little weight is too much. In the group at the
# right the last word is nearly complete. With *drop*, each utterance of the hatched group loses a
# word, although most of their sums are off by very little.

# %% [markdown]
# With these data you can count the errors of any τ. For each utterance you know its residual, and
# how many words are *missing*: the words in the reference less the tokens that fired without a
# tail rule. This number can be negative, when too many tokens have fired.
#
# **Exercise 05.3.** Write `lost_and_extra(missing, residuals, tail_threshold)`. It returns two
# sums over all utterances: the words that are still missing after the tail rule, and the tokens
# that are too many. A residual *above* τ fires one token.


# %% tags=["exercise"]
def lost_and_extra(missing, residuals, tail_threshold): ...  # two numbers: lost, too many


check("05.3", lost_and_extra)


# %% tags=["solution"]
def lost_and_extra(missing, residuals, tail_threshold):
    lost = extra = 0
    for count, residual in zip(missing, residuals, strict=True):
        count = count - (residual > tail_threshold)
        lost, extra = lost + max(0, count), extra + max(0, -count)
    return lost, extra


check("05.3", lost_and_extra)

# %% [markdown] tags=["hints"]
# Treat each utterance by itself, and add up at the end.
#
# The tail rule fires at most one token: it lowers `missing` by 1 if the residual is above τ.
#
# After that a positive number is lost words, and a negative one is tokens too many: `max(0, count)`
# and `max(0, -count)`.

# %% [markdown] tags=["optional"]
# ## 5. Which τ, and which rule
#
# A right number of tokens is not yet a right transcript: a token too many can also change its
# neighbours. So all strings were decoded with each τ, and their words compared with the
# reference.
#
# τ is a setting like any other. It is chosen on one set of strings, the *development set*, and
# its errors are reported on another, the *test set*. Otherwise the report would be too good: τ
# would fit the strings that it is tested on.
#
# **Predict first:** draw two curves over τ, the words deleted and the words inserted. Where do
# they cross, and how steep are they there?

# %% tags=["answer", "hide-input"]
# Figure: deletions and insertions over τ
taus = [tenths / 10 for tenths in range(1, 10)]
words_in = {split: sum(counts) for split, counts in reference_words.items()}


def percent(kind, split):
    return [
        [100 * run[split]["rules"][f"above {tau:g}"][kind] / words_in[split] for tau in taus]
        for run in runs
    ]


figure, axes = canvas(2, height=2.4)
for ax, split in zip(axes, ("dev", "test"), strict=True):
    tail_errors(taus, percent("deletions", split), percent("insertions", split), ax=ax)
    ax.set_ylabel(f"{split} set: % of words")
top = max(ax.get_ylim()[1] for ax in axes)
for ax in axes:
    ax.set_ylim(0, top)
axes[0].set_xlabel("")
show(
    figure,
    "Development set above, test set below, τ from 0.1 to 0.9. Insertions fall from "
    "several per cent of the words at 0.1 to one per cent or less at 0.4; deletions are next to "
    "none up to 0.7 and rise steeply at 0.9. Their sum is a wide, flat valley from 0.4 to 0.7.",
    caption="Words deleted and inserted over τ, both panels on one scale; thin lines are single "
    "seeds. Look at how flat the sum of both (grey) is between 0.4 and 0.7.",
)


# %% tags=["answer", "hide-input"]
# Table: the best τ of each seed, on both sets
def errors(run, split, tau):
    return total_errors(run[split]["rules"][f"above {tau:g}"])


rows = []
for run in runs:
    best = best_thresholds([run], "dev")
    on_dev = f"{errors(run, 'dev', best[0])} / {errors(run, 'dev', 0.5)}"
    on_test = f"{errors(run, 'test', best[0])} / {errors(run, 'test', 0.5)}"
    named = [
        ", ".join(f"{tau:g}" for tau in best_thresholds([run], split)) for split in reference_words
    ]
    rows.append([run["seed"], *named, on_dev, on_test])
heads = ["best τ on the development set", "best τ on the test set"]
heads += [
    f"errors on the {split} set: at the first τ of column 2 / at 0.5" for split in ("dev", "test")
]
table(["seed", *heads], rows)
print(f"words: {words_in['dev']} in the development set, {words_in['test']} in the test set")

# %% [markdown] tags=["answer"]
# On the development set they cross near 0.8, on the test set near 0.6, where both are close to
# zero. What counts is their sum (grey). It is flat between 0.4 and 0.7, since few residuals lie
# there, so it hardly matters which τ is taken from this range. On the development set only one of
# the three seeds has its best τ at 0.5, and 0.4 is as good for it; the other two are better with
# a larger one. On the test set 0.5 is the best for every seed, or as good as the best. The
# differences are about one to three words of nine hundred, less than the seeds differ. What the
# curves do say: have a tail rule, and keep τ away from both ends.

# %% [markdown]
# The other rules, on the same strings and seeds. Means ± standard deviations over three seeds:

# %% tags=["hide-input"]
# Table: errors of five rules
rows = []
for rule in ("drop", "above 0.5", "appended 0.45", "rounded", "dynamic"):
    of_rule = {split: [run[split]["rules"][rule] for run in runs] for split in reference_words}
    cells = [
        spread([100 * total_errors(one) / words_in[split] for one in of_rule[split]])
        for split in reference_words
    ]
    kinds = [
        spread([100 * one[kind] / words_in["test"] for one in of_rule["test"]])
        for kind in ("deletions", "insertions", "substitutions")
    ]
    last_lost = ", ".join(str(one["last_lost"]) for one in of_rule["test"])
    rows.append([rule, *cells, *kinds, last_lost])
heads = [f"test: {kind} %" for kind in ("deleted", "inserted", "substituted")]
heads = ["rule", "dev: errors %", "test: errors %", *heads]
table([*heads, "test strings that lose only their last word, each seed"], rows)

# %% [markdown]
# *Above 0.5*, *appended 0.45* and *rounded* are equally good: they differ only for residuals near
# 0.5, and there are few. With *drop*, 38 to 86 of the 200 test strings lose their last word and
# nothing else.
#
# *Dynamic* makes the opposite error: it rounds the number of tokens *up*, so a sum that is only a
# little too large gives a token too many. This token is not at the end; all borders move, so
# that it may be anywhere. The rule would fit weights whose sum is usually too small. The quantity
# loss of these models punishes too much and too little alike. (The paper that proposes the rule
# reports fewer errors with it, for its own models.)
#
# *At least 0.5* is not in the table: in no run did it differ from *above 0.5*, since no residual
# was exactly 0.5.

# %% [markdown]
# ## 6. Lost alone, kept in a batch
#
# [CIF-PyTorch](https://github.com/MingLunHan/CIF-PyTorch) has the rule *above 0.5*. It applies
# the rule while it goes through the frames: at the first *padded* frame of an utterance it looks
# at what has accumulated. Padded frames, the *padding*, fill up the shorter utterances of a batch.
#
# **Predict first:** an utterance of seven frames of weight 0.4 is decoded alone. Then it is
# decoded in a batch with another of nine frames of weight 0.4. How many tokens does each
# utterance get, alone and in the batch?

# %% tags=["answer", "hide-input"]
# Number of tokens, alone and in a batch
alone = torch.full((1, 7), 0.4)
batch = torch.full((2, 9), 0.4)
lengths = torch.tensor([7, 9])
cif_pytorch = DIALECTS["cif_pytorch"].contributions


def by_cifviz(alpha, lengths=None):
    frames = torch.zeros(*alpha.shape, 1)
    fired = cifviz.integrate_and_fire(
        alpha, frames, frame_lengths=lengths, slack=0.01, tail=tails.above(0.5)
    )
    return fired.num_fires.tolist()


print("CIF-PyTorch, alone:     ", cif_pytorch(alone).num_fires.tolist())
print("CIF-PyTorch, in a batch:", cif_pytorch(batch, lengths).num_fires.tolist())
print("cifviz, alone:          ", by_cifviz(alone))
print("cifviz, in a batch:     ", by_cifviz(batch, lengths))

# %% [markdown] tags=["answer"]
# The utterance of seven frames gets two tokens alone and three in the batch, although its weights
# are the same: alone it has no padded frame, so the rule is never applied. The longest utterance
# of a batch has no padded frame either. In this library an utterance gives the same tokens alone
# and in a batch.
#
# If you test such code with one sentence at a time, you never see a tail token.

# %% [markdown]
# **Exercise 05.4.** Three utterances of 7, 9 and 9 frames make a batch. Each frame weighs 0.4.
# How many tokens does CIF-PyTorch give for each? Give three numbers.

# %% tags=["exercise"]
in_a_batch = ...
check("05.4", in_a_batch)

# %% tags=["solution"]
in_a_batch = cif_pytorch(torch.full((3, 9), 0.4), torch.tensor([7, 9, 9])).num_fires.tolist()
check("05.4", in_a_batch)

# %% [markdown] tags=["hints"]
# Which of the three utterances has a padded frame?
#
# The batch is nine frames long. CIF-PyTorch applies its tail rule in the first padded frame, and
# nowhere else.
#
# 7 · 0.4 = 2.8 and 9 · 0.4 = 3.6. The short one gets its tail token, the long ones do not.

# %% [markdown]
# Here are the recordings of digits, each alone and all of them in one batch. It is solved by one
# more frame: append an empty frame to the batch, so that every utterance has padding.

# %% tags=["hide-input"]
# Table: tokens of the recordings alone, in a batch, and with one more frame
digits = [name for name in decoded_all if name.startswith("digits")]
alphas = [decoded_all[name][1].alpha[0] for name in digits]
lengths = torch.tensor([len(one) for one in alphas])
padded = torch.nn.utils.rnn.pad_sequence(alphas, batch_first=True)
one_more = torch.nn.functional.pad(padded, (0, 1))
columns = {
    "alone": [int(cif_pytorch(one[None]).num_fires) for one in alphas],
    "in a batch": cif_pytorch(padded, lengths).num_fires.tolist(),
    "with one frame more": cif_pytorch(one_more, lengths).num_fires.tolist(),
    "cifviz": by_cifviz(padded, lengths),
}
assert columns["cifviz"] == [by_cifviz(one[None])[0] for one in alphas]  # alone as in a batch
rows = zip(digits, lengths.tolist(), *columns.values(), strict=True)
table(["recording", "frames", *columns], list(rows))

# %% [markdown]
# Where the first two columns differ, the other utterances of the batch decide about a word. The
# longest recording gets no tail token in either column. (In this one case that is right: it is
# the recording of section 3 whose residual is a word too many.)

# %% [markdown]
# ## 7. In a stream
#
# A *stream* is sound that is recognised while it comes in. It comes in chunks, and a token may
# begin in one chunk and end in the next. So something has to be kept from chunk to chunk: the
# weight that has accumulated so far, and the sum of its frames. Here is the part with the weights:


# %%
def count_tokens(chunks):
    counts, held = [], 0.0
    for chunk in chunks:
        total = held + sum(chunk)
        counts.append(math.floor(total))
        held = total - math.floor(total)
    return counts


print(count_tokens([[0.75, 0.75], [0.75], [0.25, 0.25]]))

# %% [markdown]
# The weights sum to 3 · 0.75 + 2 · 0.25 = 2.75, and two tokens have fired. The residual of 0.75 is
# held for the next chunk. But there is no next chunk, and the function cannot know that: somebody
# has to say that the stream has ended. This is called a *flush*.
#
# **Exercise 05.5.** Change the function: `stream(chunks, tail_threshold)` returns one more
# number, for the end of the stream. It is 1 if the weight that is held then is above τ, else 0.


# %% tags=["exercise"]
def stream(chunks, tail_threshold): ...  # start from count_tokens


check("05.5", stream)


# %% tags=["solution"]
def stream(chunks, tail_threshold):
    counts, held = [], 0.0
    for chunk in chunks:
        total = held + sum(chunk)
        counts.append(math.floor(total))
        held = total - math.floor(total)
    return [*counts, int(held > tail_threshold)]  # once, after the last chunk


check("05.5", stream)

# %% [markdown] tags=["hints"]
# When does the stream end? Only then may the tail rule be applied.
#
# `held` after the last chunk is the residual of the whole stream.
#
# After the loop, append 1 if `held` is above the threshold, and 0 if not.

# %% [markdown] tags=["optional"]
# ## 8. The stream of the library
#
# `CIFState` does this with frames and batches. `feed` takes a chunk and returns the tokens that
# were completed in it and the next *state*, which holds what has to be kept. `flush` ends the
# utterance.
#
# **Predict first:** a real utterance is cut into chunks at random places. Do the tokens depend on
# where it was cut?


# %% tags=["answer"]
# A recording in random chunks, then in chunks of fixed lengths
def feed_all(weights, pieces, tau):
    frames = torch.eye(weights.shape[1])[None]  # with the identity as frames, tokens are rows of W
    state, parts, rows = cifviz.CIFState.start(1, weights.shape[1], slack=0.01), [], []
    for chunk, part in zip(weights.split(pieces, dim=1), frames.split(pieces, dim=1), strict=True):
        fired, state = state.feed(chunk, part)
        parts.append(fired)
        rows.append([chunk.shape[1], int(fired.num_fires), f"{float(state.residual):.2f}"])
    fired, state = state.flush(tails.above(tau))
    rows.append(["flush", int(fired.num_fires), f"{float(state.residual):.2f}"])
    return Fired.join([*parts, fired]), rows


# %% tags=["answer", "hide-input"]
# Table: tokens of each chunk; and the tokens in chunks of other lengths, compared with the whole
def cut(frames, rng):
    places = sorted(rng.sample(range(1, frames), 6))
    return [end - start for start, end in zip([0, *places], [*places, frames], strict=True)]


rng = random.Random(seed)
weights = speech.alpha[None]
joined, rows = feed_all(weights, cut(weights.shape[1], rng), tail_threshold)
table(["frames in the chunk", "tokens", "held afterwards"], rows)
for name in [recording] if fast else list(utterances):
    weights = utterances[name].alpha[None]
    whole = cifviz.integrate_and_fire(
        weights, torch.eye(weights.shape[1])[None], slack=0.01, tail=tails.above(tail_threshold)
    )
    for pieces in (1, 7, 25, 1000, cut(weights.shape[1], rng)):
        joined, _ = feed_all(weights, pieces, tail_threshold)
        assert_close(joined.embeddings, whole.embeddings, rtol=0, atol=1e-5)
        assert_close(joined.fire_positions, whole.fire_positions)
    print(f"{name}: {int(whole.num_fires)} tokens, with chunks of any length")

# %% [markdown] tags=["answer"]
# They don't. In chunks of one frame, of seven, of 25, and at random places the tokens are those
# of the whole utterance. (The weights here are those of the whole recording. In a real stream the
# encoder must not look at frames that have not come yet, either.)

# %% [markdown]
# And if nobody calls `flush`?

# %%
unfired = [name for name, residual in residuals.items() if residual > tail_threshold]
lost = sum(is_short[name] for name in unfired)
print(f"{len(unfired)} of {len(residuals)} recordings have a residual above {tail_threshold}:")
print(*unfired, sep=", ")
print(f"a word is missing in {lost} of them")

# %% [markdown]
# This happens in practice. A pull request to sherpa-onnx of March 2026
# ([#3282](https://github.com/k2-fsa/sherpa-onnx/pull/3282)) says that its streaming Paraformer
# never flushes the weight that is left, and that it drops a short last chunk, so that the last
# words are missing. It proposes to fire a residual from 0.6 on. It was closed without being
# merged.

# %% [markdown]
# **Exercise 05.6.** Stream the embeddings, too. `stream_embeddings(weights, frames)` gets two lists
# with one entry for each chunk: its weights, and its frames, each a vector of length one and so
# just a number. For each chunk it returns the list of embeddings of the tokens that are completed
# in it. Nothing is flushed. What has to be kept from one chunk to the next besides the weight?


# %% tags=["exercise"]
def stream_embeddings(weights, frames): ...


check("05.6", stream_embeddings)


# %% tags=["solution"]
def stream_embeddings(weights, frames):
    held, begun, embeddings = 0.0, 0.0, []
    for some, of_them in zip(weights, frames, strict=True):
        completed = []
        for weight, frame in zip(some, of_them, strict=True):
            while held + weight >= 1:
                completed.append(begun + (1 - held) * frame)
                weight, held, begun = held + weight - 1, 0.0, 0.0
            held, begun = held + weight, begun + weight * frame
        embeddings.append(completed)
    return embeddings


check("05.6", stream_embeddings)

# %% [markdown] tags=["hints"]
# It is the loop of lesson 01, and two numbers are set to 0 once, before the first chunk.
#
# Keep the weight that is held, and the sum of weight times frame of the token that has begun.
#
# A frame that completes a token gives it only what is missing to 1. The rest of its weight begins
# the next token, or completes that as well.

# %% [markdown] tags=["optional"]
# ## 9. Phrases: the rule at every pause
#
# A long recording has one end and many words. Errors of the weights add up over the words, and no
# rule at the end can correct them. The shipped models therefore do more. At a *pause* between
# words no word can be half spoken. So the weights between two pauses, a *phrase*, are scaled to a
# whole number of tokens before anything fires. This is called *pause rounding*. By hand, with two
# frames of silence for a pause:

# %%
alpha = torch.tensor([[0.5, 0.4, 0.0, 0.0, 0.7, 0.8, 0.7, 0.0, 0.0, 0.3]])
phrases = [slice(0, 4), slice(4, 9), slice(9, 10)]
rows = [["as given", *(f"{float(alpha[0, phrase].sum()):.1f}" for phrase in phrases)]]
for rule in (tails.above(0.5), tails.above(0.25), tails.drop):
    whole = round_at_pauses(alpha, torch.tensor([10]), pause_frames=2, tail=rule)[0]
    rows.append([str(rule), *(f"{float(whole[phrase].sum()):.1f}" for phrase in phrases)])
table(["sum of the weights", "first phrase", "second", "third"], rows)

# %% [markdown]
# The tail rule now decides at *every* pause whether the residual of a phrase becomes a token. At
# the end of the utterance nothing is left to decide, since the sum is a whole number.
#
# **Predict first:** what does such a model lose if its tail rule is *drop*? The last word of the
# utterance, as in section 1?

# %% tags=["answer", "hide-input"]
# Table: four clips as shipped, and with every phrase rounded down
recognizer = cifviz.load_model("digits")
shipped = recognizer.cif.config
names = ("digits_pause", "digits_slow", "digits_fast", "digits_repeated")
clips = [cifviz.load_clip(name) for name in names]
rows = []
for one in clips:
    recognizer.cif.config = shipped
    as_shipped = recognizer.transcribe(one.waveform)
    recognizer.cif.config = replace(shipped, apply_tail_handling=False)
    down = recognizer.transcribe(one.waveform)
    held = f"{abs(float(as_shipped.firing.residual)):.2f}"
    rows.append([" ".join(one.tokens), held, " ".join(as_shipped.tokens), " ".join(down.tokens)])
table(["reference", "residual at the end", "as shipped", "each phrase rounded down"], rows)

# %% [markdown] tags=["answer"]
# It loses words anywhere, not the last ones. When a phrase is rounded down, all its weights are
# scaled down, its borders move, and two words share a token.

# %% [markdown]
# So the rule matters more than before: it decides about a word in each phrase. What is gained?
# Three plain CIFs decoded five minutes of digits, with one rule at the end; then the same three
# with pause rounding.

# %% tags=["hide-input"]
# Errors on five minutes of digits, with and without pause rounding
published = read_results(resource("results"))
for variant, title in (("plain", "a rule at the end"), ("pauses", "pause rounding")):
    rates = [
        100 * one["joined"]["token_error_rate"]
        for one in published
        if one["recipe"] == "digits" and one["variant"] == variant and not one["leave_out"]
    ]
    print(f"{title:18} {spread(rates, '%')} of the words wrong")

# %% [markdown]
# There is a price. A phrase must have ended before its first token can fire, so a stream has to
# wait for each pause. And where people do not pause, there is one long phrase.

# %% tags=["hide-input"]
# Numbers kept
in_batch, by_itself = ("".join(map(str, columns[name])) for name in ("in a batch", "alone"))
record(
    text=" ".join(found.tokens),
    rescued=" ".join(rescued.tokens),
    hand=" ".join(str(len(rule(2.8))) for rule in rules.values()),
    recording_tokens=" ".join(str(len(decoded)) for decoded in words.values()),
    recordings_cut_short=sum(is_short.values()),
    residuals_between_the_groups=middle,
    tokens_in_a_batch=in_batch,
    tokens_alone=by_itself,
    streamed=int(joined.num_fires[0]),
    best_on_dev=" ".join(f"{tau:g}" for tau in best_thresholds(runs, "dev")),
)
record(
    residual=found.firing.residual,
    largest_residual_complete=highest,
    smallest_residual_incomplete=lowest,
    tolerance=0.005,
)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary(
    "flush",
    "mass axis",
    "padding",
    "pause rounding",
    "quantity loss",
    "residual",
    "slack",
    "stream",
    "tail",
    "tail rule",
    "tail threshold",
    "weight sum",
)

# %% [markdown]
# ## On your own
#
# - Section 3 ends with two residuals, and any τ between them is right on all twelve recordings.
#   Would you use such a τ for other speakers? What would you want to know first?
# - Set `clip = "digits_four"` and `clip_model = "digits"`. No word is lost. Why not?
# - In section 1, set τ to 0.1 with a clip whose residual is about 0.2. Which word does the
#   decoder give for it, and which frames is it made of?
# - Program a rule of your own: fire the residual if the *last frame that is not silent* has a
#   large weight. Does it make fewer errors than τ = 0.5 on the recordings?
# - Write a bug report to CIF-PyTorch: what to run, what comes out, what should come out.

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *A τ between the two residuals.* Not without more speech. Twelve recordings can hardly tell a
#   good τ from a lucky one. You would want to know the residuals of a few hundred utterances of
#   other speakers, and choose on one part of them and report on another.
# - *No word lost.* The sum is a little above four, so the last word fires by itself, and what is
#   left is next to nothing.
# - *τ = 0.1.* The token is made of the frames after the last fire: the end of the last word, and
#   silence. The decoder has to name a word for it, often the last one once more.
# - *The last frame that is not silent.* Its weight says little: on these recordings it is about as
#   large where a word is missing as where none is. A word ends with small weights either way. How
#   much has accumulated says more.
# - *A bug report.* Run the weights of section 6: seven frames alone, then beside an utterance of
#   nine frames. What comes out: 2 tokens alone, 3 in the batch. What should: the same number both
#   times. Where: the tail rule is applied in the first padded frame, and alone there is none.

# %% [markdown]
# ## In practice
#
# - CIF-PyTorch and CIF-HieraDist fire a residual above τ, divided by itself, in the first padded
#   frame. CIF-PyTorch's README suggests τ = 0.5; CIF-HieraDist recognises with 0.4. There every
#   reference ends with an end-of-sentence token, so what is lost is often this token and no word.
# - torch_cif fires a residual of τ or more, and needs no padded frame.
# - FunASR and WeNet append a frame of zeros of weight 0.45 and round down: a residual fires from
#   0.55 on, and the last token is not scaled. In a stream, FunASR appends it to the last chunk.
# - w2v-cif-bert and FunASR's E-Paraformer scale to the nearest whole sum in inference too, which
#   leaves no residual and moves every border.
# - FunASR does not implement the dynamic threshold of Paraformer's paper.
# - Users notice: *the last character is often missing* is a report about streaming Paraformer
#   ([sherpa-onnx #1373](https://github.com/k2-fsa/sherpa-onnx/issues/1373)), whatever its cause
#   was there.

# %% [markdown]
# ## Further reading
#
# - [cifviz/core/tail.py](../cifviz/core/tail.py): all rules, most of them one line long.
# - [The residual at the end](../docs/alignment.md): the whole table from which sections 4 and 5
#   take their numbers, every τ with three seeds.
# - L. Dong and B. Xu, [CIF](https://arxiv.org/abs/1905.11235), ICASSP 2020: the mechanism, and
#   why the end of an utterance needs a rule of its own.
# - Z. Gao et al., [Paraformer](https://arxiv.org/abs/2206.08317), Interspeech 2022: the dynamic
#   threshold, proposed because training scales the weights and inference does not.
# - sherpa-onnx, pull request [#3282](https://github.com/k2-fsa/sherpa-onnx/pull/3282): what it
#   takes to add a flush to a streaming recogniser, and what happens to a short last chunk.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 10 min: section 1 with the sound on. Let the class write down the sentence, then show the
#   hypothesis. Collect guesses where the word was lost before you open the figure.
# - 20 min: section 2 at the board. One mass axis, six lanes, S = 2.8. Then 05.1 and 05.2 on
#   paper, in pairs.
# - 15 min: section 3. Everybody takes another recording; find those for which τ = 0.5 is wrong,
#   or nearly so. Move τ.
# - 15 min: sections 4 and 5. Let them sketch the histogram first. Talk about development and test
#   sets, and about how much three words are. 05.3 for those who are quick.
# - 10 min: section 6. Ask for the number of tokens by show of hands before running it; then 05.4.
# - 15 min: sections 7 and 8. Write 05.5, then cut the stream at places that they name.
# - 5 min: section 9, as an outlook.
#
# ### Likely questions
#
# - *Why not simply train the sum to be right?* The quantity loss does that: sums are close to
#   whole numbers, and residuals to 0 or 1. The sum cannot be exact, since it is a real number
#   computed from noisy sound.
# - *Why divide the residual by itself?* In training the contributions to every token sum to 1.
#   The decoder has never seen a vector of half the length.
# - *Why is 0.5 the usual value if it is not the best?* It lies between the two groups of
#   residuals, and rounds to the nearest number. Since few residuals lie there, which value is the
#   best in this range is chance.
# - *Does slack make the tail rule superfluous?* A slack of 0.5 fires as many tokens as a τ of
#   0.5, but it moves all borders to earlier frames; lesson 07.
# - *What if a sentence ends in noise?* Noise adds weight, and a residual above τ becomes a word
#   that nobody spoke. A tail rule cannot know that.
# - *Did nobody notice that CIF-PyTorch needs a padded frame?* In CIF-HieraDist, which is built on
#   it, every reference ends with an end-of-sentence token, so mostly this token is lost. Without
#   it, it is a word.
#
# ### Usual misconceptions
#
# - *0.45 appended is a tail threshold of 0.45.* It is one of 0.55: residual and 0.45 must make 1.
# - *A lost last word was not recognised.* Its weights and frames are there; it did not fire.
# - *The dynamic threshold is the same as rounding.* It always rounds up.
# - *Scaling at the end changes only the last token.* It moves every border of the utterance.
# - *What works on one sentence works in a batch.* With CIF-PyTorch the longest utterance of a
#   batch, and a sentence alone, never get a tail token.
# - *A chunk is an utterance.* A flush after each chunk cuts words in two.
