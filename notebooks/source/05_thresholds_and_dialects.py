# %% [markdown]
# # Compare what code bases mean by a threshold
#
# **What you'll do:** run the same weights through fourteen versions of CIF, find out what 0.99
# means in each of them, and measure what it buys and what it costs.
#
# **What you'll learn**
#
# - *distinguish* what a token needs to fire from what it is charged
# - *predict* which weights a slack makes negative
# - *explain* by hand how rounding loses the last token, and choose a slack for a precision
# - *detect* by experiment what a CIF that you did not write does
# - *carry* a configuration from one code base to another
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb), and from
# [lesson 03](03_scaling.ipynb) that training scales the weights to the number of tokens. No
# network, no GPU.
#
# **Time:** 75 minutes
#
# Previous: [04 Decide what happens to the rest](04_tail_handling.ipynb) · Next: [06 Watch an
# alignment come to be](06_training_film.ipynb)

# %%
import math
from itertools import accumulate

import torch
from torch.testing import assert_close

import cifviz
from cifviz.core.dialects import DIALECTS, compare
from cifviz.core.tail import above, drop
from cifviz.course import (
    Slider,
    canvas,
    check,
    count_frames,
    glossary,
    live_figure,
    play,
    record,
    show,
    table,
)
from cifviz.plot import STYLE, contributions, dialect_lanes, token_style

# %% tags=["parameters"]
seed = 0  # of the random weights in sections 4, 6 and 7
fast = True  # False: ten times as many of them
recording = "digits_yweweler"  # a name in cifviz.list_recordings(): sections 3 and 9
carried = 0.5  # the threshold that section 3 carries from one code base to another
listen = False  # True: hear the recording, if its sound is at hand

# %% [markdown]
# ## 1. One number, two jobs
#
# In lesson 01 a token fired when it held β = 1, and took 1. These are two jobs for one number:
# how much a token needs to *fire*, and how much it is *charged*. Here is the loop of lesson 01
# again, with a number for each.


# %%
def fire(alpha, fires_at, charges):
    tokens, token, held = [], [0.0] * len(alpha), 0.0
    for frame, weight in enumerate(alpha):
        if held + weight >= fires_at:
            needed = charges - held  # perhaps more than the frame has
            token[frame] = needed
            tokens.append(token)
            token, held = [0.0] * len(alpha), 0.0
            weight = weight - needed  # perhaps below zero
        token[frame] = weight
        held = held + weight
    return tokens


alpha = [0.5, 0.45, 0.7, 0.4]  # they sum to 2.05

# %% [markdown]
# **Predict first:** four frames, two tokens. What does each token get if a token fires at 1 and
# takes 1? What if it fires at 0.9 and takes 0.9?


# %%
def rows_of(fires_at, charges):
    tokens = fire(alpha, fires_at, charges)
    return [
        [fires_at, charges, number, *(f"{part:.2f}" for part in token), f"{sum(token):.2f}"]
        for number, token in enumerate(tokens)
    ]


header = ["fires at", "charges", "token", *(f"frame {t}" for t in range(4)), "sum"]
table(header, [*rows_of(1, 1), *rows_of(0.9, 0.9)])

# %% [markdown]
# So far nothing new: another β, other tokens. Now `cif_threshold: 0.9` in CIF-PyTorch, which
# follows the paper's Algorithm 1 to the letter: a token fires as soon as it holds 0.9, and is
# charged 1.
#
# **Exercise 05.1.** The first token fires in frame 1, where the sum is 0.95. It takes 1 all the
# same. Which weights make up the *second* token, token 1? Four numbers, what it gets from frames
# 0, 1, 2 and 3.

# %% tags=["exercise"]
token_1 = ...
check("05.1", token_1)

# %% tags=["solution"]
token_1 = [0.0, -0.05, 0.7, 0.35]
check("05.1", token_1)

# %%
table(header, rows_of(0.9, 1))

# %% [markdown]
# Token 0 is charged 1 where only 0.95 is there. It *borrows* 0.05 from the next token, and that
# begins in debt: with a negative weight, −0.05 times the vector of frame 1. Columns still sum to
# the frame's weight, 0.50 − 0.05 = 0.45.
#
# ## 2. Threshold and slack
#
# The library gives the two jobs two names. The *threshold* β is what a token takes: on the mass
# axis, tokens end at β, 2β, 3β, … The *slack* δ says how far before its end a token may fire. So
# a token fires at β − δ:
#
# ```text
# fires at = β − δ      charges = β      number of fires = ⌊(S + δ) / β⌋
# ```
#
# S is the sum of the weights, and ⌊ ⌋ rounds down. All three settings from above, by the loop and
# by the library:

# %%
frames = cifviz.FrameGrid(shift=1.0)  # count time in frames


def draw_w(ax, firing):
    contributions(firing, frames, ax=ax)
    count_frames(ax, firing.alpha.shape[1])
    look = {"ha": "center", "va": "center"}
    look["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    w = firing.contributions[0]
    for token, frame in (w.abs() > 1e-9).nonzero().tolist():
        part = f"{float(w[token, frame]):.2f}".replace("-", "−")
        ax.text(frame + 0.5, token + 0.5, part, **look)


# %%
identity = torch.eye(4)[None]  # fed the identity, embeddings are W
settings = [(1, 1), (0.9, 0.9), (0.9, 1)]
figure, axes = canvas(3, height=1.45)
for ax, (fires_at, charges) in zip(axes, settings, strict=True):
    slack = charges - fires_at
    firing = cifviz.integrate_and_fire(
        torch.tensor([alpha]), identity, threshold=charges, slack=slack
    )
    by_loop = torch.tensor(fire(alpha, fires_at, charges))
    assert_close(firing.embeddings[0], by_loop, rtol=0, atol=1e-6)
    assert int(firing.num_fires) == math.floor((sum(alpha) + slack) / charges)
    draw_w(ax, firing)
    ax.set_title(f"threshold {charges}, slack {slack:g}", loc="left", fontsize="medium")
    ax.label_outer()
show(
    figure,
    "W of four frames and two tokens at three settings, with its numbers. Without slack none is "
    "negative. At threshold 1 and slack 0.1, token 1 has −0.05 in frame 1.",
)

# %% [markdown]
# The same number thus means different things. `DIALECTS` holds CIF as other code bases run it,
# with their faults; all but one are tested against outputs that were recorded from the original.
# Set these four to 0.9, and they disagree as the last two pictures do:

# %%
means = {"cif_pytorch": (1.0, 0.1), "torch_cif": (0.9, 0.0)}  # our threshold and slack
means |= {"spacemit_cif": (1.0, 0.1), "spacemit_cif_wo_hidden": (0.9, 0.0)}
for name, (threshold, slack) in means.items():
    there = DIALECTS[name].contributions(torch.tensor([alpha]), threshold=0.9)
    here = cifviz.integrate_and_fire(
        torch.tensor([alpha]), identity, threshold=threshold, slack=slack
    )
    assert_close(there.weights, here.embeddings, rtol=0, atol=1e-6)
    print(f"{name:22} 0.9 means: threshold {threshold}, slack {slack}")

# %% [markdown]
# So that is what 0.99 means in CIF-PyTorch: not "a token is 0.99", but "a token is 1, and may
# fire when 0.01 is missing". In torch_cif the same 0.99 would be the size of a token. The last two
# are operators of one library, SpacemiT's for ONNX Runtime, and their `threshold` means one thing
# in the one and the other in the other. Sophgo's port of FunASR does both at once:

# %%
both_at_once = DIALECTS["sophgo_seaco"].contributions(torch.tensor([[0.4] * 8]), threshold=0.9)
for token, row in enumerate(both_at_once.weights[0].tolist()):
    print(f"token {token}:", *(f"{part:5.2f}" for part in row), f"  sum {sum(row):.2f}")

# %% [markdown]
# It takes 0.9 off the integrator, but fills a token up to 1: the first token is 1, every later one
# 0.9. As long as both numbers are 1, as there, nobody sees it.
#
# **Exercise 05.2.** The weights of a sentence sum to S = 15.8, none of them above 0.4. Both code
# bases are set to 0.5, and nobody looks at the rest. How many tokens fire? A list of two numbers,
# for CIF-PyTorch and for torch_cif.

# %% tags=["exercise"]
fires_at_half = ...
check("05.2", fires_at_half)

# %% tags=["solution"]
fires_at_half = [math.floor(15.8 + 0.5), math.floor(15.8 / 0.5)]
check("05.2", fires_at_half)

# %% [markdown]
# ## 3. Carry the number over, on real speech
#
# Now the weights that a trained recogniser gave to a real recording. Its sound is not part of the
# course, its weights are. Set `listen = True` in the cell of parameters to hear it, if you have
# the data set that it comes from.

# %%
spoken = cifviz.load_recording(recording)
real, grid = spoken.alpha[None], spoken.grid
words = [word.token for word in spoken.words]
print(f"{len(words)} words:", *words)
print(f"{real.shape[1]} frames of {1000 * grid.shift:.0f} ms, weights sum to {real.sum():.2f}")
if listen:
    play(spoken.waveform(), f"The recording {recording}")

# %% [markdown]
# **Predict first:** the recogniser was trained with tokens of 1. What happens to the number of
# tokens when β goes down to 0.9 and to 0.5, in CIF-PyTorch and in torch_cif? We look at the
# threshold alone: whatever is left at the end is dropped.

# %%
total = float(real.double().sum())
carried_over = {}
for beta in (1.0, 0.99, 0.9, carried):
    by_slack = DIALECTS["cif_pytorch"].contributions(real, threshold=beta)
    by_mass = DIALECTS["torch_cif"].contributions(real, threshold=beta, tail_threshold=beta)
    carried_over[beta] = int(by_slack.num_fires), int(by_mass.num_fires)
    assert carried_over[beta] == (math.floor(total + 1 - beta), math.floor(total / beta))
table(
    ["both set to", "CIF-PyTorch: tokens", "each takes", "torch_cif: tokens", "each takes"],
    [[beta, one, 1, other, beta] for beta, (one, other) in carried_over.items()],
)

# %%
both = {name: {"threshold": carried} for name in ("cif_pytorch", "torch_cif")}
both["torch_cif"]["tail_threshold"] = carried  # no tail: here we look at the threshold alone
at_carried = compare(real, dialects=both, settings={**both, "cifviz": {"tail": drop}})
figure, (ax,) = canvas(height=2.9)
dialect_lanes(at_carried, grid, ax=ax)
early = grid.shift * at_carried["cif_pytorch"].mean_shift
show(
    figure,
    f"Tokens of the recording over time. At a threshold of 1 there are {at_carried[0].tokens}; "
    f"CIF-PyTorch set to {carried} fires {at_carried[1].tokens}, earlier and with negative "
    f"weights; torch_cif set to {carried} fires {at_carried[2].tokens}, each shorter.",
)
print(f"CIF-PyTorch at {carried}: tokens end {1000 * early:.0f} ms earlier on average")

# %% [markdown]
# Two very different kinds of harm:
#
# - **torch_cif** makes other tokens, as lesson 00 did with its slider: more of them, and each is
#   filled with β instead of 1, so the decoder gets smaller vectors than it was trained on.
# - **CIF-PyTorch** makes as many tokens as words (at 0.5 it rounds the sum instead of cutting
#   it), so nobody who counts will notice. But each fires too early, in the midst of a word, and
#   borrows from the next.
#
# ## 4. What a slack costs: weights below zero
#
# How many tokens are in debt? Imagine the mass axis, with a mark where each frame ends. A token
# borrows if one of the marks lies in the last δ before its end. With weights of about ᾱ there are
# 1/ᾱ marks per unit, so it happens to about δ/ᾱ of the tokens, as long as that is small. (And to
# a little less where several marks share the same δ.)
#
# **Predict first:** random weights between 0 and 0.5, so ᾱ = 0.25. Which share of the tokens
# holds a negative weight at 0.99? At 0.9?

# %%
torch.manual_seed(seed)
drawn = 0.5 * torch.rand(1_000 if fast else 10_000, 60)  # 60 frames, about 15 tokens
share, lowest = {}, {}
for beta in (1.0, 0.99, 0.9, 0.5, 1.2):
    there = DIALECTS["cif_pytorch"].contributions(drawn, threshold=beta)
    in_debt = (there.weights < -1e-6).any(dim=2)
    share[beta] = float(in_debt.sum() / there.num_fires.sum())
    lowest[beta] = float(there.weights.min())
    counted = (drawn.double().sum(dim=1) + 1 - beta).floor()
    assert there.num_fires.eq(counted).double().mean() > 0.999  # but where float32 rounds over it
table(
    ["cif_threshold", "tokens with a negative weight", "δ / ᾱ", "lowest weight"],
    [
        [
            beta,
            f"{100 * share[beta]:.1f} %",
            f"{100 * (1 - beta) / 0.25:.0f} %" if 0.9 <= beta <= 1 else "",
            f"{lowest[beta]:.3f}",
        ]
        for beta in share
    ],
)

# %% [markdown]
# At 0.99 it is a few tokens in a hundred, and a debt of 0.01 at most. At 0.9 it is every third
# token; at 0.5 nearly every one. A threshold above 1 waits too long, and takes the
# surplus back from the frame that fires. Only β = 1 knows no debt.
#
# Speech has smaller weights than these, and the smallest stand where words meet, so more frames
# end near the end of a token. All recordings of the course together:

# %%
speech = [cifviz.load_recording(name) for name in cifviz.list_recordings()]
share_in_speech = {}
for beta in (0.99, 0.9):
    in_debt = total_fires = 0
    for one in speech:
        there = DIALECTS["cif_pytorch"].contributions(one.alpha[None], threshold=beta)
        in_debt += int((there.weights < -1e-6).any(dim=2).sum())
        total_fires += int(there.num_fires)
    share_in_speech[beta] = in_debt / total_fires
    print(f"{beta}: {100 * share_in_speech[beta]:.0f} % of {total_fires} tokens are in debt")

# %% [markdown]
# At 0.9 it is most of them.
#
# Now both numbers on ten frames, with W. **Predict first:** where will the first minus sign
# appear when you raise the slack from zero?

# %%
ten = torch.tensor([[0.5, 0.45, 0.7, 0.4, 0.2, 0.6, 0.55, 0.3, 0.8, 0.35]])  # 4.85 in all


def draw_ten(ax, *, threshold, slack):
    firing = cifviz.integrate_and_fire(ten, torch.eye(10)[None], threshold=threshold, slack=slack)
    draw_w(ax, firing)
    negative = int((firing.contributions < -1e-9).sum())
    return f"tokens: {int(firing.num_fires)}, negative weights: {negative}"


live_figure(
    draw_ten,
    height=2.6,
    threshold=Slider(0.5, 1.5, 0.05, 1.0),
    slack=Slider(0.0, 0.45, 0.01, 0.0),
    static=[
        {"threshold": 1.0, "slack": 0.0},
        {"threshold": 1.0, "slack": 0.1},
        {"threshold": 1.0, "slack": 0.4},
        {"threshold": 0.6, "slack": 0.0},
    ],
    alt="W of ten frames at four settings. Without slack all numbers are positive. With a slack of "
    "0.1 one token is in debt, by 0.05; with 0.4 all but the first are. A threshold of 0.6 makes "
    "more tokens, and none is negative.",
)

# %% [markdown]
# The threshold is how much a token takes. The slack lets it end with an earlier frame. And a
# large slack lets the rest at the end fire, too: at 0.4 it is a tail rule in disguise. Section 11
# will make use of that.
#
# ## 5. Then why not 1? A computer that rounds
#
# If β = 1 has no debt, why not take it? In training the number of tokens N is known, and the
# weights are scaled to sum to N. The last token must then fire in the very last frame, where the
# sum reaches N. *Exactly* N, that is, and a computer rounds.
#
# Take one that keeps two decimals. One token, three equal frames: scaled, each weighs 1/3, which
# is 0.33 to this computer. Three of them come to 0.99. That is not 1, so the token does not fire:
# the only token of the utterance is lost.
#
# **Predict first:** one token from 1, 2, … 12 equal frames. How often is it lost?

# %%
rows, lost_at = [], {100: [], 99: []}
for count in range(1, 13):
    weight = round(100 / count)  # in hundredths: this computer keeps two decimals
    reached = count * weight
    for fires_at, lost in lost_at.items():
        if reached < fires_at:
            lost.append(count)
    verdicts = ["lost" if reached < fires_at else "fires" for fires_at in lost_at]
    rows.append([count, f"{weight / 100:.2f}", f"{reached / 100:.2f}", *verdicts])
table(["frames", "weight", "sum", "fires at 1", "fires at 0.99"], rows)

# %% [markdown]
# Half of them. The sum comes out exact, too large or too small, and only the last of these loses
# the token; but that is not rare. Whoever charges 1 and fires at 0.99 saves some, and needs more
# slack for the others.
#
# **Exercise 05.3.** One token, seven equal frames, two decimals. What is the smallest slack with
# which it fires?

# %% tags=["exercise"]
smallest_slack = ...
check("05.3", smallest_slack)

# %% tags=["solution"]
smallest_slack = round(1 - 7 * 0.14, 2)
check("05.3", smallest_slack)

# %% [markdown]
# A real computer keeps more digits, but binary ones. In those, 0.1 never ends, as 1/3 never ends
# in decimals: it is rounded when it is stored, and every sum is rounded again. Add it up ten
# times, in four kinds of numbers.

# %%
kinds = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
ten_tenths = {}
for dtype in kinds:
    held = torch.tensor(0.0, dtype=dtype)
    for _ in range(10):
        held = held + torch.tensor(0.1, dtype=dtype)
    ten_tenths[str(dtype).removeprefix("torch.")] = held.item()
table(
    ["ten times 0.1 in", "comes to", "reaches 1"],
    [[kind, f"{held:.17g}", "yes" if held >= 1 else "no"] for kind, held in ten_tenths.items()],
)

# %% [markdown]
# The most exact of the four is the one that falls short. More digits make the error smaller; they
# do not make it go away, and for "is it 1?" its size does not matter, only its sign.
#
# ## 6. Measure it
#
# Enough of toys. A thousand utterances of random weights, 3 to 14 tokens, scaled as CIF-PyTorch
# does it. The loop of section 1 again, for all utterances at once, in whatever kind of number it
# is given. It only counts.


# %%
def count_fires(alpha, fires_at):
    held = torch.zeros_like(alpha[:, 0])
    fires = torch.zeros(len(alpha), dtype=torch.long)
    for weight in alpha.unbind(dim=1):
        fired = held + weight >= fires_at
        held = torch.where(fired, weight - (1 - held), held + weight)
        fires = fires + fired
    return fires


def scale(alpha, tokens):
    return alpha * (tokens.to(alpha.dtype) / alpha.sum(dim=1))[:, None]


# %%
torch.manual_seed(seed)
weights = 0.4 * torch.rand(len(drawn), 60, dtype=torch.float64)
wanted = torch.randint(3, 15, (len(drawn),))
lost = {}
for dtype in kinds:
    scaled = scale(weights.to(dtype), wanted)
    for slack in (0, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1):
        missing = wanted - count_fires(scaled, 1 - slack)
        assert missing.min() >= 0 and missing.max() <= 1  # never more than the last one
        lost[dtype, slack] = float(missing.double().mean())
original = DIALECTS["cif_pytorch"].contributions(
    weights.float(), target_lengths=wanted, threshold=1.0
)
assert lost[torch.float32, 0] == float((original.num_fires < wanted).double().mean())
print(f"β = 1, float32: {100 * lost[torch.float32, 0]:.1f} % lose their last token")
print(f"β = 1, float64: {100 * lost[torch.float64, 0]:.1f} %")
print(f"β = 0.99, float32: {100 * lost[torch.float32, 0.01]:.1f} %")

# %% [markdown]
# Nearly half of all utterances lose their last token, in our loop as in the dialect. What the
# decoder is taught then depends on the code base: CIF-PyTorch advises to cut reference and output
# to the shorter of the two; FunASR shows the decoder a vector of zeros, and asks for the token
# all the same.
#
# Here is the answer to the question of this lesson, in one picture: what a slack saves, and what
# it costs, for the same weights.

# %%
slacks = [slack for kind, slack in lost if kind is torch.float32 and slack > 0]
debt = []
for slack in slacks:
    there = DIALECTS["cif_pytorch"].contributions(
        weights.float(), target_lengths=wanted, threshold=1 - slack
    )
    debt.append(float((there.weights < -1e-6).any(dim=2).sum() / there.num_fires.sum()))


# %%
figure, axes = canvas(2, height=2.3)
for number, dtype in enumerate(kinds):
    name, shape = str(dtype).removeprefix("torch."), "osD^"[number]
    look = {"marker": shape, "color": token_style((5, 2, 1, 0)[number]).colour, "markersize": 5}
    percent = [100 * lost[dtype, slack] for slack in slacks]
    axes[0].plot(slacks, percent, ["-", "--", "-.", ":"][number], label=name, **look)
axes[0].set_ylabel("last token lost\n(% of utterances)")
axes[0].legend(ncols=2, fontsize="small", loc="upper right")
axes[1].plot(slacks, [100 * part for part in debt], "-o", color=STYLE["level"], markersize=5)
axes[1].set_ylabel("with a negative weight\n(% of tokens)")
axes[1].set_xscale("log")
axes[1].set_xlabel("slack δ = 1 − cif_threshold")
for ax in axes:
    for slack in (1e-5, 1e-3, 1e-2, 1e-1):
        ax.axvline(slack, color=STYLE["threshold"], linestyle=":", linewidth=1)
for slack in (1e-5, 1e-3, 1e-2, 1e-1):
    axes[0].text(slack, 52, f"{1 - slack:.5g}", ha="center", fontsize="small")
axes[0].text(1e-7, 52, "cif_threshold:", ha="center", fontsize="small")
axes[0].set_ylim(-2, 50)
show(
    figure,
    "Above, the share of utterances that lose their last token against the slack: float64 none, "
    "float32 none from 0.00001 on, float16 none from about 0.01, bfloat16 only at 0.1. Below, the "
    "share of tokens with a negative weight: almost none up to 0.001, then it rises steeply.",
)

# %% [markdown]
# Without slack all four lose about half; that point lies infinitely far to the left. In float32 a
# slack of 0.00001 is enough. 0.99 has a thousand times as much: room for float16, and little
# debt. 0.9 buys nothing more, but for bfloat16.
#
# There are better answers than a slack. **Predict first:** which of these lose tokens here, in
# training?

# %%
in_training = {}
for name, dialect in DIALECTS.items():
    there = dialect.contributions(weights.float(), target_lengths=wanted)
    in_training[name] = float((there.num_fires < wanted).double().mean())
here = cifviz.integrate_and_fire(weights.float(), weights[:, :, None], target_lengths=wanted)
assert torch.equal(here.num_fires, wanted)
fires_at = {name: one.threshold for name, one in DIALECTS.items()}
fires_at |= {"paraformer_dynamic": "Σα / N", "soft": "never"}
table(
    ["code", "fires at", "last token lost"],
    [["cifviz", 1.0, "0.0 %"]]
    + [[name, fires_at[name], f"{100 * part:.1f} %"] for name, part in in_training.items()],
)

# %% [markdown]
# - **CIF-PyTorch** and **w2v-cif-bert** have a slack of 0.01 and 0.001.
# - **torch_cif** scales to a little more than N, by 0.0001, and cuts off what is left.
# - **FunASR**'s loop has neither. Its faster variant (v1, used by `paraformer_v2`) rounds the
#   running sum once and not in every frame, and loses half as many. The ports of its loop,
#   **spacemit_cif**, **sophgo_seaco** and **kairumo**, are made for inference; given weights that
#   were scaled before, they lose what it loses. **spacemit_cif_wo_hidden** runs at 0.9999.
# - **ultravox_cformer** does not ask either: its last token takes what is left.
# - **paraformer_dynamic** cuts its own sum into N equal parts, so that the last part ends where the
#   sum ends, whatever it was rounded to.
# - **soft** fires nothing at all: it asks each frame how far from the token's middle it is.
# - **cifviz** does not ask whether the last token is full. If N is known, exactly N come out: the
#   last one ends where the weights end, and carries the rounding.
#
# It takes twelve frames to see it with FunASR's own rule:

# %%
twelve = torch.full((1, 12), 0.5)
one = torch.tensor([1])
there = DIALECTS["funasr_cif"].contributions(twelve, target_lengths=one)
here = cifviz.integrate_and_fire(twelve, torch.eye(12)[None], target_lengths=one)
print(f"twelve times {there.alpha[0, 0]:.8f} comes to {there.accumulated[0, -1]:.8f}")
print(f"tokens: {int(there.num_fires)}; the weights of its row: {there.weights.unique().tolist()}")
print(f"cifviz: {int(here.num_fires)} token, its weights sum to {here.contributions.sum():.8f}")

# %% [markdown]
# ## 7. Half precision
#
# float16 and bfloat16 take half the room of float32 and are fast on a GPU. bfloat16 has eight
# binary digits: between ½ and 1 its numbers are 1/256 apart, so that 0.999 *is* 1 to it. Errors
# also grow with the number of additions. So now long utterances: 400 frames, 80 tokens.
#
# **Predict first:** is a slack of 0.01 enough?

# %%
torch.manual_seed(seed)
long = torch.rand(len(drawn), 400)
eighty = torch.full((len(drawn),), 80)
scaled_first = scale(long, eighty)  # in float32, and then rounded
exact = {}
for dtype, betas in [(torch.float16, (0.999, 0.99)), (torch.bfloat16, (0.99, 0.95, 0.9))]:
    for beta in betas:
        exact[str(dtype), beta] = [
            float((count_fires(alpha, beta) == 80).double().mean())
            for alpha in (scaled_first.to(dtype), scale(long.to(dtype), eighty))
        ]
table(
    ["kind", "cif_threshold", "80 tokens come out", "if scaled in half precision, too"],
    [
        [kind.removeprefix("torch."), beta, *(f"{100 * part:.1f} %" for part in parts)]
        for (kind, beta), parts in exact.items()
    ],
)
for beta in (0.999, 0.99):
    print(f"{beta} in bfloat16 is {torch.tensor(beta, dtype=torch.bfloat16).item():.5f}")

# %% [markdown]
# 0.99 is just enough for float16, as long as only the integrator is rounded. bfloat16 needs 0.95
# or less, and pays for it with negative weights. Where the scaling is done in half precision as
# well, even 0.9 is not enough: the sum of these weights is about 200, and there bfloat16 knows
# whole numbers only. So the factor alone is wrong by up to a quarter of a percent, of 80 tokens
# 0.2.
#
# The rule that follows is short: *sum weights in float32 or better, whatever the network uses.*
# FunASR's predictor switches mixed precision off for itself. cifviz adds in float64 and counts to
# N, so no kind of number loses a token:

# %%
for dtype in kinds:
    given = long[:50].to(dtype)
    firing = cifviz.integrate_and_fire(given, given[:, :, None], target_lengths=eighty[:50])
    print(f"{dtype}: {firing.num_fires.min()} to {firing.num_fires.max()} tokens")
    assert firing.num_fires.eq(80).all()

# %% [markdown]
# ## 8. Fourteen dialects, seven frames
#
# Now all of them side by side, as they run when nobody knows the number of tokens. Seven frames:

# %%
seven = torch.tensor([[0.55, 0.445, 0.8, 0.3, 0.6, 0.35, 0.48]])
print("running sums:", ", ".join(f"{mass:.3f}" for mass in accumulate(seven[0].tolist())))
for name, dialect in DIALECTS.items():
    print(f"{name:22} {dialect.source}")

# %% [markdown]
# The sum is 3.525. **Predict first:** who says 3 tokens, who says 4? Some hints: the second sum,
# 0.995, and the rest, 0.525, were chosen with care. CIF-PyTorch fires at 0.99 and torch_cif keeps
# a rest from 0.5 on. FunASR's two functions have no rule for the rest; its predictors
# (paraformer_v1 and v2) add 0.45 to the sum and round down. w2v-cif-bert, Ultravox and soft round
# the sum, *dynamic* always rounds it up. SpacemiT's, Sophgo's and Kairumo's loops are FunASR's.

# %%
by_hand = compare(seven)
figure, (ax,) = canvas(height=5.8)
dialect_lanes(by_hand, frames, ax=ax)
count_frames(ax, 7)
counts = {row.dialect: row.tokens for row in by_hand}
four = ", ".join(name for name, tokens in counts.items() if tokens == 4)
show(
    figure,
    f"A lane of tokens for each dialect under seven weights. Four tokens: {four}. The others have "
    "three, and a cross where the fourth would end. cif_pytorch has a minus sign in frame 1. The "
    "borders of paraformer_dynamic, w2v_cif_bert, ultravox_cformer and soft lie elsewhere.",
)

# %%
print(by_hand)

# %% [markdown]
# *lost* and *extra* count tokens against the first row, *negative* and *above 1* count weights,
# *shift* says in frames how far the ends of tokens are from those of the first row. Check a few
# by hand:
#
# - cif_pytorch fires in frame 1, at 0.995, and borrows 0.005. The rest of 0.525 would be enough
#   for its tail rule, but that needs a padded frame behind the utterance.
# - paraformer_v1 and v2: 3.525 + 0.45 = 3.975, and down to 3.
# - w2v-cif-bert and Ultravox multiply all weights by 4/3.525 so that 4 come out even: the last
#   token is saved, and every border has moved.
#
# For all their differences, most of them are a running sum and a rule of rounding. torch_cif's
# rule, without any loop over tokens:


# %%
def by_division(alpha, fires_at):  # torch_cif: tokens so far, after each frame
    return [math.floor(mass / fires_at) for mass in accumulate(alpha)]


print(by_division(seven[0].tolist(), 0.9))

# %% [markdown]
# **Exercise 05.4.** Write CIF-PyTorch's rule in the same way: a token fires at `fires_at`, and is
# charged 1. No weight is above 1.


# %% tags=["exercise"]
def fired_so_far(alpha, fires_at): ...  # start from by_division


check("05.4", fired_so_far)


# %% tags=["solution"]
def fired_so_far(alpha, fires_at):
    return [math.floor(mass + 1 - fires_at) for mass in accumulate(alpha)]


check("05.4", fired_so_far)

# %% [markdown]
# ## 9. Fourteen dialects, real speech
#
# The same on the recording of section 3, whose weights sum to the number that stands there.
# **Predict first:** who will say how many?

# %%
on_speech = compare(real)
figure, (ax,) = canvas(height=5.8)
dialect_lanes(on_speech, grid, ax=ax)
tokens = {row.dialect: row.tokens for row in on_speech}
show(
    figure,
    f"A lane of tokens for each dialect under the weights of {recording}: "
    + ", ".join(f"{name} {count}" for name, count in tokens.items())
    + ". A lost token is marked by a cross.",
)
print(f"{len(words)} words were said")
print(on_speech)

# %% [markdown]
# In FunASR's predictors (paraformer_v1 and v2) the last token reaches beyond the end: the 0.45
# that help it to fire stand in the first padded frame, so a part of the last word is whatever the
# encoder left there.
#
# And all recordings of the course, one by one: as in inference, and as in training, where each
# dialect is told how many words there are.

# %%
said = [len(one.words) for one in speech]
alone = [compare(one.alpha[None]) for one in speech]
taught = [
    compare(one.alpha[None], target_lengths=torch.tensor([count]))
    for one, count in zip(speech, said, strict=True)
]
right, lost_words = {}, {}
for name in tokens:
    fired = [comparison[name].tokens for comparison in alone]
    right[name] = sum(one == count for one, count in zip(fired, said, strict=True))
    lost_words[name] = sum(comparison[name].lost for comparison in taught)
print(f"{len(speech)} recordings")
table(
    ["code", "inference: right number of words", "training: last word lost"],
    [[name, right[name], lost_words[name]] for name in tokens],
)

# %% [markdown]
# Rounding does not care where weights come from: real speech loses last words as random numbers do.
# How many of these few is a coin's toss for each: on another machine, where the last digits differ,
# the last column may have other numbers. Section 6, with a thousand utterances, says how often.
#
# In inference the numbers say more about tails than about thresholds. On its own an utterance has
# no padding, so CIF-PyTorch's tail never fires: a word that falls short of 1 by more than 0.01 is
# lost. The comparison is not a fair one, either: the models were trained and chosen with the rule
# of the first row, a rest above 0.5.
#
# ## 10. What each code base loses
#
# How do you find such things in code that you did not write? You make a few weights of which you
# know what should come out, run them, and look. First as in inference, with a rest that is kept
# above 0.5. Each line is an experiment: weights, how many frames are real, what should come out,
# and what does.


# %%
def tokens_of(name, alpha, lengths=None, target=None):
    alpha = torch.tensor([alpha])
    lengths = torch.tensor([alpha.shape[1] if lengths is None else lengths])
    told = None if target is None else torch.tensor([target])
    there = DIALECTS[name].contributions(alpha, lengths, target_lengths=told)
    here = cifviz.integrate_and_fire(
        alpha, alpha[:, :, None], frame_lengths=lengths, target_lengths=told, tail=above(0.5)
    )
    return int(here.num_fires), int(there.num_fires)


# %%
experiments = [
    ("cif_pytorch", "a rest of 0.8, alone", [0.4] * 7, 7),
    ("cif_pytorch", "the same beside a longer one", [0.4] * 7 + [0.0], 7),
    ("funasr_cif", "weights left in padding", [0.5, 0.5, 0.75, 0.75, 0.75], 2),
    ("paraformer_v1", "a rest of 0.54", [0.5, 0.5, 0.54], 3),
    ("torch_cif", "a rest of exactly 0.5", [0.5] * 3, 3),
    ("w2v_cif_bert", "a sum of 0.5", [0.25] * 2, 2),
    ("w2v_cif_bert", "a sum of 1.5", [0.25] * 6, 6),
    ("ultravox_cformer", "a sum of 0.3", [0.1] * 3, 3),
    ("kairumo", "a weight of 3.5 at the end", [0.25, 3.5], 2),
    ("paraformer_dynamic", "a rest of 0.1", [0.1] * 31, 31),
]
inference = [
    [name, what, *tokens_of(name, alpha, lengths)] for name, what, alpha, lengths in experiments
]
table(["dialect", "experiment", "cifviz", "dialect's tokens"], inference)

# %% [markdown]
# - CIF-PyTorch's tail rule looks at the first *padded* frame. An utterance that has none, as the
#   longest of its batch or on its own, never gets its tail: recognition depends on the
#   neighbours.
# - FunASR's function takes no lengths; whoever calls it must clear the padding.
# - 0.45 added to the sum keeps a rest from 0.55 on, `>= 0.5` keeps 0.5 itself, and `torch.round`
#   goes to the even number: 0.5 becomes 0, but 1.5 becomes 2. Three ways to say "about a half".
# - Ultravox feeds a language model, which wants at least one token: a cough becomes one, too.
# - Kairumo, in Rust, fires once in a frame however heavy it is, and what is still owed at the end
#   of an utterance is lost. Behind a sigmoid no weight is above 1; nothing there checks it.
#
# Next as in training, where scaling makes weights above 1. A frame of 2.5 should fire twice:

# %%
heavy = [0.25, 2.5, 0.25]
training = [[name, *tokens_of(name, heavy, target=3)] for name in ("cif_pytorch", "funasr_cif_v1")]
table(["dialect", "cifviz", "dialect's tokens"], training)
for name in ("cif_pytorch", "funasr_cif_v1", "w2v_cif_bert", "torch_cif"):
    there = DIALECTS[name].contributions(torch.tensor([heavy]), target_lengths=torch.tensor([3]))
    rows = there.weights[0, : int(there.num_fires)].tolist()
    print(f"{name:14}", *("(" + ", ".join(f"{part:.2f}" for part in row) + ")" for row in rows))

# %% [markdown]
# - CIF-PyTorch asks once in each frame whether to fire. The frame of 2.5 gives 0.75, and the next
#   token gets all the rest, 1.75; the frame after pays back 0.75. The third token never comes.
# - FunASR's v1 gives the whole frame to one token, which so holds 2, and one token is missing.
# - w2v-cif-bert flattens peaks before it fires. All three tokens come out, from weights that are
#   no longer those that the network gave.
#
# Ultravox lets a frame fire as often as it should. But its loop does so for the whole batch at
# once. **Predict first:** two frames of 0.5, one token. What does it get beside an utterance that
# begins with a frame of 4?

# %%
two = torch.tensor([[2.0, 0.5], [0.5, 0.5]])  # scaled to 5 tokens: 4 and 1
for rows, told in [(slice(1, 2), [1]), (slice(0, 2), [5, 1])]:
    there = DIALECTS["ultravox_cformer"].contributions(two[rows], target_lengths=torch.tensor(told))
    beside = "alone" if len(told) == 1 else "beside the other"
    print(f"{beside:17}", there.weights[-1, 0].tolist())

# %% [markdown]
# While the neighbour fires for the second time, every row is written again, and a row that has
# nothing left to give writes a zero over its 0.5. Two utterances that have nothing to do with each
# other: run yours alone and in a batch, and compare.
#
# Some faults lie beside the weights. These two take a line each: a frame of zeros, and silence.

# %%
fired = DIALECTS["cif_pytorch"].contributions(torch.full((1, 6), 0.5))
encoder_out = torch.tensor([[1.0], [1.0], [0.0], [0.0], [1.0], [1.0]])  # as behind a ReLU
embeddings = fired.weights[0] @ encoder_out
print("fires:", int(fired.num_fires), "· vectors that are not zero:", int((embeddings != 0).sum()))
silence = torch.zeros(4)
print("silence scaled to 3 tokens:", (silence * (3 / silence.sum())).tolist())
print("in cifviz:", cifviz.scale_to_length(silence[None], torch.tensor([3]))[0].tolist())

# %% [markdown]
# CIF-PyTorch collects the outputs that are *not zero* instead of those that fired, so here it
# returns two tokens of three. And it divides by the sum without a small number beside it, so an
# utterance whose weights are all zero turns to NaN. Its README advises to add 1e-8.
#
# The rest of its list needs no experiment, only a look at the code: tensors are moved to a GPU
# without asking; the mask that comes in says 1 for padding, the one that goes out 1 for real; a
# batch without any fire gives tensors without any token; training and inference run different
# rules, so that their losses cannot be compared; and tensors that grow frame by frame make it
# quadratic in time. Its convolution reads padding, too: that is in [lesson 02](02_weights.ipynb).
#
# ## 11. Carry a configuration
#
# You move from CIF-PyTorch to torch_cif and want the *same number of tokens* from the same
# weights. CIF-PyTorch knows `cif_threshold` and a threshold for the tail τ (we give it a padded
# frame, so that its tail works). torch_cif knows `beta` and `tail_thres`.
#
# A rest r, between 0 and 1, is left behind the last whole unit of mass. In CIF-PyTorch it becomes
# a token if it fires by itself, or else by the tail rule.
#
# **Exercise 05.5.** Write `carry`: from the two numbers of the one to the two of the other. (A
# rest of exactly τ may do as it likes.)


# %% tags=["exercise"]
def carry(cif_threshold, tail_threshold): ...  # return beta, tail_thres


check("05.5", carry)


# %% tags=["solution"]
def carry(cif_threshold, tail_threshold):
    return 1.0, min(cif_threshold, tail_threshold)


check("05.5", carry)

# %% [markdown]
# Is it true? On random weights, with the copied names beside it:

# %%
same = {}
padded = torch.nn.functional.pad(drawn[:500], (0, 1))
lengths = torch.full((len(padded),), 60)
for cif_threshold, tail in [(0.99, 0.5), (0.9, 0.6), (0.5, 0.8)]:
    there = DIALECTS["cif_pytorch"].contributions(
        padded, lengths, threshold=cif_threshold, tail_threshold=tail
    )
    for kind, (beta, tail_thres) in {
        "carried": (1.0, min(cif_threshold, tail)),
        "copied": (cif_threshold, tail),
    }.items():
        other = DIALECTS["torch_cif"].contributions(
            padded, lengths, threshold=beta, tail_threshold=tail_thres
        )
        same[cif_threshold, tail, kind] = float((there.num_fires == other.num_fires).float().mean())
table(
    ["cif_threshold", "τ", "numbers", "same number of tokens"],
    [[*key, f"{100 * part:.1f} %"] for key, part in same.items()],
)

# %% [markdown]
# The counts agree; the vectors agree only nearly, since in torch_cif nothing is borrowed. Who
# carries a *trained* model over should carry the slack as well, as `cifviz.load_cif_pytorch`
# does.

# %%
record(
    tokens_by_slack=carried_over[carried][0],
    tokens_by_mass=carried_over[carried][1],
    four_tokens=four,
    lost_with_two_decimals=len(lost_at[100]),
    lost_at_099_with_two_decimals=len(lost_at[99]),
    dialects_on_speech=" ".join(str(count) for count in tokens.values()),
    right_numbers_of_words=" ".join(str(count) for count in right.values()),
    last_words_lost_in_cif_pytorch=lost_words["cif_pytorch"],
)

# %%
record(early_ms=1000 * early, tolerance=1.0)
record(funasr_cif_loses_last_words=lost_words["funasr_cif"] > 0)
record(
    negative_at_050=share[0.5],
    negative_at_090=share[0.9],
    negative_at_099=share[0.99],
    negative_at_100=share[1.0],
    negative_at_120=share[1.2],
    negative_in_speech_at_099=share_in_speech[0.99],
    negative_in_speech_at_090=share_in_speech[0.9],
    tolerance=3e-4,
)

# %%
record(
    lost_float32=lost[torch.float32, 0],
    lost_float64=lost[torch.float64, 0],
    lost_funasr_cif=in_training["funasr_cif"],
    lost_funasr_cif_v1=in_training["funasr_cif_v1"],
    exact_float16_at_0999=exact["torch.float16", 0.999][0],
    exact_bfloat16_at_099=exact["torch.bfloat16", 0.99][0],
    exact_bfloat16_all_at_090=exact["torch.bfloat16", 0.9][1],
    # A thousand tosses of a coin each, that is ± 0.016; other orders of summing toss again.
    tolerance=0.05,
)
record(lost_float32_at_0_000001=lost[torch.float32, 1e-6], tolerance=0.02)  # likewise
record(
    lost_float32_at_099=lost[torch.float32, 0.01],
    exact_float16_at_099=exact["torch.float16", 0.99][0],
    exact_bfloat16_at_095=exact["torch.bfloat16", 0.95][0],
    tolerance=0.009,
)
record(
    same_counts_carried=min(part for key, part in same.items() if key[2] == "carried"),
    same_counts_copied=max(part for key, part in same.items() if key[2] == "copied"),
    tolerance=0.005,
)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each of them stands in the code:

# %%
glossary(
    "accumulated weight",
    "contribution",
    "dialect",
    "fire",
    "frame",
    "mass axis",
    "padding",
    "residual",
    "running sum",
    "scaling",
    "slack",
    "tail threshold",
    "target length",
    "threshold",
    "weight",
    "weight sum",
)

# %% [markdown]
# ## On your own
#
# - Set `carried = 0.9` and run section 3 again. Which of the two code bases would you notice
#   first?
# - In section 6, make the utterances ten times as long. Does the share of lost tokens change in
#   float32 at β = 1? Why not? And at 0.9999?
# - Find a slack that is *too large*: at which δ do more tokens come out than were wanted?
# - Write an experiment for section 10 of your own: what do the dialects make of one single frame
#   of weight 1, or of an utterance without any?
# - Feed the identity to a CIF that you use (lesson 01, section 6) and find out its threshold, its
#   slack and its tail rule, without reading its code.

# %% [markdown]
# ## In practice
#
# What the sources of these code bases say, read in their code and configurations:
#
# | code | fires at | charges | against rounding |
# |---|---|---|---|
# | CIF-PyTorch, CIF-HieraDist | 0.99 | 1 | the slack |
# | CIF-ColDec's configurations | 0.99999 | 1 | the slack |
# | w2v-cif-bert | 0.999 | 1 | the slack |
# | torch_cif | β = 1 | β | scales to βN + 0.0001 |
# | Ultravox, CFormerAdapter | 1 | 1 | always N tokens; the last takes the rest |
# | FunASR (Paraformer), training | 1 | 1 | nothing; v1 rounds only once |
# | FunASR, timestamps | 0.9999 | 0.9999 | the threshold |
# | WeNet (Paraformer) | 1 | 1 | nothing: its loop is FunASR's |
# | SpacemiT, Cif | its threshold | 1 | the slack, if there is one |
# | SpacemiT, CifWoHidden | its threshold | its threshold | the threshold |
# | Sophgo, SeACo-Paraformer | 1 | its threshold, 1 | nothing |
# | Kairumo (Rust) | 1 | 1 | nothing |
#
# - The loops of FunASR and WeNet lost 47 to 48 % of last tokens when the project ran them on
#   weights like ours, FunASR's v1 lost 26 %: the original code, not a dialect. The missing vector
#   is filled up with zeros.
# - A user of CIF-PyTorch asked why scaled weights that sum to N do not give N tokens. Precision,
#   its author answered: the last position may fire or not, and one may cut both to the shorter.
#   Where the last token is the end of the sentence, he argues, little is lost with it.
# - FunASR once counted tokens by rounding in training and by rounding down in what it exported,
#   and later by two sums that rounded differently. Both gave counts that were off by one.
# - A reading note of the CIF paper gives β = 0.9 as its setting, with a charge of 1.

# %% [markdown]
# ## Further reading
#
# - [CIF-PyTorch, issue 3](https://github.com/MingLunHan/CIF-PyTorch/issues/3): the question and
#   the answer about the token that does not fire.
# - FunASR, pull requests [1791](https://github.com/modelscope/FunASR/pull/1791) and
#   [1811](https://github.com/modelscope/FunASR/pull/1811): one rule for counting in training and
#   export, and sums in float64.
# - [torch_cif](https://github.com/George0828Zhang/torch_cif): its README says where it departs
#   from Algorithm 1 on purpose: a token is charged β.
# - D. Goldberg, [What Every Computer Scientist Should Know About Floating-Point
#   Arithmetic](https://doi.org/10.1145/103162.103163), 1991: why ten times 0.1 is not 1.
# - [cifviz/core/dialects](../cifviz/core/dialects): one small file for each dialect; its first
#   lines say what sets it apart.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 10 min: sections 1 and 2 on the board; everybody does 05.1 with pencil before the reveal
# - 10 min: section 3. Let the room vote how many tokens 0.5 gives in each code base, then show it
# - 15 min: section 4: the rule δ/ᾱ on the mass axis, then the control; ask where the next minus
#   sign will come before you move the slack
# - 20 min: section 5. Play the computer with two decimals: seven students hold 0.14 each and add
#   up aloud. Then ten times 0.1, and 05.3
# - 15 min: sections 6 and 7: the picture of what a slack saves and costs; let them choose a slack
#   for bfloat16 and defend it
# - 15 min: sections 8 to 10 in groups, a dialect for each: find its fault, tell the others
# - 5 min: section 11, and 05.5 as homework
#
# ### Likely questions
#
# - *Is a negative weight wrong?* No: W h is still a sum of frames, and columns still sum to α. It
#   is a token that contains a little of "minus the frame before". At 0.99 the debt is 0.01 at
#   most.
# - *Why does one lost token matter, if it is the end of the sentence?* It matters less, and where
#   targets have no end symbol, it is a word. Every second utterance then teaches the decoder a
#   last word from nothing, or does not teach it.
# - *Why not always use float64?* Without slack it loses as many (section 6). Only a rule that
#   does not ask "is it exactly N?" helps, or a slack.
# - *Which of the fourteen should I use?* The one your model was trained with. For a new model:
#   tokens of 1, exactly N in training, a tail rule that does not look at padding.
# - *Does the slack change what the model learns?* Ends of tokens move by up to δ of mass, to the
#   end of a frame; at 0.01 far less than a frame.
#
# ### Usual misconceptions
#
# - "0.99 is a slightly smaller token." In CIF-PyTorch a token is 1. Have them sum a row of W.
# - "Rounding errors are rare." One error is tiny, but the question is only on which side of N it
#   falls, and that is a coin's toss.
# - "More precision cures it." Show float64 in ten times 0.1.
# - "Same count, same CIF." At 0.5 CIF-PyTorch gives the right count and every border is early.
# - "A bug in one code base is a bug in the model." Models are trained through the fault and learn
#   to live with it; it bites when the model is carried to another code base.
