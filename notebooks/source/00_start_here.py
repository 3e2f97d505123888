# %% [markdown]
# # See and hear what CIF makes of a clip
#
# **What you'll do:** listen to a spoken number, let a small recogniser write it down, and see and
# hear, token by token, how Continuous Integrate-and-Fire (CIF) found each word.
#
# **What you'll learn**
#
# - *name* the steps from sound to tokens: frames, weights, fires, tokens
# - *read* the picture of an utterance, lane by lane
# - *compare* the times that CIF finds with the true ones
# - *predict* how many tokens fire when the threshold moves
# - *try* CIF on a recording of your own
#
# **What you need:** this notebook; no network, no GPU. Headphones help. No knowledge of speech
# recognition, and for one exercise a little Python.
#
# **Time:** 20 minutes
#
# Previous: this is the first lesson · Next: [01 Turn weights into
# tokens](01_integrate_and_fire.ipynb)

# %%
import torch

import cifviz
from cifviz.audio.moonshine import has_moonshine
from cifviz.core.tail import above
from cifviz.course import canvas, check, glossary, play, play_tokens, record, show, table
from cifviz.plot import accumulation, panel, panel_alt

# %% tags=["parameters"]
seed = 0  # nothing in this lesson is left to chance; later lessons use it
fast = True  # nothing in this lesson takes long; later lessons do more if it is False
clip = "digits_four"  # a name in cifviz.list_clips(): one that begins with "digits", or "silence"
model = "digits"  # or "grid", or a folder with a model of yours
recording = "digits_george"  # a name in cifviz.list_recordings(): a person
listen = False  # True: play the recording, too; its data set must be on this machine
own_file = ""  # full path of a recording of yours: WAV, FLAC, MP3, M4A …
own_text = ""  # what you say in it, any English; empty: the model hears the words itself
own_model = ""  # who listens to it; empty: "english" where it is installed, or else "grid"

# %% [markdown]
# ## 1. Listen
#
# A synthetic voice says a few English digits. **Before you read on:** how many words do you hear,
# and at about what time does the second one begin?

# %%
spoken = cifviz.load_clip(clip)
play(spoken.waveform, f"The clip {clip}")

# %% [markdown]
# ## 2. Let a recogniser listen
#
# The recogniser is small, a few megabytes, and was trained on spoken digits. It cuts the sound
# into *frames* of 40 ms, and CIF decides which frames belong to one word.

# %%
recognizer = cifviz.load_model(model)
heard = recognizer.transcribe(spoken.waveform)
print("said: ", *spoken.tokens)
print("heard:", *heard.tokens)

# %% [markdown]
# ## 3. See what happened
#
# Each frame gets a *weight* α, a number between 0 and 1. CIF adds the weights up, frame after
# frame. Whenever the sum reaches the *threshold* β = 1, a token *fires*, and what is left over
# starts the next one.
#
# **Predict first:** will the weights be large in the words or in the silence around them? And
# what will they add up to, more or less, over the whole clip?

# %%
picture = panel(heard, reference=spoken.words)
show(picture.fig, f"{panel_alt(heard)} The last lane shows when each word was really said.")

# %% [markdown]
# How to read it, from top to bottom:
#
# | lane | what it shows |
# |---|---|
# | amplitude | the sound itself |
# | frequency | which pitches it is made of; dark is loud. This is what the recogniser sees |
# | weight per frame | α of each frame, usually well below β: many frames make a word |
# | accumulated weight | the weights added up. At β a token fires (▼) and the sum falls back |
# | token | a row for each token: the frames it is made of; at a border two tokens share one |
# | tokens | when each token was said, according to CIF: from its first edge to its last |
# | reference | when it was really said: the synthesiser that spoke the clip knows |
#
# The vertical lines are the fires; a hollow ▽ is a last token made of what was left at the end. A
# fire is where a token's *weight* is complete. A box of the lane *tokens* ends at an *edge*, which
# is read inside that weight, so box and fire need not meet: the fire may come a little earlier or
# later, and anywhere in a pause. Lesson 07 tells why edges are not read at fires. The weights add
# up to about the number of words: that is what training taught them. Where this is not exact, the
# recogniser scales them (blue) so that they come out whole from pause to pause.

# %%
firing = heard.firing
print(f"{firing.alpha.shape[1]} frames of {1000 * heard.grid.shift:.0f} ms")
print(f"sum of the weights: {float(firing.weight_sum):.2f}")
print(f"tokens:             {int(firing.num_fires)}")
times = [heard.grid.seconds(position) for position in firing.fire_positions[0].tolist()]
print("fires at", ", ".join(f"{time:.2f}" for time in times), "s")

# %% [markdown]
# **Exercise 00.1.** Fires may fall inside a frame: positions are fractional, and frame t covers
# the time from t to t + 1 frames. A token of some other clip fires at position 12.5, in frames of
# 0.04 s. At what time is that, in seconds?

# %% tags=["exercise"]
seconds = ...
check("00.1", seconds)

# %% tags=["solution"]
seconds = 12.5 * 0.04  # the library says it so: cifviz.FrameGrid(shift=0.04).seconds(12.5)
check("00.1", seconds)

# %% [markdown]
# ## 4. Hear it, token by token
#
# Each player holds one token, cut from its start to its end. **Listen for the edges:** is a word
# cut short, or does a bit of its neighbour sneak in?

# %%
play_tokens(heard)

# %% [markdown]
# ## 5. Compare with the truth
#
# The synthesiser tells to the millisecond when it said what, so we can see how far off CIF is.
# **Predict first:** will it be off by about 5, 50 or 500 ms?

# %%
pairs = list(zip(spoken.words, heard.alignment, strict=False))
rows = [
    [
        said.token,
        found.token,
        f"{said.start:.2f} to {said.end:.2f}",
        f"{found.start:.2f} to {found.end:.2f}",
        f"{1000 * (found.start - said.start):+.0f}",
        f"{1000 * (found.end - said.end):+.0f}",
    ]
    for said, found in pairs
]
table(["said", "heard", "true time (s)", "found (s)", "start off by (ms)", "end off by (ms)"], rows)


# %%
def mean_start_error(words, alignment):
    errors = [abs(found.start - said.start) for said, found in zip(words, alignment, strict=False)]
    return 1000 * sum(errors) / max(1, len(errors))


clip_error = mean_start_error(spoken.words, heard.alignment)
frame_length = 1000 * heard.grid.shift
print(f"starts: {clip_error:.0f} ms off on average; a frame is {frame_length:.0f} ms long")

# %% [markdown]
# That the weights come to lie where the words are is what makes CIF an *alignment*. A plain CIF
# gets there without ever seeing a time, from which words were said in which order, but loosely.
# This one was helped by known times: a part of its loss asks that the weight of a word be spread
# evenly over its sound, the training material was cut at word times and joined anew, and where
# in a word's weight its edges are read was chosen on other recordings. How much each of these
# does stands in [How good is a CIF alignment](../docs/alignment.md).
#
# It is a friendly comparison, too. The synthesiser of this clip, eSpeak NG, spoke part of the
# training material in the same voices, beside real recordings; and of several training runs the
# one that makes the fewest errors on the bundled clips is the one you use. The
# [results](../README.md#how-good-it-is) say how it does on people it was not chosen by.
#
# ## 6. A person
#
# So far a synthesiser spoke. Here is a person, who recorded digits one by one; they were put
# together to a number, so that again we know when each was said. The project keeps no sound of
# people, only what the recogniser needs of it, the *log-mel* features: the lane of frequencies.
# How to get the sound is told under [Real speech](../data/README.md#real-speech); with it, set
# `listen = True`.
#
# **Predict first:** which lanes will look different from those of the synthesiser? And will the
# starts be found better or worse?

# %%
person = cifviz.load_recording(recording)
print(f"{person.speaker} says:", person.words.text)
print(f"{person.attribution}, {person.licence}")
if listen:
    play(person.waveform(), f"The recording {recording}")

# %%
listener = cifviz.load_model(person.model)
person_heard = listener.transcribe_features(person.log_mel, duration=person.duration)
picture = panel(person_heard, reference=person.words)
show(picture.fig, f"{panel_alt(person_heard)} The last lane shows when each word was really said.")
person_error = mean_start_error(person.words, person_heard.alignment)
print("heard:", person_heard.text)
print(f"starts: {person_error:.0f} ms off on average, {clip_error:.0f} for the synthesiser")

# %% [markdown]
# This person, too, was heard in training, though not these recordings. How it goes with people it
# never heard stands in the [results](../README.md#how-good-it-is).
#
# ## 7. Move the threshold
#
# The weights stay as they are; we only change β, the weight that a token takes.
#
# **Exercise 00.2.** The weights of some clip sum to 6.2. How many tokens fire at β = 1? (A rest
# fires as well if it is more than half a token.)

# %% tags=["exercise"]
tokens_at_1 = ...
check("00.2", tokens_at_1)

# %% tags=["solution"]
tokens_at_1 = 6  # 6.2 = 6 · 1 + 0.2, and 0.2 is less than half a token
check("00.2", tokens_at_1)

# %% [markdown]
# **Exercise 00.3.** The same clip, the same weights: how many tokens fire at β = 0.5?

# %% tags=["exercise"]
tokens_at_half = ...
check("00.3", tokens_at_half)

# %% tags=["solution"]
tokens_at_half = 12  # 6.2 = 12 · 0.5 + 0.2, and 0.2 is less than half of 0.5
check("00.3", tokens_at_half)

# %% [markdown]
# You have just done what a program can do. This one forgets the rest at the end:


# %%
def count_full(weight_sum, threshold):
    return int(weight_sum / threshold)  # int cuts off what is behind the decimal point


print(count_full(6.2, 1.0), count_full(6.7, 1.0))

# %% [markdown]
# **Exercise 00.4.** Change the code, so that a rest of more than half a token counts as one more
# token. It should work for any threshold.


# %% tags=["exercise"]
def count_tokens(weight_sum, threshold): ...  # start from count_full


check("00.4", count_tokens)


# %% tags=["solution"]
def count_tokens(weight_sum, threshold):
    full = int(weight_sum / threshold)
    rest = weight_sum - full * threshold
    return full + 1 if rest > threshold / 2 else full


check("00.4", count_tokens)

# %% [markdown]
# Now on our clip, at four thresholds. Lower, and words break into pieces; higher, and words melt
# together.


# %%
def fire_again(threshold):
    alpha = heard.firing.scaled_alpha
    vectors = torch.eye(alpha.shape[1])[None]  # any vectors will do: here only the fires matter
    return cifviz.integrate_and_fire(
        alpha, vectors, threshold=threshold, slack=0.01 * threshold, tail=above(threshold / 2)
    )


# %%
thresholds = (0.5, 0.8, 1.0, 2.0)
figure, axes = canvas(len(thresholds), height=1.2)
for ax, threshold in zip(axes, thresholds, strict=True):
    again = fire_again(threshold)
    accumulation(again, heard.grid, ax=ax)
    ax.set_ylim(0, 2.1)
    ax.set_ylabel("sum")
    ax.set_title(f"β = {threshold}: {int(again.num_fires)} tokens", loc="left", fontsize="medium")
    ax.label_outer()
show(
    figure,
    "Accumulated weight over time at four thresholds: the lower the threshold, the more often "
    "the sum reaches it and the more tokens fire; at 2 there are half as many tokens as words.",
)

# %% [markdown]
# At β = 1 there is a token for each word, because the recogniser was trained with β = 1: its
# weights are measured in tokens. Another threshold would need another training, or other weights.
#
# ## 8. Take it into your hands
#
# The explorer shows the same lanes, and everything in it can be moved. Until you run the cell, and
# on pages that only show this lesson, a picture and a table stand in its place.
#
# - Click on a token to hear it. Press Tab until the list of tokens has the focus, and the arrows
#   and Enter do the same.
# - Move *threshold β* to 0.5, and hear one of the pieces. Choose *as given* under *scaling*: what
#   does the rest at the end do?
# - Press *drag weights* and take all the weight away from the middle of a word. What happens to the
#   tokens behind it?
#
# **Predict first** each time; *reset* brings everything back.

# %%
explorer = cifviz.explore(heard, reference=spoken.words, model=recognizer)
explorer

# %% [markdown]
# With *record* you can say a few digits yourself, and the recogniser hears them. The sound stays on
# this machine. What you do in the explorer, Python knows: move a slider, and run the next cell.

# %%
print("threshold:", explorer.settings["threshold"], "· chosen token:", explorer.selection)
print(explorer.alignment.text)

# %% [markdown]
# ## 9. Your turn: a recording of yours
#
# Say any English sentence, and record it. Put the full path of the recording into `own_file`, in
# the cell of parameters near the top (with forward slashes, on Windows too), what you say into
# `own_text`, and run all cells again. The model `"english"` says where your words are, and the
# sounds of each; without `own_text` it hears the words itself. It needs the extra
# `cifviz[english]`, which `make setup` installs where it can.
#
# The two teaching models are `"digits"`, which knows the digits zero to nine, and `"grid"`, which
# knows sentences of six words such as *place red by a nine please*. Whatever you say, these two
# hear only words that they know; choose one of them with `own_model`. As long as `own_file` is
# empty, `"grid"` hears a bundled sentence.
#
# In a terminal it is one line: `cifviz align me.m4a --model english --text "What you say in it."`
# [Your own voice](../docs/own_voice.md) tells more.

# %%
stand_in = cifviz.load_clip("grid_bin").waveform
own = cifviz.load_waveform(own_file) if own_file else stand_in
who = own_model or ("english" if own_file and has_moonshine() else "grid")
own_listener = cifviz.load_model(who)
if who != "english":
    own_heard = own_listener.transcribe(own)
elif own_text:
    own_heard = own_listener.align(own, own_text)
else:
    own_heard = own_listener.hear(own)
own_heard = getattr(own_heard, "first", own_heard)  # of more than 28 s the beginning
print(f"{who} heard:", own_heard.text or "(no token fired)")
play(own, "The whole recording")
play_tokens(own_heard)

# %%
show(panel(own_heard).fig, panel_alt(own_heard))

# %% [markdown]
# The numbers that this lesson arrived at are kept in the notebook, so that a later run can be
# compared with this one.

# %%
record(
    text=heard.text,
    fires=int(firing.num_fires),
    fires_at_half=int(fire_again(0.5).num_fires),
    fires_at_two=int(fire_again(2.0).num_fires),
    person_text=person_heard.text,
    own_text=own_heard.text,
)
record(weight_sum=firing.weight_sum, residual=firing.residual, tolerance=1e-3)
record(start_error_ms=clip_error, person_start_error_ms=person_error, tolerance=0.1)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where the library keeps what they name:

# %%
glossary(
    *("accumulated weight", "alignment", "edge", "fire", "fire position", "frame", "frame shift"),
    *("log-mel", "residual", "tail", "threshold", "token", "weight", "weight sum"),
)

# %% [markdown]
# ## On your own
#
# - Set `clip` to `"digits_pause"` and run all cells: what do the weights do in the long pause?
# - `"digits_repeated"` says the same digit three times in a row. How does CIF keep the three
#   apart?
# - Set `clip` to `"silence"`. How many tokens should there be?
# - Say a digit string yourself, once slowly and once fast. Does the sum of the weights change?

# %% [markdown]
# ## In practice
#
# - Large recognisers use the same mechanism. FunASR's and WeNet's *Paraformer* predicts with CIF
#   how many tokens there are and where, and decodes them all at once.
# - Frames are often longer than here: 60 ms in FunASR's large Paraformer, 80 ms in the AISHELL-1
#   recipe of CIF-HieraDist. For word times, FunASR adds a second predictor with finer frames.
# - Code bases differ in what they do with the rest at the end. CIF-PyTorch fires it if it is above
#   0.5, but only where a padded frame follows: never for an utterance on its own. FunASR and WeNet
#   add 0.45 to the sum and round down. [Lesson 04](04_tail_handling.ipynb) is about that.

# %% [markdown]
# ## Further reading
#
# - L. Dong and B. Xu, [CIF: Continuous Integrate-and-Fire for End-to-End Speech
#   Recognition](https://arxiv.org/abs/1905.11235), ICASSP 2020: the paper that introduced the
#   mechanism. Its Algorithm 1, with β = 1, is what the next lesson programs.
# - Z. Gao et al., [Paraformer](https://arxiv.org/abs/2206.08317), Interspeech 2022: CIF as the
#   first stage of a recogniser that decodes all tokens at once.
# - [cifviz/systems/cif.py](../cifviz/systems/cif.py): the recogniser of this lesson,
#   an encoder, a CIF and a decoder composed in a page of code.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# A first meeting, without formulas. You need loudspeakers. Run the notebook once beforehand, and
# keep the pictures covered until the class has made its predictions: most of what is learnt here
# is learnt by being wrong.
#
# ### 90 minutes
#
# - 10 min, section 1: Play the clip twice, nothing on the screen. Everybody writes down the
#   words, and when the second one begins. Collect the times on the board: how far apart are they?
# - 15 min, section 2: Draw the way from sound to tokens: frames, weights, fires. Write eight
#   weights on the board, let the class add them up aloud and shout at 1.
# - 15 min, section 3: Two predictions by a show of hands, then the picture, one lane after the
#   other. Ask of each lane what one unit across and one unit upwards is.
# - 10 min, section 3: Exercise 00.1: alone, then with a neighbour. Who says 12.5?
# - 10 min, section 4: Hear the tokens. Let the class vote: cut short, just right, or with a bit
#   of the neighbour?
# - 10 min, sections 5 and 6: Predict, then the table. Compare with the times on the board: are
#   people better? Then a person instead of the synthesiser.
# - 10 min, sections 7 and 8: Exercises 00.2 to 00.4, then the explorer: one names a threshold,
#   another predicts, a third moves it; and everybody hears the pieces.
# - 10 min, sections 8 and 9: Somebody says a number into the explorer, or brings a recording; or
#   the stand-in. What do they hear if the word is none of theirs?
#
# ### Likely questions
#
# - *Why do the weights add up to the number of words?* Because training makes the recogniser pay
#   for the difference. [Lesson 03](03_scaling.ipynb) switches that off, and looks.
# - *Does CIF look into the future?* The adding up does not: a fire depends on the weights so far.
#   The network that gives the weights may see some frames ahead, and the scaling from pause to
#   pause waits for the pause.
# - *What if I say a word that it does not know?* It writes one that it knows, since there is
#   nothing else to choose from. The panel's title says which words the model knows, and a warning
#   stands above the picture where the fired embeddings are far from all that it was trained on.
# - *Why frames of 40 ms?* The sound is described each 10 ms and the encoder makes one frame of
#   four. [Lesson 02](02_weights.ipynb) compares with 80 ms.
# - *Where does a word end, really?* In fluent speech there is often no gap. Here the synthesiser
#   knows; people who mark recordings by hand do not always agree.
# - *Do all recognisers work like this?* No: CIF is one of several ways from frames to tokens.
#   [Lesson 07](07_how_good_is_it.ipynb) compares it with two others.
#
# ### Usual misconceptions
#
# - *A weight is the probability that a word begins.* It is a share of a token: what counts is the
#   sum over a word. Point at a word whose weight is spread over ten frames.
# - *Loud frames are heavy.* Compare the lanes: the loudest frame of a word need not weigh most.
# - *A fire is the middle of a word, or its beginning.* It is where the token is complete, so most
#   fires lie near the end of a word or in the gap behind it. Word times are read elsewhere.
# - *A lower threshold finds more words.* It makes smaller tokens, pieces of words; the weights,
#   and what was heard, stay the same.
# - *Silence has weight 0.* Nearly. Small weights in a long silence add up, too.
