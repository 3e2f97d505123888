# %% [markdown]
# # Watch an alignment come to be
#
# **What you'll do:** train a recogniser in this notebook, keep a picture of it every few steps, and
# leaf through them: from weights that mean nothing to weights that mark words.
#
# **What you'll learn**
#
# - *compute* what weights add up to before anything is learnt, and the bias that puts it right
# - *derive* what the quantity loss and the words each pull at
# - *read* a training film: how many, then where, then what
# - *compare* which loss falls first, here, in full-size runs, and in a published one
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb), and what gradient descent is;
# [lesson 03](03_scaling.ipynb) helps. No network, no GPU.
#
# **Time:** 45 minutes
#
# Previous: [05 Compare what code bases mean by a threshold](05_thresholds_and_dialects.ipynb) ·
# Next: [07 Measure how far a fire is from a word's edge](07_how_good_is_it.ipynb)

# %%
import torch
from torch.testing import assert_close

import cifviz
from cifviz.course import canvas, check, classroom, glossary, live_figure, play, record, show, table
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
# Sixteen synthetic voices say the ten digits, one by one, at three speeds. For each step of the
# training some of them are drawn, varied a little and joined to strings, with pauses or without.
# Five of the voices are held out: what the recogniser is worth is measured on them. Here is a
# string in one of these voices.

# %%
string = classroom.strings(3, held_out=True)[2]
feature_grid = classroom.FEATURES.grid
said = cifviz.Alignment(
    cifviz.TimedToken(classroom.DIGITS[token], *map(feature_grid.seconds, span))
    for token, span in zip(string.tokens, string.spans.tolist(), strict=True)
)
figure, axes = canvas(2, height=1.5)
log_mel(string.features, feature_grid, ax=axes[0])
token_spans(said, ax=axes[1])
axes[0].set_xlabel("")
show(
    figure,
    f"A string of digits as the recogniser sees it, power over time and pitch, with silence "
    f"between some of the words. Below, when each was said: {said.text}.",
)

# %% [markdown]
# Since the strings are joined, we know when each word is said. The recogniser is *not* told. It
# gets the picture above and the list of words, in their order and without times. That it will find
# out where they are is what this lesson is about.
#
# We shall watch it on one clip that it never trains on:

# %%
watched = cifviz.load_clip(clip)
print("said:", watched.words.text)
play(watched.waveform, f"The clip {clip}")

# %% [markdown]
# ## 2. Before the first step
#
# The weight of a frame comes out of a sigmoid, and before training what goes into it is about 0.
# So every frame weighs about 1/2, speech or not.
#
# **Exercise 06.1.** Somebody says five words in 4 s. A frame is 40 ms long. Predict how large Σα/N
# is before training: all weights together, over the number of words.

# %% tags=["exercise"]
mass_per_word = ...
check("06.1", mass_per_word)

# %% tags=["solution"]
mass_per_word = (4 / 0.04) * 0.5 / 5
check("06.1", mass_per_word)

# %% [markdown]
# Far too many tokens would fire. One can do better without any training, if one knows how often
# people say a word.
#
# **Exercise 06.2.** With five words in 100 frames, a frame should weigh 5/100 = 0.05. What goes
# into the sigmoid is the *bias* b, plus something near 0. Which b gives 0.05? Two decimals will do.

# %% tags=["exercise"]
bias = ...
check("06.2", bias)

# %% tags=["solution"]
bias = torch.logit(torch.tensor(0.05)).item()  # ln(0.05 / 0.95)
check("06.2", bias)

# %% [markdown]
# The library has it as `cifviz.CIF.start_at(tokens_per_frame)`, and the models that come with it
# started so. Here we do without, to see what training makes of weights that know nothing.
#
# ## 3. What pulls at a weight
#
# Three losses train the recogniser, added up: the cross-entropy, half the CTC loss and the quantity
# loss. Two of them have a slope at the weights. The *quantity loss* wants as many tokens as words;
# the *cross-entropy* wants each token to be the right word. The *CTC loss* reads words off the
# encoder's frames by a layer of its own, so it has no slope at any weight; it changes what the
# weights are made of. Take the four weights of lesson 01, and say that two words were said.
# **Predict first:** the sum is 2.3. What is the slope of |Σα − 2| at each weight? Which frames does
# it want changed?

# %%
alpha = torch.tensor([0.2, 0.9, 0.6, 0.6], dtype=torch.float64)
h = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))

given = alpha.clone().requires_grad_()
firing = cifviz.integrate_and_fire(given[None], h[None])
quantity = 2 * cifviz.quantity_loss(firing, torch.tensor([2]))  # the library's is per word
quantity.backward()
print(f"|Σα − N| = {quantity.item():.1f}, slopes:", given.grad.tolist())
assert_close(given.grad, torch.ones(4, dtype=torch.float64))

# %% [markdown]
# +1 at every frame, whatever it holds. This loss can count and nothing else: silence and speech are
# pushed down alike. But it pushes hard, as all frames push in the same direction.
#
# **Exercise 06.3.** Five words are said in 110 frames, whose weights sum to 4.4. One step of
# gradient descent on |Σα − N|, with rate 0.01, on the weights themselves. What do they sum to
# afterwards?

# %% tags=["exercise"]
sum_afterwards = ...
check("06.3", sum_afterwards)

# %% tags=["solution"]
sum_afterwards = 4.4 + 110 * 0.01
check("06.3", sum_afterwards)

# %% [markdown]
# **Exercise 06.4.** Program that step: `descend(alpha, tokens, rate)` takes a list of weights and
# gives the list after one step on |Σα − N|. No weight falls below 0.


# %% tags=["exercise"]
def descend(alpha, tokens, rate): ...


check("06.4", descend)


# %% tags=["solution"]
def descend(alpha, tokens, rate):
    slope = (sum(alpha) > tokens) - (sum(alpha) < tokens)  # +1, 0 or −1
    return [max(0.0, weight - rate * slope) for weight in alpha]


check("06.4", descend)

# %% [markdown]
# So the *where* must come from the words. What does a weight change about the second token, the
# embedding c of token 1? It began in frame 1, where token 0 fired, and it ended in frame 3, where
# it fired itself. Let α of one frame grow by ε:
#
# - **a frame before token 1, or the one it began in** (0 or 1): token 0 is full earlier, so token 1
#   takes ε more of frame 1, and is full earlier itself: ε less of frame 3;
# - **a frame inside** (2): ε more of that frame, and ε less of frame 3;
# - **the frame it ended in** (3): it took only what it needed, and still does.


# %%
def second_token(alpha):
    return cifviz.integrate_and_fire(alpha[None], h[None]).embeddings[0, 1]


slopes = torch.autograd.functional.jacobian(second_token, alpha).T  # a row for each frame
by_hand = torch.stack([h[1] - h[3], h[1] - h[3], h[2] - h[3], torch.zeros(3)])
assert_close(slopes, by_hand)
table(
    ["α of frame", "moves token 1 towards", "and away from"],
    [[0, "frame 1", "frame 3"], [1, "frame 1", "frame 3"], [2, "frame 2", "frame 3"]],
)

# %% [markdown]
# Autograd agrees. Two things follow. *Every* earlier weight moves both borders of all later tokens:
# a mistake at the beginning is felt to the end. And the pull is a *difference of two frames*. As
# long as the encoder gives much the same vector to all frames, there is nothing to pull with: the
# encoder must tell sounds apart before the weights can find them. So which should come first, the
# right number or the right words?
#
# ## 4. Train
#
# The recogniser is built as the one of lesson 00 is, only smaller, and starts at random. A
# snapshot of it is kept 30 times. That takes about a quarter of a minute where nothing else runs.

# %%
film = classroom.train(seed=seed, steps=450 if fast else 900, informed=False, snapshots=30)
rows = [
    [shot.step, f"{shot.mass:.2f}", f"{shot.quantity:.3f}", f"{shot.token_error_rate:.0%}"]
    for shot in film.snapshots[::4] + film.snapshots[-1:]
]
table(["steps", "Σα/N", "quantity loss per word", "token errors"], rows)

# %% [markdown]
# Measured on 60 strings in the held-out voices. The quantity loss is |Σα − N| per word: 0.1 is one
# word too many or too few in ten. Token errors are wrong, missing and surplus words per word said,
# more than 100 % where too many fire.
#
# ## 5. The film
#
# Each snapshot listens to the clip. **Predict first:** which will change first, how high the
# weights are, or where they are high?

# %%
heard = [shot.model.transcribe(watched.waveform) for shot in film.snapshots]
grid = film.model.grid
by_step = dict(zip(film.steps, heard, strict=True))


def spread(values, count):
    """So many of a list, evenly spread, the first and the last among them."""
    return [values[round(k * (len(values) - 1) / (count - 1))] for k in range(count)]


# %%
figure, (ax,) = canvas(height=5.2)
shown = spread(film.steps, 12)
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
)

# %% [markdown]
# Three acts. *Too much*: not far from 1/2 everywhere, and a fire every two or three frames. *A
# clock*: the number is about right, but the weights are nearly even, in silence too; the fires
# would come at much the same distances whatever is said. *Words*: hills where somebody speaks, and
# next to nothing where nobody does.
#
# Step through it yourself, and look at W as well: which frames make which token. The title says
# what is heard.


# %%
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
    return f"Σα = {float(one.firing.weight_sum):.1f}, heard: {one.text[:40] or 'nothing'}"


# %%
first, clock, last = film.steps[0], film.steps[len(film.steps) // 3], film.steps[-1]
live_figure(
    draw_snapshot,
    steps=film.steps,
    picture=["weights", "W"],
    static=[
        *({"steps": step, "picture": "weights"} for step in (first, clock, last)),
        *({"steps": step, "picture": "W"} for step in (clock, last)),
    ],
    alt="The clip at moments of the training. Weights and fires: high everywhere at first, low and "
    "even after a third of the film, hills inside the words at the end. Below, W after a third, "
    "where every token is a long flat row, and at the end, where it is a few dark frames. Each W "
    "has its own scale of colour, from nothing to its largest part.",
)

# %% [markdown]
# How much weight lies in silence can be counted: the edges of the words in the clip are known.

# %%
silent = [mass_in_silence(one.firing, grid, watched.words) for one in heard]
sums = [float(one.firing.weight_sum) for one in heard]
silent_share = [part / max(whole, 1e-9) for part, whole in zip(silent, sums, strict=True)]
silent_time = 1 - sum(word.duration for word in watched.words) / watched.waveform.duration
print(f"silence is {silent_time:.0%} of the time")
for step in (first, clock, last):
    print(f"after {step} steps it has {silent_share[film.steps.index(step)]:.0%} of the weight")

# %% [markdown]
# A little stays: a frame sees some tenths of a second around it, so words shine into the silence
# beside them. And notice where in a word the weight is, and where the fires are. A hill does not
# cover its word. Whether it stands at the word's beginning or at its end is chance: other seeds
# have it the other way round, in all words alike. And where two words stand apart, a fire can lie
# anywhere between them. Nothing in this training asks for more. What helps is the subject of
# [lesson 07](07_how_good_is_it.ipynb).
#
# ## 6. Which came first
#
# **Predict first:** you have seen the film. Draw two curves over the training: the quantity loss,
# and the share of words that are wrong. Where is each when the other has come halfway down?
#
# It helps to know what can be had for nothing. A *clock* that counts so and so many words a second,
# at the best rate there is, and listens to nothing; and a clock that stops when nobody speaks.

# %%
measured_on = classroom.strings(60, held_out=True)  # the strings that the film is measured on
counts = torch.tensor([float(len(one.tokens)) for one in measured_on])
shift = feature_grid.shift
lengths = torch.tensor([len(one.features) * shift for one in measured_on])
spoken = torch.tensor([float(one.spans.diff(dim=1).sum()) * shift for one in measured_on])


def best_clock(seconds):
    rates = torch.linspace(0.5, 6, 551)[:, None]  # words per second
    return float((rates * seconds - counts).abs().sum(dim=1).min() / counts.sum())


clocks = {"a clock": best_clock(lengths), "a clock that stops in silence": best_clock(spoken)}
for name, loss in clocks.items():
    print(f"quantity loss of {name}: {loss:.2f} per word")

# %%
figure, axes = canvas(3, height=1.9)
shown = {"mass": "Σα/N", "quantity": "quantity loss", "token_error_rate": "token errors"}
for ax, (curve, name) in zip(axes, shown.items(), strict=True):
    ax.plot(film.steps, film.curve(curve), marker="o", markersize=3)
    ax.set_yscale("log")
    ax.set_yticks([0.03, 0.1, 0.3, 1, 3, 10], ["0.03", "0.1", "0.3", "1", "3", "10"])
    ax.minorticks_off()
    ax.set_ylim(0.02, 20)
    ax.set_ylabel(name)
for (name, loss), dashes in zip(clocks.items(), ["--", ":"], strict=True):
    axes[1].axhline(loss, color=STYLE["level"], linestyle=dashes, label=name)
axes[1].legend(loc="upper right")
axes[2].set_xlabel("steps of training")
show(
    figure,
    "Three curves over the steps of training, on one logarithmic scale. The ratio falls from "
    "several to about 1 within some fifty steps, and then stays between 0.7 and 1.1. The quantity "
    "loss falls with it below the loss of a clock, rests above that of a clock that stops in "
    "silence, and goes on falling later, while the token errors come down from 1.",
)

# %% [markdown]
# The quantity loss falls *twice*. First the number: some fifty steps in which all frames pull
# together, and it is better than a clock, while next to no word is right. There it waits. The
# second fall goes below what anything can do that only hears *whether* somebody speaks: to count
# better than that, one has to hear *words*. It comes with the words and because of them.

# %%
passed = next(shot for shot in film.snapshots if shot.quantity < clocks["a clock"])
print(f"as good as a clock after {passed.step} steps, with {passed.token_error_rate:.0%} errors")

# %% [markdown]
# Is it so at full size? [CIF-HieraDist](https://github.com/MingLunHan/CIF-HieraDist) is a
# recogniser for Mandarin, of 47 million parameters, whose repository holds the log of its training
# on AISHELL-1. This is what it says about the development set after some of the 248 epochs.

# %%
epochs = [1, 2, 3, 4, 5, 10, 20, 50, 100, 248]
logged = {
    "quantity loss": [0.108, 0.170, 0.048, 0.025, 0.020, 0.0148, 0.0125, 0.0070, 0.0036, 0.0025],
    "character errors": [96.2, 87.7, 79.0, 59.9, 45.3, 22.5, 11.2, 6.7, 5.4, 4.42],  # in %
}

# %% [markdown]
# And three trainings at our full size, with three seeds: the recogniser of lesson 00 but for what
# it was told about times, on recordings of people and synthetic voices. Their histories hold
# losses, not token errors, so there the cross-entropy stands for the words.

# %%
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

# %% [markdown]
# Of this film we take the quantity loss and the token errors, but never more than 100 %: more
# errors than words there are only while too many tokens fire, and that is about the number again.

# %%
ours = {
    "quantity loss": film.curve("quantity"),
    "token errors": [min(1.0, rate) for rate in film.curve("token_error_rate")],
}
trainings = {
    "this film": (film.steps, ours),
    **{name: ([one["step"] for one in plain[0]], curves) for name, curves in full_size.items()},
    "published": (epochs, logged),
}

# %%
figure, axes = canvas(3, height=2.2, share_time=False)
names = ["this film", "full size, seed 0", "published"]
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
    "first: steeply in this film, by a little at full size, by some epochs in the published one.",
)

# %% [markdown]
# How far apart they are: when each curve has come half of the way from its highest value to its
# last one, and nine tenths of it, for good.

# %%
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
table(["", "quantity, half", "words, half", "quantity, 9/10", "words, 9/10"], rows)

# %% [markdown]
# In all of them the quantity loss is first. But mind what is compared with what:
#
# - In this film the first fall is that of weights which began at 1/2. The full-size runs began at
#   the right rate (exercise 06.2), so that this fall was spared them; what is left is the second
#   fall, and that comes *together* with the words, a little ahead of them.
# - The first number of the published log stands after one epoch. By then its weights, which in that
#   code begin near 1/2 too, had long had the right size: it shows the second fall.
# - The published errors are those of characters when the true ones before them are given, over a
#   whole development set, and the end of a sentence counts as a token. And an epoch is very much
#   more speech than a step of ours.
#
# So "first the number, then the words" is true twice over, of the size of the weights and, by less,
# of what they count. The picture of a recogniser that first learns to count and then to read would
# be too neat: below the loss of a clock, counting words *is* hearing them.
#
# ## 7. From synthetic voices to people
#
# This recogniser has heard eleven synthetic voices, and learnt for seconds. **Predict first:** what
# will its weights do on a recording of a person: mark the words, mark something else, stay flat?

# %%
person = cifviz.load_recording(recording)
film_heard = [
    shot.model.transcribe_features(person.log_mel, duration=person.duration)
    for shot in film.snapshots
]
shipped = cifviz.load_model("digits")
shipped_heard = shipped.transcribe_features(person.log_mel, duration=person.duration)
print("said:                ", person.words.text)
print("heard after the film:", film_heard[-1].text)
print("heard by the model that comes with the library:", shipped_heard.text)

# %%
places = [film.steps.index(step) for step in spread(film.steps, 5)]
figure, (ax,) = canvas(height=3.4)
snapshot_strip(
    [*(film_heard[place].firing for place in places), shipped_heard.firing],
    grid,
    labels=[*(f"{film.steps[place]} steps" for place in places), "full size"],
    words=person.words,
    ax=ax,
)
show(
    figure,
    "Weights for a recording of a person: five rows of the film, and one of the model that comes "
    "with the library. At the end of the film there are hills in the words here as well, more "
    "ragged than on the clip; the last row has one broad hill for each word.",
)

# %% [markdown]
# One recording is one recording. All that the library has of people who say digits:

# %%
people = [cifviz.load_recording(name) for name in cifviz.list_recordings()]
people = [one for one in people if one.corpus == "digits"]
to_them = [film.model.transcribe_features(one.log_mel, duration=one.duration) for one in people]
mass = sum(float(one.firing.weight_sum) for one in to_them)
outside = sum(
    mass_in_silence(one.firing, grid, who.words) for one, who in zip(to_them, people, strict=True)
)
silence = sum(who.duration - sum(word.duration for word in who.words) for who in people)
words_said = [[word.token for word in who.words] for who in people]
wrong = token_errors(words_said, [one.tokens for one in to_them]).rate

print(f"Σα/N: {mass / sum(map(len, words_said)):.2f}")
share = silence / sum(who.duration for who in people)
print(f"silence: {share:.0%} of the time, {outside / mass:.0%} of the weight")
print(f"token errors: {wrong:.0%}")

# %% [markdown]
# The *how many* and the *where* carry over, the *what* does not: the weights nearly add up, and
# they keep out of silence, but half of the words or more are wrong. That somebody says a word is
# much the same in all voices; which word it is, is not. The model in the last row has heard people,
# noise and many more voices, and it was told when words are said: hence the hills as wide as the
# words. How much that matters stands in [How good is a CIF alignment](../docs/alignment.md).

# %%
end = film.snapshots[-1]
record(
    clock=clocks["a clock"],
    clock_in_speech=clocks["a clock that stops in silence"],
    published_quantity_half=falls["published"][0][0],
    published_errors_half=falls["published"][1][0],
    quantity_first=all(
        one < other for pair in falls.values() for one, other in zip(*pair, strict=True)
    ),
    runs_at_full_size=len(plain),
    tolerance=5e-4,
)
record(mass_at_first=film.curve("mass")[0], tolerance=0.05)
# The film is made on the spot, and training makes much of the last digits: another machine makes
# another film of the same kind. Of these numbers one percent cannot be asked.
record(mass_at_the_end=end.mass, tolerance=0.05)
record(quantity_at_the_end=end.quantity, tolerance=0.02)
record(token_error_rate=end.token_error_rate, tolerance=0.04)
record(errors_when_as_good_as_a_clock=min(1.0, passed.token_error_rate), tolerance=0.05)
record(steps_to_a_clock=float(passed.step), tolerance=12)  # to the snapshot before or behind
record(
    weight_in_silence_at_the_end=silent_share[-1], people_in_silence=outside / mass, tolerance=0.05
)
record(people_mass=mass / sum(map(len, words_said)), tolerance=0.12)
record(people_token_errors=wrong, tolerance=0.2)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where the library keeps what they name:

# %%
glossary(
    *("contribution", "embedding", "encoder output", "fire", "frame", "quantity loss"),
    *("scaling", "starting weight", "target length", "token error rate", "weight"),
    *("weight in silence", "weight sum"),
)

# %% [markdown]
# ## On your own
#
# - Train with `informed=True`: how many steps does the right bias save?
# - Train with `quantity_weight=0`, and look at the film. Which act is missing, and what happens to
#   Σα/N?
# - Train with `apply_scaling=False`. Which curve suffers?
# - Watch the clip `"digits_fast"`. Do the words run together in the clock act? And at the end?
# - Take seeds 1 and 2. What is the same in all films, and what is chance? Look at where in its
#   word a hill stands.

# %% [markdown]
# ## In practice
#
# - CIF-PyTorch's README advises to down-sample the encoder to 1/8, frames of 80 ms. It helps the
#   start, too: 12.5 frames a second that weigh 1/2 make some six tokens a second, which is not far
#   from the characters of fluent Mandarin.
# - What is measured in use is not what was trained: scaling is off, and the tail rule is on. FunASR
#   rounded the number of tokens in training and cut it off in an export, until somebody noticed
#   (pull request 1791).
# - Watch Σα/N from the first step. It is the first thing that must come right; while it does not,
#   look for the fault in lengths, masks and losses, not in the decoder.
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
# - [cifviz/training/fit.py](../cifviz/training/fit.py): the loop that trained this film and
#   the models that come with the library; `watch` is where the camera stands.
# - [cifviz/course/classroom.py](../cifviz/course/classroom.py): what is trained on, and how.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# The film is the thing. Show it early, and let the derivations explain what everybody has seen. If
# there is time for one idea only, take the three acts, and the question what a clock can do.
#
# ### 90 minutes
#
# - 10 min, section 1: The clip, and the string without its words. What is the recogniser told?
#   Write "a picture and a list" on the board; everything else it has to find out.
# - 15 min, section 2: Exercises 06.1 and 06.2, alone. Start the training of section 4 now.
# - 20 min, section 3: The slope of |Σα − N| on the board, exercises 06.3 and 06.4; then the three
#   cases of the second token, with the paper strips of lesson 01.
# - 15 min, sections 4 and 5: Everybody draws the weights after 0, 50 and 450 steps before the strip
#   is shown. Then the slider. Name the acts.
# - 20 min, section 6: The clocks first. Draw the two curves, then show them. Which comparison is
#   fair? Let the group find the three reservations before they are read.
# - 10 min, section 7 and questions: a person, and what the model that ships was told in addition.
#
# ### Likely questions
#
# - *Why does the quantity loss fall so fast?* All frames push the same way: the slope in the bias
#   is the sum over all of them. The pulls of the words point in all directions and cancel until the
#   encoder tells frames apart.
# - *Why are the hills at the beginning of the words?* Chance, with seed 0. With seeds 1 and 2 they
#   are at the ends. A frame of this encoder sees about as far as a word is long, so it can know of
#   a word anywhere in it, and no loss asks for one place or another. All words have the same
#   place, since one predictor makes all weights.
# - *Is scaling on?* Yes, in training: the cross-entropy sees N tokens from the first step on, even
#   while forty would fire. That is why words can be learnt at all while the number is wrong, and
#   why nothing but the quantity loss puts it right (lesson 03).
# - *What does the CTC loss do here?* It gives the encoder a reason of its own to tell sounds apart,
#   and differences between frames are what the weights need to be pulled at all.
# - *Will the film be the same on my machine?* The three acts yes, the last digits no: rounding
#   differs between processors, and training makes much of little. With one seed on one machine it
#   is the same each time.
#
# ### Usual misconceptions
#
# - "It is taught where the words are." It gets the words and their order, and no time.
# - "A quantity loss near 0 means a good alignment." It sees the sum alone. Weights in the wrong
#   places, or all of them in silence, can sum to N.
# - "Errors of several hundred per cent mean that it understands nothing." They mean that it fires
#   too often; with the number given, the words may be there already.
# - "The weights learn from the fires." Where a fire falls has no slope. What has one is what each
#   token is made of.
