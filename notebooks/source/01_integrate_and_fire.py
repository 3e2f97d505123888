# %% [markdown]
# # Turn weights into tokens
#
# **What you'll do:** fire by hand, write the loop, then find out that all of it is two rulers
# laid side by side.
#
# **What you'll learn**
#
# - *compute* by hand which frames go into which token
# - *program* integrate-and-fire in a dozen lines of plain Python
# - *explain* it on the mass axis, as overlaps of intervals
# - *locate* a fire inside its frame
# - *inspect* any CIF by feeding it the identity
#
# **What you need:** a little Python; [lesson 00](00_start_here.ipynb) helps. No network, no GPU.
#
# **Time:** 40 minutes
#
# Previous: [00 See and hear what CIF makes of a clip](00_start_here.ipynb) · Next: [02 Find out
# where the weights come from](02_weights.ipynb)

# %%
import torch
from torch.testing import assert_close

import cifviz
from cifviz.core import reference
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
from cifviz.plot import accumulation, contributions, mass_axis, weights

# %% tags=["parameters"]
seed = 0  # of the random vectors in section 6
fast = True  # False: compare loop and library on all recordings, not on one
recording = "digits_yweweler"  # a name in cifviz.list_recordings(), for section 8
listen = False  # True: play it, too; its data set must be on this machine
threshold = 1.0  # β in section 8

# %% [markdown]
# ## 1. By hand
#
# An encoder has turned some speech into four *frames*, and given each a *weight* α. Four numbers
# are all we need; it is the example of the CIF paper.
#
# The rule: add up the weights, frame by frame. When the sum reaches the *threshold* β = 1, a
# token *fires*. What the firing frame has left over, beyond 1, starts the next token.
#
# **Predict first**, with pencil and paper: in which frames do tokens fire? What is left at the
# end? Frames and tokens count from 0.

# %%
alpha = [0.2, 0.9, 0.6, 0.6]
rows, held = [], 0.0
for frame, weight in enumerate(alpha):
    before, held = held, held + weight
    fires = held >= 1
    held = held - 1 if fires else held
    said = "fires" if fires else ""
    rows.append([frame, weight, f"{before:.1f}", f"{before + weight:.1f}", said, f"{held:.1f}"])
table(["frame", "weight", "held before", "with this frame", "", "held after"], rows)

# %% [markdown]
# Two tokens, in frames 1 and 3, and 0.3 is left. Note what happens in frame 1: of its 0.9 only
# 0.8 were needed. The other 0.1 is not lost.
#
# **Exercise 01.1.** Five frames weigh 0.7 each: α = (0.7, 0.7, 0.7, 0.7, 0.7). How many tokens
# fire?

# %% tags=["exercise"]
how_many = ...
check("01.1", how_many)

# %% tags=["solution"]
how_many = 3  # 5 · 0.7 = 3.5
check("01.1", how_many)

# %% [markdown]
# ## 2. As a picture
#
# The same four frames as a sawtooth: the sum climbs, and at β it fires and falls by exactly 1. We
# draw a frame's weight as arriving evenly while the frame lasts, so the line climbs more steeply
# in a heavy frame.

# %%
frames = cifviz.FrameGrid(shift=1.0)  # count time in frames
identity = torch.eye(4)[None]  # why the identity: section 6
firing = cifviz.integrate_and_fire(torch.tensor([alpha]), identity)

figure, axes = canvas(2, height=1.9)
weights(firing, frames, ax=axes[0])
accumulation(firing, frames, ax=axes[1])
axes[0].set_xlabel("")
count_frames(axes[1], 4)
show(
    figure,
    "Above, the weights 0.2, 0.9, 0.6 and 0.6 of four frames. Below, their sum as a sawtooth: it "
    "reaches 1 near the end of frame 1 and in the middle of frame 3, and drops to 0 each time.",
)

# %% [markdown]
# Two tokens, each with its colour and pattern, share frame 1: the border between them runs
# through the frame.
#
# **Exercise 01.2.** Which weights make up the *second* token, token 1? Give four numbers, what it
# gets from frames 0, 1, 2 and 3. They sum to 1.

# %% tags=["exercise"]
token_1 = ...
check("01.2", token_1)

# %% tags=["solution"]
token_1 = [0.0, 0.1, 0.6, 0.3]
check("01.2", token_1)

# %% [markdown]
# ## 3. As a program
#
# The rule in plain Python. We keep `token`, what the token being filled has received from each
# frame. With β = 1 this is Algorithm 1 of the paper. Another β means something else there: a
# token still takes 1, and β only says how full it must be to fire. Here a token takes β.


# %%
def fire_by_loop(alpha, threshold=1.0):
    tokens, token, held = [], [0.0] * len(alpha), 0.0
    for frame, weight in enumerate(alpha):
        if held + weight >= threshold:
            needed = threshold - held  # completes the token
            token[frame] = needed
            tokens.append(token)
            token, held = [0.0] * len(alpha), 0.0
            weight = weight - needed  # opens the next
        token[frame] = weight
        held = held + weight
    return tokens, held


tokens, rest = fire_by_loop(alpha)
shown = [[f"token {i}", *(f"{part:.1f}" for part in token)] for i, token in enumerate(tokens)]
table(["", "frame 0", "frame 1", "frame 2", "frame 3"], shown)

# %% [markdown]
# One row for each token, one column for each frame: call this table W. A row sums to β. A column
# sums to the frame's weight, as far as it was used.
#
# The library has the same twice: as a [reference in plain Python](../cifviz/core/reference.py),
# one page long, and for batches of tensors. All three agree:

# %%
by_reference, positions, residual = reference.integrate_and_fire(alpha)
assert_close(torch.tensor(tokens), torch.tensor(by_reference))
assert_close(torch.tensor(tokens).double(), firing.contributions[0], rtol=0, atol=1e-6)
print(f"the same {len(tokens)} tokens three times; {residual:.1f} is left")

# %% [markdown]
# ## 4. Two rulers: the mass axis
#
# The loop hides how simple this is. Lay the weights end to end on a line, the *mass axis*. Frame
# t then covers the interval from S[t] to S[t+1], where S[t] is the sum of the weights before it.
# Lay a second ruler beside it, cut at every multiple of β: token i covers the interval from iβ to
# (i+1)β. What frame t gives to token i is the length of their overlap:
#
# ```text
# W[i, t] = max(0, min(S[t+1], (i+1)β) − max(S[t], iβ))
# ```
#
# **Predict first:** into how many pieces do the ends of frames and tokens together cut the line
# from 0 to 2.3?


# %%
def fire_by_overlap(alpha, threshold=1.0):
    ends = torch.tensor(alpha, dtype=torch.float64).cumsum(0)
    starts = ends - torch.tensor(alpha, dtype=torch.float64)
    token = torch.arange(int(ends[-1] // threshold))[:, None]
    upper = torch.minimum(ends, (token + 1) * threshold)
    lower = torch.maximum(starts, token * threshold)
    return (upper - lower).clamp(min=0)


print(fire_by_overlap(alpha))
assert_close(fire_by_overlap(alpha), torch.tensor(tokens, dtype=torch.float64))

# %%
figure, (ax,) = canvas(height=3.2)
mass_axis(firing, frames, ax=ax)
count_frames(ax, 4)
show(
    figure,
    "The sum of the weights as one rising line. Time runs to the right in frames, mass upwards in "
    "tokens. Boxes show what each frame gives to each token: frame 1 is cut at mass 1 into 0.8 for "
    "token 0 and 0.1 for token 1. The line crosses 1 in frame 1 and 2 in frame 3.",
)

# %% [markdown]
# Across, the frames; upwards, the mass. A box is a piece of a frame that belongs to one token,
# and its height is the weight. Six pieces: five boxes, and the last 0.3, which belongs to no
# token. No loop is left: every W[i, t] can be computed on its own, all at once. That is how the
# library does it.
#
# ## 5. When exactly does it fire?
#
# The line crosses a whole number *inside* a frame. If a frame's weight arrives evenly, the
# crossing is where the needed share of the frame has passed:
#
# ```text
# position = t + ((i+1)β − S[t]) / α[t]
# ```
#
# **Exercise 01.3.** Where does token 0 fire, in frames? Frame t covers the time from t to t + 1.

# %% tags=["exercise"]
position = ...
check("01.3", position)

# %% tags=["solution"]
position = 1 + (1 - 0.2) / 0.9
check("01.3", position)

# %% [markdown]
# Now make frame 1 lighter or heavier. **Predict first:** which fires move, which frames do they
# move to, and can there be three?


# %%
def draw_mass(ax, *, weight_of_frame_1):
    moved = torch.tensor([[0.2, weight_of_frame_1, 0.6, 0.6]])
    moved_firing = cifviz.integrate_and_fire(moved, identity)
    mass_axis(moved_firing, frames, ax=ax)
    ax.set_ylim(0, 4.1)
    count_frames(ax, 4)
    at = ", ".join(f"{position:.2f}" for position in moved_firing.fire_positions[0].tolist())
    return f"fires at {at}" if at else "no fire"


live_figure(
    draw_mass,
    weight_of_frame_1=Slider(0.1, 2.5, 0.1, 0.9),
    static=[{"weight_of_frame_1": weight} for weight in (0.1, 0.9, 1.7, 2.5)],
    alt="The mass axis for four weights of frame 1. The heavier it is, the steeper the line there "
    "and the earlier all later fires; at 2.5 two tokens fire inside frame 1, and three in all.",
)

# %% [markdown]
# ## 6. Feed it the identity
#
# CIF does not output W. It outputs the *embeddings* c = W h, where h is the encoder's output:
# each token is the weighted sum of the frames that filled it, and a decoder turns it into a word.

# %%
torch.manual_seed(seed)
encoder_out = torch.randn(1, 4, 3)  # one utterance, four frames, three channels
fired = cifviz.integrate_and_fire(torch.tensor([alpha]), encoder_out)
by_hand = 0.2 * encoder_out[0, 0] + 0.8 * encoder_out[0, 1]
assert_close(fired.embeddings[0, 0], by_hand)
assert_close(fired.embeddings[0], torch.tensor(tokens) @ encoder_out[0])
print("token 0 is 0.2 · frame 0 + 0.8 · frame 1")

# %% [markdown]
# This gives a trick that works with *any* CIF, yours or a stranger's, without reading its code.
# Take as frames the rows of the identity: frame t is all zeros but for a 1 at place t. **Predict
# first:** what are the embeddings then?

# %%
print(firing.embeddings[0])  # `firing` was fed the identity in section 2
assert_close(firing.embeddings[0], torch.tensor(tokens))

# %%
figure, (ax,) = canvas(height=1.9)
contributions(firing, frames, tokens=["token 0", "token 1"], ax=ax)
ax.set_ylabel("")
count_frames(ax, 4)
number = {"ha": "center", "va": "center", "bbox": {"facecolor": "white", "edgecolor": "none"}}
for token, row in enumerate(firing.contributions[0]):
    for frame, part in enumerate(row):
        ax.text(frame + 0.5, token + 0.5, f"{part:.1f}", **number)
show(
    figure,
    "W as a picture, a row for each token and a column for each frame: 0.2, 0.8, 0, 0 and below it "
    "0, 0.1, 0.6, 0.3. The dark cells form a staircase from the top left to the bottom right.",
)

# %% [markdown]
# W is the alignment: a staircase, because CIF never looks back. You will meet this picture in
# every lesson.
#
# ## 7. Heavy frames, and what is left
#
# Our loop has a flaw. **Predict first:** what should α = (0.25, 2.5, 0.5) give, and what does the
# loop make of it?

# %%
heavy = [0.25, 2.5, 0.5]
for name, rows in [("loop", fire_by_loop(heavy)[0]), ("overlap", fire_by_overlap(heavy).tolist())]:
    print(f"{name:8}", *rows)

# %% [markdown]
# The loop asks only once in each frame whether to fire, so it falls behind, and later a frame has
# to pay back: a *negative* weight. Several public implementations do this. It happens in
# training, when weights are scaled up.
#
# **Exercise 01.4.** Change the loop so that a frame can fire as often as its weight allows.
# `fire` shall return the list of tokens alone. It should work for any threshold.


# %% tags=["exercise"]
def fire(alpha, threshold=1.0): ...  # start from fire_by_loop


check("01.4", fire)


# %% tags=["solution"]
def fire(alpha, threshold=1.0):
    tokens, token, held = [], [0.0] * len(alpha), 0.0
    for frame, weight in enumerate(alpha):
        while held + weight >= threshold:  # while, not if
            needed = threshold - held
            token[frame] = needed
            tokens.append(token)
            token, held = [0.0] * len(alpha), 0.0
            weight = weight - needed
        token[frame] = weight
        held = held + weight
    return tokens


check("01.4", fire)

# %% [markdown]
# At the end of an utterance there is nearly always a rest that never fired, 0.3 in our example.
# In training one scales the weights so that it comes out even ([lesson 03](03_scaling.ipynb)).
# Afterwards, when nobody knows the number of words, a *tail rule* decides: fire a rest above τ as
# one more token, scaled up to a full one, or drop it ([lesson 04](04_tail_handling.ipynb)).

# %%
for rule in (drop, above(0.5), above(0.25)):
    tailed = cifviz.integrate_and_fire(torch.tensor([alpha]), identity, tail=rule)
    last = ", ".join(f"{part:.1f}" for part in tailed.embeddings[0, -1].tolist())
    print(f"{rule}: {int(tailed.num_fires)} tokens, the last one is ({last})")

# %% [markdown]
# ## 8. On real weights
#
# Four numbers prove little. Here are the weights that a trained recogniser gave to a person who
# said a number. The project keeps no sound of people, but the weights are all we need. (With the
# data set on your machine, `listen = True` plays it: [Real speech](../data/README.md#real-speech).)

# %%
spoken = cifviz.load_recording(recording)
print(f"{spoken.speaker} says:", spoken.words.text)
print(f"{spoken.attribution}, {spoken.licence}")
if listen:
    play(spoken.waveform(), f"The recording {recording}")

# %% [markdown]
# Do the plain loop (the reference, where a frame may fire several times) and the library agree on
# these weights, too? **Predict first:** the weights of so many words sum to about as many tokens.
# How many fire without a tail rule?

# %%
utterances = {}
for name in [recording] if fast else cifviz.list_recordings():
    real = cifviz.load_recording(name).alpha[None]
    again = cifviz.integrate_and_fire(real, torch.eye(real.shape[1])[None], threshold=threshold)
    by_loop, _, rest = reference.integrate_and_fire(real[0].double().tolist(), threshold)
    assert_close(by_loop, again.contributions[0].tolist(), rtol=0, atol=1e-6)
    assert_close(rest, float(again.residual), rtol=0, atol=1e-6)
    utterances[name] = again
    print(f"{name}: {len(by_loop)} tokens, {rest:.2f} left, loop = library")

# %%
utterance = utterances[recording]
figure, axes = canvas(3, height=1.8)
weights(utterance, spoken.grid, ax=axes[0])
mass_axis(utterance, spoken.grid, ax=axes[1])
contributions(utterance, spoken.grid, ax=axes[2])
for ax in axes[:-1]:
    ax.set_xlabel("")
show(
    figure,
    f"Weights of the recording {recording} over time, their sum on the mass axis cut into "
    f"{int(utterance.num_fires)} tokens, and W below: the same staircase as with four frames.",
)

# %% [markdown]
# A rest just below 1 may well be the last word: without a tail rule, weights that sum to 2.99 give
# two tokens.
#
# Training knows that trouble as well. There the weights are scaled to sum to the number of tokens,
# but computers round: a sum of 2.9999998 never fills the third token, and it is lost. That is the
# main reason why code fires a little early, at 0.99. [Lesson 05](05_thresholds_and_dialects.ipynb)
# measures how often it happens without, and asks what 0.99 means.
#
# ## 9. Extra: how can this be learnt?
#
# Counting looks like nothing one could take a derivative of. But W is made of sums and cuts, so
# it has a slope nearly everywhere. Here is how the second token changes when each weight grows a
# little, by automatic differentiation.


# %%
def second_token(alpha):
    return cifviz.integrate_and_fire(alpha[None], identity.double()).contributions[0, 1]


slopes = torch.autograd.functional.jacobian(second_token, torch.tensor(alpha).double())
rows = [
    [
        f"α of frame {t} grows",
        *(f"{slope:+.0f}" if slope else "0" for slope in slopes[:, t].tolist()),
    ]
    for t in range(4)
]
table(["", "from frame 0", "from frame 1", "from frame 2", "from frame 3"], rows)

# %% [markdown]
# Let α of frame 0 grow by ε: token 0 is full earlier, so frame 1 has ε more left for token 1, and
# token 1 takes ε less from frame 3. *Every* weight before a border pushes the border. The slopes
# say by how much, and training follows them. Frame 3 itself has no say: what it has more of than
# needed stays outside.

# %%
record(
    fires=int(firing.num_fires),
    residual=residual,
    first_fire=positions[0],
    second_fire=positions[1],
    tolerance=1e-6,
)
record(utterance_fires=int(utterance.num_fires))
record(utterance_residual=utterance.residual, utterance_mass=utterance.weight_sum, tolerance=1e-3)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where the library keeps what they name:

# %%
glossary(
    *("accumulated weight", "contribution", "embedding", "encoder output", "fire", "fire position"),
    *("frame", "mass axis", "residual", "running sum", "slack", "tail", "tail threshold"),
    *("threshold", "weight"),
)

# %% [markdown]
# ## On your own
#
# - Fire (0.4, 1.8, 1.2, 1.2, 1.4) by hand, then by program. Which frame fires twice?
# - Set `threshold = 0.5` and run section 8 again. Do you get exactly twice as many tokens? When
#   not?
# - Give all frames of a long utterance the same weight. Where do the fires fall, and what would
#   such a CIF be good for?
# - Feed the identity to a CIF of another code base. Does each row of W sum to what you expect?

# %% [markdown]
# ## In practice
#
# - CIF-PyTorch fires at 0.99 and still charges 1 for a token, as the paper does: a *slack*, not
#   another threshold. torch_cif charges the threshold that you set, as the lessons do. The same
#   number means two things.
# - CIF-PyTorch's loop fires at most once in a frame, as ours did in section 3; torch_cif fires as
#   often as needed.
# - Loops are slow on a GPU. Overlaps need one running sum, and memory for tokens × frames.

# %% [markdown]
# ## Further reading
#
# - L. Dong and B. Xu, [CIF: Continuous Integrate-and-Fire for End-to-End Speech
#   Recognition](https://arxiv.org/abs/1905.11235), ICASSP 2020: the mechanism, with the example
#   of four weights that we began with.
# - [torch_cif](https://github.com/George0828Zhang/torch_cif): a parallel implementation without
#   the loop, with a picture of its own example in the README.
# - [CIF-PyTorch](https://github.com/MingLunHan/CIF-PyTorch): an implementation that follows the
#   paper's loop step by step, with advice on training.
# - [cifviz/core/firing.py](../cifviz/core/firing.py): the two rulers for batches of tensors, with
#   slack, tails and scaling.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# The lesson that all others stand on. Chalk first: the four weights are chosen so that everything
# up to section 5 can be done on a board, and nobody should see code before having fired by hand.
# Two strips of paper, one with the weights laid end to end and one cut at 1, 2, 3, say more about
# section 4 than any formula.
#
# ### 90 minutes
#
# - 10 min, section 1: Four weights on the board. All fire by hand, then compare: in which frames,
#   what is left? Exercise 01.1.
# - 10 min, section 2: Somebody draws the sawtooth before it is shown. Exercise 01.2, and whose
#   0.1 it is.
# - 15 min, section 3: The class dictates the loop, you type what they say, bugs included. Run it
#   on (0.2, 0.9, 0.6, 0.6) until it agrees.
# - 15 min, section 4: Two strips of paper. How many pieces? Read the formula off the strips: an
#   overlap ends where the first of two ends, begins where the second begins.
# - 10 min, section 5: Exercise 01.3, then the slider: predict what moves before it is moved.
# - 10 min, section 6: What comes out of a CIF that is fed the identity? Let it be found, do not
#   tell.
# - 15 min, section 7: What should 2.5 in one frame do? Exercise 01.4 in pairs; then the tail, by
#   hand.
# - 5 min, section 8: Real weights: the same picture, with more teeth. Section 9 is for those who
#   want to train.
#
# ### Likely questions
#
# - *Why not start again at 0 after a fire?* Then the sum of the weights would no longer count the
#   tokens, and how many fire would depend on where the borders happen to fall.
# - *Is W the same as attention?* It is used in the same way, to average frames. But each row is
#   one stretch of time, rows follow one another, and a row does not depend on which words came
#   before.
# - *Can a frame belong to three tokens?* Yes, if it weighs more than β: the frame of 2.5 does.
# - *Why must weights not be negative?* The running sum would turn back, and a token that fired
#   would be less than full again. Some code lets it happen: lesson 05.
# - *How can one learn through a fire?* The number of fires jumps, but what a token holds changes
#   smoothly until it does; at a jump there is a kink. Training fixes the number and follows the
#   slopes in between (section 9).
# - *Where in a frame does the weight lie?* Nobody knows; that it arrives evenly is a convention.
#   It decides fire positions only to within a frame.
#
# ### Usual misconceptions
#
# - *After a fire the sum is 0.* It is what the firing frame has left. The answer 2 to exercise
#   01.1 comes from this.
# - *The firing frame belongs to the token that it completes.* It is cut in two: let them find the
#   0.1 of frame 1 in the picture.
# - *The number of tokens is the sum, rounded.* It is rounded down. Only a tail rule can round up.
# - *Position 1.89 lies in frame 2.* Frames count from 0, and frame t is the time from t to t + 1.
# - *Rows of W sum to 1.* They sum to β. Columns sum to the weights, but for what is left over.
# - *A threshold of 0.5 is a matter of taste.* The weights were trained for one β; another needs
#   other weights.
