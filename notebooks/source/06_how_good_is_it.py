# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # Measure how far a fire is from a word's edge
#
# **What you'll do:** compute the edges of words from the weights of a CIF, at its fires and at
# better places, by hand and on recordings of people, and compare them with those of CTC and
# attention.
#
# **What you'll learn**
#
# - *compute* how far a small error of the weights moves a time
# - *judge* an alignment by signed and absolute errors, constant shifts and tolerances
# - *read* the edges of a word inside the word, between cuts in the valleys of the weights
# - *predict* what happens to fires when speech goes on for minutes
# - *tell* where a CIF, CTC and attention fail
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb), a little Python. No network, no GPU.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [05 Decide what happens to the residual](05_tail_handling.ipynb) · Next: [07 Compare
# what code bases mean by a threshold](07_thresholds_and_dialects.ipynb)

# %% tags=["hide-input"]
# Imports
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import torch
from torch.testing import assert_close

import cifviz
from cifviz.alignment.mass_times import mass_times, seconds_per_token
from cifviz.core.pause_rounding import round_at_pauses
from cifviz.core.tail import above
from cifviz.core.valley_segmentation import segment_ends
from cifviz.course import (
    Slider,
    canvas,
    check,
    count_frames,
    glossary,
    live_figure,
    name_words,
    play,
    play_all,
    record,
    show,
    table,
)
from cifviz.metrics import best_shift, edge_errors, share_within, spread
from cifviz.plot import STYLE, edge_panel, fires, token_rows, token_spans, token_style, weights
from cifviz.plot.geometry import mass_curve
from cifviz.published import read_results, read_robustness_comparison, verdict
from cifviz.resources import resource

# %% tags=["parameters"]
seed = 0  # of the words that weigh too much or too little in section 8
fast = True  # False: ten times as many of them
recording = "digits_jackson_pauses"  # one of cifviz.list_recordings() that begins with digits
clip = "digits_three"  # a name in cifviz.list_clips(), for sections 7 and 9
listen = False  # True: play the recording; its sound must be on this machine

# %% [markdown]
# ## 1. By hand: one fire, two edges
#
# An alignment says when each word begins and ends. Subtitles, search in recordings and the study of
# speech need it. A CIF seems to give it for nothing: each token has a fire, and a fire has a time.
# This lesson measures how good these times are, finds out why they are not good, and makes them
# better without any training.
#
# Begin with six frames. Somebody says “one two”: “one” in frames 0 and 1, “two” in frames 4 and 5,
# and nothing in between. The recogniser gives the frames the weights α = (0.5, 0.4, 0.05, 0.05,
# 0.5, 0.5). The function below gives the position at which the sum of the weights reaches a given
# mass, in frames from the beginning:


# %%
def time_of(mass, alpha):
    """Where the sum of the weights reaches a mass, in frames; within a frame it grows evenly."""
    before = 0.0
    for frame, weight in enumerate(alpha):
        if weight > 0 and before + weight >= mass - 1e-9:
            return frame + (mass - before) / weight
        before += weight
    return float(len(alpha))


# %% [markdown]
# **Predict first:** where are the two fires? If you take fires for edges of words, when does “one”
# end, and when does “two” begin?

# %% tags=["answer", "hide-input"]
# The fires, by hand and by the library
six = [0.5, 0.4, 0.05, 0.05, 0.5, 0.5]
firing = cifviz.integrate_and_fire(torch.tensor([six]).double(), torch.eye(6)[None])
by_hand = [time_of(mass, six) for mass in (1.0, 2.0)]
assert_close(by_hand, firing.fire_positions[0].tolist(), rtol=0, atol=1e-6)
print("fires at", ", ".join(f"{position:.2f}" for position in by_hand), "frames")

# %% [markdown] tags=["answer"]
# At 4 and at 6. By the fire at 4, “one” ends at 4, and “two” begins at 4. The beginning is right.
# But “one” ended at 2.

# %% [markdown]
# One fire has to say two things: that a word has ended and that the next one begins. Where there is
# a gap between the words, these are two different times. The fire may be anywhere in the gap, and
# its two errors always add up to the length of the gap. This is the first reason why fires are poor
# edges. No training helps against it.
#
# There is a second reason.
#
# **Exercise 06.1.** Let frame 1 weigh 0.44 in place of 0.4, a tenth more. By how many frames does
# the first fire move? A minus sign means earlier.

# %% tags=["exercise"]
moves_by = ...
check("06.1", moves_by)

# %% tags=["solution"]
moves_by = 3.2 - 4.0  # 0.94 after frame 1, 0.99 after frame 2, and 0.01 of frame 3's 0.05
check("06.1", moves_by)

# %% [markdown] tags=["hints"]
# Add up the weights again, with 0.44 in place of 0.4: in which frame does the sum reach 1 now?
#
# After frames 0 and 1 it is 0.94, after frame 2 it is 0.99. So 0.01 of frame 3 is needed.
#
# The new position is 3 + 0.01 / 0.05. Subtract the old one, 4.

# %% [markdown]
# An error of 0.04 in a weight moved a time by 0.8 frames: twenty times as much. Twenty is 1/0.05,
# one over the weight of the frame in which it fires. In each frame the sum grows by α. So to gain a
# little more mass dm, the time has to go on by
#
# ```text
# dt = dm / α
# ```
#
# 1/α is the *condition number* of a time that is computed from mass: how many times larger the
# error of the time is. In the next figure you can move the mass at which the time is read. The
# bands show what an error of ±0.04 tokens does to it.
#
# **Predict first:** at which masses is the error of the time smallest?


# %% tags=["hide-input"]
# What the slider draws
def draw_reading(ax, *, mass):
    line = mass_curve(firing, cifviz.FrameGrid(1.0))
    early, late = time_of(max(mass - 0.04, 0.0), six), time_of(mass + 0.04, six)
    ax.plot(line.seconds, line.level, color=STYLE["fire"])
    ax.axhspan(mass - 0.04, mass + 0.04, color=token_style(0).colour, alpha=0.6)
    ax.axvspan(early, late, color=STYLE["weight"], alpha=0.3)
    ax.set(xlim=(0, 6), ylim=(0, 2.1), ylabel="mass (tokens)")
    count_frames(ax, 6)
    return f"{early:.2f} to {late:.2f} frames, {(late - early) / 0.08:.1f} frames per token"


# %% tags=["answer", "hide-input"]
# Figure with a slider: mass, and the time at which it is reached
live_figure(
    draw_reading,
    mass=Slider(0.04, 1.96, 0.04, 0.48),
    static=[{"mass": mass} for mass in (0.48, 0.96, 1.52)],
    height=1.9,
    alt="The running sum of the six weights: steep in the words, flat between them. A horizontal "
    "band of 0.08 tokens meets it, and a vertical band shows the times that it reaches: narrow at "
    "masses 0.48 and 1.52, inside the words; 1.6 frames wide at 0.96, in the gap.",
    caption="The sum of the six weights over time. Horizontal band: a mass ± 0.04 tokens; vertical "
    "band: the times at which the sum is in it. Compare how wide the vertical bands are.",
)

# %% [markdown] tags=["answer"]
# Inside the words, near 0.5 and 1.5. There the sum is steep, and an error of mass hardly moves the
# time. Between the words it is nearly flat, and that is where the fires are. So a recogniser that
# is right about the weight of each word to some hundredths of a token can have a time that is wrong
# by the whole gap.

# %% [markdown]
# ## 2. On real speech
#
# Now a recording of a person. The project does not contain its sound, but the features that the
# recogniser gets and the times of the words. (If you have the sound, set `listen = True` in the
# cell of parameters.)

# %%
torch.set_num_threads(1)  # small models: several threads would only wait for each other
speech = cifviz.load_recording(recording)
recognizer = cifviz.load_model(speech.model)
found = recognizer.transcribe_features(speech.log_mel, duration=speech.duration)
print(f"reference:  {speech.words.text}")
print(f"hypothesis: {found.text}")
print(f"{speech.attribution} ({speech.licence})")
if listen:
    play(speech.waveform(), f"The recording {recording}")

# %% tags=["hide-input"]
# Figure: the weights, and the words of the reference, with the fires in both
figure, (upper, lower) = canvas(2, height=1.7)
weights(found.firing, found.grid, ax=upper)
token_spans(speech.words, ax=lower, facecolor=STYLE["neutral"], hatch="")
for ax in (upper, lower):
    fires(found.firing, found.grid, ax=ax)
upper.set_xlabel("")
lower.set_ylabel("reference")
show(
    figure,
    "Above, the weights of the recording over time, high in words and next to nothing between "
    "them, with a line at each fire. Below, the words of the reference, in grey, and the same "
    "lines: a fire stands at the end of a word, or somewhere in the pause after it.",
    caption="Above, the weights (blue: those that fire; this model rounds each phrase, see section "
    "8); below, the words of the reference. Lines with ▼ are fires. For each fire, look for the "
    "nearest edge of a word.",
)

# %% [markdown]
# **Predict first:** where words touch, is a fire close to both edges? And where there is a pause?

# %% tags=["answer", "hide-input"]
# Table: how late the fires are, for each word
fire_times = found.grid.seconds(found.firing.fire_positions[0]).tolist()
rows = []
for index, word in enumerate(speech.words.tokens[: len(fire_times)]):
    onset = fire_times[index - 1] if index else 0.0
    offset = fire_times[index]
    late = [f"{1000 * (onset - word.start):+.0f}", f"{1000 * (offset - word.end):+.0f}"]
    rows.append([word.token, f"{word.start:.2f}", f"{word.end:.2f}", *late])
heads = ["the fire before it, less its start, ms", "its fire, less its end, ms"]
table(["word", "starts at, s", "ends at, s", *heads], rows)

# %% [markdown] tags=["answer"]
# Plus means late, minus early. Where words touch, a fire is close to both edges. At a pause it is
# wrong on at least one side. Before the first word there is no fire, so its start is taken to be
# the beginning of the sound.

# %% [markdown]
# ## 3. How wrong is that?
#
# To compare alignments, one wants a single number. Let an error be the time in the hypothesis less
# the time in the reference.
#
# - The *signed mean* of the errors says whether edges are early or late on the whole. It does not
#   say how far off they are, since early and late errors cancel.
# - The *mean absolute error* says how far off they are.
# - If all edges are late by about the same time, this can be corrected: subtract a constant. Which
#   one?
#
# **Exercise 06.2.** Five edges have errors of −40, −30, −20, −10 and +100 ms. Give three numbers in
# ms: the signed mean, the mean absolute error, and the constant that has to be added to all edges
# so that the mean absolute error is smallest. (If you know no rule for the third, try some
# constants.)

# %% tags=["exercise"]
three_numbers = ...
check("06.2", three_numbers)

# %% tags=["solution"]
three_numbers = [0, 40, 20]  # the constant removes the median, −20, not the mean
check("06.2", three_numbers)

# %% [markdown] tags=["hints"]
# Three different questions: on average with signs, on average without signs, and which shift is
# best.
#
# Mean with signs: add up, divide by five. Without signs: add up 40, 30, 20, 10 and 100, divide by
# five.
#
# The sum of absolute errors is smallest if as many errors are above 0 as below: shift the middle
# one to 0.

# %% [markdown]
# A signed mean of 0, and a mean absolute error of 40 ms: a signed mean alone says little. And one
# bad edge changes the mean much, but not the median. The library computes all of them:

# %%
five = np.array([-0.04, -0.03, -0.02, -0.01, 0.1])  # seconds
print(edge_errors(five))
print(f"constant: {1000 * best_shift(five):+.0f} ms")

# %% [markdown]
# Now all recordings of digits. If the hypothesis has another number of words than the reference, it
# is not clear which edge belongs to which word. Such recordings are left out, and counted.

# %% tags=["hide-input"]
# Transcribe all recordings of digits, and compute the errors of their edges
names = [name for name in cifviz.list_recordings() if name.startswith("digits")]
kept, pairs = [], []
for name in names:
    one = cifviz.load_recording(name)
    result = recognizer.transcribe_features(one.log_mel, duration=one.duration)
    if len(result.tokens) == len(one.words):
        kept.append(name)
        pairs.append((result, one.words))
print(f"{len(pairs)} of {len(names)} recordings")


def errors_of(edges, pairs):
    """Hypothesis less reference, in seconds: a row for each word, its onset and its offset."""
    read = [torch.stack(edges.read(one.firing, one.grid), dim=1) for one, _ in pairs]
    reference = np.array([span for _, words in pairs for span in words.spans])
    return torch.cat(read).numpy() - reference


def judged(errors):
    """Mean absolute error in ms, and the share within 50 ms in %."""
    absolute = 1000 * edge_errors(errors.ravel())["mean_absolute"]
    return [f"{absolute:.0f}", f"{100 * share_within(errors.ravel(), 0.05):.0f}"]


# %% tags=["hide-input"]
# Table: errors at fires, as they are and with constants
at_fires = cifviz.Edges(onset_quantile=0.0, offset_quantile=1.0, cut="fires")
errors = errors_of(at_fires, pairs)
shifts = np.array([best_shift(column) for column in errors.T])
rows = [["fires", *judged(errors)], ["fires, with constants", *judged(errors + shifts)]]
table(["edges", "mean absolute error, ms", "within 50 ms, %"], rows)

# %% [markdown]
# The constants, one for starts and one for ends, were learned from the same words that they are
# judged by. So this is the best that constants can do for fires here. They help little, since the
# errors differ from word to word. (There may even be fewer edges within 50 ms: a constant that
# corrects a few large errors adds to many small ones.)

# %% [markdown]
# ## 4. Read inside the word
#
# A time is read badly at a fire, and well inside a word. So read it inside. Take a *quantile* of
# the weight of a token: the time at which, say, 10 % of its weight has come is near its start, and
# the time at which all but 10 % has come is near its end.
#
# **Predict first:** the next figure shows the times of a quantile, with bars for what ±0.05 tokens
# do to them. For which quantiles will the bars be short: 10 %, 50 %, 100 %?


# %% tags=["hide-input"]
# What the slider draws
total = float(found.firing.scaled_alpha.sum())


def draw_quantile(ax, *, quantile):
    masses = np.arange(len(found.tokens)) + quantile  # a token takes 1
    early, at, late = (
        mass_times(found.firing, found.grid, (masses + error).clip(0, total))
        for error in (-0.05, 0.0, 0.05)
    )
    weights(found.firing, found.grid, ax=ax)
    ax.get_legend().remove()
    top = 1.2 * float(found.firing.scaled_alpha.max())
    look = {"fmt": "o", "color": token_style(2).colour, "ecolor": STYLE["fire"], "capsize": 3}
    ax.errorbar(at, np.full(len(at), 0.93 * top), xerr=(at - early, late - at), **look)
    ax.set(ylim=(0, top), xlim=(0, speech.duration))
    name_words(ax, speech.words)
    return f"the longest bar is {1000 * (late - early).max():.0f} ms"


# %% tags=["answer", "hide-input"]
# Figure with a slider: the times of a quantile, and what an error of mass does to them
live_figure(
    draw_quantile,
    quantile=Slider(0.0, 1.0, 0.05, 0.5),
    static=[{"quantile": quantile} for quantile in (0.1, 0.5, 1.0)],
    height=1.8,
    alt="The weights of the recording, three times. A dot for each token shows where 10 %, half or "
    "all of its weight has come. The bars around the dots, what 0.05 tokens more or less "
    "would do, are short inside the words; at the fires before a pause they span the pause.",
    caption="Weights of the recording. Dots: where the given share of a token's weight has come; "
    "bars: the same with 0.05 tokens more or less. Compare the bars at 1 (the fires) with those at "
    "0.5.",
)

# %% [markdown] tags=["answer"]
# For 10 % and 50 % they are short, since these times lie in words. At 100 %, which is the fire,
# some bars are as long as the pause.

# %% [markdown]
# A quantile lies *inside* the word, so a constant has to be added to get to the edge. But this
# constant is about the same for all words, and so it can be learned.

# %% [markdown]
# ## 5. Cut in the valleys
#
# One question remains: a quantile of *which* weight? The weight between two fires belongs to a
# token by definition, but a part of it may have come from the word before. Then all quantiles of
# the token are too early. In the next example the first word (frames 0 to 2) weighs 0.5 + 0.5 +
# 0.25 = 1.25, and the second one (frames 4 and 5) 0.5 + 0.25 = 0.75:

# %% tags=["hide-input"]
# Table: weights and contributions of two words that do not weigh 1
uneven = torch.tensor([[0.5, 0.5, 0.25, 0.0, 0.5, 0.25]]).double()
two = cifviz.integrate_and_fire(uneven, torch.eye(6)[None])
table(
    ["", *(f"frame {t}" for t in range(6))],
    [
        ["α", *uneven[0].tolist()],
        ["contribution to token 0", *two.contributions[0, 0].tolist()],
        ["contribution to token 1", *two.contributions[0, 1].tolist()],
    ],
)

# %% [markdown]
# Token 1 gets the last frame of the first word. The number of tokens is right, but the border is in
# the wrong place. So cut the frames anew: keep the number of tokens, try all ways to cut between
# frames, and take the one of the lowest cost. The cost of a cut is high if the weights on both
# sides of it are high. The cost of a token is high if its weight is far from 1.


# %%
def best_cuts(alpha, tokens):
    """Positions between frames at which so many tokens are cut with the lowest cost."""
    mass = [weight * tokens / sum(alpha) for weight in alpha]

    def cost(cuts):
        ends = [0, *cuts, len(alpha)]
        wrong = [(sum(mass[a:b]) - 1) ** 2 for a, b in pairwise(ends)]
        low = [min(alpha[cut - 1], alpha[cut]) / max(alpha) for cut in cuts]
        return sum(wrong) + sum(low)

    return min(combinations(range(1, len(alpha)), tokens - 1), key=cost)


# %% [markdown]
# **Predict first:** after which frame is the cut?

# %% tags=["answer", "hide-input"]
# The cut, by hand and by the library
cuts = best_cuts(uneven[0].tolist(), 2)
before = float(uneven[0, : cuts[0]].sum())
assert_close([before, 2.0], segment_ends(two).tolist())
print(f"after frame {cuts[0] - 1}: the first word weighs {before}")

# %% [markdown] tags=["answer"]
# After frame 2 or 3: between them there is no difference in weight, and the code takes the first.
# It is the *valley* of the weights. The library does the same by dynamic programming, near the
# fires alone, for utterances of any length
# ([valley_segmentation.py](../cifviz/core/valley_segmentation.py)). If a token weighs too much,
# this no longer moves the next one.

# %% [markdown]
# **Exercise 06.3.** Write `read_inside(alpha, first, last, share)`. Two cuts say that the frames
# from `first` up to but without `last` belong to one token. At which position, in frames of the
# whole utterance, has the given share of *its* weight come? `time_of` may help.


# %% tags=["exercise"]
def read_inside(alpha, first, last, share): ...  # a position in frames


check("06.3", read_inside)


# %% tags=["solution"]
def read_inside(alpha, first, last, share):
    token = alpha[first:last]
    return first + time_of(share * sum(token), token)


check("06.3", read_inside)

# %% [markdown] tags=["hints"]
# “Share” means a share of the weight of this token, not of 1.
#
# Cut out `alpha[first:last]`. Which mass is the given share of its sum?
#
# `time_of(share * sum(token), token)` counts from the first frame of the token. Positions count
# from the beginning of the utterance.

# %% [markdown]
# ## 6. How much better is it?
#
# The next figure reads all recordings of digits at *every* quantile, between fires and between
# valleys. Its lowest lane has the median of 1/α.
#
# **Predict first:** at which quantiles is 1/α large? For which quantile will the error of the
# starts be smallest, and for which that of the ends?

# %% tags=["answer", "hide-input"]
# Figure: errors of edges over the quantile at which they are read
shown = kept.index(recording) if recording in kept else 0
picture = edge_panel([one for one, _ in pairs], [words for _, words in pairs], show=shown).fig
show(
    picture,
    picture.alt,
    caption="Top: one recording. Below: errors of starts and ends over the quantile, between fires "
    "and between valleys, with constants; lowest lane: 1/α. Look for the lowest point of each "
    "curve.",
)

# %% [markdown] tags=["answer"]
# 1/α is largest at both ends of a token's weight, where the fires are. The error of starts is
# smallest near the beginning of the weight, that of ends near its end. At the outermost quantiles,
# 0 for starts and 1 for ends, the errors are larger again: much for all starts and for ends at
# fires, a little for ends at valleys. Towards the other side they grow, too, although 1/α does not:
# a time far from the edge says less about it, since words differ in length. At their best, tokens
# cut in valleys are better than tokens cut at fires: none of their weight is of the word before.

# %% [markdown]
# Two quantiles, two constants and the way to cut are an `Edges` object. Each shipped model has one
# that was learned on other recordings, the *development set*, which is kept for such choices. Here
# are four kinds of edges on the same words:

# %% tags=["hide-input"]
# Table: errors of four kinds of edges
kinds = {
    "fires": (at_fires, True),
    "10 and 90 % of the weight between fires": (cifviz.Edges(0.1, 0.9, cut="fires"), True),
    "2 and 98 % of the weight between valleys": (cifviz.Edges(0.02, 0.98), True),
    "of the shipped model": (recognizer.config.edges, False),
}
rows, absolute = [], {}
for name, (edges, shifted) in kinds.items():
    errors = errors_of(edges, pairs)
    if shifted:
        errors = errors + np.array([best_shift(column) for column in errors.T])
    absolute[name] = 1000 * edge_errors(errors.ravel())["mean_absolute"]
    rows.append([name, "these words" if shifted else "development set", *judged(errors)])
table(["edges", "constants learned on", "mean absolute error, ms", "within 50 ms, %"], rows)
print(recognizer.config.edges)

# %% [markdown]
# Read inside the word, the errors are about a third of those at fires, and nothing was trained for
# it.
#
# The number of the first row is not reliable. This model rounds each *phrase*, the words between
# two pauses, to whole tokens (section 8). So at the end of a phrase the sum of the weights is a
# whole number, and it *stays* there until the next word begins: in exact arithmetic the token is
# full at every moment of the pause, and 1/α is infinite. In a computer the last digit of the sum
# decides whether the fire is before the pause or after it.
#
# **Predict first:** each weight is changed by a millionth of itself at most. By how many
# milliseconds does the mean absolute error change, at fires and inside the words?

# %% tags=["answer", "hide-input"]
# How far the errors move when each weight is changed by up to a millionth of itself
generator = torch.Generator().manual_seed(seed)


def nudged(one):
    """The same firing, each weight changed by up to a millionth of itself."""
    alpha = one.firing.scaled_alpha
    alpha = alpha * (1 + 1e-6 * (2 * torch.rand(alpha.shape, generator=generator) - 1))
    return cifviz.integrate_and_fire(
        alpha, torch.zeros(*alpha.shape, 1), slack=0.01, tail=above(0.5)
    )


drawn = [[(replace(one, firing=nudged(one)), words) for one, words in pairs] for _ in range(20)]
moved_by = {}
for name in ("fires", "10 and 90 % of the weight between fires"):
    means = [1000 * np.abs(errors_of(kinds[name][0], one)).mean() for one in drawn]
    moved_by[name] = max(means) - min(means)
    print(f"{name}: {min(means):.1f} to {max(means):.1f} ms, as read, without constants")

# %% [markdown] tags=["answer"]
# At fires by several milliseconds, inside the words by less than the tenth that is printed. On
# another computer the first row of the table may differ by as much, and the others will not. This
# is the second reason of section 1 at its worst.

# %% tags=["hide-input"]
# Numbers kept
record(first_fire=by_hand[0], fire_moves=time_of(1.0, [0.5, 0.44, *six[2:]]) - by_hand[0])
record(
    recordings=len(pairs),
    words=len(errors),
    at_quantiles=absolute["10 and 90 % of the weight between fires"],
    as_shipped=absolute["of the shipped model"],
    tolerance=0.1,
)
record(
    fires_are_worse_than_quantiles=absolute["fires"] > 1.5 * absolute[list(kinds)[1]],
    fires_move_by_milliseconds=moved_by["fires"] > 2,
    quantiles_stay=moved_by[list(kinds)[1]] < 0.1,
)

# %% [markdown]
# Some dozens of words prove little. The next table has the same on all 200 test strings: mean and
# standard deviation over three trainings each, from [data/results](../data/results). The constants
# were learned on the development set. [The page on alignment](../docs/alignment.md) tells how it
# was measured, and has more rows.

# %% tags=["hide-input"]
# Read the published results
results = read_results(resource("results"))


def published(split, variant, readout):
    """Share of wrong tokens and errors of edges, of each published training."""
    runs = [one for one in results if one["recipe"] == "digits" and one["leave_out"] is None]
    runs = [one[split] for one in runs if one["variant"] == variant]
    return [(one["token_error_rate"], one["edges"][readout]["both"]) for one in runs]


def cells(runs):
    return [
        spread([100 * wrong for wrong, _ in runs], digits=1),
        spread([1000 * edges["mean_absolute"] for _, edges in runs], digits=0),
        spread([100 * edges["within_20ms"] for _, edges in runs], digits=0),
    ]


heads = ["token errors, %", "mean absolute error, ms", "within 20 ms, %"]

# %% tags=["hide-input"]
# Table: systems and ways to read edges, on 200 test strings
ways = {
    "plain CIF, fires": ("plain", "fire"),
    "plain CIF, fires with constants": ("plain", "fire, shifted"),
    "plain CIF, quantiles between fires": ("plain", "quantiles"),
    "plain CIF, quantiles between valleys": ("plain", "valleys, quantiles"),
    "even mass taught, fires with constants": ("even", "fire, shifted"),
    "even mass taught, valleys": ("even", "valleys, quantiles"),
    "even mass and pause rounding, valleys": ("", "valleys, quantiles"),
    "CTC, its path": ("ctc", "path"),
    "CTC, its path with constants": ("ctc", "path, shifted"),
    "CTC with label priors, the same": ("ctc-priors", "path, shifted"),
    "attention, quantiles": ("attention", "quantiles"),
}
rows = [[way, *cells(published("test", *key))] for way, key in ways.items()]
table(["200 test strings", *heads], rows)

# %% [markdown]
# A *plain* CIF is trained as in the paper of CIF. Read its four rows from top to bottom: constants
# help a little, quantiles much, valleys some more, all without any training.
#
# *Even mass* is a loss for training data whose word times are known: it asks that each word weighs
# one, spread evenly over its sound. The other rows were trained without any times, so compare
# across this line with care. The shipped models were trained with even mass. *Pause rounding* is
# explained in section 8.

# %% [markdown] tags=["optional"]
# ## 7. One clip, four models
#
# Where do other recognisers look? Take a clip of this project, spoken by a synthesiser, so that its
# word times are exact. Four models transcribe it. All have the same kind of encoder and were
# trained on the same words:

# %%
spoken = cifviz.load_clip(clip)
play(spoken.waveform, f"“{spoken.words.text}”, spoken by a synthesiser")
models = {
    "CIF": recognizer,
    "CTC": cifviz.load_model("digits-ctc"),
    "CTC, label priors": cifviz.load_model("digits-ctc-priors"),
    "attention": cifviz.load_model("digits-attention"),
}
by_model = {name: model.transcribe(spoken.waveform) for name, model in models.items()}
for name, one in by_model.items():
    print(f"{name:18}", *one.tokens)

# %% [markdown]
# *CTC* gives each frame a word or nothing (*blank*). *Label priors* make a word less probable that
# is probable everywhere, so that others last longer. *Attention* gives one token after the other,
# and for each it weights all frames anew.
#
# **Predict first:** which frames of a word does each model use: all of it, some, one?

# %% tags=["answer", "hide-input"]
# Figure: the frames of each token, for four models
figure, axes = canvas(len(by_model), height=1.35)
for ax, (name, one) in zip(axes, by_model.items(), strict=True):
    boxes = spoken.words if len(one.tokens) == len(spoken.words) else None
    token_rows(one, words=boxes, ax=ax)
    ax.set_title(name, loc="left", fontsize="medium")
    ax.set(ylabel="", xlabel="" if ax is not axes[-1] else "time (s)")
show(
    figure,
    "The frames of each token for four models, a row for each token, with boxes around the words "
    "of the reference. The CIF fills the boxes. CTC has a frame or two inside them; with label "
    "priors it fills them, too. Attention looks at the beginnings of the words, and a little "
    "beside them.",
    caption="The frames of each token, a row for each token; boxes: the words of the reference. "
    "Each row has its own scale of colour, from nothing to its largest part. Compare how much of "
    "the boxes is filled.",
)

# %% [markdown] tags=["answer"]
# The CIF uses all of it. CTC uses a frame or two, with label priors nearly the whole word.
# Attention looks at the beginnings of the words and a little beside them.

# %% [markdown]
# All these rows can be read in the same way, with the function of section 1 and no constants: from
# 5 % to 95 % of what is in a row. Listen to the second word as each of them cuts it.

# %% tags=["hide-input"]
# Table and sound: words from 5 % to 95 % of their rows
word_spans = np.array(spoken.words.spans)
rows, sounds = [["the words", f"{1000 * np.diff(word_spans).mean():.0f}", ""]], []
missed = {}
for name, one in by_model.items():
    spans = np.array(
        [
            [float(one.grid.seconds(time_of(share, row.tolist()))) for share in (0.05, 0.95)]
            for row in one.rows
        ]
    )
    if spans.shape == word_spans.shape:
        missed[name] = 1000 * np.abs(spans - word_spans).mean()
    error = f"{missed[name]:.0f}" if name in missed else "another number of tokens"
    rows.append([name, f"{1000 * np.diff(spans).mean():.0f}", error])
    start, end = spans[min(1, len(spans) - 1)]
    sounds.append((f"{name}: {start:.2f} to {end:.2f} s", spoken.waveform.cut(start, end)))
table(["model", "length of a token, ms", "mean absolute error, ms"], rows)
play_all(sounds)

# %% [markdown]
# For CTC a frame is enough, since nothing in its loss asks for more. It is precise in its own way:
# its frames are always about as early or as late, so that constants help it much more than they
# help fires (table of section 6). Nothing ever asked attention to be on time.

# %% [markdown]
# ## 8. When speech goes on
#
# There is a third reason why fires are poor edges. A fire comes when *all* words so far have the
# weight of so many tokens. If the words before weighed too much or too little, it comes too early
# or too late.
#
# **Exercise 06.4.** A recogniser gives every word a weight of 1.25. Ten words are spoken. How many
# tokens fire, without a tail rule? And after how many words does the eighth token fire? Give two
# numbers, the second one with a fraction.

# %% tags=["exercise"]
fired_and_when = ...
check("06.4", fired_and_when)

# %% tags=["solution"]
fired_and_when = [12, 6.4]  # 12.5 in all; 8 / 1.25
check("06.4", fired_and_when)

# %% [markdown] tags=["hints"]
# How much do ten words weigh? And how much weight does the eighth token need?
#
# Ten words weigh 12.5; without a tail rule only full tokens fire. Eight tokens need a weight of 8.
#
# Each word brings 1.25. After how many words are there 8? The answer has a fraction.

# %% [markdown]
# Errors that all have one sign are easily seen, and trained away. What stays are errors of either
# sign. Let each of 300 words weigh 1 ± 0.1: the errors are random, with a standard deviation of
# 0.1.
#
# **Predict first:** how far is the number of tokens off after 300 words, by about 30, by about 2,
# or not at all?

# %% tags=["hide-input"]
# 300 words of random weights, in phrases of five; as they are, and with each phrase rounded
many = 300 if fast else 3000
generator = np.random.default_rng(seed)
word_weights = 1 + 0.1 * generator.standard_normal(many)
frames_of_word, pause = 8, 5
pieces = []
for index, weight in enumerate(word_weights):
    pieces += [weight / frames_of_word] * frames_of_word
    pieces += [0.0] * (pause if index % 5 == 4 else 1)
long = torch.tensor([pieces]).double()
lengths = torch.tensor([long.shape[1]])
rounded = round_at_pauses(long, lengths, pause_frames=pause)


def missing(alpha):
    """Number of words so far less the sum of the weights, at the end of each word."""
    ends = [i for i, weight in enumerate(pieces) if weight and not pieces[i + 1]]
    return torch.arange(1, many + 1) - alpha[0].cumsum(0)[ends]


def to_whole(walk):
    """How far each number is from the nearest whole number, 0.5 at most."""
    return (walk - walk.round()).abs()


walks = {"as they are": missing(long), "each phrase rounded": missing(rounded)}

# %% tags=["answer", "hide-input"]
# Figure: how many tokens are missing, and how far that is from a whole number
figure, (upper, lower) = canvas(2, height=2.0, share_time=False)
words_so_far = np.arange(1, many + 1)
reach = 0.1 * np.sqrt(words_so_far)
upper.fill_between(words_so_far, -reach, reach, color=STYLE["neutral"], alpha=0.5, label="± 0.1 √n")
for index, (name, walk) in enumerate(walks.items()):
    look = {"color": token_style(2 + 3 * index).colour, "linewidth": (1.5, 0.8)[index]}
    look["linestyle"] = ("--", "-")[index]
    upper.plot(words_so_far, walk, label=name, **look)
    lower.plot(words_so_far, to_whole(walk), **look)
top = 1.5 * max(float(walk.abs().max()) for walk in walks.values()) + 1
upper.set(ylabel="tokens missing", xlim=(1, many), ylim=(-top, top))
lower.set(xlabel="words", ylabel="to the next\nwhole number", xlim=(1, many), ylim=(0, 0.55))
upper.legend(loc="upper left", ncols=3)
show(
    figure,
    "Above, how many tokens are missing after each word. Both lines leave zero: as they are, "
    "the errors wander, about as far as 0.1 times the root of the number of words; with each "
    "phrase rounded, the number stays off by a whole number after a phrase that was rounded the "
    "wrong way. Below, how far that is from a whole number: as they are, anything up to one half, "
    "for many words on end; with each phrase rounded, 0 after every fifth word and mostly small "
    "between.",
    caption="Above, the number of words less the sum of the weights, after each word. Below, how "
    "far that is from the nearest whole number: at 0 a fire is at the end of a word, at 0.5 in the "
    "middle of one. Compare the two lines in the lower panel.",
)
for name, walk in walks.items():
    inside = float((to_whole(walk) > 0.25).double().mean())
    print(
        f"{name}: at most {float(walk.abs().max()):.1f} tokens missing, {walk[-1]:+.1f} at the end"
    )
    print(f"    fires more than a quarter of a word away from the end of any word: {inside:.0%}")

# %% [markdown] tags=["answer"]
# By about 2. This is a *random walk*. After n words it is about 0.1 · √n away from zero, here 0.1 ·
# √300 = 1.7, and nothing brings it back. Where it is half a word off, fires are inside words, and
# each embedding has parts of two words.

# %% [markdown]
# At a pause no word is half spoken. So between two pauses, a *phrase*, the weights should sum to a
# whole number. The shipped models scale the weights of each phrase to the nearest whole number.
# This is called *pause rounding*: the second line of the figure.
#
# It does not make the number of tokens right: now and then a phrase is rounded the wrong way, and
# there is a token too many or too few. But the error is then a whole number. So the fires after it
# are at the ends of words again, and only one word is wrong.
#
# The next table is about real strings that are joined to five minutes and more of each speaker. The
# models were trained on eight digits at most. *Drift* is the slope of a straight line through the
# errors.
#
# **Predict first:** which systems find the edges as well as in section 6?

# %% tags=["answer", "hide-input"]
# Table: five minutes at a time
ways = {
    "plain CIF, fires": ("plain", "fire"),
    "plain CIF, quantiles between valleys": ("plain", "valleys, quantiles"),
    "pause rounding, valleys": ("pauses", "valleys, quantiles"),
    "even mass and pause rounding, valleys": ("", "valleys, quantiles"),
    "CTC, its path with constants": ("ctc", "path, shifted"),
    "attention, quantiles": ("attention", "quantiles"),
}
rows = []
for way, key in ways.items():
    runs = published("joined", *key)
    drift = spread([edges["drift"] for _, edges in runs], digits=1)
    rows.append([way, *cells(runs), drift])
table(["300 s at a time", *heads, "drift, ms per minute"], rows)

# %% [markdown] tags=["answer"]
# CTC, and the CIFs with pause rounding. A plain CIF loses count, and then its valleys are wrong,
# too: they are looked for near the fires. CTC does not depend on the words before. Attention fails.
#
# The drift of the plain fires is small, and still they are far off: a random walk has no direction.
# So a small drift does not mean good times.

# %% [markdown] tags=["optional"]
# ## 9. Where each of them fails
#
# The clip is repeated again and again, without a pause.
#
# **Predict first:** which models still give the right number of tokens after six times?

# %% tags=["answer", "hide-input"]
# Table: number of tokens of the repeated clip
num_tokens = {}
for name, model in models.items():
    for times in (1, 2, 4, 6):
        again = cifviz.Waveform(np.tile(spoken.waveform.samples, times))
        num_tokens[name, times] = len(model.transcribe(again).tokens)
reference_tokens = ["reference", *(times * len(spoken.words) for times in (1, 2, 4, 6))]
rows = [[name, *(num_tokens[name, times] for times in (1, 2, 4, 6))] for name in models]
table(["tokens", "once", "twice", "4 times", "6 times"], [reference_tokens, *rows])

# %% [markdown] tags=["answer"]
# Not attention. It is *label-synchronous*: it gives one token after the other and has to find its
# place anew for each. In speech longer than any that it was trained on, it skips words or repeats
# them. CIF and CTC are *frame-synchronous*: they go through the sound once and cannot lose their
# place.

# %% [markdown]
# The same on five kinds of difficult strings, three trainings of each model:

# %% tags=["hide-input"]
# Table: token errors in five conditions, and what was expected
comparison = read_robustness_comparison(resource("results"))
conditions = {
    "in domain": "as in training",
    "3 times longer": "three strings joined",
    "repeated": "the same word again and again",
    "noise gap": "noise between two words",
    "truncated": "the end cut off inside a word",
}
rows = []
for condition, described in conditions.items():
    rates = []
    for system in ("attention", "cif", "ctc"):
        runs = [one["conditions"][condition] for one in comparison if one["system"] == system]
        rates.append(spread([100 * one["token_error_rate"] for one in runs], digits=1))
    rows.append([described, *rates])
table(["token errors, %", "attention", "CIF", "CTC"], rows)
print(*verdict(comparison), sep="\n")

# %% [markdown]
# A claim is *open* where three trainings do not decide it. In domain this attention model is worse
# than the others, so the claims after the first compare each system with itself in domain. And each
# has its weakness: of a word that is repeated many times, CIF and CTC mistake more, and attention
# leaves out more (`python -m experiments table robustness-comparison` has the errors by kind).

# %% tags=["hide-input"]
# Numbers kept
short = {name: name.split()[-1].lower() for name in models}
record(**{f"{short[name]}_6_times": num_tokens[name, 6] for name in models})
record(**{f"{short[name]}_error": error for name, error in missed.items()}, tolerance=0.1)
record(walk=walks["as they are"][-1], tolerance=1e-4)
record(rounded_count_is_off_by=round(float(walks["each phrase rounded"].abs().max())))

# %% [markdown] tags=["optional"]
# ## 10. Where words touch
#
# Digits are spoken one by one. In a sentence words touch, and there may be no valley between them.
# The next table compares fires with valleys on sentences, without the first start and the last end,
# where no fire is between two words.
#
# **Predict first:** are valleys still better than fires?

# %% tags=["answer", "hide-input"]
# Table: edges between two words, of digits and of sentences
sentences, grid_model = [], cifviz.load_model("grid")
for name in cifviz.list_recordings():
    one = cifviz.load_recording(name)
    if one.corpus == "grid":
        result = grid_model.transcribe_features(one.log_mel, duration=one.duration)
        if len(result.tokens) == len(one.words):
            sentences.append((result, one.words))


def between_words(edges, pairs):
    """Like errors_of, but of the edges between two words alone."""
    each = [errors_of(edges, [pair]) for pair in pairs]
    return np.concatenate([np.append(one[1:, 0], one[:-1, 1]) for one in each])


rows, valleys = [], cifviz.Edges(0.02, 0.98, cut="valleys")
for title, group, model in (("digits", pairs, recognizer), ("sentences", sentences, grid_model)):
    ways = {"fires": at_fires, "valleys": valleys, "as shipped": model.config.edges}
    between = [edge_errors(between_words(edges, group))["mean_absolute"] for edges in ways.values()]
    at = [one.grid.seconds(one.firing.fire_positions[0, :-1]).numpy() for one, _ in group]
    pairs_at = zip(group, at, strict=True)
    steep = np.concatenate([seconds_per_token(o.firing, o.grid, a) for (o, _), a in pairs_at])
    rows.append([title, f"{np.median(steep):.2f}", *(f"{1000 * error:.0f}" for error in between)])
table(["", "1/α at fires, s per token (median)", *(f"{way}, ms" for way in ways)], rows)
for title, model in (("digits", recognizer), ("sentences", grid_model)):
    print(f"the model of {title} ships with cuts at {model.config.edges.cut}")

# %% [markdown] tags=["answer"]
# No. Where words touch, the weights need not be small between them. There is no valley to cut in,
# and 1/α at a fire is small, so the fires are the better borders. Which of the two to take is
# learned together with the constants, on the development set.

# %% [markdown]
# How good is the *reference*? The word times of these sentences were made by a machine, and the
# first starts in this corpus are about 45 ms early ([data/README.md](../data/README.md)). An error
# of 20 ms may be the reference's: use a tolerance of 50 ms here, and claim nothing finer. For the
# digits a word starts and ends where the level rises above and falls below 30 dB under its peak:
# this is another rule, and it gives another edge for a soft “f”.

# %% tags=["hide-input"]
# Numbers kept
record(fires_sentences=between[0], valleys_sentences=between[1], tolerance=2e-4)

# %% [markdown] tags=["optional"]
# ## 11. What users ran into
#
# People who needed times from a CIF wrote about it in public. After each, what this lesson says
# about it.
#
# - **“Was it trained with times, or are they computed?”** (FunASR
#   [#606](https://github.com/modelscope/FunASR/issues/606)) No times are trained. The answer there
#   points to a paper about a second, up-sampled predictor.
# - **The program stops: it expects as many peaks as tokens, and one more.** (FunASR
#   [#731](https://github.com/modelscope/FunASR/issues/731),
#   [#266](https://github.com/modelscope/FunASR/issues/266)) An alignment by fires needs one fire
#   for each token. If two tokens are joined to one word, or the number is wrong, nothing fits any
#   more.
# - **All times are one character off.** (FunASR
#   [#2455](https://github.com/modelscope/FunASR/issues/2455), without an answer) A fire is a border
#   between two tokens. Code that takes it for the wrong one of them does just that.
# - **The right number of times, all in wrong places.** (FunASR
#   [#3723](https://github.com/modelscope/FunASR/issues/3723), corrected in
#   [#3716](https://github.com/modelscope/FunASR/pull/3716)) Weights and running sums were swapped.
#   Both are rows of numbers of one length: no check of shapes can tell, a picture does.
# - **In clips of one second the weights often sum to more than ten.** (simul_whisper
#   [#12](https://github.com/backspacetg/simul_whisper/issues/12)) An answer there suspects the
#   training, on speech of 13 to 15 s. What a word weighs is learned, and need not hold elsewhere.
# - **The last words of a stream are missing.** (sherpa-onnx
#   [#3282](https://github.com/k2-fsa/sherpa-onnx/pull/3282)) The residual at the end was never
#   fired: [lesson 05](05_tail_handling.ipynb).
# - **Lengths of labels and numbers of tokens disagree.** (FunASR
#   [#1811](https://github.com/modelscope/FunASR/pull/1811)) A running sum in single precision. This
#   library sums in double.

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary(
    "alignment", "condition number", "constant shift", "drift", "edge", "fire position",
    "pause rounding", "quantile", "running sum", "token error rate", "valley", "weight in silence",
)  # fmt: skip

# %% [markdown]
# ## On your own
#
# - Set `recording` to another name, such as that of the fast speaker's long string. Are its fires
#   better or worse, and can you see why in its weights?
# - In section 4, which quantile makes the bars shortest? Is it the one with the smallest error in
#   section 6? Why not?
# - Learn the constants on one half of the recordings and judge by the other. How much of the gain
#   is left?
# - In section 8 let words weigh 1.05 on average. In which of the two lines can you see it?
# - Find a clip on which CTC loses a word with label priors. Which one, and why that one?

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *The fast speaker.* Judge by the lowest weights between words: where they are not near 0, 1/α at
#   the fire is small, so the fire is a better edge there. Where a pause follows, it is worse.
# - *The shortest bars.* About the middle of the weight, where 1/α is smallest. It is not where the
#   errors are smallest, because a time in the middle of a word says less about its edge: words
#   differ in length.
# - *Half and half.* Most of it: for the quantiles between fires nearly nine tenths of what
#   constants gain, if every second recording is one half. There are two constants, and dozens of
#   edges to learn them from. At fires there was little to gain.
# - *Words of 1.05.* In the line as they are: it falls by 1.05 − 1 = 0.05 for each word, 300 · 0.05
#   = 15 tokens at the end. With each phrase rounded, 5 · 1.05 = 5.25 becomes 5, and nothing is to
#   be seen.
# - *A lost word.* `"digits_repeated"`: one of the two “zero” at its end. Label priors let a word
#   last longer, until nothing is left between two equal ones; CTC then joins them.

# %% [markdown]
# ## In practice
#
# - Do not report a fire as a word's edge. Read inside the word, between valleys where there are
#   gaps, and learn two constants on a few dozen utterances with known times.
# - FunASR takes a second predictor on three times as many frames, moves all fires by a constant,
#   and cuts tokens that last too long, putting silence into them. Rebuilt here, the second
#   predictor was no better than valleys (`python -m experiments table alignment`, the rows
#   “up-sampled second head”).
# - In FunASR's timestamp model a fire is where a character *begins*; here, where a token ends. Ask
#   before you compare.
# - Its aligner for known text is told how many tokens there are, but never which: a word too many
#   in the text moves all that follow. [forced_alignment.py](../cifviz/systems/forced_alignment.py)
#   has both kinds.
# - If you know the text and need only times, try a forced aligner with a dictionary of phones
#   first. A CIF gives times together with the words, in one pass.

# %% [markdown]
# ## Further reading
#
# - X. Shi, Y. Chen, S. Zhang, Z. Yan, [Achieving Timestamp Prediction While Recognizing with
#   Non-Autoregressive End-to-End ASR Model](https://arxiv.org/abs/2301.12343), 2023: how to make
#   fires usable, by a delay, inserted silence and smoother weights.
# - R. Huang and others, [Less Peaky and More Accurate CTC Forced Alignment by Label
#   Priors](https://arxiv.org/abs/2406.02560), ICASSP 2024: why CTC's tokens are so short, and what
#   makes them last.
# - L. Dong and others, [A Comparison of Label-Synchronous and Frame-Synchronous End-to-End Models
#   for Speech Recognition](https://arxiv.org/abs/2005.10113), 2020: a Transformer beside a CIF, the
#   comparison that section 9 follows.
# - [How good is a CIF alignment](../docs/alignment.md): everything that was tried in this project,
#   in one table, with the commands.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 15 min: section 1 at the board: draw the running sum, hold two fingers at ±0.04 and slide them
#   up; exercise 06.1 before anybody computes
# - 10 min: section 2; let the class vote on the worst fire before the table is shown
# - 10 min: section 3 with 06.2; ask for an alignment with a signed mean of 0 that nobody wants
# - 20 min: sections 4 and 5: the slider, then cutting by hand on paper, then 06.3 in pairs
# - 10 min: section 6: read one table together, a row at a time, asking what it cost
# - 10 min: section 7 with loudspeakers: which model gave the second word whole?
# - 10 min: section 8: thirty students flip a coin ten times each and walk; then 06.4 and section 9
# - 5 min: sections 10 and 11, and the question how good the reference is
#
# ### Likely questions
#
# - *Why not train the fires to be at the edges?* One can ask for weight in the right places where
#   times are known (“even mass”), and it helps most of all. But one fire cannot be at both ends of
#   a pause, and in a pause 1/α stays large.
# - *Is even mass fair?* It needs word times of the training data; no other row of the table had
#   them. Compare it with itself, with and without valleys.
# - *Why does a constant help CTC so much more than fires?* CTC's path is short and always in about
#   the same place of a word. A fire is wrong by another amount each time.
# - *Why do the errors here differ from the table's?* Section 6 first has seven recordings and one
#   model, then 200 strings and three trainings.
# - *Drift in ms per minute?* `python -m experiments table joined` has it. For a random walk a
#   straight line through the errors says little; look at the absolute error, and at the count.
#
# ### Usual misconceptions
#
# - *The fire is when the word is spoken.* It is when its weight is complete, which may be in the
#   next pause.
# - *Better recognition means better times.* All four rows of the plain CIF have the same words.
# - *1/α explains everything.* In the figure of section 6 the error of a start grows as the quantile
#   goes up, where 1/α hardly changes: distance from the edge counts too, and weight of the
#   neighbours.
# - *Errors of 0.1 in 300 words make 30.* Only if they all have one sign.
