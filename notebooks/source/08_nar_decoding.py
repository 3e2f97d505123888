# ---
# jupyter:
#   cifviz:
#     form: 2
# ---

# %% [markdown]
# # Let all tokens come at once
#
# **What you'll do:** decode the fires of a CIF one after the other and all at once, measure what
# that saves, find out what it costs, and change the number of tokens by hand.
#
# **What you'll learn**
#
# - *count* the passes of a decoder, and predict how its time grows with the tokens
# - *write* a decoder that gives all tokens at once
# - *explain* why words that are each the most probable need not be the most probable string
# - *predict* what a wrong number of tokens does to a transcript, and let a second model correct it
# - *tell* what dynamic thresholds, the glancing sampler and second passes are for
#
# **What you need:** [lesson 01](01_integrate_and_fire.ipynb) and [lesson 02](02_scaling.ipynb);
# roughly what attention is. No network, no GPU.
#
# **Time:** {core} minutes for the core path, {all} minutes with the optional sections
#
# **How to read it:** after each *Predict first* the answer is folded. Decide on your own answer,
# then open the folds, or run the cells. Code that only draws or keeps records is hidden; in Jupyter
# three dots stand in its place. Optional sections may be left unread, but run their cells.
#
# Previous: [07 Compare what code bases mean by a threshold](07_thresholds_and_dialects.ipynb) ·
# Next: [09 Teach it your names](09_contextual_biasing.ipynb)

# %% tags=["hide-input"]
# Imports
import time
from collections import defaultdict

import torch
from torch.testing import assert_close

import cifviz
from cifviz.core import tail
from cifviz.core.losses import spike_mass_loss, spike_segment_mass_loss
from cifviz.course import (
    Slider,
    canvas,
    check,
    glossary,
    live_figure,
    name_words,
    play_tokens,
    record,
    show,
    table,
)
from cifviz.metrics import TokenErrors, spread
from cifviz.plot import (
    STYLE,
    count_lanes,
    decoding_grid,
    fires,
    latency_lines,
    rows_panel,
    sampler_masks,
    token_error_bars,
)
from cifviz.plot import weights as draw_weights
from cifviz.published import read_results, read_study
from cifviz.resources import resource
from cifviz.systems.count_hypotheses import count_hypotheses, decode_at_counts
from cifviz.systems.decoders import DecoderConfig, make_decoder
from cifviz.systems.decoding_steps import DecodingSteps, decoding_steps
from cifviz.systems.encoder_system import Sound
from cifviz.systems.paraformer import replaced_positions
from cifviz.systems.sequence_scorers import AttentionScorer

# %% tags=["parameters"]
seed = 0  # of the decoders in section 1 and of the tokens that are given away in section 8
fast = True  # False: measure times more often in section 1
sentence = "grid_bin"  # a name in cifviz.list_clips() that begins with grid
clip = "digits_five"  # a name in cifviz.list_clips() that begins with digits
recording = "digits_george_long"  # a name in cifviz.list_recordings() that begins with digits

# %% [markdown]
# ## 1. One after the other, or all at once
#
# A recogniser of the last lessons first makes one vector for each token: its weights fire, and each
# fire gives an *embedding*. A decoder makes words of the embeddings. There are two kinds.
#
# An *autoregressive* decoder (AR) gives one word in each pass. It is told the words that it gave
# before, so that it can go on from them: after “lay green” another word follows than after “lay
# blue in”. To give word 5 it needs word 4, which needs word 3. It has to wait for itself.
#
# A *non-autoregressive* decoder (NAR) is not told any word. It gives all words in one pass.
#
# The model “grid” has an AR decoder. Here it is, as a loop, on a clip in which a synthesiser speaks
# one sentence. Words are numbers from 0 in the order of the vocabulary.

# %%
torch.set_num_threads(1)  # small models: several threads would only wait for each other
grid = cifviz.load_model("grid")
spoken = cifviz.load_clip(sentence)
firing = grid.fire([spoken.waveform])  # encoder and CIF, no decoder


# %%
def one_by_one(decoder, embeddings):
    """The most probable word in each pass, given those before it."""
    words = []
    while len(words) < embeddings.shape[1]:
        fired = embeddings[:, : len(words) + 1]  # as far as the word that is next
        given = torch.tensor([[*words, 0]])  # the last place is empty, and the decoder skips it
        logits = decoder(fired, torch.tensor([fired.shape[1]]), given)
        words.append(int(logits[0, -1].argmax()))
    return words


# %%
with torch.inference_mode():
    words = one_by_one(grid.decoder, firing.embeddings)
    by_library, _ = grid.decoder.decode(firing.embeddings, firing.num_fires)
assert_close(torch.tensor([words]), by_library)
print(*(grid.config.vocabulary[word] for word in words))

# %% [markdown]
# Each turn of the loop is one pass through the decoder. Before the first pass everything is there
# that a NAR decoder needs: all embeddings, and with them the *number* of words. Other NAR decoders
# have to find this number first. A CIF knows it from the sum of its weights.
#
# Now measure. We make an AR and a NAR decoder of the same size as that of “grid”, with random
# weights: after a CIF the number of passes is known, so the time does not depend on them. Both
# decode 5, 10, 20 and 40 embeddings.
#
# **Predict first:** how many times as long do 40 tokens take as 5, with the AR decoder? And with
# the NAR decoder?

# %%
torch.manual_seed(seed)
channels, kinds = grid.config.cif.embedding_dim, {"one after the other": "ar", "all at once": "nar"}
decoders = {
    name: make_decoder(DecoderConfig(kind, dim=channels), channels, 50).eval()
    for name, kind in kinds.items()
}


@torch.inference_mode()
def milliseconds(decoder, tokens):
    """Time of the processor, the least of several, so that other programs matter less."""
    embeddings, count, times = torch.randn(1, tokens, channels), torch.tensor([tokens]), []
    for _ in range(6 if fast else 20):
        begin = time.process_time()
        decoder.decode(embeddings, count)
        times.append(1000 * (time.process_time() - begin))
    return min(times)


# %% tags=["answer", "hide-input", "nbval-ignore-output"]
# Figure: time for an utterance over its number of tokens
lengths = [5, 10, 20, 40]
measured = {
    name: (lengths, [milliseconds(decoder, tokens) for tokens in lengths])
    for name, decoder in decoders.items()
}
figure, (ax,) = canvas(height=2.8)
latency_lines(measured, ax=ax)
ax.set_ylabel("time of the decoder (ms)")
show(
    figure,
    "Time of two decoders over the number of tokens, measured on the machine that made this page. "
    "The line of the decoder that gives one token after the other rises steeply; that of the "
    "decoder that gives all at once stays near zero.",
    caption="Time of the decoder over the number of tokens, on the machine that made this page. "
    "Compare the slopes: how much longer a further token takes.",
)

# %% tags=["answer", "hide-input", "nbval-ignore-output"]
# How many times as long 40 tokens take as 5
for name, (_, times) in measured.items():
    print(f"{name}: {times[-1] / times[0]:.1f} times as long")

# %% [markdown] tags=["answer"]
# With the AR decoder the time grows with each token: 40 tokens need eight times as many passes as
# 5. It takes even more than eight times as long, because in each pass this decoder computes again
#    what it has computed for the words before. So its points bend upwards, away from the straight
#    line. (Larger systems keep what was computed, and their time grows along a line.) With the NAR
#    decoder it grows little: 40 tokens are one pass, as 5 are, with one larger matrix product in
#    place of 40 small ones.
#
# The encoder works once, in both. So a whole recogniser gains less than its decoder, and it gains
# the more the longer utterances are and the larger its decoder is.

# %% [markdown]
# An AR decoder can also work without a CIF. It then looks at all frames by attention, and nobody
# tells it how many words there are: it stops when it gives a special mark, *end*.
#
# **Exercise 08.1.** An utterance has 12 tokens. How many passes does an AR decoder after a CIF
# need, how many an AR decoder with attention that gives the mark of the end, and how many a NAR
# decoder after a CIF? Give three numbers.

# %% tags=["exercise"]
passes = ...
check("08.1", passes)

# %% tags=["solution"]
passes = [12, 13, 1]  # one for each fire; one more for the end; one for all
check("08.1", passes)

# %% [markdown] tags=["hints"]
# What does each of the three have to wait for?
#
# AR decoders need a pass for each token. One of the two does not know from fires how many there
# are: it has to write its own end.
#
# 12 fires are 12 passes. With the mark of the end it is one pass more. A NAR decoder writes all
# tokens in one.

# %% [markdown]
# ## 2. A decoder in three lines
#
# A CIF with a NAR decoder is called *CIF-NAR*. The model “digits” is one. Everything that its
# decoder does stands in the three numbered lines:

# %%
digits = cifviz.load_model("digits")
said = cifviz.load_clip(clip)

with torch.inference_mode():
    encoded = digits.encoded(digits.sounds([said.waveform]))
    fired = digits.cif(encoded.encoder_out, encoded.frame_lengths)

    hidden = digits.decoder.project(fired.embeddings)  # 1. to the size of the decoder
    hidden = digits.decoder.attention(hidden)  # 2. each fire looks at all fires
    logits = digits.decoder.output(hidden)  # 3. a score for each word

    by_library, _ = digits.decode(fired, encoded)
assert_close(logits.argmax(dim=2), by_library)
print(*(digits.config.vocabulary[word] for word in logits[0].argmax(dim=1)))

# %% [markdown]
# Line 2 is a layer of a Transformer as PyTorch has it. The AR decoder has the same layer, with a
# *mask*: a token may look at fires and words before it, never at those after it. For a NAR decoder
# there is no reason to forbid that, so it has no mask:
#
# | to give word i | it sees the fires | and the words |
# |---|---|---|
# | AR | 0 … i | 0 … i − 1, as it gave them |
# | NAR | all | none |
#
# Test it. We replace one embedding in the middle by zeros and look for which words the *scores*,
# the logarithms of their probabilities, change.
#
# **Predict first:** which words can change with the AR decoder, and which with the NAR decoder?


# %% tags=["hide-input"]
# How far the scores of each word move when one embedding becomes zero
@torch.inference_mode()
def moved(model, embeddings, at):
    count, spoilt = torch.tensor([embeddings.shape[1]]), embeddings.clone()
    spoilt[:, at] = 0
    given, _ = model.decoder.decode(embeddings, count)
    before, after = (model.decoder(one, count, given) for one in (embeddings, spoilt))
    return (after - before).abs().amax(dim=2)[0].tolist()


# %% tags=["answer"]
# Table: the largest change of a score of each word
changes = {}
for name, model, embeddings in (
    ("AR", grid, firing.embeddings),
    ("NAR", digits, fired.embeddings),
):
    middle = embeddings.shape[1] // 2
    changes[name] = moved(model, embeddings, middle)
    table(
        [name, *(f"word {i}" for i in range(embeddings.shape[1]))],
        [[f"fire {middle} is zero", *(f"{change:.2f}" for change in changes[name])]],
    )

# %% [markdown] tags=["answer"]
# With the AR decoder the scores of the words before stay as they are, exactly. Those of the word at
# this fire and of all words after it may change. With the NAR decoder all may change: each word has
# seen all fires. (The two models and clips differ. Compare where 0.00 stands, not how large the
# other numbers are.)
#
# So a NAR decoder sees *more of the sound* than an AR decoder, and *less of the text*: none of it.

# %% [markdown]
# Here are both kinds at work on the clip of digits. The first is “digits-attention”, an AR decoder
# without a CIF, which finds the end by itself; the second is “digits”.

# %% tags=["hide-input"]
# Figure: what is known after each pass, of an AR and a NAR decoder
streams = {
    f"{name}, {kind}": decoding_steps(cifviz.load_model(name), said.waveform)
    for name, kind in (("digits-attention", "AR"), ("digits", "NAR"))
}
figure, axes = canvas(2, height=1.9, share_time=False)
for ax, (name, steps) in zip(axes, streams.items(), strict=True):
    known = DecodingSteps(steps.known)  # without times: they differ by machine
    decoding_grid(known, ax=ax, rows=max(one.passes for one in streams.values()))
    ax.set_title(f"{name}, passes: {steps.passes}", loc="left", fontsize="medium")
show(
    figure,
    "Two grids with a column for each token and a row for each pass. With the AR decoder one token "
    "more is known in each row, like a staircase, and a last pass adds none. With the NAR decoder "
    "there is one row, and all tokens are in it.",
    caption="What is known after each pass: a row for each pass, new tokens in bold. The last pass "
    "of the AR decoder finds the end.",
)

# %% [markdown]
# ## 3. What gets lost
#
# The AR decoder knows which word it gave before. What is this good for? Take an extreme case. A
# sentence of two words is so noisy that three strings are possible, and nothing else:
#
# | string | probability |
# |---|---|
# | four five | 0.4 |
# | nine one | 0.3 |
# | five one | 0.3 |
#
# No decoder can be sure here. But it can choose well or badly. Assume that both kinds have learned
# these probabilities perfectly. The NAR decoder takes the most probable word in each place. The AR
# decoder takes the most probable first word, then the most probable second word *after it*.
#
# **Predict first:** which string does each of them give? How probable are these strings?


# %%
def all_at_once(strings):
    """In each place the word of the largest total probability."""
    chosen = []
    for place in (0, 1):
        total = defaultdict(float)
        for string, probability in strings.items():
            total[string[place]] += probability
        chosen.append(max(total, key=total.get))
    return tuple(chosen)


def one_after_the_other(strings):
    """The same for the first word; then only strings that begin with it are left."""
    first = all_at_once(strings)[0]
    left = {string: p for string, p in strings.items() if string[0] == first}
    return first, all_at_once(left)[1]


# %% tags=["answer"]
# Table: what both give, and how good that is
noisy = {("four", "five"): 0.4, ("nine", "one"): 0.3, ("five", "one"): 0.3}
rows, found = [], {}
for name, choose in (("NAR", all_at_once), ("AR", one_after_the_other)):
    string = choose(noisy)
    right = sum(
        probability * sum(a == b for a, b in zip(string, other, strict=True))
        for other, probability in noisy.items()
    )
    found[name] = noisy.get(string, 0.0), right
    rows.append([name, " ".join(string), f"{noisy.get(string, 0.0):.1f}", f"{right:.1f} of 2"])
table(["", "gives", "probability of the string", "words right, on average"], rows)

# %% [markdown] tags=["answer"]
# The NAR decoder gives “four one”, a string that *nobody can have said*. “four” is the most
# probable first word, with 0.4. “one” is the most probable second word, with 0.3 + 0.3. But they do
# not belong together: “one” comes from the two strings that do not begin with “four”. The AR
# decoder has decided on “four” before it chooses the second word, so it gives “four five”.
#
# This assumption is called *conditional independence*: given the sound, the NAR decoder
# chooses each word as if the others were not chosen. Attention between the fires does not help, for
# it shows each word what the *sound* of the others is like, and here the sound does not decide.
# What is missing is what was *decided* for the others.
#
# But look at the last column. Counted by words, the NAR decoder is better, 1.0 against 0.8, and
# there is no better choice: each word is right as often as can be. An error rate by words hardly
# sees what is lost here; the share of strings that are right does. This holds for decoders that
# have learned the probabilities perfectly.

# %% [markdown]
# **Exercise 08.2.** In another noisy place the strings are “five nine” with 0.35, “five one” with
# 0.25 and “nine one” with 0.40. How probable is the string that the NAR decoder gives? That of the
# AR decoder? And the most probable string? Give three numbers.

# %% tags=["exercise"]
probabilities = ...
check("08.2", probabilities)

# %% tags=["solution"]
probabilities = [0.25, 0.35, 0.40]  # five one; five nine; nine one
check("08.2", probabilities)

# %% [markdown] tags=["hints"]
# Find out first what each decoder chooses. One looks at each place by itself, the other goes from
# left to right.
#
# NAR: in the first place add up the strings with “five” and those with “nine”; do the same in the
# second. AR: take the more probable first word, then the more probable second word after it.
#
# First place: “five” has 0.35 + 0.25. Second place: “one” has 0.25 + 0.40. So the NAR decoder gives
# “five one”. After “five”, “nine” has 0.35 and “one” 0.25.

# %% [markdown]
# ## 4. Does it matter?
#
# In section 3 the sound decided nothing. In most speech it decides nearly everything, and language
# little. So the task has to be one in which language helps *and* the sound is unclear.
#
# Strings of digits have no language: any digit may follow any other. We give them one. After each
# digit only three others may follow, with probabilities 0.6, 0.3 and 0.1, and which ones depends on
# the digit. The strings are put together from recordings of people, with noise added. Systems of
# this library were trained on such strings, all with the same small encoder, for 700 steps, and
# tested on 200 other strings. Each training was done three times, from other random weights each
# time (*seeds*).
#
# Three names for the systems: *CIF-AR* and *CIF-NAR* are a CIF with an AR and with a NAR decoder.
# *CTC* has neither a CIF nor a decoder: it gives each frame a word or nothing, and equal
# words in neighbouring frames are one word (lesson 06). Two variants of CIF-NAR are among the
# systems. “No attention” leaves out line 2 of section 2, so that each word is made of its own fire
# alone. “Two decoders” and self-conditioned CTC are explained in section 9.
#
# **Predict first:** which kind of error should the AR decoder make less often than the NAR decoder
# after the same CIF: words left out (*deletions*), added (*insertions*) or replaced
# (*substitutions*)? And which is worse off, the NAR decoder with attention or the one without?

# %% tags=["hide-input"]
# Read the measurements
TITLES = {
    "ctc": "CTC",
    "self-conditioned-ctc": "self-conditioned CTC",
    "projection": "CIF-NAR, no attention",
    "": "CIF-NAR",
    "context-aware": "CIF-NAR, two decoders",
    "ar": "CIF-AR",
}
runs = defaultdict(list)
for result in read_results(resource("results")):
    if result["recipe"] == "markov-digits" and result["leave_out"] is None:
        runs[result["variant"]].append(result)


def errors_of(variant):
    """Of each run of a variant, on the test set."""
    kinds = ("deletions", "insertions", "substitutions", "tokens")
    return [TokenErrors(**{kind: run["test"][kind] for kind in kinds}) for run in runs[variant]]


errors = {title: errors_of(variant) for variant, title in TITLES.items() if runs[variant]}


# %% tags=["answer", "hide-input"]
# Figure: errors of the systems, by kind
figure, (ax,) = canvas(height=0.9 + 0.42 * len(errors))
token_error_bars(errors, ax=ax)
show(
    figure,
    "A bar for each system: its token error in percent, made of deletions, substitutions and "
    "insertions. Substitutions are most of every bar, and the bar of CIF-AR is the shortest. "
    "Points mark the single runs.",
    caption="Token error on strings of digits with a language, in noise, in three parts. A bar is "
    "the mean of all seeds, a point the total of one of them. Compare CIF-NAR with CIF-AR, and "
    "see how far the points of one system are apart.",
)


# %% tags=["hide-input"]
# A table of errors of each kind per hundred words, and how often the number is right
def error_table(titles):
    rows = []
    for variant, title in titles.items():
        if runs[variant]:
            parts = [
                spread([100 * getattr(one, kind) / one.tokens for one in errors_of(variant)])
                for kind in ("deletions", "insertions", "substitutions")
            ]
            counted = [100 * run["test"]["count_accuracy"] for run in runs[variant]]
            steps = runs[variant][0]["fit"]["steps"]
            rows.append([title, steps, len(runs[variant]), *parts, spread(counted, digits=1)])
    table(["", "steps", "seeds", "deleted", "inserted", "replaced", "right number, %"], rows)


# %% tags=["answer", "hide-input"]
# Table: errors of each kind per hundred words, mean ± standard deviation of the seeds
error_table(TITLES)

# %% [markdown] tags=["answer"]
# Substitutions. How many words there are is not decided by the decoder, and all systems find it
# well: each leaves out fewer than one word in a hundred and adds fewer than one. (CIF-AR adds a few
# more than CIF-NAR, with each seed. Its weights were trained together with another decoder, so they
# differ.) The AR decoder replaces clearly fewer: told the word before, it knows which three may
# follow.
#
# By section 3, should the NAR decoder not be as good when words are counted? There both decoders
# knew all probabilities. Here they had to learn them, from little: that “six” is likely before
# “two” in this sound is easier to learn for a decoder that is told “two”.
#
# Without attention CIF-NAR replaces a little more. With it, a fire that the sound makes clear can
# tell which words to expect near it. This may be the reason, but it is not proved: the decoder
# without attention is also smaller. And on sentences of the GRID corpus, where the same systems
# were trained as well, it is the other way round ([the page on NAR
# decoding](../docs/non_autoregressive.md)). Nor are AR and NAR equal here in all else: nobody tells
# our NAR decoder the *order* of the fires (look at the three lines again), while the AR decoder
# reads its words in order. So this figure cannot say how much of the difference is due to the
# order, and how much to independence.
#
# A second decoder, or CTC in the middle of the encoder, changes little here. Differences of half a
# point cannot be told from chance: see how far the points of one system are apart. And these are
# short trainings; section 9 has longer ones.
#
# The authors of Paraformer, a NAR recogniser with a CIF (section 8), report the same kind of
# difference in Chinese: their plain NAR decoder counts well, and nearly all errors that it makes
# more than an AR decoder are substitutions.

# %% [markdown]
# ## 5. The number comes first
#
# A NAR decoder cannot stop early or go on. How many words there are is decided before the first
# word is known, by the sum of the weights. What if the sum is wrong?
#
# Try it with the clip of digits. Scaling as in [lesson 02](02_scaling.ipynb) multiplies the weights
# so that any number of tokens fires; the function `decode_at_counts` then decodes as in section 2.
# The words that were said are called the *reference*, the tokens that come out the *hypothesis*.
#
# **Predict first:** with one token too few, which words come out: all but the last, all but another
# one, or something else? And with one too many?

# %%
number = len(said.tokens)
counts = range(max(1, number - 3), number + 4)
at_count = dict(zip(counts, decode_at_counts(digits, said.waveform, list(counts)), strict=True))


# %% tags=["hide-input"]
# What the slider draws
def draw_count(ax, *, count):
    one = at_count[count]
    drawn = draw_weights(one.firing, one.grid, ax=ax, threshold_kw={"visible": False})
    drawn.threshold_label.set_visible(False)  # β is far above all weights
    ax.get_legend().remove()
    fires(one.firing, one.grid, ax=ax)
    highest = max(float(other.firing.scaled_alpha.max()) for other in at_count.values())
    ax.set_ylim(0, 1.15 * highest)
    paper = {"facecolor": STYLE["halo"], "edgecolor": "none", "pad": 1.0}
    look = {"ha": "center", "weight": "bold", "bbox": paper, "zorder": 5}
    for word, (start, end) in zip(one.alignment, one.alignment.spans, strict=True):
        ax.text((start + end) / 2, 0.06 * highest, word.token, **look)
    name_words(ax, said.words)
    return f"reference {len(said.tokens)} words, hypothesis {len(one.tokens)} tokens"


# %% tags=["answer", "hide-input"]
# Figure with a slider: the same clip at several counts
live_figure(
    draw_count,
    count=Slider(counts[0], counts[-1], 1, number),
    static=[{"count": count} for count in (number - 1, number, number + 1)],
    alt="Weights of the clip, three times: scaled to one token too few, to the right number and to "
    "one too many. Above stand the words of the reference, below, between the fires, the tokens "
    "that come out. At the right number they agree. With one too few most tokens "
    "reach into the next word, and a word in the middle is missing. With one too many a word in "
    "the second half comes out twice.",
    caption="One clip at several counts. Grey: the weights that the model gives; blue: scaled. "
    "Above stand the words of the reference, below in bold the tokens that the decoder gives "
    "between the fires (▼). Look for words that a fire cuts in two.",
    height=2.0,
)

# %% tags=["answer", "hide-input"]
# Sound: the tokens at one too few, cut at their edges, which are near the fires (lesson 06)
play_tokens(at_count[max(1, number - 1)])

# %% [markdown] tags=["answer"]
# It is a word in the middle that is lost, not the last one. With one token too few each token takes
# more than a word: the first takes a little of the second word, the second more of the third. In
# the middle a token has large parts of two words, and the decoder has to choose. Towards the end
# tokens and words meet again, since the last token ends where the weights end. In the clip shown
# here “one” is lost: a fire cuts it in two, and both halves lie in tokens that come out as another
# word, “seven” and “eight”.
#
# With one too many it is the other way round: somewhere two tokens share one word, and it comes out
# twice. Here it is “eight”.
#
# So a wrong number does not shift a transcript, if the weights are *scaled* to it. It costs one
# deletion or one insertion, plus words near by that are made of mixed sound. Move the slider to two
# or three too few or too many: more words are lost, or come out twice. (Without scaling it is
# different. If the weights are too small and nothing scales them, tokens end later and later, and
# words at the end are lost: lesson 02, section 12.)

# %% [markdown]
# A recording of a person now. The weights of “digits” sum to more than the number of words:

# %%
speech = cifviz.load_recording(recording)
heard = digits.transcribe_features(speech.log_mel, duration=speech.duration)
print(f"sum of the weights: {float(heard.firing.weight_sum):.2f}")
print(f"reference,  {len(speech.words)} words: ", speech.words.text)
print(f"hypothesis, {len(heard.tokens)} tokens:", heard.text)

# %% [markdown]
# Decoding is cheap if it is one pass. So decode at several numbers of tokens at once: at as many as
# fire, one fewer, two fewer, one more, two more. Each gives a *candidate*, and somebody has to
# choose. An AR decoder can. Given the sound and a whole string, it says in one pass how probable
# each word is after those before it, and how probable the end is after the last. (It need not wait
# for itself, since all words are given.) The *score* of a candidate is the mean of the logarithms
# of these probabilities. It is at most 0; nearer to 0 is more probable.
#
# **Predict first:** which candidate scores best? And could the scorer also correct a word in a
# candidate whose number is right?

# %%
scorer = AttentionScorer(cifviz.load_model("digits-attention"))
sound = Sound(speech.log_mel, speech.duration)
hypotheses = count_hypotheses(digits, sound, scorer, reach=2)

# %% tags=["answer", "hide-input"]
# Figure: the candidates and their scores
figure, (ax,) = canvas(height=3.4)
count_lanes(hypotheses, ax=ax)
show(
    figure,
    "Five candidates, each with its number of tokens, a bar and its tokens: the longer the bar, "
    "the more probable the candidate is to the scorer. A frame stands around the chosen one.",
    caption="Candidates at five numbers of tokens. The number beside a bar is the score by an AR "
    "model, the length of the bar its exponential (exp). The longest is chosen (frame). Compare "
    "its tokens with those of “fire”, the number that fires without scaling, and with the "
    "reference.",
)

# %% [markdown] tags=["answer"]
# In the recording shown here nine tokens fire, and the reference has eight. The scorer chooses
# eight, and the transcript is right. In the candidate of nine “eight” has become “seven”, and
# “three” stands twice; the AR model finds that improbable for this sound.
#
# It chooses among candidates, and nothing else. If all of them have a word wrong, so has the one
# that it chooses: set `recording` to `"digits_nicolas_repeated"`, where the number is right.
#
# The idea is from FastLR, a reader of lips, whose authors call it *noisy parallel decoding*. The
# details here are a reconstruction. It costs a second model.

# %% [markdown]
# One recording proves nothing. The same was done on the 200 strings of section 4, with CIF-NAR and
# with CIF-AR as the scorer: among the counts from b below to b above the one that fires. It was
# done on the strings as they are, with more noise, and with all weights times 0.85, so that too few
# tokens fire.
#
# **Predict first:** is more choice always better?

# %% tags=["answer", "hide-input"]
# Table: errors per hundred words by b, mean ± standard deviation of three seeds
rescored = read_study(resource("results"), "count-rescoring")["runs"]
CONDITIONS = {"as tested": "as they are", "noise": "more noise", "gain": "weights × 0.85"}
KINDS = ("deletions", "insertions", "substitutions")
rows = []
for condition, title in CONDITIONS.items():
    kept = [run for run in rescored if run["condition"] == condition]
    choices = {f"b = {b}": [run["ar"][b] for run in kept] for b in (0, 1, 2, 4)}
    for choice, seeds in {**choices, "CIF-AR alone": [run["alone"] for run in kept]}.items():
        parts = [spread([100 * one[kind] / one["tokens"] for one in seeds]) for kind in KINDS]
        errors = spread([100 * one["token_error_rate"] for one in seeds])
        numbers = spread([one["right_counts"] / 2 for one in seeds], digits=1)  # of 200 strings
        rows.append([title, choice, errors, *parts, numbers])
table(
    ["strings", "", "errors", "deleted", "inserted", "replaced", "right number, %"],
    rows,
)

# %% [markdown] tags=["answer"]
# No. On the strings as they are, b = 1 makes fewer errors with each of the three seeds, but only a
# little, and look at its parts: more words are deleted, and the number is right *less* often. It
# replaces fewer words, and that is worth more. With more choice there are more chances for a wrong
# candidate to please the scorer, and what is gained is lost again.
#
# Where the number is often wrong, the choice is worth a lot, and b = 1 or 2 is enough for most of
# it.
#
# Why does the scorer choose strings that are too short? CIF-AR has no mark of the end. So it cannot
# object to a string that ends too early: a candidate that leaves out an unclear word scores well.
# “digits-attention”, the scorer of the recording above, has the mark and can object.
#
# What does the choice cost? One pass of the NAR decoder for all candidates at once, then one of the
# scorer, whatever the number of words. Decoding with CIF-AR alone takes a pass for each word. On
# the strings as they are it makes fewer errors than any choice. With more noise its seeds differ so
# much that nothing can be said.

# %% [markdown]
# ## 6. Which frames a token is made of
#
# All systems give tokens, but they make them of the sound in different ways. Here are three that
# this project ships, on the clip of digits. “digits” is the CIF, “digits-ctc” a CTC recogniser
# (lesson 06), which gives each frame a word or nothing, and is non-autoregressive, too.
# “digits-attention” is the AR model of section 2.
#
# **Predict first:** whose tokens are made of few frames, and whose of many? Whose tokens overlap?

# %% tags=["answer", "hide-input"]
# Figure: the frames that each token is made of, for several systems
systems = {"digits": "CIF (NAR)", "digits-ctc": "CTC", "digits-attention": "attention (AR)"}
transcriptions = {
    label: cifviz.load_model(name).transcribe(said.waveform) for name, label in systems.items()
}
picture = rows_panel(transcriptions, words=said.words, width=8)
show(
    picture.fig,
    picture.fig.alt,
    caption="Over which frames each token is spread, a row for each token, on one time axis: the "
    "darker, the more of the token. Solid lines: a word of the reference begins; dotted: it ends. "
    "Look at how wide the rows are and whether they overlap.",
)

# %% [markdown] tags=["answer"]
# The tokens of the CIF cover the sound, one after the other: where one ends the next begins (they
# share the frame between them), and each takes the same weight. Those of CTC are one or two frames
# each here, somewhere in the word. Those of attention are spread, and overlap; nothing in the model
# keeps them in order.
#
# That is a reason why CIF and NAR decoding go together: the embeddings are in order, each with its
# own piece of sound, and there are as many as tokens. What a CTC decoder lacks in the same place is
# an embedding for each *token*: it decides frame by frame.

# %% [markdown] tags=["optional"]
# ## 7. Thresholds that fit
#
# The sum of the weights is no whole number. What becomes of the residual is the topic of [lesson
# 05](05_tail_handling.ipynb). Paraformer, a NAR recogniser with a CIF, changes the threshold
# instead, for each utterance, so that nothing is left: with the sum S and ⌈S⌉, the next whole
# number above it (the *ceiling*),
#
# ```text
# β = S / ⌈S⌉
# ```
#
# Its authors call this a *dynamic threshold*. E-Paraformer, a later one, takes the nearest whole
# number.
#
# **Exercise 08.3.** The weights of an utterance sum to 6.3. How many tokens come out by ceiling,
# and with which β? And by rounding? Give four numbers.

# %% tags=["exercise"]
counts_and_thresholds = ...
check("08.3", counts_and_thresholds)

# %% tags=["solution"]
counts_and_thresholds = [7, 6.3 / 7, 6, 6.3 / 6]
check("08.3", counts_and_thresholds)

# %% [markdown] tags=["hints"]
# First the two counts: the next whole number above 6.3, and the nearest one.
#
# β is the sum of the weights over the number of tokens.
#
# Ceiling: 7 tokens, and β = 6.3 / 7. Rounding: 6 tokens, and β = 6.3 / 6. The order is count, β,
# count, β.

# %% [markdown]
# The quantity loss (lesson 02) pulls S towards the number of words, from above and from below
# alike. Let S be off by some tenths in either direction, evenly.
#
# **Predict first:** which way does each rule miscount: the fixed threshold that drops the residual,
# ceiling, and rounding?

# %% tags=["answer"]
# Table: how many recordings get too few and too many tokens
rules = {"fixed, residual dropped": tail.drop, "ceiling": tail.dynamic, "rounding": tail.rounded}
miscounts = {name: [0, 0] for name in rules}
for name in cifviz.list_recordings():
    one = cifviz.load_recording(name)
    frames = torch.eye(len(one.alpha))[None]
    for rule, how in rules.items():
        tokens = int(cifviz.integrate_and_fire(one.alpha[None], frames, tail=how).num_fires)
        miscounts[rule][0] += tokens < len(one.words)
        miscounts[rule][1] += tokens > len(one.words)
number_of_recordings = len(cifviz.list_recordings())
table(
    ["rule", "too few tokens", "too many", "right"],
    [[rule, *off, number_of_recordings - sum(off)] for rule, off in miscounts.items()],
)

# %% [markdown] tags=["answer"]
# Let N be the number of words. The fixed threshold loses a token wherever S is below N. The ceiling
# adds one wherever S is above N, by however little. Both are wrong in one direction, for about half
# of all utterances if S is off evenly; here S tends to be a little below N, which favours the
# ceiling. Rounding is right as long as S is off by less than a half. So is this library's usual
# rule, a residual above ½ fires.
#
# On the 200 strings of section 4 it is the same, for two systems and three seeds:

# %% tags=["answer", "hide-input"]
# Table: errors per hundred words by rule
RULES = {
    "drop": "fixed, residual dropped",
    "above": "fixed, a residual above ½ fires",
    "rounded": "rounding",
    "dynamic": "ceiling",
}
studied = read_study(resource("results"), "count-rules")["runs"]
rows = []
for variant, title in {"": "CIF-NAR", "paraformer": "Paraformer"}.items():
    for rule, name in RULES.items():
        seeds = [run["rules"][rule] for run in studied if run["variant"] == variant]
        kinds = ("deletions", "insertions", "substitutions")
        parts = [spread([100 * one[kind] / one["tokens"] for one in seeds]) for kind in kinds]
        rows.append([title, name, *parts])
table(["system", "rule", "deleted", "inserted", "replaced"], rows)

# %% [markdown] tags=["answer"]
# The paper proposes the dynamic threshold because weights are scaled in training and not in use,
# and reports fewer errors with it. FunASR, the code of its authors, has none: it keeps β fixed and
# appends a frame of weight 0.45, so a residual of 1 − 0.45 = 0.55 or more fires.

# %% [markdown]
# ## 8. Give some answers away
#
# Section 3 said what a NAR decoder lacks: what was decided for the other words. In training these
# are known. *Paraformer*, a NAR recogniser with a CIF, uses that. (Its decoder also looks at all
# frames again, by attention.) Its *glancing sampler* works in two passes:
#
# 1. The decoder gives all words, as in use. d of them are wrong.
# 2. ⌈λ · d⌉ of the fired embeddings, chosen at random, are replaced by a learned vector of the
#    *true word* in that place. (⌈ ⌉ means: rounded up to a whole number. In training the weights
#    are scaled to the true number, so each fired embedding has its word.) The decoder gives the
#    other words again, and only they are taught.
#
# So early in training, when most words are wrong, most are given away and few are asked for. Later
# all are asked for, as in use. The decoder learns to fill gaps from the words around them.
#
# In use there is one pass and no sampler, and no true word is given. Why should it help? Because
# the decoder has learned which words go together. In use the other places hold fired embeddings,
# and where their sound is clear these say nearly as much as the true words did.
#
# **Predict first:** a string has eight words; in the first pass six are wrong, later in training
# two, at last none. With λ = 0.75, how many are given away each time? How many words are taught
# each time?

# %% tags=["answer", "hide-input"]
# Figure: what the sampler gives away
reference = "two four one eight five nine three six".split()
first_passes = {
    "early": "two two two eight two two two two".split(),
    "later": "two four nine eight five five three six".split(),
    "at last": reference,
}
is_right = torch.tensor(
    [[a == b for a, b in zip(one, reference, strict=True)] for one in first_passes.values()]
)
chance = torch.Generator().manual_seed(seed)
given = replaced_positions(is_right, torch.full((3,), 8), 0.75, generator=chance)
figure, (ax,) = canvas(height=2.4)
masks = sampler_masks(
    reference,
    given,
    labels=list(first_passes),
    predicted=list(first_passes.values()),
    ax=ax,
)
show(
    figure,
    masks.alt,
    caption="What the sampler gives away at λ = 0.75, at three stages of training (made up). "
    "Hatched: the second pass is given the true word. The numbers say how many are, of how many. "
    "After ≠ stands the wrong word of the first pass. Look for words that are given away although "
    "they were right (✓).",
)

# %% [markdown] tags=["answer"]
# ⌈0.75 · 6⌉ = 5, ⌈0.75 · 2⌉ = 2, and none; the other 3, 6 and 8 are taught. Which words are given
# away is chance alone: a word that was right may be given away (✓), and a wrong one left.

# %% [markdown]
# **Exercise 08.4.** Write it. `right` says of each word of the first pass whether it is right, and
# `order` has all places in random order. Give away the first ones of `order`, as many as the
# sampler does. The result says of each word whether it is given away.

# %% tags=["hide-input"]
# Needed in the exercise
from math import ceil


# %% tags=["exercise"]
def give_away(right, ratio, order): ...  # a list of True and False, one for each word


check("08.4", give_away)


# %% tags=["solution"]
def give_away(right, ratio, order):
    number = ceil(ratio * right.count(False))
    return [place in order[:number] for place in range(len(right))]


check("08.4", give_away)

# %% [markdown] tags=["hints"]
# How many are given away? d is the number of words that are wrong.
#
# The number is `ceil(ratio * right.count(False))`. Which places are those?
#
# A word is given away if its place is among the first ones of `order`, as many as the number says.

# %% [markdown]
# What is it worth? Paraformers were trained on the strings of section 4, with five values of λ and
# three seeds each. λ = 0 gives nothing away, so there is no sampler. They got twice as many steps,
# 2 · 700 = 1400, since in 700 their decoders had not learned to attend to the frames.
#
# **Predict first:** which λ makes the fewest errors: 0, small, large, or 1? (With λ = 1 as many
# words are given away as were wrong.)

# %% tags=["answer", "hide-input"]
# Table: errors by λ, each seed
SAMPLERS = {
    "paraformer-0": "0: no sampler",
    "paraformer-0.25": "0.25",
    "paraformer-0.5": "0.5",
    "paraformer": "0.75",
    "paraformer-1": "1",
}
rows = []
for variant, ratio in SAMPLERS.items():
    each = errors_of(variant)
    rates = ", ".join(f"{100 * one.rate:.1f}" for one in each)
    replaced = ", ".join(f"{100 * one.substitutions / one.tokens:.1f}" for one in each)
    rows.append([ratio, rates, replaced])
table(["λ", "errors per hundred words, each seed", "replaced, each seed"], rows)

# %% [markdown] tags=["answer"]
# A small one. With 0.25 and 0.5 there are fewer errors than without a sampler, with each of the
# seeds. With 0.75, the paper's best value, there is no clear difference, and with 1 there are more
# errors. With a large λ few words are taught in each step, and many of the places that the decoder
# looks at hold true words, as they never do in use.
#
# The paper reports clearly fewer substitutions from 20 000 hours of speech, with λ = 0.75 the best
# of 0.2 to 1.5, and on AISHELL-1, which is far smaller, a gain of 0.1 points. So the best λ is
# another one here, in a training of minutes. FunASR's recipe for AISHELL-1 takes 0.4.

# %% [markdown] tags=["optional"]
# ## 9. Where the borders should be, and a second look
#
# *Boundary- and context-aware training* adds two things to CIF-NAR: a loss that tells the weights
# where tokens end, and a second decoder. Only the abstract of the paper could be read for this
# lesson; the formulas below are two reconstructions.
#
# CTC, trained on the same encoder, marks each token with a *spike*, a frame in which it is sure. A
# spike is somewhere in the word, not at its end (section 6). But from the spike of one word to that
# of the next, the weights should sum to one token. This can be asked in two ways, for a token i
# whose spike is in frame b_i, with S(b_i) the sum of the weights up to and with this frame. For the
# first token S(b_(i−1)) is 0.
#
# ```text
# by segments:  mean over i of  | S(b_i) − S(b_(i−1)) − 1 |
# by sums:      mean over i of  ( S(b_i) − i )²                 with i counted from 1
# ```
#
# **Exercise 08.5.** Six frames weigh 0.2, 0.6, 0.4, 0.1, 0.7 and 0.2. CTC has its two spikes in
# frames 1 and 4 (frames count from 0). What is the loss by segments, and what is it by sums? Give
# two numbers.

# %% tags=["exercise"]
two_losses = ...
check("08.5", two_losses)

# %% tags=["solution"]
two_losses = [(0.2 + 0.2) / 2, (0.2**2 + 0.0**2) / 2]  # 0.8 and 1.2; 0.8 and 2.0
check("08.5", two_losses)

# %% [markdown] tags=["hints"]
# Sum up the weights to the end of each frame with a spike, the frame itself included.
#
# The sums are 0.8 after frame 1 and 2.0 after frame 4. By segments each spike is compared with the
# one before it, by sums with 1 and 2.
#
# By segments the weights are 0.8 and 1.2, each 0.2 off. By sums the errors are 0.2 and 0; square
# them. Both losses are means over two tokens.

# %% [markdown]
# The library has both as losses of training, “spike_segments” and “spikes”. Each spike is given by
# its frame and the frame after it:

# %% tags=["answer", "hide-input"]
# Both losses of the six frames, by the library
six = cifviz.integrate_and_fire(
    torch.tensor([[0.2, 0.6, 0.4, 0.1, 0.7, 0.2]]).double(), torch.eye(6).double()[None]
)
spikes, two = torch.tensor([[[1, 2], [4, 5]]]), torch.tensor([2])
by_segments, by_sums = (
    float(loss(six, spikes, two)) for loss in (spike_segment_mass_loss, spike_mass_loss)
)
print(f"by segments {by_segments:.2f}, by sums {by_sums:.2f}")

# %% [markdown]
# Both were tried on the task of section 4, beside the usual losses, with three weights of the loss
# and the seeds of section 4.
#
# **Predict first:** a spike is somewhere in the word. What does the loss by sums ask of the weights
# after it, up to the end of the word? Which of the two losses is more harmful if its weight is
# large?

# %% tags=["answer", "hide-input"]
# Table: errors of words and of fires, mean ± standard deviation of three seeds
LOSSES = {"": "none", "spike-segments": "by segments", "spikes": "by sums"}
studied = read_study(resource("results"), "boundary-losses")["runs"]
rows = []
for loss, title in LOSSES.items():
    for weight in ("0.1", "0.3", "1") if loss else ("",):
        kept = [run for run in studied if run["variant"] == "-".join(filter(None, (loss, weight)))]
        kept = [run for run in kept if run["recipe"] == "markov-digits"]
        word_errors = spread([100 * run["token_error_rate"] for run in kept], digits=1)
        off = [
            spread([1000 * run["edges"]["fire"][edge]["mean_absolute"] for run in kept], digits=0)
            for edge in ("onset", "offset")
        ]
        rows.append([title, weight, word_errors, *off])
heads = ["loss", "its weight", "errors per hundred words"]
table([*heads, "fires off the starts of words, ms", "off their ends, ms"], rows)

# %% [markdown] tags=["answer"]
# By sums: at the spike of word i the sum should be i already. So all weight of the word should come
# *before* its spike, and its frames after the spike should weigh nothing. The more this loss
# counts, the more errors: words are decoded from their first parts. The fires come earlier. That
# brings them nearer to the ends of the words, since they were late, and farther from the starts. (A
# token is read here from one fire to the next.)
#
# By segments: the weight from spike to spike should be one, wherever the spikes stand in their
# words. This does no harm, and no good: errors and fires change by less than the seeds differ, but
# for the ends, which are a few milliseconds nearer. Nor was training faster, with any of the six;
# it took a few steps more to the same cross-entropy. In all, this claim of the paper was not
# reproduced, by our two readings of it.

# %% [markdown]
# No loss on borders changes what section 3 is about. Other systems look a second time:
#
# - **Intermediate and self-conditioned CTC.** CTC is also taught in the middle of the encoder. The
#   self-conditioned one adds what CTC makes of the frames there to the frames: the layers after
#   that know which words were likely in all other frames.
# - **Mask-CTC.** Tokens that CTC is not sure of become masks. A second decoder fills them, the
#   surest first, in up to ten passes. It is told the tokens on both sides that stand already.
# - **Context-aware CIF.** A second decoder is given the output vectors of the first, one for each
#   token, and gives all tokens again, all at once.
#
# **Predict first:** CTC is sure of neither word of the noisy sentence of section 3. Which of these
# could avoid “four one”, and why?

# %% [markdown] tags=["answer"]
# Mask-CTC, if it fills one mask at a time. “one” is the surest word, with 0.6; it is filled in
# first. Then “one” stands, so the first word can only be “nine” or “five”, and both strings are
# possible. It decides, and then goes on from what it decided. It is AR in part: the passes grow
# with the masks, up to a limit.
#
# The others tell each word more about its neighbours, but all words are still chosen at the same
# time. If the first decoder leaves two strings open, so may the second.
#
# | system | passes of a decoder | the number is known from | what a token knows of the others |
# |---|---|---|---|
# | CTC | none | the frames | nothing |
# | self-conditioned CTC | none | the frames | which words were likely, inside the encoder |
# | Mask-CTC | up to 10 | the frames | those that CTC was sure of, and those filled in before |
# | CIF-NAR | 1 | the weights | their sound |
# | Paraformer | 1, in training 2 | the weights | their sound; it has learned to fill gaps |
# | context-aware CIF | 2 | the weights | the output vectors of the first decoder |
# | CIF-AR | 1 for each token | the weights | the tokens before it, as they were decided |

# %% [markdown]
# The decoders of Paraformer and Mask-CTC attend to the frames again. This takes longer to learn: in
# 700 steps they had not learned where in the sound to look. So on the strings of section 4 they
# were trained for 1400 and 2100 steps, and some of the others for 2100, to compare.
#
# **Predict first:** with 1400 steps Paraformer makes fewer errors than CIF-NAR with 700. What is
# the larger part of that: its sampler, or the steps?

# %% tags=["answer", "hide-input"]
# Table: errors of longer trainings, mean ± standard deviation of the seeds
AGAIN = {
    "": "CIF-NAR",
    "context-aware": "CIF-NAR, two decoders",
    "ctc-longer": "CTC, longer",
    "nar-longer": "CIF-NAR, longer",
    "ar-longer": "CIF-AR, longer",
    "paraformer-0": "Paraformer without sampler",
    "paraformer-0.5": "Paraformer, λ = 0.5",
    "paraformer": "Paraformer, λ = 0.75",
    "mask-ctc": "Mask-CTC",
}
error_table(AGAIN)

# %% [markdown] tags=["answer"]
# The steps. Without a sampler Paraformer also makes far fewer errors than CIF-NAR with 700 steps;
# the right λ takes away some more. Three times as many steps do more for CTC and for CIF-NAR than
# any change of the system in section 4.
#
# So only rows of equally many steps can be compared: Paraformer (1400) and CIF-NAR, longer (2100)
# cannot. Of the systems with 2100 steps CTC makes the most errors. Mask-CTC and CIF-NAR differ by
# less than the seeds do. CIF-AR makes the fewest.

# %% [markdown]
# What the papers claim, and what can be said of it here:
#
# - *NAR decoding is fast, and grows little with the number of tokens*: reproduced, section 1.
# - *A plain NAR decoder makes more substitutions than an AR decoder*: seen here too, section 4; our
#   NAR decoder is not told the order of the fires either, so the reason is open.
# - *The sampler reduces them*: reproduced with λ = 0.25 and 0.5, not with the paper's 0.75; section
#   8.
# - *The dynamic threshold by ceiling makes fewer errors*: not reproduced, section 7; it adds words.
#   By rounding it does no harm.
# - *A second, contextual decoder helps*: not reproduced; the points of section 4 overlap.
# - *Spikes of CTC help the borders, and training is faster*: not reproduced, see above. The
#   formulas are reconstructions, and the paper had other data and another size.
# - *An AR model that chooses among counts helps*: reproduced where the number is often wrong,
#   section 5.
# - *Rates of whole systems, such as a latency of 1/24*: not testable at this scale.

# %% tags=["answer", "hide-input"]
# Numbers kept
record(
    passes_one_by_one=len(words),
    passes_attention=streams["digits-attention, AR"].passes,
    passes_at_once=streams["digits, NAR"].passes,
    tokens_that_fire=hypotheses.fired,
    tokens_chosen=hypotheses.best.count,
    too_few_fixed=miscounts["fixed, residual dropped"][0],
    too_many_by_ceiling=miscounts["ceiling"][1],
    off_by_rounding=sum(miscounts["rounding"]),
    given_away=int(given.sum()),
)
record(
    impossible_string=found["NAR"][0],
    right_words_at_once=found["NAR"][1],
    right_words_one_by_one=found["AR"][1],
    loss_by_segments=by_segments,
    loss_by_sums=by_sums,
    tolerance=1e-4,
)
record(
    words_before_do_not_change=max(changes["AR"][: len(changes["AR"]) // 2]),
    best_score=hypotheses.best.score,
    tolerance=1e-3,
)

# %% [markdown]
# ## Words
#
# The words of this lesson, and where each is found in the code:

# %%
glossary(
    *("autoregressive", "candidate", "conditional independence", "contextual decoder"),
    *("dynamic threshold", "embedding", "fire", "glancing sampler", "non-autoregressive"),
    *("scaling", "score", "spike", "token error rate", "weight sum"),
)

# %% [markdown]
# ## On your own
#
# - Set `clip` to `"digits_repeated"`, whose first three words are the same. What happens at one
#   token too few and one too many? Which deletions can nobody hear?
# - In a cell of its own, `cifviz.explore(digits.transcribe(said.waveform), model=digits)` shows the
#   clip in the explorer. Set *scaling* to *count*, move the number of tokens and play single ones.
# - Set `recording` to `"digits_nicolas_repeated"`. Why do candidates of other counts not help?
# - In section 1, let the decoders have four layers: `DecoderConfig(kind, dim=channels, layers=4)`.
#   What happens to the two slopes, and what to their ratio?
# - With two words the string of the AR decoder is never less probable than that of the NAR decoder.
#   Why not? Find strings of three words where it is.
# - In section 5, choose among the candidates by the *sum* of the logarithms, `log_prob`, in place
#   of their mean. Which candidates does that favour, and does it do harm here?
# - Add “grid” to the systems of section 6, with a clip of a sentence. Its decoder is AR. Are its
#   tokens made of other frames than those of “digits”, in kind?

# %% [markdown] tags=["answer"]
# Worked answers, in the order of the tasks:
#
# - *Three words alike.* At one token too few one “five” is gone, and nothing else is wrong. Nobody
#   can hear from the transcript which of the three was deleted. At two too few “six” is missing as
#   well. At one token too many “one” comes out twice.
# - *The explorer.* It shows what the slider of section 5 shows, and plays it: a token that holds
#   two halves of words sounds like both.
# - *Other counts.* The number of tokens is right there, and what is wrong is a word. Candidates of
#   other numbers bring a deletion or an insertion besides, and score lower. Choosing among counts
#   mends counts.
# - *Four layers.* Both slopes become several times as large, since each pass goes through all
#   layers. Their ratio stays near what it was: the AR decoder still needs a pass for each token.
# - *Two words, and three.* AR takes the first word that NAR takes, and then the best second word
#   after it, so no string with this first word is more probable. With three words it may leave the
#   better string at the second word. Of 20 strings let three each be “one two three”, “one two
#   four” and “one two five”, five “one six seven” and six “nine six seven”. After “one”, nine
#   strings go on with “two”, so AR gives one of those that occur three times. NAR gives “one six
#   seven”, which occurs five times.
# - *The sum.* Each further token adds a logarithm, which is at most 0. So a sum favours short
#   candidates, and deletions. In this recording the same candidate wins.
# - *“grid”.* No. Its tokens are contributions of a CIF, too: one after the other, of equal weight.
#   What is made of them is another matter: its decoder also looks at the words before.

# %% [markdown]
# ## In practice
#
# - **Paraformer** in [FunASR](https://github.com/modelscope/FunASR) is CIF-NAR with a glancing
#   sampler. Its code differs from its paper: it appends a frame of weight 0.45 and has no dynamic
#   threshold, rounds λ · d down, and teaches all words, those given away too. λ is 0.75 in the
#   paper and in large models, 0.4 in the recipe for AISHELL-1.
# - **WeNet** trained CIF-NAR on AISHELL-1 without sampler or boundary loss; its [pull
#   request](https://github.com/wenet-e2e/wenet/pull/1738) reports 4.92 % errors on the test set,
#   where the CTC branch of the same encoder makes 5.24 %. The shape of the weight predictor alone
#   was worth 0.4 points there. A user [could not
#   reproduce](https://github.com/wenet-e2e/wenet/issues/1852) these numbers.
# - **A wrong count in practice.** SA-Paraformer tried a separator between speakers as a token. It
#   has no sound of its own, so CIF had nothing to fire for, and deletions rose to 26.5 %, against
#   6.5 % without it. Make tokens of what can be heard.
# - **Languages.** Chinese characters are syllables, which have borders in the sound. Pieces of
#   English words often have none. Paraformer-v2 replaces CIF by CTC and reports more than 14 %
#   fewer word errors on English. Try CTC beside a CIF before you decide.
# - **Speed.** What counts is the whole recogniser on your machine. Measure it with your lengths:
#   the encoder takes its time in both, and may be most of it.

# %% [markdown]
# ## Further reading
#
# - Z. Gao, S. Zhang, I. McLoughlin, Z. Yan, [Paraformer](https://arxiv.org/abs/2206.08317),
#   Interspeech 2022: dynamic threshold, glancing sampler, and bars of deletions, insertions and
#   substitutions that show what each helps against.
# - F. Yu and others, [Boundary and Context Aware Training for CIF-based Non-Autoregressive
#   End-to-end ASR](https://arxiv.org/abs/2104.04702), ASRU 2021: CTC's spikes teach the borders, a
#   second decoder reads the first.
# - Y. Higuchi and others, [A Comparative Study on Non-Autoregressive Modelings for Speech-to-Text
#   Generation](https://arxiv.org/abs/2110.05249), ASRU 2021: many non-autoregressive systems in one
#   setting, with accuracy, speed and their behaviour on long speech.
# - J. Liu and others, [FastLR](https://arxiv.org/abs/2008.02516), ACM Multimedia 2020: CIF reads
#   lips, and several counts are decoded in parallel.
# - J. Gu and others, [Non-Autoregressive Neural Machine
#   Translation](https://arxiv.org/abs/1711.02281), ICLR 2018: section 3 of this lesson for
#   translation, where a sentence has many right translations and parts of two do not fit together.
# - L. Qian and others, [Glancing Transformer for Non-Autoregressive Neural Machine
#   Translation](https://arxiv.org/abs/2008.07905), ACL 2021: the sampler of section 8, for
#   translation.
# - [cifviz/systems/decoders.py](../cifviz/systems/decoders.py),
#   [paraformer.py](../cifviz/systems/paraformer.py) and
#   [count_hypotheses.py](../cifviz/systems/count_hypotheses.py): the decoders, the sampler and the
#   candidates of this lesson in the library.

# %% [markdown] tags=["lecturer"]
# ## For the lecturer
#
# ### 90 minutes
#
# - 15 min: section 1. Let one student be an AR decoder and say a sentence word by word, another a
#   NAR decoder who sees all cards at once. Collect guesses before the figure. Exercise 08.1.
# - 10 min: section 2. Draw both masks at the board, then the row of zeros.
# - 15 min: section 3 at the board, without the notebook: three strings, two decoders. Exercise 08.2
#   in pairs; ask who would rather have 1.25 words right or the right string more often.
# - 10 min: section 4. Read the figure from one bar to the next: which kind of error changed?
# - 15 min: section 5 with loudspeakers. Let them say which word will be lost before the slider
#   moves. Then the candidates.
# - 5 min: section 6. Who can tell the systems from their rows alone?
# - 15 min: one of sections 7, 8 and 9, by interest; the others at home.
# - 5 min: *In practice*, and one question from *On your own* for next time.
#
# ### Likely questions
#
# - *Why not let the AR decoder score its own candidates by a beam?* That is a beam search. It needs
#   the passes one after the other; judging given strings needs one pass for all of them.
# - *Does self-attention in the NAR decoder not model the language?* It can learn which words are
#   usual in a string with a word that the sound makes clear; the decoder of section 2 is not told
#   their order, those of Paraformer and Mask-CTC are. Where the sound of both is unclear, nobody
#   tells it what was decided. Section 3 is the extreme case.
# - *Is exercise 08.2 not unfair to AR, which is greedy?* A beam search would find “nine one”. So
#   would any search over whole strings. The point is that the NAR decoder *has* no strings.
# - *Why is the time of the AR decoder more than proportional?* It has no cache: pass n works on n
#   tokens. At these lengths most of the time is the overhead of a pass.
# - *What if two words are said exactly alike twice, such as “five five”?* A count that is one too
#   low deletes one of them, and no language model can know. *On your own* has such a clip.
# - *Why the mean of the logarithms and not the sum?* Each further word makes a sum smaller, so it
#   would favour short candidates.
#
# ### Usual misconceptions
#
# - *NAR means no attention between tokens.* It means no attention to what was *decided*.
# - *NAR is worse because it is faster.* For words that the sound makes clear both are the same.
# - *With a wrong count the transcript breaks off.* It loses or doubles a word in the middle.
# - *The ceiling is safer than rounding.* It is wrong in one direction, and about as often as the
#   fixed threshold that drops the residual.
# - *The sampler gives away the words that are wrong.* It gives away *as many* as a share of those,
#   wherever they stand.
