# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # Find the words in your sentence
#
# **What you'll do:** place the words and phones of a sentence in its sound, see where counting
# alone drifts and what anchors it, type transcripts that do not fit, and align a recording of your
# own.
#
# **What you'll learn**
#
# - *explain* why a model for open speech counts phones and not words
# - *compute* how one pause shifts all phones after it if nothing but the count is known
# - *write* the edit distance that pairs fires with the phones of a transcript
# - *compare* four ways to anchor a count, by eye and by errors on labels set by hand
# - *tell* which words of a transcript are probably not in the sound, and what an interval is worth
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb), [lesson 02](02_scaling.ipynb) and
# [lesson 06](06_how_good_is_it.ipynb); what a logarithm is. No network, no GPU. For a recording of
# your own the extra `cifviz[english]`; all else runs without it.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [09 Teach it your names](09_contextual_biasing.ipynb) · Next:
# [11 Join an encoder and a language model](11_encoder_and_language_model.ipynb)

# %% tags=["hide-input"]
# Imports
import math
from functools import cache
from itertools import accumulate

import numpy as np
import torch
from torch.testing import assert_close

import cifviz
from cifviz.core.firing import integrate_and_fire
from cifviz.corpora.clip_states import load_clip_states
from cifviz.course import (
    Text,
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
from cifviz.metrics import edge_errors, token_errors
from cifviz.plot import STYLE, fires, log_mel, panel, panel_alt, tier_lanes, token_spans, weights
from cifviz.published import read_study
from cifviz.resources import resource
from cifviz.systems.doubtful_words import (
    LEAST_PRESENCE,
    PRESENCE,
    UNEXPLAINED,
    doubtful_words,
    presence_of,
)
from cifviz.systems.phone_alignment import FREE_WEIGHTS, scaled_to_spans
from cifviz.systems.phone_paths import PATHS, edit_path
from cifviz.systems.transcription import INTERVALS

# %% tags=["parameters"]
seed = 0  # nothing is drawn by chance in this lesson
fast = True  # nothing takes long in this lesson: False changes nothing
clip = "natural_river"  # or "natural_lake"
own_file = ""  # full path of a recording of yours: WAV, FLAC, MP3, M4A …
own_text = ""  # what you say in it; empty: the words are recognised

# %% [markdown]
# ## 1. Words that nobody listed
#
# Until now each model knew its words: ten digits, or the few dozen words of GRID. In a recording of
# yours there may be any word. Two things have to change.
#
# *The tokens.* A language has hundreds of thousands of words, but only some forty *phones*, the
# sounds that words are made of. The model “english” has 42 ([its
# card](../data/checkpoints/english/README.md)). It fires once for each phone, and a pronouncing
# dictionary with rules (eSpeak NG) says which phones a word has, even a word that it has never
# seen.
#
# *The encoder.* To understand any speaker takes thousands of hours of speech, which this project
# has not got. So the encoder is a ready one, *Moonshine*, trained by others, and it is frozen. For
# each 24 ms of sound it gives a *state* of 288 numbers
# ([moonshine.py](../cifviz/audio/moonshine.py)). A small network, the *head*, turns states into
# weights and CIF into phones. Only the head was trained here.
#
# | part | takes | gives |
# |---|---|---|
# | Moonshine, frozen | the sound | a state for each frame |
# | convolutions | states, a third of a second around each | what is integrated, h |
# | CIF | h | a weight α for each frame; fires |
# | phone classifier | what fired | a phone for each fire |
# | CTC layer, beside it | h | in each frame a phone, or none (lesson 06) |
#
# The sentence is spoken by a synthesiser, which tells when each word and phone begins. So we know
# the truth exactly. (The model also learned from voices of this synthesiser, so the sentence is an
# easy one for it.) Its states are kept with the lesson: Moonshine need not be installed.

# %%
torch.set_num_threads(1)  # small models: several threads would only wait for each other
model = cifviz.load_model("english")
recorded = load_clip_states(clip)
said = recorded.clip
words = recorded.words(said.text)
phones = [phone for word in words for phone in word.phones]
print(said.text, f"{len(words)} words, {len(phones)} phones", sep="\n")

# %% tags=["hide-input"]
# Sound, and table of the phones of each word
play(said.waveform, f"The clip {clip}")
table(["word", *(word.text for word in words)], [["phones", *(" ".join(w.phones) for w in words)]])

# %% [markdown]
# If the weights of a sentence sum to S and it has N phones, the *count error* is |S − N| / N. And
# if N is known, all weights can be multiplied by N / S, as in training (lesson 02).
#
# **Exercise 10.1.** The words of a sentence have 3, 6, 4, 2, 3 and 4 phones. Its weights sum to
# 26.4. What is the count error, and by which factor are the weights multiplied? Give two numbers.

# %% tags=["exercise"]
error_and_factor = ...
check("10.1", error_and_factor)

# %% tags=["solution"]
error_and_factor = [(26.4 - 22) / 22, 22 / 26.4]
check("10.1", error_and_factor)

# %% [markdown] tags=["hints"]
# What is N, and what is S?
#
# N is 3 + 6 + 4 + 2 + 3 + 4 = 22, and S is 26.4.
#
# The error is (26.4 − 22) / 22, and the factor N / S = 22 / 26.4.

# %% [markdown]
# ## 2. Phones under α
#
# First the model listens without any transcript.
#
# **Predict first:** how do the weights look where a vowel is drawn out, and where the speaker
# pauses? Is the number of fires the number of phones? Will you be able to read the sentence from
# the phones?

# %% tags=["answer"]
# The weights as they come, their fires, and the phones without a transcript
features = model.config.features(said.waveform)
duration = said.waveform.duration
heard = model.transcribe_states(recorded.states, features, duration=duration)
alpha = heard.extras[FREE_WEIGHTS]
free = integrate_and_fire(alpha[None], torch.zeros(1, len(alpha), 1))
errors = token_errors([phones], [heard.tokens])
print(f"N = {len(phones)}, S = {float(alpha.sum()):.1f}, fires: {int(free.num_fires)}")
print(f"recognised: {len(heard.tokens)}, errors: {round(errors.rate * len(phones))}")

# %% tags=["answer", "hide-input"]
# Figure: log-mel with words, weights with fires, and the recognised phones
figure, axes = canvas(3, height=1.7)
log_mel(features, model.config.features.grid, ax=axes[0])
name_words(axes[0], said.words)
weights(free, heard.grid, ax=axes[1])
fires(free, heard.grid, ax=axes[1])
axes[1].set_ylabel("weight")
token_spans(heard.alignment, ax=axes[2])
axes[2].set_ylabel("phones")
for ax in axes[:2]:
    ax.set_xlabel("")
show(
    figure,
    f"Three lanes over time. Above, the log-mel spectrum with the words {said.words.text}. In the "
    f"middle, weights and {int(free.num_fires)} fires. Below, the recognised phones: "
    f"{' '.join(heard.tokens)}.",
    caption="Above: log-mel, with the words as they were spoken. Middle: the weight of each frame, "
    "and where they fire as they come. Below: the recognised phones. Look at the pauses, at long "
    "vowels, and at fires in the middle of a phone.",
)

# %% [markdown] tags=["answer"]
# Each phone weighs about one, whatever its length: where phones are long, weights are low, and
# fires are far apart. In silence there is hardly any weight.
#
# The number of fires is near the number of phones. But one weight too much makes all later fires
# come early, and such a fire collects two halves. So phones are not named at these fires: the model
# cuts the sound where each stretch weighs about one and sounds like one phone (section 5).
#
# With some effort the sentence can be read. What we want to know is *where* the words are, and from
# here on we assume that they are known: somebody typed them, or Moonshine's own decoder heard them.
# To place a known transcript in its sound is called *forced alignment*.

# %% [markdown]
# ## 3. Counting alone
#
# The transcript says how many phones there are. So scale the weights to N: then exactly N phones
# fire, and the first three belong to the first word if it has three. This *path* has the name
# “count”, and it is all that CIF knows by itself: an order and a mass.
#
# What if there is weight where no phone is? Here are six frames of “no, go” with a pause in
# between, in which the model wrongly finds a mass of 1:
#
# | frame | 0 | 1 | 2 | 3 | 4 | 5 |
# |---|---|---|---|---|---|---|
# | spoken | n | oʊ | pause | pause | ɡ | oʊ |
# | α | 1 | 1 | 0.5 | 0.5 | 1 | 1 |
#
# **Exercise 10.2.** N is 4, and S is 5. Scale the weights, and find the positions at which the
# scaled sum is 1, 2 and 3: there the phones 1, 2 and 3 (counted from 0) begin, by the count. Frame
# t lies between the positions t and t + 1. Give three numbers. The true ones are 1, 4 and 5.

# %% tags=["exercise"]
positions = ...
check("10.2", positions)

# %% tags=["solution"]
positions = [1 + 0.2 / 0.8, 3.0, 4 + 0.6 / 0.8]  # the running sum: 0.8, 1.6, 2, 2.4, 3.2, 4
check("10.2", positions)

# %% [markdown] tags=["hints"]
# Which factor makes a sum of 4 out of 5? Multiply all six weights by it.
#
# The factor is 0.8, and the running sum after each frame is 0.8, 1.6, 2, 2.4, 3.2 and 4.
#
# The sum is 1 in frame 1: from 0.8 on 0.2 are needed, of the 0.8 of this frame. So the position is
# 1 + 0.2 / 0.8. It is 2 exactly where frame 2 ends.

# %% [markdown]
# The same in our sentence. At each true edge of a word compare two counts: the scaled running sum
# of the weights, and the phones of the words that are over. Their difference is how many phones the
# count is ahead.
#
# **Predict first:** how large is the difference at the very beginning, and at the very end? Where
# in the sentence do you expect the largest one?

# %% tags=["hide-input"]
# How many phones the count is ahead at each edge of a word
running = np.concatenate([[0.0], np.cumsum(alpha)]) * len(phones) / float(alpha.sum())
counts = [len(word.phones) for word in words]
over = list(accumulate(counts))
edge_times = [time for span in said.words.spans for time in span]
edge_phones = [n for pair in zip([0, *over[:-1]], over, strict=True) for n in pair]
edge_frames = [heard.grid.frame(time) for time in edge_times]
ahead = np.interp(edge_frames, range(len(running)), running) - edge_phones

# %% tags=["answer", "hide-input"]
# Figure: how many phones the count is ahead
figure, (ax,) = canvas(height=2.6)
ax.axhline(0.0, color=STYLE["level"], linewidth=0.8)
for index, (start, end) in enumerate(said.words.spans):
    pair = ahead[2 * index : 2 * index + 2]
    label = "in a word" if not index else None
    ax.plot((start, end), pair, color=STYLE["onset"]["color"], linestyle="-", label=label)
ax.plot(edge_times, ahead, color=STYLE["weight"], linestyle=":", label="between words", zorder=1)
for side, name in enumerate(("onset", "offset")):
    look = {key: STYLE[name][key] for key in ("color", "marker")}
    ax.plot(edge_times[side::2], ahead[side::2], linestyle="", label=name, **look)
ax.set(xlabel="time (s)", ylabel="phones ahead", xlim=(0, duration))
ax.set_ylim(min(-1.0, *ahead) - 0.7, max(1.0, *ahead) + 0.3)
name_words(ax, said.words)
ax.legend(loc="lower left", ncols=4, fontsize=STYLE["text_size"])
farthest = int(np.abs(ahead).argmax())
worst_word, worst_side = farthest // 2, ("onset", "offset")[farthest % 2]
show(
    figure,
    f"The difference of two counts at the edges of {len(words)} words, in phones: from "
    f"{ahead.min():+.1f} to {ahead.max():+.1f}. It is largest at the {worst_side} of "
    f"“{said.words.tokens[worst_word].token}”.",
    caption="How many phones the scaled count is ahead of the words, at the true onset and offset "
    "of each. Above 0 phones are placed too early, below 0 too late. Look for the place where it "
    "is farthest from 0, and how long it takes to come back.",
)
print(f"farthest off: {ahead[farthest]:+.2f} phones, at the {worst_side} of", end=" ")
print(f"“{said.words.tokens[worst_word].token}”")

# %% [markdown] tags=["answer"]
# At both ends the difference is near 0: before the first word there is hardly any weight, and the
# scaling makes the whole sum right. In between nothing holds it. A drawn-out phone that weighs two,
# or one that is swallowed and weighs nothing, moves all that follow, until another mistake happens
# to move them back. In the sentence shown here the voice is British and the dictionary American: it
# has an “ɹ” in “morning” that nobody said. From there to “walk” the count is between half a phone
# and one and a third late; then it comes back.
#
# One phone is little inside of a word. But before a pause it decides on which side of the pause a
# phone is placed.
#
# This is the *drift* of lesson 06. The longer the sentence, the farther it may go: mistakes of a
# count add up.

# %% [markdown]
# ## 4. Anchors
#
# But the model knows more than masses: what fired also *sounds like* something. A fire that is
# surely “z” can only belong to a “z” of the transcript. Four *paths* from fires to phones follow;
# each gives every phone a stretch of frames.
#
# | path | what anchors the count |
# |---|---|
# | “count” | nothing |
# | “fires” | which phone each fire sounds like |
# | “segments” | which phone each possible stretch sounds like, and that it weighs about one |
# | “ctc” | the same, and the CTC layer's path: a frame or two in the middle of each phone |
#
# **“fires”.** Let the weights fire freely, and pair fires with phones in their order, as edit
# distance pairs two strings. A pair costs −log p, with p the probability of the phone at the fire.
# A fire without a phone costs an *insertion*, a phone without a fire a *deletion*. The cheapest
# pairing counts. For “six”, of which three phones fired:
#
# | −log p | fire 0 | fire 1 | fire 2 |
# |---|---|---|---|
# | s | 0.2 | 4 | 0.3 |
# | ɪ | 5 | 4 | 5 |
# | k | 4 | 0.4 | 4 |
# | s | 0.3 | 4 | 0.2 |
#
# **Exercise 10.3.** An insertion costs 3, and so does a deletion. What does the cheapest pairing
# cost?

# %% tags=["exercise"]
cheapest = ...
check("10.3", cheapest)

# %% tags=["solution"]
cheapest = 0.2 + 3 + 0.4 + 0.2  # the “ɪ” has no fire
check("10.3", cheapest)

# %% [markdown] tags=["hints"]
# Every phone either gets one of the three fires, in order, or none, at a cost of 3.
#
# There are four phones and three fires, so one phone at least stays without a fire. For which one
# is that cheapest?
#
# “ɪ” fits no fire well. Pair the three others in order: 0.2, 0.4 and 0.2, and add 3 for the
# deletion.

# %% [markdown]
# **Exercise 10.4.** Write it. `costs` is a list with a row for each phone, and in each row a number
# for each fire. Give the least cost. (Keep for every number of fires what it costs at least to
# arrive there; go on phone by phone. There is at least one phone and one fire.)


# %% tags=["exercise"]
def least_cost(costs, insertion, deletion): ...  # a number


check("10.4", least_cost)


# %% tags=["solution"]
def least_cost(costs, insertion, deletion):
    row = [insertion * fire for fire in range(len(costs[0]) + 1)]
    for phone in costs:
        above, row = row, [row[0] + deletion]
        for fire, cost in enumerate(phone):
            ways = above[fire] + cost, above[fire + 1] + deletion, row[fire] + insertion
            row.append(min(ways))
    return row[-1]


check("10.4", least_cost)

# %% [markdown] tags=["hints"]
# It is the edit distance, with the numbers of the table as costs of a pair. Keep one row: the least
# cost to have used 0, 1, 2, … fires.
#
# Before the first phone, `fire` fires cost `insertion * fire`. For each phone begin a new row with
# `row[0] + deletion`.
#
# Each further entry is the least of three: the entry above and to the left plus the cost of the
# pair, the one above plus a deletion, the one to the left plus an insertion.

# %% [markdown]
# The library finds the pairs themselves: for each phone the first fire and the one after its last,
# −1 where it has none. (A drawn-out phone may have several fires; it pays a little for each more.)

# %%
six = np.array([[0.2, 4.0, 0.3], [5.0, 4.0, 5.0], [4.0, 0.4, 4.0], [0.3, 4.0, 0.2]])
for phone, pair in zip("sɪks", edit_path(six, insertion=3.0, deletion=3.0), strict=True):
    print(phone, pair.tolist())

# %% [markdown]
# A phone with a fire takes the frames that this fire is made of. Phones without one share what lies
# between their neighbours. Then the weights are scaled once more, but now for each phone: to a sum
# of exactly 1 in its stretch, and to 0 outside of all stretches. The CIF fires again, N times, each
# time at the end of a stretch. So a mistake stays where it is made.
#
# **Exercise 10.5.** The weights of five frames are 0.2, 0.4, 0.5, 0.6 and 0.3. One phone has the
# frames 0 and 1, the next one the frames 3 and 4. What are the scaled weights? Give five numbers.

# %% tags=["exercise"]
scaled_weights = ...
check("10.5", scaled_weights)

# %% tags=["solution"]
scaled_weights = [0.2 / 0.6, 0.4 / 0.6, 0, 0.6 / 0.9, 0.3 / 0.9]
check("10.5", scaled_weights)

# %% [markdown] tags=["hints"]
# Each phone gets a sum of exactly 1. And a frame that belongs to no phone?
#
# Frames 0 and 1 weigh 0.2 + 0.4 = 0.6 together, frames 3 and 4 weigh 0.6 + 0.3 = 0.9.
#
# Divide each weight by the sum of its phone; frame 2 gets 0.

# %%
by_library = scaled_to_spans(np.array([0.2, 0.4, 0.5, 0.6, 0.3]), np.array([[0, 2], [3, 5]]))
assert_close(torch.tensor(by_library), torch.tensor([1 / 3, 2 / 3, 0, 2 / 3, 1 / 3]).double())

# %% [markdown] tags=["optional"]
# ## 5. All ways to cut
#
# The path “segments” goes further. A fire that lies across two phones sounds like neither. So do
# not trust the free fires: try all cuts between frames. A stretch of mass m, in which the CIF
# integrates Σαh, costs
#
# ```text
# a · (m − 1)²                  it should weigh about one,
# − b · log p(phone | Σαh / m)  sound like the phone as a whole,
# − Σ α · log p(phone | h)      and in each of its frames
# ```
#
# with two constants a and b. A stretch that belongs to no phone, between two words, costs the more
# the more it weighs. The cheapest way to cut the whole sound could be found like an edit distance.
# The library goes one step further: it gives each way the weight exp(−cost) and puts each border at
# the median of its places in all ways.
#
# **Exercise 10.6.** A word of two phones can be cut in three places. Let a be 2 and b be 1, and
# leave the third line out. What does each cut cost? Give three numbers.
#
# | cut after | masses | −log p of both |
# |---|---|---|
# | frame 1 | 0.5 and 1.5 | 1.0 and 0.1 |
# | frame 2 | 0.9 and 1.1 | 0.2 and 0.1 |
# | frame 3 | 1.3 and 0.7 | 0.1 and 0.1 |

# %% tags=["exercise"]
costs_of_cuts = ...
check("10.6", costs_of_cuts)

# %% tags=["solution"]
costs_of_cuts = [2 * (0.5**2 + 0.5**2) + 1.1, 2 * (0.1**2 + 0.1**2) + 0.3, 2 * 2 * 0.3**2 + 0.2]
check("10.6", costs_of_cuts)

# %% [markdown] tags=["hints"]
# For each phone there are two terms: a · (m − 1)², and b times −log p. Add both phones.
#
# Cut after frame 1: the masses are 0.5 away from 1, both of them. So 2 · (0.5² + 0.5²) plus 1.0 +
# 0.1.
#
# After frame 2 the masses are 0.1 off, after frame 3 they are 0.3 off. The sums of −log p are 0.3
# and 0.2.

# %% [markdown]
# ## 6. Four paths, one sentence
#
# Now all four. “fires” is the path of section 4. “segments” tries all cuts between frames, and
# takes those with which each phone weighs about one and sounds like itself (section 5). “ctc” does
# the same, but first the CTC layer finds its best path through the transcript (lesson 06), which
# has a frame or two for each phone: these frames the phone must take.
#
# **Predict first:** here are all four paths on our sentence. Which words will differ between them,
# and which hardly?

# %% tags=["hide-input"]
# The sentence on all paths


@cache
def aligned(text, path):
    """A transcript of the clip, aligned on a path."""
    spoken = recorded.words(text)
    return model.align_states(recorded.states, features, spoken, duration=duration, path=path)


found = {path: aligned(said.text, path) for path in PATHS}

# %% tags=["answer", "hide-input"]
# Figure: words over phones on four paths
true_phones = cifviz.Alignment(tuple(one for one in said.phones if one.is_timed))
lanes = {"spoken": {"words": said.words, "phones": true_phones}}
lanes |= {path: one.tiers for path, one in found.items()}
figure, (ax,) = canvas(height=4.6)
drawn = tier_lanes(lanes, ax=ax)
ax.set_xlim(said.words.spans[0][0] - 0.15, said.words.spans[-1][1] + 0.15)
show(
    figure,
    f"Words over their phones. {drawn.alt}",
    caption="Words over their phones: as they were spoken, and on four paths. Dotted: the true "
    "edges of the words. Follow one dotted line after another downwards, and look for boxes that "
    "end elsewhere.",
)

# %% tags=["answer", "hide-input"]
# Table: how far the edges of the words are off
spans = np.array(said.words.spans)
rows, means = [], {}
for path, one in found.items():
    off = np.array(one.words.spans) - spans
    one_path = edge_errors(off.ravel())
    word, side = divmod(int(np.abs(off).argmax()), 2)
    worst = f"{1000 * off[word, side]:+.0f}: {('onset', 'offset')[side]} of “{words[word].text}”"
    means[path] = 1000 * one_path["mean_absolute"]
    median = 1000 * one_path["median_absolute"]
    rows.append([path, f"{means[path]:.0f}", f"{median:.0f}", worst])
table(["path", "mean (ms)", "median (ms)", "farthest off (ms)"], rows)

# %% [markdown] tags=["answer"]
# Where the count was right, all four agree within a few frames. Where it was behind, “count” places
# the last phone of “comes” beyond the pause, and the words after it begin late. The anchored paths
# know better which phones lie before the pause. But “fires” knows no silence: a stretch reaches
# from fire to fire, and beside a pause it may take some of the pause. “segments” and “ctc” may
# leave it out.
#
# One sentence is no measurement: which of the anchored paths is nearest changes from sentence to
# sentence. (Try the other clip.) Section 8 measures them.

# %% [markdown]
# ## 7. A transcript that does not fit
#
# A path finds a place for every word, whether it was spoken or not: it is *forced*. So one has to
# ask afterwards which words are really there. Two numbers answer:
#
# - The *score* of a phone is the probability that its stretch sounds like it; a word's score is the
#   mean of its phones'. It judges the one place that the path has found.
# - The *presence* of a word compares: how cheap are all ways to cut the sound that hold the word,
#   and how cheap are all that leave it out, and leave its piece of sound to nobody? From these
#   odds comes a probability that it was said. (Two constants of it were fitted on other speech,
#   with words swapped, added and dropped on purpose.)
#
# The same comparison also finds pieces of sound that are better left to nobody: something was said
# there that is not in the transcript.
#
# **Predict first:** what happens to both numbers if a word is replaced by another one? And to its
# neighbours, if a word is added, or left out?


# %% tags=["hide-input"]
# What the text field draws
def draw_presence(ax, *, transcript):
    try:
        one = aligned(transcript, "segments")
    except cifviz.CIFError as error:
        ax.set_axis_off()
        return str(error)
    size = {"fontsize": STYLE["text_size"], "ha": "center", "parse_math": False}
    for index, (word, there) in enumerate(zip(one.words, one.extras[PRESENCE], strict=True)):
        if word.is_timed:
            place = {"x": word.start, "width": word.end - word.start, "align": "edge"}
            doubtful = there < LEAST_PRESENCE
            ax.bar(height=there, color=STYLE["complete"], **place)
            frame = {"edgecolor": STYLE["level"], "linestyle": ":" if doubtful else "-"}
            ax.bar(height=1.0, facecolor="none", linewidth=0.8, **frame, **place)
            middle = (word.start + word.end) / 2
            ax.plot(middle, word.score, color=STYLE["level"], marker="D", markersize=4)
            name = f"{word.token}?" if doubtful else word.token
            ax.text(middle, 1.06 + 0.17 * (index % 2), name, **size)
    for start, end in one.extras[UNEXPLAINED]:
        ax.axvspan(start, end, ymax=0.42, color=STYLE["decrease"], hatch="////", fill=False)
        ax.text((start + end) / 2, 0.64, "no word", **size)
    ax.set(xlim=(0, duration), ylim=(0, 1.45), yticks=[0, 0.5, 1], xlabel="time (s)")
    ax.set_ylabel("presence")
    return f"“{transcript}” {one.warning}"


# %% tags=["answer", "hide-input"]
# Figure with a text: your transcript, and which of its words are there
texts = list(recorded.transcripts)
live_figure(
    draw_presence,
    transcript=Text(texts[0]),
    static=[{"transcript": text} for text in texts],
    alt="Four pictures with a frame for each word over time, filled as far as the word is present. "
    "In the first, as it was said, all frames are full. In the second one word is another one, and "
    "in the third one is added: their frames are empty and dotted. In the fourth a word is "
    "missing: all frames are full, and where the word was spoken a hatched band says “no word”. "
    "Such a band is also in the second, where the right word was spoken.",
    caption="Four transcripts of the same sound: as it was said; with another word; with a word "
    "too many; with a word too few. A frame is filled as far as its word is present, a diamond is "
    "its score; words with a question mark are probably not there. Hatched: speech without a word. "
    "Compare each with the first, and diamonds with frames.",
    height=1.9,
)

# %% [markdown] tags=["answer"]
# A word that was not said has a low score and hardly any presence. An added word has to take its
# place from a neighbour: the neighbour's score may fall, since it lies in the wrong place now, but
# its presence does not. That is why the presence asks for all ways to cut the sound, and not for
# the one that was found. And where the transcript lacks what was said, a piece of sound is left
# over: in the fourth picture, and in the second, too.
#
# Scores alone would not do. In the third picture “we” was said, and its score is lower than that of
# “slowly”, which was not.
#
# Type a transcript of your own into the field above. (Words that are not in these four texts need
# eSpeak NG, which comes with `cifviz[english]`; without it the title says so.)

# %% [markdown]
# Now *your* sentence. Record one, in whatever your phone, browser or editor writes. Put its full
# path into `own_file`, in the cell of parameters near the top, what you said into `own_text`, and
# run all cells again. If `own_text` is empty, Moonshine's decoder hears the words, and CIF places
# them. As long as `own_file` is empty, the clip stands in.


# %% tags=["hide-input"]
# Your recording, or the clip
def own_sentence():
    if not own_file:
        return aligned(said.text, "segments")
    try:
        sound = cifviz.load_waveform(own_file)
        return model.align(sound, own_text) if own_text else model.hear(sound)
    except cifviz.CIFError as error:
        print(f"{error}\nThe clip stands in.")
        return aligned(said.text, "segments")


own = own_sentence()

# %% tags=["hide-input"]
# Figure: the panel of your sentence
caption = (
    "Everything about the sentence: sound, weights scaled in each stretch, what each frame gives "
    "to each phone, words and phones. The bars above the words are intervals of onsets (blue) and "
    "of offsets (orange, higher), see section 9. Do the borders lie where the spectrogram changes?"
)
if hasattr(own, "rows"):
    show(panel(own).fig, panel_alt(own), caption=caption)
else:
    print("A sound of more than 28 s is aligned in windows; no panel is drawn of it.")

# %% tags=["hide-input"]
# Table of the words, and those that are doubtful
rows, presence = [], presence_of(own) or [math.nan] * len(own.words)
for word, there in zip(own.words, presence, strict=True):
    times = [f"{time:.2f}" if word.is_timed else "–" for time in (word.start, word.end)]
    rows.append([word.token, *times, f"{word.score:.2f}", f"{there:.2f}"])
table(["word", "start (s)", "end (s)", "score", "presence"], rows[:20])
doubtful = [f"{one.word.token} ({', '.join(one.reasons)})" for one in doubtful_words(own)]
print("doubtful words:", "; ".join(doubtful) or "none")

# %% [markdown]
# The same from the command line, with files for Praat and other programs:
#
# ```text
# cifviz align me.m4a --model english --text "The small boat drifted slowly across a quiet lake."
# cifviz explore me.m4a --model english --text "…"
# ```

# %% [markdown]
# ## 8. On labels set by hand
#
# How good is it on people? Twelve recordings have word boundaries that people set by hand. Nothing
# here was trained or tuned on them. The study “english-alignment” of this project places their
# words in several ways:
#
# - “equal words” between the true ends, and “words by phones”, in proportion to their numbers of
#   phones. These two do not listen at all; what is not better than they are has learned nothing.
# - the four paths of section 6. In “count, raw” edges are the fires themselves. The other rows of
#   CIF read edges inside of each phone's mass, at quantiles learned on other speech (lesson 06).
# - the path of the CTC layer alone, “CTC without CIF”.
# - “pocketsphinx”, an aligner of another kind: a hidden Markov model with phones and features of
#   its own. Its word times also taught this model.
#
# **Exercise 10.7.** Four onsets are found 10 ms too early, 20 ms too late, 10 ms too late and 100
# ms too late. What is the mean absolute error, the median absolute error, and the signed mean
# (found minus true), in ms? Give three numbers.

# %% tags=["exercise"]
mean_median_sign = ...
check("10.7", mean_median_sign)

# %% tags=["solution"]
mean_median_sign = [(10 + 20 + 10 + 100) / 4, (10 + 20) / 2, (-10 + 20 + 10 + 100) / 4]
check("10.7", mean_median_sign)

# %% [markdown] tags=["hints"]
# Write the four errors with their signs first: too early is negative.
#
# They are −10, 20, 10 and 100. For the first two numbers drop the signs.
#
# The median of 10, 10, 20 and 100 is halfway between 10 and 20. In the signed mean −10 counts
# against the others.

# %% [markdown]
# **Predict first:** put the rows in order. Which are near the two that do not listen? Is CIF or CTC
# nearer to the labels, and how far is pocketsphinx from both?

# %% tags=["hide-input"]
# Read the measurements
study = read_study(resource("results"), "english-alignment")
ROWS = {
    "equal words between the true ends": "equal words",
    "words in proportion to their phones": "words by phones",
    "raw CIF: the count forced, edges at fires": "count, raw",
    "CIF: the count forced": "count",
    "CIF: labels matched to fires": "fires",
    "CIF: segments": "segments",
    "CIF in CTC's windows": "ctc",
    "CTC forced": "CTC without CIF",
    "pocketsphinx": "pocketsphinx",
}
hand = {name: study["rows"][title]["hand labels"] for title, name in ROWS.items()}
order = sorted(hand, key=lambda name: -hand[name]["both"]["mean_absolute"])

# %% tags=["answer", "hide-input"]
# Figure: errors of all rows on labels set by hand
figure, (ax,) = canvas(height=3.4)
places = range(len(order))
both = [hand[name]["both"] for name in order]
low, high = np.array([hand[name]["interval_ms"] for name in order]).T
look = {"color": STYLE["neutral"], "edgecolor": STYLE["level"], "linewidth": 0.6}
ax.barh(places, [one["mean_absolute"] for one in both], height=0.6, label="mean", **look)
ax.hlines(places, low, high, color=STYLE["level"], label="95 % of the mean")
medians = [one["median_absolute"] for one in both]
look = {key: STYLE["onset"][key] for key in ("color", "marker")}
ax.plot(medians, places, linestyle="", label="median", **look)
ax.set_yticks(places, order, fontsize=STYLE["text_size"])
ax.set(xlabel="absolute error of word edges (ms)", ylim=(len(order) - 0.4, -0.6))
ax.legend(loc="lower right", fontsize=STYLE["text_size"])
listed = "; ".join(
    f"{name}: {one['mean_absolute']:.0f}, {one['median_absolute']:.0f}"
    for name, one in zip(order, both, strict=True)
)
show(
    figure,
    f"Bars with the mean and points with the median absolute error in ms, from the worst to the "
    f"best: {listed}.",
    caption="Error of word edges on twelve recordings with labels set by hand, onsets and offsets "
    "together. Lines: where the mean would lie in 95 % of other draws of such recordings. Compare "
    "the mean with the median of each row.",
)


# %% tags=["answer", "hide-input"]
# Table: onsets and offsets apart
def less_than_ctc(row):
    low, high = row.get("to_ctc_ms") or (0, 0)
    return f"{low:+.0f} to {high:+.0f}" if low or high else "–"


rows = [
    [
        name,
        *(
            f"{hand[name][edge][key]:.0f}"
            for edge in ("onset", "offset")
            for key in ("mean_absolute", "median_absolute")
        ),
        *(f"{hand[name][edge]['signed_mean']:+.0f}" for edge in ("onset", "offset")),
        f"{100 * hand[name]['both']['within_50ms']:.0f}",
        less_than_ctc(hand[name]),
    ]
    for name in order
]
table(
    [
        "ms",
        "onset mean",
        "onset median",
        "offset mean",
        "offset median",
        "onset signed",
        "offset signed",
        "within 50 ms, %",
        "minus CTC, 95 %",
    ],
    rows,
)

# %% [markdown] tags=["answer"]
# Counting alone is already better than not to listen, and to read edges inside of the mass is
# better than at the fires. But it is the anchors that make the difference: each anchored path is
# below the count, and “segments”, which tries all cuts, is below “fires”, which does not. It is
# also nearer than the CTC layer alone, which looks at the same states: a token of CTC says which
# phone, weights say besides how much of it each frame has. pocketsphinx, with its own features
# every 10 ms, is ahead of all.
#
# Means are larger than medians: most edges are near, and a few are far off. What lies far off is a
# matter of anchors; what lies near is a matter of how sharp the borders are.
#
# The lines of 95 % are long: twelve recordings have some two hundred edges. But two rows whose
# lines overlap may still differ. All are measured on the same recordings, so what counts is the
# difference, recording by recording. The last column has it: where both of its ends are below 0,
# the row is nearer than the CTC layer alone.

# %% [markdown] tags=["optional"]
# ## 9. What an interval is worth
#
# A time alone says nothing about how sure it is. The model “english” gives each edge an
# *interval* that shall hold the true edge in 90 % of all cases. (The panel in section 7 draws them
# above the words.) Where do they come from?
#
# - How large an error usually is depends on what is around the edge: a pause has a sharp border,
#   two vowels have none. From features that are known at alignment (the weights at the edge, the
#   kinds of phones on both sides, scores) a size s is predicted.
# - On development speech each error is divided by its s. Between the quantiles of 5 % and 95 % of
#   these ratios lie 90 % of them. Times s they are the interval.
#
# Nothing is assumed about how errors are distributed: if new edges are like those of the
# development speech, 90 % of them lie in their intervals. This is *conformal prediction*.
#
# **Exercise 10.8.** An edge is read at 1.20 s, and its s is 0.02 s. Of the ratios (true minus read,
# divided by s) the quantiles of 5 % and 95 % are −1.5 and 2. Where does the interval begin and end?
# Of 12 edges of a test, 9 lie in their intervals: what is the *coverage*? Give three numbers.

# %% tags=["exercise"]
interval_and_coverage = ...
check("10.8", interval_and_coverage)

# %% tags=["solution"]
interval_and_coverage = [1.20 - 1.5 * 0.02, 1.20 + 2 * 0.02, 9 / 12]
check("10.8", interval_and_coverage)

# %% [markdown] tags=["hints"]
# A ratio times s is a distance from the edge that was read.
#
# Begin: 1.20 − 1.5 · 0.02. End: 1.20 + 2 · 0.02.
#
# The coverage is the share of edges that lie in their intervals, 9 of 12.

# %% [markdown]
# **Predict first:** they were learned on prompts, on GRID and on other recordings (“samples”), with
# the times of pocketsphinx, which also taught the model. Will 90 % of all edges lie inside on each
# of these, and on labels set by hand? Are edges with narrow intervals really better?

# %% tags=["answer", "hide-input"]
# Table: coverage, width and errors on each kind of speech
measured = read_study(resource("results"), "english-intervals")["sets"]
rows = []
for name, sides in measured.items():
    pair = sides["onset"], sides["offset"]
    thirds = np.mean([one["error_by_width"] for one in pair], axis=0)
    rows.append(
        [
            name,
            *(f"{100 * one['covered']:.0f}" for one in pair),
            *(f"{1000 * one['width']:.0f}" for one in pair),
            *(f"{1000 * third:.0f}" for third in thirds),
        ]
    )
table(
    [
        "",
        "onsets inside, %",
        "offsets inside, %",
        "onset width (ms)",
        "offset width (ms)",
        "error, narrow third (ms)",
        "middle third (ms)",
        "wide third (ms)",
    ],
    rows,
)
bounds = own.extras.get(INTERVALS)
if bounds is not None and not own_file:
    inside = (bounds[..., 0].numpy() <= spans) & (spans <= bounds[..., 1].numpy())
    print(f"of the clip: {int(inside.sum())} of {inside.size} edges inside")

# %% [markdown] tags=["answer"]
# The row that counts is “hand labels”, of which nothing was used: near 90 %, and not below. On
# prompts and GRID, whose speakers the model knows, even more edges lie inside. There the model
# agrees with the times it learned from better than with the truth; so the errors of those times
# were estimated and added when the intervals were learned.
#
# The last three columns say that an interval is worth something besides: on average the error is
# largest where the interval is wide. So the wide ones say which edges to look at.

# %% tags=["answer", "hide-input"]
# Numbers kept
present = [aligned(text, "segments").extras[PRESENCE] for text in texts]
absent = [sum(there < LEAST_PRESENCE for there in one) for one in present]
record(
    words_absent_as_said=absent[0],
    words_absent_of_another=absent[1],
    words_absent_of_one_added=absent[2],
    speech_without_a_word=len(aligned(texts[3], "segments").extras[UNEXPLAINED]),
    phones=len(phones),
    fires=int(free.num_fires),
    recognised=len(heard.tokens),
    phone_errors=round(errors.rate * len(phones)),
    anchored_is_nearer=min(means["segments"], means["ctc"]) < means["count"],
)
record(
    weight_sum=float(alpha.sum()),
    most_ahead=float(np.abs(ahead).max()),
    **{f"{path}_ms": one for path, one in means.items()},
    tolerance=5e-3,
)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary(
    *("alignment", "coverage", "drift", "edge", "encoder output", "fire", "forced alignment"),
    *("path", "phone", "presence", "quantile", "scaled weight", "state", "transcript", "weight"),
    *("weight sum",),
)

# %% [markdown]
# ## On your own
#
# - Set `clip` to `"natural_lake"`. Where does its count drift, and which path is nearest there?
# - In section 7 type the transcript twice in a row, an empty one, one with a numeral (“7”), and the
#   words in reverse. Which of these does the title refuse, and which are placed in spite of all?
# - Record the same sentence fast, slowly, and with a long pause in the middle. Where does
#   `model.align(sound, text, path="count")` put the words after the pause?
# - Record a sentence with a sneeze, a laugh or an “um” in it, and leave it out of the transcript.
#   Which path gives its sound to a word?
# - Align your sentence with a transcript in which one word is wrong. Does its presence fall? Find a
#   wrong word whose presence does not: how much may it sound like the right one?

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *The other clip.* Its count is one phone ahead at the beginning of “quiet”, and hardly wrong
#   elsewhere; so “count” places that word early. “segments” and “ctc” are nearest, by a few
#   milliseconds.
# - *Four transcripts.* The title refuses the words in reverse: most of them are probably not there.
#   Nothing is aligned to the empty one. “7” is read as “seven”, and has no presence. The transcript
#   twice is not refused, though every word is there once: all get a place, and a middling presence,
#   since each of the two could be the one that was said.
# - *Tempo and pause.* Look at the word after the pause. In this clip, with two seconds of silence
#   cut into it, “count” is off there by no more than before: silence has hardly any weight. What
#   makes “count” drift is weight, not time. With your voice look for breaths and for long vowels.
# - *An “um”.* With a synthetic one cut into this clip, “count” stretches the word before it and
#   begins the next one a third of a second early. “fires” begins it early, too. “segments” leaves
#   most of the sound to nobody, and `UNEXPLAINED` names it.
# - *A wrong word.* “house” for “lake” has no presence at all. But “late” or “take” for “lake”,
#   “coat” for “boat” and “tall” for “small” keep nearly all of it. Presence asks whether the word
#   fits better than nothing, not whether it is the right one: one other phone is too little.

# %% [markdown]
# ## In practice
#
# - **Forced aligners.** The Montreal Forced Aligner, WebMAUS and pocketsphinx use hidden Markov
#   models with several states for a phone, and take the likeliest sequence of states. They are
#   hard to beat where the text is right. CTC aligners (in torchaudio, NeMo, WhisperX) take a
#   recogniser as it is; their tokens have no length of their own.
# - **CIF in products.** FunASR's Paraformer puts time stamps at its fires, with weights at a higher
#   rate and constants for silence. On a sound of minutes its count drifts unless it is cut at
#   pauses; so does ours, which is why longer sounds are cut into windows here, too.
# - **Check the text first.** Most errors of an aligner on found data are errors of the transcript.
#   Look at the worst words before you look at milliseconds.
# - **Tolerance.** Two phoneticians do not set a border at the same place, and between a vowel and
#   an “r” there is no clear border. Errors of a few milliseconds say little.
# - **Privacy.** A recording of a voice is personal. Nothing here leaves your machine.

# %% [markdown]
# ## Further reading
#
# - J. Lei, M. G'Sell, A. Rinaldo, R. Tibshirani, L. Wasserman, [Distribution-Free Predictive
#   Inference for Regression](https://arxiv.org/abs/1604.04173), JASA 2018: intervals that assume no
#   distribution.
# - L. Dong, B. Xu, [CIF: Continuous Integrate-and-Fire for End-to-End Speech
#   Recognition](https://arxiv.org/abs/1905.11235), ICASSP 2020: its authors already note that the
#   fires locate acoustic boundaries.
# - N. Jeffries and others, [Moonshine: Speech Recognition for Live Transcription and Voice
#   Commands](https://arxiv.org/abs/2410.15608), 2024: the encoder of this lesson. Which
#   recordings it was trained on is not listed.
# - M. Ostendorf, V. Digalakis, O. Kimball, *From HMM's to Segment Models*, IEEE Transactions on
#   Speech and Audio Processing 4(5), 1996: sums over all ways to cut a sound.
# - [docs/own_voice.md](../docs/own_voice.md): all options of the command line for a sound of yours.
# - [docs/alignment.md](../docs/alignment.md): the study of section 8 in full.
# - [cifviz/systems/phone_paths.py](../cifviz/systems/phone_paths.py) and
#   [phone_alignment.py](../cifviz/systems/phone_alignment.py): the paths, and what is made of them.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 10 min: section 1. Write a sentence on the board and let everybody count its phones; compare,
#   and discuss the word on which they differ. Exercise 10.1.
# - 10 min: section 2. Listen first, then look; who can read the sentence from the phones?
# - 15 min: section 3. Exercise 10.2 at the board, with six boxes for frames. Then the figure.
# - 15 min: section 4. Exercise 10.3 in pairs, 10.5 by hand; 10.4 is for home.
# - 10 min: section 6. Each row of the class follows another path in the figure. Who is interested
#   reads section 5 at home.
# - 15 min: section 7. Everybody records one sentence on a phone; two are aligned in front of all,
#   one of them with a wrong word that the others have to find.
# - 10 min: section 8. Collect orders of the rows before the figure opens.
# - 5 min: section 9 in three sentences, and one question from *On your own* for next time.
#
# ### Likely questions
#
# - *Why not train a CIF on words directly?* The next sentence has words that were not in training.
#   Phones are a closed set.
# - *Why does a pause have any weight at all?* In training the sum has to be N. Whether the weight
#   of a swallowed phone is found in a pause or elsewhere makes no difference to the sum.
# - *Is it still CIF if CTC sets the windows?* Inside of a window the weights say where a border is;
#   the windows only say which phone it is the border of. The rows of section 8 keep both apart.
# - *What if a word is pronounced otherwise than eSpeak NG thinks?* Then a phone finds no sound of
#   its own, or a sound no phone; the path pays for it there, and goes on after it.
# - *Does it work for other languages?* `align(…, language="cs")` takes Czech phones for the nearest
#   English ones. In the only Czech sentence measured the edges were as near as in English, but
#   presence called half of the words absent, so nothing is said about it. It is an experiment.
#
# ### Usual misconceptions
#
# - *A low score is a wrong place.* It is a sound that is unlike the phone; a swallowed “the” may be
#   in the right place.
# - *Presence says whether the place is right.* It says that the word is somewhere there.
# - *Scaling repairs the count.* It repairs the sum, not the places.
# - *The aligner hears what was said.* It places what it is told, right or wrong.
# - *A better recogniser is a better aligner.* To know which phone it is and to know where it ends
#   are two tasks; lesson 06 has a CTC that is good at one of them.
# - *The median is the honest number.* The median hides the few words that are far off, which are
#   what a user notices.
