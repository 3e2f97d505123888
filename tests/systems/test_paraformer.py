"""A Paraformer: what is replaced and taught, how many tokens there are, and soft sums."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from cifviz.core.dialects import tail_rules
from cifviz.core.module import CIFConfig
from cifviz.core.tail import TailRule, appended, dynamic, rounded
from cifviz.errors import CIFError
from cifviz.systems.base import Batch
from cifviz.systems.checkpoints import load_model, save_model
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.forced_alignment import align_by_count, align_by_ctc
from cifviz.systems.paraformer import ParaformerConfig, ParaformerRecognizer, replaced_positions
from cifviz.systems.tail_rule_decoding import decode_by_tail_rule
from cifviz.training.augmentation import Example
from cifviz.training.fit import FitConfig, fit
from tests.systems.invariances import (
    assert_losses_are_means_per_token,
    assert_padding_is_not_looked_at,
    batch_of,
)
from tests.systems.tiny import VOCABULARY, noise, tiny_config

both = pytest.mark.parametrize("alignment", ["hard", "soft"])


def tiny(seed=0, *, sampling_ratio=0.75, loss_on="unreplaced", alignment="hard", **settings):
    torch.manual_seed(seed)
    own = {"sampling_ratio": sampling_ratio, "loss_on": loss_on, "alignment": alignment}
    return ParaformerRecognizer(ParaformerConfig(**vars(tiny_config(**settings)), **own)).eval()


def fired(model, one):
    """What `token_losses` is given for a batch."""
    encoded = model.encode(one)
    firing = model.cif(
        encoded.encoder_out, encoded.frame_lengths, target_lengths=one.target_lengths
    )
    return firing, model.adapt(firing.embeddings, firing, encoded), encoded


def always_zero(model):
    """Make a model give token 0 a probability of 1/2, and the four others 1/8 each."""
    torch.nn.init.zeros_(model.decoder.output.weight)
    with torch.no_grad():
        model.decoder.output.bias.copy_(torch.tensor([math.log(4.0), 0, 0, 0, 0]))
    return model


# --- which tokens are replaced -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (0, [0, 0, 0, 0, 0]),
        (0.25, [0, 1, 1, 1, 2]),
        (0.5, [0, 1, 1, 2, 3]),
        (0.75, [0, 1, 2, 3, 4]),
        (1.0, [0, 1, 2, 4, 5]),
        (1.5, [0, 2, 3, 5, 5]),  # more than are wrong, but no more than there are
    ],
)
def test_the_number_of_replaced_tokens_is_the_ceiling(ratio, expected):
    """Of five tokens 0, 1, 2, 4 and 5 are wrong."""
    wrong = torch.tensor([0, 1, 2, 4, 5])
    right = torch.arange(5) >= wrong.unsqueeze(1)
    replaced = replaced_positions(right, torch.full((5,), 5), ratio)
    assert replaced.sum(dim=1).tolist() == expected


def test_rounding_gives_no_token_more():
    """0.1 · 30 is 3.0000000000000004."""
    replaced = replaced_positions(torch.zeros(1, 30).bool(), torch.tensor([30]), 0.1)
    assert replaced.sum() == 3


def test_padding_is_neither_wrong_nor_replaced():
    right = torch.zeros(3, 6).bool()
    replaced = replaced_positions(right, torch.tensor([4, 1, 0]), 1.0)
    assert replaced.long().tolist() == [[1, 1, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0], [0] * 6]
    half = replaced_positions(right, torch.tensor([4, 2, 0]), 0.5)
    assert half.sum(dim=1).tolist() == [2, 1, 0]
    assert replaced_positions(right[:, :0], torch.zeros(3).long(), 1.0).shape == (3, 0)
    assert replaced_positions(right[:0], torch.zeros(0).long(), 1.0).shape == (0, 6)


def test_counts_and_ratios_that_cannot_be_are_refused():
    right = torch.zeros(1, 3).bool()
    with pytest.raises(CIFError, match="counts must be between 0 and 3, got 4 in row 0"):
        replaced_positions(right, torch.tensor([4]), 0.5)
    with pytest.raises(CIFError, match=r"ratio must be a number >= 0, got -0\.5"):
        replaced_positions(right, torch.tensor([3]), -0.5)


def test_all_tokens_have_equal_chances_right_or_wrong():
    """Two of four: each in half of 4000 draws, of which the standard deviation is 32."""
    right = torch.tensor([True, True, False, False]).expand(4000, 4)
    replaced = replaced_positions(right, torch.full((4000,), 4), 1.0)
    assert (replaced.sum(dim=1) == 2).all()
    assert ((replaced.sum(dim=0) - 2000).abs() < 320).all()


def test_the_choice_depends_on_the_generator_alone():
    right, counts = torch.zeros(4, 9).bool(), torch.full((4,), 9)
    first, second, other = (
        replaced_positions(right, counts, 0.5, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, second) and not torch.equal(first, other)


# --- what is taught ------------------------------------------------------------------------------


@pytest.mark.parametrize(("ratio", "given"), [(0.0, 0), (0.25, 1), (0.5, 2), (0.75, 3), (1.0, 3)])
def test_tokens_that_are_replaced_are_not_taught(ratio, given):
    """Token 0 everywhere: of 0 1 2 0 3 three are wrong, and lose ln 8 each; a right one ln 2."""
    model = always_zero(tiny(sampling_ratio=ratio)).train()
    each = torch.tensor([2.0, 8, 8, 2, 8]).log()
    losses = model.token_losses(*fired(model, batch_of([0, 1, 2, 0, 3])), label_smoothing=0.0)[0]
    taught = losses != 0
    assert int((~taught).sum()) == given
    torch.testing.assert_close(losses[taught], each[taught])
    model.config = replace(model.config, loss_on="all")
    losses = model.token_losses(*fired(model, batch_of([0, 1, 2, 0, 3])), label_smoothing=0.0)[0]
    torch.testing.assert_close(losses, each)


def test_in_evaluation_mode_there_is_no_sampler():
    one, model = batch_of([1, 2, 3], [4, 0]), tiny()
    vanilla = tiny(sampling_ratio=0.0)
    for name, loss in model(one).items():
        torch.testing.assert_close(loss, vanilla(one)[name], msg=name)


def test_without_dropout_and_ratio_training_is_evaluation():
    model, one = (
        tiny(sampling_ratio=0.0, dropout=0.0, conv_cif_dropout=0.0),
        batch_of([1, 2, 3], [4]),
    )
    before = model(one)
    for name, loss in model.train()(one).items():
        torch.testing.assert_close(loss, before[name], msg=name)


def test_the_second_pass_is_given_targets_in_place_of_sounds():
    """All are wrong and replaced: the loss on all is that of the targets' embeddings alone."""
    model = tiny(sampling_ratio=1.0, loss_on="all", dropout=0.0, conv_cif_dropout=0.0)
    with torch.no_grad():
        model.decoder.output.bias.copy_(torch.tensor([9.0, 0, 0, 0, 0]))
    one = batch_of([1, 2, 3], [4, 2])
    firing, adapted, encoded = fired(model.train(), one)
    expected = CIFRecognizer.token_losses(
        model, firing, model.embed(one.targets.clamp(min=0)), encoded
    )
    torch.testing.assert_close(model.token_losses(firing, adapted, encoded), expected)
    sounds = torch.autograd.grad(expected.sum(), adapted, allow_unused=True)
    assert sounds == (None,)


def test_embeddings_that_are_not_replaced_learn_and_those_that_are_do_not():
    model = tiny(dropout=0.0, sampling_ratio=0.5).train()
    firing, adapted, encoded = fired(model, batch_of([1, 2, 3, 0], [2, 2]))
    adapted = adapted.detach().requires_grad_()
    torch.manual_seed(1)
    replaced = model.glance(firing, adapted, encoded).replaced
    torch.manual_seed(1)
    model.token_losses(firing, adapted, encoded).sum().backward()
    is_token = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool()
    assert 0 < replaced.sum() < 6
    assert torch.equal(adapted.grad.any(dim=2), is_token & ~replaced)


def test_training_repeats_with_the_seed():
    model, one = tiny(sampling_ratio=0.5, loss_on="all").train(), batch_of([1, 2, 3, 4], [4, 0])
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(model(one)["cross_entropy"].item())
    assert found[0] == found[1] != found[2]


@both
@pytest.mark.parametrize("autocast", [False, True])
def test_the_first_pass_has_no_gradient_and_the_second_has(alignment, autocast, monkeypatch):
    """Autocast keeps copies of the weights: in older PyTorch those of the first have none."""
    model = tiny(alignment=alignment, loss_on="all", dropout=0.0, conv_cif_dropout=0.0).train()
    one = batch_of([1, 2, 3, 4], [4, 0])
    sample, glances = model.glance, []

    def recorded(*given):
        glances.append(sample(*given))
        return glances[0]

    monkeypatch.setattr(model, "glance", recorded)
    found = [gradients(model, one, autocast)]
    assert not glances[0].predicted.requires_grad
    monkeypatch.setattr(model, "glance", lambda *_: glances[0])  # without a first pass
    found.append(gradients(model, one, autocast))
    for name, grad in found[0].items():
        assert grad.isfinite().all(), name
        torch.testing.assert_close(grad, found[1][name], msg=name)


def gradients(model, one, autocast):
    """Those of all parameters, of the sum of all losses."""
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        losses = model(one)
    sum(losses.values()).backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters()}


def example(rng: np.random.Generator):
    """A word is a band that is loud for eight frames, with silence around it."""
    tokens = rng.integers(len(VOCABULARY), size=rng.integers(3, 7)).tolist()
    features = -torch.ones(12 * len(tokens) + 4, 6)
    for place, token in enumerate(tokens):
        features[12 * place + 4 : 12 * place + 12, token] = 1
    return Example(features, tokens, torch.full((len(tokens), 2), -1.0))


@both
def test_fit_lowers_every_loss(alignment, tmp_path):
    settings = FitConfig(steps=100, batch_size=8, learning_rate=5e-3, warmup=5, averaging=0.5)
    small = {"n_mels": 6, "down_sampling": 2, "alignment": alignment}
    model, _ = fit(tiny(**small), example, settings, folder=tmp_path, progress=False)
    rng = np.random.default_rng(99)
    held_out = Batch.collate(*zip(*(example(rng) for _ in range(16)), strict=True))
    with torch.no_grad():
        before, after = tiny(**small)(held_out), model(held_out)
    for name in after:
        assert after[name] < 0.9 * before[name], name


# --- transcription -------------------------------------------------------------------------------


@both
def test_alone_is_as_in_a_batch(alignment):
    model = tiny(alignment=alignment)
    waveforms = [noise(s, seed) for seed, s in enumerate([2.0, 0.02, 1.013, 0.0])]
    together = model.transcribe_batch(waveforms)
    assert len(together[0].tokens) > len(together[3].tokens) == 0
    for waveform, one in zip(waveforms, together, strict=True):
        alone = model.transcribe(waveform)
        assert one.tokens == alone.tokens
        assert one.scores == pytest.approx(alone.scores, abs=1e-5)
        torch.testing.assert_close(one.rows, alone.rows, rtol=0, atol=1e-5)
        for mine, its in zip(one.alignment, alone.alignment, strict=True):
            assert (mine.start, mine.end) == pytest.approx((its.start, its.end), abs=1e-4)


@both
def test_loss_does_not_depend_on_padding(alignment):
    model, two = tiny(alignment=alignment), batch_of([1, 2, 3], [0, 1])
    assert_losses_are_means_per_token(model, two)
    assert_padding_is_not_looked_at(model, two)


@both
def test_in_training_fires_beyond_the_targets_are_seen_alone_as_in_a_batch(alignment):
    """Without scaling the first utterance fires more often than it has tokens; its neighbour has
    so many tokens that all of its fires are among them."""
    model = tiny(alignment=alignment, apply_scaling=False, dropout=0.0, conv_cif_dropout=0.0)
    model.cif.start_at(0.6)
    model.config = replace(model.config, sampling_ratio=1e-12)  # both passes, nothing replaced
    long = torch.randn(60, 40, generator=torch.manual_seed(0))
    each = []
    for targets in ([[1, 2]], [[1, 2], [3] * 30]):
        firing, adapted, encoded = fired(
            model.train(), Batch.collate([long] * len(targets), targets)
        )
        assert firing.num_fires[0] > 4
        predicted = model.glance(firing, adapted, encoded).predicted[0, :2]
        each.append((predicted, model.token_losses(firing, adapted, encoded)[0]))
    (first, alone), (second, together) = each
    assert torch.equal(first, second)
    torch.testing.assert_close(alone, together[:2], rtol=0, atol=1e-5)


@both
def test_legal_but_degenerate_input(alignment):
    model = tiny(alignment=alignment)
    assert model.transcribe_batch([]) == []
    hypothesis = model.transcribe(noise(0.0))
    assert hypothesis.tokens == hypothesis.scores == hypothesis.alignment.tokens == ()
    for mode in (model.eval(), model.train()):
        assert all(loss.isfinite() for loss in mode(batch_of([], [])).values())
        assert all(loss.isfinite() for loss in mode(batch_of([], [1, 2])).values())
    torch.nn.init.constant_(model.cif.weights.weight_proj.bias, -50.0)
    silent = model.eval().transcribe(noise(1.0))
    assert silent.tokens == () and silent.rows.shape == (0, 25)


@pytest.mark.parametrize(
    ("tail", "expected"), [(None, 2), (dynamic, 3), (rounded, 2), (appended(0.75), 3)]
)
def test_the_tail_rule_of_its_cif_says_how_many_tokens_there_are(tail, expected):
    """25 frames of 0.094 weigh 2.35 tokens."""
    model = tiny(tail_rule=tail)
    torch.nn.init.zeros_(model.cif.weights.weight_proj.weight)
    model.start_at(0.094)
    hypothesis = model.transcribe(noise(1.0))
    assert len(hypothesis.tokens) == expected
    if tail == dynamic:  # β = Σα / ⌈Σα⌉
        sums = hypothesis.firing.contributions.sum(dim=2)[0]
        assert sums.tolist() == pytest.approx([2.35 / 3] * 3, abs=1e-5)


def test_by_the_ceiling_the_least_weight_is_a_token():
    model = tiny(tail_rule=dynamic)
    torch.nn.init.zeros_(model.cif.weights.weight_proj.weight)
    model.start_at(1e-6)
    assert len(model.transcribe(noise(1.0)).tokens) == 1
    assert model.transcribe(noise(0.0)).tokens == ()


@both
def test_decoding_by_tail_rule_is_what_it_does_by_itself(alignment):
    """Without slack, which the rules that scale do not know. Of soft sums the count is kept."""
    rules = tail_rules()
    for rule in (TailRule("drop"), rounded, dynamic):
        model = tiny(alignment=alignment, tail_rule=rule, cif_threshold=1.0)
        for seed in range(3):
            waveform = noise(0.7, seed)
            log_mel = model.config.features(waveform)
            found = decode_by_tail_rule(model, log_mel, {"it": rules[str(rule)]})[1]
            assert found["it"] == model.transcribe(waveform).tokens


@both
def test_forced_alignment_has_no_sampler(alignment):
    model, words = tiny(alignment=alignment, sampling_ratio=1.0), ["one", "one", "four"]
    waveform = noise(1.0)
    first, second = (align_by_count(model, waveform, words) for _ in range(2))
    assert first.tokens == tuple(words) and first.scores == second.scores
    assert all(0 < score < 1 for score in first.scores)
    torch.testing.assert_close(first.rows.sum(dim=1), torch.ones(3).double())
    overlap = (first.rows > 0).sum(dim=0).max()
    assert overlap == 3 if alignment == "soft" else overlap <= 2
    assert align_by_count(model, waveform, []).tokens == ()
    assert len(align_by_ctc(model, waveform, words)) == 3


def test_every_token_sees_all_tokens_and_all_frames():
    model = tiny()
    firing, adapted, encoded = fired(model, batch_of([1, 2, 3]))
    logits = model.decoder(adapted, firing.num_fires, encoded)
    later = adapted.clone()
    later[0, 2] += 1
    assert (model.decoder(later, firing.num_fires, encoded)[0, 0] != logits[0, 0]).any()
    other = replace(encoded, encoder_out=encoded.encoder_out + 1)
    assert (model.decoder(adapted, firing.num_fires, other)[0] != logits[0]).any(dim=1).all()


def test_rows_of_soft_alignment_are_its_weights_and_times_those_of_the_mass_axis():
    soft, waveform = tiny(alignment="soft", tail_rule=rounded), noise(1.0)
    hypothesis = soft.transcribe(waveform)
    torch.testing.assert_close(hypothesis.rows, hypothesis.firing.contributions[0])
    assert (hypothesis.rows > 0).all()
    hard = tiny(tail_rule=rounded)
    shared = hard.state_dict().keys()
    hard.load_state_dict({name: soft.state_dict()[name] for name in shared})
    same = hard.transcribe(waveform)
    assert len(same.tokens) == len(hypothesis.tokens)
    assert same.alignment.spans == hypothesis.alignment.spans
    assert not torch.equal(same.rows, hypothesis.rows)


# --- its configuration ---------------------------------------------------------------------------


@both
def test_what_is_saved_is_what_is_loaded(alignment, tmp_path):
    settings = {"alignment": alignment, "tail_rule": appended(0.45), "loss_on": "all"}
    model = tiny(**settings)
    if alignment == "soft":
        torch.nn.init.uniform_(model.cif.sigma)  # as if it had learned them
    save_model(model, tmp_path / "mine", "# Card\n")
    saved = json.loads((tmp_path / "mine/config.json").read_text("utf-8"))
    assert saved["system"] == "paraformer"
    assert saved["cif"]["tail_rule"] == {"rule": "appended", "value": 0.45}
    loaded = load_model(tmp_path / "mine")
    assert type(loaded) is ParaformerRecognizer and loaded.config == model.config
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key
    one, two = loaded.transcribe(noise(1.0)), model.transcribe(noise(1.0))
    assert one.tokens == two.tokens and one.scores == two.scores


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sampling_ratio": -0.1}, r"sampling_ratio must be a number >= 0, got -0\.1"),
        ({"loss_on": "right"}, "loss_on must be one of 'unreplaced', 'all', got 'right'"),
        ({"alignment": "sharp"}, "alignment must be one of 'hard', 'soft', got 'sharp'"),
        ({"soft_heads": 0}, "soft_heads must be an integer > 0, got 0"),
        ({"alignment": "soft", "soft_heads": 3}, "soft_heads must divide .* 16, got 3"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(CIFError, match=message):
        ParaformerConfig(**vars(tiny_config()), **settings)


@pytest.mark.parametrize("cif", [{"add_cif_ctxt_layers": True}, {"cif_embedding_dim": 8}])
def test_a_configuration_of_soft_sums_that_cannot_be_is_named_as_such(cif):
    with pytest.raises(CIFError, match="a soft CIF has neither cif_embedding_dim nor"):
        ParaformerConfig(**vars(tiny_config(**cif)), alignment="soft")


def test_a_ratio_beyond_64_bits_is_a_number_like_others():
    model = tiny(sampling_ratio=10**30).train()
    assert all(loss.isfinite() for loss in model(batch_of([1, 2, 3])).values())
    assert replaced_positions(torch.zeros(1, 2).bool(), torch.tensor([2]), 10**30).all()


def test_a_request_that_it_does_not_know_is_refused():
    with pytest.raises(CIFError, match="extra input must be one of .*, got 'hints'"):
        tiny().transcribe(noise(0.4), hints=1)


def test_it_keeps_encoder_cif_and_ctc_of_a_recogniser():
    plain, model = CIFRecognizer(tiny_config()), tiny()
    for part in ("encoder", "cif", "ctc"):
        mine, its = (one.get_submodule(part).state_dict().keys() for one in (model, plain))
        assert mine == its
    assert model.loss_weights == plain.loss_weights and model.readouts == plain.readouts
    assert model.config.cif == CIFConfig.from_dict(model.config.cif.to_dict())
