# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # Join an encoder and a language model
#
# **What you'll do:** bring the states of a pretrained encoder to the rate of text, hand what fires
# to a pretrained language model, and find out what that model repairs and what it invents.
#
# **What you'll learn**
#
# - *explain* why an encoder of speech and a language model do not fit together as they are
# - *compute* how a rescaled CIF moves its boundaries, and compare it with a tail rule
# - *write* the flattening that keeps a frame from firing twice
# - *weigh* an acoustic against a linguistic opinion by hand
# - *tell* repaired words from invented ones, and say when a language model helps
#
# **What you need:** [lesson 03](03_scaling.ipynb), [lesson 04](04_tail_handling.ipynb) and
# [lesson 08](08_nar_decoding.ipynb); roughly what a language model is. No network, no GPU. The
# trainings are done: the lesson reads their published results. Without the extras
# `cifviz[english]` and `cifviz[lm]` it runs on recorded states, and needs nothing else.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [10 Find the words in your sentence](10_open_speech.ipynb) · Next:
# [12 Let a language model teach a CIF](12_distillation.ipynb)

# %% tags=["hide-input"]
# Imports
import torch
from torch.testing import assert_close

import cifviz
from cifviz.core.firing import integrate_and_fire
from cifviz.core.peak_flattening import flatten_peaks
from cifviz.corpora.clip_states import load_clip_states
from cifviz.course import Slider, canvas, check, glossary, live_figure, record, show, table
from cifviz.metrics import spread
from cifviz.plot import STYLE, fires, weights
from cifviz.published import read_results, read_study
from cifviz.resources import resource
from cifviz.systems.phone_alignment import FREE_WEIGHTS
from cifviz.systems.w2v_cif_bert import FusionConfig

# %% tags=["parameters"]
seed = 0  # of the runs whose examples are shown
fast = True  # nothing takes long in this lesson: False changes nothing
clip = "natural_river"  # or "natural_lake"

# %% [markdown]
# ## 1. Two halves that do not fit
#
# A recogniser needs to know two things: how words sound, and which words go together. For each of
# them there are models that learned from far more than we have.
#
# | | pretrained encoder | pretrained language model |
# |---|---|---|
# | learned from | thousands of hours of speech | thousands of books' worth of text |
# | takes | a sound | pieces of words, as vectors (*embeddings*) |
# | gives | a state for every 24 ms | a state for every piece |
# | here | Moonshine tiny: 288 numbers each | MiniLM: 384; SmolLM2: 576 |
#
# If you have fifteen minutes of labelled speech, you want both. But nothing in the first fits into
# the second. Take the clip of lesson 10, whose states are kept with the course:

# %%
torch.set_num_threads(1)  # small models: several threads would only wait for each other
recorded = load_clip_states(clip)
said = recorded.clip
words = said.text.split()
frames, width = recorded.states.shape
print(said.text, f"{frames} states of {width} numbers, {len(words)} words", sep="\n")

# %% [markdown]
# The *rate* differs: there are many states for each word. Someone could feed all states to the
# language model. But it learned that each place holds one piece of a word. And its attention
# compares each place with each, so its cost grows with the square of the places.
#
# **Exercise 11.1.** A sentence of 3.6 s has a state for every 24 ms, and 10 pieces. How many states
# are there for a piece? How many times as many pairs of places does attention compare if it is
# given the states in place of the pieces? Give two numbers.

# %% tags=["exercise"]
per_piece_and_pairs = ...
check("11.1", per_piece_and_pairs)

# %% tags=["solution"]
states = 3.6 / 0.024
per_piece_and_pairs = [states / 10, (states / 10) ** 2]
check("11.1", per_piece_and_pairs)

# %% [markdown]
# CIF is the joint: it fires once for each piece of the text, and what fires is one vector. Behind
# it a linear layer takes that vector to the space of the language model's embeddings. So the
# language model reads what was *heard* as if it were *written*.
#
# This is the idea of **w2v-cif-bert** (Yi, Zhou and Xu 2021): wav2vec 2.0, a CIF, and BERT. Neither
# is in reach here. In their place stand Moonshine and MiniLM, a sentence encoder in BERT's shape.
# One thing is lost by that: BERT was trained to fill gaps, and its *head* gives a word for each
# gap. MiniLM has no such head, so ours is trained from the start.

# %% [markdown]
# ## 2. Weights without parameters
#
# In w2v-cif-bert nothing is added to the encoder for the weights: the last channel of each frame,
# through a sigmoid, *is* the weight. Tuning the network teaches that channel to be one.
#
# Its second peculiarity: in training the weights are scaled to the number N of pieces, as always.
# But *in use* they are scaled, too, to the nearest whole number of what they sum to:
#
# $$\alpha'_t = \alpha_t \cdot \frac{\operatorname{round}(S)}{S}, \qquad S = \sum_t \alpha_t$$
#
# So nothing is ever left over, and no tail rule is needed. Lesson 04 had another way with the same
# count: keep the weights, and let the rest fire if it is more than ½. Try both on the beginning of
# the clip, as if the speaker had been cut off after half a second.
#
# **Predict first:** both ways give equally many tokens. Do their boundaries agree at the beginning
# of the sentence? And at its end?

# %% tags=["hide-input"]
# Weights of the clip: those of the model "english", which fires for phones
model = cifviz.load_model("english")
heard = model.transcribe_states(
    recorded.states, model.config.features(said.waveform), duration=said.waveform.duration
)
alpha = heard.extras[FREE_WEIGHTS][None, :21].float()

# %% tags=["answer"]
# Where both ways fire
total = float(alpha.sum())
count = round(total)
nothing = torch.zeros(*alpha.shape, 1)
kept = integrate_and_fire(alpha, nothing)
scaled = integrate_and_fire(alpha * count / total, nothing, target_lengths=torch.tensor([count]))
common = min(int(kept.num_fires), int(scaled.num_fires))
places = [one.fire_positions[0, :common].double() for one in (kept, scaled)]
moved = 1000 * heard.grid.shift * (places[1] - places[0])
print(f"S = {total:.2f}, tokens: {count}, factor {count / total:.3f}")
print(f"moved: the first by {moved[0]:+.0f} ms, one in the middle by", end=" ")
print(f"{moved[common // 2]:+.0f} ms, the last common one by {moved[-1]:+.0f} ms")

# %% tags=["answer", "hide-input"]
# Figure: fires of weights as they are, and of rescaled ones
figure, axes = canvas(2, height=1.9)
for ax, one, title in zip(axes, (kept, scaled), ("as they are", "rescaled"), strict=True):
    weights(one, heard.grid, ax=ax)
    fires(one, heard.grid, ax=ax)
    ax.set_ylabel(title)
axes[0].set_xlabel("")
show(
    figure,
    "Two lanes of weights with their fires. The fires of the rescaled weights lie near those of "
    "the weights as they are, the farther apart the later they are.",
    caption="Weights and fires as they are (above) and rescaled to a whole number (below). Compare "
    "the first and the last fires. The scales of both lanes are their own.",
)

# %% [markdown] tags=["answer"]
# The tail rule leaves all earlier tokens where they were. Rescaling moves every boundary, and the
# later ones farther, for each has all the weight before it multiplied. The factor is near 1 for a
# long sentence (28/27.9 for the whole clip of the river) and far from 1 for a short one: of S = 1.4
# it is 1/1.4.

# %% [markdown]
# ## 3. Peaks
#
# A frame whose scaled weight is above 1 would fire twice, or belong to a token entirely. So
# w2v-cif-bert *flattens*: as long as a weight is above 0.999, all weights are replaced by the
# middle between themselves and their mean m,
#
# $$\alpha_t \leftarrow \tfrac12\,\alpha_t + \tfrac12\,m.$$
#
# **Predict first:** what happens to the sum? To the number of tokens? To the boundaries?

# %% tags=["answer"]
# Table: two peaks, before and after
peaks = torch.tensor([[0.18, 1.69, 0.18, 0.18, 0.18, 1.59]])
flat = flatten_peaks(peaks, torch.tensor([6]))
assert_close(flat.sum(), peaks.sum())
rows = [
    [name, *(f"{one:.3f}" for one in row[0].tolist())]
    for name, row in (("before", peaks), ("after", flat))
]
table(["weight of frame", *map(str, range(6))], rows)

# %% [markdown] tags=["answer"]
# The sum stays, and with it the number of tokens: the mean of the middles is the mean. But the
# weights are no longer in proportion to what the network said. Where it was sure of a peak, the
# weight is now spread over quiet frames, and boundaries move towards an even grid.

# %% [markdown]
# **Exercise 11.2.** Write it. `weights` is a list of positive numbers whose mean is below 0.999.
# Give the flattened list.


# %% tags=["exercise"]
def flattened(weights): ...  # a list


check("11.2", flattened)


# %% tags=["solution"]
def flattened(weights):
    mean = sum(weights) / len(weights)
    while max(weights) > 0.999:
        weights = [0.5 * weight + 0.5 * mean for weight in weights]
    return weights


check("11.2", flattened)

# %% [markdown]
# ## 4. Two opinions
#
# Behind the CIF there are two *logits* for each piece of the vocabulary. The acoustic side says
# what each fire sounds like. The language model reads all fires and says what fits among them.
# Their weighted sum decides:
#
# $$z = \lambda_\text{am}\, z_\text{acoustic} + \lambda_\text{lm}\, z_\text{language}, \qquad
# \lambda_\text{am} = 0.8, \; \lambda_\text{lm} = 0.2$$
#
# **Exercise 11.3.** For one fire there are three candidates:
#
# | | their | there | hair |
# |---|---|---|---|
# | acoustic | 3.0 | 2.9 | 2.0 |
# | language | 0.0 | 1.0 | −4.0 |
#
# What are the three sums? And how small may λ_lm be (with λ_am = 1 − λ_lm) so that “there” just
# draws level with “their”? Give four numbers.

# %% tags=["exercise"]
sums_and_least = ...
check("11.3", sums_and_least)

# %% tags=["solution"]
sums = [0.8 * a + 0.2 * b for a, b in ((3.0, 0.0), (2.9, 1.0), (2.0, -4.0))]
sums_and_least = [*sums, 0.1 / 1.1]  # (1 − λ) · 0.1 = λ · 1
check("11.3", sums_and_least)

# %% [markdown]
# What does the language model read? If it read only fires, it would read with all of the acoustic
# side's doubts. So a place of which the acoustic side is sure, with a probability above 0.8, is
# replaced by the embedding of its piece: clean text. The others keep what fired.
#
# In *training* it is the other way round. The language model is given the true piece in a share of
# the places, and must guess the others; only these teach. The share falls from 0.9 to 0.2. At first
# it leans on the truth, later on what was heard. Until then, and for some steps more, no gradient
# passes through the pretrained layers: a bad CIF must not spoil them.
#
# Move the slider: the paper's schedule, over its 30,000 steps.

# %%
schedule = FusionConfig()


def draw_schedule(ax, *, falls):
    """The share of true pieces that the language model is given."""
    config = FusionConfig(gold_rate_steps=(schedule.gold_rate_steps[0], falls))
    steps = range(0, 30_001, 250)
    ax.plot(steps, [config.gold_rate(step) for step in steps], color=STYLE["weight"])
    for freed, dash in (
        (config.freeze_finetune_updates, ":"),
        (config.freeze_lm_finetune_updates, "--"),
    ):
        ax.axvline(freed, color=STYLE["level"], linestyle=dash)
    ax.set(xlabel="step", ylabel="share given", ylim=(0, 1))
    return f"0.2 from step {1000 + falls} on"


# %%
live_figure(
    draw_schedule,
    falls=Slider(1000, 20_000, 1000, 8000),
    static=[{"falls": 1000}, {"falls": 8000}, {"falls": 20_000}],
    alt="The share of true pieces over the steps, for three lengths of the fall: it is 0.9, falls "
    "along a straight line, and stays at 0.2. Two vertical lines near the beginning say when the "
    "encoder (dotted) and the language model (dashed) are trained.",
    caption="The share of places where the language model is given the true piece. Dotted: the "
    "encoder is trained from here on; dashed: the language model. When does training look like "
    "use?",
)

# %% [markdown]
# ## 5. What it is worth
#
# Now the experiment. English telephone prompts of one speaker, a quarter of an hour, with more
# voices by synthesisers; 1,200 word pieces; three seeds of each row, judged on prompts that nobody
# trained on.
#
# **Predict first:** put these in order, from most to fewest word errors: log-mel without a language
# model; Moonshine without one; Moonshine with MiniLM; Moonshine with SmolLM2. And: who gains more
# from a language model, the one with all of the prompts or the one with a tenth?

# %% tags=["hide-input"]
# Word errors of all seeds, by variant
runs = [one for one in read_results(resource("results")) if one["recipe"] == "w2v-cif-bert"]
NAMES = {
    "log-mel-none": "log-mel, none",
    "none": "Moonshine, none",
    "": "Moonshine, MiniLM",
    "smollm2": "Moonshine, SmolLM2",
    "tuned-encoder": "Moonshine tuned, MiniLM",
    "tenth-log-mel-none": "10 %: log-mel, none",
    "tenth-none": "10 %: Moonshine, none",
    "tenth": "10 %: Moonshine, MiniLM",
}
errors = {
    name: [100 * one["dev"]["words"]["rate"] for one in runs if one["variant"] == variant]
    for variant, name in NAMES.items()
}
errors = {name: rates for name, rates in errors.items() if rates}

# %% tags=["answer", "hide-input"]
# Figure: word errors, a point for each seed
figure, (ax,) = canvas(height=3.2)
for row, rates in enumerate(errors.values()):
    ax.plot(rates, [row] * len(rates), linestyle="", marker="o", color=STYLE["weight"])
ax.set_yticks(range(len(errors)), list(errors))
ax.invert_yaxis()
ax.set(xlabel="word errors (%)", xlim=(0, None))
show(
    figure,
    "Word errors in percent, a point for each of three seeds: "
    + "; ".join(f"{name} {spread(rates, digits=1)}" for name, rates in errors.items()),
    caption="Word errors on prompts that nobody trained on, a point for each seed. Which rows lie "
    "apart by more than their seeds do?",
)

# %% [markdown]
# ## 6. Repaired, and invented
#
# One number hides what a language model does. The fires stay as they are, whatever weight it has;
# so we can compare what each place becomes with the acoustic side alone and with both:
#
# - *repaired*: wrong before, right with the language model
# - *spoiled*: right before, wrong with it. It prefers what people usually say.
# - *swapped*: wrong before and after, but differently. It invents.
#
# **Predict first:** with a larger weight the model repairs more. What else grows? Is there a weight
# at which it is best to let it decide alone?

# %% tags=["answer", "hide-input"]
# Table: what changes with the weight of MiniLM
found = read_study(resource("results"), "language-model-comparison")
rows, shares = [], {}
for weight in (0.2, 0.5, 1.0):
    ones = [
        one
        for one in found["decisions"]
        if (one["variant"], one["lambda_lm"], one["infer_threash"]) == ("", weight, 0.8)
    ]
    shares[weight] = {
        kind: [100 * one[kind] / max(1, one["tokens"]) for one in ones]
        for kind in ("repaired", "spoiled", "swapped")
    }
    rows.append([weight, *(spread(values, digits=1) for values in shares[weight].values())])
table(["weight λ_lm", "repaired %", "spoiled %", "swapped %"], rows)

# %% tags=["answer", "hide-input"]
# Table: examples, in pieces
examples = [one for one in found["examples"] if one["variant"] == ""][:5]
table(
    ["spoken", "acoustic side", "language model", "both"],
    [[one["reference"], one["acoustic"], one["language"], one["both"]] for one in examples],
)

# %% tags=["hide-input"]
# Numbers kept
record(factor=count / total, moved_at_the_end=float(moved[-1]), tolerance=1e-3)
record(flat_peak=float(flat.max()), tolerance=1e-4)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary("embedding", "fire", "scaling", "state", "tail", "weight sum")

# %% [markdown]
# ## On your own
#
# - Set `clip` to `"natural_lake"`. How far does rescaling move its last boundary, and why?
# - Of which lengths is the factor round(S) / S farthest from 1? Draw it for S from 0.5 to 20.
# - In exercise 11.3, let the acoustic side be twice as sure: double its logits. What happens to the
#   least λ_lm? What does this say about a weight that was chosen on another acoustic model?
# - With the extras installed: `SpeechModel.load(folder)` reads a wav2vec 2.0 or HuBERT of yours.
#   `StatesConfig.of` tells a system of it. How many states a second does it give?

# %% [markdown]
# ## In practice
#
# - **Projectors of speech to large language models** are this lesson at another size: an encoder,
#   something that makes its states fewer, a linear layer to the embeddings. Often the states are
#   only stacked by fours. CIF makes as many as there are pieces, and says where they are.
# - **Which pieces?** Pieces of a language model are cut for text. Some have hardly a sound of their
#   own, and CIF has nothing to fire for. A wrong count is not repaired by any language model.
# - **Freezing.** A pretrained part that sees wild gradients at first forgets what it knew. Free it
#   late, and with small steps.

# %% [markdown]
# ## Further reading
#
# - C. Yi, S. Zhou, B. Xu, [Efficiently Fusing Pretrained Acoustic and Linguistic Encoders for
#   Low-resource Speech Recognition](https://arxiv.org/abs/2101.06699), 2021: w2v-cif-bert; its code
#   is [aispeech-lab/w2v-cif-bert](https://github.com/aispeech-lab/w2v-cif-bert).
# - A. Baevski and others, [wav2vec 2.0](https://arxiv.org/abs/2006.11477), 2020: the encoder of the
#   paper.
# - [cifviz/systems/w2v_cif_bert.py](../cifviz/systems/w2v_cif_bert.py),
#   [language_side.py](../cifviz/systems/language_side.py) and
#   [speech_models.py](../cifviz/systems/speech_models.py): the system of this lesson, and how other
#   encoders and language models take the places of ours.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 15 min: section 1. Let them count states and words of the clip before they see the numbers.
#   Exercise 11.1.
# - 15 min: section 2 at the board: one running sum, two ways with the rest.
# - 15 min: section 3, exercise 11.2 in pairs.
# - 15 min: section 4, exercise 11.3, then the slider.
# - 20 min: sections 5 and 6. Collect the predicted order before the figure. Read examples aloud:
#   who can tell a repaired word from an invented one without the first column?
# - 10 min: *In practice*, and one question from *On your own* for next time.
#
# ### Likely questions
#
# - *Why not fuse probabilities?* A weighted sum of logits multiplies powers of probabilities: an
#   opinion that excludes a word is a veto. A mean of probabilities has none.
# - *Does the language model see the future?* MiniLM sees all fires, before and behind. SmolLM2 sees
#   those before alone; its state at a place was computed from the places before it.
# - *Why are embeddings of the language model frozen?* They are the language that the CIF is to
#   learn to speak. If both moved, nothing would hold the pretrained layers to what they know.
#
# ### Usual misconceptions
#
# - *A language model corrects the number of words.* The number is fixed when CIF has fired.
# - *A pretrained encoder gives exact word times.* Its states know what is said, not when exactly:
#   edges are read from weights, and these are trained here as everywhere.
# - *Repaired words show that it understood.* It prefers what is usual. Look at the spoiled ones.
