"""The terms of the course, each with its place in the code: one glossary for all lessons."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from cifviz.course.tables import table
from cifviz.errors import require


@dataclass(frozen=True)
class Term:
    """A term that lessons use."""

    name: str
    symbol: str
    """As in formulas and docstrings; empty if it has none."""
    variable: str
    """Where it is in the code: ``cifviz.Firing.alpha`` is a field or property of a class,
    ``cifviz.integrate_and_fire(threshold)`` an argument of a function."""
    unit: str
    """Empty if it is no quantity."""
    meaning: str
    """One sentence."""


TERMS: tuple[Term, ...] = (
    Term(
        "F1",
        "",
        "cifviz.metrics.PhraseScores.f_measure",
        "",
        "The harmonic mean of precision and recall, which is small if one of them is.",
    ),
    Term(
        "accumulated weight",
        "",
        "cifviz.Firing.accumulated",
        "weight",
        "The weight that the unfinished token holds after each frame: the running sum, less what "
        "the tokens before it took.",
    ),
    Term(
        "alignment",
        "",
        "cifviz.Alignment",
        "s",
        "The tokens of an utterance in their order, each with its start and end in the sound.",
    ),
    Term(
        "attention",
        "",
        "cifviz.systems.context_network.ContextOutput.attention",
        "share of the fire",
        "The shares, which sum to 1, in which a fire looks at several vectors, by how well each "
        "of them matches it.",
    ),
    Term(
        "autoregressive",
        "",
        "cifviz.systems.decoders.ARDecoder",
        "",
        "Of a decoder: it gives one token in each pass and is told those that it gave before (AR).",
    ),
    Term(
        "average lagging",
        "AL",
        "cifviz.metrics.average_lagging",
        "s",
        "How far a simultaneous system is behind an ideal one that writes its words evenly over "
        "the sound, on average.",
    ),
    Term(
        "biased token",
        "",
        "cifviz.metrics.BiasedErrors.biased",
        "",
        "A token of the reference inside of a phrase that the list has for this utterance; all "
        "others are unbiased.",
    ),
    Term(
        "candidate",
        "",
        "cifviz.systems.count_hypotheses.CountHypothesis",
        "",
        "What an utterance is decoded to at one number of tokens, among which somebody has to "
        "choose.",
    ),
    Term(
        "capture",
        "",
        "cifviz.capture(model)",
        "",
        "To record what the CIF of another model does while the model runs: its weights, its "
        "fires, and what each frame gave to each token.",
    ),
    Term(
        "collaborative decoding",
        "",
        "cifviz.systems.collaborative_decoding.combined",
        "",
        "A recogniser and a context network decide together on each token, by a weighted mean of "
        "their log-probabilities.",
    ),
    Term(
        "condition number",
        "1/α",
        "cifviz.alignment.mass_times.seconds_per_token",
        "s per token",
        "How far a small error of weight moves the time that is read from it.",
    ),
    Term(
        "conditional independence",
        "",
        "cifviz.systems.decoders.ParallelDecoder",
        "",
        "Given the sound, each token is chosen as if the others were not chosen too.",
    ),
    Term(
        "constant shift",
        "",
        "cifviz.Edges.onset_shift",
        "s",
        "What is added to all onsets, or to all offsets, to correct the error that they share.",
    ),
    Term(
        "context network",
        "",
        "cifviz.systems.context_network.ContextNetwork",
        "",
        "It says of each fire which token of a phrase of the list it may be, or that it is of "
        "none.",
    ),
    Term(
        "contextual biasing",
        "",
        "cifviz.systems.coldec.ColDecRecognizer",
        "",
        "To recognise speech with a list of phrases that is given at the moment of use.",
    ),
    Term(
        "contextual decoder",
        "",
        "cifviz.systems.context_aware.ContextAwareRecognizer",
        "",
        "A second decoder, which is given what the first one made of all tokens.",
    ),
    Term(
        "contrastive loss",
        "",
        "cifviz.systems.distillation_losses.contrastive_loss",
        "",
        "What asks each vector to point to its own counterpart rather than to those of others "
        "in the batch.",
    ),
    Term(
        "contribution",
        "W",
        "cifviz.Firing.contributions",
        "weight",
        "What one frame gives to one token, the length of their overlap on the mass axis; all "
        "together are the matrix W, a row for each token and a column for each frame.",
    ),
    Term(
        "count accuracy",
        "",
        "cifviz.metrics.count_accuracy",
        "share of utterances",
        "How often the hypothesis has exactly as many tokens as the reference.",
    ),
    Term(
        "coverage",
        "",
        "cifviz.alignment.edge_intervals.EdgeIntervals.level",
        "",
        "The share of edges that lie in their intervals.",
    ),
    Term(
        "delay",
        "d",
        "cifviz.metrics.average_lagging(delays)",
        "s",
        "How much of the sound was read when a word of a translation was written.",
    ),
    Term(
        "diagnosis",
        "",
        "cifviz.diagnosis.Diagnosis",
        "",
        "All that twelve checks find wrong with the CIF of some utterances, and what they could "
        "not look at.",
    ),
    Term(
        "dialect",
        "",
        "cifviz.core.dialects.Dialect",
        "",
        "CIF as one particular code base runs it, with its own rules for thresholds, tails and "
        "padding, and with its faults.",
    ),
    Term(
        "distractor",
        "",
        "cifviz.systems.phrase_lists.drawn_phrases",
        "",
        "A phrase of the list that an utterance does not hold.",
    ),
    Term(
        "down-sampling",
        "",
        "cifviz.systems.encoder.EncoderConfig.down_sampling",
        "feature frames",
        "How many of the 10 ms frames of features the encoder makes into one frame of its own: "
        "4 gives 40 ms, 8 gives 80 ms.",
    ),
    Term(
        "drift",
        "",
        "cifviz.metrics.drift",
        "ms per minute",
        "How fast errors in time grow on average while an utterance goes on: the slope of a "
        "straight line through them.",
    ),
    Term(
        "dynamic threshold",
        "",
        "cifviz.core.tail.dynamic",
        "",
        "A threshold for each utterance, by which its weights are a whole number of tokens "
        "and nothing is left over.",
    ),
    Term(
        "edge",
        "",
        "cifviz.Edges",
        "s",
        "The time at which a word begins (its onset) or ends (its offset), read inside the weight "
        "of the word's token and not where the token fires.",
    ),
    Term(
        "embedding",
        "c",
        "cifviz.Firing.embeddings",
        "",
        "The vector of a token: the sum of the encoder's frames, each times what it contributes.",
    ),
    Term(
        "encoder output",
        "h",
        "cifviz.integrate_and_fire(encoder_out)",
        "",
        "A vector for each frame, what the neural network before CIF makes of the sound.",
    ),
    Term(
        "filter width",
        "",
        "cifviz.CIFConfig.conv_cif_width",
        "frames",
        "How many neighbouring frames the convolution in a weight predictor looks at.",
    ),
    Term(
        "finding",
        "",
        "cifviz.diagnosis.Finding",
        "",
        "What one check found: in words, with a picture, with what to try, and whether it is a "
        "fault, a warning or a note.",
    ),
    Term(
        "fire",
        "",
        "cifviz.Firing.num_fires",
        "tokens",
        "A token fires when the weight collected for it reaches the threshold: it is complete, "
        "and the next one begins.",
    ),
    Term(
        "fire position",
        "",
        "cifviz.Firing.fire_positions",
        "frames",
        "Where the weight of a token is complete and that of the next one begins, in frames and "
        "fractions of a frame (1.5 is the middle of frame 1), which need not be an edge of a word.",
    ),
    Term(
        "flush",
        "",
        "cifviz.CIFState.flush",
        "",
        "The end of a stream: the residual fires one more token if it is large enough.",
    ),
    Term(
        "forced alignment",
        "",
        "cifviz.systems.phone_cif.PhoneCIFRecognizer.align",
        "",
        "To place the words of a known transcript in their sound.",
    ),
    Term(
        "frame",
        "t",
        "cifviz.Firing.frame_lengths",
        "frames",
        "A short stretch of sound, 40 ms in most lessons, that gets one vector and one weight.",
    ),
    Term(
        "frame shift",
        "",
        "cifviz.FrameGrid.shift",
        "s",
        "The time from the beginning of one frame to the beginning of the next.",
    ),
    Term(
        "glancing sampler",
        "",
        "cifviz.systems.paraformer.replaced_positions",
        "",
        "In training, a part of the tokens is given away, the more the more of them are "
        "wrong, and the others are taught.",
    ),
    Term(
        "language model",
        "",
        "cifviz.systems.language_side.LanguageSide",
        "",
        "What has learned from text which words go together.",
    ),
    Term(
        "leak",
        "",
        "cifviz.core.neurons.NeuronRule.leak",
        "share per frame",
        "The share of its potential that a neuron loses in a frame; of a CIF it is 0.",
    ),
    Term(
        "log-mel",
        "",
        "cifviz.LogMel",
        "",
        "The input of the recogniser: each 10 ms, the logarithm of the power in some "
        "dozens of bands of pitch.",
    ),
    Term(
        "logit",
        "",
        "cifviz.systems.w2v_cif_bert.W2VCIFBertRecognizer.fused_logits",
        "",
        "A score before it becomes a probability: of a weight, what the sigmoid gets; of tokens, "
        "differences of logits are those of logarithms of probabilities.",
    ),
    Term(
        "mass axis",
        "",
        "cifviz.Firing.axis",
        "weight",
        "The line on which the weights of all frames are laid end to end, and on which tokens are "
        "intervals of equal length.",
    ),
    Term(
        "membrane potential",
        "v",
        "cifviz.core.neurons.Membrane.potential",
        "weight",
        "What a neuron has gathered and not yet spent; of a CIF it is the accumulated weight.",
    ),
    Term(
        "neuron",
        "",
        "cifviz.core.neurons.NeuronRule",
        "",
        "A cell, or a model of one, that adds up currents and sends a pulse when it has enough.",
    ),
    Term(
        "no bias",
        "",
        "cifviz.systems.coldec.PhraseBias.no_bias",
        "",
        "One of the answers of a context network: that a token is of no phrase of the list.",
    ),
    Term(
        "non-autoregressive",
        "",
        "cifviz.systems.decoders.ParallelDecoder",
        "",
        "Of a decoder: it gives all tokens in one pass and is told none of them (NAR).",
    ),
    Term(
        "padding",
        "",
        "cifviz.integrate_and_fire(frame_lengths)",
        "frames",
        "Empty frames behind a short utterance that fill it up to the length of the longest one "
        "in its batch; they must not change anything.",
    ),
    Term(
        "path",
        "",
        "cifviz.systems.phone_paths.path_spans(path)",
        "",
        "A way to find the stretch of frames that each phone of a transcript takes.",
    ),
    Term(
        "pause rounding",
        "",
        "cifviz.CIFConfig.pause_frames",
        "frames",
        "Rounding the weight between two pauses to whole tokens, so that errors do not add up over "
        "a long recording.",
    ),
    Term(
        "phone",
        "",
        "cifviz.corpora.pronunciation.SpokenWord.phones",
        "",
        "One of the sounds of a language that words are made of.",
    ),
    Term(
        "phrase",
        "",
        "cifviz.systems.coldec.PhraseBias.phrases",
        "",
        "An entry of a list, of one token or several, for which a recogniser is to listen.",
    ),
    Term(
        "phrase weight",
        "λ",
        "cifviz.systems.context_network.ContextConfig.coldec_lambda",
        "",
        "How much the context network counts beside the recogniser, from 0 to 1.",
    ),
    Term(
        "pictures per token",
        "T/N",
        "cifviz.systems.lip_reading.LipConfig.picture_frames",
        "",
        "How many pictures of a video a token lasts, on average.",
    ),
    Term(
        "policy",
        "",
        "cifviz.systems.simultaneous.SimultaneousTranslator",
        "",
        "The rule by which a simultaneous system decides, at any time, to read on or to write a "
        "word.",
    ),
    Term(
        "precision",
        "",
        "cifviz.metrics.PhraseScores.precision",
        "",
        "Of the phrases of the list that were recognised, the share that was said.",
    ),
    Term(
        "presence",
        "",
        "cifviz.systems.word_presence.Presence.probabilities",
        "",
        "For each word of a transcript, the probability that it was said.",
    ),
    Term(
        "purification",
        "",
        "cifviz.systems.context_network.ContextConfig.topk_renormalize",
        "",
        "In decoding each fire looks at the few phrases of its highest attention alone, and at no "
        "bias.",
    ),
    Term(
        "quantile",
        "",
        "cifviz.Edges.onset_quantile",
        "share of the weight",
        "Where a given share of a token's weight has passed: edges are read there, inside the "
        "word, and not at the fires.",
    ),
    Term(
        "quantity loss",
        "",
        "cifviz.quantity_loss",
        "tokens per token",
        "The training loss on the difference between the sum of the weights and the number of "
        "tokens.",
    ),
    Term(
        "recall",
        "",
        "cifviz.metrics.PhraseScores.recall",
        "",
        "Of the phrases of the list that were said, the share that was recognised.",
    ),
    Term(
        "residual",
        "",
        "cifviz.Firing.residual",
        "weight",
        "The weight left after the last full token, before any rule for the tail.",
    ),
    Term(
        "retrieval",
        "",
        "cifviz.systems.distillation_losses.retrieval",
        "rank",
        "The test whether a vector finds its counterpart among many by their cosines.",
    ),
    Term(
        "row entropy",
        "",
        "cifviz.metrics.row_entropies",
        "bits",
        "How widely a token is spread over frames: 0 if one frame makes it, 3 if eight share it "
        "evenly.",
    ),
    Term(
        "running sum",
        "S",
        "cifviz.core.mass_axis.MassAxis.running",
        "weight",
        "The sum of all weights so far: where a frame ends on the mass axis.",
    ),
    Term(
        "scaled weight",
        "",
        "cifviz.Firing.scaled_alpha",
        "weight",
        "The weight as it was used, after scaling; as given, where nothing was scaled.",
    ),
    Term(
        "scaling",
        "",
        "cifviz.scale_to_length",
        "",
        "In training, all weights of an utterance times one factor, so that they sum to the "
        "number of tokens.",
    ),
    Term(
        "score",
        "",
        "cifviz.systems.count_hypotheses.CountHypothesis.score",
        "nat",
        "How probable a candidate is to the model that chooses: the mean of the logarithms of "
        "the probabilities of its tokens.",
    ),
    Term(
        "slack",
        "δ",
        "cifviz.integrate_and_fire(slack)",
        "weight",
        "How far below the threshold a token may already fire; what it lacks it takes from the "
        "next one.",
    ),
    Term(
        "slope",
        "∂L/∂α",
        "cifviz.plot.gradient_arrows(gradient)",
        "loss per weight",
        "How much a loss L changes for each unit by which the weight of one frame changes; "
        "training moves the weight the other way.",
    ),
    Term(
        "spike",
        "",
        "cifviz.core.losses.spike_mass_loss",
        "",
        "A frame in which CTC is sure of a token.",
    ),
    Term(
        "spike of a neuron",
        "",
        "cifviz.core.neurons.Membrane.spikes",
        "",
        "The pulse of a neuron whose potential has reached the threshold; of a CIF a fire.",
    ),
    Term(
        "starting weight",
        "",
        "cifviz.CIF.start_at",
        "weight",
        "What each frame weighs before training; set to tokens per frame, the first counts come "
        "out near.",
    ),
    Term(
        "state",
        "",
        "cifviz.systems.encoded_sound.EncodedSound.states",
        "",
        "The numbers that a pretrained encoder gives for a short piece of sound and what is "
        "around it.",
    ),
    Term(
        "stream",
        "",
        "cifviz.CIFState",
        "",
        "Speech that is recognised while it arrives, chunk by chunk, with a small state that one "
        "chunk leaves to the next.",
    ),
    Term(
        "student",
        "",
        "cifviz.systems.hieradist.HieraDistRecognizer.students",
        "",
        "What is trained to be like the states of a teacher: fired embeddings or states of a "
        "decoder, projected to their width.",
    ),
    Term(
        "surrogate gradient",
        "",
        "cifviz.systems.spiking_encoder.surrogate_spike",
        "",
        "The slope of a ramp, used in place of that of a step, which is zero nearly everywhere.",
    ),
    Term(
        "synaptic operation",
        "",
        "cifviz.systems.spiking_encoder.SpikingEncoder.operations",
        "",
        "The addition of one spike at one connection that leaves its neuron.",
    ),
    Term(
        "tail",
        "",
        "cifviz.Firing.tail_fired",
        "",
        "The end of an utterance, with the weight that did not reach the threshold.",
    ),
    Term(
        "tail rule",
        "",
        "cifviz.core.tail.TailRule",
        "",
        "What happens to the residual at the end: it is dropped, it fires, or there is none "
        "because all weights were scaled.",
    ),
    Term(
        "tail threshold",
        "τ",
        "cifviz.core.tail.above",
        "weight",
        "A residual above it fires one more token; a smaller one is dropped.",
    ),
    Term(
        "target length",
        "N",
        "cifviz.scale_to_length(target_lengths)",
        "tokens",
        "The number of tokens in the reference, which is known in training and not in use.",
    ),
    Term(
        "teacher",
        "",
        "cifviz.systems.distillation_losses.contrastive_loss(teacher)",
        "",
        "The pretrained model from whose states another one learns in training, and which is "
        "not needed in use.",
    ),
    Term(
        "temperature",
        "",
        "cifviz.systems.hieradist_settings.DistillationConfig.contrastive_temperature",
        "",
        "What cosines are divided by before they are compared: the smaller it is, the more the "
        "nearest others count.",
    ),
    Term(
        "threshold",
        "β",
        "cifviz.integrate_and_fire(threshold)",
        "weight",
        "The weight that a token takes: each time so much has been collected, one fires.",
    ),
    Term(
        "token",
        "",
        "cifviz.Transcription.tokens",
        "",
        "A unit of the transcript; in these lessons a word.",
    ),
    Term(
        "token error rate",
        "",
        "cifviz.metrics.TokenErrors.rate",
        "errors per token",
        "Deleted, inserted and replaced tokens, divided by the number of tokens in the reference.",
    ),
    Term(
        "transcript",
        "",
        "cifviz.systems.phone_cif.PhoneCIFRecognizer.align(text)",
        "",
        "The words of a sound, as somebody wrote them.",
    ),
    Term(
        "utterance",
        "",
        "cifviz.Firing.utterance",
        "",
        "One stretch of speech that is recognised in one go, alone or as one of a batch.",
    ),
    Term(
        "valley",
        "",
        "cifviz.Edges.cut",
        "",
        "A low place in the row of weights, as between two words, where one token's weight is cut "
        "from the next one's when edges are read.",
    ),
    Term(
        "viseme",
        "",
        "cifviz.corpora.drawn_mouth.VISEMES",
        "",
        "What can be seen of a phone; phones that look alike share one.",
    ),
    Term(
        "wait-k",
        "",
        "cifviz.systems.wait_k.WaitKTranslator",
        "",
        "A policy by the clock: read k pieces of a fixed length, then write a word for each "
        "further one.",
    ),
    Term(
        "weight",
        "α",
        "cifviz.Firing.alpha",
        "weight",
        "How much of a token a frame is worth, a number that the recogniser gives to each frame; "
        "it is also the unit of all sums of weights.",
    ),
    Term(
        "weight in silence",
        "",
        "cifviz.metrics.mass_in_silence",
        "weight",
        "The weight outside the words; of a frame that an edge cuts, the part outside.",
    ),
    Term(
        "weight predictor",
        "",
        "cifviz.CIFConfig.produce_weight_type",
        "",
        "The small network that makes a weight of each frame's vector and perhaps of its "
        "neighbours'.",
    ),
    Term(
        "weight sum",
        "",
        "cifviz.Firing.weight_sum",
        "weight",
        "The weights of an utterance added up: the running sum S at its end; with a threshold "
        "of 1, about the number of tokens.",
    ),
    Term(
        "word piece",
        "",
        "cifviz.systems.word_pieces.joined_pieces",
        "",
        "One of the words and parts of words into which a language model cuts text.",
    ),
)
"""In alphabetical order."""


def glossary(*names: str) -> None:
    """Show a table of terms: what each means, and where it is in the code.

    Parameters
    ----------
    *names : str
        Names in `TERMS`; they are shown in alphabetical order.

    Raises
    ------
    CIFError
        If no word is asked for, or one that is not in the glossary.

    Examples
    --------
    >>> glossary("slack")  # doctest: +ELLIPSIS
    word   what it means       ...  symbol  unit    in the code
    slack  How far below the th...  δ       weight  `cifviz.integrate_and_fire(slack)`
    """
    require(bool(names), "expected at least one term of the glossary, such as 'weight'")
    known = [term.name for term in TERMS]
    for name in names:
        near = difflib.get_close_matches(name, known, 3, cutoff=0.5)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "see TERMS"
        require(name in known, f"the glossary has no word {name!r}, {hint}")
    table(
        ["word", "what it means", "symbol", "unit", "in the code"],
        [
            [term.name, term.meaning, term.symbol, term.unit, f"`{term.variable}`"]
            for term in TERMS
            if term.name in names
        ],
    )
