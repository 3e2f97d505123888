# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # See a CIF as a neuron
#
# **What you'll do:** watch the same weights fill tokens and charge a neuron, let the neuron leak,
# tire and lose its linearity, and count what a network of neurons costs.
#
# **What you'll learn**
#
# - *translate* between the words of CIF and those of neurons: weight and current, fire and spike
# - *compute* the potential of a neuron that leaks, and the smallest weight that still makes it fire
# - *predict* which rules conserve the weight, and which lose tokens in pauses
# - *write* the loop of a leaky neuron that resets by subtraction
# - *judge* what a number of operations says of energy, and what it does not
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb) and [lesson 03](03_scaling.ipynb). No
# network, no GPU.
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
import math

import torch
from torch.testing import assert_close

import cifviz
from cifviz.core.firing import integrate_and_fire
from cifviz.core.neurons import RULES, SLACK, USUAL, NeuronRule
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
from cifviz.metrics import spread
from cifviz.plot import membrane
from cifviz.plot import weights as draw_weights
from cifviz.published import read_study
from cifviz.resources import resource
from cifviz.systems.spiking_encoder import LeakyLayer, surrogate_spike

# %% tags=["parameters"]
seed = 0  # of the random currents in section 5
fast = True  # nothing here takes long
clip = "digits_four"  # a name in cifviz.list_clips() that begins with digits

# %% [markdown]
# ## 1. The same picture, twice
#
# Sixty years before CIF the words *integrate* and *fire* described a nerve cell. Its wall, the
# *membrane*, holds an electric charge. Currents from other cells charge it. When the *potential*
# reaches a threshold the cell sends a pulse, a *spike*, and discharges.
#
# Here are the weights that the model “digits” gives to the frames of a clip. Nothing is new about
# them. But read them as currents: one neuron gets the weight of a frame each 40 ms.

# %%
model = cifviz.load_model("digits")
said = cifviz.load_clip(clip)
result = model.transcribe(said.waveform)
alpha, grid = result.firing.scaled_alpha, result.grid
firing = integrate_and_fire(alpha, torch.eye(alpha.shape[1])[None], slack=SLACK)
trace, rows, _ = NeuronRule("integrate").run(alpha)
print("spikes:", int(trace.spikes.sum()), "· fires:", int(firing.num_fires))

# %% [markdown]
# `rows` says what each spike is made of: how much of each frame's current was in the potential when
# it spiked. **Predict first:** how is this matrix related to the contributions W of the CIF?

# %% tags=["answer"]
spikes = int(trace.spikes.sum())
assert_close(rows[:, :spikes], firing.contributions.double()[:, :spikes], atol=1e-6, rtol=0)
largest = (rows[:, :spikes] - firing.contributions[:, :spikes]).abs().max()
print(f"largest difference: {float(largest):.0e}")

# %% [markdown] tags=["answer"]
# It is the same matrix. A CIF *is* a neuron without a leak, which at a spike subtracts the
# threshold and keeps what is beyond it:
#
# | CIF | neuron |
# |---|---|
# | weight α of a frame | input current |
# | accumulated weight | membrane potential v |
# | threshold β | threshold θ |
# | fire | spike |
# | what a fire leaves over | reset by subtraction |
# | token embedding | none: a spike has no content |
#
# The last row is the difference that matters. A neuron sends a spike, and all spikes are alike. A
# CIF sends, with each fire, the weighted sum of the frames that filled it.

# %% tags=["hide-input"]
# Figure: the weights, and the membrane that they charge
figure, axes = canvas(2, height=1.7)
draw_weights(firing, grid, ax=axes[0])
name_words(axes[0], said.words)
membrane(trace, grid, ax=axes[1])
show(
    figure,
    "Two pictures on one time axis. Above the weight of each frame; below a line that rises with "
    "them to the threshold, drops there, and rises again, once for each word.",
    caption="Above: the weights. Below: the potential of a neuron that gets them as currents; a "
    "dot is a spike. Compare where the line is steep with where the weights are large.",
)

# %% [markdown]
# ## 2. A leak
#
# The membrane of a real cell is not tight. Charge leaks out, the faster the more there is. In each
# frame a neuron keeps the share (1 − leak) of its potential, then the current comes:
#
# ```text
# v ← (1 − leak) · v + α          at v ≥ θ: spike, v ← v − θ
# ```
#
# This is the *leaky integrate-and-fire* neuron (LIF). Move the leak. **Predict first:** what
# happens to the number of spikes? And is there a leak at which nothing fires, though the sum of the
# weights is as large as before?


# %% tags=["answer", "hide-input"]
# Figure: the membrane by leak and threshold, to be moved
def draw(ax, leak, threshold):
    found, _, _ = NeuronRule("leaky", threshold=threshold, leak=leak).run(alpha)
    membrane(found, grid, ax=ax)
    name_words(ax, said.words)
    return f"{int(found.spikes.sum())} spikes"


live_figure(
    draw,
    leak=Slider(0.0, 0.5, 0.01, 0.1),
    threshold=Slider(0.3, 1.5, 0.05, 1.0),
    static=[
        {"leak": 0.0, "threshold": 1.0},
        {"leak": 0.1, "threshold": 1.0},
        {"leak": 0.3, "threshold": 1.0},
        {"leak": 0.3, "threshold": 0.5},
    ],
    alt="The potential over time at four settings. Without a leak it rises to the threshold once "
    "for each word. With a larger leak it sags between words and reaches the threshold less often. "
    "With a lower threshold it fires again.",
    caption="The same weights charge a neuron that leaks. Look at the pauses: there the line "
    "falls, which that of a CIF never does.",
)

# %% tags=["answer"]
counts = {
    leak: int(NeuronRule("leaky", leak=leak).run(alpha)[0].spikes.sum())
    for leak in (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)
}
table(["leak", *(f"{leak:g}" for leak in counts)], [["spikes", *counts.values()]])

# %% [markdown] tags=["answer"]
# Fewer and fewer. The weights of a word add up to about 1, spread over some ten frames; with a leak
# a part of the early ones is gone when the late ones come. A token that takes long, or has a pause
# in it, loses the more.
#
# With this the central property of CIF is gone: its *mass* is conserved, so that Σα says how many
# tokens there are. A leak breaks this, so that no factor scales the weights to exactly N tokens.

# %% [markdown]
# **Exercise 15.1.** A current of 0.15 comes in every frame, for ever. The leak is 0.1, the
# threshold
# 1. To which value does the potential go if it never spikes? Does it spike? And what is the
#    smallest constant current at which a neuron with this leak ever spikes? Give the value, 1 for
#    yes or 0 for no, and the current.

# %% tags=["exercise"]
limits = ...
check("15.1", limits)

# %% tags=["solution"]
limits = [0.15 / 0.1, 1, 0.1 * 1]  # v = (1 − leak) v + α, so v = α / leak
check("15.1", limits)

# %% [markdown]
# ## 3. Write it
#
# **Exercise 15.2.** Write `leaky(weights, leak, threshold)`. It takes a list of weights and gives
# the list of frames, from 0, in which there is a spike; a frame with two spikes stands there twice.
# The potential leaks before the current of the frame comes, and a spike subtracts the threshold.


# %% tags=["exercise"]
def leaky(weights, leak, threshold): ...


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

# %% [markdown]
# The library's rule is the same, and says besides what each spike is made of:

# %%
weights = [0.4, 0.5, 0.3, 0.0, 0.9, 0.9]
trace_by_library, _, _ = NeuronRule("leaky", leak=0.2).run(torch.tensor([weights]))
print("spikes in the frames", trace_by_library.spikes[0].nonzero().flatten().tolist())

# %% [markdown]
# ## 4. Tiredness and dynamics
#
# A leak is the simplest thing that a cell does. Two more rules are here:
#
# - *Adaptive threshold*: each spike raises the threshold, and it comes down again slowly. A neuron
#   that has just spiked is hard to excite.
# - *Second-order dynamics*: a second variable u follows the potential and works against it, while
#   the potential drives itself:
#
# ```text
# v ← v + v² − v − u + α      u ← u + a·v − b·u      at v ≥ θ: spike, v ← 0, u ← u + c
# ```
#
# **Predict first:** the weights of the clip are those that a CIF learned. Which of the four rules
# gives one spike for each word? Which of them could, with other weights?

# %% tags=["answer", "hide-input"]
# Figure: the same weights and four rules
figure, axes = canvas(len(RULES), height=1.35)
found = {}
for ax, name in zip(axes, RULES, strict=True):
    made, _, _ = USUAL[name].run(alpha)
    membrane(made, grid, ax=ax)
    found[name] = int(made.spikes.sum())
    ax.set_title(f"{name}: {found[name]} spikes", loc="left", fontsize="medium")
name_words(axes[0], said.words)
show(
    figure,
    "Four lines of potential on one time axis for the same weights: integrate, leaky, adaptive and "
    "dynamic. The first spikes once a word, the others less often.",
    caption="The same weights, four rules. The dashed line is the threshold, which rises behind a "
    "spike of the adaptive rule.",
)

# %% [markdown] tags=["answer"]
# The first alone, because these weights were taught for it. Weights are not fixed, though: a
# network that is trained *behind* another rule learns to give more where charge gets lost. What a
# rule cannot do is forget less than it does: between two words far apart a leaky neuron has lost
# what it had, and a CIF has not. For speech this can be an advantage. A CIF that has gathered 0.4
# in a noise keeps it for minutes and fires too early in the next word; a leaky one has forgotten
# it.
#
# DyTr-SNN (Wang and others, 2023) puts four kinds of dynamics behind a spiking Transformer. Its
# equations could not be read for this lesson. The rules here are a *reconstruction* of its idea.

# %% [markdown]
# ## 5. A network of neurons
#
# So far the neuron stood at the end. A *spiking network* consists of neurons: what goes from a
# layer to the next is 0 or 1. There is a difficulty: a spike is a step, its slope is zero
# everywhere. No gradient comes through. The way out is a *surrogate gradient*: forward the step,
# backward the slope of a ramp.

# %%
v = torch.linspace(0, 2, 201, requires_grad=True)
spike = surrogate_spike(v)
spike.sum().backward()
print("values:", sorted(set(spike.tolist())), "· slopes:", sorted(set(v.grad.tolist())))

# %% [markdown]
# **Exercise 15.3.** The ramp is 1 wide around the threshold 1. Three neurons have the potentials
# 0.4, 0.8 and 1.7. Which of them spike, and for which of them does the current learn? Give six
# numbers, three spikes (1 or 0) and three slopes.

# %% tags=["exercise"]
ramp = ...
check("15.3", ramp)

# %% tags=["solution"]
ramp = [0, 0, 1, 0, 1, 0]  # 0.8 is within half of the threshold; 0.4 and 1.7 are not
check("15.3", ramp)

# %% [markdown]
# Here is a layer of 32 such neurons that gets random currents. Spikes are sparse: most of the time
# most neurons are silent. This is what makes them cheap, on hardware that does nothing for a zero.

# %% tags=["hide-input"]
# How often the neurons of a layer spike, by the size of its currents
torch.manual_seed(seed)
layer, currents = LeakyLayer(32), torch.randn(1, 32, 200)
rates = {gain: float(layer(gain * currents).mean().detach()) for gain in (0.25, 0.5, 1.0, 2.0, 4.0)}
table(
    ["currents times", *(f"{gain:g}" for gain in rates)],
    [["spikes per neuron and step", *(f"{rate:.3f}" for rate in rates.values())]],
)

# %% [markdown]
# ## 6. What it costs
#
# In a layer of a usual network each of m inputs is multiplied and added for each of n outputs, in
# each frame: m · n multiplications and additions. In a spiking layer a spike is *added* at n
# synapses, and where there is no spike there is nothing to do: (number of spikes) · n additions.
#
# A usual convention for 32-bit numbers at 45 nm (Horowitz, 2014) is 0.9 pJ for an addition and 4.6
# pJ for a multiplication with its addition.
#
# **Exercise 15.4.** A layer of 64 neurons goes to 64 others, 25 frames a second. On average 10 % of
# the neurons spike in a frame. How many additions are that in a second? How many multiplications
# with additions in a usual layer? And how many times as much energy does the usual one take, by the
# convention?

# %% tags=["exercise"]
costs = ...
check("15.4", costs)

# %% tags=["solution"]
additions, pairs = 25 * 0.1 * 64 * 64, 25 * 64 * 64
costs = [additions, pairs, pairs * 4.6 / (additions * 0.9)]
check("15.4", costs)

# %% [markdown]
# Does it recognise? The recipes “spiking-digits” and “spiking-phones” taught networks of five
# layers of neurons, with each of the four rules behind, and a GRU of the same size to compare with.
# The strings were transcribed as they are and in noise.
#
# **Predict first:** who makes fewer errors, the GRU or the spiking network? Whom does noise harm
# more? Which rule is best?

# %% tags=["answer", "hide-input"]
# Table: token errors by network and noise, mean ± standard deviation of three seeds
runs = read_study(resource("results"), "spiking-neurons")["runs"]
NETWORKS = {"": "integrate", "leaky": "leaky", "adaptive": "adaptive", "dynamic": "dynamic"}
NETWORKS["gru"] = "GRU, integrate"
NOISES = ("clean", "20 dB", "10 dB", "0 dB")


def of(recipe, variant, condition, score):
    names = ("recipe", "variant", "condition")
    wanted = (recipe, variant, condition)
    return [one[score] for one in runs if tuple(one[name] for name in names) == wanted]


for recipe, unit in {"spiking-digits": "words", "spiking-phones": "phones"}.items():
    errors = {
        title: [[100 * e for e in of(recipe, name, n, "token_error_rate")] for n in NOISES]
        for name, title in NETWORKS.items()
    }
    table(
        [f"errors in {unit}, %", *NOISES],
        [[title, *(spread(each, digits=1) for each in cells)] for title, cells in errors.items()],
    )

# %% tags=["answer", "hide-input"]
# Table: spikes and operations in a second of clean speech
table(
    ["words", "spikes per s", "million operations per s"],
    [
        [
            title,
            spread(of("spiking-digits", name, "clean", "spikes_per_second"), digits=0),
            spread([o / 1e6 for o in of("spiking-digits", name, "clean", "operations_per_second")]),
        ]
        for name, title in NETWORKS.items()
    ],
)

# %% [markdown] tags=["answer"]
# TEXT FOLLOWS THE RESULTS: who makes fewer errors; whether a rule differs from the others by more
# than the seeds differ; how many more errors noise adds to each; the ratio of operations.
#
# Whatever the numbers: on the processor of your laptop the spiking network is *slower*. It computes
# its neurons one step after the other, and adds zeros as patiently as ones. The energy is that of
# hardware which skips them.

# %% tags=["hide-input"]
# Records
record(
    spikes=spikes,
    spikes_at_leak={f"{leak:g}": number for leak, number in counts.items()}["0.3"],
    dynamic_spikes=found["dynamic"],
)
record(
    rate_at_gain_1=rates[1.0],
    leak_half_life=math.log(0.5) / math.log(0.9),
    tolerance=1e-3,
)

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
    "spike of a neuron",
    "surrogate gradient",
    "threshold",
    "weight",
)

# %% [markdown]
# ## On your own
#
# - Set `clip` to `"digits_pause"`. At which leak does the first word after the pause still fire?
# - Scale the weights so that the leaky neuron of section 2 spikes as often as there are words. Do
#   its spikes lie at the same places as the fires?
# - `NeuronRule("adaptive", rise=…)`: with which rise do two equal words behind each other become
#   one?
# - Train `python -m experiments train spiking-digits --variant leaky` with another leak. Does the
#   network learn to make up for it?

# %% [markdown]
# ## In practice
#
# - **Frameworks.** [snntorch](https://github.com/jeshraghian/snntorch) and
#   [SpikingJelly](https://github.com/fangwei123456/spikingjelly) have layers of neurons with
#   surrogate gradients. The layer here is thirty lines, and a test compares it with snntorch where
#   that is installed.
# - **CIF-PyTorch**'s author is among those of DyTr-SNN; its list of works that use CIF names it.
# - **Hardware.** Numbers of operations come from a simulation on a usual processor. Energy is
#   measured on chips such as Loihi or in silicon, and depends on memory more than on additions.

# %% [markdown]
# ## Further reading
#
# - Q. Wang and others, [Complex Dynamic Neurons Improved Spiking Transformer Network for Efficient
#   Automatic Speech Recognition](https://arxiv.org/abs/2302.01194), AAAI 2023: four dynamics behind
#   a spiking Transformer.
# - E. Neftci, H. Mostafa, F. Zenke, [Surrogate Gradient Learning in Spiking Neural
#   Networks](https://arxiv.org/abs/1901.09948), 2019: why a wrong gradient works.
# - L. Dong, B. Xu, [CIF](https://arxiv.org/abs/1905.11235), ICASSP 2020: where the name comes from.
# - [cifviz/core/neurons.py](../cifviz/core/neurons.py) and
#   [spiking_encoder.py](../cifviz/systems/spiking_encoder.py): the rules and the network.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 15 min: section 1. Draw the sawtooth at the board, rename its axis, let them fill the table.
# - 20 min: section 2 with the slider. Exercise 15.1 at the board: the limit α / leak.
# - 15 min: section 3, in pairs. Who forgot that a frame may spike twice?
# - 15 min: section 4. What does each rule forget, and when is that good?
# - 10 min: section 5, exercise 15.3.
# - 15 min: section 6. Exercise 15.4, then the tables; what would convince you of the energy?
#
# ### Likely questions
#
# - *Why does a spike subtract and not reset to 0?* A reset to 0 throws away what is beyond the
#   threshold. A CIF keeps it, or weights would get lost at each border.
# - *Is the gradient wrong?* Yes, on purpose: that of the step is zero, so that nothing would be
#   learned.
# - *Could the CIF's embeddings be made of spikes?* The sum of spikes in the time of a token is a
#   count for each neuron. The trace at the end of the encoder here is a leaky version of that.
#
# ### Usual misconceptions
#
# - *A leaky CIF is a CIF with a smaller threshold.* The loss depends on time, not on weight.
# - *Fewer spikes are always better.* A silent network costs nothing and knows nothing.
# - *Spiking networks are faster.* On usual hardware they are slower.
