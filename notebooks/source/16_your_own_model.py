# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # Find out what your own CIF does
#
# **What you'll do:** take a model that is not from this course, see its fires in five lines, find
# eight planted faults in its weights, and hand the result on to other programs.
#
# **What you'll learn**
#
# - *capture* the CIF of a model that you did not write, or load its weights from a file
# - *tell* weights from the other arrays that a CIF returns
# - *diagnose* what is wrong with a CIF by a picture, and check yourself with `cifviz.diagnose`
# - *identify* an unknown CIF by what it makes of the identity
# - *choose* a file format that keeps what you need
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb) and
# [lesson 05](05_tail_handling.ipynb); `class` and `forward` of a PyTorch module. No network, no
# GPU, no other package. With a model of your own at hand, read the cells and replace ours.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [15 See a CIF as a neuron](15_spiking_neurons.ipynb) · Next: none.

# %% tags=["hide-input"]
# Imports
import logging
from contextlib import chdir, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

import cifviz
from cifviz.cli import app
from cifviz.core.dialects import compare
from cifviz.core.tail import above
from cifviz.corpora.clips import load_clip
from cifviz.course import (
    canvas,
    check,
    glossary,
    live_explorer,
    name_words,
    play,
    record,
    show,
    table,
)
from cifviz.course.planted_cases import (
    CLIPS,
    contributions_to_unknown,
    draw_case,
    planted_cases,
)
from cifviz.diagnosis import CHECKS, examine
from cifviz.diagnosis.finding_pictures import DRAWINGS
from cifviz.formats import read_alignments, write_alignments
from cifviz.plot import dialect_lanes, panel, panel_alt
from cifviz.resources import resource

# %% tags=["parameters"]
seed = 0
fast = True  # nothing takes long in this lesson: False changes nothing
clip = "digits_fast"  # or "digits_repeated", "digits_slow" …: one of digits
own_alpha = ""  # full path of weights of your model: .npy, .npz or .safetensors
own_frame_shift = 0.04  # seconds from one of its frames to the next
onnx = False  # True: section 8 writes an ONNX file and runs it (cifviz[onnx] and onnxruntime)

# %% [markdown]
# ## 1. A model that is not ours
#
# You have a recogniser with a CIF in it. It prints a transcript, and two words are missing. Where
# were they lost? In the encoder, in the weights, in the rule by which they fire, or in the code
# that pads the batch? A transcript does not tell. The fires do. With your model at hand, this is
# all it takes; sections 2 and 4 explain what comes out:
#
# ```python
# with cifviz.capture(model) as firings:
#     tokens = recognise(model, speech)  # however your model is called; a list of str
# print(cifviz.diagnose(firings, tokens=[tokens], frame_shift=0.06))
# ```
#
# The lesson begins with a model that `cifviz` has not made. To keep it short it is a *toy*: a
# predictor in the shape of those of FunASR, written from scratch. Its class has the name and the
# interface of FunASR's, and it fires as FunASR does: at the threshold β = 1, with 0.45 of weight
# appended for the tail.


# %%
def cif(hidden, alphas, threshold):
    held, state, peaks, fired = torch.zeros(len(alphas)), torch.zeros_like(hidden[:, 0]), [], []
    for h, weight in zip(hidden.unbind(1), alphas.unbind(1), strict=True):
        peaks.append(held + weight)
        fires = peaks[-1] >= threshold
        here = torch.where(fires, 1 - held, weight)  # what this frame gives to this token
        fired.append(state + here[:, None] * h)
        held = peaks[-1] - fires.float()
        state = torch.where(fires[:, None], (weight - here)[:, None] * h, fired[-1])
    peaks, fired = torch.stack(peaks, 1), torch.stack(fired, 1)
    rows = [one[peak >= threshold] for one, peak in zip(fired, peaks, strict=True)]
    return pad_sequence(rows, batch_first=True), peaks


# %%
class CifPredictor(nn.Module):
    threshold, tail_threshold = 1.0, 0.45

    def __init__(self, dim):
        super().__init__()
        self.cif_output = nn.Linear(dim, 1)

    def forward(self, hidden, mask):
        alphas = torch.sigmoid(self.cif_output(hidden)).squeeze(-1) * mask
        tail = torch.full((len(alphas), 1), self.tail_threshold)
        alphas = torch.cat([alphas, tail], dim=1)
        embeddings, peaks = cif(pad(hidden, (0, 0, 0, 1)), alphas, self.threshold)
        return embeddings, alphas.sum(dim=1).floor(), alphas, peaks


# %% [markdown]
# A model also has an encoder before it and a decoder after it. Ours are stand-ins, so that nothing
# has to be trained: the frames are random numbers, but for their first channel, which carries what
# a shipped model gave to real sound, the digits of one clip. (It is the inverse of the sigmoid, so
# that the predictor gets the weights back.) The words are those that the shipped model recognised.
# So the weights are those of speech, and the code that fires them is not ours.


# %% tags=["hide-input"]
# The rest of the model: a recogniser around a predictor, and frames that carry the weights
class Recogniser(nn.Module):
    def __init__(self, predictor):
        super().__init__()
        self.predictor = predictor

    def forward(self, frames):
        embeddings, *_ = self.predictor(frames, torch.ones(frames.shape[:2]))
        return embeddings


@torch.no_grad()
def reads_first_channel(layer):
    layer.weight.zero_()
    layer.weight[0, 0] = 1
    layer.bias.zero_()


def frames_with(weights, dim=8):
    frames = torch.randn(*weights.shape, dim)
    frames[..., 0] = torch.logit(weights, eps=1e-6)
    return frames


torch.set_num_threads(1)  # small models: several threads would only wait for each other
torch.manual_seed(seed)
shipped = cifviz.load_model("digits")
said = load_clip(clip)
heard = shipped.transcribe(said.waveform)
model = Recogniser(CifPredictor(8)).eval()
reads_first_channel(model.predictor.cif_output)
speech = frames_with(heard.firing.alpha)

# %% tags=["hide-input"]
# Sound, and what is said in it
play(said.waveform, f"The clip {clip}")
print(f"{said.text} · {len(said.words)} words, {speech.shape[1]} frames of 40 ms")

# %% [markdown]
# **Exercise 16.1.** Such a predictor appends 0.45 to the weights of an utterance. How many tokens
# fire if its weights sum to 3.7, how many if they sum to 3.4, and how large must a residual be at
# least to become a token? Give three numbers.

# %% tags=["exercise"]
two_counts_and_residual = ...
check("16.1", two_counts_and_residual)

# %% tags=["solution"]
two_counts_and_residual = [int(3.7 + 0.45), int(3.4 + 0.45), 1 - 0.45]
check("16.1", two_counts_and_residual)

# %% [markdown] tags=["hints"]
# Add 0.45, and count the whole ones.
#
# 3.7 + 0.45 = 4.15, and 3.4 + 0.45 = 3.85. Nothing is fired for what is left.
#
# A residual becomes a token if it makes 1 together with 0.45.

# %% [markdown]
# ## 2. Five lines
#
# `cifviz.capture` watches a model while it runs, and records every call of its CIF. The model is
# not changed, and your own code calls it as always. Two things the weights do not tell are up to
# you: the tokens, and the seconds from one frame to the next, after all subsampling.

# %%
with cifviz.capture(model) as firings:
    embeddings = model(speech)
    tokens = list(heard.tokens)  # with your model: what its decoder made of the embeddings
result = cifviz.Transcription.from_capture(
    firings, tokens, frame_shift=0.04, waveform=said.waveform, reference=said.words
)

# %% [markdown]
# How can it know what each frame gave to each token? Nobody returns that. But integration is
# linear: what comes out is W·h for some matrix W of contributions, with one row for each token. If
# h is the identity, W itself comes out. So `capture` runs the model's own integration once more, on
# the identity, and compares W·h with what the model made. If they differ, it raises an error rather
# than show something else.
#
# **Predict first:** the words stand at their true times in the lowest lane of the panel. Where will
# the fires be: where words begin, in their middle, or where they end? And where does the last one
# fire, if the weights alone sum to a little less than the number of words?

# %% tags=["answer"]
# What was captured
firing = firings[0]
last_fire = float(firing.fire_positions[0, -1])
print(result.summary)
print(f"S = {float(firing.alpha.sum()):.2f}, with the tail {float(firing.scaled_alpha.sum()):.2f}")
print(f"last fire at {last_fire:.1f} of {speech.shape[1]} frames")

# %% tags=["answer", "hide-input"]
# Figure: the panel of what was captured
show(
    panel(result).fig,
    panel_alt(result),
    caption="All of one utterance on one time axis: sound, features, weights with fires, the "
    "contributions of the frames to the tokens, tokens, and the true words. A token's box reaches "
    "from the fire before it to its own. Compare the boxes with the true words.",
)

# %% [markdown] tags=["answer"]
# Fires stand near the ends of words: a token is complete when its weight is. The first box also
# holds all the silence before the first word, since a token begins where the one before it fired.
# The last token may lack a little weight when the sound is over. Then only the appended frame
# completes it, after the last real frame: there is the last fire, long after the word.
# (`edges=cifviz.Edges()` reads times inside of the weight instead; lesson 06.)
#
# The summary names the rule by which it fires, “as paraformer_v1 fires”. That was not assumed: a
# rule is believed only if it repeats all fires at hand.

# %% [markdown]
# ## 3. Other ways in
#
# **A class of another name.** Known by their names are the predictors of FunASR, WeNet's `Cif`,
# `CifMiddleware` of CIF-PyTorch and of fairseq models, and the function of torch_cif. Any other
# module will do if it returns its weights. This one is called `Segmenter`:


# %%
class Segmenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Linear(8, 1)

    def forward(self, frames):
        return {"hidden": frames, "cif_weights": torch.sigmoid(self.proj(frames)).squeeze(-1)}


other = nn.Sequential(nn.LayerNorm(8), Segmenter())
try:
    with cifviz.capture(other):
        other(speech)
except cifviz.CIFError as error:
    print(error)

# %% [markdown]
# The error says what to write: the name of the module that returns weights, as
# `model.named_modules()` has it. How they fire the module does not say, so you do.

# %%
with torch.no_grad(), cifviz.capture(other, at="1", threshold=1.0, tail="above 0.5") as seen:
    other(speech)
print(cifviz.Transcription.from_capture(seen, frame_shift=0.04).summary)

# %% [markdown]
# (This one is untrained, so its count means nothing.)
#
# **Weights in a file.** Of a model that runs elsewhere, save the weights of one utterance, and its
# tokens as text. No Python is needed then:
#
# ```bash
# cifviz explore my.wav --alpha alpha.npy --tokens tokens.txt --frame-shift 0.04
# cifviz panel   my.wav --alpha alpha.npy --tokens tokens.txt --frame-shift 0.04 --out my.png
# ```
#
# The first writes `my.html`, the second a picture. The next cell runs a command in a folder that is
# deleted again, on our weights. `--tail "appended 0.45"` says how they fire.

# %%
sound = str(resource("clips") / f"{clip}.flac")
options = "--alpha alpha.npy --tokens tokens.txt --frame-shift 0.04 --out my.png --tail".split()
with TemporaryDirectory() as folder, chdir(folder):
    np.save("alpha.npy", heard.firing.alpha[0].numpy())
    Path("tokens.txt").write_text(" ".join(tokens), encoding="utf-8")
    with suppress(SystemExit):  # a command ends so
        app(["panel", sound, *options, "appended 0.45"])
    print(*sorted(path.name for path in Path().iterdir()))

# %% [markdown]
# In Python it is `cifviz.Transcription.from_alpha(alpha, tokens, frame_shift=0.04, …)`.
#
# Save the right array. A CIF has three that look alike: the weights α; the *accumulated* weight,
# which FunASR calls peaks, with what each token holds after each frame, before 1 is taken off at a
# fire; and the running sum.
#
# **Exercise 16.2.** Three arrays of the same utterance are
#
# ```text
# 1:  0.3  0.7  1.2  0.8  1.1
# 2:  0.3  0.4  0.5  0.6  0.3
# 3:  0.3  0.7  1.2  1.8  2.1
# ```
#
# Which is α, which is the accumulated weight? And how many full tokens would a CIF with β = 1 count
# if it were given the accumulated weight for α, instead of two? Give three numbers.

# %% tags=["exercise"]
alpha_accumulated_count = ...
check("16.2", alpha_accumulated_count)

# %% tags=["solution"]
alpha_accumulated_count = [2, 1, int(0.3 + 0.7 + 1.2 + 0.8 + 1.1)]
check("16.2", alpha_accumulated_count)

# %% [markdown] tags=["hints"]
# Two of the rows are sums of the third, one of them with falls.
#
# Row 3 only grows: it is the running sum of row 2. Row 1 is the same, less 1 after each fire: it
# falls from 1.2 to 0.8.
#
# For the count sum up row 1: 0.3 + 0.7 + 1.2 + 0.8 + 1.1, and take the whole ones.

# %% [markdown]
# ## 4. What is wrong with it?
#
# Here is a second toy, in the shape of CIF-PyTorch's `CifMiddleware`: another code base, but the
# same weights. (Its code is hidden, and as short as the first.) We run both on eight clips and give
# `cifviz.diagnose` all that we know: the tokens, the *frame shift* (the time from one frame to the
# next), the sounds and the true times.


# %% tags=["hide-input"]
# The second toy: a CifMiddleware, which fires at 0.99 and the tail in the first padded frame
class CifMiddleware(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.cif_threshold, self.weight_proj = 0.99, nn.Linear(dim, 1)

    def forward(self, encoder_outputs):
        h, padding = encoder_outputs["encoder_raw_out"], encoder_outputs["encoder_padding_mask"]
        alpha = torch.sigmoid(self.weight_proj(h)).squeeze(-1) * ~padding
        lengths = (~padding).sum(dim=1).tolist()
        rows = [self.fire(*one) for one in zip(h, alpha, lengths, strict=True)]
        out = pad_sequence(rows, batch_first=True)
        return {"cif_out": out, "cif_out_mask": out.any(-1), "quantity_out": alpha.sum(dim=1)}

    def fire(self, h, alpha, length):
        held, state, fired = torch.zeros(()), torch.zeros_like(h[0]), []
        for t, weight in enumerate(alpha):
            rest = 1 - held
            if held + weight >= self.cif_threshold:
                fired.append(state + rest * h[t])
                held = weight - rest
                state = held * h[t]
            else:
                held, state = held + weight, state + weight * h[t]
            if t == length and held > 0.5:
                fired.append(state / held)
        return torch.stack(fired) if fired else h[:0]


second = CifMiddleware(8).eval()
reads_first_channel(second.weight_proj)

# %% tags=["hide-input"]
# Eight clips: their weights, by the shipped model, and what is known of them
clips = {name: load_clip(name) for name in CLIPS}
weights = {
    name: shipped.transcribe(one.waveform).firing.alpha.detach() for name, one in clips.items()
}
known = {
    "frame_shift": 0.04,
    "tokens": {name: one.text.split() for name, one in clips.items()},
    "waveforms": {name: one.waveform for name, one in clips.items()},
    "reference": {name: one.words for name, one in clips.items()},
}

# %%
first_fired, second_fired = {}, {}
for name, alpha in weights.items():
    frames = frames_with(alpha)
    with torch.no_grad(), cifviz.capture(model) as firings:
        model(frames)
    first_fired[name] = firings[0]
    padding = torch.zeros(frames.shape[:2], dtype=torch.bool)  # no frame is padded
    with torch.no_grad(), cifviz.capture(second) as firings:
        second({"encoder_raw_out": frames, "encoder_padding_mask": padding})
    second_fired[name] = firings[0]

# %% [markdown]
# **Predict first:** CIF-PyTorch looks at the tail in the first *padded* frame. Here each utterance
# runs alone, so there is none. Of which of the two models will something be reported, and what?

# %% tags=["answer"]
# What is found in each of them
print(cifviz.diagnose(first_fired, **known), end="\n\n")
diagnosis = cifviz.diagnose(second_fired, **known)
print(diagnosis)

# %% tags=["answer", "hide-input"]
# Figure: the pictures of the findings
figure, axes = canvas(len(diagnosis.findings), height=2.4, share_time=False)
for ax, finding in zip(axes, diagnosis.findings, strict=True):
    DRAWINGS[finding.picture.kind](finding.picture.data, ax)
    if finding.picture.kind == "weights":
        name_words(ax, clips[finding.utterances[0]].words)
    ax.set_title(finding.title, loc="left")
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
show(
    figure,
    " ".join(finding.picture.alt for finding in diagnosis.findings),
    caption="What is found in the second model, a picture for each finding. Above: the weights of "
    "the worst utterance with its fires; the coloured stretch is weight that became no token. "
    "Below: three counts of each utterance, which should be the same.",
)

# %% [markdown] tags=["answer"]
# Nothing in the first model: the appended frame completes the last token. In the second one the
# last word is lost wherever the weights sum to a little less than a whole number, and only there.
# In a batch, all utterances but the longest have padding after them and keep their last word: so
# a test set scores differently with another batch size. Lesson 05 has this at length.
#
# How to read a *finding*, a line of what `diagnose` prints. *Faults* make results wrong, *warnings*
# may, *notes* are worth knowing. Causes stand above their consequences: that the counts disagree,
# too, says nothing new. Then comes what to try. And below: what could *not* be looked at, since
# something was not given.

# %% [markdown]
# A finding says what; why, one sees by trying. `cifviz.explore` opens what was captured in the
# explorer, where the controls follow the rule of *this* CIF, and what that rule does not have is
# switched off. In a script, `cifviz.explore(result).to_html("my.html")` writes a page for any
# browser.
#
# **Predict first:** the second model also lost the last word of our clip. Which of these brings it
# back: a tail threshold of 0.3 instead of 0.5, a threshold β of 0.97 instead of 0.99, or weights
# that are 5 % larger?

# %% tags=["answer"]
# The second model on our clip, with each of the three
padding = torch.zeros(speech.shape[:2], dtype=torch.bool)
with torch.no_grad(), cifviz.capture(second) as firings:
    second({"encoder_raw_out": speech, "encoder_padding_mask": padding})
short = cifviz.Transcription.from_capture(
    firings, tokens, frame_shift=0.04, waveform=said.waveform, reference=said.words
)
print(f"as it is: {len(short.labels)} fires, residual {float(firings[0].residual):.2f}")
for change in ({"tail": {"rule": "above", "value": 0.3}}, {"threshold": 0.97}, {"gain": 1.05}):
    moved = cifviz.explore(short)
    moved.settings = change
    print(change, f"{len(moved.alignment)} fires")

# %% [markdown] tags=["answer"]
# The tail threshold does not, wherever it stands: without a padded frame this code never looks at
# the tail. Larger weights do, and in this clip so does a lower threshold, since the residual lies
# above 0.97. But both move fires that were right before. What is to be mended is the missing frame.

# %% [markdown]
# Try it in the explorer:

# %% tags=["hide-input"]
# Figure: the explorer
live_explorer(
    cifviz.explore(short),
    caption="What the second model did. The warning on top says which word has no fire. Look at "
    "the accumulated weight after the last fire, then move the controls of the question.",
)

# %% [markdown]
# In a test of your own, `assert not cifviz.diagnose(…).fails("warning")` does. On the command line
# `cifviz diagnose alpha.npz --page found.html` ends with the exit code 1 if there is a fault. With
# several utterances the names are those of the arrays in the file.

# %% [markdown]
# ## 5. Eight faults
#
# Now you are the one who finds them. Into each case, A to H, one fault was planted, in all of eight
# utterances; the picture shows one of them. Each is a mistake that real code makes. These are the
# twelve things that `cifviz.diagnose` looks for, by number:

# %% tags=["hide-input"]
# Table: what is looked for
SIGNS = (
    "a missing sigmoid: steps below 0",
    "a sawtooth, which rises to 1 and falls",
    "long sounds lose tokens, ever more of them",
    "S looks whole, and one fire is missing",
    "weight behind the last fire, nearly a token",
    "weights above 1, and words that share a frame",
    "weights near 1 wherever somebody speaks, and a fire for each frame",
    "in a batch the weights are others than alone",
    "where nobody speaks there is weight, and it fires",
    "each fire is later than the one before, relative to its word",
    "all fires are late, or early, by the same time",
    "S, fires and words are different numbers, and none of the above says why",
)
table(
    ["", "what is wrong", "how it may look"],
    [
        [number, check_of.title, sign]
        for number, (check_of, sign) in enumerate(zip(CHECKS.values(), SIGNS, strict=True), 1)
    ],
)

# %% tags=["hide-input"]
# Figure: the eight cases
cases = planted_cases()
figure, axes = canvas(len(cases), height=1.3, share_time=False)
for ax, case in zip(axes, cases.values(), strict=True):
    draw_case(case, ax)
axes[-1].set_xlabel("time (s), another scale for each case")
show(
    figure,
    "Eight cases. " + " ".join(f"{name}: {one.in_words}" for name, one in cases.items()),
    caption="Weights of one utterance of each case, with its fires as lines. The words stand above "
    "their sound. Dashed, where it differs: the weights of the same utterance when it runs alone. "
    "Each case has its own scales.",
)

# %% [markdown]
# **Exercise 16.3.** Which fault is it in A, B, C and D? Give four numbers of the table. Several
# things may look wrong in a case: give the cause, not the consequence.

# %% tags=["exercise"]
faults_a_to_d = ...
check("16.3", faults_a_to_d)

# %% tags=["solution"]
faults_a_to_d = [7, 11, 2, 5]
check("16.3", faults_a_to_d)

# %% [markdown] tags=["hints"]
# Compare the number of fires with that of the words, and the places of the fires with the words
# above.
#
# A fires in nearly every frame where somebody speaks. In B the count is right and the places are
# not. The weights of C have the shape of a sawtooth. D lacks a token at the end, and weight is left
# there.
#
# Look in the table for saturated weights, a shift of all fires, an integrator in the place of the
# weights, and a residual that is lost.

# %% [markdown]
# **Exercise 16.4.** And in E, F, G and H?

# %% tags=["exercise"]
faults_e_to_h = ...
check("16.4", faults_e_to_h)

# %% tags=["solution"]
faults_e_to_h = [8, 6, 10, 9]
check("16.4", faults_e_to_h)

# %% [markdown] tags=["hints"]
# In E look at the dashed line: the same utterance, run alone. In the others look at where the fires
# are.
#
# F has frames that fire more than once. In G the fires leave the words more and more. H fires where
# nobody speaks.
#
# Look in the table for padding or batch, several fires in a frame, drift, and fires in silence.

# %% [markdown]
# **Predict first:** in which cases will `diagnose` report more than one finding, though one fault
# was planted?

# %% tags=["answer"]
# What cifviz.diagnose finds in each case, the worst first
found = {name: examine(one.utterances) for name, one in cases.items()}
for name, one in found.items():
    print(name, *(f"{finding.check} ({finding.severity})" for finding in one.findings), sep="  ")
    print(f"   {one.findings[0].found}")

# %% [markdown] tags=["answer"]
# Where weights are wrong, counts are mostly wrong too, and `token_count` follows. (In E the padding
# weighs less than a token, so the count is right by luck.) Where only the clock is wrong, in B and
# G, all counts are right, and nothing but true times can show it. A picture of a single utterance
# would not tell B from a model that fires late; that it is the same in all eight does.
#
# F has four findings. Its frames are so long that each holds several words, and a frame fires once
# at most. What is left over piles up, so in the end it is also a residual, and a wrong count. The
# cause stands second there: the first line of a list is where to begin, not always where to end.
# Ask which of the findings would go away if another one were mended.

# %% [markdown]
# If you have set `own_alpha`, the next cell diagnoses your model. Weights alone allow some of the
# checks only; the last lines say what the others need.

# %%
if own_alpha:
    print(cifviz.diagnose(own_alpha, frame_shift=own_frame_shift))

# %% [markdown]
# ## 6. The same weights, another code base
#
# A checkpoint often moves: trained in one code base, served by another. The weights are the same;
# the rules are not. `compare` runs weights through the rules of other code bases, each as its
# source computes, faults included. (`paraformer_dynamic` follows a paper; there is no public code
# of it.)
#
# | dialect | in inference |
# |---|---|
# | `cif_pytorch` | fires at 0.99; the residual fires above a half, if a padded frame follows |
# | `torch_cif` | the residual fires from a half on, and is made a whole token |
# | `funasr_cif` | fires at 1, the residual is dropped |
# | `paraformer_v2` | one frame of 0.45 is appended; at most one fire in a frame |
# | `paraformer_dynamic` | a threshold for each utterance, so that S, rounded up, is the count |
# | `ultravox_cformer` | all weights are scaled to a whole number of tokens, at least one |
#
# **Exercise 16.5.** The weights of an utterance, all far below 1, sum to 2.52. How many tokens fire
# in `funasr_cif`, in `torch_cif` and in `paraformer_v2`? Give three numbers.

# %% tags=["exercise"]
three_counts = ...
check("16.5", three_counts)

# %% tags=["solution"]
three_counts = [2, 3, int(2.52 + 0.45)]
check("16.5", three_counts)

# %% [markdown] tags=["hints"]
# The table above says for each of the three what happens to the residual, 0.52.
#
# `funasr_cif` drops it. `torch_cif` fires it from a half on.
#
# `paraformer_v2` appends 0.45: does 2.52 + 0.45 reach 3?

# %% [markdown]
# **Predict first:** now for real weights, those of our clip. Which dialects will lose a token, and
# which word? Which of them move the fires in the *middle* of the utterance?

# %% tags=["answer"]
# The weights of the clip in six dialects
SIX = (
    "cif_pytorch",
    "torch_cif",
    "funasr_cif",
    "paraformer_v2",
    "paraformer_dynamic",
    "ultravox_cformer",
)
comparison = compare(heard.firing.alpha.detach(), dialects=SIX)
print(f"S = {float(comparison.alpha.sum()):.3f}", comparison, sep="\n")

# %% tags=["answer", "hide-input"]
# Figure: a lane for each dialect
figure, (ax,) = canvas(height=4.2)
dialect_lanes(comparison, heard.grid, ax=ax)
name_words(ax, said.words)
counts = ", ".join(f"{row.dialect} {row.tokens}" for row in comparison)
show(
    figure,
    f"Weights, and below them a lane of tokens for each dialect. Numbers of tokens: {counts}.",
    caption="The same weights in six dialects and, in the first lane, by cifviz.integrate_and_fire "
    "with the tail rule above 0.5. A box is a token, from one fire to the next. Crosses are lost "
    "tokens. The words stand above their sound.",
)

# %% [markdown] tags=["answer"]
# What differs is the end. Two dialects drop the residual, and it is always the last word that goes:
# the code above them sees one embedding fewer. One completes it with an appended frame, some frames
# late. The last two change the *unit*, by another threshold or by scaling, so that nothing is left
# over; then all fires move a little, and not the last one alone.
#
# A difference in the middle of an utterance, where weights are far below 1, is no matter of tails:
# suspect the weights.

# %% [markdown] tags=["optional"]
# ## 7. A check of your own
#
# Sooner or later there is a CIF of which you have only the code, or not even that. You can still
# find out what it does, by the identity of section 2: *feed it the identity for h and choose α
# yourself*, and out comes W.
#
# **Exercise 16.6.** Write `contributions(cif, alpha)`. `cif(h, alpha)` takes frames h (frames, dim)
# and weights α (frames,), both tensors, and returns embeddings (tokens, dim). You get α as a list.
# Return W as a list of rows, one for each token.


# %% tags=["exercise"]
def contributions(cif, alpha):
    return ...


check("16.6", contributions)


# %% tags=["solution"]
def contributions(cif, alpha):
    return cif(torch.eye(len(alpha)), torch.tensor(alpha)).tolist()


check("16.6", contributions)

# %% [markdown] tags=["hints"]
# Which frames h does one have to feed, so that the embeddings are the contributions? See section 2,
# or lesson 01.
#
# The identity has as many frames as channels: `torch.eye(len(alpha))`.
#
# α has to be a tensor, and the result a list: `torch.tensor(alpha)` and `.tolist()`.

# %% [markdown]
# What a frame gives to all tokens together should be its weight. If less arrives, weight was lost,
# as in a tail that is dropped; if more does, it was invented.
#
# **Exercise 16.7.** Write `unaccounted(w, alpha)`: for each frame its weight less what it gives to
# all tokens. W is a list of rows, α a list; return a list with a number for each frame.


# %% tags=["exercise"]
def unaccounted(w, alpha):
    return ...


check("16.7", unaccounted)


# %% tags=["solution"]
def unaccounted(w, alpha):
    return [one - sum(row[frame] for row in w) for frame, one in enumerate(alpha)]


check("16.7", unaccounted)

# %% [markdown] tags=["hints"]
# One column of W is what one frame gives to all tokens.
#
# For frame t add up `row[t]` over the rows of W.
#
# The result is a list of `alpha[t]` less this sum, for each t.

# %% [markdown]
# Two CIFs, X and Y, were taken from code bases of this table. Two utterances are enough to tell
# which: one with a residual of more than a half, and one with a weight above 1. (Exercise 16.6 by
# `cifviz` itself, in case you skipped it: `contributions_to_unknown`.)
#
# | | dialect | weight above 1 | residual above a half |
# |---|---|---|---|
# | 1 | `funasr_cif` | one fire in a frame; the surplus is taken back from the next one | dropped |
# | 2 | `torch_cif` | two fires in a frame, if need be | fires, made a whole token |
# | 3 | `paraformer_v1` | as `funasr_cif` | completed by an appended frame |
# | 4 | `paraformer_v2` | one fire in a frame, for all that came up to it | as `paraformer_v1` |
# | 5 | `ultravox_cformer` | all are scaled first | all are scaled first |

# %%
for name in ("X", "Y"):
    for alpha in ([0.4, 0.8, 0.5, 0.6, 0.3], [0.5, 1.75, 0.5, 0.25]):
        print(name, "α =", alpha)
        print(np.array(contributions_to_unknown(name, alpha)).round(3))

# %% [markdown]
# **Exercise 16.8.** Which dialects are X and Y? Give two numbers of the table.

# %% tags=["exercise"]
x_and_y = ...
check("16.8", x_and_y)

# %% tags=["solution"]
x_and_y = [2, 4]
check("16.8", x_and_y)

# %% [markdown] tags=["hints"]
# For each of the two look at both utterances: what becomes of the residual, and of the weight above
# 1?
#
# `unaccounted` tells whether the residual was dropped or something was added. A negative
# contribution, or a frame with two fires, tells what is done with a heavy frame.
#
# Go through the table row by row, and strike out what does not fit either utterance. One row is
# left for each.

# %% [markdown]
# ## 8. On to other programs
#
# Times are of use where other programs can read them. `write_alignments` chooses the format by the
# suffix: TextGrid for Praat, EAF for ELAN, CTM and RTTM for scoring, SRT and WebVTT for subtitles,
# CSV for a table, JSON for everything that is known.

# %%
with TemporaryDirectory() as folder:
    for suffix in (".ctm", ".srt", ".TextGrid", ".json"):
        path = Path(folder, f"my{suffix}")
        write_alignments(path, {clip: result.alignment}, result.duration)
        print(path.name, *path.read_text(encoding="utf-8").splitlines()[:6], sep="\n  ")
        (tier, *_) = read_alignments(path).values()
        far = max(np.abs(np.subtract(tier.spans, result.alignment.spans)).ravel())
        assert far <= 0.0005, f"{suffix} is off by {far} s"

# %% [markdown]
# Each comes back as it was, up to the resolution of its format: 1 µs in TextGrid, CTM and CSV, 1 ms
# in SRT, WebVTT and EAF, 10 ms in ASS; JSON keeps all digits. Scores and tokens without a time
# survive in JSON and CSV; [docs/formats.md](../docs/formats.md) has the table.
#
# **Exercise 16.9.** A token lasts from 0.1234 s to 0.1278 s. What are its start and end in an SRT
# file, to the nearest millisecond? And how long, in seconds, does it last in ASS, where no subtitle
# is shorter than 0.01 s? Give three numbers.

# %% tags=["exercise"]
start_end_length = ...
check("16.9", start_end_length)

# %% tags=["solution"]
start_end_length = [0.123, 0.128, 0.01]
check("16.9", start_end_length)

# %% [markdown] tags=["hints"]
# SRT has whole milliseconds, so round both times to three decimals.
#
# 0.1234 s is nearest to 0.123 s, and 0.1278 s to 0.128 s.
#
# ASS counts in hundredths of a second. The token is shorter than one, and none may be shorter than
# 0.01 s.

# %% [markdown]
# **The CIF itself** can leave Python, too: `cifviz.export_onnx` writes a graph that ONNX Runtime
# and others run, without a loop, for any batch and any length. It wants `pip install cifviz[onnx]`,
# so this cell runs if `onnx` is set. It prints `fires: [8] in PyTorch, [8] by ONNX Runtime` for
# the clip `digits_fast`.

# %% tags=["hide-input"]
# Export to ONNX, and run it
if onnx:
    import onnxruntime

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells what it goes without

    alpha = heard.firing.alpha.detach()
    frames, lengths = torch.zeros(*alpha.shape, 4), torch.tensor([alpha.shape[1]])
    fire = cifviz.Integrator(tail=above(0.5))
    with TemporaryDirectory() as folder:
        path = cifviz.export_onnx(fire, f"{folder}/fire.onnx")
        session = onnxruntime.InferenceSession(str(path))
        names = [one.name for one in session.get_inputs()]
        given = {
            name: one.numpy() for name, one in zip(names, (alpha, frames, lengths), strict=True)
        }
        (fired,) = session.run(["num_fires"], given)
    here = fire(alpha, frames, lengths).num_fires.tolist()
    print(f"fires: {here} in PyTorch, {fired.tolist()} by ONNX Runtime")

# %% [markdown] tags=["optional"]
# ## 9. A whole corpus
#
# One clip shows how a CIF works. Whether it works, a corpus shows. `cifviz align --corpus` runs a
# model of this project over a folder, a table or a manifest, on all processors or a Dask cluster
# (`pip install cifviz[corpus]`):
#
# ```bash
# cifviz align --corpus train.jsonl --out aligned --model english --workers 8
# ```
#
# Each utterance of the source becomes one row, whatever happens to it: `aligned`, `transcribed`,
# `empty`, or `failed`, with a reason. If the run is killed, the same command goes on, and nothing
# is done twice. The page `index.html` lists the worst first: failed, then empty, then by their
# lowest score. It filters by status, score and text, and a click on a word plays it.
#
# For weights of your own model, keep the firings while it runs, and diagnose all of them at once:
#
# ```python
# with cifviz.capture(model) as firings:
#     for batch in test_set:
#         model(batch)
# cifviz.save_firings(firings, "firings.npz", names=names, grid=0.04)
# ```
#
# ```bash
# cifviz diagnose firings.npz --tokens tokens.txt --page found.html
# ```
#
# Two systems on the same corpus are compared *in pairs*: utterance by utterance, since a hard one
# is hard for both. `cifviz.compare_corpora("one", "other")` gives the differences in errors, scores
# and times, each with a 95 % interval
# ([corpus_comparison.py](../cifviz/corpus_alignment/corpus_comparison.py)). The interval comes from
# a *bootstrap*: the utterances are drawn again, with replacement, many times, and each time the
# difference is computed. If all of the interval lies on one side of 0, the difference is more than
# the luck of this corpus.
#
# **Exercise 16.10.** Errors of system a in five utterances: 3, 0, 8, 1, 4. Of system b in the same
# ones: 2, 0, 6, 1, 2. What is the mean of b − a? In how many utterances is b worse? And in how many
# draws of five with replacement, of a thousand, would you expect b to have more errors in sum? Give
# three numbers.

# %% tags=["exercise"]
difference_worse_draws = ...
check("16.10", difference_worse_draws)

# %% tags=["solution"]
difference_worse_draws = [(-1 + 0 - 2 + 0 - 2) / 5, 0, 0]
check("16.10", difference_worse_draws)

# %% [markdown] tags=["hints"]
# Subtract in each utterance first: b − a, five numbers.
#
# They are −1, 0, −2, 0 and −2. How many of them are above 0?
#
# Each draw adds up five of these numbers, and none of them is positive. Can the sum be above 0?

# %% tags=["answer", "hide-input"]
# Numbers kept
record(
    fires=int(firing.num_fires[0]),
    **{f"tokens_{row.dialect}": row.tokens for row in comparison},
    findings_of_first=len(cifviz.diagnose(first_fired, **known).findings),
    findings_of_second=" ".join(finding.check for finding in diagnosis.findings),
    **{f"case_{name}": one.findings[0].check for name, one in found.items()},
    findings_of_all_cases=sum(len(one.findings) for one in found.values()),
)
record(
    weight_sum=float(firing.alpha.sum()),
    last_fire=last_fire,
    tolerance=5e-3,
)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary(
    *("accumulated weight", "capture", "constant shift", "contribution", "dialect", "diagnosis"),
    *("drift", "embedding", "encoder output", "finding", "fire", "fire position", "frame shift"),
    *("padding", "residual", "running sum", "tail", "threshold", "weight", "weight sum"),
)

# %% [markdown]
# ## On your own
#
# - Save the weights of your model for some utterances (`numpy.savez("alpha.npz", **weights)`),
#   write the path into `own_alpha` and run section 5. Then give `diagnose` what the last lines ask
#   for, one after the other: tokens, sounds, reference times. Which check becomes possible by
#   which?
# - `capture` your model on one utterance alone, and on the same in a batch with a longer one. Give
#   the first as `alone=`. Are the weights equal?
# - Give the second toy one padded frame after each utterance. Is the finding gone?
# - Plant a fault of your own: multiply all weights by 1.05, 1.1 and 1.3. From which factor on does
#   `diagnose` report it, and why not before?
# - Change the first toy: a frame that fires gives all its weight to the token that fires, and none
#   to the next one. What changes in W? Does `unaccounted` notice?
# - Set `clip` to `"digits_repeated"`. Which word is lost, and which of the dialects moves the most?

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *What allows which check.* Weights alone allow half of the checks. Tokens add the comparison of
#   counts. Sounds with a frame shift add fires in silence, reference times with a frame shift add
#   drift and a constant shift, and runs alone add what a batch changes. Tokens are the cheapest.
# - *Alone and in a batch.* The weights of both toys are equal, since each looks at one frame alone.
#   The fires of the second toy are not: in the batch it has padded frames, and keeps its last
#   token. If the weights of your model differ, look at what a convolution reads after the last real
#   frame; lesson 04 has such a case.
# - *One padded frame.* It is gone. The residual fires in that frame, as in a batch.
# - *Larger weights.* With 1.05 all counts are still right: the residuals are far enough from the
#   next whole number. With 1.1 one token is too many in all of the eight clips, which is a note:
#   good models are wrong about as often. With 1.3 nearly every clip has a token too many, and it is
#   a fault.
# - *No weight to the next token.* The rows of W do not sum to 1 any more: some are a little below,
#   others well above. `unaccounted` sees nothing, since each column still sums to its weight. The
#   check that notices compares the sums of the rows with β.
# - *Repeated words.* The last word, the second “zero”, in the two dialects that drop the residual.
#   `paraformer_v2` has the fire that moves farthest, the one in its appended frame. The last two
#   move all fires by little, and their mean shift is as large.

# %% [markdown]
# ## In practice
#
# - **Swapped arrays are real.** The timestamps of FunASR's first Paraformer were read from arrays
#   in the wrong order: the number of tokens was right, and the times were wrong ([issue
#   3723](https://github.com/modelscope/FunASR/issues/3723)).
# - **Diagnose a set, not an utterance.** One misrecognised word of a short clip is a tenth of its
#   tokens. The limits of `cifviz.diagnose` were set on models that work, and on real speech.
# - **In continuous integration** keep a file of firings of ten utterances, and let
#   `cifviz diagnose firings.npz --fail-on warning` run on each change.
# - **Nothing is run that you do not trust.** Files of weights are read as arrays; a pickle, which
#   could hold code, is refused.
# - **A model that moved** from one code base to another: first `compare`, then tune. A tail rule
#   explains more lost words than a checkpoint.

# %% [markdown]
# ## Further reading
#
# - [docs/your_own_cif.md](../docs/your_own_cif.md): all ways in, and what is done where tokens and
#   fires are not equally many.
# - [docs/diagnose.md](../docs/diagnose.md): the twelve checks with their limits, and where these
#   come from.
# - [docs/formats.md](../docs/formats.md): what each format keeps, and which labels it refuses.
# - [docs/export.md](../docs/export.md): `torch.compile`, `torch.export` and ONNX in full.
# - [docs/corpus.md](../docs/corpus.md): sources, columns and workers of a corpus.
# - Z. Gao, S. Zhang, I. McLoughlin, Z. Yan, [Paraformer](https://arxiv.org/abs/2206.08317),
#   Interspeech 2022: the model whose predictor the first toy imitates.
# - B. Efron, R. Tibshirani, *An Introduction to the Bootstrap*, 1993: why drawing again from what
#   was measured says how sure a difference is.
# - [cifviz/diagnosis/faults.py](../cifviz/diagnosis/faults.py): how the faults are planted. It has
#   no answers, but it helps.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 10 min: section 1. Where can a missing word be lost? Collect places on the board before anything
#   is run. Exercise 16.1.
# - 15 min: section 2. Let everybody mark the fires on paper before the panel opens. Why does
#   feeding the identity show W? One minute of algebra at the board.
# - 10 min: section 3. Exercise 16.2 in pairs.
# - 10 min: section 4. Read the finding aloud, and have its advice explained by somebody else.
# - 25 min: section 5. Groups of three; each writes eight numbers on a slip before any fold opens.
#   Compare the groups, case by case, and let the minority speak first.
# - 10 min: section 6. Exercise 16.5, then the figure.
# - 10 min: one of sections 7 to 9. Who has a model of their own begins with it; the others take
#   section 7 home.
#
# ### Likely questions
#
# - *My model is not in PyTorch.* Save its weights as `.npy`; nothing else is needed.
# - *Does capturing change or slow my model?* It is not changed. Each call runs the integration once
#   more, on frames as wide as the utterance is long, so capture some utterances, not a training.
# - *Why does capture not simply read the weights?* It does that, too. But which tokens they make is
#   what goes wrong, so it shows what the model made.
# - *Nothing was found. Is my model right?* None of twelve things was found. It may still be badly
#   trained, or recognise the wrong words.
# - *Why is one fault in ten allowed?* See the column “healthy” in docs/diagnose.md: recognisers
#   make single errors, and an alarm that always rings is switched off.
#
# ### Usual misconceptions
#
# - *Fewer fires than words: the weights are too small.* The tail rule, or frames that hold two
#   words, do the same with good weights.
# - *The right number of fires means the right fires.* Cases B and G have the right number.
# - *All CIFs are one CIF.* Section 6.
# - *The first finding is the cause.* Findings are ordered by severity and then from causes to
#   consequences. In case F the first one is a consequence.
# - *A check that found nothing looked.* The last lines of the report say which had nothing to look
#   at.
