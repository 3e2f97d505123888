# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # Teach it your names
#
# **What you'll do:** give a recogniser a list of phrases, compute by hand how it looks for them in
# what fires, type a phone book of your own, and find out when a list does harm.
#
# **What you'll learn**
#
# - *explain* why a list of names helps where neither a language model nor more training does
# - *compute* the attention of a fire to phrases, and to “no bias”
# - *write* how a recogniser and a context network decide on one word together
# - *predict* what a list does that is too long, too similar, or of no use
# - *tell* what purification, positions and the selection of tokens are for
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb); what a probability and a logarithm
# are. No network, no GPU.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [08 Let all tokens come at once](08_nar_decoding.ipynb) · Next: [10 Find the words in
# your sentence](10_open_speech.ipynb)

# %% tags=["hide-input"]
# Imports
import math
from dataclasses import replace

import numpy as np
import torch
from torch.testing import assert_close

import cifviz
from cifviz.audio.noise import pink_noise
from cifviz.audio.waveform import Waveform
from cifviz.course import (
    Slider,
    Text,
    canvas,
    check,
    glossary,
    live_figure,
    name_words,
    play,
    play_tokens,
    record,
    show,
    table,
)
from cifviz.metrics import spread, token_errors
from cifviz.plot import (
    STYLE,
    bias_weight_curves,
    list_size_curves,
    log_mel,
    phrase_attention,
    phrase_token_attention,
)
from cifviz.published import read_study
from cifviz.resources import resource
from cifviz.systems.collaborative_decoding import combined
from cifviz.systems.context_network import (
    ContextConfig,
    PhraseAttention,
    PhraseEncoder,
    PhraseMemory,
)
from cifviz.systems.phrase_lists import phrase_ids

# %% tags=["parameters"]
seed = 0  # of the encoders in section 7
noise = 21  # which noise is added, and which random codes are in lists
fast = True  # False: longer lists in sections 6 and 8
clip = "digits_three"  # a name in cifviz.list_clips() that begins with digits
recording = "digits_yweweler"  # a name in cifviz.list_recordings() that begins with digits
phone_book = ["three one four", "two seven one", "one four one", "five seven seven"]
listen = False  # True: play the recording in noise; its sound must be on this machine

# %% [markdown]
# ## 1. Names that it hardly knows
#
# A recogniser knows a word the better, the more often it has heard it in training. The words that
# matter most to one user are often those that it has hardly ever heard: the name of a colleague, a
# street, a medicine. Where the sound is not clear, it writes words that it knows well and that
# sound nearly alike.
#
# - *More training* does not help: the names differ from user to user and from day to day.
# - *A language model* does not help either. It knows which words often follow which, so it finds
#   rare names improbable and makes them rarer still.
#
# But there is something that nearly every user has: a *list*. It may be an address book, the
# streets of a town, the participants of a meeting. To recognise speech with a list that is given at
# the moment of use is called *contextual biasing*. An entry of the list, a word or several, is a
# *phrase*.
#
# In this lesson the names are codes made of digits, as in a phone book. The model
# “code-digits-finecos” knows all digits well; it was trained on them in random order, in noise. But
# any digit may follow any other, so nothing but its sound says which one was said. Here a
# synthesiser says a code, and we add noise. (This noise makes the recogniser err; another `noise`
# makes another one.)

# %%
torch.set_num_threads(1)  # small models: several threads would only wait for each other
model = cifviz.load_model("code-digits-finecos")
said = cifviz.load_clip(clip)


# %% tags=["hide-input"]
# A row with the words that were said, above a map of attention
def name_said(ax, words):
    bottom, top = ax.get_ylim()
    ax.set_ylim(bottom, top - 1)
    look = {"va": "center", "fontsize": STYLE["text_size"], "style": "italic"}
    ax.text(-0.006, top - 0.5, "reference", ha="right", transform=ax.get_yaxis_transform(), **look)
    for word, (start, end) in zip(words, words.spans, strict=True):
        ax.text((start + end) / 2, top - 0.5, word.token, ha="center", **look)


# %% tags=["hide-input"]
# Noise, and speech in it
def noise_of(seconds, *, rate=16_000):
    """Pink noise of root mean square 1."""
    count = round(seconds * rate)
    made = pink_noise(1 << count.bit_length(), rate, np.random.default_rng(noise))
    return made[:count].astype(np.float32)


def in_noise(one, *, level=-10.0):
    """A clip with noise, so many dB louder than the speech inside of its words."""
    sound = one.waveform
    speech = np.concatenate([sound.cut(*span).samples for span in one.words.spans])
    loudness = math.sqrt(float(np.mean(speech**2))) * 10 ** (level / 20)
    samples = sound.samples + loudness * noise_of(sound.duration)
    return Waveform(samples / max(1.0, float(np.abs(samples).max())))


# %%
noisy = in_noise(said)
alone = model.transcribe(noisy)
print("said: ", *said.tokens)
print("heard:", *alone.tokens)

# %% tags=["hide-input"]
# The sound
play(noisy, f"The clip {clip} in noise")

# %% [markdown]
# Could one correct the transcript afterwards, by the nearest phrase of the list?
#
# **Exercise 09.1.** A recogniser wrote “four nine one”. The list has “four nine five”, “one nine
# four” and “four five one”. In how many places does each of the three differ from what was written?
# Give three numbers.

# %% tags=["exercise"]
places_that_differ = ...
check("09.1", places_that_differ)

# %% tags=["solution"]
places_that_differ = [1, 2, 1]
check("09.1", places_that_differ)

# %% [markdown] tags=["hints"]
# Compare word by word, each place with the same place.
#
# “four nine one” against “four nine five”: only the last place differs.
#
# In “one nine four” the first and the last place differ. In “four five one” the middle one does.

# %% [markdown]
# So a transcript does not say enough: it does not tell which of its words were unclear. And the
# nearest phrase can always be found, even if nobody said any of them. The list has to be there
# *while* the recogniser decides, and “it is none of these” has to be one of the answers.
#
# CIF has a good place for it. Between the sound and the words there is one vector for each token,
# the *embedding* that fires. With it each token can look through the list. The system of this
# lesson is *ColDec* (Han and others, 2021), for *collaborative decoding*.

# %% [markdown]
# ## 2. Attention by hand
#
# How does one fire look through a list? By *attention*. Each phrase has been made into a vector,
# and so has the answer “it is none of these”, which is called *no bias*. Three steps:
#
# ```text
# score of option p     s_p = q · k_p              how well the fire q and the option match
# attention to p        a_p = exp(s_p) / Σ exp(s)   shares that sum to 1
# what the fire reads   m   = Σ a_p v_p             the mean of the options, by these shares
# ```
#
# Here k_p is what option p is found by (its *key*), and v_p is what is read of it (its *value*).
# Let both be the same, and let each vector be a single number. The list has three phrases:
#
# | option | number |
# |---|---|
# | no bias | 0 |
# | phrase A | ln 5 |
# | phrase B | ln 2 |
# | phrase C | ln 2 |
#
# **Predict first:** a fire is 1. Which share of its attention does phrase A get, and which “no
# bias”? And if a fire is −1, which option gets most?

# %% tags=["answer"]
# Attention of both fires, in three steps
options = torch.tensor([0.0, math.log(5), math.log(2), math.log(2)])
fires = torch.tensor([1.0, -1.0])

scores = fires[:, None] * options
attention = scores.exp() / scores.exp().sum(dim=1, keepdim=True)
read = (attention * options).sum(dim=1)

for fire, shares, number in zip(fires, attention, read, strict=True):
    print(f"fire {fire:+.0f}:", *(f"{share:.2f}" for share in shares), f"· reads {number:.2f}")

# %% [markdown] tags=["answer"]
# For the fire 1 the exponentials of the scores are 1, 5, 2 and 2. They sum to 10, so A gets 0.5 and
# “no bias” 0.1. For the fire −1 they are 1, 0.2, 0.5 and 0.5: no phrase fits, and “no bias” gets
# most, 1 / 2.2 = 0.45. So “no bias” is where attention goes when nothing else fits. Without it the
# shares of the phrases would sum to 1 even then.

# %% [markdown]
# The library has this as `PhraseAttention`. It has weights of its own, which training finds: they
# say in what the vectors of a fire and of a phrase have to match. We set them so that they change
# nothing.

# %% tags=["hide-input"]
# An attention of the library whose weights change nothing
one_number = ContextConfig(ctxt_encoder_hidden_size=1, ctxt_num_heads=1)


def plain_attention(config):
    made = PhraseAttention(config, 1).eval()
    with torch.no_grad():
        for name, weights in made.named_parameters():
            weights.fill_(0.0 if "bias" in name else 1.0)
    return made


def as_memory(numbers):
    """Phrases whose vectors are given, each a single number."""
    vectors = torch.as_tensor(numbers)[None, :, None]
    return PhraseMemory(vectors, vectors.unsqueeze(2), torch.zeros_like(vectors, dtype=torch.long))


# %%
library = plain_attention(one_number)
with torch.inference_mode():
    by_library = library(fires[None, :, None], as_memory(options[1:]))
assert_close(by_library[0].squeeze(), read)
assert_close(by_library[1].squeeze(), attention)

# %% [markdown]
# **Exercise 09.2.** The scores of a fire are 0 for “no bias”, 0 for phrase A, ln 2 for B and ln 4
# for C. What is read of them are the numbers 0 (“no bias”), 2 (A), 4 (B) and 1 (C). Which share
# does “no bias” get, and what does the fire read? Give two numbers.

# %% tags=["exercise"]
share_and_number = ...
check("09.2", share_and_number)

# %% tags=["solution"]
share_and_number = [1 / 8, (1 * 0 + 1 * 2 + 2 * 4 + 4 * 1) / 8]  # exp: 1, 1, 2, 4
check("09.2", share_and_number)

# %% [markdown] tags=["hints"]
# Three steps, as above: scores, shares, mean.
#
# exp(0) is 1, and exp(ln 2) is 2. So the four options have 1, 1, 2 and 4 before they are divided by
# their sum.
#
# The sum is 8, so “no bias” has 1/8. What is read is the mean of the numbers 0, 2, 4 and 1 with the
# shares 1/8, 1/8, 2/8 and 4/8.

# %% [markdown]
# ## 3. Two opinions on one word
#
# Now there are two opinions on each word. The recogniser gives probabilities P, as always. A second
# network, the *context network*, has the fire and what the fire read of the list. It gives
# probabilities C: of each word that it might be as a part of a phrase, and of “no bias”, that it is
# no part of any. They are combined by a weight λ from 0 to 1, the *phrase weight*:
#
# ```text
# score of a word  =  (1 − λ) · log P  +  λ · log Q
# ```
#
# Q is C, but something has to be done about “no bias”, which is no word. Two ways are in use:
#
# - *alone*: where “no bias” is the most probable of all in C, the recogniser decides alone, Q = P.
#   Elsewhere Q = C.
# - *shared*: the probability of “no bias” is shared among the words as the recogniser would share
#   it, Q = C + C(no bias) · P.
#
# (The paper does not say which it is; both are reconstructions. FunASR does it *alone*.) Here are
# the opinions at two fires:
#
# | | five | nine | one | no bias |
# |---|---|---|---|---|
# | fire 0: P | 0.60 | 0.30 | 0.10 | |
# | fire 0: C | 0.07 | 0.56 | 0.07 | 0.30 |
# | fire 1: P | 0.50 | 0.40 | 0.10 | |
# | fire 1: C | 0.08 | 0.27 | 0.05 | 0.60 |
#
# **Predict first:** with λ = 0.5, which word comes out at each fire, with either treatment of “no
# bias”?

# %%
words = ["five", "nine", "one"]
P = torch.tensor([[0.60, 0.30, 0.10], [0.50, 0.40, 0.10]])
C = torch.tensor([[0.07, 0.56, 0.07, 0.30], [0.08, 0.27, 0.05, 0.60]])
C_words, C_none = C[:, :3], C[:, 3:]

Q = {
    "alone": torch.where(C_none > C_words.max(dim=1, keepdim=True).values, P, C_words),
    "shared": C_words + C_none * P,
}
both = {name: 0.5 * P.log() + 0.5 * Q[name].log() for name in Q}

# %%
half = torch.tensor([0.5])
for name, by_hand in both.items():
    (by_library,) = combined(P.log()[None], C.log()[None], half, no_bias_mass=name)
    assert_close(by_library, by_hand)

# %% tags=["answer", "hide-input"]
# Table: Q and the scores
rows = []
for name in Q:
    for fire in (0, 1):
        best = words[int(both[name][fire].argmax())]
        opinions = (f"{one:.2f}" for one in Q[name][fire])
        scored = (f"{one:.2f}" for one in both[name][fire])
        rows.append([name, fire, *opinions, *scored, best])
heads = ["no bias", "fire", *(f"Q {word}" for word in words), *(f"score {w}" for w in words)]
table([*heads, "chosen"], rows)

# %% [markdown] tags=["answer"]
# At fire 0 it is “nine” with both. The recogniser prefers “five”, two to one; the context network
# prefers “nine”, eight to one, and at λ = 0.5 the more decided one wins.
#
# At fire 1 the context network thinks that this is no word of a phrase. *Alone*, “five” stays:
# nothing of the list gets through. *Shared*, the context network still counts a little, and “nine”
# wins, 0.51 against 0.38 in Q. So *alone* is the more careful of the two.

# %% [markdown]
# How large does λ have to be? With *alone*, where the context network hears a phrase, a second word
# wins over the first if its lead in C makes up for the lead of the first in P. At fire 0 it does
# from
#
# ```text
# (1 − λ) · log(0.60 / 0.30)  =  λ · log(0.56 / 0.07)
#              (1 − λ) · log 2  =  λ · log 8  =  λ · 3 log 2,      so λ = 1/4
# ```
#
# on. The surer the recogniser is, the more λ it takes to change its mind.
#
# **Exercise 09.3.** At a fire P is 0.8 for “four” and 0.1 for “one”. C is 0.1 for “four”, 0.4 for
# “one” and 0.3 for “no bias”. From which λ on is “one” chosen? (8 = 2³ and 4 = 2².)

# %% tags=["exercise"]
least_weight = ...
check("09.3", least_weight)

# %% tags=["solution"]
least_weight = 3 / (3 + 2)  # (1 − λ) · 3 = λ · 2
check("09.3", least_weight)

# %% [markdown] tags=["hints"]
# Compare the lead of “four” in P with the lead of “one” in C. “No bias” is not the most probable in
# C.
#
# P: 0.8 / 0.1 = 8. C: 0.4 / 0.1 = 4. In logarithms, in units of log 2, these are 3 and 2.
#
# Both are level where (1 − λ) · 3 = λ · 2.

# %% [markdown]
# **Exercise 09.4.** Write it, with the treatment *alone*. `asr` has the probabilities of the words
# by the recogniser, `context` those by the context network, with “no bias” as the last, and
# `weight` is λ. Give the scores of the words as a list. (`log` is the natural logarithm, and no
# probability is 0.)

# %% tags=["hide-input"]
# Needed in the exercise
from math import log


# %% tags=["exercise"]
def combine(asr, context, weight): ...  # a list of scores, one for each word


check("09.4", combine)


# %% tags=["solution"]
def combine(asr, context, weight):
    *tokens, no_bias = context
    pairs = zip(asr, asr if no_bias >= max(tokens) else tokens, strict=True)
    return [(1 - weight) * log(p) + weight * log(q) for p, q in pairs]


check("09.4", combine)

# %% [markdown] tags=["hints"]
# First decide what Q is: C, or P where “no bias” is the most probable of C.
#
# `*tokens, no_bias = context` takes C apart. Q is `asr` if `no_bias >= max(tokens)`, and `tokens`
# if not.
#
# For each word: (1 − weight) · log of its P, plus weight · log of its Q.

# %% [markdown]
# ## 4. The whole system
#
# | part | takes | gives |
# |---|---|---|
# | recogniser | the sound | fires c_i, and P for each |
# | phrase encoder | the tokens of each phrase | a vector for each phrase |
# | query layers | all fires | what asks for phrases: each fire with what stands around it |
# | attention | these and the vectors | m_i, what fire i reads of the list |
# | causal decoder | c_i and m_i, of this fire and those before it | C for each fire |
# | collaborative decoding | P, C and λ | the words |
#
# The recogniser is trained first and then *frozen*: nothing of it changes any more. Without a list,
# or with λ = 0, it gives the same as before, to the bit. Everything new is in the context network,
# and only that is trained.
#
# (The query layers are ours: in the paper each fire knows the whole utterance, while the encoder of
# this lesson hears one word. A single digit is in nearly half of all codes of five; three in a row
# are in few.)
#
# Nobody has lists for training, so they are drawn: from some utterances of a batch a few words in a
# row are taken, and all of these together are the list of everybody. What one utterance holds is a
# *distractor* for the others, a phrase that they do not hold. Some utterances hold none of the list
# and teach “no bias”.
#
# **Exercise 09.5.** What should the context network learn to say of each word? The word itself
# where it lies in a phrase of the list, “no bias” elsewhere. Write it for a list of one phrase.
# `reference` and `phrase` are lists of numbers, one for each word. Give a list with the number of
# each word that lies in the phrase, and −1 for the others. The phrase lies wherever all its words
# stand in a row.


# %% tags=["exercise"]
def targets(reference, phrase): ...  # a list of numbers, one for each word


check("09.5", targets)


# %% tags=["solution"]
def targets(reference, phrase):
    made, length = [-1] * len(reference), len(phrase)
    for first in range(len(reference)):
        if reference[first : first + length] == phrase:
            made[first : first + length] = phrase
    return made


check("09.5", targets)

# %% [markdown] tags=["hints"]
# Begin with −1 everywhere. Where can the phrase begin?
#
# At each place compare as many words as the phrase has: `reference[first : first + length] ==
# phrase`.
#
# Where they are equal, put the phrase into the same slice of the result.

# %% [markdown]
# Now the system at work. The model “code-digits-finecos” is a ColDec with three additions, which
# sections 7 and 8 explain; they can be left aside until then. This is a recording of a person, in
# noise; the project keeps the input of the recogniser, the *log-mel* spectrum, and not the sound.
# Noise adds its power to that of the speech in each band. The list has one code that was said, the
# first four digits, and three that were not.

# %% tags=["hide-input"]
# A recording in noise, and lists of random codes
speech = cifviz.load_recording(recording)
reference = [word.token for word in speech.words]


def features_in_noise(one, *, level=-6.0):
    """The log-mel features of a recording, and its noise: powers add."""
    samples = noise_of(one.duration)
    of_noise = model.config.features(Waveform(samples))
    middle = torch.arange(len(one.log_mel)) + 0.5
    spans = [[one.feature_grid.frame(time) for time in span] for span in one.words.spans]
    inside = torch.stack([(middle > begin) & (middle < end) for begin, end in spans]).any(dim=0)
    power = one.log_mel[inside].exp().mean() / of_noise.exp().mean() * 10 ** (level / 10)
    return torch.logaddexp(one.log_mel, of_noise + power.log()), float(power.sqrt()) * samples


def random_codes(count, *, digits=5):
    """Phrases that the recording does not hold."""
    vocabulary, drawn = model.config.vocabulary, {}
    chance = np.random.default_rng([noise, digits])
    while len(drawn) < count:
        code = " ".join(vocabulary[i] for i in chance.integers(10, size=digits))
        if code not in " ".join(reference):
            drawn[code] = None
    return list(drawn)


noisy_features, hiss = features_in_noise(speech)


def heard(phrases=(), weight=0.5, by=model):
    """The recording in noise, transcribed with a list."""
    return by.transcribe_features(
        noisy_features, duration=speech.duration, phrases=phrases, phrase_weight=weight
    )


# %%
print(f"{speech.speaker}, {speech.attribution} ({speech.licence})")
if listen:
    sound = speech.waveform()
    play(Waveform(sound.samples + hiss), f"The recording {recording} in noise")
code = " ".join(reference[:4])
few = [code, *random_codes(3)]
with_list = heard(few)
print("said:   ", *reference)
print("no list:", *heard().tokens)
print("the code in the list:", code)

# %% [markdown]
# **Predict first:** at which phrase does each token look? Which tokens look at “no bias”? And which
# words can the list change?

# %% tags=["answer", "hide-input"]
# Figure: which token looks at which phrase
figure, axes = canvas(2, height=2.6)
log_mel(noisy_features, model.config.features.grid, ax=axes[0])
name_words(axes[0], speech.words)
axes[0].set_xlabel("")
drawn = phrase_attention(with_list, ax=axes[1])
name_said(axes[1], speech.words)
show(
    figure,
    f"Above, the log-mel spectrum of a recording in noise with its words. {drawn.alt}",
    caption="Above: log-mel of the recording in noise, with the words that were said. Below: what "
    "the recogniser writes without and with the list (changed words are framed), and how much each "
    "token looks at “no bias” and at each phrase, in %. Look at the row of the code that was said.",
)

# %% tags=["answer", "hide-input"]
# Errors without and with the list
before, after = (token_errors([reference], [one.tokens]) for one in (heard(), with_list))
print("with the list:", *with_list.tokens)
print(f"wrong words: {round(before.rate * len(reference))} without a list, ", end="")
print(f"{round(after.rate * len(reference))} with it")

# %% [markdown] tags=["answer"]
# In the recording shown here one word is wrong without the list, and right with it. All four tokens
# of the code look most at its phrase. The first was heard as “seven” and looks at “six zero one
# six” all the same, because of what stands around it. The last token, “five”, is in no phrase that
# was said, and looks most at “no bias”.
#
# But the other phrases get something, too, and “no bias” gets something inside of the code.
# Attention says what a fire *reads*; what comes of it is left to the decoder. And the
# list decides *which* word a fire becomes, never *how many* fires there are.

# %% [markdown]
# ## 5. A phone book of your own
#
# Now it is your list. The clip of section 1 again: type phrases, one a line, made of the words zero
# to nine, and move λ. What counts is the list at the moment when the clip is decoded; no model is
# trained for it.
#
# **Predict first:** which phrase would change what is heard? Is there one that spoils it? What
# comes out if you type nothing?


# %% tags=["hide-input"]
# What the controls draw
def draw_book(ax, *, phrases, weight):
    book = phrases.splitlines()
    try:
        found = model.transcribe(noisy, phrases=book, phrase_weight=weight)
    except cifviz.CIFError as error:
        ax.set_axis_off()
        return str(error)
    if not found.extras:
        ax.set_axis_off()
        return f"no list, {found.text}"
    phrase_attention(found, most=5, legend=False, ax=ax)
    name_said(ax, said.words)
    return found.text


# %% tags=["answer", "hide-input"]
# Figure with a text and a slider: your list, and which token looks at which phrase
typed = "\n".join(phone_book)
live_figure(
    draw_book,
    phrases=Text(typed),
    weight=Slider(0.0, 1.0, 0.1, 0.5),
    static=[
        {"phrases": typed, "weight": 0.0},
        {"phrases": typed, "weight": 0.5},
        {"phrases": f"{typed}\nthree one five", "weight": 0.5},
    ],
    alt="Three maps of attention of three tokens to phrases. With weight 0 and with weight 0.5 the "
    "shades are the same, but only with 0.5 a token is framed: “five” became “four”. In the third "
    "map “three one five” is in the list, too, and no token is framed.",
    caption="A clip in noise with a phone book, in three settings: λ = 0, λ = 0.5, and λ = 0.5 "
    "with “three one five” in the list besides. Compare the shades of the first two, and the words "
    "of the last two.",
    height=2.2,
)

# %% [markdown] tags=["answer"]
# With the code in the list “four” comes out, from a small λ on. Attention is the same at every λ,
# even at 0, where nobody uses it.
#
# Take “three one four” out of the list, and “five” is back, though “one four one” has a “four”,
# too, and gets the most attention: it is the whole phrase that counts. Add “three one five” to the
# list, and “five” is back as well: now the list says that both are possible, and leaves it to the
# recogniser. With an empty list there is no attention, and the result is that of section 1.

# %% [markdown]
# Hear the tokens, named as they come out with `phone_book` of the cell of parameters:

# %% tags=["hide-input"]
# Sound: the tokens with the list
play_tokens(model.transcribe(noisy, phrases=phone_book))

# %% [markdown]
# ## 6. How much, and what goes wrong
#
# How large should λ be? Count two kinds of errors. *Biased* tokens are those inside of a phrase
# that is in the list, *unbiased* ones are all others. A list is there for the first kind, and must
# not spoil the second: that is the *guard*.
#
# The study “phrase-biasing” of this project measures both. Its 240 utterances are strings of digits
# in noise, spoken by people, each with a code of five digits in it. The list of an utterance has
# its code, and 10 others that nobody said, or 1000.
#
# **Predict first:** what do both kinds of errors do from λ = 0 to λ = 1, with the short list and
# with the long one?

# %% tags=["hide-input"]
# Read the measurements
studied = read_study(resource("results"), "phrase-biasing")["runs"]
SYSTEMS = {
    "coldec": "ColDec",
    "coldec-purified": "+ purification",
    "coldec-positions": "+ positions",
    "finecos": "FineCoS",
    "seaco": "SeACo-style",
}
TITLES = {**SYSTEMS, "coldec-tokens": "ColDec on tokens"}


def measured(variant, size, weight, value, *, mass="alone", task="code-digits"):
    """A value of each seed: of codes seen and unseen in training together."""
    found = []
    for run in studied:
        if (run["recipe"], run["variant"]) == (task, variant):
            counts = {}
            for group in run["scores"].values():
                one = group[str(size)]
                one = one[mass][f"{weight:g}"] if size else one
                for name, count in one.items():
                    counts[name] = counts.get(name, 0) + count
            found.append(value(counts))
    return found


def biased(counts):
    return 100 * counts["biased"] / counts["biased_tokens"]


def unbiased(counts):
    return 100 * counts["unbiased"] / counts["unbiased_tokens"]


# %% tags=["answer", "hide-input"]
# Figure: errors of both kinds by λ
tenths = [tenth / 10 for tenth in range(11)]
kinds = {"biased tokens": biased, "unbiased tokens": unbiased}
figure, axes = canvas(2, height=2.4)
alts = []
for ax, size in zip(axes, (10, 1000), strict=True):
    curves = {
        name: {weight: measured("finecos", size, weight, value) for weight in tenths}
        for name, value in kinds.items()
    }
    drawn = bias_weight_curves(
        curves, label="token error (%)", guard="unbiased tokens", legend=size == 10, ax=ax
    )
    ax.set_title(f"the code and {size} others", loc="right", fontsize="medium")
    alts.append(f"With {size} others: {drawn.alt}")
top = max(ax.get_ylim()[1] for ax in axes)
for ax in axes:
    ax.set_ylim(0, top)
axes[0].set_xlabel("")
show(
    figure,
    " ".join(alts),
    caption="Errors of FineCoS by the phrase weight λ, above with 10 other codes in the list, "
    "below with 1000, on the same scale: mean and standard deviation of the seeds. Compare the "
    "curve of the unbiased tokens with the grey band, its level without a list: the guard.",
)

# %% [markdown] tags=["answer"]
# With the short list the errors inside of codes fall by about a quarter, and a λ of 0.5 is enough
# for most of that. The others rise slowly: at 0.5 they are still near the band, at 1 they are above
# it.
#
# With the long list there is no λ that helps, and the larger it is, the more harm is done, inside
# of codes as well as outside. So a list is good only if it is short enough for the network that
# reads it, and λ limits the harm if it is not.

# %% [markdown]
# A mean hides what happens in single cases. Here is the recording of section 4 with other lists:
#
# | | list | λ |
# |---|---|---|
# | a | the code and three others, as in section 4 | 0.5 |
# | b | the same | 1 |
# | c | the code, and what was heard in its place without a list | 0.5 |
# | d | three codes that were not said | 0.5 |
# | e | 1000 codes that were not said | 0.5 |
# | f | the code and 1000 others | 1 |
#
# **Predict first:** which of them help, which do nothing, and which do harm?

# %% tags=["answer", "hide-input"]
# Table: the same recording with other lists
similar = " ".join(heard().tokens[:4])
many = random_codes(1000 if fast else 5000)
cases = {
    "no list": ([], 0.5),
    "a: the code, 3 others": (few, 0.5),
    "b: the same, λ = 1": (few, 1.0),
    f"c: the code, {similar}": ([code, similar], 0.5),
    "d: 3 others": (few[1:], 0.5),
    f"e: {len(many)} others": (many, 0.5),
    "f: the code and these, λ = 1": ([code, *many], 1.0),
}
rows, wrong = [], {}
for name, (phrases, weight) in cases.items():
    found = heard(phrases, weight)
    wrong[name[:1]] = round(token_errors([reference], [found.tokens]).rate * len(reference))
    none = found.extras["phrase_bias"].no_bias if found.extras else [1.0]
    rows.append([name, found.text, wrong[name[:1]], f"{sum(none) / len(none):.2f}"])
table(["list", " ".join(["said:", *reference]), "wrong words", "C of “no bias”, mean"], rows)

# %% [markdown] tags=["answer"]
# Lists a and b help; a λ of 1 does no harm here. With c “seven” is back: two phrases of the list
# differ in the first digit, so the list says little about it, and the recogniser decides. With d
# nothing changes, as it should be with a list that matches nothing.
#
# Lists e and f do harm: words that were right become words that nobody said. That the code is among
# them does not help. Look at the last column: with a thousand phrases little is left for “no bias”.
# In training a list had about six phrases, never a thousand, and among a thousand codes there is
# something for any sound.

# %% [markdown] tags=["optional"]
# ## 7. A bag of digits
#
# How does a phrase become one vector? ColDec's encoder lets the tokens of a phrase look at each
# other (self-attention, as in a Transformer), and takes the mean. (The mean is a reconstruction.)
# In the first configurations of its authors nothing tells the encoder which token is first.
#
# **Predict first:** which of these phrases have the same vector as “four nine two one”?

# %%
torch.manual_seed(seed)
vocabulary = model.config.vocabulary
phrases = ["four nine two one", "one two nine four", "four nine two two"]
ids = phrase_ids(phrases, vocabulary)[None]
vectors = {}
for positions in ("", "org_transformer_pe"):
    config = ContextConfig(ctxt_encoder_position_encoding_type=positions)
    with torch.inference_mode():
        vectors[positions] = PhraseEncoder(config, len(vocabulary)).eval()(ids).vectors[0]

# %% tags=["answer", "hide-input"]
# Table: distance of each vector from that of the first phrase
rows, distances = [], {}
for positions, name in {"": "without positions", "org_transformer_pe": "with positions"}.items():
    away = (vectors[positions] - vectors[positions][0]).norm(dim=1)
    distances[name] = away.tolist()
    rows.append([name, *(f"{one:.3f}" for one in distances[name])])
table(["encoder (random weights)", *phrases], rows)

# %% [markdown] tags=["answer"]
# Without positions “one two nine four” has exactly the same vector: a phrase is a *bag of digits*.
# Whatever training finds, such an encoder cannot tell a code from its reverse. “four nine two two”
# has other digits, and another vector.
#
# A Transformer adds a pattern of sines and cosines to each token, another one for each place. Then
# the vectors differ.

# %% [markdown]
# **Exercise 09.6.** Without positions, how many of these five phrases have the same vector as “4 9
# 2 1”? “1 2 9 4”, “9 4 1 2”, “4 9 2”, “4 9 2 2”, “4 9 2 1 4 9 2 1”.

# %% tags=["exercise"]
same_vectors = ...
check("09.6", same_vectors)

# %% tags=["solution"]
same_vectors = 3  # the order is lost, and so is how often the whole is said
check("09.6", same_vectors)

# %% [markdown] tags=["hints"]
# Without positions, what can the sum or mean over the digits not see?
#
# The order is lost. And since it is a mean, a phrase that is said twice as a whole has the same
# vector as one.
#
# Look for the phrases in which 4, 9, 2 and 1 have equal shares. “4 9 2” and “4 9 2 2” do not have
# that.

# %% [markdown]
# How can it work at all, then? The causal decoder reads the sound of each fire besides. The bag
# says which digits are to be expected, and the sound says which of them it is.
#
# **Predict first:** in the study, do positions lower the errors in phrases? By how much, compared
# with how far the seeds are apart?


# %% tags=["hide-input"]
# A table of errors and phrases of some systems
def precision(counts):
    return 100 * counts["right"] / counts["recognised"] if counts["recognised"] else math.nan


def recall(counts):
    return 100 * counts["found"] / counts["wanted"]


def f_measure(counts):
    one, other = precision(counts), recall(counts)
    return 2 * one * other / (one + other) if one + other else 0.0


def system_table(variants, *, size, weight=0.5):
    values = {
        "biased errors, %": biased,
        "unbiased errors, %": unbiased,
        "precision, %": precision,
        "recall, %": recall,
        "F1, %": f_measure,
    }
    rows = [
        [
            "no list",
            *(spread(measured("coldec", size, 0, one), digits=1) for one in values.values()),
        ]
    ]
    for variant in variants:
        scores = (measured(variant, size, weight, one) for one in values.values())
        rows.append([TITLES[variant], *(spread(one, digits=1) for one in scores)])
    table([f"{size} other codes in the list", *values], rows)


# %% tags=["answer", "hide-input"]
# Table: without and with positions
system_table(["coldec-purified", "coldec-positions"], size=10)

# %% [markdown] tags=["answer"]
# No: the two differ by less than the seeds do. Where the order is given, a network still has to
# learn what to do with it, out of a mean over the tokens.

# %% [markdown] tags=["optional"]
# ## 8. Long lists
#
# With 1000 phrases in the list, attention has 1000 + 1 places to go to. If each wrong phrase gets
# only a thousandth, together they get most. What a fire reads is then mainly a mean over phrases
# that nobody said.
#
# *Purification* (Han and others, 2022) cuts this off, in use only, not in training: each fire keeps
# the k phrases of its highest attention, and “no bias”; all others get 0, and what is kept is
# divided by its sum.
#
# **Exercise 09.7.** A fire looks at “no bias” by 0.16, and at five phrases by 0.40, 0.05, 0.24,
# 0.05 and 0.10. What is left with k = 2? Give the three shares: of “no bias”, and of both phrases,
# the larger one first.

# %% tags=["exercise"]
shares_left = ...
check("09.7", shares_left)

# %% tags=["solution"]
shares_left = [part / (0.16 + 0.40 + 0.24) for part in (0.16, 0.40, 0.24)]
check("09.7", shares_left)

# %% [markdown] tags=["hints"]
# k = 2 keeps the two phrases that get the most attention, and “no bias” is always kept.
#
# 0.16, 0.40 and 0.24 are kept. They have to sum to 1 again.
#
# Divide each of the three by 0.16 + 0.40 + 0.24 = 0.8.

# %% [markdown]
# The library, with the options of section 2 and k = 1: the fire 1 keeps “no bias” and phrase A, of
# which the exponentials are 1 and 5.

# %%
purified = plain_attention(replace(one_number, topk_renormalize=True, renormalize_topk_num=1))
with torch.inference_mode():
    _, kept = purified(torch.ones(1, 1, 1), as_memory(options[1:]))
assert_close(kept.squeeze(), torch.tensor([1 / 6, 5 / 6, 0, 0]))

# %% [markdown]
# Now the recording with the code and 100 others, before and after purification, with the same
# weights.
#
# **Predict first:** what does purification change in the picture? Does it also change the words?


# %% tags=["hide-input"]
# The same model without purification, and with a smaller k
def changed(**settings):
    context = replace(model.config.context, **settings)
    made = type(model)(replace(model.config, context=context)).eval()
    made.load_state_dict(model.state_dict())
    return made


plain, pure = changed(topk_renormalize=False), changed(renormalize_topk_num=5)
long_list = [code, *random_codes(100)]

# %% tags=["answer", "hide-input"]
# Figure: attention before and after purification
figure, axes = canvas(2, height=2.4)
first = phrase_attention(heard(long_list, by=plain), most=5, ax=axes[0])
second = phrase_attention(
    heard(long_list, by=pure), phrases=first.rows.phrases, legend=False, ax=axes[1]
)
for ax in axes:
    name_said(ax, speech.words)
axes[0].set_xlabel("")
axes[0].set_title("as trained", loc="right", fontsize="medium")
axes[1].set_title("purified, k = 5", loc="right", fontsize="medium")
show(
    figure,
    f"Attention of the tokens of the recording before and after purification. Before: {first.alt} "
    f"After: {second.alt}",
    caption="Attention to the code and 100 others, above as trained, below purified. Compare the "
    "rows of all the others together.",
)

# %% [markdown] tags=["answer"]
# Before, four fifths of the attention lie on phrases with no row of their own, a little on each.
# The code that was said gets some percent. After, all lies on “no bias” and on five phrases for
# each token. (Each token has its own five, so there is still something in the last row.)
#
# But most of the five are wrong as well, and the words stay as they are: with 100 others the code
# does not get through. Purification takes away what was spread thinly. It cannot find what
# attention has not found.

# %% [markdown]
# *FineCoS* (fine-grained contextual knowledge selection, the same paper) goes one step further. A
# phrase is one vector, in which its tokens are mixed. FineCoS selects the few phrases at which the
# whole utterance looks most, and then lets each fire look at their *tokens*, one by one. This
# second attention has a “no bias” of its own. (How much an utterance looks at a phrase is here the
# sum over its fires, a reconstruction.) With the list of section 4:

# %% tags=["hide-input"]
# Figure: attention to the tokens of the selected phrases
figure, (ax,) = canvas(height=4.6)
chosen = phrase_token_attention(with_list, ax=ax)
name_said(ax, speech.words)
show(
    figure,
    chosen.alt,
    caption="FineCoS: how much each token looks at each token of the phrases that were selected. "
    "Look for a diagonal.",
)

# %% [markdown]
# Each token of the code looks most at its own place in the phrase: a diagonal. So the order is
# there, although the vector of a phrase is a mixture. The last token, “five”, is in no phrase that
# was said, and looks here and there.

# %% [markdown]
# To judge lists, count phrases. *Precision* is the share of the list's phrases that came out and
# were said, among those that came out; *recall* is the share that came out among those that were
# said. *F1* is their harmonic mean, 2 · P · R / (P + R).
#
# **Exercise 09.8.** In some utterances 8 phrases of a list are said. 10 come out, and 6 of them are
# right. What are precision, recall and F1? Give three numbers.

# %% tags=["exercise"]
phrase_scores = ...
check("09.8", phrase_scores)

# %% tags=["solution"]
phrase_scores = [6 / 10, 6 / 8, 2 * 0.6 * 0.75 / (0.6 + 0.75)]
check("09.8", phrase_scores)

# %% [markdown] tags=["hints"]
# Precision is about what came out, recall about what was said.
#
# 6 of the 10 that came out are right, and 6 of the 8 that were said have come out.
#
# F1 is 2 · precision · recall / (precision + recall), here with 0.6 and 0.75.

# %% [markdown]
# **Predict first:** what becomes of precision and of recall when the list grows from 10 to 1000?
# Which system suffers least?

# %% tags=["answer", "hide-input"]
# Figure: precision, recall and F1 by the size of the list
sizes = [0, 10, 100, 1000]
values = {"precision (%)": precision, "recall (%)": recall, "F1 (%)": f_measure}
figure, axes = canvas(3, height=2.1, share_time=False)
alts = []
for ax, (label, value) in zip(axes, values.items(), strict=True):
    curves = {
        name: {size: measured(variant, size, 0.5, value) for size in sizes}
        for variant, name in SYSTEMS.items()
    }
    alts.append(list_size_curves(curves, label=label, legend=ax is axes[0], ax=ax).alt)
    ax.set(ylim=(40, 102), xlabel="other codes in the list" if ax is axes[-1] else "")
show(
    figure,
    " ".join(alts),
    caption="Precision, recall and F1 of phrases at λ = 0.5 by the number of other codes in the "
    "list, mean of the seeds and their standard deviation; 0: no list. All three have the same "
    "scale, from 40 %. Compare recall with its value without a list.",
)

# %% [markdown] tags=["answer"]
# Precision is 93.8 % or more, whatever the list: a code of five digits hardly comes out by chance.
# Recall is what changes. With 10 other codes FineCoS and the SeACo-style system (section 9) find
# clearly more codes than without a list, ColDec a few more. With 100 not much of the gain is left.
# With 1000 no system finds clearly more than without a list, and three of the five find fewer;
# ColDec and the SeACo-style system lose least.
#
# Purification does not prevent that: with it ColDec finds no more codes than without it. It
# sharpens what attention has found, and in a long list attention has found the wrong phrases. All
# five networks were trained with lists of about six phrases, and none was told where to look.
# Section 9 ends with one that was.

# %% [markdown] tags=["optional"]
# ## 9. In use, and what the papers claim
#
# FunASR, from which many products are made, has two systems of this kind, both of them after a
# Paraformer (lesson 08):
#
# - *Contextual Paraformer*: an LSTM makes a vector of each phrase, its last state. In the last
#   layer of the decoder a second attention looks at these vectors, beside the attention to the
#   frames. It is part of the recogniser and trained with it, so that a change of the one is a
#   change of the other.
# - *SeACo-Paraformer*: the recogniser is frozen, as in ColDec. A decoder of its own, the *bias
#   decoder*, looks at the vectors of the phrases twice: once with the embeddings that fire and once
#   with what the decoder of the recogniser made of them. Both are added and give words or “no
#   bias”. Of long lists an *attention filter* keeps the 50 phrases of the highest attention and
#   runs again: purification for a whole utterance.
#
# **Predict first:** with 10 other codes in the list and λ = 0.5, which system gains most inside of
# codes? Does any of them lose outside?

# %% tags=["answer", "hide-input"]
# Table: all systems with a short list
system_table(SYSTEMS, size=10)

# %% [markdown] tags=["answer"]
# FineCoS and the SeACo-style system gain most, about a quarter of the errors inside of codes. They
# have in common that a fire can look at the tokens of a phrase in their order: FineCoS in a second
# attention, SeACo by its LSTM. Outside, both of them make a few more errors (13.5 and 13.0 in a
# hundred words, against 12.7 without a list); the others lose nothing clear.

# %% [markdown]
# In ColDec a fire has to find its phrase by one vector, and so it has in the first step of FineCoS;
# an LSTM makes one vector, too. Say that the code is “four nine two one five”. The fire of “two”
# knows its neighbours, so it asks for a phrase with “nine” before and “one” behind. But the vector
# of the phrase mixes all five places: it is the same for the fire of “two” and for that of “five”,
# which asks for something else.
#
# *ColDec on tokens* is a system of this project, of no paper, that takes this away. A fire with its
# four neighbours on either side is compared with each token of *all* phrases and the neighbours of
# that. How much it looks at a phrase is the sum over its tokens. In training the lists have some
# forty phrases, and a second loss says at which token a fire should look:
#
# ```text
# loss  =  −log (attention to the right token, or to “no bias” if the word is in no phrase)
# ```
#
# (CIF-ColDec's configurations have a key for such a loss on phrases, `span_alignment_loss_lambda`;
# the formula is a reconstruction.)
#
# **Predict first:** can a list of 100 others, or of 1000, now help?

# %% tags=["answer", "hide-input"]
# Table: attention to tokens
for size in (100, 1000):
    system_table(["finecos", "coldec-tokens"], size=size)

# %% [markdown] tags=["answer"]
# Yes. With 100 others it finds two fifths more codes than are found without a list, and with 1000
# others still one fifth more; FineCoS finds hardly more, and with 1000 fewer. (In about a fifth of
# the utterances too few or too many tokens fire, and no list changes that.) It is not free: outside
# of codes there is about one error more in a hundred words. A smaller λ, or “no bias” *shared*,
# lowers that.

# %% [markdown]
# What the papers claim, and what can be said of it here:
#
# - *A list lowers the errors in names* (ColDec): reproduced with a short list, clearly by FineCoS
#   and the SeACo-style system, less by ColDec itself. Codes that no training utterance held gain as
#   much as others. On GRID, with pairs of a letter and a digit as names, ColDec itself gains the
#   most.
# - *It does no harm elsewhere* (ColDec): reproduced with a short list at λ = 0.5; near λ = 1 it
#   does.
# - *F1 rises with a list of some 1100 phrases*, from 85.2 without it to 85.8 with ColDec and 88.8
#   with FineCoS (Han et al. 2022, test-clean of LibriSpeech): not reproduced. With 1000 other codes
#   F1 of the published systems is not clearly above that without a list.
# - *Purification and positions help with long lists* (FineCoS): not reproduced, see section 8.
# - *How large the gains are*: not testable at this scale. Our networks are small and were trained
#   for 4000 steps. And our names are harder to tell apart: LibriSpeech's are rare words, made of
#   thousands of kinds of tokens. Each of our ten digits is in 1 − 0.9⁵ = 41 % of random codes of
#   five.

# %% tags=["answer", "hide-input"]
# Numbers kept
record(
    bag_is_the_same=distances["without positions"][1] < 1e-4,
    words_wrong_alone=wrong["n"],
    words_wrong_with_code=wrong["a"],
    words_wrong_with_others=wrong["d"],
)
record(
    share_of_no_bias=attention[0, 0],
    read_by_hand=read[0],
    score_shared=both["shared"][1, 1],
    order_is_seen=distances["with positions"][1],
    tolerance=1e-4,
)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary(
    *("biased token", "collaborative decoding", "context network", "contextual biasing"),
    *("distractor", "embedding", "F1", "fire", "no bias", "phrase", "phrase weight", "precision"),
    *("purification", "recall", "score", "token error rate"),
)

# %% [markdown]
# ## On your own
#
# - In section 5 type the same phrase twice, an empty line, a word that the model does not know, and
#   a phrase of 31 words. Which of these is an error, and what does the message say?
# - Set `recording` to `"digits_jackson_pauses"` or `"digits_yweweler_long"`. Does the list help
#   there? If not, is it the context network that does not hear the code, or is λ too small?
# - Let `features_in_noise` add more noise, `level=-3.0`, and then 0. Tokens are then missing. Can a
#   list bring them back? (Look at the number of fires.)
# - Shuffle a list. The attention is shuffled with it, and no word changes. Why must it be so?
# - Set `no_bias_mass` to `"shared"`: `replace(model.config.context, no_bias_mass="shared")`, as
#   section 8 does with purification. Repeat the table of section 6.
# - Which list would do most harm to the recording of section 4? Find one of three phrases, none of
#   which was said.

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *Odd lists.* The same phrase twice counts once, and an empty line is left out. A word that the
#   model does not know is an error, which names phrase and word; so is a phrase of 31 words, one
#   more than are taken.
# - *Other recordings.* It does not help in either, at any λ. In the one with pauses C says “no
#   bias” at each fire, so the network does not hear the code; and a fire is missing, which no list
#   brings back. In the long one the number is right, and one of the two wrong words is in the code.
#   It is the first of it, and there C says “no bias”: λ is not too small.
# - *More noise.* No. With fewer fires there are fewer tokens, and a list only decides which word a
#   fire becomes.
# - *A shuffled list.* A phrase has no place in the list: attention compares each fire with each
#   phrase by itself, and the sum over phrases does not depend on their order.
# - *Shared.* The code is no longer repaired, neither in list a nor in list b. What C gives to “no
#   bias” now goes to the words as the recogniser has them, at each fire, so the list has less to
#   say. Lists e and f do as much harm as before: little is left there for “no bias”.
# - *A harmful list.* Phrases that are nearly what was said do most harm. With “six zero one three
#   five”, “three zero one” and “zero zero one” two of the five words are wrong, one more than
#   without a list. Three random codes change nothing, as in list d.

# %% [markdown]
# ## In practice
#
# - **FunASR** takes a list with `model.generate(input=…, hotword="…")`: phrases separated by
#   spaces, or a file of them. Its SeACo-Paraformer is the system of section 9. Its context network
#   counts alone where it hears a phrase (a `seaco_weight` of 1), and “no bias” is treated *alone*.
# - **WFST and shallow fusion.** Without any network for phrases, a search can give a bonus to
#   hypotheses that go along a phrase, word by word, and take it back where the phrase is left. It
#   needs no training and works with any recogniser that searches; the bonus is the λ of this
#   lesson, with the same two dangers.
# - **Keep lists short and their phrases long.** A short phrase fits by chance in many places. If
#   you know more, such as who is calling, filter the list before you use it.
# - **Test with a guard.** Measure the errors outside of phrases on speech that holds none of them,
#   with the list on. An error rate over everything hides both the gain and the harm.
# - **One token or many.** Names in systems for English are cut into pieces of words. A name that
#   was never seen may be cut into pieces that nobody says like this; the list can only help if the
#   pieces can be heard.

# %% [markdown]
# ## Further reading
#
# - M. Han, L. Dong, S. Zhou, B. Xu, [CIF-based Collaborative Decoding for End-to-end Contextual
#   Speech Recognition](https://arxiv.org/abs/2012.09466), ICASSP 2021: ColDec. Its abstract reports
#   that errors in names fall by 40 % and 52 % on two sets, and none more elsewhere.
# - M. Han, L. Dong, Z. Liang, M. Cai, S. Zhou, Z. Ma, B. Xu, [Improving End-to-End Contextual
#   Speech Recognition with Fine-Grained Contextual Knowledge
#   Selection](https://arxiv.org/abs/2201.12806), ICASSP 2022: FineCoS and purification.
# - [CIF-ColDec](https://github.com/MingLunHan/CIF-ColDec): configurations of both with a
#   description of each key, lists and results, no code. `ContextConfig.from_coldec` reads them.
# - X. Shi, Y. Yang, Z. Li, Y. Chen, Z. Gao, S. Zhang, [SeACo-Paraformer: A Non-Autoregressive ASR
#   System with Flexible and Effective Hotword Customization
#   Ability](https://arxiv.org/abs/2308.03266), ICASSP 2024: the system of section 9; its code is in
#   [FunASR](https://github.com/modelscope/FunASR).
# - G. Pundak, T. Sainath, R. Prabhavalkar, A. Kannan, D. Zhao, [Deep Context: End-to-end Contextual
#   Speech Recognition](https://arxiv.org/abs/1808.02480), SLT 2018: attention to a list, with a “no
#   bias” entry, in a recogniser without CIF.
# - [docs/contextual.md](../docs/contextual.md): the study of sections 6 to 9 in full, with GRID,
#   memory and time.
# - [cifviz/systems/context_network.py](../cifviz/systems/context_network.py),
#   [collaborative_decoding.py](../cifviz/systems/collaborative_decoding.py) and
#   [finecos.py](../cifviz/systems/finecos.py): the systems of this lesson in the library.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 10 min: section 1. Collect names that recognisers get wrong. Play the clip before anybody sees
#   it; let them write down what they hear, then show them a list and play it again. They have just
#   done contextual biasing. Exercise 09.1.
# - 15 min: section 2 at the board, all shares as fractions. Exercise 09.2 in pairs.
# - 20 min: section 3. Two students are P and C, a third has λ. Exercises 09.3 and 09.4.
# - 10 min: section 4. Exercise 09.5 by hand first, on one reference.
# - 10 min: section 5. Everybody types three phrases; who can spoil the transcript?
# - 10 min: section 6. Vote on the worst list before the table opens.
# - 10 min: one of sections 7, 8 and 9, by interest; the others at home.
# - 5 min: *In practice*, and one question from *On your own* for next time.
#
# ### Likely questions
#
# - *Why is “no bias” a vector and not a threshold?* So that it is learned what “nothing fits” looks
#   like, for each fire. A threshold on the scores would have to be the same for all.
# - *Why can the context network not insert a word?* There is one decision for each fire. How many
#   fires there are, is decided by the weights, before any list is seen.
# - *Why are logarithms interpolated, and not probabilities?* Then a word that one of both finds
#   impossible stays impossible, and the scores of a beam search can be added up. With probabilities
#   a confident network alone could decide at any λ above one half.
# - *Does the causal decoder see words?* No, it sees fires and what they read. So all are decoded at
#   once, and a wrong word spoils no later one. It cannot use what was decided, either: see lesson
#   08.
# - *Could one train all at once?* One could. Frozen, the recogniser can be the one that is in use
#   already, and stays as good as it was without a list.
#
# ### Usual misconceptions
#
# - *A phrase of the list is always recognised.* It is one opinion of two, at weight λ.
# - *A list that matches nothing is harmless.* It is, as far as “no bias” has been learned. Section
#   6 is there to measure it.
# - *The longer the list, the better.* Each phrase that is not said can only do harm.
# - *Attention is the probability of a phrase.* It says what was read. What was made of it is C.
# - *Purification makes the network surer.* It makes it read less; the sum of attention is 1 before
#   and after.
