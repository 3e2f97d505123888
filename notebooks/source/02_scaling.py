# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # Scale the weights, and see what that hides
#
# **What you'll do:** scale weights as training does, by hand and on a real recording, find out what
# scaling does to a loss, and train recognisers with one loss and with two.
#
# **What you'll learn**
#
# - *scale* weights to a known number of tokens
# - *derive* what scaling does to the slopes of a loss
# - *explain* what the quantity loss is for
# - *predict* what scaling does to silence and, in an optional section, to heavy frames
# - *find* the words that a loss compares with the wrong sound
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb); what a loss and its gradient are. No
# network, no GPU.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [01 Turn weights into tokens](01_integrate_and_fire.ipynb) · Next: [03 Watch how an
# alignment is learned](03_training_film.ipynb)

# %% tags=["hide-input"]
# Imports
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import cifviz
from cifviz.core import tail
from cifviz.core.dialects import DIALECTS, compare
from cifviz.course import (
    Slider,
    canvas,
    check,
    count_frames,
    glossary,
    live_figure,
    name_words,
    play,
    record,
    show,
    table,
)
from cifviz.course.classroom import strings, train
from cifviz.metrics import token_errors
from cifviz.plot import STYLE, dialect_lanes, fires, gradient_arrows, mass_axis, token_style
from cifviz.plot import weights as draw_weights
from cifviz.published import current_command, read_results
from cifviz.resources import resource
from cifviz.systems.base import Batch
from cifviz.systems.feature_normalisation import normalise

# %% tags=["parameters"]
seed = 0  # of the training in section 5 and of the random weights in section 11
fast = True  # False: train about twice as long in section 5
recording = "digits_george"  # a name in cifviz.list_recordings()
listen = False  # True: play the recording; its sound must be on this machine

# %% [markdown]
# ## 1. By hand
#
# In training, a recogniser compares each token that fires with one word of the transcript. At the
# beginning this cannot work: its weights are nearly random, so too few or too many tokens fire.
# Training needs a way to get the right number of tokens from the first step on. *Scaling* is this
# way: it multiplies all weights of an utterance by one factor.
#
# An example. The transcript has N = 3 words. An untrained recogniser gives five frames the weights
# α = (0.2, 0.5, 0.4, 0.1, 0.3). A token takes the weight β = 1.
#
# **Predict first:** how many tokens fire? By which factor would you multiply all weights to get
# three?

# %% tags=["answer", "hide-input"]
# Tokens as the weights are, and the factor
alpha, three = torch.tensor([[0.2, 0.5, 0.4, 0.1, 0.3]]), torch.tensor([3])
five_frames = torch.eye(5)[None]  # the identity: the embeddings are W, see lesson 01
unscaled = cifviz.integrate_and_fire(alpha, five_frames)
print(f"tokens: {int(unscaled.num_fires)}, residual: {float(unscaled.residual):.1f}")
print(f"factor: {float(three / alpha.sum()):.1f}")

# %% [markdown] tags=["answer"]
# One token fires. The weights sum to S = Σ α_t = 1.5, and a second token would need a sum of 2.
#
# The factor is N / S, the number of tokens over the sum of the weights: 3 / 1.5 = 2. Then the
# weights sum to 3, and three tokens fire.

# %% [markdown]
# Scale by hand, then with the library. `integrate_and_fire` scales by itself when it gets the
# `target_lengths`. The table has W: what each frame gives to each token.

# %%
by_hand = three / alpha.sum(dim=1, keepdim=True) * alpha
assert_close(cifviz.scale_to_length(alpha, three), by_hand)

scaled = cifviz.integrate_and_fire(alpha, five_frames, target_lengths=three)
rows = [
    [f"token {i}", *(f"{part:.1f}" for part in row)]
    for i, row in enumerate(scaled.contributions[0].tolist())
]
table(["W, scaled", *(f"frame {t}" for t in range(5))], rows)

# %% tags=["hide-input"]
# Figure: the weights and their sums, as given and scaled
clock = cifviz.FrameGrid(shift=1.0)  # count time in frames
figure, axes = canvas(2, height=2.4)
draw_weights(scaled, clock, ax=axes[0])
axes[0].set(xlabel="", ylim=(0, 1.4))
mass_axis(scaled, clock, ax=axes[1])
axes[1].plot(range(6), [0, *alpha[0].cumsum(0).tolist()], "--", color=STYLE["sound"])
axes[1].text(4.95, 1.1, "as given", ha="right", color=STYLE["sound"])
count_frames(axes[1], 5)
show(
    figure,
    "Above, the five weights in grey, and in blue the same, each twice as high; one reaches 1. "
    "Below, the mass axis: the scaled sum crosses 1 and 2 and ends at exactly 3. Dashed, the sum "
    "as given: the same shape half as high, which passes 1 once and ends at 1.5.",
    caption="Weights as given (grey) and scaled (blue), and below their running sums. The scaled "
    "sum has the same shape and ends at 3: the last token ends where the last frame ends.",
)

# %% [markdown]
# The *running sum*, the sum up to each frame, keeps its shape, and every *scaled weight* has the
# same share of the whole as before.
#
# **Exercise 02.1.** The weights are (0.2, 0.6, 0.1, 0.3, 0.4), and the transcript has four words.
# What are the scaled weights? Give five numbers.

# %% tags=["exercise"]
scaled_weights = ...
check("02.1", scaled_weights)

# %% tags=["solution"]
scaled_weights = [2.5 * weight for weight in (0.2, 0.6, 0.1, 0.3, 0.4)]  # 4 / 1.6 = 2.5
check("02.1", scaled_weights)

# %% [markdown] tags=["hints"]
# What do the weights sum to, and what should they sum to?
#
# One factor does it for all of them: N over the sum.
#
# The sum is 1.6, and N is 4. Multiply each weight by 4 / 1.6.

# %% [markdown]
# **Predict first:** in which frames do the four tokens of this exercise fire? And what would change
# if the transcript had six words, more than there are frames?

# %% [markdown] tags=["answer"]
# In frames 1, 1, 3 and 4. The scaled sums after the frames are (0.5, 2, 2.25, 3, 4): they cross 1
# *and* reach 2 in frame 1, whose scaled weight is 1.5. Scaling can make frames so heavy that they
# fire twice. The library lets them; code that fires once in a frame at most loses a token or makes
# negative weights of it (lesson 01, section 7).
#
# With N = 6 words in T = 5 frames, T / N is below 1. The scaled weights sum to 6, so they are above
# 1 on average, and some frame has to fire more than once. In use this cannot happen: a network
# makes its weights with a *sigmoid*, a function whose values lie between 0 and 1. So each is below
# 1, and five of them sum to less than five. Such an utterance needs shorter frames.

# %% [markdown]
# ## 2. On real speech
#
# Now a recording of a person, and a trained recogniser as in lesson 00. The project does not keep
# the sound of this recording. It keeps the input of the recogniser, the *log-mel* spectrum. If the
# sound is on your machine, set `listen = True` in the cell of parameters to hear it.

# %%
speech = cifviz.load_recording(recording)
recognizer = cifviz.load_model(speech.model)
words = [word.token for word in speech.words]
print(f"{speech.speaker}: {' '.join(words)}")
print(f"{speech.attribution} ({speech.licence})")
if listen:
    play(speech.waveform(), f"The recording {recording}")

# %% [markdown]
# In use N is unknown. (Lesson 00 scales to the nearest whole number of tokens in each stretch
# between pauses; here that is off.) In training N is known, and scaling multiplies the weights by
# N / S, as in section 1.
#
# **Predict first:** is N / S near 1 for a trained recogniser, or far from it?

# %% tags=["answer"]
# Table: N and S of all recordings
rows, factors = [], []
for name in cifviz.list_recordings():
    one = cifviz.load_recording(name)
    tokens, total = len(one.words), float(one.alpha.sum())
    factors.append(tokens / total)
    rows.append([name, tokens, f"{total:.2f}", f"{tokens / total:.3f}"])
table(["recording", "N, words in the reference", "S, sum of the weights", "N / S"], rows)

# %% [markdown] tags=["answer"]
# It is near 1. Scaling changes next to nothing in a trained recogniser. It is needed at the
# beginning of training, when the sum of the weights is far too small or too large.

# %% [markdown]
# ## 3. What scaling hides
#
# Imagine that the same recogniser made *all* weights larger or smaller by one factor, a *gain* g.
# In training the weights are scaled, since N is known. In use they are not.
#
# The next cell has a slider for the gain. Run it after you have predicted, and move the slider. The
# figure also gives the *quantity loss*, |S − N| / N. It is computed from the weights as given, and
# says how far their sum is from the number of words, per word.
#
# **Predict first:** which tokens does training see at gain 2? And which does a user see, who does
# not know N?

# %% tags=["hide-input"]
# What the slider draws
real, N = speech.alpha[None], torch.tensor([len(words)])
identity = torch.eye(real.shape[1])[None]


def draw_gain(ax, *, gain):
    in_training = cifviz.integrate_and_fire(gain * real, identity, target_lengths=N)
    in_use = cifviz.integrate_and_fire(gain * real, identity)
    drawn = draw_weights(in_training, recognizer.grid, ax=ax, threshold_kw={"visible": False})
    drawn.threshold_label.set_visible(False)  # β is far above all weights
    ax.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        borderaxespad=0.0,
        ncols=2,
        frameon=False,
        fontsize=STYLE["text_size"],
    )
    fires(in_training, recognizer.grid, ax=ax)
    at = [recognizer.grid.seconds(position) for position in in_use.fire_positions[0].tolist()]
    ax.plot(at, [0.0] * len(at), "^", color=token_style(2).colour, zorder=5, clip_on=False)
    ax.set_ylim(0, 3 * float(real.max()))
    name_words(ax, speech.words)
    loss = float(cifviz.quantity_loss(in_use, N))
    return f"{len(words)} tokens in training (▼), {len(at)} in use (▲), quantity loss {loss:.2f}"


# %% tags=["answer", "hide-input"]
# Figure with a slider: the same recording at several gains
live_figure(
    draw_gain,
    gain=Slider(0.2, 3.0, 0.1, 1.0),
    static=[{"gain": gain} for gain in (0.5, 1.0, 2.0)],
    alt="Weights of the recording at three gains. The grey weights as given grow with the gain; "
    "the blue scaled ones are the same each time, and so are the fires that training sees, one for "
    "each word. Triangles at the bottom mark the fires in use: about half as many at gain 0.5, as "
    "many as words at gain 1, and twice as many at gain 2.",
    caption="One recording at three gains. Compare grey, the weights as given, with blue, the "
    "scaled weights, which are the same each time. ▼ marks tokens in training, ▲ tokens in use. "
    "The words stand above their sound; β = 1 is far above the picture.",
)

# %% [markdown] tags=["answer"]
# Training sees the same tokens at every gain. A user gets every word twice at gain 2.
#
# The blue weights cannot move. A gain g turns α into g · α and the factor N / S into N / (g · S),
# so g cancels. Everything that is computed from the scaled weights stays the same: W, the
# embeddings, the words that the decoder finds, and the loss on these words. Training cannot tell
# gain 2 from gain 1 by any of them.
#
# One number in the figure depends on the gain: the quantity loss, because it is computed from the
# weights *as given*. That is why CIF is trained with it.

# %% [markdown]
# **Exercise 02.2.** A recogniser gives an utterance of 5 words weights that sum to 10. How many
# tokens fire in training, where the weights are scaled, and how many in use? Give two numbers.

# %% tags=["exercise"]
training_and_use = ...
check("02.2", training_and_use)

# %% tags=["solution"]
training_and_use = [5, 10]  # scaled to N; and as often as 1 fits into 10
check("02.2", training_and_use)

# %% [markdown] tags=["hints"]
# In one of the two situations the number of words is known.
#
# Scaled weights sum to N. Weights as given sum to 10.
#
# In training: as many as words. In use: how often does 1 fit into 10?

# %% [markdown]
# ## 4. What scaling does to slopes
#
# Training follows *slopes*. The slope ∂L/∂α_t of a loss L says how much L changes when the weight
# of frame t changes a little, and training moves each weight against its slope. From here on, a
# *loss after scaling* is a loss that is computed from the scaled weights.
#
# Multiply all weights by a gain g. Section 3 showed that a loss after scaling does not change. So
# its slope in this direction is 0, whatever the loss is. By the chain rule:
#
# ```text
# 0  =  dL(g·α)/dg at g = 1  =  Σ_t α_t · ∂L/∂α_t
# ```
#
# Check it by hand with two frames, one token and one channel. The frames are h = (1, 3), the
# weights α = (0.2, 0.6). To keep it simple, the loss is the token itself:
#
# ```text
# L = (α_0 · 1 + α_1 · 3) / (α_0 + α_1)
# ∂L/∂α_t = (h_t − L) / (α_0 + α_1)              (the quotient rule)
# ```
#
# **Predict first:** which of the two slopes is negative? Which weight would training make larger,
# to make L smaller?

# %% tags=["answer", "hide-input"]
# The slopes, by hand and by autograd
pair = torch.tensor([[0.2, 0.6]], requires_grad=True)
frames = torch.tensor([[[1.0], [3.0]]])
token = cifviz.integrate_and_fire(pair, frames, target_lengths=torch.tensor([1])).embeddings
(slopes,) = torch.autograd.grad(token.sum(), pair)
first, second = slopes[0].tolist()
assert_close(slopes, torch.tensor([[(1 - 2.5) / 0.8, (3 - 2.5) / 0.8]]))
print(f"L = {token.item():.1f}, slopes {first:.3f} and {second:.3f}")
print(f"0.2 · {first:.3f} + 0.6 · {second:.3f} = {0.2 * first + 0.6 * second + 0.0:.3f}")

# %% [markdown] tags=["answer"]
# L is 2 / 0.8 = 2.5. The slope at frame 0 is (1 − 2.5) / 0.8 = −1.875, and the one at frame 1 is
# (3 − 2.5) / 0.8 = 0.625. Training makes the first weight larger, because its slope is negative:
# frame 0 is below the mean L. Weighted by α, the two slopes cancel: 0.2 · (−1.875) + 0.6 · 0.625 =
# 0.

# %% [markdown]
# Now any loss. Let s_t be its slope with respect to the *scaled* weight of frame t. The weight α_t
# acts on L in two ways: on its own scaled weight N/S · α_t, and on all scaled weights through S.
#
# ```text
# ∂L/∂α_t = N/S · s_t − N/S² · Σ_u α_u s_u
#         = N/S · (s_t − Σ_u α_u s_u / S)
# ```
#
# In words: subtract the mean of the slopes weighted by α, then multiply by N/S. The mean was the
# part that asks for *more of everything*, or for *less of everything*.
#
# **Exercise 02.3.** Three frames weigh 0.2, 0.6 and 0.4. A loss after scaling has the slope −1.5 at
# frame 0 and 2 at frame 1. What is its slope at frame 2? (Use Σ_t α_t · ∂L/∂α_t = 0.)

# %% tags=["exercise"]
slope_at_frame_2 = ...
check("02.3", slope_at_frame_2)

# %% tags=["solution"]
slope_at_frame_2 = -(0.2 * -1.5 + 0.6 * 2) / 0.4
check("02.3", slope_at_frame_2)

# %% [markdown] tags=["hints"]
# The three products of a weight and its slope sum to 0.
#
# Write the equation down, with x for the slope at frame 2: 0.2 · (−1.5) + 0.6 · 2 + 0.4 · x = 0.
#
# The first two products make −0.3 + 1.2. The third has to cancel that; then divide by 0.4.

# %% [markdown]
# ## 5. Train twice
#
# Does a real training need the quantity loss? A small recogniser of digits learns in seconds. Its
# speech is from a synthesiser: single digits, joined to strings at random.
#
# We train it twice with scaling, from the same start and on the same strings: once with the
# quantity loss, once without. Both have the usual loss on words, the *cross-entropy*: how surprised
# the decoder is by the words of the transcript.
#
# This small recogniser is initialised so that S is about N ([lesson 03](03_training_film.ipynb)
# shows how); the count is still wrong in single utterances. Both trainings start there.
#
# **Predict first:** after training, which of the two knows the words better if it is told N? And
# which if it is not?

# %%
how = {"seed": seed, "steps": 220 if fast else 400, "snapshots": 11}
trainings = {"with quantity loss": train(quantity_weight=1.0, **how)}

# %%
trainings["without"] = train(quantity_weight=0.0, **how)

# %% tags=["answer", "hide-input"]
# Figure: both trainings over time
looks = {
    "with quantity loss": {"color": token_style(5).colour, "linestyle": "-", "marker": "o"},
    "without": {"color": token_style(2).colour, "linestyle": "--", "marker": "^"},
}
curves = {
    "cross_entropy": "cross-entropy\n(told N)",
    "mass": "S / N",
    "token_error_rate": "errors per word\n(not told N)",
}
figure, axes = canvas(3, height=1.7)
for ax, (curve, label) in zip(axes, curves.items(), strict=True):
    for name, training in trainings.items():
        ax.plot(training.steps, training.curve(curve), label=name, **looks[name])
    ax.set_ylabel(label)
    ax.set_ylim(bottom=0)
axes[0].legend()
axes[2].set_xlabel("steps of training")
show(
    figure,
    "Three curves over training, each with and without the quantity loss, measured on voices that "
    "were not trained on. The cross-entropy falls in both. The sum of the weights over the number "
    "of words stays near 1 with the quantity loss and jumps to several times that without. The "
    "errors fall with it; without, they rise to several for each word.",
    caption="Two trainings, measured on voices that were not trained on. The cross-entropy falls "
    "in both. Compare S / N and the errors in use, which part after some 60 steps. The three "
    "panels have scales of their own.",
)

# %% tags=["answer"]
# Table: where both trainings end
ends = {name: training.snapshots[-1] for name, training in trainings.items()}
rows = [
    [name, f"{end.cross_entropy:.2f}", f"{end.mass:.2f}", f"{end.token_error_rate:.2f}"]
    for name, end in ends.items()
]
table(["", "cross-entropy, told N", "S / N", "errors per word, not told N"], rows)

# %% tags=["answer", "hide-input"]
# Table: what both recognisers make of four clips in unknown voices
rows = []
for name in ("digits_two", "digits_three", "digits_four", "digits_five"):
    clip = cifviz.load_clip(name)
    hypotheses = [one.model.transcribe(clip.waveform).text for one in trainings.values()]
    rows.append([" ".join(clip.tokens), *hypotheses])
table(["reference", *trainings], rows)

# %% tags=["answer", "hide-input"]
# Figure: the weights of both recognisers for the last clip
figure, axes = canvas(2, height=1.8)
for ax, (name, training) in zip(axes, trainings.items(), strict=True):
    transcription = training.model.transcribe(clip.waveform)
    drawn = draw_weights(
        transcription.firing, transcription.grid, ax=ax, threshold_kw={"visible": False}
    )
    drawn.threshold_label.set_visible(False)
    fires(transcription.firing, transcription.grid, ax=ax)
    title = f"{name}: {len(transcription.tokens)} tokens"
    ax.set_title(title, loc="left", y=1.04, fontsize="medium")
    ax.set_ylim(0, 1)
    name_words(ax, clip.words)
    ax.label_outer()
show(
    figure,
    "Weights of the two recognisers for the last clip. With the quantity loss they are low hills, "
    "about one for each word. Without, the hills are several times as high, with a fire every few "
    "frames.",
    caption="Weights of both recognisers for the last clip; the words stand above their sound. "
    "Compare the heights: without the quantity loss a word gets several times the weight, and "
    "fires several times (▼). ▽ marks a token made of the weight that is left at the end.",
)

# %% [markdown] tags=["answer"]
# Told N, both come to know the words. In the run shown here the one *without* the quantity loss is
# ahead in cross-entropy, and with seeds 1 and 2 it is ahead, too. This is a very short training; in
# section 8, after a long one, the two are level. Not told N, the one without the quantity loss
# makes several errors for each word.
#
# The table of clips and the figure show which errors: without the quantity loss most words come
# out several times. In section 3 we turned the gain up by hand; here training has turned it up,
# within a few dozen steps.
#
# With the quantity loss, too, there are more errors on the four clips than the table of numbers
# lets expect. The clips are harder than the strings of training and test: the synthesiser spoke
# them in one go, so the words run into each other.

# %% [markdown]
# One more test of the second recogniser. By section 4 its training left one direction open, a
# factor that all weights share. We measure its S/N on strings of the voices that it was trained on,
# divide all its weights by this number, and test it on other voices.
#
# **Predict first:** does that change its errors much?


# %% tags=["hide-input"]
# Errors per word, and S / N, with all weights divided by a number
def errors_per_word(model, batch, gain):
    with torch.inference_mode():
        encoded, lengths = model.encoder(batch.features, batch.lengths)
        alpha = model.cif(encoded, lengths).alpha / gain
        alone = {"slack": 0.01, "tail": tail.above(0.5)}
        firing = cifviz.integrate_and_fire(alpha, encoded, frame_lengths=lengths, **alone)
        ids, _ = model.decoder.decode(firing.embeddings, firing.num_fires)
    counts, fired = batch.target_lengths.tolist(), firing.num_fires.tolist()
    wanted = [row[:n].tolist() for row, n in zip(batch.targets, counts, strict=True)]
    found = [row[:n].tolist() for row, n in zip(ids, fired, strict=True)]
    rate = token_errors([[*map(str, row)] for row in wanted], [[*map(str, row)] for row in found])
    return rate.rate, float(alpha.sum()) / sum(counts)


# %% tags=["answer"]
# Errors with all weights as they are, and divided
known = Batch.collate(*zip(*strings(60, seed=seed), strict=True))
unknown = Batch.collate(*zip(*strings(60, seed=seed + 1, held_out=True), strict=True))
model = trainings["without"].model
_, gain = errors_per_word(model, known, gain=1.0)
as_it_is, _ = errors_per_word(model, unknown, gain=1.0)
divided, ratio_left = errors_per_word(model, unknown, gain=gain)
print(f"S / N in known voices: {gain:.2f}; divided by it, S / N in other voices: {ratio_left:.2f}")
print(f"errors per word in other voices: {as_it_is:.2f}, and divided {divided:.2f}")

# %% [markdown] tags=["answer"]
# Nearly all of its errors go away. After scaling, each word should take a weight of 1. So training
# made all words weigh *the same*, here about three before scaling. It left open how much that is.
# The quantity loss settles this, and it is one line in a training.

# %% [markdown]
# ## 6. What each loss asks of each frame
#
# In which direction does each loss push the weight of each frame? We take the encoder and the
# decoder of our trained recogniser and the real recording. We spoil its weights, so that there is
# something to learn: each moves halfway to the mean of all, and together they sum to 0.9 N.

# %%
features = normalise(speech.log_mel)
with torch.no_grad():
    encoder_out, _ = recognizer.encoder(features[None], torch.tensor([len(features)]))
vocabulary = recognizer.config.vocabulary
targets = torch.tensor([[vocabulary.index(word) for word in words]])


def cross_entropy(alpha, scaled=True):
    firing = cifviz.integrate_and_fire(alpha, encoder_out, target_lengths=N if scaled else None)
    both = min(int(firing.num_fires), len(words))  # without scaling they may differ
    embeddings, wanted = firing.embeddings[:, :both], targets[:, :both]
    logits = recognizer.decoder(embeddings, torch.tensor([both]), wanted)
    return F.cross_entropy(logits[0], wanted[0])


def quantity(alpha):
    return cifviz.quantity_loss(cifviz.integrate_and_fire(alpha, encoder_out), N)


# %% [markdown]
# An arrow shows where training would push the weight of a frame: against the slope.
#
# **Predict first:** the cross-entropy after scaling, the cross-entropy without scaling, the
# quantity loss: for which of them do all arrows point the same way? For which do they cancel,
# weighted by α?

# %%
blurred = (real + real.mean()) / 2
blurred = (0.9 * len(words) / blurred.sum() * blurred).requires_grad_()
losses = {
    "cross-entropy after scaling": cross_entropy(blurred),
    "cross-entropy without scaling": cross_entropy(blurred, scaled=False),
    "quantity loss": quantity(blurred),
}

# %% tags=["answer", "hide-input"]
# Figure: where three losses push the weights
figure, axes = canvas(3, height=2.3)
sums, steepest = {}, {}
for ax, (name, loss) in zip(axes, losses.items(), strict=True):
    (slopes,) = torch.autograd.grad(loss, blurred)
    sums[name] = float((blurred.detach() * slopes).sum())
    steepest[name] = float(slopes.abs().max())
    gradient_arrows(blurred[0], slopes[0], recognizer.grid, ax=ax)
    ax.set_title(name, loc="left", fontsize="medium")
    ax.label_outer()
assert abs(sums["cross-entropy after scaling"]) < 1e-4
assert_close(sums["quantity loss"], -0.9, rtol=0, atol=1e-4)  # slopes −1/N, weights sum to 0.9 N
low, high = zip(*(ax.get_ylim() for ax in axes), strict=True)
for ax in axes:
    ax.set_ylim(min(low), max(high))
    name_words(ax, speech.words)
show(
    figure,
    "Arrows on the blurred weights of all frames, for three losses. Each picture has its own scale "
    "for the arrows, and says which slope the longest one stands for: look at directions here, "
    "and compare sizes by these numbers. After scaling the arrows point up inside some words and "
    "down in pauses and in the silence at the end, and they cancel: the sum of weight times slope "
    "is zero. Without scaling nearly all point up, and those at the end are next to nothing. For "
    "the quantity loss all arrows are equal and point up.",
    caption="Where three losses push the weights. See where the arrows point: up and down in the "
    "first panel, nearly all up in the second, all up in the third. Compare lengths within a panel "
    "only: each has a scale of its own, and says which slope its longest arrow stands for.",
)

# %% tags=["answer"]
# Table: sums and sizes of the slopes
table(
    ["loss", "Σ α · ∂L/∂α", "steepest ∂L/∂α"],
    [
        [name, f"{round(total, 3) + 0.0:.3f}", f"{steepest[name]:.3f}"]
        for name, total in sums.items()
    ],
)

# %% [markdown] tags=["answer"]
# The arrows of the quantity loss all point up, equally long. Those of the cross-entropy after
# scaling cancel, weighted by α.
#
# Those of the cross-entropy without scaling neither cancel nor are equal. The weights sum to 0.9 N,
# so tokens end later and later, and the third and fourth take in much sound of the words after
# their own. More weight in *any* frame before would make them end earlier. So up to some 2 s the
# arrows point up, in words and pauses alike. They are steep, because tokens with the wrong sound
# make the loss large. The fifth word has no token, and this loss does not miss it.
#
# After scaling the two losses share the work. The cross-entropy says *where* the weights should be:
# its arrows go up in one place and down in another. The quantity loss says *how much* weight there
# should be, and says it to every frame, speech or silence.

# %% [markdown] tags=["optional"]
# ## 7. Which way the sum moves
#
# A loss after scaling cannot see the sum S of the weights. Does training leave S alone, then? It
# may depend on *what is moved*:
#
# - **The weights.** Each step changes α itself.
# - **The logits.** A network does not compute α but a *logit* z in front of a sigmoid, with α =
#   1 / (1 + exp(−z)). Each step changes z.
#
# The function below takes five small steps on the cross-entropy after scaling.
#
# **Predict first:** take two frames of 0.1 each, and a loss that wants the first one heavier than
# the second. Does S grow, shrink or stay if the weights are moved? And if their logits are moved?
# Then: what happens on our real recording, with the blurred weights of section 6?


# %%
def five_steps(start, make_alpha, step_size):
    """Sum and length of the weights, before the first step and after each."""
    totals, lengths = [], []
    for _ in range(6):
        start = start.clone().requires_grad_()
        alpha = make_alpha(start)
        totals.append(alpha.sum().item())
        lengths.append(alpha.norm().item())
        (slopes,) = torch.autograd.grad(cross_entropy(alpha), start)
        start = start.detach()
        start = start - step_size(start) / slopes.abs().max() * slopes
    return totals, lengths


# %% tags=["answer", "hide-input"]
# Table: five steps on the real recording
given = blurred.detach()
moved_sums, lengths = five_steps(given, lambda alpha: alpha, lambda alpha: 0.3 * alpha.min())
logit_sums, _ = five_steps(torch.logit(given), torch.sigmoid, lambda logit: 0.3)
table(
    ["steps", "S, weights moved", "length of α", "S, logits moved"],
    [
        [step, f"{one:.2f}", f"{length:.3f}", f"{other:.2f}"]
        for step, (one, length, other) in enumerate(
            zip(moved_sums, lengths, logit_sums, strict=True)
        )
    ],
)

# %% [markdown] tags=["answer"]
# S falls when the weights are moved, and grows when the logits are moved. In both cases the weights
# come to differ more: more weight where a word is, less where none is.
#
# - **The weights.** By section 4 the step stands at right angles to α. By Pythagoras the length
#   ‖α‖ = √(Σ α²) never shrinks, and in small steps it hardly changes. At equal length, S is
#   *smaller* the more the weights differ: (0.14, 0.02) is as long as (0.1, 0.1), for 0.0196 +
#   0.0004 = 0.01 + 0.01, but it sums to 0.14 + 0.02 = 0.16.
# - **The logits.** Small weights are nearly exp(z), so the slope ∂L/∂z is nearly α · ∂L/∂α, and
#   these slopes sum to zero: some logits go up by as much as others go down, and the *product* of
#   the weights stays. At equal product, S is *larger* the more they differ: (0.2, 0.05) has the
#   product of (0.1, 0.1), and sums to 0.2 + 0.05 = 0.25.
#
# Networks move logits. This is a reason to expect that the gain grows in training, as in section 5.
# It is not a proof: one network makes all logits and cannot move each by itself, and where a loss
# makes weights more equal, S falls.

# %% [markdown]
# ## 8. Three times, and at full size
#
# One training of a small model proves little. So recognisers of the size of the one that ships were
# trained on real and synthetic speech: with both scaling and quantity loss, with scaling alone, and
# with the quantity loss alone, each three times from other random weights (seeds). The measurements
# are kept in [data/results](../data/results), with these commands:

# %% tags=["hide-input"]
# Read the measurements
variants = {
    "plain": ("scaling and quantity loss", 5, "-"),
    "no-quantity": ("scaling alone", 2, "--"),
    "unscaled": ("quantity loss alone", 1, ":"),
}
runs = {variant: [] for variant in variants}
for result in read_results(resource("results")):
    if result["recipe"] == "digits" and result["leave_out"] is None:
        runs.setdefault(result["variant"], []).append(result)
for variant in variants:
    print(*(current_command(run["command"]) for run in runs[variant]), sep="\n")

# %% [markdown]
# The figure shows the losses in training, each point the mean of 50 steps.
#
# **Predict first:** whose cross-entropy is the lowest in the end? Whose S is closest to N?

# %% tags=["answer", "hide-input"]
# Figure: losses of nine trainings
figure, axes = canvas(2, height=2.2)
for variant, (label, colour, line) in variants.items():
    look = {"color": token_style(colour).colour, "linestyle": line, "linewidth": 1.3}
    for run in runs[variant]:
        at = [losses["step"] for losses in run["history"]]
        for ax, loss in zip(axes, ("cross_entropy", "quantity"), strict=True):
            ax.plot(at, [losses[loss] for losses in run["history"]], **look)
    axes[0].plot([], [], label=label, **look)
axes[0].legend()
axes[0].set(ylabel="cross-entropy", ylim=(0.5, 2.5))
axes[1].set(ylabel="|S − N| / N", yscale="log", ylim=(0.03, 10), xlabel="steps of training")
show(
    figure,
    "Losses over training of three seeds each. Above, the cross-entropy: the lines with scaling, "
    "with and without the quantity loss, end on top of each other; those of the quantity loss "
    "alone are higher from step 250 on. Below, the difference between S and N, on a logarithmic "
    "scale: it falls to about 0.05 wherever the quantity loss is on, and stays near 2.5 where it "
    "is off.",
    caption="Losses in training, three seeds each. Look where the lines end: above, those with "
    "scaling end together; below (logarithmic), those with the quantity loss do.",
)


# %% tags=["answer", "hide-input"]
# Table: errors on test strings
def tested(variant, *path):
    values = [run["test"] for run in runs[variant]]
    for name in path:
        values = [value[name] for value in values]
    return torch.tensor(values, dtype=torch.float64)


rows, worst, ratio = [], {}, {}
for variant in (variant for variant in variants if runs[variant]):
    tokens_each = tested(variant, "tokens") / tested(variant, "utterances")
    ratio[variant] = float((1 + tested(variant, "weight_sum_error", "mean") / tokens_each).mean())
    rate = 100 * tested(variant, "token_error_rate")
    worst[variant] = float(rate.max())
    kinds = [
        f"{float((100 * tested(variant, kind) / tested(variant, 'tokens')).mean()):.1f}"
        for kind in ("insertions", "deletions", "substitutions")
    ]
    seeds = ", ".join(f"{one:.1f}" for one in rate.tolist())
    rows.append([variants[variant][0], f"{ratio[variant]:.2f}", seeds, *kinds])
table(["", "S / N", "errors in %, each seed", "inserted", "deleted", "replaced"], rows)

# %% [markdown] tags=["answer"]
# With scaling the cross-entropy ends lowest, with or without the quantity loss. With the quantity
# loss S ends closest to N, with or without scaling. The table has the errors on test strings, where
# nothing is scaled; its last columns are errors of each kind per hundred words.
#
# - **Scaling alone.** In use it makes more than two errors for each word. Nearly all of them are
#   insertions; words are hardly ever missed or replaced. It recognises as well as the first, three
#   or four times over.
# - **Quantity loss alone.** It counts as well as the first. But it replaces two or three times as
#   many words, and learns them more slowly. Section 12 shows a reason. (Its cross-entropy is low at
#   first because it skips the words that have no token.)
# - **Both** are needed: scaling to learn the words, the quantity loss to count them.
#
# How far the gain grows depends on the model and on how long its frames are, for no weight can be
# above 1. It grew in each of these trainings.

# %% [markdown]
# ## 9. Hardly any weight
#
# At the beginning of a training, or in silence, the weights of an utterance may be tiny. Scaling
# still makes N tokens of them.
#
# **Exercise 02.4.** All weights become a hundred times smaller, and scaling makes the same tokens
# of them. By what number are the slopes ∂L/∂α multiplied? (Section 4 has a formula.)

# %% tags=["exercise"]
times = ...
check("02.4", times)

# %% tags=["solution"]
times = 100  # N / S, and S is a hundredth of what it was
check("02.4", times)

# %% [markdown] tags=["hints"]
# The formula in section 4 has one factor in front of the bracket. Which?
#
# The slopes s_t of the scaled weights are the same as before, since the tokens are the same.
#
# The factor is N / S. What happens to it if S becomes a hundredth?

# %% [markdown]
# The extreme case is an utterance without any weight, S = 0, whose transcript has three words.
#
# **Predict first:** what is N / S · α if all α are 0? How many tokens should come out?

# %% tags=["answer", "hide-input"]
# Scaled weights of this utterance
nothing = torch.zeros(1, 4)
print("(N / S) · α:         ", *((three / nothing.sum()) * nothing)[0].tolist())
print("(N / (S + 1e-8)) · α:", *((three / (nothing.sum() + 1e-8)) * nothing)[0].tolist())
print("cifviz:              ", *cifviz.scale_to_length(nothing, three)[0].tolist())

# %% tags=["answer", "hide-input"]
# Tokens and slopes of this utterance
nothing.requires_grad_()
empty = cifviz.integrate_and_fire(nothing, torch.eye(4)[None], target_lengths=three)
assert not empty.embeddings.any()
(slopes,) = torch.autograd.grad(empty.embeddings[0, :, 3].sum(), nothing)
steepest_of_all = float(slopes.abs().max())
print(f"{int(empty.num_fires)} tokens, all zero; the steepest slope is {steepest_of_all:.0e}")
print("sigmoid(-18) in half precision:", torch.sigmoid(torch.tensor(-18.0)).half().item())

# %% [markdown] tags=["answer"]
# Zero times infinity is NaN, and one step later all weights of the network are NaN. It need not be
# silence: in half precision small weights become zero.
#
# CIF-PyTorch divides as in the first line. Its README advises to add 1e-8 to S, which CIF-HieraDist
# and this library do: training asks for three tokens and gets three, of zeros. But look at the
# slope, N / 1e-8. Adding 1e-8 prevents NaN; it does not prevent steep slopes. Against these one
# *clips* gradients, that is, shortens them to a largest length, as the recipes of this project do.

# %% [markdown] tags=["optional"]
# ## 10. The slopes before the sigmoid
#
# The next cell measures the slopes of exercise 02.4 on the real recording, for the weights α and
# for their logits z, where α = 1 / (1 + exp(−z)).
#
# **Predict first:** the slopes with respect to α grow as in the exercise. Do those with respect to
# z grow, too?


# %% tags=["answer"]
# Table: slopes at four gains
def steepness(make_alpha, start):
    start = start.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(cross_entropy(make_alpha(start)), start)
    return float(slopes.norm())


rows, growth = [], {}
spread = blurred.detach()  # as in section 6: no weight is zero
for gain in (1.0, 0.1, 0.01, 0.001):
    by_weight = steepness(lambda alpha: alpha, gain * spread)
    by_logit = steepness(torch.sigmoid, torch.logit(gain * spread))
    growth[gain] = by_weight, by_logit
    total = float(gain * spread.sum())
    rows.append([gain, f"{total:.4f}", f"{by_weight:.4f}", f"{by_logit:.4f}"])
table(["gain", "S", "length of ∂L/∂α", "length of ∂L/∂z"], rows)

# %% [markdown] tags=["answer"]
# They hardly grow. The slopes with respect to α grow as N/S, without bound. The slope for z is the
# slope for α times dα/dz = α(1 − α), which is small where α is small, so the growth is gone. That
# is why trainings survive it. A module that works on α after the sigmoid gets the full factor.

# %% [markdown] tags=["optional"]
# ## 11. Heavy frames
#
# Six frames weigh (0.08, 0.9, 0.1, 0.05, 0.05, 0.05), and the transcript has three words. The
# library can run CIF by the rules of other code bases, thresholds, faults and all; it calls CIF as
# one code base runs it a *dialect*. CIF-PyTorch fires at most once in a frame; section 7 of [lesson
# 01](01_integrate_and_fire.ipynb) explains what such a loop does to a heavy frame.
#
# **Predict first:** how many tokens does it fire for these weights, scaled to three? And how many
# for the same weights backwards, with the heavy frame near the end?

# %% tags=["answer"]
# Table: what each frame gives to each token of CIF-PyTorch
peak = torch.tensor([[0.08, 0.9, 0.1, 0.05, 0.05, 0.05]])
three_each = torch.tensor([3, 3])
scaled_peak = cifviz.scale_to_length(peak, three)
print("scaled:", *(f"{weight:.3f}" for weight in scaled_peak[0].tolist()))

four_codes = compare(
    torch.cat([peak, peak.flip(1)]),
    target_lengths=three_each,
    dialects=["cif_pytorch", "torch_cif", "w2v_cif_bert"],
)
loop, rows = four_codes["cif_pytorch"], []
for way, name in enumerate(("forwards", "backwards")):
    for i, row in enumerate(loop.weights[way, : int(loop.num_fires[way])].tolist()):
        rows.append([name, f"token {i}", *(f"{part + 0.0:.2f}" for part in row)])
table(["W of CIF-PyTorch", "", *(f"frame {t}" for t in range(6))], rows)

# %% tags=["answer", "hide-input"]
# Figure: the tokens of cifviz and three other code bases
figure, axes = canvas(2, height=2.6)
for way, ax in enumerate(axes):
    dialect_lanes(four_codes, clock, utterance=way, ax=ax)
    ax.set_title(("forwards", "backwards")[way], loc="left", fontsize="medium")
axes[0].set_xlabel("")
count_frames(axes[1], 6)
show(
    figure,
    "Four lanes of tokens for the same weights. Forwards, all have three tokens, but that of "
    "CIF-PyTorch carries the signs of a weight above 1 and of a negative one, and its second "
    "token ends late. Backwards it has two tokens, and a cross where the third should end.",
    caption="The tokens that cifviz and three other code bases make of the same weights, each "
    "under its name and with its count. Compare the borders: w2v_cif_bert flattens the scaled "
    "weights first. Signs mark a frame that gives one token more than 1, or less than 0, and a "
    "lost token.",
)

# %% [markdown] tags=["answer"]
# Forwards it fires three tokens, backwards only two. Scaling has made a heavy frame: it has lifted
# a weight above β = 1, to 2.195. Forwards, the token that should have ended there ends one frame
# later, with a negative weight. Backwards, no frame follows, and the third token is lost.
#
# There are three ways to avoid this. Fire as often as the weight allows, as torch_cif and this
# library do. Or flatten the weights, as w2v-cif-bert does: while one is above the threshold, all
# move halfway towards their mean. That keeps the sum and changes the shape: compare its lane. Or
# keep N well below the number of frames.

# %% [markdown]
# Now random weights in twelve frames, as an untrained predictor gives them, for a transcript of one
# word, two words, and so on up to twelve.
#
# **Predict first:** for which of these transcripts does CIF-PyTorch fire as many tokens as there
# are words?

# %% tags=["answer", "hide-input"]
# Figure: random weights, for one word to twelve
torch.manual_seed(seed)
random_weights = torch.sigmoid(torch.randn(200, 12))
per_frame, more, lost = [], [], []
for tokens in range(1, 13):
    asked = torch.full((200,), tokens)
    fired = DIALECTS["cif_pytorch"].contributions(random_weights, target_lengths=asked).num_fires
    heavy = cifviz.scale_to_length(random_weights, asked) > 1
    per_frame.append(tokens / 12)
    more.append(100 * float(heavy.any(dim=1).float().mean()))
    lost.append(100 * float((fired < tokens).float().mean()))

figure, (ax,) = canvas(height=2.6)
ax.plot(per_frame, more, "o-", color=token_style(5).colour, label="a scaled weight is above 1")
ax.plot(per_frame, lost, "^--", color=token_style(2).colour, label="CIF-PyTorch loses a token")
ax.set(xlabel="tokens per frame, N / T", ylabel="% of utterances")
ax.legend()
show(
    figure,
    "Share of utterances against tokens per frame. Up to 0.4 tokens per frame no weight is above "
    "1; at 0.75 nearly all utterances have one. Lost tokens begin a little later and rise more "
    "slowly, to nearly all utterances at one token per frame.",
    caption="200 utterances of twelve frames with random weights. Look at half a token per frame: "
    "below it weights above 1 and lost tokens are rare.",
)

# %% [markdown] tags=["answer"]
# For up to six words or so. From half a token per frame on scaled weights rise above 1, and tokens
# are lost; below, that is rare. A second has 1000 / 40 = 25 frames of 40 ms, or 1000 / 80 = 12.5 of
# 80 ms, and people speak only a few words or syllables in it: such frames are short enough. With
# longer frames, or with letters as tokens, they may not be.

# %% [markdown]
# **Exercise 02.5 (optional).** Change `scale` so that it flattens as w2v-cif-bert does: *while* a
# scaled weight is above 1, every weight becomes the mean of itself and of the mean of all.


# %%
def scale(alpha, tokens):
    return [weight * tokens / sum(alpha) for weight in alpha]


print("before:", *(f"{weight:.2f}" for weight in scale(peak[0].tolist(), 3)))


# %% tags=["exercise"]
def scale_flat(alpha, tokens): ...  # start from scale


check("02.5", scale_flat)


# %% tags=["solution"]
def scale_flat(alpha, tokens):
    scaled = [weight * tokens / sum(alpha) for weight in alpha]
    while max(scaled) > 1:
        mean = sum(scaled) / len(scaled)
        scaled = [(weight + mean) / 2 for weight in scaled]
    return scaled


check("02.5", scale_flat)

# %% [markdown] tags=["hints"]
# Two steps: scale, then flatten. The second one may be needed several times.
#
# Start with the list that `scale` returns. The mean of all weights does not change while you
# flatten.
#
# `while max(scaled) > 1:` compute the mean of all, and replace each weight by half of the sum of
# itself and the mean.

# %% [markdown]
# The dialect of w2v-cif-bert computes what should come out for our six frames (it flattens above
# 0.999, and leaves alone the *padding*, frames that fill up the shorter utterances of a batch):

# %% tags=["answer"]
# The six frames, flattened
flattened = DIALECTS["w2v_cif_bert"].contributions(peak, target_lengths=three).alpha
print("after: ", *(f"{weight:.2f}" for weight in flattened[0].tolist()))
assert_close(flattened.sum(), torch.tensor(3.0))

# %% [markdown]
# ## 12. When the lengths differ
#
# Without scaling there may be more words than tokens, or more tokens than words. Most code then
# compares what both have, from the front (the README of CIF-PyTorch advises it). Let our recogniser
# give 0.7 of its weights, unscaled.
#
# **Predict first:** which words are compared with the wrong sound: the last ones, or all?

# %% tags=["answer", "hide-input"]
# Table: what each token is made of
weak = cifviz.integrate_and_fire(0.7 * real, identity, slack=0.01)
spans = [[recognizer.grid.frame(time) for time in span] for span in speech.words.spans]
middle = torch.arange(real.shape[1]) + 0.5  # of each frame
rows = []
for i, row in enumerate(weak.contributions[0]):
    shares = [row[(middle > begin) & (middle < end)].sum().item() for begin, end in spans]
    parts = zip(words, shares, strict=True)
    sources = [f"{word} {100 * part:.0f} %" for word, part in parts if part > 0.1]
    rows.append([f"token {i}", words[i], " + ".join(sources)])
rows += [[f"(token {i})", words[i], "never compared"] for i in range(len(rows), len(words))]
table(["token", "compared with", "made of the sound of"], rows)

# %% [markdown] tags=["answer"]
# Nearly all, and the error grows: the later a token, the less it contains of the word that it is
# compared with. The last words are never asked for. In every step until the count is right, a
# decoder without scaling learns from such a list.

# %% [markdown]
# Now a batch of two utterances with three words each, *one two three* and *four five six*. The
# weights of the first sum to 3.2, those of the second to 1.6. CIF-HieraDist compares the same
# number of tokens in *every* utterance of a batch: as many as the one with the most tokens has
# fired, at most as many as there are words.
#
# **Predict first:** what are the words *five* and *six* compared with?

# %% tags=["answer"]
# Tokens of the second utterance
uneven = torch.tensor([[0.9, 0.8, 0.7, 0.8], [0.4, 0.5, 0.3, 0.4]])
batch = cifviz.integrate_and_fire(uneven, torch.eye(4).expand(2, 4, 4))
common = min(batch.embeddings.shape[1], 3)
print("tokens fired:", *batch.num_fires.tolist(), "· compared in each:", common)
print(batch.embeddings[1, :common])

# %% tags=["answer", "hide-input"]
# Words that the second utterance teaches the decoder
digits = "zero one two three four five six seven eight nine".split()
references = [["one", "two", "three"], ["four", "five", "six"]]
decoder = torch.nn.Linear(4, len(digits))  # a decoder in one layer: four channels, ten words
ids = torch.tensor([[digits.index(word) for word in reference] for reference in references])
loss = F.cross_entropy(decoder(batch.embeddings).transpose(1, 2), ids, reduction="none")
fired = torch.arange(common) < batch.num_fires[:, None]
for name, counted in {"all in the batch": loss >= 0, "only what fired": fired}.items():
    (bias,) = torch.autograd.grad(loss[1][counted[1]].sum(), decoder.bias, retain_graph=True)
    taught = [word for word in references[1] if bias[digits.index(word)] < 0]
    print(f"{name}: the bias of the decoder learns to give {', '.join(taught)}")

# %% [markdown] tags=["answer"]
# With vectors of zeros. The second utterance fired one token; what did not fire is filled up with
# zeros, to the length of the batch. A vector of zeros can only teach the bias of the decoder: to
# give the most frequent words, whatever the sound is. This library compares only what fired in each
# utterance.
#
# Either way the cross-entropy gives the weights no reason to let the missing words fire, for no
# weight is in a vector of zeros. Only the quantity loss does that.

# %% [markdown]
# The numbers that this lesson arrived at are kept in the notebook, so that a later run can be
# compared with this one. The cells that keep them are hidden.

# %% tags=["answer", "hide-input"]
# Numbers kept: by hand, and of the recording
assert min(lengths) > lengths[0] - 1e-5  # section 7: by Pythagoras
record(
    tokens_unscaled=int(unscaled.num_fires),
    tokens_scaled=int(scaled.num_fires),
    tokens_backwards=int(loop.num_fires[1]),
    tokens_of_weak_weights=int(weak.num_fires[0]),
)
record(first_slope=first, second_slope=second, flattened_peak=flattened.max(), tolerance=1e-5)
record(mean_factor=sum(factors) / len(factors), tolerance=0.005)
record(
    sum_behind_scaling=sums["cross-entropy after scaling"],
    sum_quantity=sums["quantity loss"],
    tolerance=1e-4,
)
record(
    growth_of_slopes=growth[0.001][0] / growth[1.0][0] / 1000,
    growth_by_logit=growth[0.001][1] / growth[1.0][1],
    tolerance=0.01,
)
record(sum_when_weights_move=moved_sums[-1], sum_when_logits_move=logit_sums[-1], tolerance=0.02)
record(percent_lost_at_half=lost[5], percent_lost_at_one=lost[11], tolerance=0.9)

# %% tags=["answer", "hide-input"]
# Numbers kept: of the trainings
with_loss, without = ends["with quantity loss"], ends["without"]
record(live_counts=with_loss.mass, tolerance=0.05)  # trained here: other machines, other digits
record(live_gain_runs_away=without.mass > 2, live_inserts=without.token_error_rate > 1)
record(live_division_helps=divided < as_it_is / 4)
record(**{f"{variant}_S_over_N".replace("-", "_"): ratio[variant] for variant in ratio})
record(**{f"{variant}_worst_seed".replace("-", "_"): worst[variant] for variant in worst})

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary(
    "contribution",
    "dialect",
    "embedding",
    "mass axis",
    "quantity loss",
    "scaled weight",
    "scaling",
    "slope",
    "target length",
    "token error rate",
    "weight",
    "weight sum",
)

# %% [markdown]
# ## On your own
#
# - Set `recording` to `"sentence_set"`, whose recogniser decodes one word after the other. Do the
#   arrows of section 6 still cancel? Must they?
# - Set `seed` to 1, 2, 3 and run section 5 again. Does the gain ever run away downwards?
# - `train` in section 5 takes `apply_scaling=False` too. Train with neither scaling nor quantity
#   loss. What do you expect, and what happens?
# - At inference w2v-cif-bert scales once more, to the nearest whole number. Would that have saved
#   the recogniser without a quantity loss?
# - Write a loss after scaling that does see the size of the weights. (You cannot. Where does the
#   proof in section 4 use that the loss is computed from scaled weights?)

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *Another decoder.* They cancel, and they must. The proof in section 4 uses only that the loss is
#   computed from the scaled weights, whatever the decoder is.
# - *Other seeds.* With seeds 1 and 2 it runs upwards again. Section 7 gives a reason, and no proof.
# - *Neither.* In a run with seed 0 nearly every frame weighs 1 in the end, and next to nothing is
#   learned. Nothing asks for the right number, and each word is compared with one frame from the
#   beginning of the sound.
# - *Scaling once more at the end.* No. If S is three times N, the nearest whole number is about
#   three times N, too. Rounding corrects errors of less than half a token.
# - *A loss that sees the size.* There is none. L(g · α) = L(α) for each g holds because scaling
#   divides by the sum: that is the first line of the proof.

# %% [markdown]
# ## In practice
#
# - CIF-PyTorch, CIF-HieraDist, torch_cif, FunASR's Paraformer and w2v-cif-bert all scale in
#   training. The recognisers among them have a quantity loss beside it. The two that are a module
#   alone, CIF-PyTorch and torch_cif, return the sum for it. Its weight is 1 in the AISHELL-1 recipe
#   of CIF-HieraDist.
# - In the code of CIF-HieraDist the switch `apply_scaling` is read from the dropout of the
#   convolution (`getattr(args, "conv_cif_dropout", True)`). A dropout of 0 turns scaling off,
#   without a message. If a CIF of yours learns slowly and confuses words, check whether it scales.
# - Scaled weights sum to N up to rounding, and at β = 1 rounding can cost the last token: a user
#   [asked](https://github.com/MingLunHan/CIF-PyTorch/issues/3) why the lengths differ. Code
#   therefore fires at 0.99, or scales to a little more than N (torch_cif: 1e-4 more). This library
#   lets the last token end where the weights end. Lesson 07 measures it.
# - w2v-cif-bert scales in inference as well, to the nearest whole number of S. That replaces a rule
#   for the tail and moves every border a little; lesson 05 compares the two. Its flattening never
#   ends if there are more words than frames.
# - A sum that was learnt on utterances of one kind need not hold on others. Users of a CIF for
#   Whisper [report](https://github.com/backspacetg/simul_whisper/issues/12) sums above 10 on clips
#   of one second, and suspect that it was trained on much longer ones. Plot S against N first.

# %% [markdown]
# ## Further reading
#
# - L. Dong and B. Xu, [CIF: Continuous Integrate-and-Fire for End-to-End Speech
#   Recognition](https://arxiv.org/abs/1905.11235), ICASSP 2020: section 2.2 introduces scaling and
#   quantity loss together.
# - [CIF-PyTorch](https://github.com/MingLunHan/CIF-PyTorch): its README gives three tips for
#   training, on frame rates, on lengths that differ and on the 1e-8.
# - C. Yi, S. Zhou and B. Xu, [Efficiently Fusing Pretrained Acoustic and Linguistic Encoders for
#   Low-resource Speech Recognition](https://arxiv.org/abs/2101.06699), 2021: the paper of
#   w2v-cif-bert, where weights are flattened.
# - [cifviz/core/scaling.py](../cifviz/core/scaling.py) and
#   [cifviz/core/losses.py](../cifviz/core/losses.py): scaling and the quantity loss in this
#   library, half a page each.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 10 min: sections 1 and 2. Let the class scale (0.2, 0.5, 0.4, 0.1, 0.3) on paper before the
#   first cell runs. Exercise 02.1.
# - 10 min: section 3 with the slider. Ask for the number of ▲ before each move. Exercise 02.2.
# - 15 min: section 4 at the blackboard: why the sum is 0, the two slopes by the quotient rule, then
#   the general formula in two lines. Exercise 02.3 in pairs.
# - 15 min: section 5. Start the training, collect predictions while it runs, then read the four
#   transcripts aloud. Have someone run it with another seed.
# - 10 min: sections 6 and 7. Let them describe the three rows of arrows before they read the text.
#   Then (0.14, 0.02) and (0.2, 0.05) on the board: equal length, equal product.
# - 10 min: section 8, the same with numbers. Ask who would have noticed from the training loss.
# - 10 min: sections 9 to 11. Exercise 02.4 by show of hands; 02.5 is homework if time is short.
# - 5 min: section 12, the table of words compared with the wrong sound.
# - 5 min: *In practice*, and one question from *On your own* for next time.
#
# ### Likely questions
#
# - *Why not train with the quantity loss alone, if it counts as well?* Section 8: it learns the
#   words more slowly and less well, because until the count is right, words are compared with the
#   wrong sound.
# - *Why does the gain grow and not shrink?* Section 7 has a reason, no proof. Training makes
#   weights differ, and it moves logits. While weights are small, steps on logits keep their
#   product, and at equal product weights that differ have the larger sum: (0.1, 0.1) becomes (0.2,
#   0.05). Beware of the shorter answer that a step at right angles to α makes α longer. It does,
#   but the length is not S. With the two frames of section 4 and the loss −L, a step of rate 0.01
#   leads from (0.2, 0.6) to (0.18125, 0.60625): the squares sum to 0.4004 instead of 0.4000, the
#   weights to 0.7875 instead of 0.8. And as long as weights do not come to differ, nothing grows:
#   in the first steps of section 5 S hardly moves.
# - *Could one do without the quantity loss, and divide afterwards?* On strings like those in
#   training it nearly works, as section 5 shows. But one has to measure the number, and one number
#   for all is less than a loss that sees each utterance. A good project: do it with the models of
#   section 8, string by string.
# - *Does the CTC loss not teach the number?* It teaches the encoder, not the weights: all trainings
#   of this lesson have a CTC loss beside the cross-entropy.
# - *Is the quantity loss |S − N| or its square?* The absolute value, here divided by the words of
#   the batch. Its slope is the same for each frame, however wrong the sum is.
# - *Why does CIF-PyTorch not give NaN in the tables of section 11?* The dialects of this library
#   leave a row without weight at zero; the original line is in section 9.
#
# ### Usual misconceptions
#
# - *The slopes sum to zero.* Weighted by α they do. Equal weights hide the difference.
# - *Scaling makes the count right.* In training. In use it is not there.
# - *A low training loss means that it works.* Not for what the loss cannot see: section 8 has two
#   trainings with the same curve, and one of them is useless.
# - *1e-8 prevents exploding gradients.* It prevents NaN. At no weight at all the slope is N / 1e-8.
# - *The quantity loss finds the words.* It pushes every frame alike. The cross-entropy decides
#   where the weight goes.
