# %% [markdown]
# # Find out where the weights come from
#
# **What you'll do:** build the small network that gives each frame its weight, watch it at work on
# real speech, and find out what matters about it: where it starts, what it sees, how long its
# frames are, and what must not leak into it.
#
# **What you'll learn**
#
# - *compute* the weight of a frame by hand
# - *set* the bias from which training starts
# - *show* that a convolution without a ReLU is one filter and nothing more
# - *judge* whether one predictor is really better than another
# - *cure* a predictor that reads what stands behind the utterance
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb); what a linear layer and a
# convolution are. No network, no GPU.
#
# **Time:** 50 minutes
#
# Previous: [01 Turn weights into tokens](01_integrate_and_fire.ipynb) · Next: [03 Scale the
# weights, and see what that hides](03_scaling.ipynb)

# %%
import math
import statistics

import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import cifviz
from cifviz.core.tail import above
from cifviz.core.weights import ConvWeights, DenseWeights, LinearWeights
from cifviz.course import Slider, canvas, check, glossary, live_figure, play, record, show, table
from cifviz.metrics import mass_in_silence, spread
from cifviz.plot import STYLE, fires, panel, panel_alt, weights
from cifviz.published import WIDTH_RECORDING, read_results, read_token_widths
from cifviz.resources import resource
from cifviz.systems.encoder import Encoder, EncoderConfig
from cifviz.systems.feature_normalisation import normalise

# %% tags=["parameters"]
seed = 0  # of the random layers
fast = True  # False: more recordings in section 9
recording = "digits_jackson_pauses"  # a name in cifviz.list_recordings()
listen = False  # True: play the recording; its sound must be on this machine

# %% [markdown]
# ## 1. By hand
#
# CIF adds up weights, and so far they fell from the sky. They come from a *weight predictor*, a
# small network at the end of the encoder. The encoder makes a vector h of each frame; the
# predictor makes a number between 0 and 1 of the vector. The smallest one that works is a linear
# layer and a sigmoid:
#
# ```text
# logit = w · h + b        α = 1 / (1 + exp(−logit))
# ```
#
# Here are four frames with two channels; let the first say how loud a frame is and the second how
# much it hisses. With w = (1, 0.5) and b = −1, **predict first:** which frame weighs exactly one
# half?

# %%
heard_frames = {"silence": (-3, 0), "vowel": (2, 0), "hiss": (0, 2), "click": (1, -1)}
w, b = (1.0, 0.5), -1.0
rows = []
for name, (loud, hiss) in heard_frames.items():
    logit = w[0] * loud + w[1] * hiss + b
    rows.append([name, loud, hiss, f"{logit:.1f}", f"{1 / (1 + math.exp(-logit)):.2f}"])
table(["frame", "loud", "hiss", "logit", "weight α"], rows)

# %% [markdown]
# A logit of 0 is a weight of one half. The bias b is what the predictor says of a frame that says
# nothing; w says what else counts.
#
# **Exercise 02.1.** Another frame is h = (3, −2). What is its weight?

# %% tags=["exercise"]
weight = ...
check("02.1", weight)

# %% tags=["solution"]
weight = 1 / (1 + math.exp(-(1.0 * 3 + 0.5 * -2 - 1)))
check("02.1", weight)

# %% [markdown]
# ## 2. On real speech
#
# Now a trained one. Of some real recordings this project keeps no sound but what the recogniser
# saw of it, the *log-mel* spectrum. If the sound itself is on your machine, set `listen = True` in
# the cell of parameters to hear it.

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

# %%
heard = recognizer.transcribe_features(speech.log_mel, duration=speech.duration)
picture = panel(heard, reference=speech.words)
show(picture.fig, f"{panel_alt(heard)} The last lane shows when each word was really said.")

# %% [markdown]
# All through a word, and hardly outside: the end of *zero* is faint and weighs as much as its loud
# middle. (Grey is what the predictor gave, blue what was made of it so that each phrase comes out
# whole. Here we are after the grey.)
#
# The predictor behind it is not much more than ours. The encoder gives 144 numbers for each frame.
# The predictor looks at three frames at a time, puts a ReLU behind that, and ends as ours did, with
# a linear layer and a sigmoid. A last step takes 0.005 off, so that long silence adds up to
# nothing. Here it is once more in six lines:

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
assert_close(alpha, heard.firing.alpha)
print(f"{tuple(encoder_out.shape)} numbers become {tuple(alpha.shape)} weights, as in the library")

# %% [markdown]
# How well does it tell speech from silence? For each recording: the mean weight of a frame inside
# a word, of a frame outside, and the share of all weight that lies outside.

# %%
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
table(["recording", "words", "Σα", "α in a word", "α outside", "weight outside"], rows)

# %% [markdown]
# In a word a frame weighs several times what it weighs outside, in the sentences even some dozens
# of times. In most recordings, what does lie outside is in frames that the edge of a word cuts in
# two, as you can see in the panel: a frame has one weight for all of it. Short words have more such
# frames for what they weigh, and the fast speaker's words are five frames long. (That speaker's
# long string is an exception: more than half of what lies outside is in frames between words.)
#
# How does it know? This recogniser had help: its training asked that the weight of a word be spread
# evenly over the sound of the word. Others had none; section 7 shows what they make of it. The
# weights have to sum to the number of words, however long the pauses are: a predictor that gives
# something to all pauses cannot get that right.
#
# ## 3. Move the bias
#
# The sum of the weights is the number of tokens, so everything hangs on their height. Let us turn
# the two screws of the last step: add something to all logits (`shift`, that is the bias b), or
# multiply them (`gain`, that is w and b alike).
#
# **Predict first:** all logits 0.7 higher. How much does Σα grow: by 0.7, by 0.7 for each frame,
# or does it about double?


# %%
def draw(ax, firing, grid, words, top):
    """Weights and fires, and above them the words that were said."""
    weights(firing, grid, ax=ax).threshold_label.set_visible(False)
    fires(firing, grid, ax=ax)
    spans = [(word.start, word.end - word.start) for word in words]
    rest = STYLE["neutral"]
    ax.broken_barh(spans, (0.86 * top, 0.1 * top), facecolor=rest, edgecolor="black")
    look = {"ha": "center", "va": "center", "fontsize": "small", "zorder": 3}
    look["bbox"] = {"facecolor": rest, "edgecolor": "none", "pad": 0.8}  # over the fires
    for word in words:
        ax.text((word.start + word.end) / 2, 0.91 * top, word.token, **look)
    ax.set_ylim(0, top)


def draw_moved(ax, *, shift, gain):
    moved = (torch.sigmoid(gain * logits + shift) - settings.noise_threshold).clamp(min=0)
    firing = cifviz.integrate_and_fire(moved, torch.eye(moved.shape[1])[None], tail=above(0.5))
    draw(ax, firing, recognizer.grid, speech.words, top=max(0.5, 1.25 * float(moved.max())))
    return f"Σα = {float(firing.weight_sum):.1f}, {int(firing.num_fires)} tokens"


# %%
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
    alt="Weights over time at four settings, with the words that were said above and fires as "
    "lines. As trained a token fires for each word. With all logits 0.7 higher the weights are "
    "nearly twice as high and nearly twice as many tokens fire. At half the gain all weights come "
    "nearer to one half: far too many. At twice the gain and a higher shift the differences "
    "between frames grow.",
)

# %% [markdown]
# Small weights grow by a factor: α = 1 / (1 + exp(−logit)) is close to exp(logit) there, and
# exp(0.7) is about 2. Tokens are counted by the height of a curve, so a small fault of the bias is
# a large fault of the count. That is why training watches the sum by a loss of its own ([lesson
# 03](03_scaling.ipynb)).
#
# ## 4. Where training starts
#
# An untrained predictor knows nothing: its bias is 0, its w is drawn at random, some above 0 and
# some below. So a frame weighs about one half, give or take, and however long it is.
#
# **Exercise 02.2.** An utterance of 2 s, in frames of 40 ms, and a predictor with w = 0 and b = 0.
# What is Σα?

# %% tags=["exercise"]
first_sum = ...
check("02.2", first_sum)

# %% tags=["solution"]
first_sum = 2 / 0.04 * 0.5
check("02.2", first_sum)

# %% [markdown]
# How does that compare with how fast people speak? The rate of the recordings, and what follows
# for three lengths of frames:

# %%
rate = sum(len(one.words) for one in spoken) / sum(one.duration for one in spoken)
print(f"the recordings have {rate:.1f} words a second")
rows = []
for milliseconds in (80, 40, 20):
    frames = 1000 / milliseconds
    wanted = rate / frames
    logit = math.log(wanted / (1 - wanted))
    rows.append([milliseconds, frames, frames / 2, f"{wanted:.3f}", f"{logit:.2f}"])
table(["frame (ms)", "frames a second", "tokens a second at b = 0", "α wanted", "its logit"], rows)

# %% [markdown]
# With frames of 80 ms a fresh predictor begins at some six tokens a second: the right order for the
# characters of Mandarin, too many for words. With shorter frames it begins at two and four times as
# many. The cure is one line: set the bias to the logit of N / T, the tokens per frame of the
# training material. In the library that is `start_at`.
#
# **Exercise 02.3.** An utterance of 2 s holds 5 words, in frames of 40 ms. At which bias do weights
# with w = 0 sum to 5?

# %% tags=["exercise"]
bias = ...
check("02.3", bias)

# %% tags=["solution"]
bias = math.log((5 / 50) / (1 - 5 / 50))
check("02.3", bias)

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

# %%
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
table(["predictor", "parameters", "weights changed", "Σα at b = 0", "Σα after start_at"], rows)

# %% [markdown]
# Linear and dense judge each frame alone. That sounds worse than it is: the encoder has looked
# around already, ten frames to either side. The last columns are our recording under these
# *untrained* predictors. From b = 0 they count far too many words. `start_at` brings the right
# order of magnitude before anything was learned; more it cannot do while w is random.
#
# ## 6. A convolution that is one filter
#
# CIF-PyTorch, the reference code, has a convolution with hundreds of channels and no ReLU behind
# it. A linear layer of a linear layer is linear: each channel is a filter, and the projection mixes
# filters. So there is *one* filter that does the same.
#
# Take frames with one channel, and a convolution of width 3 with two: kernel (1, 2, 0) with bias 1,
# and kernel (0, −1, 4) with bias −1. The first number of a kernel weighs the frame before, the last
# one the frame after. The projection takes 2 of the first channel, 1 of the second, and adds 0.5.
#
# **Exercise 02.4.** By hand: which kernel and which bias do the same at once? Four numbers, kernel
# first.

# %% tags=["exercise"]
one_filter = [..., ..., ..., ...]
check("02.4", one_filter)

# %% tags=["solution"]
one_filter = [2 * 1 + 1 * 0, 2 * 2 + 1 * -1, 2 * 0 + 1 * 4, 2 * 1 + 1 * -1 + 0.5]
check("02.4", one_filter)

# %% [markdown]
# The same for a predictor with 16 channels, in one line of tensors: mix the kernels as the
# projection mixes the channels. **Predict first:** how many parameters are left, of how many?

# %%
torch.manual_seed(seed)
frames = torch.randn(1, 12, 16)
large = ConvWeights(16, 16, width=3)
conv, projection = large.conv[0], large.weight_proj
with torch.inference_mode():
    kernel = torch.einsum("c,cdk->dk", projection.weight[0], conv.weight)[None]
    bias = projection.weight[0] @ conv.bias + projection.bias
    small = F.conv1d(frames.transpose(1, 2), kernel, bias, padding=1)[0, 0].sigmoid()
    assert_close(small, large(frames, torch.tensor([12]))[0])
parameters = sum(parameter.numel() for parameter in large.parameters())
collapsed = kernel.numel() + bias.numel()
print(f"{parameters} parameters, and {collapsed} give the same weights")

# %% [markdown]
# The 801 are not quite for nothing: two layers *learn* in another way than one. But they can say no
# more. With a ReLU between, this ends. Let us walk in a straight line from a frame of silence to a
# frame of speech, neighbours included, with the predictor of section 2, and watch the logit. With
# the ReLU taken out it *must* be a straight line: one filter, on a straight line, adds the same
# with each step. With the ReLU each of the 144 channels may add a bend, up or down. **Predict
# first:** what have these channels learned, to climb more steeply in speech or less?

# %%
quiet, loud = int(alpha[0, 1:-1].argmin()) + 1, int(alpha[0, 1:-1].argmax()) + 1
ways = torch.linspace(-0.5, 1.5, 81)
figure, (ax,) = canvas(height=2.6)
climbs = []  # behind the frame of speech, as a share of what it is before that of silence
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
)

# %% [markdown]
# The straight line was proved before it was drawn: without the ReLU a step twice as far is twice as
# much logit, whatever was learned. The bend is what was found. It goes *down*, and that training
# made of it: the predictor says *this is speech, and more of it does not make it more of a word*.
# (One pair of frames, one model. And the line is this model with a part taken out, no model that
# was trained without.) Which of the two is better is a question to measurements.
#
# ## 7. Does it matter?
#
# The same recogniser was trained with each of the five, each time from three seeds, and measured on
# 200 strings of recorded digits; `data/results` keeps what came out, with the commands. These
# recognisers are *plain*: nobody told them when words were said.
#
# The *width* of a token is the time over which its weight is spread: five frames that share it
# evenly make 200 ms. Two columns say how far the beginnings and ends of words are off, on average:
# read at the fires, or in the *valleys*, where two words are cut apart at the least weight between
# them. Both are put right by constants that were learned on other strings.
#
# **Predict first:** in which order do the five come, and how far are they apart?

# %%
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


# %%
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


# %%
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


# %%
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
)

# %% [markdown]
# A star marks where all three runs lie to one side of all three of *conv*. How much is a star
# worth? If two predictors were one and the same, how often would there be one? Of the 20 orders in
# which three and three dots can lie, 2 are like that: one comparison in ten gets its star *by
# chance*. The table makes 24 of them.
#
# Counts tell nothing apart. In token errors one predictor lies outside the spread of the rest, the
# convolution without ReLU: its best run is worse than the worst of all others. What differs most is
# the *width of a token*, the time over which its weight is spread. Is that something one can see?
# These are the weights that the runs give to one recording.


# %%
jackson = cifviz.load_recording(WIDTH_RECORDING)


def draw_run(ax, variant, run):
    one = widths[variant, run]
    trained = torch.tensor([one["alpha"]])
    eye = torch.eye(trained.shape[1])[None]
    firing = cifviz.integrate_and_fire(trained, eye, tail=above(0.5))
    draw(ax, firing, cifviz.FrameGrid(one["shift"]), jackson.words, top=1.2)
    return f"heaviest weight {float(trained.max()):.2f}"


# %%
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
    alt="Weights of one recording by five runs, with words and fires. Run 0 of linear spreads a "
    "word over many frames, run 2 puts nearly all of it into one, at its beginning. Without ReLU "
    "there is a spike somewhere in each word; with it a low hill; with width 5 a broader one.",
)

# %% [markdown]
# A convolution without ReLU makes a spike of each word, one with ReLU a hill, and a wider one a
# broader hill. It fits the bent line of section 6: where the logit may climb on, one frame can take
# nearly all of a word; where it levels out, frames have to share. Dense, which has a ReLU and no
# neighbours, lies between. And two linear runs that differ in nothing but their seed find different
# places for the same word. All count well, and most recognise equally well: the losses of a plain
# CIF do not say where in a word its weight shall lie.
#
# One thing does not fit. Section 6 proved that the convolution without ReLU is one filter of three
# frames. *Linear* is such a filter too, with nothing on either side. So the convolution could have
# become everything that linear is, and it became worse. What a network can say is one thing, what
# it learns another; why it learns this, these numbers do not tell.
#
# ## 8. How long may a frame be?
#
# The other choice is made before the predictor: how many milliseconds become one frame. Long
# frames are cheap, but blunt. How blunt can be seen without training: put neighbouring frames of
# the recording together and add their weights. **Predict first:** what happens to Σα, to the
# heaviest weight, and to the fires?


# %%
def put_together(frames):
    """The weights of the recording, each the sum of so many neighbours."""
    filled = F.pad(alpha, (0, -alpha.shape[1] % frames))
    longer = filled.reshape(1, -1, frames).sum(2)
    return cifviz.integrate_and_fire(longer, torch.eye(longer.shape[1])[None], tail=above(0.5))


def fire_times(firing, grid):
    """When the full tokens fired; the rest at the end has no fire of its own."""
    return grid.seconds(firing.fire_positions[0, : int(firing.weight_sum)])


def draw_together(ax, *, frames_together):
    grid, firing = recognizer.grid.downsampled(frames_together), put_together(frames_together)
    heaviest = float(firing.alpha.max())
    draw(ax, firing, grid, speech.words, top=max(1.3, 1.25 * heaviest))
    before = fire_times(put_together(1), recognizer.grid)
    moved = 1000 * float((fire_times(firing, grid) - before).abs().max())
    return f"{1000 * grid.shift:.0f} ms, heaviest weight {heaviest:.2f}, fires move {moved:.0f} ms"


# %%
live_figure(
    draw_together,
    frames_together=[1, 2, 4, 8],
    static=[{"frames_together": frames} for frames in (1, 2, 4, 8)],
    alt="Weights over time in frames of 40, 80, 160 and 320 ms, with the words and the fires. The "
    "sum stays the same and the weights about double each time, until in frames of 320 ms the "
    "heaviest is most of a token and a frame holds the end of one word and the beginning of the "
    "next.",
)

# %% [markdown]
# Σα stays, as sums of neighbours must, so half as many frames weigh twice as much. The fires move a
# little, most where the weights are small. There is a wall: a sigmoid stays below 1, so no more
# tokens can fire than there are frames. Long before it a frame holds the end of one word and the
# beginning of the next, and its vector is a mixture of both.
#
# **Exercise 02.5.** A recogniser with frames of 40 ms gives 0.12 to a frame inside a word, on
# average. You train another one with frames of 80 ms. What will its mean weight inside a word be?

# %% tags=["exercise"]
mean_weight = ...
check("02.5", mean_weight)

# %% tags=["solution"]
mean_weight = 0.12 * 80 / 40
check("02.5", mean_weight)

# %% [markdown]
# And what do long frames save? Nearly all work is in the encoder's convolutions, and they work
# frame by frame. We count multiplications for a second of sound, in an encoder as that of the
# recipe.


# %%
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

# %% [markdown]
# Half as many frames save less than half of the work: the first layers, which make long frames of
# short ones, have to be paid in any case. And what do long frames cost? Three recognisers, from
# three seeds each. **Predict first:** will frames of 20 ms find the edges better than those of 40?

# %%
LENGTHS = {"80 ms": "80ms", "40 ms": "plain", "20 ms": "20ms"}
compare(LENGTHS)
show(
    draw_seeds(LENGTHS, SHOWN),
    "A dot for each run with frames of 80, 40 and 20 ms and a line for their mean, in token "
    "errors, the width of a token, and edges read in valleys: 20 ms has the most token errors.",
)

# %%
figure, axes = canvas(len(LENGTHS), height=1.6)
for ax, (name, variant) in zip(axes, LENGTHS.items(), strict=True):
    ax.set_title(f"{name}: {draw_run(ax, variant, run=0)}", loc="left", fontsize="medium")
    ax.label_outer()
show(
    figure,
    "Weights of one recording in frames of 80, 40 and 20 ms, with words and fires. The shorter the "
    "frames, the lower the weights; the hills over the words are about as wide.",
)

# %% [markdown]
# At 80 ms the frames weigh more, as they must, and a token is spread over as much *time* as before.
# The count is as often right, and the difference in token errors lies inside the spread. What the
# long frames cost is sharpness of the edges, some milliseconds, for a third less work.
#
# Finer is not better, though. With frames of 20 ms more tokens are wrong, the count is off more
# often, more weight lies in silence, and on average the edges are no closer. The average hides
# something: half of all edges are off by less than 26 ms, against 33 ms with frames of 40 ms (the
# *median* in [How good is a CIF alignment](../docs/alignment.md)). Most edges get better, and a few
# get very bad.
#
# One more thing differs between the rows, and it is easy to overlook: the encoder sees ten *frames*
# to either side, so with longer frames it also sees more of the sound, and with frames of 20 ms it
# sees only 0.2 s to either side, less than a word. Nothing here tells the two apart.
#
# ## 9. What stands behind the utterance
#
# Utterances of a batch differ in length; short ones are filled up with *padded* frames. Their
# weights are set to 0, so one should think that they do no harm. **Predict first:** can a padded
# frame change the sum of the weights all the same? Below is an utterance of two frames: alone, with
# one padded frame of 0 behind it, and with one of 5.


# %%
def weigh(frames, length, kernel, bias):
    """A weight for each frame, by a filter of three and a sigmoid; 0 behind `length`."""
    found = []
    for t in range(len(frames)):
        before = frames[t - 1] if t > 0 else 0.0
        after = frames[t + 1] if t + 1 < len(frames) else 0.0
        logit = kernel[0] * before + kernel[1] * frames[t] + kernel[2] * after + bias
        found.append(1 / (1 + math.exp(-logit)) if t < length else 0.0)
    return found


for frames in ([1.0, 2.0], [1.0, 2.0, 0.0], [1.0, 2.0, 5.0]):
    found = weigh(frames, length=2, kernel=(0.0, 1.0, 1.0), bias=-3.0)
    print(f"{frames!s:16} weights", *(f"{weight:.2f}" for weight in found), f"sum {sum(found):.2f}")

# %% [markdown]
# It can: the filter reaches one frame beyond the end, and the last *real* weight reads what is
# there. A frame of zeros is what it sees when the utterance is alone. But behind an encoder padded
# frames are rarely zero: biases and normalisation fill them.
#
# CIF-PyTorch runs its convolution over everything and masks the weights afterwards. We rebuild that
# in two lines, and weigh the same ten frames twice: alone, and in a batch with a longer utterance.


# %%
def weights_of_cif_pytorch(predictor, frames, real):
    hidden = predictor.conv[0](frames.transpose(1, 2)).transpose(1, 2)  # padding and all
    return predictor.weight_proj(hidden).sigmoid().squeeze(2) * real  # too late


torch.manual_seed(seed)
predictor, ten, length = ConvWeights(16, 16, width=3), torch.randn(1, 10, 16), torch.tensor([10])
batched = torch.cat([ten, torch.randn(1, 4, 16)], dim=1)  # what an encoder left behind the end
with torch.inference_mode():
    alone = weights_of_cif_pytorch(predictor, ten, torch.ones(1, 10))
    leaky = weights_of_cif_pytorch(predictor, batched, torch.arange(14)[None] < 10)[:, :10]
    ours = predictor(batched, length)[:, :10]
assert_close(ours, alone)
rows, sums = [], []
for name, found in {"alone": alone, "in a batch": leaky, "in a batch, cured": ours}.items():
    fired = cifviz.integrate_and_fire(found, ten, tail=above(0.5))
    sums.append(float(fired.weight_sum))
    rows.append([name, f"{float(found[0, -1]):.2f}", f"{sums[-1]:.2f}", int(fired.num_fires)])
table(["", "last weight", "Σα", "tokens"], rows)

# %% [markdown]
# The same utterance, and its weights depend on who else is in the batch. If the sum is near a half
# that can be a token more or less.
#
# The cure is to set padded frames to zero *before* the convolution, as the library does: then the
# batch gives what the utterance alone gives, and the cell asserts it.
#
# **Exercise 02.6.** Change `weigh` into `weigh_safely`, for which what stands behind `length` makes
# no difference. It still gives one weight for each frame, 0 for a padded one.


# %% tags=["exercise"]
def weigh_safely(frames, length, kernel, bias): ...  # start from weigh


check("02.6", weigh_safely)


# %% tags=["solution"]
def weigh_safely(frames, length, kernel, bias):
    real = [frame if t < length else 0.0 for t, frame in enumerate(frames)]
    return weigh(real, length, kernel, bias)


check("02.6", weigh_safely)

# %% [markdown]
# How bad is it in a trained recogniser? We let the encoder run on behind the end, where its input
# is zero, so that the padded frames hold what such frames hold in practice. And we take recordings
# of real speech twice: whole, and cut off where the last word ends, as when a stream is cut into
# pieces. **Predict first:** which of the two suffers more?

# %%
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
            behind = torch.cat([real, stale[:, int(count) :]], dim=1)
            alone = model.cif.weights(real, count)[0]
            leaky = model.cif.weights(behind, torch.tensor([behind.shape[1]]))[0, : int(count)]
            cured = model.cif.weights(behind, count)[0, : int(count)]
        assert_close(cured, alone)
        last = [f"{float(found[-1]):.3f}" for found in (alone, leaky, cured)]
        rows.append([one.name, what, *last])
        leaks[what].append(float(leaky[-1] - alone[-1]))
table(["recording", "", "last weight alone", "leaky", "cured"], rows)

# %% [markdown]
# A whole recording ends in silence. There the predictor says next to nothing, whatever stands
# behind, and no harm is done: such a fault can stay unnoticed for a long time. Cut off in a word,
# the last weight may double and more, since the frames behind look like speech, or at least not
# like silence. Masked first, it is what it was alone.
#
# The numbers that this lesson arrived at:

# %%
record(parameters=parameters, collapsed=collapsed)
record(climb_without_relu=climbs[0], climb_with_relu=climbs[1], tolerance=2e-4)
record(weight_sum=heard.firing.weight_sum, tolerance=0.01)
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
# What the words of this lesson mean, and where they are in the code:

# %%
glossary(
    "count accuracy",
    "down-sampling",
    "edge",
    "encoder output",
    "filter width",
    "frame",
    "padding",
    "starting weight",
    "token error rate",
    "valley",
    "weight",
    "weight in silence",
    "weight predictor",
    "weight sum",
)

# %% [markdown]
# ## On your own
#
# - Set `recording` to another name of `cifviz.list_recordings()` and run all cells. Which words get
#   the heaviest frames, long ones or short ones? Why must it be so?
# - In section 3, find the shift at which exactly one token too many fires. How small is it?
# - In section 5, give the convolution a width of 11. What would a recogniser pay for that which has
#   to answer while you speak?
# - In section 9, how many weights leak with a width of 5, and how many with two layers?
# - In a clone, with the recordings at hand (`data/README.md`), train a predictor of your own:
#   `python -m experiments train digits --variant linear --seed 3`, some minutes on a CPU, and lay
#   its dot beside the others.

# %% [markdown]
# ## In practice
#
# - CIF-PyTorch has `conv`, `dense` and, under any other name, a single linear layer. There is no
#   activation behind its convolution, so that it is the one filter of section 6. Its biases start
#   at 0, and its convolution reads padding.
# - A PyTorch port of the authors' own code, in a public repository
#   ([WavTTS](https://github.com/cwx-worst-one/WavTTS)), puts a normalisation and a ReLU behind the
#   convolution.
# - FunASR's first predictor gives each channel a filter of its own, adds the frame itself and puts
#   a ReLU behind; its second is a full convolution with ReLU, as here. Both end with
#   `relu(α · smooth_factor − noise_threshold)`: the 0.005 of section 2 is such a threshold. The
#   frames of its large models last 60 ms.
# - WeNet's recipe for Paraformer was trained with both on AISHELL-1: [4.9 % and 5.3 % errors on the
#   test set](https://github.com/wenet-e2e/wenet/pull/1738), one run each. A user [could not
#   reproduce it](https://github.com/wenet-e2e/wenet/issues/1852). Now you know what to ask first.
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
# - In a clone `python -m experiments table weights` prints the whole table behind sections 7 and 8.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# | time | what |
# |---|---|
# | 10 min | Lesson 01 once more: weights in, tokens out. Section 1 on the board, 02.1 in pairs |
# | 15 min | Section 2: let them draw the weights over the spectrogram before you show the panel |
# | 10 min | Section 3: everybody moves the two sliders; who finds exactly one token too many? |
# | 10 min | Section 4: 02.2 and 02.3 by hand |
# | 15 min | Sections 5 and 6: 02.4 by hand, then the 801 parameters; why did nobody notice? |
# | 10 min | Section 7: bets first, on paper; then the dots, and what chance does |
# | 10 min | Section 8: 02.5; who would buy frames of 80 ms, and for what? |
# | 10 min | Section 9: 02.6 as homework if time is short; the batch of one as a riddle |
#
# ### Likely questions
#
# - *Why a sigmoid and not a softmax over the frames?* A softmax sums to 1 whatever was said. Here
#   the sum must be free: it is the number of tokens.
# - *Can a weight be larger than 1?* Not as predicted; after scaling in training, yes (lesson 03).
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
