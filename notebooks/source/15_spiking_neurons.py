# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # See a CIF as a neuron
#
# **What you'll do:** watch the same weights fill tokens and charge a neuron, let the neuron leak,
# tire and forget, and find out what a network of such neurons recognises and what it costs.
#
# **What you'll learn**
#
# - *translate* between CIF and neurons: weight and current, fire and spike
# - *compute* the potential of a neuron that leaks, and the current below which it never spikes
# - *program* a leaky neuron
# - *explain* what a leak does to the number of tokens, and how a step can be trained
# - *judge* what a count of operations says of energy, and what it does not
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb) and [lesson 02](02_scaling.ipynb). No
# network, no GPU, and no biology.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [14 Translate while you listen](14_simultaneous_translation.ipynb) · Next: [16 Find out
# what your own CIF does](16_your_own_model.ipynb)

# %% tags=["hide-input"]
# Imports
import numpy as np
import torch
from torch.testing import assert_close

import cifviz
from cifviz.core.neurons import RULES, SLACK, USUAL, NeuronRule
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
from cifviz.metrics.statistics import deviation, mean
from cifviz.plot import STYLE, accumulation, membrane, spike_raster
from cifviz.plot import weights as draw_weights
from cifviz.published import read_study
from cifviz.resources import resource
from cifviz.systems.spiking_encoder import LeakyLayer, surrogate_spike

# %% tags=["parameters"]
seed = 0  # of the random currents in section 6
fast = True  # nothing here takes long
clip = "digits_pause"  # a name in cifviz.list_clips() that begins with digits

# %% [markdown]
# ## 1. The same picture, twice
#
# The words *integrate* and *fire* are older than CIF. They describe a *neuron*, a nerve cell: its
# skin, the *membrane*, stores electric charge. Currents from other cells bring charge, and the cell
# adds it up: it *integrates*. What it has stored and not yet spent is its *membrane potential*, in
# short its potential. When this reaches a threshold, the cell sends one short pulse, a *spike of a
# neuron*, and the charge is gone. It *fires*. (Lesson 08 calls something else a spike: a frame in
# which CTC is sure of a token. Here a spike is always that of a neuron.)
#
# Why look at this again? For two reasons. If a CIF is such a neuron, then what is known of neurons
# is a list of ideas for better CIFs: real cells lose charge, and they tire. And whole networks can
# be built of neurons. They promise to need little energy. This lesson tries both on speech.
#
# First the model. Lesson 01 fired tokens from four weights, α = (0.2, 0.9, 0.6, 0.6). Now let the
# same four numbers be currents that arrive at a neuron with the threshold 1, one after the other. A
# spike takes exactly 1 away, and what is above 1 stays.
#
# **Predict first:** what is the potential after each of the four currents, and when does the neuron
# spike?

# %% tags=["answer", "hide-input"]
# Table: the potential, current by current
currents, rows, potential = [0.2, 0.9, 0.6, 0.6], [], 0.0
for time, current in enumerate(currents):
    peak = potential + current
    potential = peak - 1 if peak >= 1 else peak
    rows.append([time, current, f"{peak:.1f}", "spike" if peak >= 1 else "", f"{potential:.1f}"])
table(["time", "current", "with this current", "", "potential after it"], rows)

# %% [markdown] tags=["answer"]
# It spikes at times 1 and 3, and 0.3 is left. This is the table of lesson 01, line by line; only
# the names at the top are others.

# %% [markdown]
# Now speech. A synthetic voice speaks five digits, with a pause after the second one. The
# recogniser “digits” of lesson 00 gives each frame of 40 ms a weight, and scales the weights
# between two pauses to a whole number of tokens. We give these weights to a CIF with β = 1, and to
# a neuron with threshold 1.

# %%
model = cifviz.load_model("digits")
spoken = cifviz.load_clip(clip)
transcription = model.transcribe(spoken.waveform)
alpha, grid = transcription.firing.scaled_alpha, transcription.grid

identity = torch.eye(alpha.shape[1])[None]  # what a token gets from each frame, see lesson 01
firing = cifviz.integrate_and_fire(alpha, identity, slack=SLACK)
trace, made_of, _ = NeuronRule("integrate").run(alpha)
play(spoken.waveform, f"The clip {clip}")

# %% [markdown]
# (`SLACK` is 0.0001: so little may be missing at a threshold, since numbers are rounded.)
#
# Besides the potential, `run` gives `made_of`: how much of each frame's current was in the neuron
# when it spiked, a row for each spike, a column for each frame.
#
# **Predict first:** how many spikes are there? And how is `made_of` related to the table W of
# lesson 01, what each token gets from each frame?

# %% tags=["answer"]
spikes, fires = int(trace.spikes.sum()), int(firing.num_fires)
assert_close(made_of[:, :spikes], firing.contributions.double(), rtol=0, atol=1e-6)
print(f"{fires} fires, {spikes} spikes; W and made_of agree to six digits")

# %% tags=["answer", "hide-input"]
# Figure: weights, accumulated weight and potential on one time axis
figure, axes = canvas(3, height=1.6)
draw_weights(firing, grid, ax=axes[0])
name_words(axes[0], spoken.words)
accumulation(firing, grid, ax=axes[1])
axes[1].set_ylabel("CIF: weight")
membrane(trace, grid, ax=axes[2])
axes[2].set_ylabel("neuron: potential")
for ax in axes[:2]:
    ax.set_xlabel("")
show(
    figure,
    "Three pictures on one time axis. The weights of the frames are above 0 during the words and 0 "
    "in the pause. The accumulated weight of the CIF is a sawtooth with a tooth for each word. The "
    "potential of the neuron is the same sawtooth.",
    caption="Above, the weights of the frames. In the middle, what the CIF has accumulated; ▼ are "
    "its fires. Below, the potential of a neuron that gets the weights as currents; strokes on the "
    "dashed threshold are its spikes. Compare the two sawteeth, and look at the pause.",
)

# %% [markdown] tags=["answer"]
# There is a spike for each fire, and `made_of` is W. The two sawteeth are one. (They are drawn a
# little differently: the CIF fires within a frame, at the moment at which its weight is reached;
# the neuron is drawn with its spike at the end of the frame.) In the pause both keep what they
# have.
#
# So the answer to “Is CIF a neuron?” is: yes, one that loses nothing by itself, and from which a
# spike takes just the threshold. The words of both sides:
#
# | CIF | neuron |
# |---|---|
# | weight α of a frame | input current |
# | accumulated weight | membrane potential v |
# | threshold β | threshold θ |
# | fire | spike |
# | what the firing frame has left over opens the next token | the spike subtracts θ |
# | token: the weighted sum of frames | – |
#
# The last row is what CIF adds. All spikes are alike: that there was one is all that the next cell
# gets to know. A CIF hands on, with each fire, what the frames held that filled the token.

# %% [markdown]
# ## 2. A leak
#
# No real membrane is tight. Charge gets lost, the more of it the more there is. We let the neuron
# lose a fixed share of its potential in each frame, the *leak*. Then the current of the frame
# comes:
#
# ```text
# v ← (1 − leak) · v + α          and if v ≥ θ: a spike, v ← v − θ
# ```
#
# With a leak of 0 this is section 1. With a leak it is the *leaky integrate-and-fire* neuron, LIF
# for short, of which most networks of neurons are made.
#
# An example: leak ½, θ = 1, and the currents 0.6, 0.6, 0.6 and 0.
#
# **Predict first:** what is the potential after each of them? When does the neuron spike, and when
# would it without the leak?

# %% tags=["answer", "hide-input"]
# Table: the same currents with a leak of one half, and without
rows = []
four = torch.tensor([[0.6, 0.6, 0.6, 0.0]])
for leak in (0.5, 0.0):
    one, _, _ = NeuronRule("leaky", leak=leak).run(four)
    levels = zip(*(part[0].tolist() for part in (one.peak, one.spikes, one.potential)), strict=True)
    shown = [f"{peak:.3g}" + (f", spike: {v:.3g}" if s else "") for peak, s, v in levels]
    rows.append([f"leak {leak:g}", *shown])
table(["potential", *(f"with {current:.1f}" for current in four[0].tolist())], rows)

# %% [markdown] tags=["answer"]
# With the leak: 0.6; then 0.3 + 0.6 = 0.9; then 0.45 + 0.6 = 1.05, a spike in frame 2, and 0.05 are
# left; then 0.025. Without: 0.6, then 1.2, a spike in frame 1. The leak takes a part of what was
# there before, so the threshold is reached later, or not at all.

# %% [markdown]
# Now the weights of the clip. Remember: they sum to the number of words, and each word gives about
# 1, spread over some eight frames or more. The next cell has sliders for leak and threshold. Run it
# after you have predicted.
#
# **Predict first:** a leak of 0.1 takes a tenth in each frame. How many spikes will be left? What
# will the potential do in the pause?


# %% tags=["answer", "hide-input"]
# Figure with two sliders: the membrane by leak and threshold
def draw_leaky(ax, *, leak, threshold):
    one, _, _ = NeuronRule("leaky", threshold=threshold, leak=leak).run(alpha)
    membrane(one, grid, ax=ax)
    ax.set_ylim(-0.08, 1.6)
    name_words(ax, spoken.words)
    return f"spikes: {int(one.spikes.sum())}"


live_figure(
    draw_leaky,
    leak=Slider(0.0, 0.3, 0.01, 0.1),
    threshold=Slider(0.3, 1.5, 0.05, 1.0),
    static=[
        {"leak": 0.0, "threshold": 1.0},
        {"leak": 0.05, "threshold": 1.0},
        {"leak": 0.1, "threshold": 1.0},
        {"leak": 0.1, "threshold": 0.5},
    ],
    alt="The potential over time at four settings, on one scale. Without a leak it is the sawtooth "
    "of a CIF. With a leak it bends over in the words and reaches the threshold less often, and in "
    "the pause it falls towards 0. With half the threshold there are more spikes again.",
    caption="The same weights charge a neuron that leaks. In each title stands the number of "
    "spikes. Look at the pause: with a leak the potential falls there, without one it keeps its "
    "value, as that of a CIF. All four have the same scale.",
)

# %% tags=["answer"]
leaks = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3)
counts = {leak: int(NeuronRule("leaky", leak=leak).run(alpha)[0].spikes.sum()) for leak in leaks}
table(["leak", *(f"{leak:g}" for leak in counts)], [["spikes", *counts.values()]])

# %% [markdown] tags=["answer"]
# At a leak of 0.1 a single spike is left, and at 0.2 none, though the weights and their sum are the
# same. After seven frames of 40 ms, about the time of a short word, a leak of 0.1 leaves 0.9⁷ =
# 0.48, so a half, of what was there. What the first frames of a word have given is half gone when
# its last ones come. In the pause the rest of the potential goes as well.
#
# A lower threshold brings spikes back. But it is no remedy for a leak, because the loss depends on
# *time*: a slow word loses more than a quick one, whatever the threshold is.
#
# With this the central property of CIF is gone. A CIF loses nothing, so that the sum S of its
# weights says how many tokens there are. A leaky neuron forgets. That can also be good: a CIF that
# has taken up 0.4 in some noise keeps it for minutes, and then fires too early in the next word. A
# leaky neuron has forgotten it by then.

# %% [markdown]
# **Exercise 15.1.** A current of 0.15 comes in each frame, for ever. The leak is 0.1. If the neuron
# never spiked, towards which value would its potential go? Does it spike at a threshold of 1? And
# which constant current must be exceeded, so that a neuron with this leak and this threshold ever
# spikes? Give three numbers: the value, 1 for yes or 0 for no, and the current.

# %% tags=["exercise"]
limits = ...
check("15.1", limits)

# %% tags=["solution"]
limits = [0.15 / 0.1, 1, 0.1 * 1]  # v = (1 − leak) · v + α gives v = α / leak
check("15.1", limits)

# %% [markdown] tags=["hints"]
# The potential stops rising where a frame brings as much as the leak takes.
#
# The leak takes 0.1 · v, the current brings 0.15. For which v are they equal?
#
# v = α / leak. It is above 1 if α is above 1 · leak.

# %% [markdown]
# ## 3. Program a leaky neuron
#
# **Exercise 15.2.** Write `leaky(weights, leak, threshold)`. It takes a list of weights and gives
# the list of the frames, counted from 0, in which the neuron spikes. A frame with two spikes stands
# in the list twice. First the potential leaks, then the current of the frame comes, and each spike
# subtracts the threshold.


# %% tags=["exercise"]
def leaky(weights, leak, threshold): ...  # a list of frames


check("15.2", leaky)


# %% tags=["solution"]
def leaky(weights, leak, threshold):
    potential, spikes = 0.0, []
    for frame, weight in enumerate(weights):
        potential = (1 - leak) * potential + weight
        while potential >= threshold:
            spikes.append(frame)
            potential -= threshold
    return spikes


check("15.2", leaky)

# %% [markdown] tags=["hints"]
# It is the loop of lesson 01 with one more line. Keep a potential, and go through the frames.
#
# In each frame: multiply the potential by 1 − leak, add the weight, then see whether it is at or
# above the threshold.
#
# “See whether” must be a `while` and not an `if`: a weight of 2.3 makes two spikes, and 0.3 stay.

# %% [markdown] tags=["optional"]
# ## 4. What a leak does to scaling
#
# In training the number N of words is known, and lesson 02 multiplied all weights by N / S: then
# exactly N tokens fire. This was possible because a CIF loses nothing.
#
# **Predict first:** let a neuron have a leak of 0.1, and multiply the weights of our clip by 1.5, 2
# and 3. The spikes of a CIF grow in proportion. Those of the leaky neuron too, more slowly, or
# faster?

# %% tags=["answer"]
gains = (1.0, 1.5, 2.0, 3.0, 4.0)
by_rule = {
    name: [int(USUAL[name].run(gain * alpha)[0].spikes.sum()) for gain in gains] for name in RULES
}
rows = [[name, *by_rule[name]] for name in ("integrate", "leaky")]
table(["spikes, weights times", *(f"{gain:g}" for gain in gains)], rows)

# %% [markdown] tags=["answer"]
# Faster. What the leak takes is limited: it takes a tenth of a potential that is never above 1, so
# at most 0.1 in a frame. Once the weights are much larger than that, nearly all of what is added
# goes into spikes. So the number of spikes is not proportional to the weights, and no formula gives
# the factor that makes exactly N of them.

# %% [markdown]
# What can be done? The factor can be searched, as larger weights give more spikes. The library
# takes the *smallest factor at which the neuron spikes N times*. For a CIF that is N / S, so lesson
# 02 is a special case.

# %%
wanted = torch.tensor([len(spoken.words)])
rows = []
for name in ("integrate", "leaky"):
    one = USUAL[name].integrate(alpha, identity, target_lengths=wanted)
    factor = float(one.scaled_alpha.sum() / alpha.sum())
    rows.append([name, int(wanted), by_rule[name][0], f"{factor:.2f}", int(one.num_fires)])
table(["rule", "N", "spikes as given", "factor", "spikes after scaling"], rows)

# %% [markdown]
# So in training the leaky neuron has its N tokens, as a CIF has. But when it recognises, nobody
# tells it N. Then all hangs on the weights alone, and the network must have learned to make up for
# the leak, in quick speech and in slow. The quantity loss teaches it: it pulls the *soft count* to
# N, which is the spikes and, as a part of one more, the potential that is left at the end. For a
# CIF this is S.

# %% [markdown]
# ## 5. Neurons that tire
#
# Real cells do more than leak. Two further rules are in the library:
#
# - *Adaptive threshold*: each spike raises the threshold by 0.2, and a fifth of the rise is gone
#   after each frame. A neuron that has just spiked is harder to excite. It leaks, too.
# - *Second-order dynamics*: the potential drives itself by its square, and a second variable u, the
#   fatigue, follows it and works against it:
#
# ```text
# v ← v² − u + α      u ← u + a·v − b·u      and if v ≥ θ: a spike, v ← 0, u ← u + c
# ```
#
# Here a is 0.1, b is 0.2 and c is 0.1. The square is the point: below 1 it makes a potential
# smaller, and small ones much smaller (0.3 becomes 0.09); above 1 it makes it larger. So weak
# currents die away at once, and strong ones run away to a spike.
#
# **Predict first:** the weights of the clip were learned for a CIF. Which of the four rules give a
# spike for each word?

# %% tags=["answer", "hide-input"]
# Figure: the same weights and four rules
figure, axes = canvas(len(RULES), height=1.5)
for ax, name in zip(axes, RULES, strict=True):
    membrane(USUAL[name].run(alpha)[0], grid, ax=ax)
    ax.set_title(f"{name}, spikes: {by_rule[name][0]}", loc="left", fontsize="medium")
    ax.set(xlabel="", ylim=(-0.1, 1.3))
    name_words(ax, spoken.words)
axes[-1].set_xlabel("time (s)")
show(
    figure,
    "Four lines of potential on one time axis for the same weights. Integrate spikes once a word. "
    "Leaky and adaptive rise in the words, bend over and spike rarely. Dynamic stays near 0.",
    caption="The same weights, four rules. The dashed line is the threshold; where the adaptive "
    "rule has spiked, it rises for a while. Compare how much each of them has left after the "
    "pause.",
)

# %% tags=["answer", "hide-input"]
# Table: spikes of the four rules by a factor on the weights
table(
    ["spikes, weights times", *(f"{gain:g}" for gain in gains)],
    [[name, *by_rule[name]] for name in RULES],
)

# %% [markdown] tags=["answer"]
# The first alone, because the weights were learned for it. But weights are not fixed. Multiply them
# by a factor, and the other rules spike as well, as the table shows. A network that is trained with
# another rule can learn to give more where charge gets lost. What it cannot do is make a rule
# remember: after a second of silence the other three have lost all they had.
#
# Where do these rules come from? DyTr-SNN (Wang et al. 2023) puts four kinds of such dynamics after
# a spiking Transformer. We could read its abstract only, not its equations. So the rules here are a
# *reconstruction* of the idea: integrate-and-fire and LIF are textbook, the constants of the two
# others are our own.

# %% [markdown]
# ## 6. A network of neurons
#
# So far one neuron stood at the end and fired tokens. Now the recogniser itself shall consist of
# neurons. In a usual network each layer hands numbers to the next. In a *spiking network* it hands
# on 0 or 1: spike, or none. There is one difficulty. Training follows slopes, and a step has none:
# it is flat on either side of the threshold. So no slope would arrive at any layer but the last.
#
# The way out is to use two different functions. Forward, when the network computes, a neuron
# spikes or does not. Backward, when slopes are computed, one acts as if the step had been a ramp,
# and takes the slope of that: the *surrogate gradient*. The ramp of the library is 1 wide, with the
# threshold in its middle, so its slope is 1 there.

# %%
v = torch.linspace(0, 2, 201, requires_grad=True)
spike = surrogate_spike(v)
(slope,) = torch.autograd.grad(spike.sum(), v)

# %% tags=["hide-input"]
# Figure: the step forward, the slope backward
figure, (ax,) = canvas(height=1.7, width=6.0)
ax.plot(v.detach(), spike.detach(), label="forward: the step")
ax.plot(v.detach(), slope, label="backward: the slope of the ramp")
ax.set(xlabel="potential", ylim=(-0.1, 1.6), yticks=[0, 1])
ax.legend(loc="upper left", ncols=2, frameon=False, fontsize=STYLE["text_size"])
show(
    figure,
    "Two lines over the potential from 0 to 2. The step is 0 below 1 and 1 from there on. The "
    "slope is 1 between 0.5 and 1.5, and 0 outside.",
    caption="What a neuron gives, and the slope that training is told. Look between 0.5 and 1.5: "
    "there a neuron learns, whether it spikes or not.",
)

# %% [markdown]
# **Exercise 15.3.** Three neurons have the potentials 0.4, 0.8 and 1.7. Which of them spike, and in
# which of them does training see a slope? Give six numbers: three spikes (1 or 0), then three
# slopes.

# %% tags=["exercise"]
ramp = ...
check("15.3", ramp)

# %% tags=["solution"]
ramp = [0, 0, 1, 0, 1, 0]  # 0.8 is less than half a unit from 1; 0.4 and 1.7 are not
check("15.3", ramp)

# %% [markdown] tags=["hints"]
# Two separate questions for each: is it at or above 1, and is it between 0.5 and 1.5?
#
# Only the third one is at or above the threshold.
#
# Only the second one is on the ramp: 0.4 lies below it, 1.7 above.

# %% [markdown]
# Such a network comes with the course. It was trained on spoken digits of four people, in less than
# five minutes of processor time, and has three parts:
#
# 1. Convolutions make a frame of 40 ms of four frames of log-mel. They are usual layers, with
#    numbers.
# 2. Five layers of 64 leaky neurons. In each frame a neuron gets a current. Its spikes go to all 64
#    currents of the next layer, for this frame and the four after it. At a spike these neurons fall
#    to 0.
# 3. A CIF with the rule of section 1 and a small decoder, with numbers again.
#
# It recognises the clip:

# %%
spiking = cifviz.load_model("spiking-digits")
found = spiking.transcribe(spoken.waveform)
raster = found.extras["raster"]  # frames, neurons: 1 at a spike
print("reference: ", *spoken.tokens)
print("hypothesis:", *found.tokens)

# %% [markdown]
# **Predict first:** the next figure shows the spikes of the last of the five layers, a row for each
# neuron. When will they spike: in the words, in the pause, or always?

# %% tags=["answer", "hide-input"]
# Figure: spikes of the last layer, and the fires
figure, axes = canvas(3, height=1.9)
axes[0].get_gridspec().set_height_ratios([1.2, 2.6, 1])
draw_weights(found.firing, grid, ax=axes[0])
name_words(axes[0], spoken.words)
spike_raster(raster, found.grid, ax=axes[1], linewidth=1.6)
accumulation(found.firing, found.grid, ax=axes[2])
axes[2].set_ylabel("CIF: weight")
for ax in axes[:2]:
    ax.set_xlabel("")
show(
    figure,
    f"Weights, spikes of {raster.shape[1]} neurons, and the accumulated weight, on one time axis. "
    "The rows of the raster differ: some neurons spike in nearly every frame, some never, many "
    "change their pattern from word to word. The weights are small in the pause.",
    caption="Spikes beside fires: above, the weights that the network gives; in the middle, a row "
    "for each neuron of its last layer and a stroke for each spike; below, the CIF that fires "
    "tokens from the weights. Compare the patterns of spikes in two words, and in the pause.",
)

# %% tags=["answer", "hide-input"]
# Table: how often neurons spike in words and elsewhere
middles = found.grid.seconds(np.arange(len(raster)) + 0.5)
in_words = np.any([(middles >= a) & (middles < b) for a, b in spoken.words.spans], axis=0)
rates = {"in words": raster[in_words].mean(), "elsewhere": raster[~in_words].mean()}
silent = int((raster.sum(axis=0) == 0).sum())
table(
    ["", *rates, "neurons that never spike"],
    [["spikes per neuron and frame", *(f"{one:.2f}" for one in rates.values()), silent]],
)

# %% [markdown] tags=["answer"]
# Always, and in the pause about as often as in the words. What differs is *which* of them spike:
# the pattern is what the weights and the decoder read. A stroke says nothing by itself.
#
# So the network is not silent when the speaker is. Nothing in its training asks for that: the
# losses are those of a CIF, and no loss counts spikes. Only a part of the neurons spikes in a
# frame, and some never do.
#
# Look at the pause once more, below. If a word has given a little less than 1, its token waits for
# the next word and fires then, however long the pause is. A CIF forgets nothing, for better or
# worse.

# %% [markdown]
# ## 7. What it costs
#
# The promise of spiking networks is energy. In a usual layer each of m inputs is *multiplied* by a
# number and *added*, for each of n outputs, in each frame: m · n multiplications and additions. In
# a spiking layer there is nothing to multiply, since an input is 0 or 1. A spike is added at each
# output that it goes to, a *synaptic operation*, and where there is no spike nothing has to be
# done.
#
# Energy is counted by a convention: on a chip of 45 nm an addition of two 32-bit numbers takes 0.9
# pJ (picojoule, a millionth of a millionth of a joule), a multiplication with its addition 4.6 pJ
# (Horowitz 2014).
#
# **Exercise 15.4.** A layer of 64 neurons goes to 64 others, at 25 frames a second. In a frame 10 %
# of the neurons spike. How many additions are that in a second? How many multiplications with
# their additions does a usual layer need? And how many times as much energy does the usual one
# take, by the convention? Give three numbers.

# %% tags=["exercise"]
costs = ...
check("15.4", costs)

# %% tags=["solution"]
costs = [25 * 0.1 * 64 * 64, 25 * 64 * 64]  # additions, and pairs of the usual layer
costs.append(costs[1] * 4.6 / (costs[0] * 0.9))  # its energy over ours
check("15.4", costs)

# %% [markdown] tags=["hints"]
# In the usual layer all 64 inputs count in each frame. In the spiking one only those that spike.
#
# 64 · 64 connections, 25 times a second. A tenth of that for the spikes.
#
# The usual layer has ten times the operations, and each takes 4.6 / 0.9 times the energy.

# %% [markdown]
# For comparison a second network was trained in the same way, with the same convolutions, CIF and
# decoder. In place of the five layers of neurons it has five layers of *gated recurrent units*
# (GRU), a usual layer with a memory: each of its 64 numbers is computed in each frame from all
# inputs and from all of its own last values.
#
# **Predict first:** by which factor do the two differ in operations?

# %% tags=["hide-input"]
# What was measured: every finished training, without noise and in three levels of it
study = read_study(resource("results"), "spiking-neurons")["runs"]
NETWORKS = {
    "": "neurons, then integrate (a CIF)",
    "leaky": "neurons, then leaky",
    "adaptive": "neurons, then adaptive",
    "dynamic": "neurons, then dynamic",
    "gru": "GRU, then integrate (a CIF)",
}
NOISES = ("clean", "20 dB", "10 dB", "0 dB")


def by_seed(variant, condition, score):
    """A score of each seed."""
    wanted = ("spiking-digits", variant, condition)
    found = [one for one in study if (one["recipe"], one["variant"], one["condition"]) == wanted]
    return {one["seed"]: one[score] for one in found}


def named(variant):
    """What a network is called, with its number of trainings if there are fewer than three."""
    seeds = len(by_seed(variant, "clean", "tokens"))
    return NETWORKS[variant] + (f" (trainings: {seeds})" if seeds < 3 else "")


TRAINED = [name for name in NETWORKS if by_seed(name, "clean", "tokens")]

# %% tags=["answer", "hide-input"]
# Table: spikes, operations and energy in a second of clean speech
PICOJOULE = {"gru": 4.6 / 2}  # an operation; a multiplication with its addition are two
rows = []
for name in TRAINED:
    operations = list(by_seed(name, "clean", "operations_per_second").values())
    energy = [PICOJOULE.get(name, 0.9) * one / 1e6 for one in operations]
    fired = list(by_seed(name, "clean", "spikes_per_second").values())
    millions = [one / 1e6 for one in operations]
    rows.append([named(name), spread(fired, digits=0), spread(millions), spread(energy)])
table(["in a second", "spikes", "million operations", "µJ, by convention"], rows)

# %% [markdown] tags=["answer"]
# The GRU takes some eight times as many operations. By the convention that is twenty times the
# energy, for the layers alone: convolutions, CIF and decoder are the same in both and not counted.
#
# Be careful with this. On the processor of a laptop an addition that is left out saves nothing: the
# zeros are added like all other numbers. The convention counts arithmetic on a chip that skips
# them, and leaves out what moving numbers in and out of the memory costs, which is often more.

# %% [markdown]
# ## 8. What it recognises, and in noise
#
# The last question: what do such networks recognise? Layers of neurons were trained with each of
# the four rules of section 5 at the end, and the GRU, each of them from several seeds. A name with
# “trainings: 2” has fewer than three.
#
# Each network transcribes the same 100 strings of digits, which nobody trained on, as they are
# (*clean*) and in noise. *20 dB* says that the speech has 100 times the power of the noise, *10 dB*
# 10 times, and *0 dB* that both have the same. In training most strings have some noise.
#
# The abstract of DyTr-SNN reports fewer errors than with LIF, less computation, and more robustness
# to noise.
#
# **Predict first:** who makes fewer errors, the neurons or the GRU? Whom does noise harm more?
# Which rule at the end is best, and why?

# %% tags=["answer", "hide-input"]
# Figure: errors by noise, a point for each seed
figure, (ax,) = canvas(height=3.0)
markers = dict(zip(NETWORKS, "os^Dv", strict=True))
for name in TRAINED:
    each = [by_seed(name, noise, "token_error_rate") for noise in NOISES]
    middle = [100 * mean(list(one.values())) for one in each]
    (line,) = ax.plot(range(len(NOISES)), middle, marker=markers[name], label=named(name))
    for place, one in enumerate(each):
        points = [100 * value for value in one.values()]
        ax.plot([place] * len(points), points, ".", color=line.get_color(), ms=5)
ax.set_xticks(range(len(NOISES)), NOISES)
ax.set(xlabel="speech to noise", ylabel="errors of words (%)", ylim=(0, None))
ax.legend(frameon=False, fontsize=STYLE["text_size"])
show(
    figure,
    "Errors of words by noise, a line for each network. All rise towards 0 dB. At each level the "
    "GRU is the lowest, and the line of the neurons that end in a CIF is next.",
    caption="Errors of words on strings that nobody trained on. A line joins the means, a dot is a "
    "seed. Compare the order of the lines, and how much each rises from left to right.",
)

# %% tags=["answer", "hide-input"]
# Table: errors of words, mean and standard deviation over the seeds
rows = [
    [
        named(name),
        *(
            spread([100 * e for e in by_seed(name, noise, "token_error_rate").values()], digits=1)
            for noise in NOISES
        ),
    ]
    for name in TRAINED
]
table(["errors of words, %", *NOISES], rows)

# %% tags=["answer", "hide-input"]
# Table: how often the number of words is right, as given and scaled as in training
COUNTS = {
    "as given": "count_accuracy",
    "scaled to N, as in training": "scaled_count_accuracy",
}
rows = [
    [
        named(name),
        *(
            spread([100 * one for one in by_seed(name, "clean", score).values()], digits=0)
            for score in COUNTS.values()
        ),
    ]
    for name in TRAINED
]
table(["right number of words, %, clean", *COUNTS], rows)

# %% tags=["answer", "hide-input"]
# Table: differences of the same seeds
COMPARED = {
    "leaky less integrate": ("leaky", ""),
    "adaptive less leaky": ("adaptive", "leaky"),
    "dynamic less leaky": ("dynamic", "leaky"),
    "neurons less GRU": ("", "gru"),
}


def difference(first, second, noise):
    """First less second, of the seeds that both have, and whether it counts."""
    sides = [by_seed(name, noise, "token_error_rate") for name in (first, second)]
    less = [100 * (sides[0][one] - sides[1][one]) for one in sides[0] if one in sides[1]]
    if len(less) < 3:
        return f"open (seeds: {len(less)})"
    counts_here = abs(mean(less)) > deviation(less)
    return spread(less, digits=1) + ("" if counts_here else ", no difference")


table(
    ["difference of errors, points", *NOISES],
    [[title, *(difference(*pair, noise) for noise in NOISES)] for title, pair in COMPARED.items()],
)

# %% [markdown] tags=["answer"]
# First the rule for reading. In the last table a difference counts where its mean is farther from
# 0 than the standard deviation, the number after the ±; with three seeds one in five goes that far
# by chance. *Open* says that fewer than three seeds have ended: then nothing is claimed.
#
# - *The GRU makes fewer errors than the neurons*, least clearly with little noise, and noise adds
#   fewer errors to it. That spikes make a network robust is not what we see here.
# - *A leak at the end costs errors*, more with an adaptive threshold than with a fixed one. The
#   table of counts says where. Scaled, these neurons give the right number of tokens, and that is
#   how they were trained; with the weights as they are they often do not. What a frame gives is
#   worth the less the later the next spike comes, so the network would have to know how long a
#   word is going to last.
# - *The second-order rule makes as many errors as the leaky one*, by what three trainings can
#   tell: they differ much from one another. But noise of 10 dB adds fewer errors to it, the
#   direction of the abstract. Weak weights die away in it at once, so what noise gives hardly adds
#   up to a token.
# - *Less computation*, yes: that was section 7. It has its price in errors.
#
# So “CIF is a neuron” has an answer of two parts. It is one; and of the four it is the one that
# loses nothing, so that the number of tokens is the sum of the weights, which is easy to learn.
#
# What this says of DyTr-SNN: little. Its network is a Transformer, its data are larger, its
# equations were not read. The directions that we could test are in
# [docs/spiking_neurons.md](../docs/spiking_neurons.md), each with its verdict.

# %% tags=["hide-input"]
# Numbers kept
record(
    spikes=spikes,
    spikes_at_a_leak_of_one_tenth=counts[0.1],
    leaky_at_three_times=by_rule["leaky"][gains.index(3.0)],
    dynamic_at_four_times=by_rule["dynamic"][gains.index(4.0)],
)

# %% [markdown] tags=["optional"]
# ## 9. How often a neuron spikes
#
# In section 6 about a fifth of the neurons spikes in a frame. What decides that? Here is one layer
# of 64 neurons like those of the network, before any training, which gets random currents of mean
# 0. A factor makes them larger.
#
# **Predict first:** at ten times the currents, do ten times as many neurons spike?

# %% tags=["answer"]
torch.manual_seed(seed)
layer, drawn = LeakyLayer(64), torch.randn(1, 64, 400)
shares = {gain: float(layer(gain * drawn).mean().detach()) for gain in (0.5, 1.0, 2.0, 10.0)}
table(
    ["currents times", *(f"{gain:g}" for gain in shares)],
    [["spikes per neuron and frame", *(f"{share:.2f}" for share in shares.values())]],
)

# %% [markdown] tags=["answer"]
# No. There is at most one spike in a frame, and at a spike the potential falls to 0, so that what
# is above the threshold is lost. Half of the random currents are negative. They pull the potential
# far below 0, from where it has to climb back before the next spike. So the share grows more and
# more slowly. In the network each layer first brings its currents to mean 0 and variance 1, as here
# with the factor 1. Training has raised the share from there.

# %% tags=["hide-input"]
# More numbers kept
record(share_at_gain_1=shares[1.0], share_at_gain_10=shares[10.0], tolerance=1e-3)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary(
    "accumulated weight",
    "fire",
    "leak",
    "membrane potential",
    "neuron",
    "spike of a neuron",
    "surrogate gradient",
    "synaptic operation",
    "threshold",
    "weight",
)

# %% [markdown]
# ## On your own
#
# - Set `clip` to `"digits_slow"`, and move the leak in section 2. Where does the last spike go?
#   With the usual clip one stays for longer. Why?
# - By hand: two currents of 0.7, with n frames without current between them, a leak of 0.1 and a
#   threshold of 1. For which n does the second one still make a spike?
# - `NeuronRule("adaptive", leak=0.0, rise=…)`: weights of 1 in each frame, and a threshold that
#   rises by 1 and recovers by a fifth in each frame. In which of the first six frames are spikes?
# - In a notebook of yours, show `cifviz.explore(found)` with `found` of section 6. Which lane is
#   there that the explorer of lesson 00 has not?
# - Write down a loss that would keep the neurons of section 6 silent in the pause. What else might
#   it do?

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *Slow words.* Already before a leak of one tenth. The same weight of 1 is spread over more
#   frames, so each brings less, and the rise stops where the leak takes as much as a frame brings:
#   exercise 15.1.
# - *Two currents.* When the second one comes, 0.7 · 0.9^(n + 1) is left of the first. It spikes if
#   this is 1 − 0.7 = 0.3 or more: 0.9^(n + 1) ≥ 0.3 / 0.7 = 0.43, so n + 1 ≤ 8 and n ≤ 7.
# - *A threshold that rises.* In frames 0, 2 and 4. In frame 1 the threshold is 1 + 0.8 = 1.8, and
#   one weight is not enough. In frame 2 the potential is 2, and the threshold 1 + 0.64 = 1.64. See
#   `NeuronRule("adaptive", leak=0.0, rise=1.0, recovery=0.2).run(torch.ones(1, 6))`.
# - *The explorer* has a lane of spikes, a stroke for each spike of the last layer.
# - *A loss on spikes.* For instance the mean number of spikes. It makes the network cheaper, and it
#   makes errors once spikes go that the decoder needs. Its weight decides between the two.

# %% [markdown]
# ## In practice
#
# - **Frameworks.** [snntorch](https://github.com/jeshraghian/snntorch) and
#   [SpikingJelly](https://github.com/fangwei123456/spikingjelly) have layers of neurons with
#   surrogate gradients. The layer here is thirty lines of PyTorch.
# - **CIF-PyTorch**: its author is among those of DyTr-SNN, and its list of works that use CIF names
#   the paper.
# - **Hardware.** Chips for spikes exist, such as [Loihi](https://doi.org/10.1109/MM.2018.112130359).
#   Measure on the chip that you will use: numbers of operations are no measurement of energy.
# - **What looks like a leak.** A CIF that adds up in few digits is rounded in each frame, and now
#   and then a token gets lost. That depends on digits and not on time; lesson 07 measures it.

# %% [markdown]
# ## Further reading
#
# - Q. Wang and others, [Complex Dynamic Neurons Improved Spiking Transformer Network for Efficient
#   Automatic Speech Recognition](https://arxiv.org/abs/2302.01194), AAAI 2023: four dynamics after
#   a spiking Transformer, called DyTr-SNN.
# - E. Neftci, H. Mostafa, F. Zenke, [Surrogate Gradient Learning in Spiking Neural
#   Networks](https://arxiv.org/abs/1901.09948), 2019: why a wrong gradient works.
# - L. Abbott, [Lapicque's introduction of the integrate-and-fire model neuron
#   (1907)](https://doi.org/10.1016/S0361-9230%2899%2900161-6), 1999: four pages on how old the idea
#   is.
# - L. Dong and B. Xu, [CIF](https://arxiv.org/abs/1905.11235), ICASSP 2020: where a neuron becomes
#   a recogniser.
# - [docs/spiking_neurons.md](../docs/spiking_neurons.md): the study of sections 7 and 8 in full.
# - [cifviz/core/neurons.py](../cifviz/core/neurons.py) and
#   [spiking_encoder.py](../cifviz/systems/spiking_encoder.py): the rules and the network.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 15 min: section 1. Draw the sawtooth at the board, rename its axis, let them fill the table.
# - 20 min: section 2 with the sliders. Exercise 15.1 at the board: where does the rise stop?
# - 10 min: section 3, in pairs. Who forgot that a frame may spike twice?
# - 10 min: section 4. Ask first: which property of CIF did lesson 02 use?
# - 10 min: section 5. What does each rule forget, and when is that good?
# - 10 min: section 6, exercise 15.3, then the raster. Collect guesses about the pause.
# - 15 min: sections 7 and 8. Exercise 15.4, then the tables: what would convince you?
#
# ### Likely questions
#
# - *Why does a spike subtract and not reset to 0?* A reset throws away what is above the threshold.
#   A CIF keeps it, or weight would get lost at each fire. The neurons inside of the network do
#   reset: there nothing has to be counted.
# - *Is the surrogate gradient wrong?* Yes, on purpose: the right one is zero, so that nothing would
#   be learned. It points in a useful direction near the threshold.
# - *Could the token's embedding be made of spikes?* A sum of spikes over the frames of a token is a
#   count for each neuron. The network here adds currents instead, which spikes have changed.
# - *Why not learn the leak at the end, too?* One could. The leaks inside of the network are
#   learned. At the end a learned leak can become 0, and then it is a CIF.
#
# ### Usual misconceptions
#
# - *A leak is a smaller threshold.* The loss depends on time, not on weight.
# - *No spike, no information.* Which neurons are silent is a part of the pattern.
# - *Spiking networks are faster.* On usual processors they are not: zeros are added, too.
# - *Fewer operations are less energy.* By a convention that leaves out the memory.
