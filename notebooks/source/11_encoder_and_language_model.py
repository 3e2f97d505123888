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
# - *weigh* an acoustic against a linguistic opinion, by hand and with a slider
# - *tell* repaired words from spoiled and from invented ones, and say what an error rate hides
# - *judge* whether a part is worth it, from runs of the same seeds
# - *write* the flattening that keeps a frame from firing twice
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb) and
# [lesson 08](08_nar_decoding.ipynb); scaling and tail rules for the optional sections; roughly what
# a language model is. No network, no GPU. The trainings are done: the lesson shows what was
# measured and recorded in them, so it needs none of the extras `cifviz[english]` and `cifviz[lm]`.
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
seed = 0  # nothing is drawn by chance in this lesson
fast = True  # nothing takes long in this lesson: False changes nothing
clip = "natural_river"  # or "natural_lake"
sentence = "SmolLM2 3"  # a language model and the number of a recorded sentence, for section 3

# %% [markdown]
# ## 1. Two halves that do not fit
#
# A recogniser needs to know two things: how words sound, and which words go together. For each of
# them there are models that learned from far more data than most projects have. They are
# *pretrained*: somebody else trained them, and we take them as they are.
#
# | | pretrained encoder | pretrained language model |
# |---|---|---|
# | learned from | hours upon hours of speech | a great amount of text |
# | takes | a sound | pieces of words, as vectors (*embeddings*) |
# | gives | a vector for every 24 ms, a *state* | a state for every piece |
# | here | Moonshine tiny | MiniLM, or SmolLM2 |
#
# A *word piece* is a word, or a part of one if the word is rare: MiniLM cuts “voicemail” into
# “voice” and “##mail”. With some thousands of pieces any word can be written.
#
# If you have a quarter of an hour of labelled speech, you want to use both halves. But they do not
# fit. Take the clip of lesson 10, whose states are kept with the course:

# %%
torch.set_num_threads(1)  # small models: several threads would only wait for each other
recorded = load_clip_states(clip)
said = recorded.clip
words = said.text.split()
frames, width = recorded.states.shape
print(said.text, f"{frames} states of {width} numbers, {len(words)} words", sep="\n")

# %% [markdown]
# The *rate* differs: there are many states for each word. Could one feed all states to the language
# model? It learned that each place holds one piece of a word. And its attention compares each place
# with each, so its cost grows with the square of the number of places.
#
# **Exercise 11.1.** A sentence of 3.6 s has a state for every 24 ms, and 10 pieces. How many states
# are there for a piece? How many times as many pairs of places does attention compare if it is
# given the states in place of the pieces? Give two numbers.

# %% tags=["exercise"]
per_piece_and_pairs = ...
check("11.1", per_piece_and_pairs)

# %% tags=["solution"]
per_piece_and_pairs = [3.6 / 0.024 / 10, (3.6 / 0.024 / 10) ** 2]  # 150 states in all
check("11.1", per_piece_and_pairs)

# %% [markdown] tags=["hints"]
# How many states does the whole sentence have?
#
# 3.6 s / 0.024 s = 150 states, and there are 10 pieces.
#
# Attention compares each place with each: 150² pairs of places for the states, 10² for the pieces.
# The second number is their ratio.

# %% [markdown]
# CIF joins them. It fires once for each piece of the text, and what fires is one vector. A linear
# layer takes that vector to the space of the language model's embeddings. So the language model
# reads what was *heard* as if it were *written*:
#
# | part | takes | gives | trained here? |
# |---|---|---|---|
# | Moonshine | the sound | a state every 24 ms | no |
# | convolutions | states | a frame for every two states, h | yes |
# | CIF | h | one vector for each piece | yes |
# | linear layer, *projection* | what fired | a vector like an embedding | yes |
# | acoustic output | that vector | a score for each piece | yes |
# | MiniLM | all these vectors | a state for each | no |
# | language output | its states | a score for each piece | yes |
#
# This is the system *w2v-cif-bert* (Yi, Zhou and Xu 2021). In the paper the encoder is wav2vec 2.0
# and the language model is BERT. Neither could be had here. In their places stand Moonshine and
# MiniLM, which has BERT's shape. One thing is lost by that. BERT was trained to fill gaps, and its
# *head* gives a word for each gap; MiniLM was trained to tell sentences apart and has no head, so
# here the language output is trained from the start.

# %% [markdown]
# ## 2. Speech that reads like text
#
# Does it work? Do the projected vectors lie where the embeddings of their words lie? Nobody asks
# for that directly. But the acoustic output begins as the table of MiniLM's embeddings: the score
# of a piece is the product of its embedding and the vector, plus a constant. So to give a piece a
# high score, the vector has to point towards its embedding.
#
# We compare two systems, by the cosine: 1 if two vectors point the same way, 0 if they are at a
# right angle. One system is trained with MiniLM. The other is trained without any language model,
# its output begins at random; so it knows nothing of these embeddings. The recording is a telephone
# prompt that neither was trained on. (Its weights are scaled to the number of its pieces.)
#
# **Predict first:** in a matrix with what fired in its rows and embeddings in its columns, what
# will you see for each of the two systems?

# %% tags=["hide-input"]
# What was recorded of the trained systems
found = read_study(resource("results"), "language-model-comparison")
with_model, without = (found["pictures"][name] for name in ("", "none"))

# %% tags=["answer", "hide-input"]
# Figure: cosines of what fired to the embeddings of its pieces
figure, _ = canvas(height=3.7)
figure.clear()
axes = figure.subplots(1, 2)
sides = {"no language model": without["cosines"], "MiniLM": with_model["cosines"]}
highest = max(abs(one) for cosines in sides.values() for line in cosines for one in line)
look = {"vmin": -highest, "vmax": highest, "cmap": STYLE["contribution"]}
for ax, (title, cosines) in zip(axes, sides.items(), strict=True):
    picture = ax.imshow(cosines, **look)
    ax.set_xticks(range(len(cosines)), with_model["tokens"], rotation=90)
    ax.set_yticks(range(len(cosines)), with_model["tokens"])
    ax.set(title=title, xlabel="embedding of", ylabel="fired for")
figure.colorbar(picture, ax=list(axes), label="cosine", shrink=0.8)
show(
    figure,
    f"Two matrices of cosines of the prompt “{' '.join(with_model['tokens'])}”. In the left one, "
    "without a language model, no cell stands out. In the right one, with MiniLM, the cells of the "
    "diagonal are the brightest.",
    caption="What fired for each piece (row) and MiniLM's embedding of each piece (column), on one "
    "scale. Look for a diagonal.",
)

# %% tags=["answer", "hide-input"]
# Table: how near what fired is to its embedding, over all prompts
titles = {"none": "no language model", "": "MiniLM", "smollm2": "SmolLM2"}
rows = []
for variant, title in titles.items():
    ones = [one for one in found["nearness"] if one["variant"] == variant]
    rows.append(
        [
            title,
            spread([one["own"] for one in ones]),
            spread([one["others"] for one in ones]),
            spread([100 * one["top_1"] for one in ones], digits=1),
        ]
    )
table(["system", "cosine to its own", "to all others", "its own is the nearest (%)"], rows)

# %% [markdown] tags=["answer"]
# Without a language model there is no diagonal: what fired has nothing to do with embeddings that
# the system never saw. With one, the vectors point towards the embeddings of their pieces, and for
# two of five the own embedding is the nearest of more than a thousand. Half of the pieces are
# misheard, so it could hardly be many more.
#
# So a speech encoder can be brought to speak the language of a language model. It takes one vector
# for each piece, and a reason to point there. But the vectors *are* no embeddings: with a cosine of
# a quarter, most of what is in them is something else. For the language model they are like words
# with a heavy accent.

# %% [markdown]
# ## 3. Two opinions
#
# After the projection there are two opinions on each piece. The acoustic output says what a fire
# sounds like. The language output says what fits among the others. Each gives *logits*, scores
# whose differences are those of logarithms of probabilities. Their weighted sum decides:
#
# $$z = 0.8\, z_{\text{acoustic}} + 0.2\, z_{\text{language}}$$
#
# The two weights are called λ_am and λ_lm.
#
# **Exercise 11.2.** For one fire there are three candidates:
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
check("11.2", sums_and_least)

# %% tags=["solution"]
sums_and_least = [
    *(0.8 * a + 0.2 * b for a, b in ((3.0, 0.0), (2.9, 1.0), (2.0, -4.0))),
    0.1 / 1.1,  # (1 − λ) · 0.1 = λ · 1
]
check("11.2", sums_and_least)

# %% [markdown] tags=["hints"]
# The sums: 0.8 · acoustic + 0.2 · language, for each candidate.
#
# For the fourth number compare “there” with “their”: acoustically it lacks 0.1, linguistically it
# leads by 1.
#
# They are level where (1 − λ) · 0.1 = λ · 1.

# %% [markdown]
# What does the language model read? If it read only what fired, it would read with all doubts of
# the acoustic side. So a place of which the acoustic side is sure, with a probability above 0.8, is
# replaced by the embedding of its piece: clean text. The others keep what fired.
#
# Below are prompts that no system was trained on: the first ones in which the language model
# changes anything, of a system with MiniLM and of one with SmolLM2. Of each place the scores were
# recorded, so that you can decide anew with any weight. (A piece that goes on with a word begins
# with a hyphen here; a point is the space before a digit.) Places that change are marked:
# *repaired*, wrong by the acoustic side alone and right now; *spoiled*, right before and wrong now;
# *swapped*, wrong before and after, but differently.
#
# **Predict first:** at λ_lm = 0 the acoustic side decides alone. What will happen to a sentence
# as you move λ_lm up to 1? At which weight would you leave it?

# %% tags=["hide-input"]
# Decide again, and draw the reference, both sides and what is decided
MODELS = {"": "MiniLM", "smollm2": "SmolLM2"}
examples = {
    f"{title} {number}": one
    for variant, title in MODELS.items()
    for number, one in enumerate(one for one in found["examples"] if one["variant"] == variant)
}


def plain(piece, title):
    """A piece without the marks of its tokenizer."""
    if title.startswith("MiniLM"):
        return piece.replace("##", "-")
    return (piece[1:] or "·") if piece.startswith("Ġ") else f"-{piece}"


def decided(place, weight):
    """The piece with the largest sum of both logarithms."""
    pairs = zip(place["acoustic"], place["language"], strict=True)
    sums = [(1 - weight) * heard + weight * guessed for heard, guessed in pairs]
    return place["tokens"][sums.index(max(sums))]


def change(wanted, before, after):
    """What became of one place."""
    if before == after:
        return ""
    return "repaired" if after == wanted else "spoiled" if before == wanted else "swapped"


LOOKS = {"repaired": STYLE["complete"], "spoiled": STYLE["incomplete"], "swapped": STYLE["neutral"]}


def draw_decision(ax, *, weight, sentence):
    """Four rows of pieces: the reference, what each side says, and what is decided."""
    one = examples.get(sentence, next(iter(examples.values())))
    wanted, places = one["reference"].split(), one["places"]
    rows = {
        "reference": wanted,
        "acoustic side": [decided(place, 0.0) for place in places],
        "language model": [decided(place, 1.0) for place in places],
        "decided": [decided(place, weight) for place in places],
    }
    ax.set(xlim=(-0.5, len(places) - 0.5), ylim=(4.5, -0.6))
    for row, pieces in enumerate(rows.values()):
        for column, piece in enumerate(pieces):
            look = {"weight": "bold"} if row and piece == wanted[column] else {}
            size = STYLE["text_size"] + (1 if len(places) < 11 else -1.5)
            text = plain(piece, sentence)
            ax.text(column, row, text, ha="center", va="center", fontsize=size, **look)
    triples = zip(wanted, rows["acoustic side"], rows["decided"], strict=True)
    changes = [change(*three) for three in triples]
    for column, name in enumerate(changes):
        if name:
            size = STYLE["text_size"] - (0 if len(places) < 11 else 2)
            ax.text(column, 3.9, name, ha="center", va="center", fontsize=size)
            ax.axvspan(column - 0.48, column + 0.48, 0.02, 0.38, color=LOOKS[name], alpha=0.5)
    ax.set_yticks(range(4), list(rows))
    ax.set_xticks([])
    counted = [f"{name} {changes.count(name)}" for name in LOOKS if name in changes]
    return ", ".join(counted) or "nothing changes"


# %% tags=["answer", "hide-input"]
# Figure: sentences decided with several weights of the language model
live_figure(
    draw_decision,
    weight=Slider(0.0, 1.0, 0.05, 0.2),
    sentence=list(examples),
    static=[
        {"weight": 0.2, "sentence": "SmolLM2 0"},
        *({"weight": one, "sentence": sentence} for one in (0.2, 0.5, 1.0)),
    ],
    height=1.9,
    alt="Two prompts in four rows each: the reference, the acoustic side, the language model and "
    f"what both decide. The second one, {sentence}, is decided with three weights of the language "
    "model: the larger the weight, the more places change, and the fewer are right.",
    caption="The reference, what each side alone would give, and what both decide; right pieces of "
    "the lower three rows are bold. Move the weight, and look at other sentences: which changes "
    "are good ones?",
)

# %% [markdown] tags=["answer"]
# A small weight changes only places where the acoustic side hesitates. With more weight the changes
# become more, and more of them are bad ones. Alone, the language side writes what is frequent, in
# no order: it was never taught to write, only to help.
#
# Look at short prompts of SmolLM2, such as “thank you”. There the acoustic side is helpless, and
# what is usual is right. In long ones it exchanges one misheard piece for another.
#
# The *number* of pieces never changes. It was decided when CIF fired, and no weight of the language
# model can add a word or take one away.

# %% [markdown]
# ## 4. Repaired, and invented
#
# An error rate before and one after hide what happened in between.
#
# **Exercise 11.3.** In 200 places the acoustic side is wrong in 80. With the language model 12
# places are repaired, 9 spoiled and 15 swapped. How many places are wrong now? And which share of
# all changes was for the better? Give two numbers.

# %% tags=["exercise"]
wrong_and_share = ...
check("11.3", wrong_and_share)

# %% tags=["solution"]
wrong_and_share = [80 - 12 + 9, 12 / (12 + 9 + 15)]
check("11.3", wrong_and_share)

# %% [markdown] tags=["hints"]
# Which of the three kinds of change alters the number of wrong places?
#
# Repaired places are no longer wrong, spoiled ones are now. A swapped place was wrong and is wrong
# again.
#
# 80 − 12 + 9 are wrong. For the better were 12 of 12 + 9 + 15 changes.

# %% [markdown]
# So 36 changes look like a gain of 3. Now the same of the real systems, over all prompts in which
# the right number of pieces fires. Each training was done three times, from other random weights
# each time (*seeds*).
#
# **Predict first:** what grows with the weight besides repaired places? Which model repairs more,
# the one that was trained to predict text (SmolLM2), or the one that was not (MiniLM)?

# %% tags=["answer", "hide-input"]
# Table: what changes with the weight of the language model
rows, shares = [], {}
for variant, title in (("", "MiniLM"), ("smollm2", "SmolLM2")):
    for weight in (0.2, 0.5, 1.0):
        ones = [
            one
            for one in found["decisions"]
            if (one["variant"], one["lambda_lm"], one["infer_threash"]) == (variant, weight, 0.8)
        ]
        shares[title, weight] = {
            kind: [100 * one[kind] / max(1, one["tokens"]) for one in ones]
            for kind in ("repaired", "spoiled", "swapped")
        }
        cells = (spread(values, digits=1) for values in shares[title, weight].values())
        rows.append([title, weight, *cells])
table(["language model", "weight λ_lm", "repaired %", "spoiled %", "swapped %"], rows)

# %% tags=["answer", "hide-input"]
# Table: sentences, in pieces
KINDS = ("reference", "acoustic", "language", "both")
table(
    ["", "reference", "acoustic side", "language model", "both"],
    [
        [
            name,
            *(" ".join(plain(piece, name) for piece in one[kind].split()) for kind in KINDS),
        ]
        for name, one in examples.items()
        if int(name.rpartition(" ")[2]) < 6
    ],
)

# %% [markdown] tags=["answer"]
# With the weight of the paper, 0.2, MiniLM changes few places, and most of these changes are swaps.
# SmolLM2 changes more, and repairs three to four times as many as it spoils. With larger weights
# the spoiled and the swapped places grow, and the repaired ones do not: 0.2 is a good choice.
#
# Is SmolLM2 worth it, then? Careful: this compares the two sides of *one* system, which were
# trained together. The acoustic side alone is not what it would be if it had been trained alone. It
# could rely on the other one. The next section compares systems.
#
# The second table shows the kinds of mistakes. What the acoustic side misheard is often *like* the
# reference in its sound. What a language model puts there is like what people say. That is why a
# good language model is a danger where exact words matter: it makes mistakes *plausible*, and a
# reader no longer stumbles over them.

# %% [markdown]
# ## 5. What it is worth
#
# Now the experiment. The data: English telephone prompts of one speaker, 16 minutes, and the same
# sentences and others read by two synthesisers. Each training takes two to thirteen minutes of one
# processor. Word errors are counted on prompts that nobody trained on. *10 %* means a tenth of
# the real prompts; the synthesised speech stays. *Tuned* means that the last two layers of
# Moonshine, or all those of MiniLM, are trained, too. They want smaller steps, so they are compared
# with a system of equally small steps. Rows that were not trained with three seeds are left out.
#
# To compare two systems, take the runs of the same seed: they began alike and saw the same
# examples. The mean of the differences counts as a difference if it is farther from 0 than their
# standard deviation. With three seeds, one such comparison in five goes that far by chance.
#
# **Predict first:** put these in order, from most to fewest word errors: log-mel without a language
# model; Moonshine without one; Moonshine with MiniLM; Moonshine with SmolLM2.

# %% tags=["hide-input"]
# Word errors of all seeds, by variant
runs = [one for one in read_results(resource("results")) if one["recipe"] == "w2v-cif-bert"]
NAMES = {
    "log-mel-none": "log-mel, none",
    "none": "Moonshine, none",
    "": "Moonshine, MiniLM",
    "smollm2": "Moonshine, SmolLM2",
    "slow": "Moonshine, MiniLM, small steps",
    "tuned-encoder": "Moonshine tuned, MiniLM",
    "tuned": "Moonshine, MiniLM tuned",
    "tenth-log-mel-none": "10 %: log-mel, none",
    "tenth-none": "10 %: Moonshine, none",
    "tenth": "10 %: Moonshine, MiniLM",
}
by_seed = {
    name: {
        one["seed"]: 100 * one["dev"]["words"]["rate"] for one in runs if one["variant"] == variant
    }
    for variant, name in NAMES.items()
}
by_seed = {name: rates for name, rates in by_seed.items() if len(rates) >= 3}


def differences(first, second):
    """First less second, of each seed."""
    return [by_seed[first][one] - by_seed[second][one] for one in by_seed[first]]


# %% tags=["answer", "hide-input"]
# Figure: word errors, a point for each seed
figure, (ax,) = canvas(height=0.32 * len(by_seed) + 0.9)
for row, rates in enumerate(by_seed.values()):
    ax.plot(list(rates.values()), [row] * len(rates), linestyle="", marker="o", alpha=0.8)
ax.set_yticks(range(len(by_seed)), list(by_seed))
ax.grid(axis="x", alpha=0.3)
ax.set(xlabel="word errors (%)", xlim=(0, None), ylim=(len(by_seed) - 0.5, -0.5))
show(
    figure,
    "Word errors in percent, a point for each of three seeds: "
    + "; ".join(
        f"{name} {spread(list(rates.values()), digits=1)}" for name, rates in by_seed.items()
    ),
    caption="Word errors on prompts that nobody trained on, a point for each seed. Which rows lie "
    "apart by more than their seeds do? More than 100 % is possible: inserted words are errors, "
    "too.",
)

# %% tags=["answer", "hide-input"]
# Table: differences of the same seeds, in points
PAIRS = [
    ("Moonshine, none", "log-mel, none"),
    ("Moonshine, MiniLM", "Moonshine, none"),
    ("Moonshine, SmolLM2", "Moonshine, none"),
    ("Moonshine tuned, MiniLM", "Moonshine, MiniLM, small steps"),
    ("Moonshine, MiniLM tuned", "Moonshine, MiniLM, small steps"),
    ("10 %: Moonshine, none", "10 %: log-mel, none"),
    ("10 %: Moonshine, MiniLM", "10 %: Moonshine, none"),
]
table(
    ["first", "second", "first less second, points of word errors"],
    [
        [first, second, spread(differences(first, second), digits=1)]
        for first, second in PAIRS
        if first in by_seed and second in by_seed
    ],
)

# %% [markdown] tags=["answer"]
# The pretrained encoder is worth everything here. On log-mel the system learns next to nothing from
# a quarter of an hour of speech. On the states of Moonshine it gets more than half of the words.
#
# The language models are worth nothing here: with either of them there are two to three points
# *more* word errors than without. That is not what the paper found. What may be the reason:
#
# - *No head.* The paper's BERT brings an output that fills gaps. Ours has to be learned from some
#   hundred sentences.
# - *Too many errors.* Where every second word is wrong, a language model reads the same nonsense
#   that we do.
# - *Shared work.* The repairs of SmolLM2 in section 4 only make up for an acoustic side that has
#   learned to leave something to it.
#
# The paper expects most of a language model where speech is scarce. With a tenth of the real
# prompts all systems make more errors, and MiniLM helps no more than before.
#
# What does help is to train the last layers of the encoder, too: far fewer errors than with the
# same small steps and a frozen encoder. (In part that may be because the states of the tuned one
# are not augmented.) To train the language model's layers changes nothing.
#
# Tables with all rows, right counts and times of word edges stand in
# [docs/language_models.md](../docs/language_models.md).

# %% [markdown] tags=["optional"]
# ## 6. Weights without parameters
#
# In w2v-cif-bert nothing is added to the encoder for the weights: the last channel of each frame,
# through a sigmoid, *is* the weight. Training teaches that channel to be one.
#
# Its second peculiarity: in training the weights are scaled to the number N of pieces, as always
# (lesson [02](02_scaling.ipynb)). But *in use* they are scaled, too, to the nearest whole number of
# what they sum to:
#
# $$\alpha'_t = \alpha_t \cdot \frac{\operatorname{round}(S)}{S}, \qquad S = \sum_t \alpha_t$$
#
# So nothing is ever left over, and no tail rule is needed. Lesson [05](05_tail_handling.ipynb) has
# another way with the same count: keep the weights, and let the residual fire if it is more than ½.
# Try both on the beginning of the clip, as if the speaker had been cut off after half a second.
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
    ax.set_ylim(0, 1.2 * float(max(alpha.max(), alpha.max() * count / total)))
axes[0].set_xlabel("")
show(
    figure,
    "Two lanes of weights with their fires. The fires of the rescaled weights lie near those of "
    "the weights as they are, the farther apart the later they are.",
    caption="Weights and fires as they are (above) and rescaled to a whole number (below), on one "
    "scale. Compare the first and the last fires.",
)

# %% [markdown] tags=["answer"]
# The tail rule leaves all earlier tokens where they were. Rescaling moves every border, and the
# later ones farther, for each has all the weight before it multiplied. The factor is near 1 for a
# long sentence and far from 1 for a short one: of S = 1.4 it is 1/1.4.

# %% [markdown] tags=["optional"]
# ## 7. Peaks
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
# **Exercise 11.4.** Write it. `weights` is a list of positive numbers whose mean is below 0.999.
# Give the flattened list.


# %% tags=["exercise"]
def flattened(weights): ...  # a list


check("11.4", flattened)


# %% tags=["solution"]
def flattened(weights):
    mean = sum(weights) / len(weights)
    while max(weights) > 0.999:
        weights = [0.5 * weight + 0.5 * mean for weight in weights]
    return weights


check("11.4", flattened)

# %% [markdown] tags=["hints"]
# As long as the largest weight is above 0.999, each weight moves halfway to the mean.
#
# The mean stays the same all the time, so compute it once.
#
# `while max(weights) > 0.999:` replace the list by `0.5 * weight + 0.5 * mean` for each of its
# weights.

# %% [markdown] tags=["optional"]
# ## 8. When to let go
#
# In *training* the language model is given the true piece in a share of the places, and must guess
# the others; only these teach. The share falls from 0.9 to 0.2: at first the model leans on the
# truth, later on what fired. And at first no gradient passes through the pretrained layers, for
# a CIF that does not work yet would send nonsense through them.
#
# Move the slider: the schedule of the paper, over its 30,000 steps.

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


# %% tags=["hide-input"]
# Figure: the share of true pieces over the steps
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
# Training looks like use once the share is near that of places in which the acoustic side is sure.
# Before that the language model has an easier task than it will have.

# %% tags=["hide-input"]
# Numbers kept
record(factor=count / total, moved_at_the_end=float(moved[-1]), tolerance=1e-3)
record(flat_peak=float(flat.max()), tolerance=1e-4)
record(frames=frames, tokens=count, examples=len(examples))

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary(
    "embedding",
    "fire",
    "language model",
    "logit",
    "scaling",
    "state",
    "tail",
    "weight sum",
    "word piece",
)

# %% [markdown]
# ## On your own
#
# - In section 3 find a sentence in which a weight of 0.2 is better than 0, and one in which it is
#   worse. Is 0.5 better than 0.2 anywhere? Could you tell without the first row?
# - Set `clip` to `"natural_lake"`. How far does rescaling move its last boundary, and why?
# - Of which lengths is the factor round(S) / S farthest from 1? Draw it for S from 0.5 to 20.
# - In exercise 11.2, let the acoustic side be twice as sure: double its logits. What happens to the
#   least λ_lm? What does this say about a weight that was chosen on another acoustic model?
# - With the extra `cifviz[lm]`: `SpeechModel.load(folder)` reads a wav2vec 2.0 or HuBERT of yours,
#   and `TextModel.load(folder)` a BERT. How many states a second does yours give?
#   [docs/language_models.md](../docs/language_models.md) says how to put it in the place of ours.

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *Weights.* Short prompts of SmolLM2 are better with 0.2, and one sentence of each language model
#   is worse. With 0.5 no sentence has more right pieces than with 0.2. Without the reference nobody
#   can tell: a repaired piece and a spoiled one look equally natural.
# - *The other clip.* By about as far, and to the other side. There S is a little less than a whole
#   number, so the factor is above 1, all weights grow, and borders come earlier.
# - *Lengths.* Where S is farthest from a whole number in proportion to itself: the shortest ones. S
#   = 0.5 is doubled; from about 10 on the factor is within 5 % of 1.
# - *Twice as sure.* The difference of 0.1 becomes 0.2, so (1 − λ) · 0.2 = λ, and λ is 1/6 in place
#   of 1/11. What λ is worth depends on the scale of the logits: a weight that was chosen with one
#   acoustic model does not carry over to one that is more or less sure.
# - *Your encoder.* Those of wav2vec 2.0 and HuBERT give a state for every 20 ms, so 50 a second;
#   `SpeechModel.load(folder).grid.shift` says it for yours. With more states for a piece the
#   starting weight has to be smaller.

# %% [markdown]
# ## In practice
#
# - **Projectors of speech to large language models** are this lesson at another size: an encoder,
#   something that makes its states fewer, a linear layer to the embeddings. Often the states are
#   only stacked by fours. CIF makes as many as there are pieces, and says where they are.
# - **Shallow fusion** is the older way: a search adds λ times the logarithm of a language model's
#   probability while it chooses words. It needs no training together, and it has the same λ.
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
# - J. Devlin and others, [BERT](https://arxiv.org/abs/1810.04805), 2018: the language model of the
#   paper, and what it means to fill gaps.
# - [docs/language_models.md](../docs/language_models.md): the study of this lesson in full, and how
#   encoders and language models of yours take the places of ours.
# - [cifviz/systems/w2v_cif_bert.py](../cifviz/systems/w2v_cif_bert.py),
#   [language_side.py](../cifviz/systems/language_side.py) and
#   [speech_models.py](../cifviz/systems/speech_models.py): the system of this lesson.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 15 min: section 1. Let them count states and words of the clip before they see the numbers.
#   Exercise 11.1.
# - 15 min: section 2. Draw both matrices at the board as they are predicted, then open the figure.
# - 20 min: section 3, exercise 11.2 in pairs. Then everybody has another sentence and the slider.
# - 15 min: section 4, exercise 11.3. Read sentences aloud: who can tell a repaired word from an
#   invented one without the first column?
# - 15 min: section 5. Collect the predicted order before the figure opens. What would convince you
#   that a language model helps?
# - 10 min: *In practice*, and one question from *On your own* for next time.
#
# ### Likely questions
#
# - *Why not fuse probabilities?* A weighted sum of logits multiplies powers of probabilities: an
#   opinion that excludes a word is a veto. A mean of probabilities has none.
# - *Does the language model see the future?* MiniLM sees all fires, those before and those
#   after. SmolLM2 sees those before alone; its state at a place was computed from the places
#   before it.
# - *Why are embeddings of the language model frozen?* They are the language that the CIF is to
#   learn to speak. If both moved, nothing would hold the pretrained layers to what they know.
# - *Would a larger language model help?* Perhaps, but not with the number of words, and not with a
#   word that the acoustic side never considers. Look at what the swapped places were before.
#
# ### Usual misconceptions
#
# - *A language model corrects the number of words.* The number is fixed when CIF has fired.
# - *A pretrained encoder gives exact word times.* Its states know which words there are, not when
#   exactly: edges are read from weights, and these are trained here as everywhere.
# - *Repaired words show that it understood.* It prefers what is usual. Look at the spoiled ones.
# - *A result against the paper refutes it.* It says what three seeds can say of these parts and
#   this little data: not here.
