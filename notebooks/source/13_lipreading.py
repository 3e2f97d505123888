# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # Read lips
#
# **What you'll do:** draw a mouth that speaks, see what cannot be seen, take pictures away until a
# CIF loses count, and compare what helps a reader of lips.
#
# **What you'll learn**
#
# - *explain* why some words cannot be told apart on lips, by anybody
# - *compute* how many pictures a token has (T/N), and how many a CIF needs at least
# - *predict* what fewer pictures do to counts, and what they do to single phones
# - *write* a confusion matrix of visemes from one of phones
# - *tell* what auxiliary decoders, a warm-up and several counts are for in FastLR
#
# **What you need:** [lesson 02](02_weights.ipynb) for weights, [lesson 08](08_nar_decoding.ipynb)
# for decoding all tokens at once. No network, no GPU, no camera.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [10 Find the words in your own sentence](10_open_speech.ipynb) · Next: [14 Translate
# while you listen](14_simultaneous_translation.ipynb)

# %% tags=["hide-input"]
# Imports
import numpy as np
import torch

from cifviz.core.firing import integrate_and_fire
from cifviz.core.tail import above
from cifviz.course import Slider, canvas, check, glossary, live_figure, record, show, table
from cifviz.metrics import spread
from cifviz.metrics.statistics import mean
from cifviz.plot import accumulation
from cifviz.published import read_results, read_study
from cifviz.resources import resource
from cifviz.timing import FrameGrid

# %% tags=["parameters"]
seed = 0  # of the noise on the weights in section 3
fast = True  # nothing here takes long

# %% [markdown]
# ## 1. What lips show
#
# Some people who cannot hear read from lips. They will tell you that “pat”, “bat” and “mat” look
# alike. The lips close for all three; whether the voice sounds, and whether air goes through the
# nose, happens where nobody sees it. What can be seen of a phone is called its *viseme*, and
# several phones share one.

# %%
VISEMES = {
    "lips": "p b m",
    "lip and teeth": "f v",
    "tongue and teeth": "θ ð",
    "ridge": "t d n s",
    "behind the ridge": "ʃ tʃ ɹ",
    "back": "k ɡ",
    "round": "uː ʊ",
    "spread": "iː ɪ",
    "half open": "ɛ æ",
    "open": "ɑː",
    "open and round": "ɔː",
}
viseme_of = {phone: name for name, phones in VISEMES.items() for phone in phones.split()}
print(len(viseme_of), "phones,", len(VISEMES), "visemes")

# %% [markdown]
# **Exercise 13.1.** A reader sees each viseme perfectly, and phones are equally frequent. Of those
# that look alike it can only guess. How many of 100 phones will it get right? (Ask first: of the
# three of “lips”, how many on average?) Give the number.

# %% tags=["exercise"]
right = ...
check("13.1", right)

# %% tags=["solution"]
right = 100 * len(VISEMES) / len(viseme_of)  # of each viseme one phone's worth
check("13.1", right)

# %% [markdown]
# So a reader of lips lives from what words are possible. In the sentences of GRID “bin” is a word
# and “pin” is none.
#
# No video of a person is among the data of this course. What the models here have seen is a *drawn*
# mouth: two ellipses whose opening and width follow the phones, with teeth and tongue. One movement
# runs into the next, as in a real mouth; faces, light and heads differ. **All of it is synthetic.**
# What can be learned from it is about counting and about what looks alike. It says nothing about
# how well people's lips can be read.

# %% [markdown]
# ## 2. From pictures to tokens
#
# The rest is as before: 3-D convolutions make a vector of each picture and its neighbours in space
# and time. From there on pictures are frames: an encoder, weights, fires, a decoder that gives all
# tokens at once. The authors of **FastLR** (Liu and others, 2020) call the middle part
# integrate-and- fire; it is a CIF.
#
# One thing differs, the clock. Sound comes in 100 feature frames a second, video in 25 pictures. An
# encoder of speech makes 25 frames of 100; here there is nothing to spare.
#
# With T pictures and N tokens, *T/N* is how many pictures a token has.
#
# **Exercise 13.2.** Somebody says 12 phones a second. How many pictures has a phone at 25 pictures
# a second, and how many at 50? A weight is at most 1. Below which number of pictures per second
# *must* a CIF with β = 1 miss phones? Give three numbers.

# %% tags=["exercise"]
rates = ...
check("13.2", rates)

# %% tags=["solution"]
rates = [25 / 12, 50 / 12, 12]  # at T/N = 1 each weight is 1: the last possibility
check("13.2", rates)

# %% [markdown]
# ## 3. Until counts fall apart
#
# Long before T/N = 1 it becomes difficult. Here are twelve tokens of different lengths. A perfect
# model would spread the weight 1 evenly over the pictures of each token. Ours is almost perfect:
# each weight is off by some percent, at random. Take pictures away. **Predict first:** at which T/N
# does the number of fires begin to be wrong?


# %% tags=["answer", "hide-input"]
# Figure: fires by pictures per second, to be moved
lengths = np.random.default_rng(7).uniform(0.05, 0.15, 12)
ends = np.cumsum(lengths)


def sampled(rate, noise, at=seed):
    """Weights of pictures at a rate: 1 for each token, evenly over its time, and some noise."""
    borders = np.arange(0, ends[-1] + 1 / rate, 1 / rate)
    mass = np.diff(np.interp(borders, [0, *ends], np.arange(13.0)))
    noisy = mass * (1 + noise * np.random.default_rng(at).normal(size=len(mass)))
    return torch.tensor(noisy.clip(0, 1), dtype=torch.float32)[None]  # a sigmoid gives 1 at most


def fired(rate, noise, at=seed):
    alpha = sampled(rate, noise, at)
    frames = torch.zeros(1, alpha.shape[1], 1)
    return integrate_and_fire(alpha, frames, tail=above(0.5))  # half a token fires at the end


def draw(ax, rate, noise):
    firing = fired(rate, noise)
    accumulation(firing, FrameGrid(1 / rate), ax=ax)
    for end in ends:
        ax.axvline(end, linestyle=":", linewidth=0.8, color="0.4")
    return f"T/N = {rate * ends[-1] / 12:.1f}, {int(firing.num_fires)} fires for 12 tokens"


live_figure(
    draw,
    rate=Slider(8, 50, 1, 25),
    noise=Slider(0.0, 0.5, 0.05, 0.1),
    static=[{"rate": rate, "noise": 0.1} for rate in (50, 25, 15, 10)],
    alt="The accumulated weight at 50, 25, 15 and 10 pictures a second. Dotted lines are the true "
    "ends of twelve tokens. With many pictures there are twelve fires near them; with few the line "
    "is made of long straight pieces and fires are missing.",
    caption="Dotted: where tokens end. Look at how many fires there are as pictures become fewer, "
    "and how far they are from the dotted lines.",
)

# %% tags=["answer", "hide-input"]
# Table: how often the number is right, of 200 draws of the noise
shares = {}
for rate in (50, 25, 17, 12, 10):
    counts = [int(fired(rate, 0.15, at).num_fires) for at in range(200)]
    shares[rate] = mean([count == 12 for count in counts])
table(
    ["pictures per second", *(str(rate) for rate in shares)],
    [
        ["T/N", *(f"{rate * ends[-1] / 12:.1f}" for rate in shares)],
        ["number of fires right", *(f"{100 * share:.0f} %" for share in shares.values())],
    ],
)

# %% [markdown] tags=["answer"]
# Two things go wrong. First, noise: it averages out over the pictures of a token, and the fewer
# they are the less it does. Second, the ceiling: a short token lies in one picture, whose weight
# cannot exceed 1, while the picture also holds a part of its neighbours. What is above 1 is lost.
# The count goes down, never up.

# %% [markdown]
# And with trained models? The recipe “drawn-phones” teaches strings of phones, each phone a token,
# at four clocks. **Predict first:** does the error within a viseme depend on the clock, too?

# %% tags=["answer", "hide-input"]
# Table: counts and errors of readers of phones by clock, mean ± standard deviation of the seeds
study = read_study(resource("results"), "lip-reading")
CLOCKS = {"50fps": 50, "": 25, "17fps": 16.7, "12fps": 12.5}
rows = []
for variant, rate in CLOCKS.items():
    each = [one for one in study["phones"] if one["variant"] == variant]
    frames = sum(each[0]["pictures"]) / sum(each[0]["reference"])
    exact = [
        100 * mean([r == h for r, h in zip(one["reference"], one["hypothesis"], strict=True)])
        for one in each
    ]
    visemes = [100 * one["viseme_error_rate"] for one in each]
    rows.append([rate, f"{frames:.1f}", spread(exact, digits=0), spread(visemes, digits=1)])
table(["pictures per second", "T/N", "right number, %", "viseme errors, %"], rows)

# %% [markdown] tags=["answer"]
# TEXT FOLLOWS THE RESULTS: where the counts fall apart, in T/N; whether viseme errors follow them.

# %% [markdown]
# ## 4. Who is taken for whom
#
# **Exercise 13.3.** `counts[r][h]` says how often phone r was taken for phone h. Write
# `by_viseme(counts, visemes)` that sums it to visemes: `visemes` gives the number of the viseme of
# each phone. It returns a matrix, as lists, with a row for each viseme of the reference.


# %% tags=["exercise"]
def by_viseme(counts, visemes): ...


check("13.3", by_viseme)


# %% tags=["solution"]
def by_viseme(counts, visemes):
    size = max(visemes) + 1
    summed = [[0] * size for _ in range(size)]
    for r, row in enumerate(counts):
        for h, count in enumerate(row):
            summed[visemes[r]][visemes[h]] += count
    return summed


check("13.3", by_viseme)

# %% [markdown]
# Here are the confusions of the readers at 25 pictures a second. **Predict first:** what does the
# matrix of phones look like, if its rows are sorted by viseme? And that of visemes?

# %% tags=["answer", "hide-input"]
# Figure: confusions of phones, sorted by viseme
phones = study["vocabulary"]
total = np.sum([one["confusions"] for one in study["phones"] if not one["variant"]], axis=0)
shares_of = total / np.maximum(1, total.sum(axis=1, keepdims=True))
figure, (ax,) = canvas(height=4.2, share_time=False)
ax.imshow(shares_of, cmap="Greys", vmin=0, vmax=1)
ax.set_xticks(range(len(phones)), phones)
ax.set_yticks(range(len(phones)), phones)
ax.set_xlabel("taken for")
ax.set_ylabel("phone")
show(
    figure,
    "A matrix with a row for each phone and a column for each phone that it was taken for. Dark "
    "cells form blocks along the diagonal, one for each viseme.",
    caption="Which phone is taken for which, as shares of each row. Look for blocks beside the "
    "diagonal: p, b, m are one of them.",
)

# %% tags=["answer"]
order = list(dict.fromkeys(viseme_of[phone] for phone in phones))
summed = np.array(by_viseme(total.tolist(), [order.index(viseme_of[phone]) for phone in phones]))
table(
    ["viseme", "recognised as itself"],
    [[name, f"{100 * summed[n, n] / summed[n].sum():.0f} %"] for n, name in enumerate(order)],
)

# %% [markdown] tags=["answer"]
# TEXT FOLLOWS THE RESULTS: blocks; how much of all errors lies within visemes; which visemes are
# taken for each other, and why (short ones do not reach their shape).

# %% [markdown]
# ## 5. What helps
#
# With words as tokens and GRID's grammar, what cannot be seen can be guessed. FastLR gives the
# encoder help in training, since *how many* and *where* is hard to learn from pictures: an
# auxiliary CTC decoder, an auxiliary AR decoder, and a warm-up in which only these teach. After
# training the CTC decoder is thrown away; the AR decoder can judge candidates of several counts
# (section 5 of lesson 08).
#
# **Predict first:** order these five by their errors: an AR reader; I&F alone; with CTC; with CTC
# and the AR decoder; with these and the warm-up.

# %% tags=["answer", "hide-input"]
# Table: errors in words by what helped, mean ± standard deviation of the seeds
TITLES = {
    "ar": "autoregressive reader",
    "alone": "I&F-NAR",
    "with-ctc": "+ CTC",
    "no-warm-up": "+ AR decoder",
    "": "+ warm-up",
}
results = [one for one in read_results(resource("results")) if one["recipe"] == "drawn-lips"]
rows = []
for variant, title in TITLES.items():
    each = [one["test"] for one in results if one["variant"] == variant]
    rows.append(
        [
            title,
            spread([100 * one["token_error_rate"] for one in each], digits=1),
            spread([100 * one["count_accuracy"] for one in each], digits=0),
        ]
    )
table(["trained", "errors in words, %", "right number, %"], rows)

# %% [markdown] tags=["answer"]
# TEXT FOLLOWS THE RESULTS: what helps by more than the seeds differ. The paper reports some points
# of accuracy lost against an AR reader, and up to 10.97 times its speed.

# %% tags=["answer", "hide-input"]
# Table: milliseconds of an utterance
times = study["times"]
of_words = times["words"]
lengths_of = sorted(set(of_words))
table(
    ["decoding", *(f"{length} words" for length in lengths_of)],
    [
        [
            name,
            *(
                f"{mean([t for t, n in zip(values, of_words, strict=True) if n == length]):.1f} ms"
                for length in lengths_of
            ),
        ]
        for name, values in times.items()
        if name not in ("words", "seed")
    ],
)

# %% [markdown] tags=["optional"]
# ## 6. Your own lips
#
# With `pip install "cifviz[video]"` in an environment of its own, and a model that you trained
# (`python -m experiments train drawn-lips`, some minutes):
#
# ```python
# from cifviz.audio.lip_video import load_lip_video
#
# clip = load_lip_video("me.mp4")
# model = cifviz.load_model("runs/drawn-lips-seed0/model")
# result = model.transcribe(clip.waveform, video=clip.pictures)
# cifviz.plot.panel(result)
# ```
#
# A landmark model finds the lips, what is around them is cut out and made small, and the panel
# shows pictures, weights and fires on one time axis. Do not expect your words: **this model has
# seen drawn mouths alone.** What you can see is its clock, and whether it fires while your mouth
# stands still.

# %% tags=["hide-input"]
# Records
record(
    phones_right=100 * len(VISEMES) / len(viseme_of),
    share_right_at_50=shares[50],
    share_right_at_10=shares[10],
    tolerance=0.02,
)
record(fires_at_50=int(fired(50, 0.0).num_fires), fires_at_10=int(fired(10, 0.0).num_fires))

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary("candidate", "fire", "non-autoregressive", "pictures per token", "viseme", "weight sum")

# %% [markdown]
# ## On your own
#
# - In section 3, let `sampled` clip at 2 in place of 1. Which of the two difficulties goes away?
# - Two tokens in one picture: can any weight between 0 and 1 count them? What would you change?
# - Find two words of English that differ in the voice of one phone alone, and say them into a
#   mirror.
# - Word pieces have a larger T/N than characters. Why does that help a reader of lips?

# %% [markdown]
# ## In practice
#
# - **FastLR** used GRID (33 speakers) and LRS2; its word pieces raise T/N, which may be a part of
#   why they help.
# - **Landmarks.** Lip readers cut the mouth out by a landmark model such as MediaPipe's face mesh,
#   often after turning the face upright.
# - **Audio-visual recognition** adds the pictures to the sound; they help most where noise covers
#   the sound.

# %% [markdown]
# ## Further reading
#
# - J. Liu and others, [FastLR](https://arxiv.org/abs/2008.02516), ACM Multimedia 2020.
# - M. Cooke and others, *An audio-visual corpus for speech perception and automatic speech
#   recognition*, JASA 120, 2006: GRID.
# - Y. Assael and others, [LipNet](https://arxiv.org/abs/1611.01599), 2016: sentences from lips by
#   CTC.
# - Y. Kartynnik and others, [Real-time Facial Surface Geometry](https://arxiv.org/abs/1907.06724),
#   2019: the face mesh.
# - [cifviz/systems/fastlr.py](../cifviz/systems/fastlr.py) and
#   [lip_video.py](../cifviz/audio/lip_video.py): the system and the way of an own clip in the
#   library.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 15 min: section 1 with mirrors: “pat”, “bat”, “mat”. Exercise 13.1.
# - 10 min: section 2, exercise 13.2.
# - 25 min: section 3. Guesses before the slider moves; then the two difficulties at the board.
# - 20 min: section 4, exercise 13.3 in pairs.
# - 15 min: section 5: vote on the order first.
# - 5 min: what may be claimed of drawn mouths, and what not.
#
# ### Likely questions
#
# - *Why not simply more pictures?* Interpolated ones give the CIF room to fire (T/N grows), and no
#   more knowledge.
# - *Could two tokens fire in a picture?* With a weight above 1 yes; a sigmoid gives none.
#
# ### Usual misconceptions
#
# - *Better pictures would separate p and b.* What is not visible is not in any picture.
# - *More errors at fewer pictures are blurred mouths.* First of all they are lost counts.
# - *A model that reads drawn lips reads lips a little.* It has seen ellipses.
