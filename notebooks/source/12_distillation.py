# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # Let a language model teach a CIF
#
# **What you'll do:** look at what a language model knows about the words of a sentence, write the
# loss by which it teaches what fires, watch a geometry move, and find out what that is worth.
#
# **What you'll learn**
#
# - *read* a picture of similarities, and say what a teacher's geometry holds
# - *compute* a contrastive loss by hand, and say what its temperature does
# - *write* that loss
# - *measure* by retrieval whether a student points to its teacher
# - *tell* a loss that went down from a recogniser that got better
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb), [lesson 03](03_scaling.ipynb) and
# [lesson 11](11_encoder_and_language_model.ipynb); what a logarithm and a cosine are. No network,
# no GPU. The trainings of section 5 are done: the lesson reads their published results. It needs
# no extra: the teacher's similarities are recorded.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [11 Join an encoder and a language model](11_encoder_and_language_model.ipynb) · Next:
# [16 Find out what your own CIF does](16_your_own_model.ipynb) (13 to 15 are in preparation)

# %% tags=["hide-input"]
# Imports
import math

import numpy as np
import torch

from cifviz.course import canvas, check, glossary, live_figure, record, show, table
from cifviz.metrics import spread
from cifviz.plot import STYLE
from cifviz.published import read_results, read_study
from cifviz.resources import resource
from cifviz.systems.distillation_losses import contrastive_loss, retrieval

# %% tags=["parameters"]
seed = 0  # of the small student in section 3
fast = True  # False: train the small student ten times as long

# %% [markdown]
# ## 1. What a teacher knows
#
# A recogniser of lesson 11 *uses* a language model: it has to be there whenever someone speaks.
# **HieraDist** (Han and others 2023) lets it *teach* instead. In training it reads the transcript
# and has a vector, a *state*, for each piece. The recogniser learns to make vectors like these.
# Then the language model goes home: in use the recogniser is as small and fast as before.
#
# What is there to learn? A label says which piece is right, and that all others are equally wrong.
# A state says more: which pieces are alike, and what a piece means *in this sentence*.
#
# Below are the states of MiniLM for the first prompts that nobody trained on. The cosine says how
# far two of them point the same way: 1, the same; 0, nothing in common.
#
# **Predict first:** will the same piece in two places have the same state? Will pieces of one
# prompt be nearer to each other than to those of another?

# %% tags=["hide-input"]
# What was recorded: similarities of the teacher, of fires, and of students to their teacher
found = read_study(resource("results"), "distillation")
pictures = found["similarities"]
tokens = pictures["none"]["tokens"]


def matrix(ax, values, title):
    """A matrix of cosines, one scale for all pictures of this lesson."""
    picture = ax.imshow(values, vmin=-1, vmax=1, cmap="cividis", interpolation="nearest")
    ax.set_xticks(range(len(tokens)), tokens, rotation=90, fontsize=6)
    ax.set_yticks(range(len(tokens)), tokens, fontsize=6)
    ax.set_title(title, fontsize="medium")
    return picture


# %% tags=["answer", "hide-input"]
# Figure: similarities of the teacher's states
teacher = np.array(pictures["none"]["teacher"])
figure, (ax,) = canvas(height=4.6)
figure.colorbar(matrix(ax, teacher, "teacher to teacher"), ax=ax, label="cosine")
others = teacher[~np.eye(len(tokens), dtype=bool)]
show(
    figure,
    f"A square of cosines between the states of {len(tokens)} pieces, 1 on the diagonal. Off the "
    f"diagonal they go from {others.min():.2f} to {others.max():.2f}, with blocks of higher ones.",
    caption="Cosines between the states of a language model, each piece with each. Look for blocks "
    "along the diagonal, and for the same piece in two places.",
)

# %% [markdown] tags=["answer"]
# A state belongs to a place and not to a piece: the same piece in another sentence has another
# one. The blocks are the prompts: a state also holds what the whole sentence is about. For a
# student that hears only sound this is hard to know. It has to learn the *differences* between
# places, not only what they have in common.

# %% [markdown]
# ## 2. Point to yours, and to no other's
#
# Two losses compare student and teacher.
#
# **Regression** asks the student to *be* the teacher: the squared distance
# $\sum_i \lVert s_i - e_i \rVert^2$. HieraDist uses it for the states of the decoder, which knows
# the pieces before. This is its *linguistic* level.
#
# **Contrast** asks less: the student should be nearer to its own state than to others. HieraDist
# uses it for what fires, the *acoustic* level. With cosines and a *temperature* τ,
#
# $$L = -\frac1N \sum_i \log \frac{e^{\cos(c_i, e_i)/\tau}}
# {e^{\cos(c_i, e_i)/\tau} + \sum_k e^{\cos(c_i, e_k)/\tau}},$$
#
# where k runs over states of other places in the batch.
#
# **Exercise 12.1.** A student has a cosine of 0.8 to its own state, and of 0.6 and 0 to two others.
# What is its loss for τ = 1, and for τ = 0.1? And what would it be for τ = 1 if all three cosines
# were equal? Give three numbers.

# %% tags=["exercise"]
losses = ...
check("12.1", losses)


# %% tags=["solution"]
def one_loss(own, others, temperature):
    scores = [math.exp(cosine / temperature) for cosine in (own, *others)]
    return -math.log(scores[0] / sum(scores))


losses = [one_loss(0.8, [0.6, 0.0], 1.0), one_loss(0.8, [0.6, 0.0], 0.1), math.log(3)]
check("12.1", losses)

# %% [markdown]
# **Exercise 12.2.** Write it for a whole batch. `cosines` is a list of N rows: row i holds the
# cosines of student i to all N teachers, its own at place i. All others are negatives. Give the
# mean loss.


# %% tags=["exercise"]
def contrast(cosines, temperature): ...  # a number


check("12.2", contrast)


# %% tags=["solution"]
def contrast(cosines, temperature):
    total = 0.0
    for own, row in enumerate(cosines):
        scores = [math.exp(cosine / temperature) for cosine in row]
        total -= math.log(scores[own] / sum(scores))
    return total / len(cosines)


check("12.2", contrast)

# %% [markdown]
# The temperature decides which others count. Move it, for the student of exercise 12.1 among ten
# others: how the pull away is shared out among them.


# %%
cosines = [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0, -0.1, -0.2]


def draw_shares(ax, *, temperature):
    """How much of the push goes to each of the others."""
    scores = torch.softmax(torch.tensor(cosines) / temperature, dim=0)[1:]
    ax.bar(cosines[1:], scores / scores.sum(), width=0.06, color=STYLE["weight"])
    ax.set(xlabel="cosine to another state", ylabel="share", ylim=(0, 1))
    return f"loss {-math.log(float(torch.softmax(torch.tensor(cosines) / temperature, 0)[0])):.2f}"


# %%
live_figure(
    draw_shares,
    temperature=[0.02, 0.05, 0.1, 0.5, 1.0],
    static=[{"temperature": value} for value in (0.02, 0.1, 1.0)],
    alt="Bars of the share of the push for ten other states, for three temperatures. At 0.02 "
    "nearly all of it goes to the nearest one; at 1 all get about as much.",
    caption="Which of the other states a student is pushed away from. Small temperatures look at "
    "the nearest alone.",
)

# %% [markdown]
# ## 3. A geometry moves
#
# Now see it happen. A small student has a vector for each of eight places, drawn at random. The
# teacher's states come in two groups that are alike, as pieces of two prompts. We train the student
# by the contrast alone, once at a small temperature and once at a large one.
#
# **Predict first:** after the training, what will the students' similarities *to each other* look
# like? Nobody told them anything about that. Will they show the two groups of the teacher?

# %%
generator = torch.Generator().manual_seed(seed)
prompt = torch.randn(2, 16, generator=generator).repeat_interleave(4, dim=0)
states = (1.5 * prompt + torch.randn(8, 16, generator=generator))[None]
counts, places = torch.tensor([8]), torch.arange(8)[None]


def trained(temperature, steps):
    torch.manual_seed(seed + 1)  # the student, and which others it is compared with
    student = torch.randn(1, 8, 16)
    student.requires_grad_()
    optimizer = torch.optim.Adam([student], 0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = contrastive_loss(student, states, counts, temperature=temperature)
        loss.backward()
        optimizer.step()
    return student.detach()


steps = 200 if fast else 2000
lanes = {
    "student, before": trained(0.1, 0),
    "student, τ = 0.1": trained(0.1, steps),
    "student, τ = 1": trained(1.0, steps),
    "teacher": states,
}


# %% tags=["answer", "hide-input"]
# Figure: students to each other before and after, and the teacher
def to_each_other(vectors):
    unit = torch.nn.functional.normalize(vectors[0], dim=1)
    return (unit @ unit.T).numpy()


gap = np.full((8, 1), np.nan)
squares = [part for one in lanes.values() for part in (to_each_other(one), gap)][:-1]
figure, (ax,) = canvas(height=2.2)
picture = ax.imshow(np.hstack(squares), vmin=-1, vmax=1, cmap="cividis", interpolation="nearest")
ax.set_xticks([3.5 + 9 * place for place in range(len(lanes))], list(lanes))
ax.set_ylabel("place")
figure.colorbar(picture, ax=ax, label="cosine")
show(
    figure,
    "Four squares of cosines between eight vectors. Before, the students have nothing in common. "
    "At a temperature of 0.1 they have nothing in common either; at 1 there are two blocks of "
    "four, fainter than those of the teacher.",
    caption="Cosines of eight vectors to each other, on one scale. Look for the two blocks of the "
    "teacher in the students.",
)

# %% tags=["answer", "hide-input"]
# Table: mean cosines inside of a group and between groups, and how many find their own state
same, other = np.arange(8)[:, None] // 4 == np.arange(8) // 4, ~np.eye(8, dtype=bool)
inside, outside = same & other, ~same
ranks = {name: retrieval(one, states, places).tolist() for name, one in lanes.items()}
groups = {
    name: [float(to_each_other(one)[where].mean()) for where in (inside, outside)]
    for name, one in lanes.items()
}
rows = [
    [name, *(f"{one:+.2f}" for one in groups[name]), f"{ranks[name].count(1)} of 8"]
    for name in lanes
]
table(["", "inside of a group", "between groups", "find their own state"], rows)

# %% [markdown] tags=["answer"]
# Both students find their own states. But at the small temperature the groups are *gone*. What the
# four states of a group have in common does not help to tell them apart, and the nearest others
# push hardest: so the student learns the differences alone. At the large temperature all others
# push about equally, and what is common comes over as well.
#
# So a contrast does not copy a geometry. It copies what tells states apart, and the temperature
# says how much of the rest. (The regression copies everything, lengths too.)

# %% [markdown]
# ## 4. Has it arrived?
#
# A loss that goes down proves little. *Retrieval* asks a question that everybody understands: among
# the teacher's states of a whole batch, is the nearest one that of the right piece? *Top-1* is the
# share of places where it is. If it is only the third one, its *reciprocal rank* is 1/3; the mean
# of these is the *MRR*.
#
# **Exercise 12.3.** Five students find their own states at the ranks 1, 1, 2, 4 and 10. What are
# top-1 (as a share) and MRR? And what is the MRR of a student who knows nothing, among 3 states,
# where each rank is equally probable? Give three numbers.

# %% tags=["exercise"]
scores = ...
check("12.3", scores)

# %% tags=["solution"]
scores = [2 / 5, (1 + 1 + 1 / 2 + 1 / 4 + 1 / 10) / 5, (1 + 1 / 2 + 1 / 3) / 3]
check("12.3", scores)

# %% [markdown]
# For the real thing there is one difficulty. A recogniser that nobody taught has no projection to
# the teacher's space, so it would lose by default. Therefore every recogniser gets a linear layer
# that is *fitted afterwards*, on training prompts. It asks how much of the teacher is in what fires
# anyway.
#
# **Predict first:** without any distillation, how often does the fitted layer find the right piece:
# hardly ever, half of the time, or mostly?

# %% tags=["answer", "hide-input"]
# Table: retrieval with the fitted layer and with the trained one
TITLES = {"none": "none", "token": "acoustic", "decoder": "linguistic", "": "both"}
rows, fitted = [], {}
for variant, title in TITLES.items():
    ones = [one for one in found["retrieval"] if one["variant"] == variant]
    cells = []
    for name in ("fitted", "acoustic"):
        known = [one[name] for one in ones if name in one]
        cells.append(spread([100 * one["top_1"] for one in known], digits=1) if known else "–")
        cells.append(spread([one["reciprocal_rank"] for one in known]) if known else "–")
    fitted[variant] = [100 * one["fitted"]["top_1"] for one in ones]
    rows.append([title, *cells])
table(["distilled", "fitted: top-1 %", "MRR", "trained: top-1 %", "MRR"], rows)

# %% tags=["answer", "hide-input"]
# Figure: students to their teacher, without and with distillation
figure, axes = canvas(2, height=4.2, share_time=False)
for ax, (name, title) in zip(axes, {"none": "not taught", "both": "taught"}.items(), strict=True):
    picture = matrix(ax, pictures[name]["student_teacher"], f"{title}: student to teacher")
    figure.colorbar(picture, ax=ax, label="cosine")
show(
    figure,
    "Two squares of cosines between students (rows) and the teacher's states (columns). Where the "
    "student was taught, the diagonal stands out from its surroundings.",
    caption="Cosines of each student (row) to each of the teacher's states (column). Compare how "
    "far the diagonal stands out. Without teaching, the fitted layer stands in.",
)

# %% [markdown]
# ## 5. What it is worth
#
# Does a recogniser that points to its teacher's states also read better?
#
# **Predict first:** by how much do the errors go down with one of the losses, and with both? By
# more than the spread of three seeds?

# %% tags=["hide-input"]
# Errors of all seeds, by variant
runs = [one for one in read_results(resource("results")) if one["recipe"] == "hieradist"]
SHOWN = {
    **TITLES,
    "temperature-0.1": "both, τ = 0.1",
    "temperature-0.5": "both, τ = 0.5",
    "token-0.1": "both, λ of the contrast 0.1",
    "decoder-0.1": "both, λ of the regression 0.1",
    "constrained": "both, CTC-constrained",
}
errors = {
    name: [100 * one["dev"]["token_error_rate"] for one in runs if one["variant"] == variant]
    for variant, name in SHOWN.items()
}
errors = {name: rates for name, rates in errors.items() if rates}

# %% tags=["answer", "hide-input"]
# Figure: errors of pieces, a point for each seed
figure, (ax,) = canvas(height=3.2)
for row, rates in enumerate(errors.values()):
    ax.plot(rates, [row] * len(rates), linestyle="", marker="o", color=STYLE["weight"])
ax.set_yticks(range(len(errors)), list(errors))
ax.invert_yaxis()
ax.set(xlabel="errors of pieces (%)", xlim=(0, None))
show(
    figure,
    "Errors of word pieces in percent, a point for each of three seeds: "
    + "; ".join(f"{name} {spread(rates, digits=1)}" for name, rates in errors.items()),
    caption="Errors on prompts that nobody trained on, a point for each seed. Which rows lie apart "
    "by more than their seeds do?",
)

# %% tags=["hide-input"]
# Numbers kept
record(loss_at_1=losses[0], loss_at_a_tenth=losses[1], tolerance=1e-4)
record(
    found_before=ranks["student, before"].count(1), found_after=ranks["student, τ = 0.1"].count(1)
)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary("embedding", "fire", "autoregressive")

# %% [markdown]
# ## On your own
#
# - In section 3, train at temperatures of 0.02 and 5. After how many steps does the student find
#   its own states?
# - Replace the contrast in section 3 by `regression_loss`. What happens to the *lengths* of the
#   student's vectors? Why does the contrast not care about them?
# - The same piece elsewhere in the batch is a negative like any other. What does this do to a batch
#   of prompts that all begin with “please”?
# - Could a teacher of random, fixed vectors, one for each piece, do as well? What would a student
#   learn from it, and what not?

# %% [markdown]
# ## In practice
#
# - **Teacher states are computed once** and kept by transcript. They are large: 384 numbers a piece
#   here, 768 of BERT-base. Half precision is enough.
# - **The same tokenizer.** Student and teacher must cut texts alike, or a state has no fire. In
#   Chinese a character is a piece; in English the recogniser has to take the teacher's pieces.
# - **In CIF-HieraDist** the weights of the losses are 1 for the contrast and 0.01 for the
#   regression, τ is 0.02, with 700 negatives. The regression sums over 768 numbers, so 0.01 of it
#   is not little.

# %% [markdown]
# ## Further reading
#
# - M. Han and others, [Knowledge Transfer from Pre-trained Language Models to Cif-based Speech
#   Recognizers via Hierarchical Distillation](https://arxiv.org/abs/2301.13003), Interspeech 2023;
#   its code is [MingLunHan/CIF-HieraDist](https://github.com/MingLunHan/CIF-HieraDist).
# - A. van den Oord, Y. Li, O. Vinyals, [Representation Learning with Contrastive Predictive
#   Coding](https://arxiv.org/abs/1807.03748), 2018: the contrastive loss.
# - G. Hinton, O. Vinyals, J. Dean, [Distilling the Knowledge in a Neural
#   Network](https://arxiv.org/abs/1503.02531), 2015: teachers, students and temperatures.
# - [cifviz/systems/hieradist.py](../cifviz/systems/hieradist.py) and
#   [distillation_losses.py](../cifviz/systems/distillation_losses.py): the system of this lesson.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 15 min: section 1. Let them guess which pieces are alike before the figure.
# - 25 min: section 2. Exercise 12.1 at the board, 12.2 in pairs, then the temperatures.
# - 15 min: section 3. Who predicted that the blocks go?
# - 15 min: section 4 and exercise 12.3.
# - 15 min: section 5. Collect the guesses first. Then: what would convince you that it helps?
# - 5 min: *In practice*, and one question from *On your own* for next time.
#
# ### Likely questions
#
# - *Why contrast for fires and regression for the decoder?* What fires holds sound, not context: it
#   cannot be the teacher's state, but it can point to it. The decoder knows the pieces before.
# - *Why is the loss per batch and not per utterance?* More negatives make a harder question.
# - *Why not distil the teacher's probabilities?* MiniLM gives none, and a BERT's are over gaps.
#
# ### Usual misconceptions
#
# - *A small distillation loss means a better recogniser.* It means that the student points well.
# - *The projection is part of the recogniser.* It is thrown away with the teacher.
# - *A higher temperature is a stronger teacher.* It is a teacher who looks at all others alike.
# - *The student takes over the teacher's geometry.* Section 3: at small temperatures it does not.
