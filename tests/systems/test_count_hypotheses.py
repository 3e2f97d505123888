"""Decoding at several numbers of tokens, and who chooses among them."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cifviz.audio.waveform import Waveform
from cifviz.core.tail import dynamic
from cifviz.errors import AudioError, CIFError
from cifviz.systems.attention import AttentionRecognizer, AttentionRecognizerConfig
from cifviz.systems.base import Batch
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.count_hypotheses import (
    CountHypotheses,
    CountHypothesis,
    count_hypotheses,
    decode_at_counts,
)
from cifviz.systems.decoders import Decoder, DecoderConfig
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.feature_normalisation import normalise
from cifviz.systems.paraformer import ParaformerConfig, ParaformerRecognizer
from cifviz.systems.sequence_scorers import AttentionScorer, CIFScorer
from cifviz.systems.upsampled import UpsampledRecognizer
from tests.systems.hinted import HintedConfig, HintedRecognizer
from tests.systems.tiny import VOCABULARY, noise, tiny_config, tiny_recognizer

SOUND = noise(1.0)


def tiny_attention(seed=0):
    torch.manual_seed(seed)
    return AttentionRecognizer(
        AttentionRecognizerConfig(
            VOCABULARY,
            encoder=EncoderConfig(channels=16, kernel=3, dilations=(1, 2)),
            decoder=DecoderConfig(dim=16, layers=2, heads=2),
        )
    ).eval()


def tokens_of(transcriptions):
    return [one.tokens for one in transcriptions]


def liking(count):
    """A scorer to which every token of a candidate with so many of them is certain."""

    def scorer(utterance, candidates):
        return [torch.full((len(one),), -abs(len(one) - count) / 10) for one in candidates]

    return scorer


# --- by hand -------------------------------------------------------------------------------------


class FixedWeights(nn.Module):
    """Weights 0.5, 1, 0.5 in the first three frames."""

    def forward(self, encoder_out, frame_lengths):
        weights = torch.zeros(encoder_out.shape[:2])
        weights[:, :3] = torch.tensor([0.5, 1.0, 0.5])
        return weights


class FrameNumbers(nn.Module):
    """The encoder output of frame t is t in channel 0."""

    def forward(self, features, lengths):
        frames = lengths // 4
        number = torch.arange(int(frames.max()), dtype=torch.float32)
        return F.pad(number[:, None], (0, 15)).expand(len(features), -1, -1), frames


class Rounding(Decoder):
    """The token of id 2 · c + 1/4, rounded down, has the probability 0.6, each other one 0.1."""

    def forward(self, embeddings, num_fires, targets):
        ids = (2 * embeddings[:, :, 0] + 0.25).floor().long().clamp(0, 4)
        return (0.1 + 0.5 * F.one_hot(ids, 5)).log()

    def decode(self, embeddings, num_fires):
        best = self.forward(embeddings, num_fires, num_fires).softmax(dim=2).max(dim=2)
        return best.indices, best.values


class ByHand(CIFRecognizer):
    def make_encoder(self):
        return FrameNumbers()

    def make_decoder(self):
        return Rounding()


def by_hand(**settings):
    model = ByHand(tiny_config(cif_threshold=1.0, **settings)).eval()
    model.cif.weights = FixedWeights()
    return model


def test_a_case_that_is_computed_by_hand():
    # Frames 0, 1, 2 weigh 0.5, 1, 0.5, and c = Σ α_t · t; the id is 2 · c + 1/4, rounded down.
    #   1 token:  α / 2 = 0.25, 0.5, 0.25: c = 1, "two".
    #   2 tokens fire by themselves: c = 0.5, "one"; 0.5 + 0.5 · 2 = 1.5, "three".
    #   3 tokens: α · 3/2 = 0.75, 1.5, 0.75: c = 0.25, "zero"; 1, "two"; 0.25 + 1.5 = 1.75, "three".
    #   4 tokens: α · 2 = 1, 2, 1: c = 0, 1, 1, 2.
    model = by_hand()
    found = count_hypotheses(model, SOUND, CIFScorer(model), reach=2)
    assert found.fired == 2
    assert {one.count: one.transcription.tokens for one in found.candidates} == {
        0: (),
        1: ("two",),
        2: ("one", "three"),
        3: ("zero", "two", "three"),
        4: ("zero", "two", "two", "four"),
    }
    for one in found.candidates[1:]:
        assert one.log_probs == pytest.approx([math.log(0.6)] * one.count)
    assert count_hypotheses(model, SOUND, liking(3), reach=2).transcription.tokens == (
        "zero",
        "two",
        "three",
    )


def test_the_cif_scorer_judges_the_tokens_that_it_is_given():
    model = by_hand()
    right, wrong, half, none = CIFScorer(model)(
        SOUND, [("one", "three"), ("three", "one"), ("zero", "two", "one"), ()]
    )
    torch.testing.assert_close(right.exp(), torch.tensor([0.6, 0.6]))
    torch.testing.assert_close(wrong.exp(), torch.tensor([0.1, 0.1]))
    torch.testing.assert_close(half.exp(), torch.tensor([0.6, 0.6, 0.1]))
    assert none.shape == (0,)


def test_a_score_is_the_mean_over_the_terms():
    model = by_hand()
    made = [
        CountHypothesis(count, model.transcribe(SOUND), terms)
        for count, terms in ((1, (-1.5,)), (2, (-1.0, -1.5)), (0, ()))
    ]
    assert [one.score for one in made] == [-1.5, -1.25, -math.inf]
    assert [one.log_prob for one in made] == [-1.5, -2.5, 0.0]
    assert CountHypotheses(1, tuple(made)).best is made[1]
    assert CountHypotheses(1, tuple(made)).transcription is made[1].transcription


# --- what is decoded -----------------------------------------------------------------------------


@pytest.mark.parametrize("decoder", ["nar", "ar"])
def test_so_many_tokens_come_out_as_are_asked_for(decoder):
    model = tiny_recognizer(decoder=decoder)
    counts = [0, 3, 1, 40]
    found = decode_at_counts(model, SOUND, counts)
    assert [len(one.tokens) for one in found] == counts
    assert [int(one.firing.num_fires) for one in found] == counts
    assert [len(one.alignment) for one in found] == counts
    for one, count in zip(found, counts, strict=True):
        assert float(one.firing.scaled_alpha.sum()) == pytest.approx(count, abs=1e-4)
        assert not one.firing.tail_fired


@pytest.mark.parametrize("cif", [{}, {"add_cif_ctxt_layers": True}], ids=["plain", "context"])
@pytest.mark.parametrize("decoder", ["nar", "ar"])
def test_a_count_alone_gives_what_it_gives_among_others(decoder, cif):
    model = tiny_recognizer(decoder=decoder, **cif)
    counts = [0, 2, 5, 9]
    together = decode_at_counts(model, SOUND, counts)
    alone = [decode_at_counts(model, SOUND, [count])[0] for count in counts]
    assert tokens_of(together) == tokens_of(alone)
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one.firing.embeddings, other.firing.embeddings)
        assert one.scores == pytest.approx(other.scores, abs=1e-5)


@pytest.mark.parametrize("decoder", ["nar", "ar"])
@pytest.mark.parametrize(
    "cif", [{}, {"pause_frames": 1, "pause_weight": 0.5}, {"apply_tail_handling": False}]
)
def test_without_reach_it_is_transcribing(decoder, cif):
    model = tiny_recognizer(decoder=decoder, **cif)
    for seed in range(4):
        sound = noise(0.7, seed)
        (one,) = count_hypotheses(model, sound, liking(0), reach=0).candidates
        expected = model.transcribe(sound)
        assert one.transcription.tokens == expected.tokens
        assert one.transcription.scores == expected.scores
        assert torch.equal(one.transcription.firing.scaled_alpha, expected.firing.scaled_alpha)


def test_no_count_is_below_zero():
    model = tiny_recognizer()
    fired = len(model.transcribe(SOUND).tokens)
    found = count_hypotheses(model, SOUND, liking(0), reach=fired + 3)
    assert [one.count for one in found.candidates] == list(range(2 * fired + 4))
    assert found.candidates[0].transcription.tokens == ()
    assert found.candidates[0].score == -math.inf


@pytest.mark.parametrize("sound", [Waveform([]), noise(0.5)], ids=["no sound", "no fire"])
def test_where_nothing_fires_there_is_nothing_to_scale(sound):
    model = tiny_recognizer()
    nn.init.constant_(model.cif.weights.weight_proj.bias, -50.0)
    for scorer in (CIFScorer(tiny_recognizer(decoder="ar")), AttentionScorer(tiny_attention())):
        found = count_hypotheses(model, sound, scorer, reach=3)
        assert [one.count for one in found.candidates] == [0]
        assert found.transcription.tokens == ()
    # Who asks for tokens is given them.
    assert [len(one.tokens) for one in decode_at_counts(model, sound, [2])] == [2]


def test_features_serve_where_there_is_no_sound():
    model, scorer = tiny_recognizer(), CIFScorer(tiny_recognizer(1, decoder="ar"))
    (features,) = model.sounds([SOUND])
    found, seen = (count_hypotheses(model, one, scorer, reach=1) for one in (SOUND, features))
    assert tokens_of(one.transcription for one in found.candidates) == tokens_of(
        one.transcription for one in seen.candidates
    )
    assert found.best.score == pytest.approx(seen.best.score)


# --- who chooses ---------------------------------------------------------------------------------


def test_the_candidate_that_the_scorer_likes_best_is_chosen():
    model = tiny_recognizer()
    fired = len(model.transcribe(SOUND).tokens)
    for wanted in (fired - 1, fired, fired + 2):
        found = count_hypotheses(model, SOUND, liking(wanted), reach=2)
        assert found.best.count == len(found.transcription.tokens) == wanted
        narrow = found.within(1)
        assert [one.count for one in narrow.candidates] == [fired - 1, fired, fired + 1]
        assert narrow.fired == fired
    assert found.within(1).best.count == fired + 1


def test_of_equals_the_one_nearest_to_what_fires_is_chosen_then_the_shorter():
    one = tiny_recognizer().transcribe(SOUND)

    def best(*counts):
        candidates = tuple(CountHypothesis(count, one, (-1.0,)) for count in counts)
        return CountHypotheses(4, candidates).best.count

    assert best(2, 3, 4, 5) == 4
    assert best(2, 3, 5) == 3


def test_an_autoregressive_cif_judges_as_it_decodes():
    # Greedy decoding gives probabilities of the tokens it chose: judged again, they are the same.
    scorer = CIFScorer(tiny_recognizer(decoder="ar"))
    (one,) = decode_at_counts(scorer.model, SOUND, [4])
    (terms,) = scorer(SOUND, [one.tokens])
    assert terms.exp().tolist() == pytest.approx(one.scores, abs=1e-5)


def test_an_attention_decoder_judges_the_end_too():
    model = tiny_attention()
    nn.init.zeros_(model.decoder.output.weight)
    with torch.no_grad():
        model.decoder.output.bias.copy_(torch.tensor([0.6, 0.1, 0.1, 0.05, 0.05, 0.1]).log())
    empty, two = AttentionScorer(model)(SOUND, [(), ("zero", "three")])
    assert empty.exp().tolist() == pytest.approx([0.1])
    assert two.exp().tolist() == pytest.approx([0.6, 0.05, 0.1])


def test_the_attention_scorers_terms_sum_to_the_loss():
    model = tiny_attention()
    scorer, tokens = AttentionScorer(model), ("one", "four", "one")
    terms, _ = scorer(SOUND, [tokens, ("two",) * 7])
    log_mel = normalise(model.config.features(SOUND))
    encoded = model.encode(Batch.collate([log_mel], [[1, 4, 1]]))
    with torch.no_grad():
        loss = model.decoder.loss(*encoded.with_targets, label_smoothing=0.0)
    assert -float(terms.sum()) / 3 == pytest.approx(float(loss), rel=1e-5)


@pytest.mark.parametrize(
    "scorer",
    [
        CIFScorer(tiny_recognizer(decoder="ar")),
        CIFScorer(tiny_recognizer(decoder="nar")),
        AttentionScorer(tiny_attention()),
    ],
    ids=["ar", "nar", "attention"],
)
def test_a_candidate_is_judged_alone_as_among_others(scorer):
    candidates = [(), ("one",), ("two", "zero", "two"), ("four",) * 12]
    together = scorer(SOUND, candidates)
    for candidate, terms in zip(candidates, together, strict=True):
        (alone,) = scorer(SOUND, [candidate])
        torch.testing.assert_close(alone, terms, rtol=1e-4, atol=1e-5)
        assert (terms <= 0).all()
    assert scorer(SOUND, []) == []


# --- what is refused -----------------------------------------------------------------------------


def test_a_model_that_does_not_scale_is_refused():
    model = tiny_recognizer(apply_scaling=False)
    for call in (
        lambda: decode_at_counts(model, SOUND, [1]),
        lambda: count_hypotheses(model, SOUND, liking(1), reach=0),
        lambda: CIFScorer(model),
    ):
        with pytest.raises(CIFError, match="expected a model that scales its weights"):
            call()


def test_what_makes_no_sense_is_refused():
    model = tiny_recognizer()
    with pytest.raises(CIFError, match="count must be an integer >= 0 and <= 10000, got -1"):
        decode_at_counts(model, SOUND, [2, -1])
    with pytest.raises(CIFError, match="reach must be an integer >= 0 and <= 100, got -1"):
        count_hypotheses(model, SOUND, liking(1), reach=-1)
    with pytest.raises(CIFError, match=r"call \.eval\(\) before transcribing"):
        decode_at_counts(tiny_recognizer().train(), SOUND, [2])
    with pytest.raises(CIFError, match=r"call \.eval\(\) before transcribing"):
        AttentionScorer(tiny_attention().train())
    with pytest.raises(CIFError, match="token of a candidate must be one of .* got 'ten'"):
        CIFScorer(model)(SOUND, [("one", "ten")])
    with pytest.raises(AudioError, match="8000"):
        decode_at_counts(model, Waveform([0.0] * 800, sample_rate=8000), [1])


def test_numbers_that_would_fill_the_memory_are_refused():
    model = tiny_recognizer()
    for count in (10_001, 10**30):
        with pytest.raises(CIFError, match="count must be an integer >= 0 and <= 10000, got 1"):
            decode_at_counts(model, SOUND, [1, count])
        with pytest.raises(CIFError, match="reach must be an integer >= 0 and <= 100, got 1"):
            count_hypotheses(model, SOUND, liking(1), reach=count)


def test_another_kind_of_system_is_refused():
    cif, attention = tiny_recognizer(), tiny_attention()
    for call in (
        lambda: decode_at_counts(attention, SOUND, [1]),
        lambda: count_hypotheses(attention, SOUND, liking(1), reach=0),
        lambda: CIFScorer(attention),
    ):
        with pytest.raises(CIFError, match="model must be a CIFRecognizer, got AttentionRecog"):
            call()
    with pytest.raises(CIFError, match="model must be an AttentionRecognizer, got CIFRecognizer"):
        AttentionScorer(cif)


def test_an_input_that_the_model_does_not_have_is_refused():
    with pytest.raises(CIFError, match="hints"):
        decode_at_counts(tiny_recognizer(), SOUND, [1], hints=["a"])


# --- other systems -------------------------------------------------------------------------------


def test_further_inputs_are_heeded_at_every_count():
    torch.manual_seed(0)
    model = HintedRecognizer(HintedConfig(**vars(tiny_config()), hint_weight=50.0)).eval()
    plain, hinted = (
        tokens_of(decode_at_counts(model, SOUND, [2, 3], hints=torch.tensor(hints)))
        for hints in ([0.0] * 5, [0.0, 0.0, 0.0, 9.0, 0.0])
    )
    assert [len(one) for one in hinted] == [2, 3]
    assert plain != hinted
    found = count_hypotheses(model, SOUND, liking(3), reach=9, hints=torch.tensor([0.0] * 5))
    assert found.transcription.tokens == plain[1]


def test_times_of_a_second_cif_follow_the_count():
    torch.manual_seed(0)
    model = UpsampledRecognizer(tiny_config()).eval()
    for count, one in zip((1, 4), decode_at_counts(model, SOUND, [1, 4]), strict=True):
        assert len(one.tokens) == count == int(one.firing.num_fires)
        assert one.firing.alpha.shape == (1, 75) and one.grid == model.grid


@pytest.mark.parametrize("alignment", ["hard", "soft"])
def test_a_paraformer_decodes_at_any_count_and_is_judged_without_its_sampler(alignment):
    torch.manual_seed(0)
    config = ParaformerConfig(**vars(tiny_config(tail_rule=dynamic)), alignment=alignment)
    model = ParaformerRecognizer(config).eval()
    fired = model.transcribe(SOUND).tokens
    found = count_hypotheses(model, SOUND, CIFScorer(model), reach=1)
    assert [one.count for one in found.candidates] == [
        len(fired) - 1,
        len(fired),
        len(fired) + 1,
    ]
    assert found.within(0).transcription.tokens == fired
    for one in found.candidates:
        assert len(one.transcription.tokens) == len(one.log_probs) == one.count
    # What is scaled is judged as it was decoded: its tokens were the most probable ones.
    scaled = found.candidates[2]
    assert [math.exp(term) for term in scaled.log_probs] == pytest.approx(
        scaled.transcription.scores, abs=1e-5
    )


def test_no_counts_and_no_sound_are_legal():
    assert tokens_of(decode_at_counts(tiny_recognizer(), Waveform([]), [])) == []
    assert tokens_of(decode_at_counts(tiny_recognizer(), Waveform([]), [0])) == [()]


def test_nothing_can_be_chosen_among_no_candidates():
    with pytest.raises(CIFError, match="at least one candidate"):
        _ = CountHypotheses(3, ()).best
