"""HieraDist: what it keeps of a CIF, what the teacher adds, and its configuration."""

from dataclasses import fields, replace

import pytest
import torch
from torch.nn import functional as F

from cifviz.core.losses import border_mass_loss
from cifviz.errors import CIFError
from cifviz.systems.base import Batch
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.hieradist import HieraDistConfig, HieraDistRecognizer
from cifviz.systems.hieradist_decoder import ProjectedARDecoder, positions
from cifviz.systems.hieradist_settings import (
    AVAILABLE,
    PASSED_OVER,
    DistillationConfig,
)
from tests.systems.tiny import noise, tiny_config

WIDTH = 7


def tiny(*, decoder="ar", seed=0, dropout=0.0, cif=None, **distillation):
    torch.manual_seed(seed)
    settings = DistillationConfig(
        **{"bert_distill_feat_dim": WIDTH, "contrastive_temperature": 0.5, **distillation}
    )
    plain = tiny_config(
        decoder=decoder, dropout=dropout, **{"conv_cif_dropout": 0.0, **(cif or {})}
    )
    return HieraDistRecognizer(HieraDistConfig(**vars(plain), distillation=settings))


def batch_of(*targets, states=True):
    generator = torch.manual_seed(1)
    features = [torch.randn(60 - 8 * k, 40, generator=generator) for k in range(len(targets))]
    extras = [{"teacher": torch.randn(len(one), WIDTH, generator=generator)} for one in targets]
    by = HieraDistRecognizer.extras
    return Batch.collate(features, targets, extras=extras if states else None, by=by)


def firing_of(model, batch):
    encoded = model.encode(batch)
    lengths = batch.target_lengths
    return encoded, model.cif(encoded.encoder_out, encoded.frame_lengths, target_lengths=lengths)


# --- what stays ----------------------------------------------------------------------------------


@pytest.mark.parametrize("decoder", ["nar", "projection"])
def test_without_the_teacher_it_is_a_cif(decoder):
    """Losses and transcription of a `CIFRecognizer` with the same weights."""
    model = tiny(decoder=decoder).eval()
    parts = {one.name: getattr(model.config, one.name) for one in fields(CIFRecognizer.Config)}
    plain = CIFRecognizer(CIFRecognizer.Config(**parts)).eval()
    plain.load_state_dict(model.state_dict(), strict=False)
    batch = batch_of([1, 2, 3], [4])
    for name, loss in plain(batch).items():
        torch.testing.assert_close(model(batch)[name], loss)
    one, two = model.transcribe(noise(1.0)), plain.transcribe(noise(1.0))
    assert one.tokens == two.tokens != () and one.scores == two.scores


def test_switched_off_it_has_the_losses_of_a_cif():
    model = tiny(apply_cif_contrastive_dis_cos_loss=False, apply_dec_state_dis_loss=False).train()
    assert sorted(model(batch_of([1, 2], [3], states=False))) == [
        "cross_entropy",
        "ctc",
        "quantity",
    ]


# --- what the teacher adds -----------------------------------------------------------------------


def test_the_regression_is_on_what_the_output_layer_is_given():
    model, batch = tiny(), batch_of([1, 2, 3], [4])
    encoded, firing = firing_of(model, batch)
    states = model.decoder.told(firing.embeddings, firing.num_fires, batch.targets.clamp(min=0))
    given = model.decoder(firing.embeddings, firing.num_fires, batch.targets.clamp(min=0))
    torch.testing.assert_close(model.decoder.output(states), given)
    off = (model.linguistic_projection(states) - batch.extras["teacher"]).square().sum(dim=2)
    expected = off[batch.targets >= 0].sum() / 4
    torch.testing.assert_close(model.losses(encoded)["linguistic"], expected)


def test_the_contrast_is_on_what_is_fired():
    """Two tokens: half the time a token is its own only negative, which does not count."""
    model, batch = tiny(), batch_of([1, 2])
    encoded, firing = firing_of(model, batch)
    ours = F.normalize(model.acoustic_projection(firing.embeddings[0]).detach(), dim=1)
    cosines = ours @ F.normalize(batch.extras["teacher"][0], dim=1).T / 0.5
    each = torch.stack([-cosines[k].log_softmax(dim=0)[k] for k in range(2)])
    possible = {0.0, *each.tolist(), float(each.sum())}
    found = set()
    for seed in range(30):
        torch.manual_seed(seed)
        found.add(float(model.losses(encoded)["acoustic"].detach()) * 2)
    assert len(found) > 1
    for value in found:
        assert min(abs(value - one) for one in possible) < 1e-4


def test_the_weights_of_the_losses_are_those_of_the_configuration():
    model = tiny(dec_state_dis_loss_lambda=0.03, ctc_loss_lambda=0.2, use_ctc_constraint=True)
    assert model.loss_weights == {
        "cross_entropy": 1.0,
        "ctc": 0.2,
        "quantity": 1.0,
        "acoustic": 1.0,
        "linguistic": 0.03,
        "constraint": 1.0,
    }


def test_a_ctc_constraint_judges_scaled_weights_between_borders():
    model, batch = tiny(use_ctc_constraint=True), batch_of([1, 2, 3], [4])
    with torch.no_grad():
        model.ctc.bias[-1] -= 2  # most frames are borders
    encoded, firing = firing_of(model, batch)
    blank = model.ctc(encoded.encoder_out).softmax(dim=2)[:, :, -1]
    assert (blank < 0.5).any()
    expected = border_mass_loss(
        replace(firing, alpha=firing.scaled_alpha), blank, batch.target_lengths
    )
    found = model.losses(encoded)["constraint"]
    torch.testing.assert_close(found, expected)
    found.backward()
    assert model.cif.weights.weight_proj.weight.grad.any() and model.ctc.weight.grad is None


def test_all_parts_learn():
    model, batch = tiny(decoder="ar").train(), batch_of([1, 2, 3], [4, 0])
    losses = model(batch)
    sum(losses[name] for name in ("acoustic", "linguistic")).backward()
    for part in (model.acoustic_projection, model.linguistic_projection, model.cif, model.encoder):
        assert all(one.grad is not None and one.grad.any() for one in part.parameters())
    assert model.decoder.output.weight.grad is None


@pytest.mark.parametrize("decoder", ["ar", "nar", "projection"])
def test_padding_and_empty_utterances(decoder):
    """A token costs what it costs alone, but for the contrast, whose negatives are the batch's."""
    model = tiny(decoder=decoder, apply_cif_contrastive_dis_cos_loss=False, use_ctc_constraint=True)
    model.train()
    together = batch_of([1, 2, 3], [], [4])
    found = model(together)
    alone = []
    for place, (frames, tokens) in enumerate(
        zip(together.lengths.tolist(), together.target_lengths.tolist(), strict=True)
    ):
        extras = [{"teacher": together.extras["teacher"][place, :tokens]}]
        features = together.features[place, :frames]
        targets = together.targets[place, :tokens].tolist()
        alone.append(Batch.collate([features], [targets], extras=extras, by=model.extras))
    for name, loss in found.items():
        parts = [model(one)[name] * max(1, int(one.target_lengths.sum())) for one in alone]
        torch.testing.assert_close(loss, sum(parts) / 4, rtol=1e-4, atol=1e-5, msg=name)
    for one in model(batch_of([], [])).values():
        assert one.isfinite()


def test_without_scaling_fires_and_tokens_are_compared_as_far_as_both_go():
    model = tiny(cif={"apply_scaling": False}).train()
    for start in (0.01, 0.9):
        model.start_at(start)
        losses = model(batch_of([1, 2, 3], [4]))
        assert all(one.isfinite() for one in losses.values())


def test_half_precision_under_autocast():
    model, batch = tiny().train(), batch_of([1, 2, 3], [4])
    exact = model(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.manual_seed(0)
        found = model(batch)
    for name in ("linguistic", "acoustic"):
        assert found[name].dtype == torch.float32 and found[name].isfinite()
    torch.testing.assert_close(found["linguistic"], exact["linguistic"], rtol=0.1, atol=0.1)


def test_training_without_a_teacher_is_one_error():
    model, batch = tiny(), batch_of([1, 2], states=False)
    message = (
        r"training needs the teacher's states, extras \{'teacher': \(tokens, 7\)\} of each utt"
    )
    with pytest.raises(CIFError, match=message):
        model.train()(batch)
    assert "acoustic" not in model.eval()(batch)


@pytest.mark.parametrize("shape", [(2, 3, WIDTH + 1), (2, 2, WIDTH), (1, 3, WIDTH)])
def test_a_teacher_of_another_size_is_one_error(shape):
    batch = batch_of([1, 2, 3], [4])
    batch = replace(batch, extras={"teacher": torch.zeros(shape)})
    with pytest.raises(CIFError, match=r"bert_distill_feat_dim\) = \(2, 3, 7\), got .*float32"):
        tiny()(batch)


# --- the decoder ---------------------------------------------------------------------------------


def test_the_decoder_has_positions_and_is_causal():
    model = tiny(decoder="ar").eval()
    assert type(model.decoder) is ProjectedARDecoder
    embeddings, fires = torch.randn(1, 4, 16), torch.tensor([4])
    before, told = model.decoder(embeddings, fires, torch.tensor([[0, 1, 2, 3]])), []
    for place in range(4):
        targets = torch.tensor([[0, 1, 2, 3]])
        targets[0, place] = 4
        after = model.decoder(embeddings, fires, targets)
        told.append([not torch.equal(after[0, k], before[0, k]) for k in range(4)])
    assert told == [[k > place for k in range(4)] for place in range(4)]
    alike = model.decoder(torch.ones(1, 3, 16), torch.tensor([3]), torch.full((1, 3), 2))
    assert not torch.allclose(alike[0, 1], alike[0, 2])  # without positions they would be alike


def test_greedy_decoding_is_what_training_gives_for_its_own_tokens():
    decoder = tiny(decoder="ar").eval().decoder
    embeddings, fires = torch.randn(2, 4, 16), torch.tensor([4, 2])
    ids, scores = decoder.decode(embeddings, fires)
    probabilities = decoder(embeddings, fires, ids).softmax(dim=2)
    for row, count in enumerate(fires.tolist()):
        torch.testing.assert_close(
            probabilities[row, :count].max(dim=1).values, scores[row, :count]
        )
        assert torch.equal(probabilities[row, :count].argmax(dim=1), ids[row, :count])
    assert decoder.decode(torch.zeros(2, 0, 16), torch.tensor([0, 0]))[0].shape == (2, 0)


def test_positions_by_hand():
    found = positions(3, 6)
    for row in range(3):
        angles = [row + 2, (row + 2) / 100, (row + 2) / 10_000]
        expected = torch.tensor(angles, dtype=torch.float32)
        torch.testing.assert_close(found[row], torch.cat([expected.sin(), expected.cos()]))
    assert positions(0, 4).shape == (0, 4) and positions(2, 5)[:, 4].tolist() == [0, 0]


# --- the configuration ---------------------------------------------------------------------------

PUBLISHED = {
    "apply_bert_distill": True,
    "apply_dec_state_dis_loss": True,
    "dec_state_dis_loss_lambda": 0.01,
    "no_dim_scaling_for_mse_loss": True,
    "fetch_decoder_states_from": "pre_final_output_proj",
    "apply_cif_contrastive_dis_cos_loss": True,
    "cif_contrastive_dis_cos_loss_lambda": 1.0,
    "contrastive_temperature": 0.02,
    "num_contrastive_negative_samples": 700,
    "remove_overlap_in_negs": True,
    "ctc_loss_lambda": 0.5,
    "encoder_layers": 15,
    "conv_cif_dropout": 0.2,
}
"""Of its training for AISHELL-1 that has the least error."""


def test_the_defaults_are_the_published_training():
    assert DistillationConfig.from_cif_hieradist(PUBLISHED) == DistillationConfig()


def test_left_out_arguments_distil_nothing():
    config = DistillationConfig.from_cif_hieradist({})
    assert not config.needs_teacher and config.num_contrastive_negative_samples == 300


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"contrastive_temprature": 0.1},
            "no argument of CIF-HieraDist; contrastive_temperature is",
        ),
        (
            {"sample_std_negs": True},
            "sample_std_negs of CIF-HieraDist must be one of False, got Tr",
        ),
        ({"cif_contrastive_dis_cos_loss_type": "arccos"}, "must be one of 'cos', got 'arccos'"),
        ({"contrastive_temperature": -1}, "contrastive_temperature must be a number > 0"),
        ({"remove_overlap_in_negs": 3}, "remove_overlap_in_negs must be True or False, got 3"),
        ({"bert_distill_feat_dim": 0}, "bert_distill_feat_dim must be an integer > 0"),
        ({"dec_state_dis_loss_lambda": -0.1}, "dec_state_dis_loss_lambda must be a number >= 0"),
        (3, "must be a Mapping"),
    ],
)
def test_arguments_that_cannot_be_are_refused(values, message):
    with pytest.raises(CIFError, match=message):
        DistillationConfig.from_cif_hieradist(values)


def test_no_argument_stands_twice():
    own = {one.name for one in fields(DistillationConfig)}
    assert (
        not own & AVAILABLE.keys() and not own & PASSED_OVER and not AVAILABLE.keys() & PASSED_OVER
    )
