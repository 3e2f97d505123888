# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # Let a language model teach a CIF
#
# **What you'll do:** look at what a language model knows about the words of a sentence, write the
# loss by which it teaches what fires, watch similarities change, and find out what that is worth.
#
# **What you'll learn**
#
# - *read* a picture of similarities, and say what a teacher's geometry holds
# - *compute* a contrastive loss by hand, and say what its temperature does
# - *write* that loss
# - *measure* by retrieval whether a student points to its teacher
# - *tell* a loss that went down from a recogniser that got better
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb) and
# [lesson 11](11_encoder_and_language_model.ipynb); what a logarithm and a cosine are. No network,
# no GPU. The recognisers are trained: the lesson shows what was measured and recorded of them and
# of their teacher, so it needs none of the extras `cifviz[english]` and `cifviz[lm]`.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [11 Join an encoder and a language model](11_encoder_and_language_model.ipynb) · Next:
# [13 Read the lips of a drawn mouth](13_lipreading.ipynb)

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
# *HieraDist* (Han and others 2023) lets it *teach* instead. In training the language model, the
# *teacher*, reads the transcript and gives a vector for each word piece, a *state*. The recogniser,
# the *student*, learns to make vectors like these. In use the teacher is not needed: the recogniser
# is as small and fast as it was. To teach a model by the numbers of another one, and not by labels
# alone, is called *distillation*.
#
# What is there to learn? A label says which piece is right, and that all others are equally wrong.
# A state says more: which pieces are alike, and what a piece means *in this sentence*.
#
# Below are the states of MiniLM for some telephone prompts that nobody trained on. The cosine says
# how far two of them point the same way: 1, the same; 0, at a right angle.
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
    picture = ax.imshow(values, vmin=-1, vmax=1, cmap=STYLE["contribution"])
    ax.set_xticks(range(len(tokens)), tokens, rotation=90, fontsize=7)
    ax.set_yticks(range(len(tokens)), tokens, fontsize=7)
    ax.set_title(title, fontsize="medium")
    return picture


def beside_each_other(named):
    """A figure with a matrix for each title, and one scale."""
    figure, _ = canvas(height=4.6 if len(named) == 1 else 3.7)
    figure.clear()
    axes = figure.subplots(1, len(named), squeeze=False)[0]
    for ax, (title, values) in zip(axes, named.items(), strict=True):
        picture = matrix(ax, values, title)
    figure.colorbar(picture, ax=list(axes), label="cosine", shrink=0.7)
    return figure


# %% tags=["answer", "hide-input"]
# Figure: similarities of the teacher's states
teacher = np.array(pictures["none"]["teacher"])
others = teacher[~np.eye(len(tokens), dtype=bool)]
show(
    beside_each_other({"teacher to teacher": teacher}),
    f"A square of cosines between the states of {len(tokens)} pieces, 1 on the diagonal. Off the "
    f"diagonal they go from {others.min():.2f} to {others.max():.2f}, with blocks of higher ones.",
    caption="Cosines between the states of a language model, each piece with each. Look for blocks "
    "along the diagonal, and for the same piece in two places.",
)

# %% [markdown] tags=["answer"]
# A state belongs to a place and not to a piece: the same piece in another sentence has another
# one. The blocks are the prompts: a state also holds what the whole sentence is about. What fires
# for a piece has heard only the sound around it, so this is hard to know for the student.

# %% [markdown]
# ## 2. Point to yours, and to no other's
#
# The student's vectors have another length than the teacher's, so a linear layer, the *projection*,
# takes them to it. It is used in training alone. Two losses compare the projected vectors with the
# states.
#
# **Regression** asks the student to *be* the teacher: the squared distance
# $\sum_i \lVert s_i - e_i \rVert^2$. HieraDist uses it for the states of the decoder, which knows
# the pieces before. This is its *linguistic* level.
#
# **Contrast** asks less: the student should be nearer to its own state than to others. HieraDist
# uses it for what fires, the *acoustic* level. With cosines and a *temperature* τ (no relation to
# the tail threshold, for which lesson 05 has the same letter),
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
losses = [
    -math.log(math.exp(0.8) / (math.exp(0.8) + math.exp(0.6) + math.exp(0.0))),
    -math.log(math.exp(8.0) / (math.exp(8.0) + math.exp(6.0) + math.exp(0.0))),
    math.log(3),  # three terms, all the same
]
check("12.1", losses)

# %% [markdown] tags=["hints"]
# The loss is −log of a share: exp of the own cosine over τ, over the sum of all three.
#
# τ = 1: the exponents are 0.8, 0.6 and 0. τ = 0.1: they are 8, 6 and 0. `math.exp` and `math.log`
# do the rest.
#
# If all three are equal, the share is one third, whatever τ is.

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

# %% [markdown] tags=["hints"]
# It is 12.1 for each row; row i has its own cosine at place i. Take the mean in the end.
#
# In each row compute `math.exp(cosine / temperature)` for all cosines.
#
# The loss of row i is −log of entry i over the sum of the row. `enumerate` gives i.

# %% [markdown]
# The temperature decides which others count. The loss pushes the student away from each of the
# others, by a share that depends on how near it is. Move the temperature, for a student with a
# cosine of 0.8 to its own state and ten other states. At which temperature do all others count
# about equally?


# %%
cosines = [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0, -0.1, -0.2]


def draw_shares(ax, *, temperature):
    """How much of the push goes to each of the others."""
    scores = torch.softmax(torch.tensor(cosines) / temperature, dim=0)[1:]
    ax.bar(cosines[1:], scores / scores.sum(), width=0.06, color=STYLE["weight"])
    ax.set(xlabel="cosine to another state", ylabel="share", ylim=(0, 1))
    return f"loss {-math.log(float(torch.softmax(torch.tensor(cosines) / temperature, 0)[0])):.2f}"


# %% tags=["hide-input"]
# Figure: how the push is shared among the others
live_figure(
    draw_shares,
    temperature=[0.02, 0.05, 0.1, 0.5, 1.0],
    static=[{"temperature": value} for value in (0.02, 0.1, 1.0)],
    alt="Bars of the share of the push for ten other states, for three temperatures. At 0.02 "
    "nearly all of it goes to the nearest one; at 1 all get about as much.",
    caption="How the push away from other states is shared among them, by their cosine to the "
    "student. Compare the bars of near and of far states.",
)

# %% [markdown]
# At 0.02, the temperature of the paper, nearly all of the push comes from the nearest of the
# others; at 1 from all of them about equally.

# %% [markdown]
# ## 3. What a contrast copies
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


# %%
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
picture = ax.imshow(np.hstack(squares), vmin=-1, vmax=1, cmap=STYLE["contribution"])
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
# So a contrast does not copy which states are alike. It copies what tells them apart, and the
# temperature says how much of the rest. (The regression copies everything, lengths too.)

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

# %% [markdown] tags=["hints"]
# Top-1 is the share of rank 1. MRR is the mean of 1 / rank.
#
# The five reciprocal ranks are 1, 1, 1/2, 1/4 and 1/10.
#
# By chance, among three, the ranks 1, 2 and 3 are equally probable: the mean of 1, 1/2 and 1/3.

# %% [markdown]
# For the real thing there is one difficulty. A recogniser that nobody taught has no projection to
# the teacher's space, so it would lose by default. Therefore every recogniser gets a linear layer
# that is *fitted afterwards*, on training prompts. It asks how much of the teacher is in what fires
# anyway.
#
# A second number needs no layer at all: are two fires alike where the teacher's states of their
# pieces are alike? It is the correlation between the cosines among fires and the cosines among
# states, over all pairs of different pieces in a batch: 1 if both agree, 0 if they have nothing to
# do with each other.
#
# **Predict first:** without any distillation, how often does the fitted layer find the right piece:
# hardly ever, half of the time, or mostly? And which of the two numbers will distillation raise?

# %% tags=["answer", "hide-input"]
# Table: retrieval with the fitted layer and with the trained one, and how alike both sides are
TITLES = {"none": "none", "token": "acoustic", "decoder": "linguistic", "": "both"}
by_variant = {
    variant: [one for one in found["retrieval"] if one["variant"] == variant] for variant in TITLES
}


def shares(ones, name):
    """Top-1 by a projection, in %, of the runs that have it."""
    known = [100 * one[name]["top_1"] for one in ones if name in one]
    return spread(known, digits=1) if known else "–"


rows = [
    [
        title,
        *(shares(by_variant[variant], name) for name in ("fitted", "acoustic", "linguistic")),
        spread([one["geometry"] for one in by_variant[variant]]),
    ]
    for variant, title in TITLES.items()
]
heads = ["distilled", "fitted layer: top-1 %", "trained, of fires", "trained, of decoder states"]
table([*heads, "alike where the teacher is"], rows)
print(f"a blind choice: {100 * found['chance']:.1f} %")

# %% tags=["answer", "hide-input"]
# Figure: students to their teacher, without and with distillation
sides = {
    "not taught, fitted layer": pictures["none"]["fitted_teacher"],
    "taught, its own layer": pictures["both"]["student_teacher"],
}
show(
    beside_each_other(sides),
    "Two squares of cosines between students (rows) and the teacher's states (columns). Where the "
    "student was taught, the diagonal stands out from its surroundings more.",
    caption="Before and after: cosines of each student (row) to each of the teacher's states "
    "(column). Compare how far the diagonal stands out from its row.",
)

# %% tags=["answer", "hide-input"]
# Figure: fires to each other, without and with distillation
sides = {
    "not taught: fires to fires": pictures["none"]["fires"],
    "taught: fires to fires": pictures["both"]["fires"],
}
show(
    beside_each_other(sides),
    "Two squares of cosines between fires, each less the mean of all. In both the same piece in "
    "two places is alike.",
    caption="Before and after: cosines of the fires to each other, less their mean. Look for the "
    "blocks of Figure 1, and for the same piece in two places.",
)

# %% [markdown] tags=["answer"]
# Without any distillation the fitted layer finds the right piece in three places of five, twelve
# times as often as a blind choice. So what fires knows which piece it is, and a layer can translate
# that: the states of one piece in many places are alike.
#
# The contrast (*acoustic*) raises both numbers. With its own projection nearly four places of five
# are found. Much of that is the projection: it was trained on more examples, and by the very loss
# that retrieval resembles. With the layer fitted afterwards, the same for all, the gain is four
# places in a hundred. So a little of the teacher went into the fires themselves; the last column
# says so, too. The regression (*linguistic*) changes neither: it teaches the states of the decoder.
#
# In the first figure the fitted layer, which was told to *be* the teacher, has the blocks of the
# prompts, and the diagonal is hard to see in them. The layer that learned by contrast has small
# cosines and few blocks, but a clear diagonal: with a temperature of 0.02 a lead of a tenth is
# enough. That is section 3 in earnest.
#
# Compare the fires to each other with Figure 1. The same piece in two places is alike, taught or
# not, for it sounds alike, and so are neighbours, which share some sound. The blocks of the prompts
# do not appear.

# %% [markdown]
# ## 5. What it is worth
#
# Does a recogniser that points to its teacher's states also read better? In training nothing else
# differs: the same prompts, the same network, the same seeds. Errors are counted in pieces, on
# prompts that nobody trained on.
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
by_seed = {
    name: {
        one["seed"]: 100 * one["dev"]["token_error_rate"]
        for one in runs
        if one["variant"] == variant
    }
    for variant, name in SHOWN.items()
}
by_seed = {name: rates for name, rates in by_seed.items() if rates}

# %% tags=["answer", "hide-input"]
# Figure: errors of pieces, a point for each seed
figure, (ax,) = canvas(height=0.3 * len(by_seed) + 0.9)
for row, rates in enumerate(by_seed.values()):
    ax.plot(list(rates.values()), [row] * len(rates), linestyle="", marker="o", alpha=0.8)
names = [name if len(one) > 2 else f"{name} (seeds: {len(one)})" for name, one in by_seed.items()]
ax.set_yticks(range(len(names)), names)
ax.grid(axis="x", alpha=0.3)
ax.set(xlabel="errors of pieces (%)", ylim=(len(names) - 0.5, -0.5))
show(
    figure,
    "Errors of word pieces in percent, a point for each seed: "
    + "; ".join(
        f"{name} {spread(list(one.values()), digits=1)}"
        for name, one in zip(names, by_seed.values(), strict=True)
    ),
    caption="Errors on prompts that nobody trained on, a point for each seed. The axis does not "
    "begin at 0. Which rows lie apart by more than their seeds do?",
)

# %% tags=["answer", "hide-input"]
# Table: differences to no distillation, of the same seeds
rows = []
for name, one in by_seed.items():
    less = [one[number] - by_seed["none"][number] for number in one]
    if name != "none" and len(less) > 2:
        rows.append([name, spread(less, digits=1)])
table(["distilled", "less no distillation, points"], rows)

# %% [markdown] tags=["answer"]
# As the paper weighs the losses it is a null result: with none of them, nor with both, do the
# errors go down by more than the seeds differ. (A mean counts as a difference where it is farther
# from 0 than the standard deviation, the number after the ±.) [Han et al.
# (2023)](https://arxiv.org/abs/2301.13003) report errors of 4.9 % without and 4.2 % with both, of
# recognisers ten times as good. What may be the reason:
#
# - *What limits us is the sound.* After 700 steps on a quarter of an hour of speech every second
#   piece is wrong because it was misheard. What follows what is of little use then.
# - *The teacher.* MiniLM was trained to tell sentences apart; the paper's BERT to fill gaps.
# - *Few negatives.* A batch has some two hundred pieces; the paper draws 700 of several thousand.
#
# Two of the other settings do better than no distillation: a ten times larger weight of the
# regression, and a temperature of 0.1. Is that a result? They were found among five, on the very
# prompts on which they are reported. The best of five is expected to look good. It is a reason to
# try them on prompts that nobody looked at, and no more.
#
# All tables are in [docs/language_models.md](../docs/language_models.md).

# %% tags=["hide-input"]
# Numbers kept
record(found_before=ranks["student, before"].count(1))
record(found_after=ranks["student, τ = 0.1"].count(1))
record(
    teacher_inside=groups["teacher"][0], student_inside=groups["student, τ = 1"][0], tolerance=1e-3
)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary(
    "contrastive loss",
    "embedding",
    "fire",
    "language model",
    "retrieval",
    "state",
    "student",
    "teacher",
    "temperature",
    "word piece",
)

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

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *Temperatures.* After a few dozen steps with either, as with the two of section 3. But at 0.02
#   nothing of the groups is left, and at 5 they are clearer than at 1.
# - *Regression.* The lengths become those of the teacher, for the loss is 0 only where the vectors
#   are equal. The contrast compares by cosines, which divide lengths out.
# - *The same piece twice.* The student is pushed away from a state that is its own. It cannot obey:
#   both students become alike, and the loss stays above that of different pieces. In a batch of
#   prompts that begin with “please” such pairs are frequent, and their pushes are noise.
# - *A fixed vector for each piece.* It would learn which piece it is, as from a label, and would
#   not be harder to find. It would not learn what the sentence around it adds, nor which pieces are
#   alike: random vectors have nothing in common.

# %% [markdown]
# ## In practice
#
# - **Teacher states are computed once** and kept by transcript. They are large: hundreds of
#   numbers a piece. Half precision is enough.
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
# - [docs/language_models.md](../docs/language_models.md): the study of sections 4 and 5 in full.
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
# - 15 min: section 4 and exercise 12.3; collect a guess for the untaught recogniser first.
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
# - *The student takes over which states are alike.* Section 3: at small temperatures it does not.
