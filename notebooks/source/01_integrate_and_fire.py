# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

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
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [00 See and hear what CIF makes of a clip](00_start_here.ipynb) · Next: [02 Scale the
# weights, and see what that hides](02_scaling.ipynb)

# %% tags=["hide-input"]
# Imports
import torch
from torch.testing import assert_close

import cifviz
from cifviz.core import reference
from cifviz.core.tail import above, drop
from cifviz.course import (
    Slider,
    Steps,
    canvas,
    check,
    count_frames,
    glossary,
    live_figure,
    name_words,
    play,
    play_all,
    record,
    show,
    table,
)
from cifviz.course.mass_figures import draw_owned_weights, draw_rulers
from cifviz.explorer import sonify
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
# A recogniser has cut some speech into short *frames*, and has given each of them a *weight* α: how
# much of a token the frame is worth. (A *token* is a unit of the transcript; here, a word.) There
# are more frames than tokens, so somebody has to decide which frames make up which token. That is
# what integrate-and-fire does.
#
# The rule: add up the weights, frame by frame. When the sum reaches the *threshold* β = 1, a
# token *fires*: it is complete. What the firing frame has left over, beyond 1, starts the next
# token.
#
# Four frames are enough for an example, the one of the CIF paper: α = (0.2, 0.9, 0.6, 0.6). Frames
# and tokens count from 0, here and in all lessons.
#
# **Predict first**, with pencil and paper: in which frames do tokens fire? What is left at the
# end?

# %% tags=["answer", "hide-input"]
# Table: the sum, frame by frame
alpha = [0.2, 0.9, 0.6, 0.6]
rows, held = [], 0.0
for frame, weight in enumerate(alpha):
    before, held = held, held + weight
    fires = held >= 1
    held = held - 1 if fires else held
    event = "fires" if fires else ""
    rows.append([frame, weight, f"{before:.1f}", f"{before + weight:.1f}", event, f"{held:.1f}"])
table(["frame", "weight", "sum before", "with this frame", "", "sum after"], rows)

# %% [markdown] tags=["answer"]
# Two tokens fire, in frames 1 and 3, and 0.3 is left. This is the *residual*. Note what happens in
# frame 1: of its 0.9 only 1 − 0.2 = 0.8 were needed. The other 0.1 is not lost; it opens the next
# token. So the sum after a fire is not 0, but what the firing frame has left.

# %% [markdown]
# **Exercise 01.1.** Five frames weigh 0.7 each: α = (0.7, 0.7, 0.7, 0.7, 0.7). How many tokens
# fire?

# %% tags=["exercise"]
how_many = ...
check("01.1", how_many)

# %% tags=["solution"]
how_many = 3  # 5 · 0.7 = 3.5
check("01.1", how_many)

# %% [markdown] tags=["hints"]
# Add the weights up one by one, and watch when the sum passes a whole number.
#
# The sums are 0.7, 1.4, 2.1, … Each time a new whole number is reached, a token fires.
#
# At the end the sum is 5 · 0.7. A token that is not full does not fire.

# %% [markdown]
# **Exercise 01.2.** Now α = (0.4, 0.5, 0.3, 0.7, 0.6). Which weights make up the *second* token,
# token 1? Give five numbers, what it gets from frames 0, 1, 2, 3 and 4. They sum to 1.

# %% tags=["exercise"]
token_1 = ...
check("01.2", token_1)

# %% tags=["solution"]
token_1 = [0.0, 0.0, 0.2, 0.7, 0.1]  # 0.4 + 0.5 + 0.1 is token 0
check("01.2", token_1)

# %% [markdown] tags=["hints"]
# First find the frame in which token 0 becomes full, and how much of this frame is left then.
#
# 0.4 + 0.5 is 0.9, so token 0 needs 0.1 of frame 2. The remaining part of frame 2 opens token 1.
#
# Token 1 starts with that part, takes all of frame 3, and from frame 4 only what is missing to 1.
# Frames before it give 0.

# %% [markdown]
# ## 2. As a picture, and as a sound
#
# Back to α = (0.2, 0.9, 0.6, 0.6). Above, a bar for each weight, cut into the pieces that go to
# different tokens. Below, the *accumulated weight*, what the unfinished token holds: it climbs, and
# where it reaches β a token fires and it falls by exactly 1. We draw a frame's weight as arriving
# evenly while the frame lasts, so the line climbs more steeply in a heavy frame.

# %%
clock = cifviz.FrameGrid(shift=1.0)  # count time in frames
identity = torch.eye(4)[None]  # why the identity: section 6
firing = cifviz.integrate_and_fire(torch.tensor([alpha]), identity)

# %% tags=["hide-input"]
# Figure: the weights by owner, and their sum
figure, axes = canvas(2, height=1.9, width=6.0)
draw_owned_weights(firing, ax=axes[0])
accumulation(firing, clock, ax=axes[1])
axes[0].set_xlabel("")
axes[1].set_ylabel("sum")
count_frames(axes[1], 4)
show(
    figure,
    "Above, bars for the weights of four frames: 0.2; 0.9, cut into 0.8 and 0.1; 0.6; and 0.6, cut "
    "into 0.3 and 0.3. Below, their sum as a sawtooth: it reaches 1 near the end of frame 1 and in "
    "the middle of frame 3, and drops to 0 each time.",
    caption="Four weights. Colour and pattern say which token a piece belongs to; grey is the "
    "residual. Look at frame 1: 0.8 complete token 0, and 0.1 opens token 1. ▼ marks the fires.",
)

# %% [markdown]
# Weights and accumulated weight have one number for each frame. So code that mixes them up does not
# fail, and no check of shapes finds it.
#
# **Predict first:** somebody gives you two rows of our example, (0.2, 0.1, 0.7, 0.3) and (0.2, 0.9,
# 0.6, 0.6). How can you tell which is the accumulated weight after each frame, without knowing α?

# %% [markdown] tags=["answer"]
# By its falls. The accumulated weight falls where a token fires, here from 0.2 to 0.1 and from 0.7
# to 0.3, and never reaches β at the end of a frame. The weights need not fall there, and they sum
# to about the number of tokens: 0.2 + 0.9 + 0.6 + 0.6 = 2.3, and two tokens fire. FunASR [once
# swapped the two](https://github.com/modelscope/FunASR/issues/3723): there were as many times as
# tokens, and all of them were wrong.

# %% [markdown]
# The same as a sound: a tone that is as loud as the weight of the frame, and a click at each fire.
# A frame lasts half a second here. Listen: the first click comes near the end of the loudest frame,
# the second in the middle of the last one.

# %%
four_frames = cifviz.Transcription.from_alpha(torch.tensor(alpha), frame_shift=0.5)
play(sonify(four_frames), "Four weights as a tone, and the fires as clicks")

# %% [markdown]
# ## 3. As a program
#
# The rule in plain Python. We keep `token`, what the token being filled has received from each
# frame, and `held`, the sum of that. (With β = 1 this is Algorithm 1 of the paper. Another β means
# something else there: a token still takes 1, and β only says how full it must be to fire. Here a
# token takes β.)


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


# %%
tokens, residual = fire_by_loop(alpha)
shown = [[f"token {i}", *(f"{part:.1f}" for part in token)] for i, token in enumerate(tokens)]
table(["", "frame 0", "frame 1", "frame 2", "frame 3"], shown)

# %% [markdown]
# One row for each token, one column for each frame: this table is called W, and an entry of it a
# *contribution*. A row sums to β. A column sums to the frame's weight, as far as it was used.
#
# The library has the same twice: as a [reference in plain Python](../cifviz/core/reference.py),
# one page long, and for batches of tensors. All three agree:

# %%
by_reference, positions, left = reference.integrate_and_fire(alpha)
assert_close(torch.tensor(tokens), torch.tensor(by_reference))
assert_close(torch.tensor(tokens).double(), firing.contributions[0], rtol=0, atol=1e-6)
print(f"the same {len(tokens)} tokens three times; {left:.1f} is left")

# %% [markdown]
# ## 4. Two rulers: the mass axis
#
# The loop hides how simple this is. Lay the weights end to end on a line, the *mass axis*. That is
# the first ruler: frame t covers the interval from S_t to S_t + α_t, where S_t is the sum of the
# weights before frame t. Lay a second ruler beside it, cut at every multiple of β: token i covers
# the interval from iβ to (i+1)β.
#
# Watch the frames arrive on the first ruler. In Jupyter the buttons play it, and the slider moves
# it by a quarter of a frame.


# %% tags=["hide-input"]
# Animation: the frames arrive on the mass axis
def draw_arrival(ax, *, position):
    draw_rulers(firing, ax=ax, position=position)
    ax.set_xlabel("mass (sum of the weights)" if position else "")
    arrived = sum(weight * min(max(position - frame, 0), 1) for frame, weight in enumerate(alpha))
    return f"the sum is {arrived:.2f}, {int(arrived + 1e-9)} fired"


live_figure(
    draw_arrival,
    position=Steps([quarter / 4 for quarter in range(17)]),
    static=[{"position": position} for position in (1.0, 1.5, 2.0, 4.0)],
    alt="The two rulers at four positions. After frame 0 a token that is not full holds 0.2. In "
    "the middle of frame 1 it holds 0.65. At the end of frame 1 token 0 is full, with 0.2 and 0.8, "
    "and 0.1 lies in the next token. At the end there are two full tokens and a residual of 0.3.",
    caption="Frames (top) arrive on the mass axis, and are cut where a token is full (bottom). In "
    "the middle, the pieces with their weights; grey belongs to no full token yet. See how frame 1 "
    "is cut at mass 1.",
    height=2.3,
)

# %% [markdown]
# What frame t gives to token i is the length of their overlap. An overlap of two intervals begins
# where the second of them begins, and ends where the first of them ends:
#
# ```text
# W[i, t] = max(0, min(S_t + α_t, (i+1)β) − max(S_t, iβ))
# ```
#
# In code, for all tokens and frames at once:


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

# %% [markdown]
# No loop is left: every W[i, t] can be computed on its own, all at once. That is how the library
# does it.
#
# **Predict first:** for the weights of exercise 01.2, (0.4, 0.5, 0.3, 0.7, 0.6), into how many
# pieces do the ends of frames and tokens together cut the line from 0 to 2.5? Draw the two rulers.

# %% tags=["answer", "hide-input"]
# Figure: two rulers for five frames
five_frames = cifviz.integrate_and_fire(
    torch.tensor([[0.4, 0.5, 0.3, 0.7, 0.6]]), torch.eye(5)[None]
)
figure, (ax,) = canvas(height=2.2, width=6.0)
draw_rulers(five_frames, ax=ax)
show(
    figure,
    "Two rulers from mass 0 to 2.5. Five frames of 0.4, 0.5, 0.3, 0.7 and 0.6 above, two tokens "
    "and a residual of 0.5 below, and between them seven pieces: 0.4, 0.5, 0.1, 0.2, 0.7, 0.1, "
    "0.5.",
    caption="The two rulers for five frames. Count the pieces in the middle, and see which frames "
    "are cut.",
)

# %% [markdown] tags=["answer"]
# Into seven. The five frames make five pieces, and each of the two fires cuts one frame in two:
# frame 2 at mass 1, and frame 4 at mass 2. The last piece, 0.5, is the residual.

# %% [markdown]
# ## 5. When exactly does it fire?
#
# The sum reaches a whole number *inside* a frame. If a frame's weight arrives evenly, this happens
# where the needed share of the frame has passed:
#
# ```text
# position = t + ((i+1)β − S_t) / α_t
# ```
#
# For token 0 of α = (0.2, 0.9, 0.6, 0.6): it fires in frame 1, S_1 is 0.2, so it needs 1 − 0.2 =
# 0.8 of this frame's weight, which is 0.9. Its position is 1 + 0.8 / 0.9 = 1.89. That is in frame
# 1, not in frame 2, for frame t covers the time from t to t + 1.
#
# **Exercise 01.3.** Where does token 0 of α = (0.4, 0.5, 0.3, 0.7, 0.6) fire, in frames?

# %% tags=["exercise"]
position = ...
check("01.3", position)

# %% tags=["solution"]
position = 2 + (1 - 0.9) / 0.3
check("01.3", position)

# %% [markdown] tags=["hints"]
# In which frame does the sum reach 1? The position is in that frame.
#
# It is frame 2, and S_2 is 0.9. How much weight is still needed there?
#
# Divide the weight that is needed by the weight of frame 2, and add the number of the frame.

# %% [markdown]
# Now back to four frames, with frame 1 lighter or heavier than 0.9. The next picture has time to
# the right and mass upwards; the sum of the weights is a line that rises.
#
# **Predict first:** if frame 1 weighs 0.1, 1.7 or 2.5, which fires move, and which frames do they
# move to? Can there be three?


# %% tags=["hide-input"]
# What the slider draws
def draw_mass(ax, *, weight_of_frame_1):
    moved = torch.tensor([[0.2, weight_of_frame_1, 0.6, 0.6]])
    moved_firing = cifviz.integrate_and_fire(moved, identity)
    mass_axis(moved_firing, clock, ax=ax)
    ax.set_ylim(0, 4.1)
    count_frames(ax, 4)
    at = ", ".join(f"{position:.2f}" for position in moved_firing.fire_positions[0].tolist())
    return f"fires at {at}" if at else "no fire"


# %% tags=["answer", "hide-input"]
# Figure with a slider: the weight of frame 1
live_figure(
    draw_mass,
    weight_of_frame_1=Slider(0.1, 2.5, 0.1, 0.9),
    static=[{"weight_of_frame_1": weight} for weight in (0.1, 0.9, 1.7, 2.5)],
    alt="The mass axis for four weights of frame 1. The heavier it is, the steeper the line there "
    "and the earlier all later fires. At 0.1 one token fires, at 0.9 two, at 1.7 and at 2.5 three; "
    "at 2.5 two of them fire inside frame 1.",
    caption="The sum of the weights over time, for four weights of frame 1. A box is a piece of a "
    "frame that belongs to one token; its height is the weight. A fire is where the line reaches a "
    "whole number of tokens: see how all later ones move when frame 1 gets heavier.",
)

# %% [markdown] tags=["answer"]
# All fires move to the left as frame 1 gets heavier, since all of them come after frame 0. At 0.1
# only one token fires, in frame 3. At 1.7 there are three, in frames 1, 2 and 3. At 2.5 there are
# three, too, two of them in frame 1: there the line crosses 1 and 2. A frame can fire as often as
# its weight allows.

# %% [markdown]
# ## 6. Feed it the identity
#
# CIF does not output W. It outputs *embeddings*, c = W h, where h is the *encoder output*, a vector
# for each frame: each token gets the weighted sum of the frames that filled it, and a decoder turns
# it into a word.

# %%
torch.manual_seed(seed)
encoder_out = torch.randn(1, 4, 3)  # one utterance, four frames, three channels
fired = cifviz.integrate_and_fire(torch.tensor([alpha]), encoder_out)
by_hand = 0.2 * encoder_out[0, 0] + 0.8 * encoder_out[0, 1]
assert_close(fired.embeddings[0, 0], by_hand)
assert_close(fired.embeddings[0], torch.tensor(tokens) @ encoder_out[0])
print("token 0 is 0.2 · frame 0 + 0.8 · frame 1")

# %% [markdown]
# This gives a trick that works with *any* CIF, of any code base, without reading its code. Take as
# frames the rows of the identity matrix: frame t is all zeros but for a 1 at place t.
#
# **Predict first:** what are the embeddings then?

# %% tags=["answer"]
# The embeddings of the identity
print(firing.embeddings[0])  # `firing` was fed the identity in section 2

# %% tags=["answer", "hide-input"]
# Figure: W
assert_close(firing.embeddings[0], torch.tensor(tokens))
figure, (ax,) = canvas(height=1.7, width=6.0)
contributions(firing, clock, tokens=["token 0", "token 1"], ax=ax)
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
    caption="W, with a row for each token and a column for each frame. Follow the dark cells: they "
    "are a staircase from the top left to the bottom right.",
)

# %% [markdown] tags=["answer"]
# They are W itself, for W times the identity is W. And W is the *alignment*: it says which frames
# each token is made of. It is a staircase, because the sum only grows, so that no token takes a
# frame from before the token in front of it.

# %% [markdown]
# ## 7. Heavy frames, and the residual
#
# The loop of section 3 has a fault that four light frames do not show.
#
# **Predict first:** what should α = (0.25, 2.5, 0.5) give, and what does the loop make of it?

# %% tags=["answer"]
# Loop and overlap, with a heavy frame
heavy = [0.25, 2.5, 0.5]
for name, rows in [("loop", fire_by_loop(heavy)[0]), ("overlap", fire_by_overlap(heavy).tolist())]:
    print(f"{name:8}", *rows)

# %% [markdown] tags=["answer"]
# The weights sum to 0.25 + 2.5 + 0.5 = 3.25, so three tokens should fire: (0.25, 0.75, 0), (0, 1,
# 0) and (0, 0.75, 0.25). The loop asks only once in each frame whether to fire. After the fire in
# frame 1 it holds 1.75, more than a token; in frame 2 it takes 0.75 off again, a *negative* weight,
# and has only two tokens. Several public implementations do this. It happens in training, when
# weights are scaled up.

# %% [markdown]
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

# %% [markdown] tags=["hints"]
# The loop asks once in each frame whether to fire. How often should it ask?
#
# After a fire, `weight` holds what the frame has left. Is that perhaps enough for the next token?
#
# Turn `if` into `while`, and make sure that `token` and `held` are fresh and `weight` is smaller
# each time round.

# %% [markdown]
# **The residual.** At the end of an *utterance*, one stretch of speech that is recognised in one
# go, there is nearly always a residual, 0.3 in our example. In training the weights are scaled so
# that there is none ([lesson 02](02_scaling.ipynb)). In use, when the number of words is not known,
# a *tail rule* decides. `drop` drops the residual; `above(τ)` fires it as one more token if it is
# above τ, scaled up to a full one ([lesson 05](05_tail_handling.ipynb)).

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
# **Predict first:** the weights of so many words sum to about as many tokens. How many fire without
# a tail rule? And do loop and library agree on these weights, too?

# %% tags=["answer", "hide-input"]
# Loop (the reference, which can fire several times in a frame) and library
utterances = {}
for name in [recording] if fast else cifviz.list_recordings():
    real = cifviz.load_recording(name).alpha[None]
    again = cifviz.integrate_and_fire(real, torch.eye(real.shape[1])[None], threshold=threshold)
    by_loop, _, rest = reference.integrate_and_fire(real[0].double().tolist(), threshold)
    assert_close(by_loop, again.contributions[0].tolist(), rtol=0, atol=1e-6)
    assert_close(rest, float(again.residual), rtol=0, atol=1e-6)
    utterances[name] = again
    print(f"{name}: {len(by_loop)} tokens, residual {rest:.2f}, loop = library")

# %% tags=["answer", "hide-input"]
# Figure: weights, mass axis and W of the recording
utterance = utterances[recording]
figure, axes = canvas(3, height=1.9)
weights(utterance, spoken.grid, ax=axes[0])
mass_axis(utterance, spoken.grid, ax=axes[1])
contributions(utterance, spoken.grid, ax=axes[2])
for ax in axes[:-1]:
    ax.set_xlabel("")
name_words(axes[0], spoken.words)
show(
    figure,
    f"Weights of the recording {recording} over time, their sum on the mass axis cut into "
    f"{int(utterance.num_fires)} tokens, and W below: the same staircase as with four frames.",
    caption="A real recording: the weights with the words above their sound, the mass axis, and W. "
    "Compare with the pictures of four frames: the same, with more teeth and many frames to a "
    "token.",
)

# %% [markdown] tags=["answer"]
# Loop and library agree. The fires may be one fewer than the words: if the last word weighs just
# below 1, it does not fire without a tail rule. A sum of 3 − 0.01 = 2.99 gives two tokens.
#
# Training knows that trouble as well. There the weights are scaled to sum to the number of tokens,
# but computers round: a sum of 2.9999998 never fills the third token, and it is lost. That is the
# main reason why code fires a little early, at 0.99. [Lesson 07](07_thresholds_and_dialects.ipynb)
# measures how often it happens without, and asks what 0.99 means.

# %% [markdown]
# These weights as a sound, and then a clip of a synthesiser, whose voice we can play along. Listen
# for the click at the end of each word: in which words does it come early?

# %%
of_person = cifviz.Transcription.from_firing(utterance, frame_shift=spoken.grid.shift)
clip = cifviz.load_clip("digits_three")
with_voice = cifviz.load_model("digits").transcribe(clip.waveform)
play_all(
    [
        (f"Weights and fires of {recording}", sonify(of_person)),
        (f"“{clip.words.text}”, with its weights and fires", sonify(with_voice, voice=True)),
    ]
)

# %% [markdown] tags=["optional"]
# ## 9. Program it without a loop over frames
#
# **Exercise 01.5 (optional).** Program c = W h by overlaps: the function gets the weights, a list
# with a vector for each frame, and the threshold, and returns a list with an embedding for each
# token that fires. Plain Python or torch, as you like; the formula is in section 4.


# %% tags=["exercise"]
def embed(alpha, encoder_out, threshold=1.0): ...  # start from fire_by_overlap


check("01.5", embed)


# %% tags=["solution"]
def embed(alpha, encoder_out, threshold=1.0):
    W = fire_by_overlap(alpha, threshold)
    return (W @ torch.tensor(encoder_out, dtype=torch.float64)).tolist()


check("01.5", embed)

# %% [markdown] tags=["hints"]
# `fire_by_overlap` gives W: a row for each token, a number for each frame.
#
# An embedding is the sum of all frames, each multiplied by its entry in the row of the token.
#
# That is the matrix product of W and the list of frames. Turn the list into a tensor of float64,
# use `@`, and `.tolist()` at the end.

# %% [markdown]
# One question is open: how can this be learned? Counting looks like nothing one could take a
# derivative of. But W is made of sums and cuts, so it has a *slope*, a derivative, nearly
# everywhere. [Lesson 03](03_training_film.ipynb), section 3, computes the slopes of these four
# weights by hand.

# %% [markdown]
# The numbers that this lesson arrived at are kept in the notebook, so that a later run can be
# compared with this one. The cells that keep them are hidden.

# %% tags=["answer", "hide-input"]
# Numbers kept
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
    *("accumulated weight", "alignment", "contribution", "embedding", "encoder output", "fire"),
    *("fire position", "frame", "mass axis", "residual", "running sum", "slack", "tail"),
    *("tail rule", "tail threshold", "threshold", "token", "weight"),
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

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *By hand.* The sums after the frames are 0.4, 0.4 + 1.8 = 2.2, 2.2 + 1.2 = 3.4, 3.4 + 1.2 = 4.6
#   and 4.6 + 1.4 = 6. Frame 1 crosses 1 and 2, and frame 4 crosses 5 and reaches 6: both fire
#   twice.
# - *β = 0.5.* As many as ⌊S / 0.5⌋: twice as many as before, and one more if the residual at β = 1
#   was half a token or more. For this recording, whose last word weighs just below 1, it is one
#   more.
# - *Equal weights.* At equal distances, every β / α frames, whatever is said. It is down-sampling
#   by a mean over neighbouring frames, and the alignment to compare with: see lesson 03, section 6.
# - *Another code base.* To what a token takes. In torch_cif that is β, in CIF-PyTorch 1, with
#   negative entries where it fired early. Look at the last row, too: a token made of the residual
#   sums to 1 if it is scaled up, and to less if weight was appended.

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
# All other lessons need this one. Chalk first: the four weights are chosen so that everything up to
# section 5 can be done on a board, and nobody should see code before having fired by hand. Two
# strips of paper, one with the weights laid end to end and one cut at 1, 2, 3, say more about
# section 4 than any formula.
#
# ### 90 minutes
#
# - 15 min, section 1: Four weights on the board. All fire by hand, then compare: in which frames,
#   what is left? Exercises 01.1 and 01.2, and whose 0.2 it is.
# - 10 min, section 2: Somebody draws the sawtooth before it is shown. Then with closed eyes: play
#   the sound, and raise a hand at each fire.
# - 15 min, section 3: The class dictates the loop, you type what they say, bugs included. Run it
#   on (0.2, 0.9, 0.6, 0.6) until it agrees.
# - 15 min, section 4: Two strips of paper. Play the animation, stop it at each fire. How many
#   pieces for five frames? Read the formula off the strips: an overlap ends where the first of two
#   ends, begins where the second begins.
# - 10 min, section 5: Exercise 01.3, then the slider: predict what moves before it is moved.
# - 5 min, section 6: What comes out of a CIF that is fed the identity? Let it be found, do not
#   tell.
# - 15 min, section 7: What should 2.5 in one frame do? Exercise 01.4 in pairs; then the tail, by
#   hand.
# - 5 min, section 8: Real weights, to see and to hear. Section 9 is for those who want to
#   program.
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
#   would be less than full again. Some code lets it happen: lesson 07.
# - *How can one learn through a fire?* The number of fires jumps, but what a token holds changes
#   smoothly until it does; at a jump there is a kink. Training fixes the number and follows the
#   slopes in between (lesson 03, section 3).
# - *Where in a frame does the weight lie?* Nobody knows; that it arrives evenly is a convention.
#   It decides fire positions only to within a frame.
#
# ### Usual misconceptions
#
# - *After a fire the sum is 0.* It is what the firing frame has left. The answer 2 to exercise
#   01.1 comes from this.
# - *The firing frame belongs to the token that it completes.* It is cut in two: look for the 0.1 of
#   frame 1 in the picture.
# - *The number of tokens is the sum, rounded.* It is rounded down. Only a tail rule can round up.
# - *Position 1.89 lies in frame 2.* Frames count from 0, and frame t is the time from t to t + 1.
# - *Rows of W sum to 1.* They sum to β. Columns sum to the weights, but for what is left over.
# - *A threshold of 0.5 is a matter of taste.* The weights were trained for one β; another needs
#   other weights.
