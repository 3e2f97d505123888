# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # Find out where the weights come from
#
# **What you'll do:** build the small network that gives each frame its weight, watch it at work on
# real speech, and find out what matters about it: where it starts, what it sees, and what must not
# leak into it.
#
# **What you'll learn**
#
# - *compute* the weight of a frame by hand
# - *explain* why longer frames start nearer to the right count
# - *show* that a convolution without a ReLU is one filter and nothing more
# - *judge* whether one predictor is really better than another
# - *correct* a predictor that reads what comes after the utterance
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb), for section 4 [lesson
# 03](03_training_film.ipynb); what a linear layer and a convolution are. No network, no GPU.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [03 Watch how an alignment is learned](03_training_film.ipynb) · Next: [05 Decide what
# happens to the residual](05_tail_handling.ipynb)

# %% tags=["hide-input"]
# Imports
import math
import statistics

import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import cifviz
from cifviz.core.tail import above
from cifviz.core.weights import ConvWeights, DenseWeights, LinearWeights
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
from cifviz.metrics import mass_in_silence, spread
from cifviz.plot import STYLE, fires, panel, panel_alt, weights
from cifviz.published import WIDTH_RECORDING, read_results, read_token_widths
from cifviz.resources import resource
from cifviz.systems.encoder import Encoder, EncoderConfig
from cifviz.systems.feature_normalisation import normalise

# %% tags=["parameters"]
seed = 0  # of the random layers
fast = True  # False: more recordings in section 10
recording = "digits_jackson_pauses"  # a name in cifviz.list_recordings()
listen = False  # True: play the recording; its sound must be on this machine

# %% [markdown]
# ## 1. By hand
#
# CIF adds up weights. So far they came out of a network that we did not look into, and lesson 03
# watched them being learned. Now we open this network. Nobody can write weights down: what a frame
# is worth depends on the word that it belongs to, and on how long this word is. So a small network
# has to learn it, the *weight predictor*. The encoder makes a
# vector h of each frame; the predictor makes a number between 0 and 1 of the vector. The smallest
# one that works is a linear layer and a sigmoid, and what stands between them is called *logit*:
#
# ```text
# logit = w · h + b        α = 1 / (1 + exp(−logit))
# ```
#
# An example with two channels: the first says how loud a frame is and the second how much it
# hisses. There are four frames, silence h = (−3, 0), a vowel (2, 0), a hiss (0, 2) and a click
# (1, −1). The predictor has w = (1, 0.5) and b = −1.
#
# **Predict first:** which frame weighs exactly one half?

# %% tags=["answer", "hide-input"]
# Table: logits and weights
examples = {"silence": (-3, 0), "vowel": (2, 0), "hiss": (0, 2), "click": (1, -1)}
w, b = (1.0, 0.5), -1.0
rows = []
for name, (loud, hiss) in examples.items():
    logit = w[0] * loud + w[1] * hiss + b
    rows.append([name, loud, hiss, f"{logit:.1f}", f"{1 / (1 + math.exp(-logit)):.2f}"])
table(["frame", "loud", "hiss", "logit", "weight α"], rows)

# %% [markdown] tags=["answer"]
# The hiss: its logit is 0 + 0.5 · 2 − 1 = 0, and a logit of 0 is a weight of one half. The bias b
# is the logit of a frame of zeros; w says how much each channel counts.

# %% [markdown]
# **Exercise 04.1.** Another frame is h = (3, −2). What is its weight?

# %% tags=["exercise"]
weight = ...
check("04.1", weight)

# %% tags=["solution"]
weight = 1 / (1 + math.exp(-(1.0 * 3 + 0.5 * -2 - 1)))
check("04.1", weight)

# %% [markdown] tags=["hints"]
# Two steps: the logit, then the sigmoid.
#
# The logit is w · h + b = 1 · 3 + 0.5 · (−2) − 1.
#
# Put it into 1 / (1 + exp(−logit)).

# %% [markdown]
# ## 2. On real speech
#
# Now a trained one. Of recordings of people this project keeps no sound. It keeps the input of the
# recogniser, the *log-mel* spectrum: how loud each band of pitch is. If the sound itself is on your
# machine, set `listen = True` in the cell of parameters to hear it.

# %%
speech = cifviz.load_recording(recording)
recognizer = cifviz.load_model(speech.model)
print(f"{speech.speaker}: {' '.join(word.token for word in speech.words)}")
print(f"{speech.attribution} ({speech.licence})")
if listen:
    play(speech.waveform(), f"The recording {recording}")

# %% [markdown]
# **Predict first:** are the weights large where the sound is loud? Large all through a word, or
# in some part of it? And between the words?

# %% tags=["answer", "hide-input"]
# Figure: spectrum, weights and words of the recording
transcription = recognizer.transcribe_features(speech.log_mel, duration=speech.duration)
picture = panel(
    transcription, reference=speech.words, lanes=("log_mel", "weights", "tokens", "reference")
)
show(
    picture.fig,
    f"{panel_alt(transcription)} The last lane shows the true times of the words.",
    caption="A real recording. Compare the weights (grey) with the loudness above them, and with "
    "the words in the last lane.",
)

# %% [markdown] tags=["answer"]
# They are large all through a word, and near 0 outside: the end of *zero* is faint and weighs as
# much as its loud middle. So it is not loudness that counts. (Grey is what the predictor gave, and
# what this lesson is about. Blue is how it was scaled afterwards, so that there is a whole number
# of tokens between two pauses.)

# %% [markdown]
# This predictor is a little larger than ours. The encoder gives 144 numbers for each frame. The
# predictor is a convolution over three frames at a time, then a ReLU, and then, as ours, a linear
# layer and a sigmoid. A last step subtracts 0.005, so that a long silence adds up to nothing. Here
# it is once more in a few lines, and the library agrees:

# %%
layers, settings = recognizer.cif.weights, recognizer.config.cif
with torch.inference_mode():
    features = normalise(speech.log_mel)[None]
    encoder_out, lengths = recognizer.encoder(features, torch.tensor([features.shape[1]]))
    three_frames = F.conv1d(
        encoder_out.transpose(1, 2), layers.conv[0].weight, layers.conv[0].bias, padding=1
    )
    hidden = three_frames.relu().transpose(1, 2)
    logits = hidden @ layers.weight_proj.weight[0] + layers.weight_proj.bias
    alpha = (torch.sigmoid(logits) - settings.noise_threshold).clamp(min=0)
assert_close(alpha, transcription.firing.alpha)
print(f"{tuple(encoder_out.shape)} numbers become {tuple(alpha.shape)} weights, as in the library")

# %% [markdown]
# How well does it tell speech from silence? The next table has, for each recording, the mean weight
# of a frame inside a word, of a frame outside, and the share of all weight that lies outside.
#
# **Predict first:** how many times as much does a frame weigh inside a word? Which recordings will
# have more weight outside, those of short words or those of long ones?

# %% tags=["answer", "hide-input"]
# Table: weight inside and outside of words
spoken = [cifviz.load_recording(name) for name in cifviz.list_recordings()]
rows, shares = [], {}
for one in spoken:
    frames = len(one.alpha)
    firing = cifviz.integrate_and_fire(one.alpha[None], torch.eye(frames)[None])
    total, outside = float(firing.weight_sum), mass_in_silence(firing, one.grid, one.words)
    spoken_frames = sum(one.grid.frame(word.end - word.start) for word in one.words)
    in_words = (total - outside) / spoken_frames
    between = outside / (frames - spoken_frames)
    shares[one.name] = outside / total
    numbers = [f"{total:.2f}", f"{in_words:.3f}", f"{between:.3f}", f"{shares[one.name]:.1%}"]
    rows.append([one.name, len(one.words), *numbers])
table(["recording", "words", "S", "α in a word", "α outside", "weight outside"], rows)

# %% [markdown] tags=["answer"]
# Inside a word a frame weighs several times what it weighs outside, in the sentences even some
# dozens of times. In most recordings, what does lie outside is in frames that the edge of a word
# cuts in two: a frame has one weight for all of it. Short words have more such frames for what they
# weigh, so there is more outside. The fast speaker's words are five frames long. (That speaker's
# long string is an exception: more than half of what lies outside is in frames between words.)
#
# How does the predictor know? This recogniser had help: its training asked that the weight of a
# word be spread evenly over the sound of the word. Others had none; section 7 shows what they make
# of it. For those too the weights have to sum to the number of words, however long the pauses are,
# and a predictor that gives something to all pauses cannot get that right.

# %% [markdown]
# ## 3. Move the bias
#
# The sum of the weights is the number of tokens, so their height matters. Two things move it: add
# something to all logits (`shift`; this is what the bias b does), or multiply them (`gain`; this
# moves w and b alike).
#
# **Predict first:** all logits are 0.7 higher. How much does S, the sum of the weights, grow: by
# 0.7, by 0.7 for each frame, or does it about double?


# %% tags=["hide-input"]
# What the sliders draw
def draw(ax, firing, grid, words, top):
    """Weights and fires, and the words above their sound."""
    weights(firing, grid, ax=ax).threshold_label.set_visible(False)
    fires(firing, grid, ax=ax)
    ax.set_ylim(0, top)
    name_words(ax, words)


def draw_moved(ax, *, shift, gain):
    moved = (torch.sigmoid(gain * logits + shift) - settings.noise_threshold).clamp(min=0)
    firing = cifviz.integrate_and_fire(moved, torch.eye(moved.shape[1])[None], tail=above(0.5))
    draw(ax, firing, recognizer.grid, speech.words, top=max(0.3, 1.05 * float(moved.max())))
    return f"S = {float(firing.weight_sum):.1f}, {int(firing.num_fires)} tokens"


# %% tags=["answer", "hide-input"]
# Figure with sliders: all logits moved
live_figure(
    draw_moved,
    shift=Slider(-2.5, 2.5, 0.1, 0.0),
    gain=Slider(0.2, 3.0, 0.1, 1.0),
    static=[
        {"shift": 0.0, "gain": 1.0},
        {"shift": 0.7, "gain": 1.0},
        {"shift": 0.0, "gain": 0.5},
        {"shift": 2.4, "gain": 2.0},
    ],
    caption="The weights of the recording at four settings; the words stand above their sound, ▼ "
    "marks fires. Compare the sums and the numbers of tokens. The four panels have one scale.",
    alt="Weights over time at four settings, with the words above and fires as "
    "lines. As trained a token fires for each word. With all logits 0.7 higher the weights are "
    "nearly twice as high and nearly twice as many tokens fire. At half the gain all weights come "
    "nearer to one half: far too many. At twice the gain and a higher shift the differences "
    "between frames grow.",
)

# %% [markdown] tags=["answer"]
# It about doubles. Small weights grow by a factor: α = 1 / (1 + exp(−logit)) is close to exp(logit)
# there, and exp(0.7) is about 2. So a small error of the bias is a large error of the count. That
# is why training watches the sum by a loss of its own ([lesson 02](02_scaling.ipynb)).

# %% [markdown]
# ## 4. Where training starts
#
# [Lesson 03](03_training_film.ipynb) computed where training starts: the bias of an untrained
# predictor is 0, and its w is drawn at random, some above 0 and some below, so each frame weighs
# about one half and far too many tokens fire. That was for frames of 40 ms. A frame weighs one half
# at the start however long it is, so how many tokens fire in a second depends on how long the
# frames are; how many *should* fire, on how fast people speak. The next table starts from the rate
# of our recordings.
#
# **Predict first:** which frames start nearer to the right count, those of 80 ms or those of 20 ms?

# %% tags=["answer"]
# Table: tokens a second at the start of training
rate = sum(len(one.words) for one in spoken) / sum(one.duration for one in spoken)
print(f"the recordings have {rate:.1f} words a second")
rows = []
for milliseconds in (80, 40, 20):
    frames = 1000 / milliseconds
    wanted = rate / frames
    logit = math.log(wanted / (1 - wanted))
    rows.append([milliseconds, frames, frames / 2, f"{wanted:.3f}", f"{logit:.2f}"])
table(["frame (ms)", "frames a second", "tokens a second at b = 0", "α wanted", "its logit"], rows)

# %% [markdown] tags=["answer"]
# Those of 80 ms, because there are fewer of them. A fresh predictor begins at some six tokens a
# second: the right order for the characters of Mandarin, too many for words. With shorter frames it
# begins at two and four times as many. What corrects it is the bias of exercise 03.2: the logit of
# N / T, the tokens per frame of the training material. In the library that is `start_at`.

# %% [markdown]
# ## 5. Which frames does it look at?
#
# Three kinds of predictor are common, and all of them end in a linear layer and a sigmoid:
#
# - *linear*: nothing else, as in section 1;
# - *dense*: a hidden layer with a ReLU comes first;
# - *conv*: a convolution over a few neighbouring frames comes first, with or without a ReLU.
#
# **Predict first:** change one frame. How many weights change, for each kind?

# %% tags=["answer", "hide-input"]
# Table: five predictors without training
torch.manual_seed(seed)
dim = encoder_out.shape[2]
predictors = {
    "linear": LinearWeights(dim),
    "dense": DenseWeights(dim, dim),
    "conv, no ReLU": ConvWeights(dim, dim, width=3),
    "conv": ConvWeights(dim, dim, width=3, activation=True),
    "conv, width 5": ConvWeights(dim, dim, width=5, activation=True),
}
rows, start_sums = [], []
for name, predictor in predictors.items():
    changed = encoder_out.clone()
    changed[0, 20] += torch.randn(dim)
    with torch.inference_mode():
        before = predictor(encoder_out, lengths)
        moved = int((predictor(changed, lengths) != before).sum())
        predictor.start_at(len(speech.words) / int(lengths))
        start_sums.append(float(predictor(encoder_out, lengths).sum()))
    size = sum(parameter.numel() for parameter in predictor.parameters())
    rows.append([name, f"{size:,}", moved, f"{float(before.sum()):.1f}", f"{start_sums[-1]:.1f}"])
table(["predictor", "parameters", "weights changed", "S at b = 0", "S after start_at"], rows)

# %% [markdown] tags=["answer"]
# One for linear and dense, which judge each frame alone; three or five for a convolution, as wide
# as it is. That linear and dense see one frame sounds worse than it is: the encoder has looked at
# ten frames to either side already.
#
# The last columns are our recording under these *untrained* predictors. From b = 0 they count far
# too many words. `start_at` brings the right order of magnitude before anything was learned; more
# it cannot do while w is random.

# %% [markdown] tags=["optional"]
# ## 6. A convolution that is one filter
#
# CIF-PyTorch, the reference code, has a convolution with hundreds of channels and no ReLU after
# it. A linear layer of a linear layer is linear: each channel is a filter, and the projection mixes
# filters. So there is *one* filter that does the same.
#
# Take frames with one channel, and a convolution of width 3 with two: kernel (1, 2, 0) with bias 1,
# and kernel (0, −1, 4) with bias −1. The first number of a kernel weighs the frame before, the last
# one the frame after. The projection takes 2 of the first channel, 1 of the second, and adds 0.5.
#
# **Exercise 04.2 (optional).** By hand: which kernel and which bias do the same at once? Four
# numbers, kernel first.

# %% tags=["exercise"]
one_filter = [..., ..., ..., ...]
check("04.2", one_filter)

# %% tags=["solution"]
one_filter = [2 * 1 + 1 * 0, 2 * 2 + 1 * -1, 2 * 0 + 1 * 4, 2 * 1 + 1 * -1 + 0.5]
check("04.2", one_filter)

# %% [markdown] tags=["hints"]
# The projection mixes the two channels. What it does to their outputs it can do to their kernels.
#
# Place by place: 2 times the first kernel plus 1 times the second.
#
# The bias in the same way, 2 · 1 + 1 · (−1), and the 0.5 of the projection on top.

# %% [markdown]
# The same for a predictor with 16 channels of input and 16 of its own, in one line of tensors: mix
# the kernels as the projection mixes the channels.
#
# **Predict first:** how many parameters has this predictor, and how many has the one filter?

# %% tags=["answer"]
# One filter in place of two layers
torch.manual_seed(seed)
frames = torch.randn(1, 12, 16)
large = ConvWeights(16, 16, width=3)
conv, projection = large.conv[0], large.weight_proj
with torch.inference_mode():
    kernel = torch.einsum("c,cdk->dk", projection.weight[0], conv.weight)[None]
    bias = projection.weight[0] @ conv.bias + projection.bias
    small = F.conv1d(frames.transpose(1, 2), kernel, bias, padding=1)[0, 0].sigmoid()
    by_two_layers = large(frames, torch.tensor([12]))[0]
assert_close(small, by_two_layers)
parameters = sum(parameter.numel() for parameter in large.parameters())
collapsed = kernel.numel() + bias.numel()
print(f"{parameters} parameters, and {collapsed} give the same weights")

# %% [markdown] tags=["answer"]
# 801, and 49: a kernel of 16 · 3 numbers and a bias. The 801 have an effect on training, for two
# layers *learn* in another way than one. But they cannot compute more.

# %% [markdown]
# With a ReLU in between this is no longer so. To see what the ReLU does, we walk in a straight line
# from a frame of silence to a frame of speech, neighbours included, with the predictor of section
# 2, and watch the logit. With the ReLU taken out it *must* be a straight line, since one filter
# adds the same with each step. With the ReLU each of the 144 channels may add a bend, up or down.
#
# **Predict first:** have these channels learned to make the logit climb more steeply in speech, or
# less?

# %% tags=["answer", "hide-input"]
# Figure: the logit on the way from silence to speech
quiet, loud = int(alpha[0, 1:-1].argmin()) + 1, int(alpha[0, 1:-1].argmax()) + 1
ways = torch.linspace(-0.5, 1.5, 81)
figure, (ax,) = canvas(height=2.6)
climbs = []  # after the frame of speech, as a share of what it is before that of silence
for name, style in {"ReLU taken out": "--", "with ReLU": "-"}.items():
    with torch.inference_mode():
        start, end = (encoder_out[0, at - 1 : at + 2].T for at in (quiet, loud))
        walk = start + ways[:, None, None] * (end - start)
        out = F.conv1d(walk, layers.conv[0].weight, layers.conv[0].bias)[:, :, 0]
        out = out.relu() if name == "with ReLU" else out
        walked = out @ layers.weight_proj.weight[0] + layers.weight_proj.bias
    climbs.append(float(walked[-1] - walked[60]) / float(walked[20] - walked[0]))
    ax.plot(ways, walked, style, color=STYLE["level"], label=name)
ax.set_xticks([0, 1], ["silence", "speech"])
ax.set_ylabel("logit")
ax.legend()
show(
    figure,
    "The logit on the way from a frame of silence to a frame of speech and beyond. With the ReLU "
    "taken out it is a straight line, as any affine function is: drawn to compare with. With the "
    "ReLU it climbs out of silence and then bends and stays nearly level.",
    caption="The logit on a straight way from silence to speech, and a little further on both "
    "sides. Look where the line with the ReLU bends.",
)

# %% [markdown] tags=["answer"]
# Less: the line bends *down*, and stays nearly level after the frame of speech. Nothing forced it
# to; training did that. The predictor has learned that more of what makes a frame speech does not
# make it more of a word. (This is one pair of frames, and one model. And the straight line is this
# model with a part taken out, not a model that was trained without it.) Which of the two is better
# has to be measured.

# %% [markdown]
# ## 7. Does it matter?
#
# The same recogniser was trained with each of the five of section 5, each from three seeds, and
# measured on 200 strings of recorded digits. The measurements are kept in `data/results`, with the
# commands. These recognisers are *plain*: no times of words were used in their training.
#
# The next table has token errors, how often the count is right, and the *weight in silence*, that
# outside the words. The *width* of a token is the time over which its weight is spread: five frames
# that share it evenly make 200 ms. Two more columns say how far the beginnings and ends of words
# are off, on average, read at the fires, or in the *valleys*, where two words are cut apart at the
# least weight between them. Both are corrected by constants that were learned on other strings.
#
# **Predict first:** which of the five makes the fewest token errors, and which the most? In what
# will they differ most?

# %% tags=["hide-input"]
# Read the measurements
results = read_results(resource("results"))
measured = read_token_widths(resource("results"))
widths = {(one["variant"], one["seed"]): one for one in measured}


def edges_off(run, reading):
    """How far word edges are off, on average, in milliseconds."""
    return 1000 * run["test"]["edges"][reading]["both"]["mean_absolute"]


LOOKS = {
    "token errors (%)": lambda run: 100 * run["test"]["token_error_rate"],
    "right count (%)": lambda run: 100 * run["test"]["count_accuracy"],
    "weight in silence (%)": lambda run: 100 * run["test"]["share_in_silence"],
    "width of a token (ms)": lambda run: 1000 * widths[run["variant"], run["seed"]]["width"],
    "edges off, at fires (ms)": lambda run: edges_off(run, "fire, shifted"),
    "edges off, in valleys (ms)": lambda run: edges_off(run, "valleys, quantiles"),
}


def runs_of(variant):
    """Every published run of a variant of the recipe for digits, seed by seed."""
    wanted = ("digits", variant, None)
    return [run for run in results if (run["recipe"], run["variant"], run["leave_out"]) == wanted]


# %% tags=["hide-input"]
# How the table and the figure are made
def compare(variants, base="plain"):
    """Mean ± standard deviation over seeds; * where all runs lie to one side of all of `base`."""
    rows = []
    for name, variant in variants.items():
        cells = []
        for look in LOOKS.values():
            numbers, others = ([look(run) for run in runs_of(one)] for one in (variant, base))
            apart = min(numbers) > max(others) or max(numbers) < min(others)
            cells.append(spread(numbers, digits=1) + (" *" if apart else ""))
        rows.append([name, len(runs_of(variant)), *cells])
    table(["", "seeds", *LOOKS], rows)


def mean(variant, look):
    return statistics.mean(LOOKS[look](run) for run in runs_of(variant))


def draw_seeds(variants, looks):
    """Every seed a dot, and the mean a line: an Axes for each look."""
    figure, axes = canvas(len(looks), height=0.5 + 0.22 * len(variants), share_time=False)
    for ax, name in zip(axes, looks, strict=True):
        for row, variant in enumerate(variants.values()):
            numbers = [LOOKS[name](run) for run in runs_of(variant)]
            ax.plot(numbers, [row] * len(numbers), "o", color=STYLE["level"], alpha=0.6)
            ax.plot([mean(variant, name)], [row], "|", color=STYLE["threshold"], ms=16)
        ax.set_yticks(range(len(variants)), list(variants))
        ax.set_ylim(len(variants) - 0.5, -0.5)
        ax.grid(axis="y", color=STYLE["neutral"])
        ax.set_xlabel(name)
    return figure


# %% tags=["answer", "hide-input"]
# Table and figure: five predictors, three seeds each
KINDS = {
    "linear": "linear",
    "dense": "dense",
    "conv, no ReLU": "affine",
    "conv": "plain",
    "conv, width 5": "wide",
}
SHOWN = ["token errors (%)", "width of a token (ms)", "edges off, in valleys (ms)"]
compare(KINDS)
show(
    draw_seeds(KINDS, SHOWN),
    "A dot for each run of five predictors, a line for their mean. Token errors: four overlap, the "
    "convolution without ReLU lies apart with more. Width of a token: narrowest without ReLU, "
    "widest with the filter of width 5, the three linear runs far from one another. Edges: most "
    "overlap.",
    caption="Five predictors: a dot for each run, a line for their mean. Look for groups of dots "
    "that do not overlap. Each panel has a scale of its own.",
)

# %% [markdown] tags=["answer"]
# A star marks where all three runs lie to one side of all three of *conv*. How much is a star
# worth? If two predictors were one and the same, how often would there be one? Of the 20 orders in
# which three and three dots can lie, 2 are like that: one comparison in ten gets its star *by
# chance*. The table makes 4 · 6 = 24 of them.
#
# In the count the five are alike. In token errors one predictor lies outside the spread of the
# rest, the convolution without ReLU: its best run is worse than the worst of all others. What
# differs most is the *width of a token*.

# %% [markdown]
# Can one see these widths? The next figure has the weights that the runs give to one recording.
#
# **Predict first:** which predictor makes a *spike* of each word, with nearly all its weight in one
# frame, and which one a broad hill?


# %% tags=["hide-input"]
# What the controls draw
jackson = cifviz.load_recording(WIDTH_RECORDING)


def draw_run(ax, variant, run):
    one = widths[variant, run]
    trained = torch.tensor([one["alpha"]])
    eye = torch.eye(trained.shape[1])[None]
    firing = cifviz.integrate_and_fire(trained, eye, tail=above(0.5))
    draw(ax, firing, cifviz.FrameGrid(one["shift"]), jackson.words, top=1.0)
    return f"heaviest weight {float(trained.max()):.2f}"


# %% tags=["answer", "hide-input"]
# Figure with controls: weights of single runs
live_figure(
    lambda ax, *, predictor, run: draw_run(ax, KINDS[predictor], run),
    predictor=list(KINDS),
    run=[0, 1, 2],
    static=[
        {"predictor": "linear", "run": 0},
        {"predictor": "linear", "run": 2},
        {"predictor": "conv, no ReLU", "run": 0},
        {"predictor": "conv", "run": 0},
        {"predictor": "conv, width 5", "run": 0},
    ],
    height=1.7,
    caption="One recording by five runs; the words stand above their sound. Compare the heights, "
    "and the two runs of *linear*: where in a word do they put its weight?",
    alt="Weights of one recording by five runs, with words and fires. Run 0 of linear spreads a "
    "word over many frames, run 2 puts nearly all of it into one, at its beginning. Without ReLU "
    "there is a spike somewhere in each word; with it a low hill; with width 5 a broader one.",
)

# %% [markdown] tags=["answer"]
# A convolution without ReLU makes a spike of each word, one with ReLU a hill, and a wider one a
# broader hill. That fits section 6: where the logit may climb on, one frame can take nearly all of
# a word; where it levels out, frames have to share. Dense, which has a ReLU and no neighbours, lies
# between. And two linear runs that differ in nothing but their seed find different places for the
# same word. All count well, and most recognise equally well: the losses of a plain CIF do not say
# where in a word its weight shall lie.
#
# One result is not explained. The convolution without ReLU is one filter of three frames (section
# 6). *Linear* is such a filter too, with nothing on either side. So the convolution could have
# become everything that linear is, and it became worse. What a network can compute is one thing,
# what it learns another.

# %% [markdown] tags=["optional"]
# ## 8. How long may a frame be?
#
# The other choice is made before the predictor: how many milliseconds become one frame. Long frames
# save computation, but a border between two words is less precise in them. How much less can be
# seen without training: put neighbouring frames of the recording together and add their weights.
#
# **Predict first:** what happens to S, to the heaviest weight, and to the fires?


# %% tags=["hide-input"]
# What the control draws
def put_together(frames):
    """The weights of the recording, each the sum of some neighbours."""
    filled = F.pad(alpha, (0, -alpha.shape[1] % frames))
    longer = filled.reshape(1, -1, frames).sum(2)
    return cifviz.integrate_and_fire(longer, torch.eye(longer.shape[1])[None], tail=above(0.5))


def fire_times(firing, grid):
    """When the full tokens fired; the residual has no fire of its own."""
    return grid.seconds(firing.fire_positions[0, : int(firing.weight_sum)])


def draw_together(ax, *, frames_together):
    grid, firing = recognizer.grid.downsampled(frames_together), put_together(frames_together)
    heaviest = float(firing.alpha.max())
    draw(ax, firing, grid, speech.words, top=max(1.1, 1.05 * heaviest))
    before = fire_times(put_together(1), recognizer.grid)
    moved = 1000 * float((fire_times(firing, grid) - before).abs().max())
    return f"{1000 * grid.shift:.0f} ms, heaviest weight {heaviest:.2f}, fires move {moved:.0f} ms"


# %% tags=["answer", "hide-input"]
# Figure with a control: neighbouring frames put together
live_figure(
    draw_together,
    frames_together=[1, 2, 4, 8],
    static=[{"frames_together": frames} for frames in (1, 2, 4, 8)],
    caption="The same recording in longer and longer frames; the words stand above their sound. "
    "Look for frames that reach from one word into the next.",
    alt="Weights over time in frames of 40, 80, 160 and 320 ms, with the words and the fires. The "
    "sum stays the same and the weights about double each time, until in frames of 320 ms the "
    "heaviest is most of a token and a frame holds the end of one word and the beginning of the "
    "next.",
)

# %% [markdown] tags=["answer"]
# S stays, as sums of neighbours must, so half as many frames weigh twice as much. The fires move a
# little, most where the weights are small. There is a limit: a sigmoid stays below 1, so no more
# tokens can fire than there are frames. Long before this limit a frame holds the end of one word
# and the beginning of the next, and its vector is a mixture of both.

# %% [markdown]
# **Exercise 04.3 (optional).** A recogniser with frames of 40 ms gives 0.12 to a frame inside a
# word, on average. You train another one with frames of 80 ms. What will its mean weight inside a
# word be?

# %% tags=["exercise"]
mean_weight = ...
check("04.3", mean_weight)

# %% tags=["solution"]
mean_weight = 0.12 * 80 / 40
check("04.3", mean_weight)

# %% [markdown] tags=["hints"]
# How much do all frames of a word weigh together, whatever their length?
#
# A word is worth one token in both recognisers. With 80 ms it has half as many frames.
#
# Half as many frames for the same sum: each weighs twice as much.

# %% [markdown]
# And what do long frames save? Nearly all computation is in the encoder's convolutions, frame by
# frame. We count multiplications for a second of sound, in an encoder as that of the recipe. And we
# compare what three recognisers, trained from three seeds each, make with frames of 80, 40 and 20
# ms.
#
# **Predict first:** do half as many frames halve the computation? Will frames of 20 ms find the
# edges better than those of 40?


# %% tags=["answer", "hide-input"]
# Table: multiplications for a second of sound
def multiplications(down_sampling):
    """Of encoder and predictor, for one second of sound, in millions."""
    config = EncoderConfig(channels=144, down_sampling=down_sampling, dilations=(1, 1, 1, 1, 1))
    encoder, predictor = Encoder(config).eval(), ConvWeights(144, 144, width=3)
    counts = []
    for layer in [*encoder.modules(), *predictor.modules()]:
        if isinstance(layer, nn.Conv1d | nn.Linear):
            layer.register_forward_hook(
                lambda layer, _, out: counts.append(out.numel() * layer.weight[0].numel())
            )
    with torch.inference_mode():
        predictor(*encoder(torch.zeros(1, 1600, config.n_mels), torch.tensor([1600])))
    return sum(counts) / 16e6


costs = {10 * down_sampling: multiplications(down_sampling) for down_sampling in (8, 4, 2)}
rows = [[f"{milliseconds} ms", f"{cost:.1f} million"] for milliseconds, cost in costs.items()]
table(["frame", "multiplications a second"], rows)

# %% tags=["answer", "hide-input"]
# Table and figure: three lengths of frames, three seeds each
LENGTHS = {"80 ms": "80ms", "40 ms": "plain", "20 ms": "20ms"}
compare(LENGTHS)
show(
    draw_seeds(LENGTHS, SHOWN),
    "A dot for each run with frames of 80, 40 and 20 ms and a line for their mean, in token "
    "errors, the width of a token, and edges read in valleys: 20 ms has the most token errors.",
    caption="Three lengths of frames: a dot for each run, a line for their mean. Compare 20 ms "
    "with the others. Each panel has a scale of its own.",
)

# %% tags=["answer", "hide-input"]
# Figure: weights in three lengths of frames
figure, axes = canvas(len(LENGTHS), height=1.7)
for ax, (name, variant) in zip(axes, LENGTHS.items(), strict=True):
    ax.set_title(f"{name}: {draw_run(ax, variant, run=0)}", loc="left", fontsize="medium")
    ax.label_outer()
show(
    figure,
    "Weights of one recording in frames of 80, 40 and 20 ms, with words and fires. The shorter the "
    "frames, the lower the weights; the hills over the words are about as wide.",
    caption="One recording in frames of 80, 40 and 20 ms; the words stand above their sound. "
    "Compare heights and widths of the hills.",
)

# %% [markdown] tags=["answer"]
# Half as many frames save less than half of the computation: the first layers, which make long
# frames of short ones, have to be computed in any case. At 80 ms the frames weigh more, as they
# must, and a token is spread over as much *time* as before. The count is as often right, and the
# difference in token errors lies inside the spread. The edges are off by some milliseconds more,
# for a third less computation.
#
# Finer is not better. With frames of 20 ms more tokens are wrong, the count is off more
# often, more weight lies in silence, and on average the edges are no closer. The average hides
# something: half of all edges are off by less than 26 ms, against 33 ms with frames of 40 ms (the
# *median* in [How good is a CIF alignment](../docs/alignment.md)). Most edges get better, and a few
# get very bad.
#
# One more thing differs between the rows: the encoder sees ten *frames* to either side, so with
# longer frames it also sees more of the sound, and with frames of 20 ms it sees only 0.2 s to
# either side, less than a word. These numbers cannot tell the two causes apart.

# %% [markdown]
# ## 9. What comes after the utterance
#
# Utterances of a batch differ in length; short ones are filled up with *padded* frames. Their
# weights are set to 0, so one should think that they do no harm. The function below is a predictor
# of one filter over three frames that does so.


# %%
def weigh(frames, length, kernel, bias):
    """A weight for each frame, by a filter of three and a sigmoid; 0 from `length` on."""
    found = []
    for t in range(len(frames)):
        before = frames[t - 1] if t > 0 else 0.0
        after = frames[t + 1] if t + 1 < len(frames) else 0.0
        logit = kernel[0] * before + kernel[1] * frames[t] + kernel[2] * after + bias
        found.append(1 / (1 + math.exp(-logit)) if t < length else 0.0)
    return found


# %% [markdown]
# We give it an utterance of two frames, 1 and 2: alone, with one padded frame of 0 after it, and
# with one of 5. The kernel is (0, 1, 1).
#
# **Predict first:** do the three sums of weights differ?

# %% tags=["answer"]
# Weights and sums of the three
for frames in ([1.0, 2.0], [1.0, 2.0, 0.0], [1.0, 2.0, 5.0]):
    found = weigh(frames, length=2, kernel=(0.0, 1.0, 1.0), bias=-3.0)
    print(f"{frames!s:16} weights", *(f"{weight:.2f}" for weight in found), f"sum {sum(found):.2f}")

# %% [markdown] tags=["answer"]
# The third one does. The filter reaches one frame beyond the end, and the last *real* weight
# depends on what is there. A padded frame of 0 does no harm, for zeros are also what the filter
# sees when the utterance is alone. But after an encoder padded frames are rarely zero: biases and
# normalisation fill them.

# %% [markdown]
# CIF-PyTorch runs its convolution over everything and masks the weights afterwards. We rebuild that
# in two lines, and weigh the same ten frames alone, in a batch with a longer utterance, and in the
# same batch by the library, which sets padded frames to zero *before* the convolution:


# %%
def weights_of_cif_pytorch(predictor, frames, real):
    hidden = predictor.conv[0](frames.transpose(1, 2)).transpose(1, 2)  # padding and all
    return predictor.weight_proj(hidden).sigmoid().squeeze(2) * real  # too late


# %% tags=["hide-input"]
# Table: ten frames alone and in a batch
torch.manual_seed(seed)
predictor, ten, length = ConvWeights(16, 16, width=3), torch.randn(1, 10, 16), torch.tensor([10])
batched = torch.cat([ten, torch.randn(1, 4, 16)], dim=1)  # what an encoder left after the end
with torch.inference_mode():
    alone = weights_of_cif_pytorch(predictor, ten, torch.ones(1, 10))
    leaky = weights_of_cif_pytorch(predictor, batched, torch.arange(14)[None] < 10)[:, :10]
    ours = predictor(batched, length)[:, :10]
assert_close(ours, alone)
rows, sums = [], []
for name, found in {"alone": alone, "in a batch": leaky, "in a batch, masked first": ours}.items():
    fired = cifviz.integrate_and_fire(found, ten, tail=above(0.5))
    sums.append(float(fired.weight_sum))
    rows.append([name, f"{float(found[0, -1]):.2f}", f"{sums[-1]:.2f}", int(fired.num_fires)])
table(["", "last weight", "S", "tokens"], rows)

# %% [markdown]
# The weights of the utterance depend on what else is in the batch. Where the sum is near a half,
# that can be a token more or less. If padded frames are set to zero first, the batch gives what the
# utterance gives alone.
#
# **Exercise 04.4.** Change `weigh` into `weigh_safely`, for which the frames from `length` on make
# no difference. It still gives one weight for each frame, 0 for a padded one.


# %% tags=["exercise"]
def weigh_safely(frames, length, kernel, bias): ...  # start from weigh


check("04.4", weigh_safely)


# %% tags=["solution"]
def weigh_safely(frames, length, kernel, bias):
    real = [frame if t < length else 0.0 for t, frame in enumerate(frames)]
    return weigh(real, length, kernel, bias)


check("04.4", weigh_safely)

# %% [markdown] tags=["hints"]
# What may the filter see in place of a padded frame, so that it is as if the utterance were alone?
#
# Alone, the filter sees 0 after the end.
#
# Make a new list of frames, with 0.0 from `length` on, and give that to `weigh`.

# %% [markdown] tags=["optional"]
# ## 10. Padding in a trained recogniser
#
# How much does it matter in a trained recogniser? We let the encoder run on after the end, where
# its input is zero, so that the padded frames hold what such frames hold in practice. And we take
# recordings of real speech twice: whole, and cut off where the last word ends, as when a *stream*,
# sound that is recognised while it comes in, is cut into pieces.
#
# **Predict first:** in which of the two does padding change the last weight more?

# %% tags=["answer", "hide-input"]
# Table: the last weight, with and without padding
rows, leaks = [], {"whole": [], "cut off": []}
for one in spoken[:: 3 if fast else 1]:
    model = cifviz.load_model(one.model)
    whole = normalise(one.log_mel)
    end = round(one.feature_grid.frame(one.words.tokens[-1].end))
    for what, part in {"whole": whole, "cut off": whole[:end]}.items():
        padded = F.pad(part, (0, 0, 0, 40))[None]
        with torch.inference_mode():
            real, count = model.encoder(part[None], torch.tensor([len(part)]))
            stale = model.encoder(padded, torch.tensor([padded.shape[1]]))[0]
            after_it = torch.cat([real, stale[:, int(count) :]], dim=1)
            alone = model.cif.weights(real, count)[0]
            leaky = model.cif.weights(after_it, torch.tensor([after_it.shape[1]]))[0, : int(count)]
            masked = model.cif.weights(after_it, count)[0, : int(count)]
        assert_close(masked, alone)
        last = [f"{float(found[-1]):.3f}" for found in (alone, leaky, masked)]
        rows.append([one.name, what, *last])
        leaks[what].append(float(leaky[-1] - alone[-1]))
table(["recording", "", "last weight alone", "padded", "masked first"], rows)

# %% [markdown] tags=["answer"]
# In the one that is cut off. A whole recording ends in silence. There the last weight is near 0,
# whatever comes after it, and no harm is done: such a fault can stay unnoticed for a long time. Cut
# off in a word, the last weight may double and more, since the padded frames look like speech, or
# at least not like silence. Masked first, it is what it was alone.

# %% [markdown]
# The numbers that this lesson arrived at are kept in the notebook, so that a later run can be
# compared with this one. The cells that keep them are hidden.

# %% tags=["answer", "hide-input"]
# Numbers kept
record(parameters=parameters, collapsed=collapsed)
record(climb_without_relu=climbs[0], climb_with_relu=climbs[1], tolerance=2e-4)
record(weight_sum=transcription.firing.weight_sum, tolerance=0.01)
record(share_in_silence=shares[recording], leak_cut_off=max(leaks["cut off"]), tolerance=3e-4)
record(words_per_second=rate, million_40ms=costs[40], million_80ms=costs[80], tolerance=0.01)
record(
    errors_conv=mean("plain", "token errors (%)"),
    errors_without_relu=mean("affine", "token errors (%)"),
    width_conv=mean("plain", "width of a token (ms)"),
    width_without_relu=mean("affine", "width of a token (ms)"),
    tolerance=0.01,
)
record(sum_alone=sums[0], sum_leaky=sums[1], tolerance=0.005)
record(leak_whole_is_nothing=max(leaks["whole"]) < 0.001)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary(
    *("count accuracy", "down-sampling", "edge", "encoder output", "filter width", "frame"),
    *("padding", "spike", "starting weight", "token error rate", "valley", "weight"),
    *("weight in silence", "weight predictor", "weight sum"),
)

# %% [markdown]
# ## On your own
#
# - Set `recording` to another name of `cifviz.list_recordings()` and run all cells. Which words get
#   the heaviest frames, long ones or short ones? Why must it be so?
# - In section 3, find the shift at which exactly one token too many fires. How small is it?
# - In section 5, give the convolution a width of 11. What would a recogniser pay for that which has
#   to answer while you speak?
# - In section 9, how many weights change with a width of 5, and how many with two layers?
# - In a clone, with the recordings at hand (`data/README.md`), train a predictor of your own:
#   `python -m experiments train digits --variant linear --seed 3`, some minutes on a CPU, and
#   compare it with the others.

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *The heaviest frames.* Short words have them. Each word has to sum to about 1, so fewer frames
#   have to weigh more each. In the recording shown here the longest word, “zero”, has the lightest
#   peak.
# - *One token too many.* S is 4.93 there, and above 5.5 a sixth token fires by the tail rule. That
#   is a factor of 5.5 / 4.93 = 1.12, so a shift of about ln 1.12 = 0.11 is enough. A shift that
#   small is hard to see in the figure.
# - *A width of 11.* It looks five frames ahead: the answer comes 5 · 40 = 200 ms later, besides
#   what the encoder looks ahead.
# - *Width 5, or two layers.* The last two weights change in both cases. A filter of width 5 reaches
#   two frames beyond the end; so do two of width 3, one after the other.
# - *Your own.* Expect token errors like those of the table in section 7, and another place in the
#   word for its weight: two runs of *linear* differ in that by their seed alone.

# %% [markdown]
# ## In practice
#
# - CIF-PyTorch has `conv`, `dense` and, under any other name, a single linear layer. There is no
#   activation after its convolution, so that it is the one filter of section 6. Its biases start
#   at 0, and its convolution reads padding.
# - A PyTorch port of the authors' own code, in a public repository
#   ([WavTTS](https://github.com/cwx-worst-one/WavTTS)), puts a normalisation and a ReLU after the
#   convolution.
# - FunASR's first predictor gives each channel a filter of its own, adds the frame itself, and has
#   a ReLU after it; its second is a full convolution with ReLU, as here. Both end with
#   `relu(α · smooth_factor − noise_threshold)`: the 0.005 of section 2 is such a threshold. The
#   frames of its large models last 60 ms.
# - WeNet's recipe for Paraformer was trained with both on AISHELL-1: [4.9 % and 5.3 % errors on the
#   test set](https://github.com/wenet-e2e/wenet/pull/1738), one run each. A user [could not
#   reproduce it](https://github.com/wenet-e2e/wenet/issues/1852). Section 7 says what to ask
#   first: how many seeds?
# - w2v-cif-bert has no predictor at all: one of wav2vec 2.0's 768 channels becomes the weight.

# %% [markdown]
# ## Further reading
#
# - L. Dong and B. Xu, [CIF: Continuous Integrate-and-Fire for End-to-End Speech
#   Recognition](https://arxiv.org/abs/1905.11235), ICASSP 2020: a convolution, a linear layer and a
#   sigmoid, and the losses that teach them.
# - [CIF-PyTorch](https://github.com/MingLunHan/CIF-PyTorch): the reference code; its README advises
#   to down-sample by eight.
# - Z. Gao et al., [Paraformer](https://arxiv.org/abs/2206.08317), Interspeech 2022: the predictor
#   in a recogniser of industrial size.
# - [cifviz/core/weights.py](../cifviz/core/weights.py): all predictors of this lesson in a page of
#   code, and one more.
# - In a clone `python -m experiments table weights` prints the whole table of sections 7 and 8.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# | time | what |
# |---|---|
# | 10 min | Lesson 03 once more: what a weight weighs before training. Section 1, 04.1 in pairs |
# | 15 min | Section 2: let them draw the weights over the sound before you show the panel |
# | 10 min | Section 3: everybody moves the two sliders; who finds exactly one token too many? |
# | 10 min | Section 4: half a token a frame, whatever a frame lasts; the bias of 03.2 once more |
# | 15 min | Sections 5 and 6: 04.2 by hand, then the 801 parameters; why did nobody notice? |
# | 10 min | Section 7: bets first, on paper; then the dots, and what chance does |
# | 10 min | Section 8: 04.3; who would buy frames of 80 ms, and for what? |
# | 10 min | Sections 9 and 10: 04.4, as homework if need be; why does a batch of one hide it? |
#
# ### Likely questions
#
# - *Why a sigmoid and not a softmax over the frames?* A softmax sums to 1 whatever was said. Here
#   the sum must be free: it is the number of tokens.
# - *Can a weight be larger than 1?* Not as predicted; after scaling in training, yes (lesson 02).
# - *If the convolution is one filter, why does it have 256 channels?* Perhaps nobody looked. It
#   learns in another way than one filter; in section 7 that does not help.
# - *Is a spike worse than a hill?* A spike says where a word is and little about how long it is.
#   Four predictors of very different widths recognise equally well here.
# - *Why is the wider filter not better?* The encoder has looked ten frames to either side already.
#   What the predictor adds is little.
# - *Does the start still matter at the end of training?* That was not measured. It decides how long
#   the beginning of training is about nothing but the count.
# - *Padding changes a weight by some hundredths: who cares?* Whoever compares a batch with single
#   utterances, or cuts a stream; and whoever has a sum near a half.
#
# ### Usual misconceptions
#
# - α is the probability of a word's edge. It is an amount of a word; edges are where sums cross.
# - Loud frames weigh most. What weighs is what was learned to be worth a piece of a token.
# - More parameters say more. Not without something non-linear between them.
# - A recogniser that counts right has its weights in the right places. Look at the two linear runs.
# - What is masked in the end cannot do harm. It can, wherever a neighbour is read before.
# - Three seeds and two clean groups of dots are a proof. One in ten is like that by chance.
