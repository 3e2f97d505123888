# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # Watch how an alignment is learned
#
# **What you'll do:** train a recogniser in this notebook, keep a copy of it every few steps, and
# compare the copies: from weights that say nothing to weights that mark words.
#
# **What you'll learn**
#
# - *compute* what the weights sum to before training, and the bias that makes this sum right
# - *derive* in which direction the quantity loss and the cross-entropy change a weight
# - *read* a series of training snapshots: how many tokens, then where, then which
# - *compare* which loss falls first, here, in full-size trainings, and in a published one
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb), from [lesson 02](02_scaling.ipynb)
# scaling and the quantity loss, and what gradient descent is. No network, no GPU.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [02 Scale the weights, and see what that hides](02_scaling.ipynb) · Next: [04 Find out
# where the weights come from](04_weights.ipynb)

# %% tags=["hide-input"]
# Imports
import torch
from torch.testing import assert_close

import cifviz
from cifviz import Waveform
from cifviz.audio.resampling import resample
from cifviz.course import (
    canvas,
    check,
    classroom,
    glossary,
    live_figure,
    name_words,
    play,
    play_all,
    record,
    show,
    table,
)
from cifviz.explorer import sonify
from cifviz.metrics import mass_in_silence, token_errors
from cifviz.plot import (
    STYLE,
    contributions,
    fires,
    log_mel,
    snapshot_strip,
    token_spans,
    training_curves,
    weights,
)
from cifviz.published import read_results
from cifviz.resources import resource
from cifviz.training.snapshots import fallen

# %% tags=["parameters"]
seed = 0  # of the training
fast = True  # False: train twice as long
clip = "digits_pause"  # the utterance to watch; its voice is not trained on
recording = "digits_george_long"  # one of cifviz.list_recordings() that begins with digits

# %% [markdown]
# ## 1. What it learns from
#
# A CIF recogniser learns from sound and its transcript: the words in their order, without times.
# After training its weights show where the words are, although nobody told it. How does it find
# out? And does it first learn how many words there are, or which, or where? This lesson trains a
# small recogniser and looks at it again and again.
#
# Sixteen synthetic voices say the ten digits, one by one, at three speeds. For each training step
# some of these sounds are drawn, varied a little, and joined to strings, with or without pauses.
# Eleven voices are used in training. The other five are held out: the errors are measured on them.
# Here is a string in one of the held-out voices.

# %% tags=["hide-input"]
# Figure: a string of digits as the recogniser gets it, and its words
string = classroom.strings(3, held_out=True)[2]
feature_grid = classroom.FEATURES.grid
reference = cifviz.Alignment(
    cifviz.TimedToken(classroom.DIGITS[token], *map(feature_grid.seconds, span))
    for token, span in zip(string.tokens, string.spans.tolist(), strict=True)
)
figure, axes = canvas(2, height=1.5)
log_mel(string.features, feature_grid, ax=axes[0])
token_spans(reference, ax=axes[1])
axes[0].set_xlabel("")
show(
    figure,
    "A string of digits as the recogniser gets it, power over time and frequency, with silence "
    f"between some of the words. Below, when each was spoken: {reference.text}.",
    caption="Above, the log-mel features of a string of digits: this is what the recogniser gets. "
    "Below, its words with their times. The times are known here, but not to the recogniser.",
)

# %% [markdown]
# Since the strings were joined from single words, we know when each word is spoken. The recogniser
# does not. It gets the upper picture and the list of words.
#
# We shall watch it on one clip that is not used in training:

# %%
watched = cifviz.load_clip(clip)
print("reference:", watched.words.text)
play(watched.waveform, f"The clip {clip}")

# %% [markdown]
# ## 2. Before the first step
#
# The weight of a frame is the output of a sigmoid. ([Lesson 04](04_weights.ipynb) looks at the
# network in front of it.) Before training its input is close to 0, so every frame has a weight of
# about 1/2, with speech in it or not.
#
# **Exercise 03.1.** Somebody says five words in 4 s. A frame is 40 ms long. How large is S/N before
# training, the sum S of all weights over the number N of words?

# %% tags=["exercise"]
mass_per_word = ...
check("03.1", mass_per_word)

# %% tags=["solution"]
mass_per_word = (4 / 0.04) * 0.5 / 5
check("03.1", mass_per_word)

# %% [markdown] tags=["hints"]
# Two numbers are needed: the sum of all weights, and the number of words.
#
# How many frames are there in 4 s? Each weighs about 1/2.
#
# 4 / 0.04 frames times 1/2, divided by five words.

# %% [markdown]
# Far too many tokens would fire. This can be mended without any training, if one knows how many
# words people say in a second.
#
# **Exercise 03.2.** With five words in 100 frames, a frame should weigh 5/100 = 0.05 on average.
# The input of the sigmoid is the *bias* b plus something close to 0. Which b gives 0.05? Give it
# with two decimals.

# %% tags=["exercise"]
bias = ...
check("03.2", bias)

# %% tags=["solution"]
bias = torch.logit(torch.tensor(0.05)).item()  # ln(0.05 / 0.95)
check("03.2", bias)

# %% [markdown] tags=["hints"]
# Which number does the sigmoid turn into 0.05?
#
# Solve 0.05 = 1 / (1 + exp(−b)) for b. The inverse of the sigmoid is called logit.
#
# b = ln(p / (1 − p)) with p = 0.05; weights below 1/2 need a bias below 0.

# %% [markdown]
# In the library, `cifviz.CIF.start_at(tokens_per_frame)` sets this bias, and the shipped models
# started with it. In this lesson we leave it out, to see how training changes weights that are all
# wrong.

# %% [markdown]
# ## 3. What changes a weight
#
# The recogniser is trained by the three losses of lesson 00, added up: the cross-entropy, half the
# CTC loss and the quantity loss. Gradient descent changes a weight by the slopes of the losses at
# that weight.
#
# - The *quantity loss* asks for as many tokens as words. It has a slope at the weights.
# - The *cross-entropy* asks that each token is the right word. It has a slope at the weights, too.
# - The *CTC loss* is computed from the encoder's frames by a layer of its own, so it has no slope
#   at any weight. But it changes the encoder, from whose frames the weights are computed.
#
# First the quantity loss. Take the four weights of lesson 01, and two words in the reference. The
# weights sum to S = 0.2 + 0.9 + 0.6 + 0.6 = 2.3, so |S − N| is 0.3.
#
# **Predict first:** what is the slope of |S − 2| at each of the four weights? Does it tell frames
# with speech from frames without?

# %% tags=["answer"]
# The slopes by autograd
alpha = torch.tensor([0.2, 0.9, 0.6, 0.6], dtype=torch.float64)
h = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))

given = alpha.clone().requires_grad_()
firing = cifviz.integrate_and_fire(given[None], h[None])
quantity = 2 * cifviz.quantity_loss(firing, torch.tensor([2]))  # the library's is per word
quantity.backward()
print(f"|S − N| = {quantity.item():.1f}, slopes:", given.grad.tolist())

# %% [markdown] tags=["answer"]
# +1 at every frame. So this loss makes all weights smaller by the same amount, those of speech and
# those of silence. It can change how many tokens fire, but it cannot say where. And its effect is
# strong, since all frames move in the same direction.

# %% [markdown]
# **Exercise 03.3.** Five words are spoken in 110 frames, whose weights sum to 4.4. One step of
# gradient descent on |S − N|, with a rate of 0.01, changes the weights themselves. What do they
# sum to afterwards?

# %% tags=["exercise"]
sum_afterwards = ...
check("03.3", sum_afterwards)

# %% tags=["solution"]
sum_afterwards = 4.4 + 110 * 0.01
check("03.3", sum_afterwards)

# %% [markdown] tags=["hints"]
# The slope of |S − N| is the same at each frame. Is it +1 or −1 here?
#
# The sum is too small, so each weight grows by the rate times 1.
#
# 110 weights grow by 0.01 each. Add that to 4.4, whether it overshoots or not.

# %% [markdown]
# **Exercise 03.4.** Program that step: `descend(alpha, tokens, rate)` takes a list of weights and
# returns the list after one step on |S − N|. No weight falls below 0.


# %% tags=["exercise"]
def descend(alpha, tokens, rate): ...


check("03.4", descend)


# %% tags=["solution"]
def descend(alpha, tokens, rate):
    slope = (sum(alpha) > tokens) - (sum(alpha) < tokens)  # +1, 0 or −1
    return [max(0.0, weight - rate * slope) for weight in alpha]


check("03.4", descend)

# %% [markdown] tags=["hints"]
# One step moves every weight by the same amount. In which direction depends on the sum alone.
#
# If the sum is above `tokens`, subtract the rate; below, add it; equal, change nothing.
#
# Python's comparisons give True and False, which count as 1 and 0: their difference is the slope.
# `max(0.0, …)` stops at 0.

# %% [markdown]
# So the cross-entropy has to say *where*. It sees the embeddings of the tokens. Look at c, the
# embedding of token 1. Its frames begin with frame 1, in which token 0 fires, and end with frame 3,
# in which it fires itself. What happens to c if the weight of one frame grows by a small ε?
#
# - **Frame 0 or 1** (before token 1, or the frame in which it begins): token 0 is full earlier. So
#   token 1 takes ε more of frame 1. Then it is full earlier, too, and takes ε less of frame 3.
# - **Frame 2** (inside token 1): it takes ε more of frame 2, and ε less of frame 3.
# - **Frame 3** (in which it ends): it takes as much as it needs to be full, as before.
#
# In a formula, with h the vectors of the frames: c changes by ε (h₁ − h₃) in the first case, by ε
# (h₂ − h₃) in the second, and not at all in the third. Autograd agrees:


# %%
def second_token(alpha):
    return cifviz.integrate_and_fire(alpha[None], h[None]).embeddings[0, 1]


slopes = torch.autograd.functional.jacobian(second_token, alpha).T  # a row for each frame
by_hand = torch.stack([h[1] - h[3], h[1] - h[3], h[2] - h[3], torch.zeros(3)])
assert_close(slopes, by_hand)

# %% [markdown]
# Two things follow.
#
# - *Every* earlier weight moves the borders of all later tokens. An error at the beginning has an
#   effect up to the end.
# - The change is a *difference of two frames*. As long as the encoder gives nearly the same vector
#   for all frames, these differences are nearly zero, and the cross-entropy cannot change where the
#   weights are. The encoder has to tell sounds apart first.
#
# So what do you expect: will the number of tokens be right first, or the words?

# %% [markdown]
# ## 4. Train
#
# The recogniser is built like that of lesson 00, but smaller, and starts with random parameters.
# The training keeps 30 copies of it, the *snapshots*. It takes about a quarter of a minute if
# nothing else runs.

# %%
training = classroom.train(seed=seed, steps=450 if fast else 900, informed=False, snapshots=30)

# %% tags=["hide-input"]
# Table: some of the snapshots
rows = [
    [shot.step, f"{shot.mass:.2f}", f"{shot.quantity:.3f}", f"{shot.token_error_rate:.0%}"]
    for shot in training.snapshots[::4] + training.snapshots[-1:]
]
table(["steps", "S/N", "quantity loss per word", "token errors"], rows)

# %% [markdown]
# The numbers are measured on strings in the held-out voices, the same as in section 6. The quantity
# loss is |S − N| per word: 0.1 means one word too many or too few in ten. Token errors are words
# that are wrong, missing or too many, over the number of words. They are above 100 % while far too
# many tokens fire.

# %% [markdown]
# ## 5. Look at the snapshots
#
# Each snapshot transcribes the clip of section 1.
#
# **Predict first:** what changes first, how large the weights are, or where they are large?

# %% tags=["hide-input"]
# Transcribe the clip with each snapshot
found = [shot.model.transcribe(watched.waveform) for shot in training.snapshots]
grid = training.model.grid
by_step = dict(zip(training.steps, found, strict=True))


def spread(values, count):
    """Some of a list at equal distances, the first and the last among them."""
    return [values[round(k * (len(values) - 1) / (count - 1))] for k in range(count)]


# %% tags=["answer", "hide-input"]
# Figure: the weights of twelve snapshots
figure, (ax,) = canvas(height=5.2)
shown = spread(training.steps, 12)
snapshot_strip(
    [by_step[step].firing for step in shown],
    grid,
    labels=[f"{step} steps" for step in shown],
    words=watched.words,
    ax=ax,
)
show(
    figure,
    "Twelve rows of weights over time, one for each snapshot from top to bottom, with a bar for "
    "each fire. First high everywhere, with fires close together; then low and even, with a few "
    "fires at regular distances; at last in hills inside the words, and nothing in the pause.",
    caption="Weights of the clip in twelve snapshots, from top to bottom; a bar for each fire. "
    "Follow the pause between the words downwards: when do its weights vanish?",
)

# %% [markdown] tags=["answer"]
# How large they are. There are three phases.
#
# 1. *Too many*: the weights are not far from 1/2 everywhere, and a token fires every two or three
#    frames.
# 2. *Evenly spaced*: the number of tokens is about right, but the weights are nearly the same
#    everywhere, in silence too. The fires would come at much the same distances whatever is said.
# 3. *Words*: the weights are large where somebody speaks, and close to zero where nobody does.

# %% [markdown]
# Move through all snapshots yourself. The second picture shows the contributions W: which frames
# each token is made of. The title has the transcript.


# %% tags=["hide-input"]
# What the slider draws
def draw_snapshot(ax, *, steps, picture):
    one = by_step[steps]
    if picture == "W":
        contributions(one.firing, grid, ax=ax)
        ax.set_ylabel("token")
    else:
        for word in watched.words:
            ax.axvspan(word.start, word.end, color=STYLE["neutral"], alpha=0.6, zorder=0)
        drawn = weights(one.firing, grid, ax=ax, threshold_kw={"visible": False})
        drawn.threshold_label.set_visible(False)
        fires(one.firing, grid, ax=ax)
        ax.set_ylim(0, 0.8)
        name_words(ax, watched.words)
    return f"S = {float(one.firing.weight_sum):.1f}, hypothesis: {one.text[:40] or 'nothing'}"


# %% tags=["hide-input"]
# Figure with controls: weights and contributions of each snapshot
first, even, last = training.steps[0], training.steps[len(training.steps) // 3], training.steps[-1]
live_figure(
    draw_snapshot,
    steps=training.steps,
    picture=["weights", "W"],
    static=[
        *({"steps": step, "picture": "weights"} for step in (first, even, last)),
        *({"steps": step, "picture": "W"} for step in (even, last)),
    ],
    alt="The clip at moments of the training. Weights and fires: high everywhere at first, low and "
    "even after a third of the steps, hills inside the words at the end. Below, W after a third, "
    "where every token is a long flat row, and at the end, where it is a few dark frames. Each W "
    "has its own scale of colour, from nothing to its largest part.",
    caption="Weights (grey areas: words of the reference) and contributions W of the clip, at "
    "moments of the training. Each W has its own scale of colour. Compare the rows of W: how many "
    "frames is a token made of?",
)

# %% [markdown]
# The same as sounds: the clip, a tone that is as loud as the weight, and a click at each fire.
# Listen to the clicks first: do they come at even distances, or once in each word? Then to the
# pause: does the tone go on in it?

# %% tags=["hide-input"]
# Sounds: weights and fires of the clip at three moments of the training
narrow = Waveform(resample([watched.waveform.samples], 16_000, 8_000), 8_000)  # half the size
moments = {
    step: cifviz.Transcription.from_firing(
        by_step[step].firing, frame_shift=grid.shift, start=grid.start, waveform=narrow
    )
    for step in (first, even, last)
}
play_all([(f"After {step} steps", sonify(one, voice=True)) for step, one in moments.items()])

# %% [markdown]
# How much weight is in silence can be computed, since the edges of the words in the clip are known:

# %% tags=["hide-input"]
# The share of the weight that is in silence
silent = [mass_in_silence(one.firing, grid, watched.words) for one in found]
sums = [float(one.firing.weight_sum) for one in found]
silent_share = [part / max(whole, 1e-9) for part, whole in zip(silent, sums, strict=True)]
silent_time = 1 - sum(word.duration for word in watched.words) / watched.waveform.duration
print(f"silence is {silent_time:.0%} of the time")
for step in (first, even, last):
    print(f"after {step} steps it has {silent_share[training.steps.index(step)]:.0%} of the weight")

# %% [markdown]
# A little of it stays. The encoder sees some tenths of a second around each frame, so a frame of
# silence next to a word knows of the word.
#
# Look also at where in a word its weight is. It does not cover the word. Whether it is at the
# beginning of the words or at their ends is chance: with other seeds it is the other way round, in
# all words alike. And where two words are far apart, the fire between them can be anywhere in the
# pause. No loss of this training asks for more. What helps is the topic of [lesson
# 06](06_how_good_is_it.ipynb).

# %% [markdown]
# ## 6. Which comes first
#
# The quantity loss measures the number of tokens, the token errors measure the words. To judge a
# quantity loss, compare it with what can be had without recognising any word. A *constant rate*
# fires so many tokens a second, the best number for these strings, and ignores the sound. A
# *constant rate in speech* does the same, but not in silence.

# %% tags=["hide-input"]
# The quantity loss of both constant rates, on the strings of the table in section 4
measured_on = classroom.strings(60, held_out=True)
counts = torch.tensor([float(len(one.tokens)) for one in measured_on])
shift = feature_grid.shift
lengths = torch.tensor([len(one.features) * shift for one in measured_on])
spoken = torch.tensor([float(one.spans.diff(dim=1).sum()) * shift for one in measured_on])


def at_best_rate(seconds):
    rates = torch.linspace(0.5, 6, 551)[:, None]  # words per second
    return float((rates * seconds - counts).abs().sum(dim=1).min() / counts.sum())


constant = {
    "constant rate": at_best_rate(lengths),
    "constant rate in speech": at_best_rate(spoken),
}
for name, loss in constant.items():
    print(f"quantity loss of a {name}: {loss:.2f} per word")

# %% [markdown]
# **Predict first:** sketch two curves over the training steps, the quantity loss and the token
# errors. How many words are wrong when the quantity loss is down to that of the constant rate?

# %% tags=["answer", "hide-input"]
# Figure: three curves over the training
figure, axes = canvas(3, height=1.9)
shown = {"mass": "S/N", "quantity": "quantity loss", "token_error_rate": "token errors"}
for ax, (curve, name) in zip(axes, shown.items(), strict=True):
    ax.plot(training.steps, training.curve(curve), marker="o", markersize=3)
    ax.set_yscale("log")
    ax.set_yticks([0.03, 0.1, 0.3, 1, 3, 10], ["0.03", "0.1", "0.3", "1", "3", "10"])
    ax.minorticks_off()
    ax.set_ylim(0.02, 20)
    ax.set_ylabel(name)
for (name, loss), dashes in zip(constant.items(), ["--", ":"], strict=True):
    axes[1].axhline(loss, color=STYLE["level"], linestyle=dashes, label=name)
axes[1].legend(loc="upper right")
axes[2].set_xlabel("training steps")
show(
    figure,
    "Three curves over the training steps, on one logarithmic scale. The ratio falls from "
    "several to about 1 within some fifty steps, and then stays between 0.7 and 1.1. The quantity "
    "loss falls with it below that of a constant rate, stays above that of a constant rate in "
    "speech for a while, and goes on falling later, while the token errors come down from 1.",
    caption="S/N, quantity loss and token errors over the training, on one logarithmic scale. "
    "Look at the two falls of the quantity loss, and at the token errors at the same steps.",
)

# %% tags=["answer", "hide-input"]
# The first snapshot that is as good as a constant rate
passed = next(shot for shot in training.snapshots if shot.quantity < constant["constant rate"])
print(f"as good as a constant rate after {passed.step} steps: {passed.token_error_rate:.0%} errors")

# %% [markdown] tags=["answer"]
# Nearly all of them. The quantity loss falls *twice*. In the first fifty steps or so, all frames
# become smaller together, and it gets better than a constant rate, while next to no word is right.
# There it stays for a while. The second fall goes below the constant rate in speech. To count
# better than that, it is not enough to know *whether* somebody speaks: one has to recognise words.
# This fall comes together with the fall of the token errors.

# %% [markdown] tags=["optional"]
# ## 7. Is it so at full size?
#
# [CIF-HieraDist](https://github.com/MingLunHan/CIF-HieraDist) is a recogniser for Mandarin with 47
# million parameters. Its repository has the log of its training on AISHELL-1. These are its numbers
# on the development set, after some of the 248 epochs:

# %%
epochs = [1, 2, 3, 4, 5, 10, 20, 50, 100, 248]
logged = {
    "quantity loss": [0.108, 0.170, 0.048, 0.025, 0.020, 0.0148, 0.0125, 0.0070, 0.0036, 0.0025],
    "character errors": [96.2, 87.7, 79.0, 59.9, 45.3, 22.5, 11.2, 6.7, 5.4, 4.42],  # in %
}

# %% [markdown]
# Besides, there are three trainings of the full-size recogniser of lesson 00, with three seeds, on
# recordings of people and synthetic voices. (They were not given any times of words.) Their
# histories have no token errors, so the cross-entropy stands for the words. Of the training in this
# notebook we take the quantity loss and the token errors, but at most 100 %: there are more only
# while too many tokens fire, and that is again the number.
#
# **Predict first:** in which of the trainings does the quantity loss fall before the words are
# right?

# %% tags=["hide-input"]
# Read the published trainings
plain = [
    result["history"]
    for result in read_results(resource("results"))
    if result["recipe"] == "digits" and result["variant"] == "plain" and not result["leave_out"]
]
full_size = {
    f"full size, seed {number}": {
        name: [losses[key] for losses in history]
        for name, key in [("quantity loss", "quantity"), ("cross-entropy", "cross_entropy")]
    }
    for number, history in enumerate(plain)
}
ours = {
    "quantity loss": training.curve("quantity"),
    "token errors": [min(1.0, rate) for rate in training.curve("token_error_rate")],
}
trainings = {
    "this training": (training.steps, ours),
    **{name: ([one["step"] for one in plain[0]], curves) for name, curves in full_size.items()},
    "published": (epochs, logged),
}

# %% tags=["answer", "hide-input"]
# Figure: the curves of three trainings
figure, axes = canvas(3, height=2.2, share_time=False)
names = ["this training", "full size, seed 0", "published"]
for ax, name in zip(axes, names, strict=True):
    times, curves = trainings[name]
    training_curves({curve: (times, values) for curve, values in curves.items()}, ax=ax)
    ax.set_title(name, loc="left", fontsize="medium")
    ax.set_xlabel("epochs" if name == "published" else "steps")
axes[2].set_xscale("log")
show(
    figure,
    "Three trainings, each with two curves as shares of their highest value: the quantity loss as "
    "a solid line, the errors or the cross-entropy dashed. In all three the solid line falls "
    "first: steeply in this training, by a little at full size, by some epochs in the published "
    "one.",
    caption="Quantity loss (solid) and words (dashed) of three trainings, each as a share of its "
    "highest value; the axis of time differs. Compare how far the solid line is ahead.",
)

# %% tags=["answer", "hide-input"]
# Table: when each curve has fallen by half and by nine tenths, for good
falls = {
    name: [[fallen(values, times, share) for share in (0.5, 0.9)] for values in curves.values()]
    for name, (times, curves) in trainings.items()
}
rows = [
    [
        f"{name} ({'epochs' if name == 'published' else 'steps'})",
        *(f"{when:.3g}" for pair in zip(*falls[name], strict=True) for when in pair),
    ]
    for name in falls
]
heads = ["quantity loss, by half", "words, by half", "quantity loss, by 9/10", "words, by 9/10"]
table(["fallen", *heads], rows)

# %% [markdown] tags=["answer"]
# In all of them. But they are not the same comparison:
#
# - In this training the first fall is that of weights which began at 1/2. The full-size trainings
#   began with the right bias (exercise 03.2), so they have no first fall. What the table shows of
#   them is the second fall, which comes *together* with the words, a little earlier.
# - The first number of the published log is that after one epoch. The weights of that code begin
#   near 1/2 too, but after an epoch their size has been right for long. It shows the second fall.
# - The published errors are those of characters when the true characters before them are given, and
#   the end of a sentence counts as a token. And an epoch is far more speech than a step of ours.
#
# So "first the number, then the words" is true in two ways: clearly for the size of the weights,
# and by a little for what they count. But it would be wrong to say that a recogniser first learns
# to count and then to recognise: below the loss of a constant rate in speech, counting words needs
# recognising them.

# %% [markdown] tags=["optional"]
# ## 8. From synthetic voices to people
#
# This recogniser was trained for some seconds, on eleven synthetic voices.
#
# **Predict first:** what will its weights be like on a recording of a person: large in the words,
# large somewhere else, or the same everywhere? And the words?

# %% tags=["answer", "hide-input"]
# Transcripts of a recording of a person
person = cifviz.load_recording(recording)
of_person = [
    shot.model.transcribe_features(person.log_mel, duration=person.duration)
    for shot in training.snapshots
]
shipped = cifviz.load_model("digits")
by_shipped = shipped.transcribe_features(person.log_mel, duration=person.duration)
print("reference:                    ", person.words.text)
print("after this training:          ", of_person[-1].text)
print("by the shipped model “digits”:", by_shipped.text)

# %% tags=["answer", "hide-input"]
# Figure: weights for a recording of a person, in five snapshots and by the shipped model
places = [training.steps.index(step) for step in spread(training.steps, 5)]
figure, (ax,) = canvas(height=3.4)
snapshot_strip(
    [*(of_person[place].firing for place in places), by_shipped.firing],
    grid,
    labels=[*(f"{training.steps[place]} steps" for place in places), "full size"],
    words=person.words,
    ax=ax,
)
show(
    figure,
    "Weights for a recording of a person: five snapshots, and the shipped model. At the end of "
    "the training there are hills in the words here as well, more ragged than on the clip; the "
    "last row has one broad hill for each word.",
    caption="Weights for a recording of a person: five snapshots, and the shipped model in the "
    "last row. Compare the last two rows: where are the weights, and how wide?",
)

# %% [markdown] tags=["answer"]
# One recording proves little. Here are all recordings of digits in the library:

# %% tags=["answer", "hide-input"]
# Number, place and words on all recordings of digits
people = [cifviz.load_recording(name) for name in cifviz.list_recordings()]
people = [one for one in people if one.corpus == "digits"]
of_people = [training.model.transcribe_features(p.log_mel, duration=p.duration) for p in people]
mass = sum(float(one.firing.weight_sum) for one in of_people)
outside = sum(
    mass_in_silence(one.firing, grid, who.words) for one, who in zip(of_people, people, strict=True)
)
silence = sum(who.duration - sum(word.duration for word in who.words) for who in people)
references = [[word.token for word in who.words] for who in people]
wrong = token_errors(references, [one.tokens for one in of_people]).rate

print(f"S/N: {mass / sum(map(len, references)):.2f}")
share = silence / sum(who.duration for who in people)
print(f"silence: {share:.0%} of the time, {outside / mass:.0%} of the weight")
print(f"token errors: {wrong:.0%}")

# %% [markdown] tags=["answer"]
# *How many* and *where* carry over to people: the sum is nearly right, and there is little *weight
# in silence*, that is, outside the words. *Which* does not: half of the words or more are wrong.
# That somebody says a word is much alike in all voices; which word it is, is not.
#
# The model in the last row was trained on people, on noise and on many more voices, and with a loss
# that was given the times of the words. So its weights are as wide as the words. [How good is a CIF
# alignment](../docs/alignment.md) says how much that matters.

# %% tags=["hide-input"]
# Numbers kept
end = training.snapshots[-1]
record(
    constant_rate=constant["constant rate"],
    constant_rate_in_speech=constant["constant rate in speech"],
    published_quantity_half=falls["published"][0][0],
    published_errors_half=falls["published"][1][0],
    quantity_first=all(
        one < other for pair in falls.values() for one, other in zip(*pair, strict=True)
    ),
    runs_at_full_size=len(plain),
    tolerance=5e-4,
)
record(mass_at_first=training.curve("mass")[0], tolerance=0.05)
# The training runs on the spot, and rounding differs between machines, so another machine trains a
# slightly different model. Of these numbers one percent cannot be asked.
record(mass_at_the_end=end.mass, tolerance=0.05)
record(quantity_at_the_end=end.quantity, tolerance=0.02)
record(token_error_rate=end.token_error_rate, tolerance=0.04)
record(errors_at_a_constant_rate=min(1.0, passed.token_error_rate), tolerance=0.05)
record(steps_to_a_constant_rate=float(passed.step), tolerance=12)  # one snapshot more or less
record(
    weight_in_silence_at_the_end=silent_share[-1], people_in_silence=outside / mass, tolerance=0.05
)
record(people_mass=mass / sum(map(len, references)), tolerance=0.12)
record(people_token_errors=wrong, tolerance=0.2)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary(
    *("contribution", "embedding", "encoder output", "fire", "frame", "quantity loss"),
    *("scaling", "starting weight", "target length", "token error rate", "weight"),
    *("weight in silence", "weight sum"),
)

# %% [markdown]
# ## On your own
#
# - Train with `informed=True`. How many steps does the right bias save?
# - Train with `quantity_weight=0`, and look at the snapshots. Which phase is missing, and what
#   happens to S/N?
# - Train with `apply_scaling=False`. Does any curve become worse?
# - Watch the clip `"digits_fast"`. Does the second phase tell its words apart? And the third?
# - Take seeds 1, 2 and 3. What is the same in all trainings, and what is chance? Look at where in
#   its word the weight is.

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *The right bias.* The first phase is missing. In a run with seed 0 half of the words were right
#   after little more than half as many steps, and so were four of five.
# - *No quantity loss.* The second phase is missing, and the third is hardly to be seen: S stays at
#   several times N, so each word comes out several times. The words are learned all the same, since
#   in training the weights are scaled.
# - *No scaling.* None that one could tell from chance, in a run with seed 0. The quantity loss
#   brings S near N within the first phase, and then scaling by N/S changes little. Without both,
#   lesson 02 shows what happens.
# - *Fast speech.* In the second phase it does not: there are too few tokens, at even distances. In
#   the third it does for most words, though no pause is between them. With seed 0 two of the eight
#   are lost: words that are shorter than those of the training weigh too little.
# - *Other seeds.* The three phases and their order are the same. Where in a word the weight is, is
#   chance: measured on the strings of section 4, its centre is near the middle of the words with
#   seed 0, towards their ends with 1, and at their beginning with 3.

# %% [markdown]
# ## In practice
#
# - CIF-PyTorch's README advises to down-sample the encoder to 1/8, frames of 80 ms. This helps the
#   start, too: 12.5 frames a second of weight 1/2 make some six tokens a second, which is not far
#   from the number of characters in fluent Mandarin.
# - What is measured in use is not what was trained: there is no scaling, and there is a tail rule.
#   FunASR rounded the number of tokens in training and cut it off in an export, until somebody
#   noticed (pull request 1791).
# - Watch S/N from the first step. It has to come right first. While it does not, look for the
#   fault in lengths, masks and losses, not in the decoder.
# - CIF-HieraDist's recipe trains with the cross-entropy, half the CTC loss of the encoder and the
#   whole quantity loss at once, as we do.

# %% [markdown]
# ## Further reading
#
# - L. Dong and B. Xu, [CIF: Continuous Integrate-and-Fire for End-to-End Speech
#   Recognition](https://arxiv.org/abs/1905.11235), ICASSP 2020: scaling, quantity loss and tail
#   handling, which make this training work.
# - M. Han et al., [Knowledge Transfer from Pre-trained Language Models to CIF-based Speech
#   Recognizers via Hierarchical Distillation](https://arxiv.org/abs/2301.13003), Interspeech 2023:
#   the model whose log is shown above, with code and recipe.
# - [cifviz/training/fit.py](../cifviz/training/fit.py): the loop that trained this recogniser and
#   the shipped models; `watch` takes the snapshots.
# - [cifviz/course/classroom.py](../cifviz/course/classroom.py): what is trained on, and how.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# Show the snapshots early, and let the derivations explain what everybody has seen. If there is
# time for one idea only, take the three phases, and the question what a constant rate can do.
#
# ### 90 minutes
#
# - 10 min, section 1: the clip, and the string without its words. What is the recogniser told?
#   Write "a picture and a list" on the board; it has to find out everything else.
# - 15 min, section 2: exercises 03.1 and 03.2, alone. Start the training of section 4 now.
# - 20 min, section 3: the slope of |S − N| on the board, exercises 03.3 and 03.4; then the three
#   cases of the second token, with the paper strips of lesson 01.
# - 15 min, sections 4 and 5: everybody draws the weights after 0, 50 and 450 steps before the
#   figure is shown. Then the slider. Name the phases.
# - 20 min, sections 6 and 7: the constant rates first. Draw the two curves, then show them. Which
#   comparison is fair? Let the group find the three differences before they are read.
# - 10 min, section 8 and questions: a person, and what the shipped model was told in addition.
#
# ### Likely questions
#
# - *Why does the quantity loss fall so fast?* All frames change in the same direction: the slope at
#   the bias is the sum over all of them. The slopes of the cross-entropy have all directions and
#   cancel until the encoder tells frames apart.
# - *Why is the weight at the beginning of the words?* Chance, with seed 0. With seeds 1 and 2 it is
#   at the ends. A frame of this encoder sees about as far as a word is long, so it can know of a
#   word anywhere in it, and no loss asks for one place or another. All words have the same place,
#   since one predictor makes all weights.
# - *Is scaling on?* Yes, in training: the cross-entropy sees N tokens from the first step on, even
#   while forty would fire. That is why words can be learned at all while the number is wrong, and
#   why nothing but the quantity loss corrects the number (lesson 02).
# - *What does the CTC loss do here?* It gives the encoder a reason of its own to tell sounds apart,
#   and differences between frames are what changes where the weights are.
# - *Will the snapshots be the same on my machine?* The three phases yes, the last digits no:
#   rounding differs between processors, and training enlarges small differences. With one seed on
#   one machine they are the same each time.
#
# ### Usual misconceptions
#
# - "It is taught where the words are." It gets the words and their order, and no times.
# - "A quantity loss near 0 means a good alignment." It sees the sum alone. Weights in the wrong
#   places, or all of them in silence, can sum to N.
# - "Errors of several hundred per cent mean that it recognises nothing." They mean that it fires
#   too often; with the number given, the words may be right already.
# - "The weights learn from the fires." The position of a fire has no slope. What has one is what
#   each token is made of.
