"""w2v-cif-bert: rescaling, flattening, how both sides meet and when, with a stand-in for layers."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from cifviz.core.firing import integrate_and_fire
from cifviz.core.module import CIFConfig
from cifviz.core.peak_flattening import flatten_peaks
from cifviz.core.scaling import scale_to_length
from cifviz.errors import CheckpointError, CIFError
from cifviz.systems import language_side, state_input, text_models
from cifviz.systems.base import Batch
from cifviz.systems.language_side import LanguageConfig, LanguageSide
from cifviz.systems.w2v_cif_bert import (
    FusionConfig,
    RescaledCIF,
    W2VCIFBertConfig,
    W2VCIFBertRecognizer,
)
from tests.systems.pretrained import FakeMoonshine
from tests.systems.tiny import noise, tiny_config

DIM = 12
PARTS = ("vocabulary", "features", "encoder", "cif")


class FakeLayers(nn.Module):
    """A place is told of all others that it may look at: stands for layers of `transformers`."""

    def __init__(self, is_causal):
        super().__init__()
        self.is_causal = is_causal
        self.mix = nn.Linear(DIM, DIM)

    def forward(self, *, inputs_embeds, attention_mask, **extra):
        steps = inputs_embeds.shape[1]
        seen = attention_mask.bool().unsqueeze(1).expand(-1, steps, -1)
        if self.is_causal:
            seen = seen & torch.ones(steps, steps, dtype=torch.bool).tril()
        share = seen.float() / seen.sum(dim=2, keepdim=True).clamp(min=1)
        hidden = inputs_embeds + torch.tanh(self.mix(share.to(inputs_embeds.dtype) @ inputs_embeds))
        return type("Output", (), {"last_hidden_state": hidden})


@pytest.fixture
def fake_layers(monkeypatch):
    monkeypatch.setattr(
        language_side, "_layers", lambda config: FakeLayers(config.kind == "causal")
    )


def tiny(kind="none", *, tuned=False, seed=0, fusion=None, **settings):
    torch.manual_seed(seed)
    plain = tiny_config(dropout=0.0, conv_cif_dropout=0.0, cif_threshold=0.999)
    language = LanguageConfig(kind, DIM, {"model_type": "fake"} if kind != "none" else {}, tuned)
    config = W2VCIFBertConfig(
        **{name: getattr(plain, name) for name in PARTS},
        **{"input": "log-mel", **settings},
        language=language,
        fusion=fusion or FusionConfig(),
    )
    return W2VCIFBertRecognizer(config)


def batch_of(*targets):
    generator = torch.manual_seed(1)
    features = [torch.randn(60 - 8 * k, 40, generator=generator) for k in range(len(targets))]
    return Batch.collate(features, targets)


kinds = pytest.mark.parametrize("kind", ["none", "masked", "causal"])
read = pytest.mark.parametrize("kind", ["masked", "causal"])
uses_layers = pytest.mark.usefixtures("fake_layers")


# --- the CIF -------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [True, False])
@pytest.mark.parametrize("counts", [[4, 2], None])
def test_weights_are_scaled_and_flattened_then_fire(channel, counts):
    torch.manual_seed(0)
    cif = RescaledCIF(CIFConfig(encoder_embed_dim=6), channel=channel, flatten=True).eval()
    sound, lengths = torch.randn(2, 9, 6), torch.tensor([9, 6])
    wanted = None if counts is None else torch.tensor(counts)
    found = cif(sound, lengths, target_lengths=wanted)
    if channel:
        torch.testing.assert_close(found.alpha[0], sound[0, :, -1].sigmoid())
    assert not found.alpha[1, 6:].any()
    expected = torch.tensor(counts or [round(one) for one in found.alpha.sum(dim=1).tolist()])
    assert torch.equal(found.num_fires, expected)
    used = flatten_peaks(scale_to_length(found.alpha, expected), lengths)
    again = integrate_and_fire(
        used, sound, frame_lengths=lengths, target_lengths=expected, slack=cif.config.slack
    )
    torch.testing.assert_close(found.embeddings, again.embeddings)
    assert (found.scaled_alpha <= 0.9991).all()


def test_without_flattening_a_frame_may_fire_twice():
    sound = torch.zeros(1, 4, 2)
    sound[0, :, 1] = torch.tensor([6.0, -6, -6, -6])  # nearly all the weight in one frame
    firings = [
        RescaledCIF(CIFConfig(encoder_embed_dim=2), channel=True, flatten=flatten)(
            sound, target_lengths=torch.tensor([2])
        )
        for flatten in (False, True)
    ]
    assert firings[0].scaled_alpha.max() > 1.9 and firings[1].scaled_alpha.max() < 1
    assert [int(one.num_fires) for one in firings] == [2, 2]


@pytest.mark.parametrize("frames", [0, 1, 5])
def test_no_weight_is_no_token(frames):
    sound = torch.full((1, frames, 2), -20.0)
    cif = RescaledCIF(CIFConfig(encoder_embed_dim=2), channel=True, flatten=True).eval()
    firing = cif(sound)
    assert firing.embeddings.shape == (1, 0, 2) and not firing.num_fires.any()


# --- the schedule --------------------------------------------------------------------------------


def test_the_schedule_by_hand():
    """From 0.9 to 0.2 between step 1,000 and 9,000."""
    rates = [FusionConfig().gold_rate(step) for step in (0, 1000, 3000, 8999, 9000, 10**6)]
    assert rates == pytest.approx([0.9, 0.9, 0.725, 0.2 + 0.7 / 8000, 0.2, 0.2])


@uses_layers
def test_steps_of_training_are_counted_and_nothing_else():
    model, batch = tiny("masked"), batch_of([1, 2], [3])
    model.train()(batch)
    model(batch)
    model.eval()(batch)
    model.transcribe(noise(0.4))
    assert model.updates == 2


@uses_layers
@read
def test_at_first_no_gradient_passes_through_the_layers(kind):
    fusion = FusionConfig(gold_rate_range=(0.0, 0.0), freeze_lm_finetune_updates=1, lambda_am=0.0)
    model, batch = tiny(kind, tuned=True, fusion=fusion).train(), batch_of([1, 2, 3], [4, 0])
    learned = []
    for _ in range(2):
        model.zero_grad()
        model(batch)["cross_entropy"].backward()
        parts = (model.language.layers.mix, model.decoder.project, model.language_output)
        learned.append(
            [bool(part.weight.grad is not None and part.weight.grad.any()) for part in parts]
        )
    assert learned == [[False, False, True], [True, True, True]]


@uses_layers
def test_embeddings_and_frozen_layers_are_never_trained():
    fusion = FusionConfig(gold_rate_range=(0.0, 0.0), freeze_lm_finetune_updates=0)
    model = tiny("masked", fusion=fusion).train()
    model(batch_of([1, 2, 3]))["cross_entropy"].backward()
    for part in (model.language.embed, model.language.layers):
        assert all(one.grad is None and not one.requires_grad for one in part.parameters())
    assert not model.language.layers.training
    assert model.decoder.project.weight.grad.any()


# --- how both sides meet -------------------------------------------------------------------------


@uses_layers
@read
def test_logits_are_the_weighted_sum_of_both_sides(kind):
    fusion = FusionConfig(lambda_am=0.7, lambda_lm=0.4, infer_threash=1.0)
    model = tiny(kind, fusion=fusion).eval()
    embeddings, counts = torch.randn(2, 4, 16), torch.tensor([4, 2])
    hidden = model.decoder.hidden(embeddings, counts)
    acoustic = model.decoder.output(hidden)
    expected = 0.7 * acoustic + 0.4 * model.language_output(model.language(hidden, counts))
    torch.testing.assert_close(model._fused(acoustic, hidden, counts), expected)


@uses_layers
@read
@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
def test_the_model_is_given_tokens_where_the_acoustic_side_is_sure(kind, threshold):
    model = tiny(kind, fusion=FusionConfig(infer_threash=threshold)).eval()
    seen = []
    model.language.forward = lambda vectors, counts: seen.append(vectors) or vectors
    hidden, counts = torch.randn(1, 5, DIM) * 3, torch.tensor([5])
    acoustic = model.decoder.output(hidden)
    model._fused(acoustic, hidden, counts)
    best = acoustic.softmax(dim=2).max(dim=2)
    for place in range(5):
        is_sure = best.values[0, place].item() > threshold
        expected = model.language.embed.weight[best.indices[0, place]]
        expected = expected if is_sure else hidden[0, place]
        torch.testing.assert_close(seen[0][0, place], expected)


@uses_layers
def test_only_what_is_fed_acoustically_is_taught():
    """The sum over all tokens is the mean over the taught ones times the number of tokens."""
    fusion = FusionConfig(gold_rate_range=(0.5, 0.5))
    model, batch = tiny("masked", fusion=fusion).train(), batch_of([1, 2, 3, 0], [4, 1])
    encoded = model.encode(batch)
    firing = model.cif(
        encoded.encoder_out, encoded.frame_lengths, target_lengths=batch.target_lengths
    )
    losses = model.token_losses(firing, firing.embeddings, encoded)
    is_token = batch.targets >= 0
    taught = losses > 0
    assert 0 < int(taught.sum()) < 6 and not losses[~is_token].any()
    share = 6 / int(taught.sum())
    plain = losses[taught] / share
    torch.testing.assert_close(losses.sum(), plain.mean() * 6)


@uses_layers
def test_nothing_taught_costs_nothing():
    model = tiny("masked", fusion=FusionConfig(gold_rate_range=(1.0, 1.0))).train()
    assert model(batch_of([1, 2, 3]))["cross_entropy"] == 0


# --- the language side ---------------------------------------------------------------------------


@uses_layers
def test_a_masked_model_reads_between_begin_and_end():
    side = LanguageSide(LanguageConfig("masked", DIM, {"model_type": "fake"}), 5)
    vectors, table = torch.randn(1, 3, DIM), side.embed.weight
    given = torch.cat([table[5:6], vectors[0, :2], table[6:7]])
    expected = side.layers(
        inputs_embeds=given[None], attention_mask=torch.ones(1, 4, dtype=torch.long)
    ).last_hidden_state[0, 1:3]
    found = side(vectors, torch.tensor([2]))
    torch.testing.assert_close(found[0, :2], expected)
    assert not found[0, 2].any()


@uses_layers
def test_a_causal_model_expects_a_token_from_those_before_it():
    side = LanguageSide(LanguageConfig("causal", DIM, {"model_type": "fake"}), 5)
    vectors = torch.randn(1, 4, DIM)
    before = side(vectors, torch.tensor([4]))
    for place in range(4):
        changed = vectors.clone()
        changed[0, place] += 1
        after = side(changed, torch.tensor([4]))
        differs = [not torch.allclose(after[0, k], before[0, k]) for k in range(4)]
        assert differs == [k > place for k in range(4)]


@uses_layers
@read
def test_padding_and_neighbours_change_no_state(kind):
    side = LanguageSide(LanguageConfig(kind, DIM, {"model_type": "fake"}), 5)
    vectors, counts = torch.randn(3, 4, DIM), torch.tensor([4, 0, 2])
    together = side(vectors, counts)
    for number, count in enumerate(counts.tolist()):
        alone = side(vectors[number : number + 1, :count], counts[number : number + 1])
        torch.testing.assert_close(together[number, :count], alone[0])
        assert not together[number, count:].any()
    vectors[2, 2:] = torch.inf
    torch.testing.assert_close(side(vectors, counts), together)
    assert side(vectors[:, :0], counts * 0).shape == (3, 0, DIM)


@uses_layers
@read
def test_a_long_utterance_is_read_in_parts(kind, monkeypatch):
    monkeypatch.setattr(language_side, "MOST_POSITIONS", 5)
    side = LanguageSide(LanguageConfig(kind, DIM, {"model_type": "fake"}), 5)
    vectors = torch.randn(2, 7, DIM)
    found = side(vectors, torch.tensor([7, 4]))
    first = side(vectors[:, :3], torch.tensor([3, 3]))
    torch.testing.assert_close(found[:, :3], first)
    torch.testing.assert_close(found[1:, 3:4], side(vectors[1:, 3:4], torch.tensor([1])))
    assert not found[1, 4:].any()


# --- the whole -----------------------------------------------------------------------------------


@uses_layers
@kinds
@pytest.mark.parametrize("weights", ["channel", "predictor"])
def test_losses_do_not_look_at_padding(kind, weights):
    fusion = FusionConfig(gold_rate_range=(0.0, 0.0))
    model = tiny(kind, weights=weights, fusion=fusion).train()
    together = batch_of([1, 2, 3], [], [4])
    found = model(together)
    alone = []
    for number in range(3):
        frames, tokens = int(together.lengths[number]), int(together.target_lengths[number])
        targets = together.targets[number, :tokens].tolist()
        alone.append(Batch.collate([together.features[number, :frames]], [targets]))
    for name, loss in found.items():
        parts = [model(one)[name] * max(1, int(one.target_lengths.sum())) for one in alone]
        torch.testing.assert_close(loss, sum(parts) / 4, rtol=1e-4, atol=1e-5, msg=name)
    assert all(one.isfinite() for one in model(batch_of([], [])).values())


@uses_layers
@kinds
def test_transcription_alone_and_in_a_batch(kind):
    model = tiny(kind).eval()
    sounds = [noise(0.9), noise(0.01), noise(0.5, seed=3)]
    for one, together in zip(sounds, model.transcribe_batch(sounds), strict=True):
        alone = model.transcribe(one)
        assert alone.tokens == together.tokens
        assert alone.scores == pytest.approx(together.scores, abs=1e-5)
    assert len(model.transcribe(sounds[0]).tokens) > 0


@uses_layers
@read
def test_under_autocast_losses_are_finite(kind):
    model = tiny(kind, tuned=True, fusion=FusionConfig(freeze_lm_finetune_updates=0)).train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = model(batch_of([1, 2, 3], [4]))
    sum(losses.values()).backward()
    assert all(one.isfinite() for one in losses.values())


@uses_layers
@pytest.mark.parametrize("weights", ["channel", "predictor"])
def test_it_starts_at_about_as_many_tokens_as_there_are(weights):
    model = tiny(weights=weights).eval()
    model.start_at(0.1)
    alpha = model.fire([noise(2.0)]).alpha
    assert 0.04 < float(alpha.mean()) < 0.25


def test_states_take_the_place_of_log_mel(monkeypatch):
    monkeypatch.setattr(state_input, "load_moonshine", FakeMoonshine)
    model = W2VCIFBertRecognizer(W2VCIFBertConfig(vocabulary=("a", "##b"))).eval()
    found = model.transcribe(noise(1.0))
    assert found.extras["states"].shape == (40, 288) and found.grid.shift == 0.024
    with pytest.raises(CIFError, match="looks at states of the pretrained encoder, not at log-mel"):
        model.transcribe_features(found.log_mel, duration=1.0)


def test_outputs_begin_as_a_table():
    model = tiny()
    table = torch.randn(5, DIM)
    model.begin_outputs(table)
    weight = model.decoder.output.weight
    torch.testing.assert_close(weight / weight.norm(), table / table.norm())
    assert weight.norm(dim=1).mean().item() == pytest.approx(1, abs=1e-5)
    with pytest.raises(CIFError, match=r"language.dim\) = \(5, 12\), got \(4, 12\)"):
        model.begin_outputs(table[:4])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input": "text"}, "input must be one of 'log-mel', 'states', got 'text'"),
        ({"weights": "both"}, "weights must be one of 'channel', 'predictor'"),
        ({"flatten": 1}, "flatten must be True or False, got 1"),
        ({"cif": CIFConfig(encoder_embed_dim=192, cif_embedding_dim=8)}, "neither context layers"),
        ({"fusion": {}}, ""),
    ],
)
def test_a_configuration_that_cannot_be(settings, message):
    if message:
        with pytest.raises(CIFError, match=message):
            W2VCIFBertConfig(vocabulary=("a",), **settings)
    config = W2VCIFBertConfig(vocabulary=("a",))
    assert W2VCIFBertConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lambda_lm": -1}, "fusion.lambda_lm must be a number >= 0"),
        ({"gold_rate_range": (0.9,)}, "gold_rate_range must be two numbers"),
        ({"gold_rate_range": (1.9, 0.2)}, "each of fusion.gold_rate_range must be"),
        ({"gold_rate_steps": (0, 0)}, "second of fusion.gold_rate_steps must be an integer > 0"),
        ({"freeze_lm_finetune_updates": -1}, "freeze_lm_finetune_updates must be an integer >= 0"),
    ],
)
def test_a_schedule_that_cannot_be(settings, message):
    with pytest.raises(CIFError, match=message):
        FusionConfig(**settings)


def test_a_language_side_needs_a_model_type():
    with pytest.raises(CIFError, match='must name the "model_type" of transformers, got None'):
        LanguageConfig("masked")
    config = replace(LanguageConfig("causal", 8, {"model_type": "x", "num_hidden_layers": 3}))
    assert config.num_layers == 3 and LanguageConfig().num_layers == 0


def test_without_transformers_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    message = "need the package transformers, which is not installed: pip install cifviz.lm. gets"
    with pytest.raises(CheckpointError, match=message):
        text_models.transformers()
    with pytest.raises(CheckpointError, match=message):
        LanguageSide(LanguageConfig("masked", 8, {"model_type": "bert"}), 3)
