# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # Read the lips of a drawn mouth
#
# **What you'll do:** watch a drawn mouth speak, find out what cannot be seen, let a CIF read words
# from pictures, and take pictures away until it loses count.
#
# **What you'll learn**
#
# - *explain* why some words cannot be told apart on lips, by anybody
# - *compute* how many pictures a token has, and how many a CIF needs at least
# - *predict* what fewer pictures do to the number of tokens
# - *write* a confusion matrix of visemes from one of phones
# - *tell* what helps a reader of lips in training, and what has to be measured to know it
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb), [lesson 02](02_scaling.ipynb) and
# [lesson 08](08_nar_decoding.ipynb). No network, no GPU, and nobody who films you.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [12 Let a language model teach a CIF](12_distillation.ipynb) · Next: [14 Translate while
# you listen](14_simultaneous_translation.ipynb)

# %% tags=["hide-input"]
# Imports
import numpy as np
import torch
from matplotlib.patches import Rectangle

import cifviz
from cifviz.core.tail import above
from cifviz.corpora.drawn_mouth import (
    VISEMES,
    Face,
    TimedPhone,
    clip_video,
    movement,
    pictures,
)
from cifviz.course import Slider, canvas, check, glossary, live_figure, play, record, show, table
from cifviz.metrics import spread, token_errors
from cifviz.metrics.statistics import mean
from cifviz.plot import STYLE, accumulation, panel, panel_alt
from cifviz.published import read_results, read_study
from cifviz.resources import resource
from cifviz.systems.count_hypotheses import count_hypotheses
from cifviz.systems.fastlr import AuxiliaryScorer

# %% tags=["parameters"]
seed = 0  # of the drawn face and of the noise on the weights in section 3
fast = True  # False: try more faces in section 2 and more noise in section 3
clip = "grid_place"  # a name in cifviz.list_clips() that begins with grid

# %% [markdown]
# ## 1. What lips show
#
# Where it is loud, a microphone is of little use, and some videos have no sound at all. But a mouth
# can be seen. Some people who cannot hear read from lips. Can a CIF do that? It needs frames and a
# weight for each of them, and the pictures of a video are frames, too.
#
# First, what is there to see? No video of a person is among the data of this course, and we do not
# film you. So a program draws a mouth: two ellipses whose opening and width follow the sounds, with
# teeth and a tongue. As in a real mouth, one movement runs into the next. **All of it is
# synthetic.** What we learn from it is about counting, and about sounds that look alike. It says
# nothing about how well the lips of people can be read.
#
# A word is made of *phones*, its single sounds: “pat” of p, æ and t. We draw the mouth for four
# words that differ in their first phone alone, a picture each 40 ms.

# %%
clock = cifviz.FrameGrid(shift=0.04)  # 25 pictures in a second


def mouth_of(word):
    """Pictures of one and the same mouth, 0.1 s for each phone and some silence around them."""
    phones = [TimedPhone(p, 0.1 + 0.1 * k, 0.2 + 0.1 * k) for k, p in enumerate(word)]
    states = movement(phones, 0.52, smoothing=0.02)  # opening, width, teeth, tongue each 10 ms
    return pictures(states[2::4], Face())


mouths = {"".join(word): mouth_of(word) for word in ("pæt", "bæt", "mæt", "fæt")}

# %% [markdown]
# **Predict first:** which of “pat”, “bat”, “mat” and “fat” can be told apart by their pictures? Say
# them to yourself, slowly, and feel what your lips do.

# %% tags=["answer", "hide-input"]
# Figure: four words, picture by picture
figure, axes = canvas(len(mouths), height=0.75, share_time=False)
for ax, (word, video) in zip(axes, mouths.items(), strict=True):
    strip = np.hstack([np.pad(one, ((0, 0), (1, 1)), constant_values=255) for one in video])
    ax.imshow(strip, cmap=STYLE["video"], vmin=0, vmax=255, aspect="auto")
    ax.set_yticks([strip.shape[0] / 2], [word])
    ax.tick_params(left=False)
    ax.set_xticks([])
middles = (np.arange(len(video)) + 0.5) * strip.shape[1] / len(video)
axes[-1].set_xticks(middles, [f"{1000 * clock.seconds(n):.0f}" for n in range(len(video))])
axes[-1].set_xlabel("start of the picture (ms)")
show(
    figure,
    "Four rows of pictures of a drawn mouth. In the rows of pæt, bæt and mæt the lips are closed, "
    "open and go back; the rows are the same. In the row of fæt the mouth is open a little from "
    "the first phone on, and bright teeth are seen.",
    caption="Four words as a mouth shows them, from left to right. Compare the pictures of the "
    "first phone, from 80 to 160 ms.",
)

# %% tags=["answer"]
# How far the pictures of two words differ at most, in shades of 255
for other in ("bæt", "mæt", "fæt"):
    difference = np.abs(mouths["pæt"].astype(int) - mouths[other].astype(int)).max()
    print(f"pæt and {other}: {difference}")

# %% [markdown] tags=["answer"]
# Only “fat” looks different. For p, b and m the lips close in the same way. Whether the voice
# sounds (b, m) and whether air goes through the nose (m) happens where nobody sees it. No picture
# holds it, so no reader of lips, a person or a network, can read it off the picture.

# %% [markdown]
# What can be seen of a phone is its *viseme*. Phones that look alike share one. Here are the phones
# that we use later in this lesson, by their visemes.

# %%
study = read_study(resource("results"), "lip-reading")
phones = study["vocabulary"]
by_look = {}
for phone in phones:
    by_look.setdefault(VISEMES[phone], []).append(phone)
table(["viseme", "phones"], [[name, " ".join(each)] for name, each in by_look.items()])
print(f"{len(phones)} phones, {len(by_look)} visemes")

# %% [markdown]
# (The names say where the mouth does something: *ridge* is the place behind your upper teeth where
# the tongue makes a t. The phones are written in the phonetic alphabet: θ as in “thin”, ð as in
# “this”, ʃ as in “ship”, tʃ as in “chip”, ɹ as in “red”, uː as in “two”, ʊ as in “good”, iː as in
# “see”, ɪ as in “sit”, ɛ as in “red”, æ as in “pat”, ɑː as in “car”, ɔː as in “four”.)
#
# **Exercise 13.1.** A reader sees every viseme perfectly, and all phones, 24 of 11 visemes, are
# equally frequent. Between those that look alike it can only guess. How many of 100 phones does it
# get right, on average? Give one number.

# %% tags=["exercise"]
right = ...
check("13.1", right)

# %% tags=["solution"]
right = 100 * 11 / 24  # each viseme brings one phone's worth
check("13.1", right)

# %% [markdown] tags=["hints"]
# Begin with one viseme: of the three phones of “lips”, how many does it get right on average?
#
# A guess among three is right once in three. Over all three phones that makes one. How is it for a
# viseme with four phones?
#
# Every viseme brings one right phone, however many phones it has. So it is the number of visemes
# over the number of phones, times 100.

# %% [markdown]
# People who read lips understand more than that, because they know which *words* are possible: in a
# sentence about a dog, “bark” is likelier than “park”. Keep this in mind for section 6.

# %% [markdown]
# ## 2. From pictures to tokens
#
# Now a whole sentence. The project has short clips, in which a synthesiser speaks. It knows when
# each phone is spoken, so the mouth can be drawn to the sound. The vocabulary is that of GRID, a
# corpus of short commands such as “bin blue at f two now”.

# %%
torch.set_num_threads(1)  # small models: several threads would only wait for each other
spoken = cifviz.load_clip(clip)
video = clip_video(spoken, np.random.default_rng(seed))
print("reference:", *spoken.tokens)
print("pictures, height, width:", *video.shape)
play(spoken.waveform, "The clip that the mouth is drawn to")

# %% [markdown]
# *FastLR* (Liu and others 2020) is a CIF that reads lips; its authors call the middle part
# integrate-and-fire. Our version is a reconstruction, made from the abstract of the paper, and much
# smaller. The only new part is the first one:
#
# 1. A *front-end* makes a vector of each picture. It is a 3-D convolution: like a convolution on a
#    picture, but it also looks at the picture before and the one after it.
# 2. From here on the vectors are frames, as in any lesson before: an encoder, then weights.
# 3. The weights fire, and a decoder gives all words in one pass, as in
#    [lesson 08](08_nar_decoding.ipynb).
#
# The model “drawn-lips” is trained on drawn mouths. Its `transcribe` is given the sound as well,
# because the sound says how long the clip is.
#
# **Predict first:** we give it silence of the same length in place of the sound. Do its words
# change? And will it read this sentence rightly?

# %% tags=["answer"]
# What it reads, with the sound and with silence
lips = cifviz.load_model("drawn-lips")
read = lips.transcribe(spoken.waveform, video=video)
silence = cifviz.Waveform(np.zeros_like(spoken.waveform.samples), spoken.waveform.sample_rate)
silent = lips.transcribe(silence, video=video)
print("reference:      ", *spoken.tokens)
print("read from lips: ", *read.tokens)
print("with silence:   ", *silent.tokens)

# %% tags=["answer", "hide-input"]
# Figure: pictures, weights and words on one time axis
view = panel(read, reference=spoken.words, lanes=("pictures", "weights", "tokens", "reference"))
show(
    view.fig,
    f"{panel_alt(read)} The first lane has pictures of the mouth, the last one the true words.",
    caption="Pictures, weights and tokens of the clip. Compare the two lowest lanes: which words "
    "are read, and where. The pictures are some of all, as many as find space.",
)

# %% [markdown] tags=["answer"]
# The words are the same: nothing of the sound reaches the network. It reads some of the words
# rightly, and others not. The weights rise in the words, and are small where the mouth does not
# move, as they are for sound. (At the very end they may rise once more, where the convolution has
# no next picture to look at. ▽ is a fire by the tail rule.)

# %% [markdown]
# One sentence and one face prove little. Here are all GRID clips, each with several faces. A new
# face has other shades, another size and another light; the phones and their times stay the same.

# %% tags=["hide-input"]
# Table: the words that are read, and errors in words over several faces
faces = 3 if fast else 10
rows, references, found = [], [], []
for name in cifviz.list_clips():
    one = cifviz.load_clip(name)
    if one.domain != "grid":
        continue
    for face in range(faces):
        drawn = clip_video(one, np.random.default_rng(face))
        references.append(one.tokens)
        found.append(lips.transcribe(one.waveform, video=drawn).tokens)
    rows.append([name, " ".join(one.tokens), " ".join(found[-faces])])
table(["clip", "reference", "read, first face"], rows)
wrong = token_errors(references, found)
counted = sum(len(a) == len(b) for a, b in zip(references, found, strict=True))
print(f"errors for each word: {wrong.rate:.2f}; right number of words: {counted} of {len(found)}")

# %% [markdown]
# Look at *which* words are wrong. A letter such as “z” or “o” is short and looks like others, and
# any of 25 letters may stand in its place. Words of more phones, such as “again”, are easier.
#
# Now count pictures. One thing is different from sound: the clock. In earlier lessons an encoder
# was given 100 frames a second and made 25 of them. A video *begins* with 25 pictures a second;
# there is nothing to spare. If an utterance has T pictures and N tokens, there are T/N *pictures
# per token*.
#
# **Exercise 13.2.** Somebody says 12 phones a second, and each phone is a token. How many pictures
# per token are there at 25 pictures a second, and how many at 50? The weights come from a sigmoid,
# so none is above 1. At which number of pictures a second is there just one picture per token, so
# that with any fewer a CIF with β = 1 *must* miss phones? Give three numbers.

# %% tags=["exercise"]
rates = ...
check("13.2", rates)

# %% tags=["solution"]
rates = [25 / 12, 50 / 12, 12]  # T/N, T/N, and T = N
check("13.2", rates)

# %% [markdown] tags=["hints"]
# Take one second: how many pictures and how many phones does it have?
#
# T/N of a second is its pictures over its phones. For the third number, T/N is 1.
#
# 25 / 12 and 50 / 12. With weights of at most 1, N fires need N pictures at least: as many pictures
# as phones in a second.

# %% [markdown]
# ## 3. Until the count falls apart
#
# With fewer than one picture per token a CIF cannot count. But it becomes difficult long before.
# To see why, look at a case in which everything is known, without any network.
#
# Twelve tokens last from 50 to 150 ms each. A perfect predictor would give each token the weight 1,
# spread evenly over its time; a picture gets what falls into it. Our predictor is nearly perfect:
# each weight is off by some percent, at random. And as in any CIF with a sigmoid, no weight exceeds
# 1.

# %%
ends = np.cumsum(np.random.default_rng(7).uniform(0.05, 0.15, 12))


def perfect(rate):
    """The weight that falls into each picture, for a number of pictures a second."""
    borders = np.arange(0, ends[-1] + 1 / rate, 1 / rate)
    return np.diff(np.interp(borders, [0, *ends], np.arange(13.0)))


def fired(rate, noise, at=seed):
    """Fires for weights that are off at random, and cut off at 1."""
    mass = perfect(rate)
    off = mass * (1 + noise * np.random.default_rng(at).normal(size=len(mass)))
    alpha = torch.tensor(off.clip(0, 1), dtype=torch.float32)[None]
    frames = torch.zeros(1, alpha.shape[1], 1)  # what fires does not matter here
    return cifviz.integrate_and_fire(alpha, frames, tail=above(0.5))


# %% [markdown]
# The next figure has two sliders: for the *rate*, the pictures a second, and for the noise. Run the
# cells after you have predicted, and move them.
#
# **Predict first:** begin with 50 pictures a second and a noise of 0.15, and take pictures away. At
# about how many pictures per token does the number of fires begin to be wrong? Are there then too
# few fires, too many, or either?


# %% tags=["hide-input"]
# What the sliders draw
def draw_rate(ax, *, rate, noise):
    firing = fired(rate, noise)
    accumulation(firing, cifviz.FrameGrid(1 / rate), ax=ax)
    for end in ends:
        ax.axvline(end, linestyle=":", linewidth=0.9, color=STYLE["sound"])
    return f"{rate * ends[-1] / 12:.1f} pictures per token, {int(firing.num_fires)} fires of 12"


# %% tags=["answer", "hide-input"]
# Figure with sliders: fires by pictures a second
live_figure(
    draw_rate,
    rate=Slider(8, 50, 1, 25),
    noise=Slider(0.0, 0.5, 0.05, 0.15),
    static=[{"rate": rate, "noise": 0.15} for rate in (50, 25, 12, 10)],
    alt="The accumulated weight at 50, 25, 12 and 10 pictures a second. Dotted lines are the true "
    "ends of twelve tokens. At 50 the weight rises and falls twelve times, and fires are near the "
    "dotted lines; at 10 it is made of a few long straight pieces, and fires are missing.",
    caption="The accumulated weight of twelve tokens at four rates. Dotted: where tokens end. "
    "Count the fires (▼; ▽ is a fire of the tail rule), and see how far they are from the dotted "
    "lines.",
)

# %% tags=["answer", "hide-input"]
# Table: how often the number is right, over many draws of the noise
draws = 200 if fast else 1000
rows, shares = [], {}
for rate in (50, 25, 17, 12, 10):
    counts = [int(fired(rate, 0.15, at).num_fires) for at in range(draws)]
    signs = [int(np.sign(count - 12)) for count in counts]  # 0: right, −1: too few, 1: too many
    shares[rate] = [100 * mean([one == sign for one in signs]) for sign in (0, -1, 1)]
    mass = perfect(rate)
    lost = float((mass - mass.clip(0, 1)).sum())
    cells = (f"{part:.0f} %" for part in shares[rate])
    rows.append([rate, f"{rate * ends[-1] / 12:.1f}", *cells, f"{lost:.2f}"])
heads = ["pictures a second", "T/N", "right number", "too few", "too many"]
table([*heads, "weight above 1, without noise"], rows)

# %% [markdown] tags=["answer"]
# Two things go wrong, one after the other.
#
# *Noise* comes first. With many pictures per token their errors cancel, more or less; with two they
# do not. The number of fires goes wrong in *both* directions, so on average it stays right.
#
# *The limit of 1* comes next, where T/N gets near 1. A picture that holds a short token and parts
# of its neighbours should weigh more than 1, and cannot. What is above 1 is lost (the last column).
# Now there are only *too few* fires. Nothing repairs that: better weights are not possible.

# %% [markdown]
# ## 4. The same with trained readers
#
# Does a trained reader of lips behave like this? To find out, each phone has to be a token, since
# words last many pictures. The recipe “drawn-phones” trains readers of strings of 3 to 10 phones,
# consonants and vowels in turn, without pauses. The drawn mouth is the same each time; what differs
# is how many pictures of it are taken in a second, from 12.5 to 50.
#
# These trainings take some minutes each, so the table shows what was measured and recorded. The
# ± is the standard deviation over trainings with different seeds. *Viseme errors* count how often
# the viseme is wrong, missing or too much; that p was taken for b does not count.
#
# **Predict first:** from 50 down to 12.5 pictures a second, what happens to the number of phones,
# and what to the viseme errors? Where do you expect the largest step?

# %% tags=["answer", "hide-input"]
# Table: counts and errors of readers of phones, by the clock
CLOCKS = {"50fps": "50", "": "25", "17fps": "16.7", "12fps": "12.5"}
trained = {
    variant: [one for one in study["phones"] if one["variant"] == variant] for variant in CLOCKS
}
readers = {
    variant: [one for one in each if any(one["hypothesis"])] for variant, each in trained.items()
}
rows = []
for variant, rate in CLOCKS.items():
    each = readers[variant]
    if not each:
        continue
    signs = [np.sign(np.subtract(one["hypothesis"], one["reference"])).tolist() for one in each]
    counts = [[100 * mean([n == sign for n in one]) for one in signs] for sign in (0, -1, 1)]
    visemes = [100 * one["viseme_error_rate"] for one in each]
    frames = sum(each[0]["pictures"]) / sum(each[0]["reference"])
    cells = (spread(part, digits=0) for part in counts)
    gave = f"{len(each)} of {len(trained[variant])}"
    rows.append([rate, gave, f"{frames:.1f}", *cells, spread(visemes, digits=1)])
heads = ["pictures a second", "readers", "T/N", "right number, %", "too few, %", "too many, %"]
table([*heads, "viseme errors, %"], rows)

# %% tags=["answer", "hide-input"]
# Figure: share of right numbers by pictures per phone, for each clock
figure, (ax,) = canvas(height=2.6)
looks = {"50fps": "s", "": "o", "17fps": "D", "12fps": "^"}
for variant, each in readers.items():
    ratios = np.concatenate([np.divide(one["pictures"], one["reference"]) for one in each] or [[]])
    hits = np.concatenate([np.equal(one["reference"], one["hypothesis"]) for one in each] or [[]])
    if not len(ratios):
        continue
    order = np.argsort(ratios)
    groups = np.array_split(order, 4)  # a quarter of the utterances each, from fast to slow
    ax.plot(
        [ratios[group].mean() for group in groups],
        [100 * hits[group].mean() for group in groups],
        marker=looks[variant],
        label=f"{CLOCKS[variant]} pictures a second",
    )
ax.axvline(1, linestyle=":", color=STYLE["sound"])
ax.set(xlabel="pictures per phone, T/N", ylabel="right number (%)", ylim=(0, 100), xlim=(0.8, None))
ax.legend(loc="lower right")
show(
    figure,
    "Share of utterances with the right number of phones over the pictures per phone, a line for "
    "each clock with four points, from the fastest to the slowest quarter of the utterances.",
    caption="Right numbers of phones by pictures per phone: a line for each clock, with a point "
    "for each quarter of the utterances, from fast to slow speech. Dotted: one picture per phone.",
)

# %% [markdown] tags=["answer"]
# At 25 pictures a second the number is right in about three of four strings, and the viseme errors
# are few. So these readers see well, and count less well. They have too many phones as well as too
# few: that is the first difficulty of section 3, noise. Twice as many pictures do not help here.
#
# Half as many pictures cost something, but less than one might fear: two strings of three are right
# still. Where T/N gets near 1, the second difficulty has to come, the limit of 1. You would know it
# by this: there are more and more strings with *too few* phones, and hardly any with too many. At
# 12.5 pictures a second it hardly begins: at the leftmost point of the figure the number is right
# less often, but many of these strings still have too many phones. Viseme errors grow as well,
# since a phone that is missing is an error, too.
#
# *Readers* says how many of the trainings gave any phones at all. One of those at 50 pictures a
# second gave none: when the losses of the CIF came in, a quarter on the way, its weights fell to 0,
# and from there no slope led back. Three trainings are too few to say how often that happens, and
# enough to say that it does.

# %% [markdown]
# ## 5. Who is taken for whom
#
# A *confusion matrix* counts pairs: `counts[r][h]` says how often phone r of the reference was
# taken for phone h. (Reference and hypothesis are first laid side by side with as few errors as
# possible; phones that are missing or too much are in no pair.) From it one can see whether the
# mistakes are those that section 1 predicts.
#
# **Exercise 13.3.** Write `by_viseme(counts, visemes)`, which makes the confusion matrix of visemes
# of that of phones. `visemes` has the number of the viseme of each phone, from 0. Return lists: a
# row for each viseme of the reference.


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

# %% [markdown] tags=["hints"]
# The result is smaller: as many rows and columns as there are visemes. Begin with zeros.
#
# Go through all pairs r, h of phones. Each count belongs to one cell of the result. To which?
#
# Add `counts[r][h]` to the cell in row `visemes[r]` and column `visemes[h]`. Several pairs fall
# into one cell, so add, do not replace.

# %% [markdown]
# **Predict first:** the rows and columns of the matrix of phones are sorted by viseme. What will it
# look like? And that of visemes?

# %% tags=["answer", "hide-input"]
# Figure: confusions of phones, sorted by viseme
usual = [np.array(one["confusions"]) for one in readers[""]]
total = np.sum(usual, axis=0)
shares_of = total / np.maximum(1, total.sum(axis=1, keepdims=True))
figure, _ = canvas(height=5.2, width=6.4)
figure.clear()
ax = figure.subplots()
picture = ax.imshow(shares_of, cmap=STYLE["log_mel"], vmin=0, vmax=1)
ax.set_xticks(range(len(phones)), phones, rotation=90)
ax.set_yticks(range(len(phones)), phones)
first = 0
for each in by_look.values():
    size = len(each)
    box = {"fill": False, "edgecolor": STYLE["weight"], "linewidth": 1.4}
    corner = (first - 0.5, first - 0.5)
    ax.add_patch(Rectangle(corner, size, size, fill=False, edgecolor=STYLE["weight"]))
    first += size
ax.set(xlabel="taken for", ylabel="phone of the reference")
figure.colorbar(picture, ax=ax, label="share of the row", shrink=0.8)
show(
    figure,
    "A square with a row for each phone and a column for each phone that it was taken for. Dark "
    "cells fill the frames along the diagonal, one frame for each viseme; outside of the frames "
    "nearly all cells are white.",
    caption="Which phone is taken for which, as shares of each row, at 25 pictures a second. A "
    "frame surrounds the phones of one viseme. Compare the cells inside and outside of frames.",
)

# %% tags=["answer", "hide-input"]
# Table: visemes that are recognised, and how many of the mistakes stay inside of a viseme
names = list(by_look)
belongs = np.array([[VISEMES[phone] == name for name in names] for phone in phones], int)
summed = belongs.T @ total @ belongs  # what by_viseme gives
mistakes, inside = total.sum() - np.trace(total), np.trace(summed) - np.trace(total)
alike = [len(by_look[VISEMES[phone]]) - 1 for phone in phones]
at_random = 100 * mean(alike) / (len(phones) - 1)
rows = [
    [name, f"{100 * summed[n, n] / summed[n].sum():.0f} %", names[other], f"{share:.0f} %"]
    for n, name in enumerate(names)
    for row in [np.delete(100 * summed[n] / summed[n].sum(), n)]
    for share, other in [(row.max(), int(np.delete(np.arange(len(names)), n)[row.argmax()]))]
]
table(["viseme", "seen as itself", "most often taken for", "that is"], rows)
print(f"phones right: {100 * np.trace(total) / total.sum():.0f} of 100 pairs")
print(f"mistakes inside of a viseme: {100 * inside / mistakes:.0f} %; at random: {at_random:.0f} %")

# %% [markdown] tags=["answer"]
# The matrix of phones has blocks along the diagonal, one for each viseme, and little outside of
# them. That of visemes is nearly diagonal. So the reader sees what there is to see.
#
# Half of the phones are wrong all the same, and more is not possible. In these strings every second
# phone is a vowel. The 16 consonants have 6 visemes and the 8 vowels have 5, so by exercise 13.1 a
# perfect reader gets (6/16 + 5/8) / 2 = 0.5 of the pairs right.
#
# Look at the columns in a block: often one of them is dark. The reader does not throw dice between
# phones that look alike. It gives the same one each time, which is right just as often.
#
# “Lips” are missed most, as far as visemes are. To close, the lips have to meet, and a short phone
# between two open ones is over before they do.

# %% [markdown]
# ## 6. What helps a reader of lips
#
# With words as tokens, what cannot be seen can be guessed: few words are possible, and in GRID each
# place of a sentence has its own. Yet it is hard to learn from pictures how many words there are,
# and where. FastLR gives the encoder help in training:
#
# - an *auxiliary CTC decoder*: a layer that gives each frame a word or nothing, trained with the
#   CTC loss of [lesson 08](08_nar_decoding.ipynb);
# - an *auxiliary AR decoder*, which looks at the frames by attention and is told the words before;
# - a *warm-up*: for the first quarter of the training only these two teach, and the CIF waits. (The
#   abstract does not mention a warm-up of this kind; it is ours.)
#
# *Auxiliary* means that they help and do not belong to the result: words still come from the CIF,
# all at once. To know what each of them is worth, one adds them one after the other. The first row
# is another system, for comparison: an AR decoder alone, without a CIF.
#
# **Predict first:** order the AR reader and the four CIFs by their errors.

# %% tags=["answer", "hide-input"]
# Table and figure: errors by what was added, a point for each seed
TITLES = {
    "ar": "AR reader, no CIF",
    "alone": "CIF alone",
    "with-ctc": "+ CTC",
    "no-warm-up": "+ AR decoder",
    "": "+ warm-up",
    "50fps": "the same, 50 pictures/s",
}
published = read_results(resource("results"))
lip_runs = [one for one in published if one["recipe"] == "drawn-lips"]
rates, rows = {}, []
for variant, title in TITLES.items():
    each = [one["test"] for one in lip_runs if one["variant"] == variant]
    seeds = "3" if len(each) > 2 else f"{len(each)} of 3"
    if not each:
        rows.append([title, seeds, "–", "–"])
        continue
    rates[title] = [100 * one["token_error_rate"] for one in each]
    counts = [100 * one["count_accuracy"] for one in each]
    rows.append([title, seeds, spread(rates[title], digits=1), spread(counts, digits=0)])
table(["trained", "seeds", "errors in words, %", "right number, %"], rows)
figure, (ax,) = canvas(height=0.32 * len(rates) + 0.8)
for row, one in enumerate(rates.values()):
    ax.plot(one, [row] * len(one), linestyle="", marker="o", alpha=0.8)
ax.set_yticks(range(len(rates)), list(rates))
ax.grid(axis="x", alpha=0.3)
ax.set(xlabel="errors in words (%)", ylim=(len(rates) - 0.5, -0.5), xlim=(0, None))
show(
    figure,
    "Errors in words of drawn mouths in percent, a point for each seed: "
    + "; ".join(f"{title} {spread(one, digits=1)}" for title, one in rates.items()),
    caption="Errors in words, a point for each training. Which rows lie apart by more than their "
    "points do?",
)

# %% [markdown] tags=["answer"]
# None of the help helps here. The CIF that learns alone makes the fewest errors, and counts best.
# With CTC there are more, and with the warm-up most; there the trainings also differ most from one
# another. The abstract of FastLR reports that both auxiliary decoders help: *not reproduced*.
#
# Why? Two explanations fit, and nothing here decides between them. A drawn mouth is easy: an
# encoder finds its visemes without a teacher, so it need not share its few channels with other
# losses. And in the warm-up the CIF waits for a quarter of a short training. With videos of
# people, from which a CIF alone may learn nothing, both may be otherwise.
#
# The AR reader makes more errors than the CIF alone, and about as many as the CIF with everything.
# So the paper's direction, that some accuracy is lost for speed, is not seen either. Compare the
# right numbers, too: a CIF whose number is wrong has at least one error, whatever its decoder
# does.
#
# At 50 pictures a second the utterances are twice as long, and the training has as many steps as at
# 25. That was enough for one training of three.
#
# A step counts where the points of two rows lie apart by more than the points of one row do. The
# verdicts, seed by seed, are in [docs/lip_reading.md](../docs/lip_reading.md).

# %% [markdown] tags=["optional"]
# ## 7. Several counts, and time
#
# The AR decoder can be of use after training, too. Lesson 08, section 5, decodes an utterance at
# several numbers of tokens and lets a second model choose. FastLR does this with the auxiliary AR
# decoder, up to b tokens more and b fewer than fire; its authors call it *noisy parallel decoding*.

# %%
judge = AuxiliaryScorer(lips, video)
hypotheses = count_hypotheses(lips, spoken.waveform, judge, reach=2, video=video)
rows = [
    [one.count, " ".join(one.transcription.tokens), f"{one.score:.2f}"]
    for one in hypotheses.candidates
]
print("reference:", *spoken.tokens)
table(["words", "candidate", "score by the AR decoder"], rows)

# %% [markdown]
# **Predict first:** over the whole test set, will there be fewer errors if the AR decoder chooses?
# And how much longer does an utterance take?

# %% tags=["answer", "hide-input"]
# Table: errors by b, mean ± standard deviation of the seeds
rescored = [one for one in study["rescored"] if one["variant"] == ""]
rows = [
    [
        b,
        spread([100 * one["auxiliary"][b]["token_error_rate"] for one in rescored], digits=1),
        spread([100 * one["auxiliary"][b]["right_counts"] / 200 for one in rescored], digits=0),
        spread([100 * one["reference"][b]["token_error_rate"] for one in rescored], digits=1),
    ]
    for b in range(5)
]
table(["b", "errors, %", "right number, %", "errors if the best candidate were chosen, %"], rows)
print(f"seeds: {len(rescored)} of 3")

# %% tags=["answer", "hide-input"]
# Table: time of the processor for an utterance, and how many words were given
times = study["times"]
of_words = times["words"]
lengths = sorted(set(of_words))


def average(values, length):
    return mean([value for value, n in zip(values, of_words, strict=True) if n == length])


table(
    ["decoding", *(f"{length} words: ms (words given)" for length in lengths)],
    [
        [name, *(f"{average(times[name], n):.1f} ({average(given, n):.0f})" for n in lengths)]
        for name, given in times["given"].items()
    ],
)

# %% [markdown] tags=["answer"]
# Fewer, with b = 1: FastLR reports this, too. With a larger b hardly anything is gained, and
# trainings differ much. The last column is a bound: if somebody knew the reference and took the
# best candidate each time, twice as much could be gained. In some trainings the AR decoder takes a
# wrong number more often than the fires do: right words can outweigh one that is missing. (The
# score is a mean over the words, so it does not prefer short strings by itself.)
#
# As to time: to choose among candidates takes more than twice the time of the fires alone, and with
# a larger b still more, since each candidate has to be decoded and scored. An AR reader needs a
# pass for each word (lesson 08), yet here it is hardly slower. The encoder takes most of the time
# of both, since the decoders are tiny. And look at the numbers in parentheses. With 12 or 24 words
# the AR reader gives about five and stops: in training no utterance had more than six. So its time
# for long utterances is that of few words. The CIF counts on.

# %% [markdown] tags=["optional"]
# ## 8. Your own lips
#
# You can give the model a video of yourself. A package of its own finds the lips: `pip install
# "cifviz[video]"`, best in an environment of its own ([docs](../docs/lip_reading.md) say why).
# Then:
#
# ```python
# from cifviz.audio.lip_video import load_lip_video
#
# own = load_lip_video("me.mp4")  # your file: a face from the front, a few seconds
# read = lips.transcribe(own.waveform, video=own.pictures)
# panel(read)
# ```
#
# A model of landmarks finds points on the lips. What is around them is cut out and made small, and
# pictures are taken at the rate that “drawn-lips” knows, whatever the rate of the file. The panel
# then shows pictures, weights and fires of your mouth.
#
# Do not expect your words: **this model has seen drawn mouths alone.** What you can look at: does
# the weight stay small while your mouth is at rest? Do “pat” and “bat” give the same words, and
# does “fat” give others?

# %% tags=["hide-input"]
# Numbers kept
record(
    pictures=len(video),
    phones=len(phones),
    visemes=len(by_look),
    fires_at_50=int(fired(50, 0.0).num_fires),
    fires_at_10=int(fired(10, 0.0).num_fires),
    words_with_silence=len(silent.tokens) - len(read.tokens),
)
record(
    phones_right=100 * len(by_look) / len(phones),
    at_random=at_random,
    right_at_50=shares[50][0],
    too_few_at_10=shares[10][1],
    tolerance=0.02,
)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary(
    *("autoregressive", "candidate", "fire", "non-autoregressive", "phone", "pictures per token"),
    *("viseme", "weight"),
)

# %% [markdown]
# ## On your own
#
# - In section 1, draw “pin”, “bin” and “min”, and a pair of your own that differs in one phone
#   alone. Then say both into a mirror.
# - In section 2, draw the clip by `clip_video(…, every=8)`, 12.5 pictures a second, repeat each
#   picture with `np.repeat(video, 2, axis=0)` and let the model read it. What does it lose, and
#   what not?
# - In section 3, let `fired` cut off at 2 in place of 1. Which of the two difficulties goes away?
# - Two whole tokens lie in one picture. Can any weight from 0 to 1 count them? What would you
#   change?
# - Tokens of several phones have more pictures each. Why may word pieces help a reader of lips?

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *Your own pair.* “pin”, “bin” and “min” are drawn alike, as in section 1. In the mirror, too:
#   what differs is the voice and the air.
# - *Half of the pictures.* Over the GRID clips and five faces there are a few more errors, and the
#   right number as often as before. A word lasts some ten pictures, so half of them still count it;
#   and since each picture comes twice, the CIF has as much space to fire. What gets lost is what
#   happens between two pictures.
# - *A limit of 2.* The second goes away: at 10 pictures a second too few and too many are then
#   about equally frequent, and two thirds of the numbers are right. The noise stays.
# - *Two tokens in one picture.* No. Their weights sum to 2, and one weight is at most 1. Use twice
#   a sigmoid, or an encoder that makes two frames of each picture.
# - *Word pieces.* Fewer tokens in the same time: T/N is larger, so both difficulties of section 3
#   become smaller. And a piece of several phones looks like fewer other pieces.

# %% [markdown]
# ## In practice
#
# - **FastLR** was tested on GRID (33 speakers) and on LRS2, sentences from television. Its abstract
#   reports up to 10.97 times the speed of an AR reader, for 1.5 and 5.5 points more errors in words
#   ([Liu et al. 2020](https://arxiv.org/abs/2008.02516)).
# - **Landmarks.** Lip readers cut the mouth out by a model of landmarks such as MediaPipe's face
#   mesh, after turning the face upright.
# - **Pictures beside sound.** Audio-visual recognition gives a network both. The pictures help most
#   where noise covers the sound.
# - **More pictures.** A CIF that has too few frames can be given more: pictures in between, or an
#   encoder that makes two frames of one. This gives it space to fire, not more to see.

# %% [markdown]
# ## Further reading
#
# - J. Liu and others, [FastLR](https://arxiv.org/abs/2008.02516), ACM Multimedia 2020: CIF reads
#   lips.
# - M. Cooke and others, *An audio-visual corpus for speech perception and automatic speech
#   recognition*, Journal of the Acoustical Society of America, 2006: GRID, with video.
# - Y. Assael and others, [LipNet](https://arxiv.org/abs/1611.01599), 2016: whole sentences from
#   lips, by CTC on GRID.
# - Y. Kartynnik and others, [Real-time Facial Surface Geometry](https://arxiv.org/abs/1907.06724),
#   2019: the face mesh.
# - [docs/lip_reading.md](../docs/lip_reading.md): all tables of this lesson, and what stands in for
#   what.
# - [cifviz/systems/fastlr.py](../cifviz/systems/fastlr.py),
#   [drawn_mouth.py](../cifviz/corpora/drawn_mouth.py) and
#   [lip_video.py](../cifviz/audio/lip_video.py): the system, the mouth, and the way of an own clip.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 20 min: section 1 with mirrors: “pat”, “bat”, “mat”, “fat”. Exercise 13.1 in pairs.
# - 15 min: section 2. Who thinks that the sound helps? Exercise 13.2 at the board.
# - 20 min: section 3. Guesses before the slider moves; then noise and the limit of 1, each alone.
# - 10 min: section 4. Which of the two difficulties of section 3 does the table show?
# - 15 min: section 5, exercise 13.3 in pairs, then the matrix.
# - 10 min: section 6: vote on the order first. What may be claimed of drawn mouths, and what not?
#
# ### Likely questions
#
# - *Why not simply take more pictures?* If there are more, take them. Pictures computed in between
#   give the CIF space to fire, since T/N grows, but nothing new to see.
# - *Could two tokens fire in one picture?* Yes, if its weight were above 1. A sigmoid gives none
#   above 1; twice a sigmoid would.
# - *Why does scaling not help?* In training the weights are scaled, so a frame may exceed 1 there.
#   In use N is unknown, and the limit of 1 is back.
# - *Is the drawn mouth too easy?* Its visemes are cleaner than those of people, and its faces more
#   alike. Rates of errors from it are not comparable with those of papers.
#
# ### Usual misconceptions
#
# - *Better pictures would separate p and b.* What is not visible is not in any picture.
# - *With fewer pictures mouths are blurred, so more phones are confused.* First of all the count is
#   lost.
# - *A model that reads drawn lips reads lips a little.* It has seen two ellipses.
# - *An auxiliary decoder makes the words.* It teaches the encoder; the words come from the CIF.
