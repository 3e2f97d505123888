"""A recogniser that takes a list of phrases: what it changes, and what it must not."""

import copy
import itertools
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from cifviz.errors import CIFError
from cifviz.systems.base import Batch
from cifviz.systems.checkpoints import load_model, save_model
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.coldec import ColDecConfig, ColDecRecognizer, span_alignment_loss
from cifviz.systems.collaborative_decoding import NO_BIAS_MASS
from cifviz.systems.context_network import ContextConfig
from cifviz.systems.decoders import DECODERS
from cifviz.systems.forced_alignment import align_by_count
from cifviz.systems.phrase_learner import PhraseLearner
from cifviz.systems.tail_rule_decoding import decode_by_tail_rule
from cifviz.training.augmentation import Example
from cifviz.training.fit import FitConfig, fit
from cifviz.training.snapshots import held_out_metrics
from tests.systems.invariances import assert_padding_is_not_looked_at, batch_of
from tests.systems.tiny import VOCABULARY, noise, tiny_config

every_decoder = pytest.mark.parametrize("decoder", DECODERS)
SMALL = {"ctxt_encoder_hidden_size": 8, "ctxt_num_heads": 2, "ctxt_encoder_filter_size": 16}
WHERE_TOO = {"span_alignment_loss_lambda": 0.5}
"""Where fires look is taught too."""
FIFTY = [" ".join(words) for words in itertools.product(VOCABULARY, VOCABULARY, ("one", "two"))]
BY_PLACE = {"topk_renormalize": True, "ctxt_encoder_position_encoding_type": "org_transformer_pe"}
"""Purified; without positions phrases of the same tokens would be looked at alike."""


def tiny(*, context=None, seed=0, **settings) -> Any:
    torch.manual_seed(seed)
    config = ContextConfig(**{**SMALL, **(context or {})})
    model = ColDecRecognizer(ColDecConfig(**vars(tiny_config(**settings)), context=config))
    with torch.no_grad():  # so that phrases are taken for something, and not the same everywhere
        model.context.output.weight.normal_(std=3.0)
        model.context.output.bias[-1] -= 4.0
        model.context.attention.attention.in_proj_weight.normal_(std=2.0)
    return model.eval()


def recogniser_of(model):
    """The recogniser that it is but for its context network, as frozen: torch rounds otherwise."""
    parts = {name: value for name, value in vars(model.config).items() if name != "context"}
    alone = CIFRecognizer(CIFRecognizer.Config(**parts)).eval()
    weights = model.state_dict()
    alone.load_state_dict({name: weights[name] for name in alone.state_dict()})
    return alone.requires_grad_(False)


def assert_same(one, two, *, atol=0.0):
    """Tokens, scores and times of two transcriptions."""
    assert one.tokens == two.tokens
    assert one.scores == pytest.approx(two.scores, rel=0, abs=atol)
    assert one.alignment.spans == two.alignment.spans


# --- what a list changes -------------------------------------------------------------------------


@every_decoder
@pytest.mark.parametrize("mass", NO_BIAS_MASS)
def test_without_a_phrase_it_is_the_recogniser_to_the_bit(decoder, mass):
    model = tiny(decoder=decoder, context={"no_bias_mass": mass})
    sounds = [noise(1.5), noise(1.0, 1)]
    expected = recogniser_of(model).transcribe_batch(sounds)
    assert expected[0].tokens != ()
    nothing: list[dict[str, Any]] = [
        {},
        {"phrases": [[], ()]},
        {"phrases": [["", "  "], [" "]]},
        {"phrases": [FIFTY, ["one"]], "phrase_weight": [0, 0.0]},
        {"phrase_weight": [1.0, 1.0]},
    ]
    for request in nothing:
        for one, two in zip(model.transcribe_batch(sounds, **request), expected, strict=True):
            assert_same(one, two)
            assert "phrase_weight" in request or one.extras == {}
    other = model.transcribe_batch(sounds, phrases=[FIFTY, FIFTY])
    assert any(one.scores != two.scores for one, two in zip(other, expected, strict=True))


@every_decoder
def test_a_list_can_change_tokens_but_not_their_times(decoder):
    model = tiny(decoder=decoder)
    alone, found = model.transcribe(noise(2.0)), model.transcribe(noise(2.0), phrases=FIFTY)
    assert found.tokens != alone.tokens
    assert [(one.start, one.end) for one in found.alignment] == [
        (one.start, one.end) for one in alone.alignment
    ]
    bias = found.extras["phrase_bias"]
    assert bias.phrases == tuple(FIFTY) and bias.unbiased == alone.tokens
    assert bias.attention.shape == (len(found.tokens), 51)
    assert bias.attention.dtype == torch.float64
    torch.testing.assert_close(
        bias.attention.sum(dim=1), torch.ones(len(found.tokens)).double(), rtol=0, atol=1e-6
    )
    assert len(bias.no_bias) == len(found.tokens)
    assert all(0 < one < 1 for one in bias.no_bias)


@every_decoder
@pytest.mark.parametrize("settings", [{}, {**BY_PLACE, "renormalize_topk_num": 7}], ids=str)
def test_the_order_of_a_list_changes_no_token(decoder, settings):
    model = tiny(decoder=decoder, context=settings)
    order = np.random.default_rng(0).permutation(50)
    one = model.transcribe(noise(2.0), phrases=FIFTY)
    two = model.transcribe(noise(2.0), phrases=[FIFTY[place] for place in order])
    assert_same(one, two, atol=1e-6)
    columns = [0, *(order + 1)]
    torch.testing.assert_close(
        one.extras["phrase_bias"].attention[:, columns],
        two.extras["phrase_bias"].attention,
        rtol=0,
        atol=1e-6,
    )


def test_repeated_and_empty_phrases_are_none():
    model = tiny()
    one = model.transcribe(noise(2.0), phrases=["one two", "four"])
    two = model.transcribe(noise(2.0), phrases=["", "one  two", "four ", "one two", " "])
    assert_same(one, two)
    assert two.extras["phrase_bias"].phrases == ("one two", "four")


@every_decoder
@pytest.mark.parametrize("settings", [{}, BY_PLACE], ids=str)
def test_utterances_have_lists_of_their_own_and_are_the_same_alone(decoder, settings):
    model = tiny(decoder=decoder, context=settings)
    sounds = [noise(s, seed) for seed, s in enumerate([2.0, 1.0, 1.013, 0.0, 1.5])]
    lists = [FIFTY, [], ["one two", "four"], ["one"], FIFTY[::-1]]
    weights = [0.3, 0.5, 1.0, 0.5, 0.7]
    together = model.transcribe_batch(sounds, phrases=lists, phrase_weight=weights)
    for sound, phrases, weight, one in zip(sounds, lists, weights, together, strict=True):
        alone = model.transcribe(sound, phrases=phrases, phrase_weight=weight)
        assert one.tokens == alone.tokens
        assert one.scores == pytest.approx(alone.scores, abs=1e-5)
        assert one.extras.keys() == alone.extras.keys() == ({"phrase_bias"} if phrases else set())
        if phrases:
            mine, its = one.extras["phrase_bias"], alone.extras["phrase_bias"]
            assert (mine.phrases, mine.unbiased) == (its.phrases, its.unbiased)
            assert mine.no_bias == pytest.approx(its.no_bias, abs=1e-5)
            torch.testing.assert_close(mine.attention, its.attention, rtol=0, atol=1e-5)
    unbiased = recogniser_of(model).transcribe(sounds[1])
    assert together[1].tokens == unbiased.tokens != ()
    assert together[3].tokens == () and together[3].extras["phrase_bias"].attention.shape == (0, 2)


@every_decoder
def test_where_nothing_fires_there_is_no_token(decoder):
    model = tiny(decoder=decoder)
    torch.nn.init.zeros_(model.cif.weights.weight_proj.weight)
    model.cif.start_at(1e-6)
    for sound in (noise(0.0), noise(1.0)):
        found = model.transcribe(sound, phrases=["one", "two four"])
        assert found.tokens == found.scores == found.extras["phrase_bias"].unbiased == ()


def test_the_weight_of_the_configuration_is_that_of_a_request_without_one():
    model, other = tiny(context={"coldec_lambda": 0.8}), tiny(context={"coldec_lambda": 0.0})
    one = model.transcribe(noise(2.0), phrases=FIFTY)
    assert_same(one, other.transcribe(noise(2.0), phrases=FIFTY, phrase_weight=0.8), atol=1e-6)
    assert_same(other.transcribe(noise(2.0), phrases=FIFTY), other.transcribe(noise(2.0)))


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_at_a_weight_of_one_without_no_bias_the_context_network_decides_alone(temperature):
    model = tiny(context={"joint_ctxt_temperature": temperature})
    with torch.no_grad():
        model.context.output.bias[-1] = -1e4
        encoded = model.encoded(
            model.sounds([noise(2.0)]), phrases=[["one two"]], phrase_weight=[1]
        )
        firing = model.cif(encoded.encoder_out, encoded.frame_lengths)
        found = model.decode_with_context(firing, encoded)
        best = (found.output.logits[:, :, :-1] / temperature).softmax(dim=2).max(dim=2)
    assert torch.equal(found.ids, best.indices)
    torch.testing.assert_close(found.scores, best.values)


def test_a_decoder_that_is_told_tokens_is_told_those_that_both_decided():
    """Teacher forcing by what came out gives the scores that came out."""
    model = tiny(decoder="ar")
    encoded = model.encoded(model.sounds([noise(2.0)]), phrases=[FIFTY], phrase_weight=[0.5])
    with torch.no_grad():
        firing = model.cif(encoded.encoder_out, encoded.frame_lengths)
        found = model.decode_with_context(firing, encoded)
        told = [
            model.decoder(firing.embeddings, firing.num_fires, ids)
            for ids in (found.ids, found.unbiased)
        ]
        by_context = found.output.logits.log_softmax(dim=2)
        no_bias = by_context[..., -1:] >= by_context[..., :-1].amax(dim=2, keepdim=True)
        both, alone = (
            (0.5 * log_probs + 0.5 * by_context[..., :-1].where(~no_bias, log_probs)).softmax(dim=2)
            for log_probs in (one.log_softmax(dim=2) for one in told)
        )
    assert not torch.equal(found.ids, found.unbiased)
    assert torch.equal(both.argmax(dim=2), found.ids)
    torch.testing.assert_close(both.amax(dim=2), found.scores)
    assert (alone.amax(dim=2) - found.scores).abs().max() > 1e-3


def test_ten_thousand_phrases_are_a_list():
    model = tiny(context=BY_PLACE)
    words = itertools.product(VOCABULARY, repeat=6)
    phrases = [" ".join(one) for one in itertools.islice(words, 10_000)]
    found = model.transcribe(noise(1.0), phrases=phrases)
    bias = found.extras["phrase_bias"]
    assert bias.attention.shape == (len(found.tokens), 10_001) and bias.phrases == tuple(phrases)
    assert ((bias.attention > 0).sum(dim=1) == 11).all()


def test_under_autocast_it_transcribes():
    model = tiny()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = model.transcribe(noise(1.0), phrases=FIFTY, phrase_weight=0.4)
        empty = model.transcribe(noise(0.0), phrases=FIFTY)
    assert len(found.tokens) == int(found.firing.num_fires) > 0 and empty.tokens == ()
    assert all(0 <= score <= 1 for score in found.scores)
    sums = found.extras["phrase_bias"].attention.sum(dim=1)
    torch.testing.assert_close(sums, torch.ones_like(sums), rtol=0, atol=0.05)


def test_tail_rules_and_forced_alignment_take_a_list():
    model = tiny()
    model.cif.config = replace(model.cif.config, apply_tail_handling=False)
    log_mel = model.config.features(noise(2.0))
    _, found = decode_by_tail_rule(model, log_mel, phrases=FIFTY)
    assert found["drop"] == model.transcribe(noise(2.0), phrases=FIFTY).tokens
    aligned = align_by_count(model, noise(2.0), ["one", "two"], phrases=FIFTY)
    assert aligned.scores == align_by_count(model, noise(2.0), ["one", "two"]).scores


# --- input that means nothing --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"phrases": "one two"}, "phrases must be a sequence of texts, not one text, got 'one two"),
        ({"phrases": None}, "phrases must be a Sequence, got None"),
        ({"phrases": 3}, "phrases must be a Sequence, got 3"),
        ({"phrases": ["one", 2]}, "phrase 1 must be a str, got 2"),
        ({"phrases": ["one", "", "two five"]}, r"phrase 2 \('two five'\) has the token 'five'"),
        ({"phrases": ["one " * 31]}, "phrase 0 must have at most 30 tokens, got 31"),
        ({"phrase_weight": 1.01}, "phrase_weight must be a number >= 0 and <= 1, got 1.01"),
        ({"phrase_weight": -1}, "phrase_weight must be a number >= 0 and <= 1, got -1"),
        ({"phrase_weight": float("nan")}, "phrase_weight must be a number .*, got nan"),
        ({"phrase_weight": "0.5"}, "phrase_weight must be a number .*, got '0.5'"),
        ({"phrase_weight": None}, "phrase_weight must be a number .*, got None"),
        ({"names": ["one"]}, "extra input must be one of 'phrases', 'phrase_weight', got 'names'"),
    ],
)
def test_a_request_that_means_nothing_is_one_error(request_, message):
    with pytest.raises(CIFError, match=message):
        tiny().transcribe(noise(0.5), **{"phrases": ["one"], **request_})


def test_each_utterance_has_its_list():
    with pytest.raises(CIFError, match="expected 2 values of phrases, one for each .*, got 1"):
        tiny().transcribe_batch([noise(0.5), noise(0.5)], phrases=[["one"]])


def test_another_recogniser_takes_no_phrases():
    model = recogniser_of(tiny())
    assert "phrases" not in model.extras and "phrases" in tiny().extras
    with pytest.raises(CIFError, match="extra input must be one of .*, got 'phrases'"):
        model.transcribe(noise(0.5), phrases=["one"])


def test_weights_that_are_no_numbers_are_one_error():
    model = tiny()
    torch.nn.init.constant_(model.context.output.weight, float("nan"))
    with pytest.raises(CIFError, match="the model computes NaN or infinity for this sound"):
        model.transcribe(noise(0.5), phrases=["one"])
    assert model.transcribe(noise(0.5)).tokens == recogniser_of(model).transcribe(noise(0.5)).tokens


# --- training ------------------------------------------------------------------------------------


def test_the_context_network_alone_learns():
    model = tiny(dropout=0.5).train()
    assert model.training and model.context.training
    parts = {name for name, part in model.named_children() if part.training}
    assert parts == {"context"} and not any(one.training for one in model.encoder.modules())
    losses = model(batch_of([1, 2, 3], [4, 0]), wanted=("segments",))
    assert losses.keys() == model.loss_weights.keys() == {"context"}
    losses["context"].backward()
    reached = {name for name, one in model.named_parameters() if one.grad is not None}
    assert reached == {f"context.{name}" for name, _ in model.context.named_parameters()}
    assert not any(part.training for part in model.eval().modules())


def test_where_fires_look_is_a_loss_if_it_counts_or_is_asked_for():
    batch = batch_of([1, 2, 3], [4, 0])
    model = tiny(context=WHERE_TOO).train()
    assert model.loss_weights == {"context": 1.0, "span_alignment": 0.5}
    losses = model(batch)
    assert losses.keys() == model.loss_weights.keys()
    assert tiny().train()(batch, wanted=("span_alignment",)).keys() == losses.keys()
    losses["span_alignment"].backward()
    reached = {name for name, one in model.named_parameters() if one.grad is not None}
    assert {name.split(".")[1] for name in reached} == {"phrases", "attention"}


def test_where_fires_look_by_hand():
    """The weights of the attention are 0: each fire looks at "no bias" and at every phrase alike.
    The one list has "1" and "2", so thirds; of the three tokens all are of one of them."""
    model = tiny(context={"contextual_content": "1gram", "num_c_batch": 2, "train_p_keep": 1.0})
    for parameter in model.context.parameters():
        torch.nn.init.zeros_(parameter)
    counts, targets = torch.tensor([1, 2]), torch.tensor([[1, -1], [2, 2]])
    given = torch.zeros(2, 2, 16), counts, targets
    found = model.context_losses(*given, wanted=("span_alignment",))["span_alignment"]
    assert found.item() == pytest.approx(np.log(3), rel=1e-5)
    model.config = replace(model.config, context=replace(model.config.context, train_p_keep=0.0))
    found = model.context_losses(*given, wanted=("span_alignment",))["span_alignment"]
    assert found.item() == 0  # there is nothing else to look at


def test_a_token_of_several_phrases_may_be_looked_at_in_any():
    """Shares 0.1 for "no bias", 0.2, 0.3, 0.4. The first token is of the last two phrases: 0.7."""
    attention = torch.tensor([[[0.1, 0.2, 0.3, 0.4]] * 3])
    right = torch.tensor([[[False, True, True], [False] * 3, [True] * 3]])
    one = span_alignment_loss(attention, torch.tensor([1]), torch.tensor([[5]]), right[:, :1])
    assert one.item() == pytest.approx(-np.log(0.7), rel=1e-5)
    # The second token is of none; the third did not fire, and is counted all the same.
    targets = torch.tensor([[5, 6, 7]])
    all_three = span_alignment_loss(attention, torch.tensor([2]), targets, right)
    assert all_three.item() == pytest.approx(-(np.log(0.7) + np.log(0.1)) / 3, rel=1e-5)
    none = attention[:, :0], torch.tensor([0]), targets[:, :0], right[:, :0]
    assert span_alignment_loss(*none).item() == 0
    # Where nothing lies on the right phrases, the loss is large, not infinite.
    elsewhere = torch.tensor([[[1.0, 0.0]]])
    given = torch.tensor([1]), torch.tensor([[5]]), torch.tensor([[[True]]])
    assert 80 < span_alignment_loss(elsewhere, *given).item() < 100


def test_gradients_of_where_fires_look_are_those_of_differences():
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    right, targets = torch.rand(2, 3, 3) < 0.3, torch.tensor([[1, 2, 3], [4, -1, -1]])
    counts = torch.tensor([3, 2])

    def loss(logits):
        return span_alignment_loss(logits.softmax(dim=2), counts, targets, right)

    assert torch.autograd.gradcheck(loss, logits)


def test_loss_by_hand():
    """All parameters 0, one token. Of the six choices, 1 has the logit ln 3 and "no bias" ln 4, so
    that they are 3 and 4 parts of 11. The list has the phrase "1", or none."""
    model = tiny(context={"contextual_content": "1gram", "num_c_batch": 1, "label_smoothing": 0.0})
    for parameter in model.context.parameters():
        torch.nn.init.zeros_(parameter)
    with torch.no_grad():
        model.context.output.bias[1], model.context.output.bias[-1] = np.log(3), np.log(4)
    embeddings, counts, targets = torch.zeros(1, 1, 16), torch.tensor([1]), torch.tensor([[1]])
    for keep, share in ((1.0, 3 / 11), (0.0, 4 / 11)):
        model.config = replace(
            model.config, context=replace(model.config.context, train_p_keep=keep)
        )
        loss = model.context_losses(embeddings, counts, targets)["context"]
        assert loss.item() == pytest.approx(-np.log(share), rel=1e-5)
        smooth = model.context_losses(embeddings, counts, targets, label_smoothing=0.5)["context"]
        mean = -(np.log(3) + np.log(4) - 6 * np.log(11)) / 6
        assert smooth.item() == pytest.approx((loss.item() + mean) / 2, rel=1e-5)


def test_loss_does_not_depend_on_padding():
    """Its lists are drawn from the batch: with the same random numbers they are the same."""
    model, batch = tiny(context=WHERE_TOO), batch_of([1, 2, 3], [0, 1])
    losses = model.losses

    def drawn_alike(encoded):
        torch.manual_seed(5)
        return losses(encoded)

    model.losses = drawn_alike
    assert_padding_is_not_looked_at(model, batch)


@pytest.mark.parametrize(
    "targets",
    [[[1, 2, 3], [0]], [[1, 2, 3], []], [[], []], [[4] * 40, [1]]],
    ids=["words", "one empty", "all empty", "more tokens than frames"],
)
@pytest.mark.parametrize("keep", [0.0, 0.7, 1.0])
def test_losses_and_gradients_are_finite(targets, keep):
    model = tiny(context={"train_p_keep": keep, **WHERE_TOO}).train()
    losses = model(batch_of(*targets))
    sum(losses.values()).backward()
    assert all(loss.isfinite() and loss >= 0 for loss in losses.values())
    assert all(one.grad is None or one.grad.isfinite().all() for one in model.parameters())


def test_under_autocast_it_trains():
    model, batch = tiny(context=WHERE_TOO), batch_of([1, 2, 3], [])
    for weight in (model.context.output.weight, model.context.attention.attention.in_proj_weight):
        torch.nn.init.normal_(weight, std=0.1)  # so that roundings stay small
    losses = []
    for enabled in (False, True):
        torch.manual_seed(3)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            losses.append(torch.stack([*model.train()(batch).values()]))
    losses[1].sum().backward()
    torch.testing.assert_close(losses[1].float(), losses[0], rtol=0.1, atol=0.1)
    assert all(one.grad is None or one.grad.isfinite().all() for one in model.parameters())


def test_sound_and_what_fired_for_it_teach_the_same():
    model, batch = tiny(dropout=0.5).train(), batch_of([1, 2, 3], [4, 0], [2])
    encoded = model.encode(batch)
    firing = model.cif(
        encoded.encoder_out, encoded.frame_lengths, target_lengths=batch.target_lengths
    )
    kept = Batch.collate(
        [one[:count] for one, count in zip(firing.embeddings, firing.num_fires, strict=True)],
        [[1, 2, 3], [4, 0], [2]],
    )
    losses = []
    for learner, given in ((model, batch), (PhraseLearner(model).train(), kept)):
        torch.manual_seed(2)
        losses.append(learner(given)["context"])
        assert learner.loss_weights == {"context": 1.0}
    torch.testing.assert_close(*losses)
    torch.manual_seed(4)
    assert model(batch)["context"] != losses[0]


def example(rng: np.random.Generator) -> Example:
    """Strings of words, each a band that is loud for eight frames, with silence around it."""
    tokens = rng.integers(5, size=rng.integers(2, 5)).tolist()
    features = -torch.ones(12 * len(tokens) + 4, 6)
    for place, token in enumerate(tokens):
        features[12 * place + 4 : 12 * place + 12, token] = 1
    return Example(features, tokens, torch.full((len(tokens), 2), -1.0))


SETTINGS = FitConfig(steps=30, batch_size=8, learning_rate=5e-3, warmup=5, averaging=0.5)


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("where", [False, True])
def test_fit_teaches_the_context_network_and_nothing_else(tmp_path, cached, where):
    context = {"label_smoothing": 0.0, **(WHERE_TOO if where else {})}
    model = tiny(n_mels=6, down_sampling=2, context=context)
    before, batch = (
        copy.deepcopy(model),
        Batch.collate(
            *zip(*(example(np.random.default_rng(seed)) for seed in range(16)), strict=True)
        ),
    )

    def fired(rng):
        one = Batch.collate(*([value] for value in example(rng)[:2]))
        with torch.no_grad():
            encoded = before.encode(one)
            embeddings = before.cif(
                encoded.encoder_out, encoded.frame_lengths, target_lengths=one.target_lengths
            ).embeddings[0]
        tokens = one.targets[0].tolist()
        return Example(embeddings, tokens, torch.full((len(tokens), 2), -1.0))

    learner = PhraseLearner(model) if cached else model
    made = fired if cached else example
    learner, history = fit(learner, made, SETTINGS, folder=tmp_path, progress=False)
    model = learner.recognizer if cached else learner
    losses = []
    with torch.no_grad():
        for one in (before, model):
            torch.manual_seed(0)
            losses.append(one(batch))
    assert history[-1].keys() == {"step", "loss", *model.loss_weights}
    for name in model.loss_weights:
        assert losses[1][name] < 0.9 * losses[0][name]
    for name, value in before.state_dict().items():
        is_same = torch.equal(model.state_dict()[name], value)
        assert is_same or name.startswith("context."), name


def test_the_weights_of_a_frozen_recogniser_are_not_started():
    model = tiny()
    alpha = model.transcribe(noise(1.0)).firing.alpha
    model.start_at(0.01)
    assert torch.equal(model.transcribe(noise(1.0)).firing.alpha, alpha)


def test_curves_of_a_cif_that_is_not_trained_are_refused():
    with pytest.raises(CIFError, match="expected a model whose CIF is trained, got a ColDecRec"):
        held_out_metrics(tiny(), batch_of([1, 2]))


# --- files ---------------------------------------------------------------------------------------


@every_decoder
def test_what_is_saved_is_what_is_loaded(tmp_path, decoder):
    model = tiny(decoder=decoder, context={"topk_renormalize": True, "no_bias_mass": "shared"})
    save_model(model, tmp_path / "model", "# A card\n")
    saved = json.loads((tmp_path / "model" / "config.json").read_text("utf-8"))
    assert saved["system"] == "coldec" and saved["context"]["no_bias_mass"] == "shared"
    loaded = load_model(tmp_path / "model")
    assert type(loaded) is ColDecRecognizer and loaded.config == model.config
    one, two = (each.transcribe(noise(1.0), phrases=FIFTY) for each in (loaded, model))
    assert (one.tokens, one.scores) == (two.tokens, two.scores) != ((), ())
    frozen = {name for name, one in loaded.named_parameters() if not one.requires_grad}
    assert frozen == {name for name, _ in loaded.named_parameters() if name[:8] != "context."}


def test_a_recogniser_gives_it_its_weights():
    plain = CIFRecognizer(tiny_config())
    missing, unknown = tiny().load_state_dict(plain.state_dict(), strict=False)
    assert not unknown and all(name.startswith("context.") for name in missing)
