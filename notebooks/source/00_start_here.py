# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # See and hear what CIF makes of a clip
#
# **What you'll do:** find out which part of a spoken number belongs to which word, first by ear and
# then with Continuous Integrate-and-Fire (CIF), and compare its answer with the true times.
#
# **What you'll learn**
#
# - *name* the steps from sound to tokens: frames, weights, fires, embeddings, tokens
# - *distinguish* CIF from CTC and from attention
# - *explain* what CIF is trained on, and that no times are needed for it
# - *predict* how many tokens fire when the threshold moves
# - *try* CIF on a recording of your own
#
# **What you need:** this notebook; no network, no GPU. Headphones help. No knowledge of speech
# recognition; roughly what a neural network and its training are; for one exercise a little Python.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: this is the first lesson · Next: [01 Turn weights into
# tokens](01_integrate_and_fire.ipynb)

# %% tags=["hide-input"]
# Imports
import torch

import cifviz
from cifviz.audio.moonshine import has_moonshine
from cifviz.core.interop.firing_rule import FiringRule
from cifviz.core.tail import above
from cifviz.course import (
    canvas,
    check,
    glossary,
    live_explorer,
    name_words,
    play,
    play_all,
    play_tokens,
    record,
    show,
    table,
)
from cifviz.course.pipeline_figures import draw_pipeline, draw_problem
from cifviz.plot import accumulation, contributions, log_mel, panel, panel_alt, token_rows, weights
from cifviz.systems.feature_normalisation import normalise

# %% tags=["parameters"]
seed = 0  # nothing in this lesson is left to chance; later lessons use it
fast = True  # nothing in this lesson takes long; later lessons do more if it is False
clip = "digits_four"  # a name in cifviz.list_clips(): one that begins with "digits", or "silence"
model = "digits"  # or "grid", or a folder with a model of yours
recording = "digits_george"  # a name in cifviz.list_recordings(): a person
listen = False  # True: play the recording, too; its data set must be on this machine
own_file = ""  # full path of a recording of yours: WAV, FLAC, MP3, M4A …
own_text = ""  # what you say in it, any English; empty: the model recognises the words itself
own_model = ""  # which model gets it; empty: "english" where it is installed, or else "grid"

# %% [markdown]
# ## 1. The problem
#
# A synthetic voice says a few English digits. Listen to it, and write down the words. Then listen
# again: at about what time does the second word begin? Keep your answer for section 5.

# %%
spoken = cifviz.load_clip(clip)
play(spoken.waveform, f"The clip {clip}")

# %% [markdown]
# A recogniser does not see words. It sees *frames*: short stretches of sound, here 40 ms each. Each
# frame is described by a few numbers, mostly how loud each band of pitch is in it.
#
# To train a recogniser one has thousands of recordings, each with its *transcript*: the words, as
# somebody wrote them down. Nobody wrote down *when* each word was said, because that takes many
# times as long as typing the words. So for this clip we have 43 frames and four words, and no
# times:

# %% tags=["hide-input"]
# Figure: frames and words
recognizer = cifviz.load_model(model)
features = recognizer.config.features(spoken.waveform)
frames = -(-len(features) // recognizer.config.encoder.down_sampling)  # rounded up
figure, (ax,) = canvas(height=1.8, width=6.0)
draw_problem(frames, spoken.tokens, ax=ax)
show(
    figure,
    f"A row of {frames} frames of {1000 * recognizer.grid.shift:.0f} ms, and below it a row with "
    "the words of the transcript. Dotted lines with question marks lead from each word "
    "to a wide range of frames.",
    caption="What is given in training: the frames of the sound, and the words of the transcript. "
    "The question marks are the problem: which frames belong to which word? The words are drawn "
    "at equal distances, because nobody knows their times.",
)

# %% [markdown]
# There are more frames than words. Words differ in length, there may be silence around them, and in
# fluent speech there is no gap between them. The answer to the question marks is called an
# *alignment*.
#
# CIF finds an alignment as one step of a recogniser:

# %% tags=["hide-input"]
# Figure: from sound to tokens
figure, (ax,) = canvas(height=3.8, width=6.0)
draw_pipeline(frames, spoken.tokens, ax=ax)
show(
    figure,
    f"Five rows of boxes, with an arrow from each to the next. The sound becomes {frames} frames "
    f"by an encoder; these get {frames} weights by a weight predictor; integrate-and-fire makes "
    f"{len(spoken.tokens)} embeddings of them; a decoder makes a token of each.",
    caption="A recogniser with a CIF. Encoder, weight predictor and decoder are neural networks. "
    "See where the number of boxes changes: integrate-and-fire is the step from frames to tokens.",
)

# %% [markdown]
# From top to bottom:
#
# - The *encoder* turns the numbers of each frame and its neighbours into one vector, h.
# - The *weight predictor* looks at these vectors and gives each frame a *weight* α, which says how
#   much of a *token* the frame is worth. (A token is a unit of the transcript; here it is a word,
#   in other recognisers a part of a word or a letter.)
# - *Integrate-and-fire* adds up the weights. Each time the sum reaches 1, a token is complete: it
#   *fires*. Its vector, the *embedding* c, is the weighted sum of the frames that filled it.
# - The *decoder* picks the word that matches each embedding.

# %% [markdown]
# ## 2. Three ways from frames to words
#
# CIF is not the only way to deal with missing times. Three are common:
#
# - **Attention** (Chorowski et al. 2015): for each word that it writes, the decoder looks at *all*
#   frames, gives each of them a share, and works on their weighted mean.
# - **CTC**, *connectionist temporal classification* (Graves et al. 2006): each frame writes a word
#   or *nothing*; then neighbouring repetitions are joined and the nothings are dropped.
# - **CIF** (Dong and Xu 2020): each frame gets a weight, the weights are added up from left to
#   right, and each time the sum reaches 1 a word is complete.
#
# The next figure has what each of them makes of our clip: a row for each word, and dark where its
# frames are. The three recognisers have the same kind of encoder and learned from the same words.
#
# **Predict first:** in which of the three will a word's row be only a frame or two wide? Which of
# the three could read the words in another order than they were said?

# %% tags=["answer", "hide-input"]
# Figure: attention, CTC and CIF on the clip
with torch.inference_mode():
    h, lengths = recognizer.encoder(normalise(features)[None], torch.tensor([len(features)]))
    alpha = recognizer.cif(h, lengths).alpha
plain = cifviz.integrate_and_fire(alpha, h, tail=above(0.5))
ids, _ = recognizer.decoder.decode(plain.embeddings, plain.num_fires)
words = [recognizer.config.vocabulary[number] for number in ids[0, : int(plain.num_fires)]]
clock = recognizer.grid
figure, axes = canvas(3, height=1.6)
for ax, other in zip(axes, ("digits-attention", "digits-ctc"), strict=False):
    token_rows(cifviz.load_model(other).transcribe(spoken.waveform), ax=ax)
contributions(plain, clock, tokens=words, ax=axes[2])
for ax, name in zip(axes, ("attention", "CTC", "CIF"), strict=True):
    ax.set_title(name, loc="left", fontsize="medium")
    ax.set(ylabel="", xlabel="" if ax is not axes[2] else "time (s)")
show(
    figure,
    "Three pictures over the same time, with a row for each word. Attention: a few dark frames "
    "inside each word, and paler ones around them. CTC: one or two frames for each word. "
    "CIF: each word is a band as long as the word, and the bands follow one another like stairs.",
    caption="Which frames each word is made of, by attention, CTC and CIF. Dark is a large share; "
    "in the first two pictures each row has a scale of its own. Compare how wide the rows are.",
)

# %% [markdown] tags=["answer"]
# CTC needs only a frame or two for each word, and calls all others *nothing*. Attention could read
# in any order, for nothing keeps a row from looking back; that its rows follow one another here was
# learned. In CIF they cannot do otherwise: the sum of the weights only grows. And a word takes all
# frames that filled it, so its row is about as wide as the word.
#
# Each way has its uses. CTC and CIF can work while somebody is still speaking, since they read from
# left to right. Plain attention waits for the end. [Lesson 06](06_how_good_is_it.ipynb) measures
# how well each of them finds the times.

# %% [markdown]
# **Where the name comes from.** *Integrate-and-fire* is a model of a nerve cell. The cell adds up
# (integrates) the current that flows into it. When the sum reaches a *threshold*, the cell sends
# out a pulse (it fires), and starts anew. *Continuous* says what is different in CIF: what comes
# out is not a pulse, but a vector, and a weight can be cut into parts of any size. So all steps
# have derivatives nearly everywhere, and the whole recogniser can be trained by gradient descent.

# %% [markdown]
# ## 3. CIF on this clip
#
# Encoder and weight predictor have been run already, for the figure above. Here are a few of the
# weights that they gave. The *threshold*, the weight that a token takes, is called β; it is 1.

# %%
plain = cifviz.integrate_and_fire(alpha, h, threshold=1.0, tail=above(0.5))
print(f"{alpha.shape[1]} weights; those of frames 20 to 25:")
print(*(f"{weight:.2f}" for weight in alpha[0, 20:26].tolist()))

# %% [markdown]
# This is the plain CIF: weights as the network gives them, threshold 1. The `tail` says what
# happens at the end of the clip: if more than half a token is left over, it fires, too.
#
# **Predict first:** will the weights be large in the words or in the silence around them? And what
# will they add up to, more or less, over the whole clip?

# %% tags=["answer", "hide-input"]
# Figure: weights, their sum, and what each frame gives to each token
figure, axes = canvas(4, height=1.55)
log_mel(features, recognizer.config.features.grid, ax=axes[0])
weights(plain, clock, ax=axes[1])
accumulation(plain, clock, ax=axes[2])
contributions(plain, clock, tokens=words, ax=axes[3])
for ax in axes[:-1]:
    ax.set_xlabel("")
axes[3].set_xlabel("time (s)")
for ax, label in zip(axes, ("band of pitch", "weight", "sum", "token"), strict=True):
    ax.set_ylabel(label)
name_words(axes[0], spoken.words)
show(
    figure,
    "Four lanes over time. The sound as bands of pitch, with the words written above it. The "
    "weights: near zero in the silence at both ends, and between 0.05 and 0.2 in the words. Their "
    "sum climbs to 1 and falls back to 0, once for each word. Below, a row for each token with the "
    "frames that it is made of.",
    caption="The plain CIF on the clip. From top to bottom: the sound, dark where it is loud, with "
    "the words at their true times; the weight of each frame; the sum of the weights, which falls "
    "back where a token fires (▼); and which frames each token is made of. Follow one word from "
    "top to bottom.",
)

# %% tags=["answer"]
# The sum of the weights, and when tokens fire
times = [clock.seconds(position) for position in plain.fire_positions[0].tolist()]
print(f"sum of the weights: {float(plain.weight_sum):.2f}")
print("fires at", ", ".join(f"{time:.2f}" for time in times), "s")
print("words:", *words)

# %% [markdown] tags=["answer"]
# The weights are large in the words and near 0 in the silence. They add up to 4.09, about the
# number of words: that is what training taught them. A weight of 0.1 to 0.2 means that a token
# takes 5 to 10 frames.
#
# The fourth token fires at 1.46 s. The 0.09 that come after it are left over, and dropped. What is
# left over at the end is called the *residual*.

# %% [markdown]
# **Exercise 00.1.** A fire may fall inside a frame, so its position in frames has decimals. Frames
# count from 0, and frame t covers the positions from t to t + 1. A token of another clip fires at
# position 12.5, in frames of 0.04 s. At what time is that, in seconds?

# %% tags=["exercise"]
seconds = ...
check("00.1", seconds)

# %% tags=["solution"]
seconds = 12.5 * 0.04  # in the library: cifviz.FrameGrid(shift=0.04).seconds(12.5)
check("00.1", seconds)

# %% [markdown] tags=["hints"]
# Position and time are the same place in two units: frames and seconds.
#
# One frame lasts 0.04 s, and position 0 is time 0.
#
# Multiply the position by the length of a frame. Do not round it first: 12.5 is the middle of frame
# 12.

# %% [markdown]
# ## 4. Hear it, token by token
#
# We cut the sound at the fires. Each player holds one token, from the fire before it to its own.
# Listen to the *edges*, the beginning and the end of each piece: is a word cut short? Is there a
# piece of a neighbour in it?

# %%
cuts = [0.0, *times]
pieces = [
    (f"{word} ({start:.2f} to {end:.2f} s)", spoken.waveform.cut(start, end))
    for word, start, end in zip(words, cuts, times, strict=False)
]
play_all(pieces)

# %% [markdown]
# ## 5. Compare with the true times
#
# The synthesiser tells to the millisecond when it spoke which word. So we can measure how far each
# fire is from the end of its word.
#
# **Predict first:** are the fires off by about 5, 50 or 500 ms? And how far off is the beginning of
# the first word, if a token begins where the one before it fired?

# %% tags=["answer"]
# Table: fires and words
rows = []
for word, fire, true in zip(words, times, spoken.words, strict=False):
    off = f"{1000 * (fire - true.end):+.0f}"
    rows.append([true.token, word, f"{true.start:.2f} to {true.end:.2f}", f"{fire:.2f}", off])
table(["reference", "hypothesis", "true time (s)", "fires at (s)", "end off by (ms)"], rows)

# %% [markdown] tags=["answer"]
# By a few tens of milliseconds, which is about one frame. How far were *you* off with the second
# word?
#
# The beginning of the first word is off by 200 ms: the token has everything since time 0, with the
# silence before the word. That follows from the rule. A fire says when the weight of a token is
# complete. It does not say where a word begins or ends, and in a pause it can come at any moment.
# [Lesson 06](06_how_good_is_it.ipynb) shows how to read the edges of words from the weights.
#
# This is a friendly example: the same synthesiser spoke a part of the training material, and this
# recogniser was helped with known times (next section).

# %% [markdown]
# ## 6. What it is trained on
#
# The loss of the CIF paper has three parts:
#
# ```text
# L = L_CE + λ₁ · L_CTC + λ₂ · L_QUA          L_QUA = |Σ_t α_t − N|
# ```
#
# - **Cross-entropy**, L_CE: how surprised is the decoder by the words of the transcript, given the
#   embeddings? It teaches all networks which words there are, and the weights where to lie.
# - **CTC**, L_CTC: a CTC layer beside the CIF. It helps the encoder and is not used later.
# - **Quantity loss**, L_QUA: how far is the sum of the weights from N, the number of words in the
#   transcript? For our clip it is |4.09 − 4| = 0.09. It teaches the weights to count.
#
# No part asks for a time. Frames and words are enough; the alignment comes out as a by-product.
# λ₁ and λ₂ say how much the parts count. The recognisers of this project have λ₁ = 0.5, λ₂ = 1, and
# a quantity loss per word.
#
# One detail is needed for this to work: at the beginning of training the weights sum to anything,
# and four words cannot be compared with seven tokens. So in training all weights are multiplied by
# one factor, such that exactly N tokens fire. [Lesson 02](02_scaling.ipynb) is about this.
#
# The model `digits` has a fourth part besides, which does ask for times: the weight of each word
# should be spread evenly over its sound. That is possible where the times of the training material
# are known. [How good is a CIF alignment](../docs/alignment.md) says what it gains.

# %% [markdown]
# ## 7. Move the threshold
#
# The weights stay as they are; we only change β, the weight that a token takes.
#
# **Exercise 00.2.** The weights of another clip sum to 6.2. How many tokens fire at β = 1? (A
# residual fires as well if it is more than half a token.)

# %% tags=["exercise"]
tokens_at_1 = ...
check("00.2", tokens_at_1)

# %% tags=["solution"]
tokens_at_1 = 6  # 6.2 = 6 · 1 + 0.2, and 0.2 is less than half a token
check("00.2", tokens_at_1)

# %% [markdown] tags=["hints"]
# Each token takes 1 away from the sum. How often can that be done?
#
# After the full tokens something is left. Compare it with half a token.
#
# 6.2 holds some whole ones and 0.2. Is 0.2 more than half of 1?

# %% [markdown]
# **Exercise 00.3.** The same clip, the same weights: how many tokens fire at β = 0.5?

# %% tags=["exercise"]
tokens_at_half = ...
check("00.3", tokens_at_half)

# %% tags=["solution"]
tokens_at_half = 12  # 6.2 = 12 · 0.5 + 0.2, and 0.2 is less than half of 0.5
check("00.3", tokens_at_half)

# %% [markdown] tags=["hints"]
# The sum does not change; what a token takes does.
#
# How often does 0.5 fit into 6.2?
#
# Divide by 0.5, keep the whole part, and compare what is left with half of 0.5.

# %% [markdown]
# A program for this count, which forgets the residual:


# %%
def count_full(weight_sum, threshold):
    return int(weight_sum / threshold)  # int drops the decimals


print(count_full(6.2, 1.0), count_full(6.7, 1.0))

# %% [markdown]
# **Exercise 00.4.** Change the program, so that a residual of more than half a token counts as one
# more token. It should work for any threshold.


# %% tags=["exercise"]
def count_tokens(weight_sum, threshold): ...  # start from count_full


check("00.4", count_tokens)


# %% tags=["solution"]
def count_tokens(weight_sum, threshold):
    full = int(weight_sum / threshold)
    residual = weight_sum - full * threshold
    return full + 1 if residual > threshold / 2 else full


check("00.4", count_tokens)


# %% [markdown] tags=["hints"]
# Split the sum in two: what the full tokens take, and the residual.
#
# The full tokens take their number times the threshold. Subtract that from the sum.
#
# Return one more than the full tokens if the residual is larger than half the threshold, and the
# full tokens if not.

# %% [markdown]
# Now on our clip, at four thresholds: 0.5, 0.8, 1 and 2.
#
# **Predict first:** how many tokens fire at each of them? What is in a token at β = 2?


# %% tags=["hide-input"]
# Fire the same weights at another threshold
def fire_again(threshold):
    return cifviz.integrate_and_fire(alpha, h, threshold=threshold, tail=above(threshold / 2))


# %% tags=["answer", "hide-input"]
# Figure: the sum of the weights at four thresholds
thresholds = (0.5, 0.8, 1.0, 2.0)
figure, axes = canvas(len(thresholds), height=1.3)
for ax, threshold in zip(axes, thresholds, strict=True):
    again = fire_again(threshold)
    accumulation(again, clock, ax=ax)
    ax.set_ylim(0, 2.1)
    ax.set_ylabel("sum")
    ax.set_title(f"β = {threshold}: {int(again.num_fires)} tokens", loc="left", fontsize="medium")
    ax.label_outer()
axes[-1].set_xlabel("time (s)")
name_words(axes[0], spoken.words)
show(
    figure,
    "Accumulated weight over time at four thresholds: the lower the threshold, the more often "
    "the sum reaches it and the more tokens fire; at 2 there are half as many tokens as words.",
    caption="The same weights at four thresholds; the words stand above their sound in the first "
    "picture. Count the tokens (▼), and see which words a token at β = 2 is made of.",
)

# %% [markdown] tags=["answer"]
# Lower, and words break into pieces; higher, and words melt together. At β = 0.5 there are twice as
# many tokens as at 1, at β = 2 half as many: each of them is two words, and no word of the decoder
# fits it.
#
# At β = 1 there is a token for each word, because the recogniser was trained with β = 1: its
# weights are measured in tokens. Another threshold would need another training, or other weights.

# %% [markdown]
# ## 8. Take it into your hands
#
# The explorer shows the same lanes and a few more, and everything in it can be moved. Where nothing
# runs, as on GitHub, a picture and a table stand in its place; the page of this lesson has both.
#
# - Click on a token to hear it. Or press Tab until the list of tokens has the focus, then the
#   arrows and Enter.
# - Move *threshold β* to 0.5, and listen to one of the pieces.
# - Press *drag weights* and take all the weight away from the middle of a word. What happens to the
#   tokens after it?
#
# Predict each time before you do it; *reset* brings everything back.

# %%
of_plain = cifviz.Transcription.from_firing(
    plain,
    words,
    frame_shift=clock.shift,
    waveform=spoken.waveform,
    rule=FiringRule(threshold=1.0, tail=above(0.5)),
)
explorer = cifviz.explore(of_plain, reference=spoken.words, model=recognizer)

# %% tags=["hide-input"]
# Figure: the explorer
live_explorer(
    explorer,
    caption="The plain CIF in the explorer; where it is live everything can be moved. Compare the "
    "lane of tokens, which begin and end at fires, with the true times in the lane below it.",
)

# %% [markdown]
# With *record* you can say a few digits yourself, and see what the recogniser makes of them. The
# sound stays on this machine. What you do in the explorer, Python knows: move a slider, and run the
# next cell.

# %%
print("threshold:", explorer.settings["threshold"], "· chosen token:", explorer.selection)
print(explorer.alignment.text)

# %% [markdown] tags=["optional"]
# ## 9. What the shipped models add
#
# The models that come with this project do three things more than the plain CIF:
#
# - **They scale.** The weights between two pauses are multiplied by a factor near 1, so that they
#   sum to a whole number of tokens. Then small errors do not add up in a long recording.
# - **They fire a little early**, as soon as 0.99 is reached ([lesson
#   07](07_thresholds_and_dialects.ipynb)), so that a rounding error does not cost the last word.
#   What the token lacks it takes from the next one.
# - **They read edges inside the weight of a word**, not at the fires. So there can be gaps between
#   words, and the first word does not begin at time 0.
#
# The *panel* is the picture of a whole *utterance*, one stretch of speech that is recognised in one
# go. It is what `cifviz align` writes, too:

# %% tags=["hide-input"]
# Figure: the panel of the shipped model
transcription = recognizer.transcribe(spoken.waveform)
lanes = ("waveform", "log_mel", "weights", "accumulation", "tokens", "reference")
picture = panel(transcription, reference=spoken.words, lanes=lanes)
show(
    picture.fig,
    f"{panel_alt(transcription)} The last lane shows the true times of the words.",
    caption="What the shipped model makes of the clip. Compare the last two lanes: the tokens with "
    "the edges that the model reads, and the true times.",
)

# %% [markdown]
# | lane | what it shows |
# |---|---|
# | amplitude | the sound itself |
# | frequency | how loud each band of pitch is; dark is loud. This is what the recogniser sees |
# | weight per frame | α of each frame, as the network gave it (grey) and scaled (blue) |
# | *accumulated weight* | the sum of the weights. At β a token fires (▼), and the sum falls back |
# | tokens | from the first edge of each token to its last, as the model reads them |
# | reference | the true times |
#
# The vertical lines are the fires; a hollow ▽ would be a last token that was made of the residual.
# A box of the lane *tokens* and a fire need not meet.


# %% tags=["hide-input"]
# Table: edges that the model reads, and the true ones
def mean_start_error(words, alignment):
    errors = [abs(found.start - true.start) for true, found in zip(words, alignment, strict=False)]
    return 1000 * sum(errors) / max(1, len(errors))


rows = [
    [
        true.token,
        found.token,
        f"{true.start:.2f} to {true.end:.2f}",
        f"{found.start:.2f} to {found.end:.2f}",
        f"{1000 * (found.start - true.start):+.0f}",
        f"{1000 * (found.end - true.end):+.0f}",
    ]
    for true, found in zip(spoken.words, transcription.alignment, strict=False)
]
head = ["reference", "hypothesis", "true time (s)", "found (s)"]
table([*head, "start off by (ms)", "end off by (ms)"], rows)
clip_error = mean_start_error(spoken.words, transcription.alignment)
print(f"starts: {clip_error:.0f} ms off on average; a frame is {1000 * clock.shift:.0f} ms long")

# %% [markdown] tags=["optional"]
# ## 10. A person
#
# So far a synthesiser spoke. Now a person, who recorded digits one by one; they were put together
# to a number, so that again we know the true times. The project keeps no sound of people, only what
# the recogniser needs of it, the *log-mel* features: how loud each band of pitch is. [Real
# speech](../data/README.md#real-speech) says how to get the sound; with it, set `listen = True`.
#
# **Predict first:** which lanes will look different from those of the synthesiser? And will the
# starts be found better or worse?

# %% tags=["answer", "hide-input"]
# The person
person = cifviz.load_recording(recording)
print(f"{person.speaker} says:", person.words.text)
print(f"{person.attribution}, {person.licence}")
if listen:
    play(person.waveform(), f"The recording {recording}")

# %% tags=["answer", "hide-input"]
# Figure: the panel of a person
person_model = cifviz.load_model(person.model)
of_person = person_model.transcribe_features(person.log_mel, duration=person.duration)
of_features = ("log_mel", "weights", "tokens", "reference")
picture = panel(of_person, reference=person.words, lanes=of_features)
show(
    picture.fig,
    f"{panel_alt(of_person)} The last lane shows the true times of the words.",
    caption="A person. Compare with the figure before: the weights in the words, the silence "
    "between them, and the last two lanes.",
)
person_error = mean_start_error(person.words, of_person.alignment)
print("hypothesis:", of_person.text)
print(f"starts: {person_error:.0f} ms off on average, {clip_error:.0f} for the synthesiser")

# %% [markdown] tags=["answer"]
# A person's sound is less regular: noise fills the lane of frequencies, there is silence between
# words that were recorded one by one, and the weights of a word rise and fall. The starts are found
# a little less well.
#
# This person spoke in the training material, too, but not these recordings. The
# [results](../README.md#how-good-it-is) say how the model does on people it was not trained on.

# %% [markdown] tags=["optional"]
# ## 11. Your turn: a recording of yours
#
# Say any English sentence, and record it. Put the full path of the recording into `own_file`, in
# the cell of parameters near the top (with forward slashes, on Windows too), what you say into
# `own_text`, and run all cells again. The model `"english"` says where your words are, and the
# sounds of each; without `own_text` it recognises the words itself. It needs the extra
# `cifviz[english]`, which `make setup` installs where it can.
#
# The two teaching models are `"digits"`, which knows the digits zero to nine, and `"grid"`, which
# knows sentences of six words such as *place red by a nine please*. Whatever you say, these two
# write only words that they know; choose one of them with `own_model`. As long as `own_file` is
# empty, `"grid"` gets a bundled sentence.
#
# In a terminal it is one line: `cifviz align me.m4a --model english --text "What you say in it."`
# [Your own voice](../docs/own_voice.md) tells more.

# %%
own = cifviz.load_waveform(own_file) if own_file else cifviz.load_clip("grid_bin").waveform
own_name = own_model or ("english" if own_file and has_moonshine() else "grid")
own_recognizer = cifviz.load_model(own_name)

# %% tags=["hide-input"]
# Transcribe it, or align the text
if own_name != "english":
    of_own = own_recognizer.transcribe(own)
elif own_text:
    of_own = own_recognizer.align(own, own_text)
else:
    of_own = own_recognizer.hear(own)
of_own = getattr(of_own, "first", of_own)  # of more than 28 s the beginning
print(f"{own_name}:", of_own.text or "(no token fired)")
play(own, "The whole recording")
play_tokens(of_own)

# %% tags=["hide-input"]
# Figure: the panel of your recording
show(
    panel(of_own).fig,
    panel_alt(of_own),
    caption="Your recording, or the bundled sentence. Compare the lane of tokens with what you "
    "hear in the players above.",
)

# %% [markdown]
# The numbers that this lesson arrived at are kept in the notebook, so that a later run can be
# compared with this one. The cells that keep them are hidden.

# %% tags=["answer", "hide-input"]
# Numbers kept
record(
    text=transcription.text,
    plain_text=" ".join(words),
    fires=int(plain.num_fires),
    fires_at_half=int(fire_again(0.5).num_fires),
    fires_at_two=int(fire_again(2.0).num_fires),
    person_text=of_person.text,
    own_text=of_own.text,
)
record(weight_sum=plain.weight_sum, residual=plain.residual, tolerance=5e-4)
record(start_error_ms=clip_error, person_start_error_ms=person_error, tolerance=0.1)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where the library keeps what they name:

# %%
glossary(
    *("accumulated weight", "alignment", "edge", "embedding", "fire"),
    *("fire position", "frame", "frame shift", "log-mel", "quantity loss", "residual", "scaling"),
    *("tail", "threshold", "token", "transcript", "weight", "weight predictor", "weight sum"),
)

# %% [markdown]
# ## On your own
#
# - Set `clip` to `"digits_pause"` and run all cells: what do the weights do in the long pause?
# - `"digits_repeated"` says the same digit three times in a row. How does CIF keep the three apart?
#   And what does CTC need between them?
# - Set `clip` to `"silence"`. How many tokens should there be?
# - Say a digit string yourself, once slowly and once fast. Does the sum of the weights change?

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *The pause.* The weights are 0 in it, so the sum waits: the token after the pause fires no
#   earlier because of it. Without the scaling of section 9 a fire could lie anywhere in the pause.
# - *Repeated digits.* CIF needs no help: each of the three adds a weight of about 1, so the sum
#   crosses three whole numbers. CTC joins equal neighbours, so it has to write *nothing* between
#   two equal words.
# - *Silence.* None. The weights of all frames together are a few hundredths of a token.
# - *Slow and fast.* The sum stays about the number of words; that is what the quantity loss
#   teaches. Slow words have more frames, and each of them weighs less. If your sum changes much,
#   your speed is unlike that of the training material.

# %% [markdown]
# ## In practice
#
# - Large recognisers use the same mechanism. FunASR's and WeNet's *Paraformer* predicts with CIF
#   how many tokens there are and where, and decodes them all at once.
# - Frames are often longer than here: 60 ms in FunASR's large Paraformer, 80 ms in the AISHELL-1
#   recipe of CIF-HieraDist. For word times, FunASR adds a second predictor with finer frames.
# - Code bases differ in what they do with the residual. CIF-PyTorch fires it if it is above
#   0.5, but only where a padded frame follows: never for an utterance on its own. FunASR and WeNet
#   add 0.45 to the sum and round down. [Lesson 05](05_tail_handling.ipynb) is about that.

# %% [markdown]
# ## Further reading
#
# - L. Dong and B. Xu, [CIF: Continuous Integrate-and-Fire for End-to-End Speech
#   Recognition](https://arxiv.org/abs/1905.11235), ICASSP 2020: the paper that introduced the
#   mechanism. Its Algorithm 1, with β = 1, is what the next lesson programs.
# - Z. Gao et al., [Paraformer](https://arxiv.org/abs/2206.08317), Interspeech 2022: CIF as the
#   first stage of a recogniser that decodes all tokens at once.
# - J. Chorowski et al., [Attention-Based Models for Speech
#   Recognition](https://arxiv.org/abs/1506.07503), NeurIPS 2015: attention on speech, and what it
#   takes to keep it from jumping.
# - A. Hannun, [Sequence Modeling with CTC](https://distill.pub/2017/ctc/), Distill 2017: CTC
#   explained in figures.
# - [cifviz/systems/cif.py](../cifviz/systems/cif.py): the recogniser of this lesson,
#   an encoder, a CIF and a decoder composed in a page of code.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# A first meeting. You need loudspeakers. Run the notebook once beforehand, and keep the folds
# closed until the class has made its predictions.
#
# ### 90 minutes
#
# - 10 min, section 1: Play the clip twice, nothing on the screen. Everybody writes down the
#   words, and when the second one begins. Collect the times on the board: how far apart are they?
#   Then the two figures: 43 frames, four words.
# - 15 min, section 2: The three sentences, each with eight frames and two words on the board. Then
#   the prediction, by a show of hands, and the figure. Where the name comes from.
# - 15 min, section 3: Write eight weights on the board, let the class add them up aloud and shout
#   at 1. Two predictions, then the figure, lane by lane. Exercise 00.1: alone, then with a
#   neighbour. Who says 12.5?
# - 10 min, section 4: Hear the tokens. Let the class vote: cut short, just right, or with a piece
#   of the neighbour?
# - 10 min, section 5: Predict, then the table. Compare with the times on the board: are people
#   better?
# - 10 min, section 6: The loss, part by part. Ask of each part: does it need a time?
# - 10 min, sections 7 and 8: Exercises 00.2 to 00.4, then the explorer: one names a threshold,
#   another predicts, a third moves it; and everybody hears the pieces.
# - 10 min, sections 9 to 11: Somebody says a number into the explorer, or brings a recording. What
#   does the model write if it does not know the word?
#
# ### Likely questions
#
# - *Why do the weights add up to the number of words?* Because of the quantity loss.
#   [Lesson 02](02_scaling.ipynb) switches it off, and looks.
# - *Does CIF look into the future?* The adding up does not: a fire depends on the weights so far.
#   The network that gives the weights may see some frames ahead, and the scaling from pause to
#   pause waits for the pause.
# - *What if I say a word that it does not know?* It writes one that it knows, since there is
#   nothing else to choose from. The panel's title says which words the model knows, and a warning
#   stands above the picture where the fired embeddings are far from all that it was trained on.
# - *Why frames of 40 ms?* The sound is described each 10 ms and the encoder makes one frame of
#   four. [Lesson 04](04_weights.ipynb) compares with 80 ms.
# - *Where does a word end, really?* In fluent speech there is often no gap. Here the synthesiser
#   knows; people who mark recordings by hand do not always agree.
# - *Why does attention look at so few frames of a word?* Its shares say where the decoder looked to
#   choose the word. A frame of the encoder has seen 0.4 s to either side, so a few are enough.
#
# ### Usual misconceptions
#
# - *A weight is the probability that a word begins.* It is a share of a token: what counts is the
#   sum over a word. Look at a word whose weight is spread over ten frames.
# - *Loud frames are heavy.* Compare the lanes: the loudest frame of a word need not weigh most.
# - *A fire is the middle of a word, or its beginning.* It is where the token is complete, so most
#   fires lie near the end of a word or in the gap after it. Word times are read elsewhere.
# - *A lower threshold finds more words.* It makes smaller tokens, pieces of words; the weights
#   stay the same.
# - *Silence has weight 0.* Nearly. Small weights in a long silence add up, too.
# - *CIF was told the times.* Its loss does not need them. The model of this lesson was helped by
#   some, which makes its edges sharper.
