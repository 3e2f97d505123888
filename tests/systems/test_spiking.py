"""Spiking encoder and fire rules of neurons: what they keep of a CIF, and what they change."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cifviz.core.neurons import RULES, NeuronRule
from cifviz.core.tail import appended, rounded
from cifviz.corpora.clips import list_clips, load_clip
from cifviz.errors import CIFError
from cifviz.metrics import token_errors
from cifviz.systems.base import Batch
from cifviz.systems.checkpoints import load_model, save_model
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.spiking import ENCODERS, SpikingConfig, SpikingRecognizer
from cifviz.systems.spiking_encoder import (
    GRUEncoder,
    LeakyLayer,
    SpikingEncoder,
    surrogate_spike,
)
from experiments.recipes import find_recipe, variants_of
from tests.systems.invariances import (
    assert_losses_are_means_per_token,
    assert_padding_is_not_looked_at,
    batch_of,
)
from tests.systems.tiny import noise, tiny_config

CONFIG = EncoderConfig(n_mels=5, channels=6, kernel=3, dilations=(1, 2), dropout=0.0)


def tiny(seed=0, *, rule="integrate", network="spiking", **cif):
    torch.manual_seed(seed)
    parts = vars(tiny_config(dropout=0.0, conv_cif_dropout=0.0, **cif))
    config = SpikingConfig(**parts, neuron=NeuronRule(rule), network=network)
    model = SpikingRecognizer(config).eval()
    model.start_at(0.3)
    return model


# --- the encoder ---------------------------------------------------------------------------------


def test_the_surrogate_is_a_ramp_of_the_given_width():
    potential = torch.tensor([0.5, 0.89, 0.91, 1.09, 1.11], requires_grad=True)
    spikes = surrogate_spike(potential, window=0.2)
    assert spikes.tolist() == [0, 0, 0, 1, 1]
    spikes.sum().backward()
    assert potential.grad.tolist() == pytest.approx([0, 0, 5, 5, 0])


def test_a_layer_of_leaky_neurons_by_hand():
    """A fifth leaks: 0.6, 0.48 + 0.6 spikes and begins anew, 0.6, 0.48 + 0.6."""
    layer = LeakyLayer(2, leak=0.2)
    spikes = layer(torch.tensor([[[0.6] * 5, [0.1] * 5]]))
    assert spikes.tolist() == [[[0, 1, 0, 1, 0], [0] * 5]]


def test_snntorch_says_the_same_where_it_is_installed():
    snntorch = pytest.importorskip("snntorch")
    layer = LeakyLayer(3, leak=0.3)
    neuron = snntorch.Leaky(beta=0.7, threshold=1.0, reset_mechanism="zero", reset_delay=True)
    currents = torch.rand(1, 3, 40, generator=torch.manual_seed(0))
    potential, expected = neuron.init_leaky(), []
    for current in currents.unbind(dim=2):
        spike, potential = neuron(current, potential)
        expected.append(spike)
    assert torch.equal(layer(currents), torch.stack(expected, dim=2))


@pytest.mark.parametrize("kind", [SpikingEncoder, GRUEncoder])
def test_an_encoder_gives_the_same_alone_and_in_a_batch(kind):
    torch.manual_seed(0)
    encoder = kind(CONFIG).eval()
    features, lengths = torch.randn(3, 37, 5), torch.tensor([37, 10, 0])
    together = encoder(features, lengths)
    assert together.frame_lengths.tolist() == [10, 3, 0]
    for row, (length, count) in enumerate(zip(lengths.tolist(), [10, 3, 0], strict=True)):
        alone = encoder(features[row : row + 1, :length], lengths[row : row + 1])
        frames = together.encoder_out[row]
        torch.testing.assert_close(frames[:count], alone.encoder_out[0], rtol=0, atol=1e-5)
        assert not frames[count:].any()
        for mine, its in zip(together.spikes, alone.spikes, strict=True):
            assert torch.equal(mine[row, :count], its[0]) and not mine[row, count:].any()


def test_between_layers_there_are_spikes_alone_and_they_are_counted():
    torch.manual_seed(0)
    encoder = SpikingEncoder(CONFIG).eval()
    made = encoder(torch.randn(2, 80, 5), torch.tensor([80, 40]))
    assert len(made.spikes) == 2
    for layer in made.spikes:
        assert set(layer.unique().tolist()) == {0.0, 1.0}
    spikes, operations = encoder.operations(made.spikes)
    assert torch.equal(spikes, sum(layer.sum(dim=(1, 2)) for layer in made.spikes))
    assert torch.equal(operations, 3 * 6 * spikes)


@pytest.mark.parametrize("kind", [SpikingEncoder, GRUEncoder])
def test_an_encoder_looks_back_only(kind):
    """But for the halvings in front, which see 6 feature frames beyond the 4 of their own."""
    torch.manual_seed(0)
    encoder = kind(CONFIG).eval()
    features, lengths = torch.randn(1, 80, 5), torch.tensor([80])
    changed = features.clone()
    changed[:, 50:] = 0
    mine, other = (encoder(one, lengths).encoder_out[0] for one in (features, changed))
    torch.testing.assert_close(mine[:11], other[:11], rtol=0, atol=1e-5)
    assert (mine[13:] - other[13:]).abs().amax(dim=1).min() > 1e-3


def test_what_a_layer_adds_by_hand():
    """One neuron gets a normalised current of 0, then of its bias, and its spike adds 3."""
    encoder = SpikingEncoder(EncoderConfig(n_mels=1, channels=2, kernel=1, dilations=(1,)))
    currents = torch.tensor([[[1.0, 5.0], [3.0, 1.0]]])  # normalised: −1 and 1, then 1 and −1
    encoder.front.forward = lambda features, lengths: (currents, torch.tensor([2]))
    with torch.no_grad():
        encoder.synapses[0].weight.copy_(torch.tensor([[3.0, 0.0], [0.0, 0.0]])[:, :, None])
        encoder.synapses[0].bias.zero_()
        encoder.norms[0].bias.fill_(0.5)
        encoder.norm = torch.nn.Identity()
    made = encoder(torch.zeros(1, 8, 1), torch.tensor([8]))
    assert made.spikes[0].tolist() == [[[0, 1], [1, 0]]]
    assert made.encoder_out[0].tolist() == [[1, 3], [8, 1]]


def test_operations_of_a_gru():
    """Three gates, each of 6 · 6 for the input and as many for the state, in two layers."""
    assert GRUEncoder(CONFIG).operations_per_frame == 2 * 3 * 2 * 36


def test_gradients_pass_all_layers_of_spikes():
    torch.manual_seed(0)
    encoder = SpikingEncoder(CONFIG)
    encoder(torch.randn(2, 60, 5), torch.tensor([60, 30])).encoder_out.square().sum().backward()
    for name, weight in encoder.named_parameters():
        assert weight.grad is not None and weight.grad.isfinite().all(), name
    assert encoder.front.project.weight.grad.any()


# --- the system ----------------------------------------------------------------------------------


def test_without_a_leak_it_is_a_cif_on_its_encoder():
    model = tiny(cif_threshold=1.0)
    plain = CIFRecognizer(tiny_config(dropout=0.0, conv_cif_dropout=0.0, cif_threshold=1.0))
    plain.encode = model.encode
    plain.load_state_dict(model.state_dict(), strict=False)
    batch = batch_of([1, 2, 3], [0, 1])
    for mode in (lambda one: one.train(), lambda one: one.eval()):
        mine, its = mode(model)(batch), mode(plain)(batch)
        for name, loss in mine.items():
            torch.testing.assert_close(loss, its[name], rtol=1e-4, atol=1e-5, msg=name)
    one, two = model.eval().transcribe(noise(1.0)), plain.eval().transcribe(noise(1.0))
    assert one.tokens == two.tokens != ()
    for mine, its in zip(one.alignment.spans, two.alignment.spans, strict=True):
        assert mine == pytest.approx(its, abs=1e-5)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("network", ENCODERS)
def test_losses_and_transcriptions_do_not_depend_on_the_batch(rule, network):
    model = tiny(rule=rule, network=network)
    together = batch_of([1, 2, 3], [0, 1])
    assert_losses_are_means_per_token(model, together)
    assert_padding_is_not_looked_at(model, together)
    waveforms = [noise(s, seed) for seed, s in enumerate([1.0, 0.02, 0.613, 0.0])]
    found = model.transcribe_batch(waveforms)
    for waveform, one in zip(waveforms, found, strict=True):
        alone = model.transcribe(waveform)
        assert one.tokens == alone.tokens and one.extras.keys() == alone.extras.keys()
        for name, value in one.extras.items():
            np.testing.assert_array_equal(value, alone.extras[name])
        assert one.scores == pytest.approx(alone.scores, abs=1e-5)
    assert found[3].tokens == ()


@pytest.mark.parametrize("rule", RULES)
def test_every_weight_learns_and_empty_batches_are_legal(rule):
    model = tiny(rule=rule).train()
    sum(model(batch_of([1, 2, 3], [0, 1])).values()).backward()
    assert all(one.grad is None or one.grad.isfinite().all() for one in model.parameters())
    assert model.cif.weights.weight_proj.weight.grad.any()
    assert model.encoder.neurons[0].leak.grad is not None
    for batch in (batch_of([], []), Batch.collate([torch.zeros(0, 40)], [[]])):
        assert all(loss.isfinite() for loss in model(batch).values())


@pytest.mark.parametrize("network", ENCODERS)
def test_half_precision_by_autocast(network):
    model, batch = tiny(network=network, rule="leaky"), batch_of([1, 2, 3], [0, 1])
    with torch.autocast("cpu", torch.bfloat16):
        losses = model(batch)
    assert all(loss.isfinite() for loss in losses.values())
    sum(losses.values()).backward()


def test_the_count_that_is_taught_is_that_of_its_own_rule():
    model, batch = tiny(rule="leaky"), batch_of([1, 2, 3])
    encoded = model.encode(batch)
    firing = model.cif(encoded.encoder_out, encoded.frame_lengths)
    leaked = float((firing.weight_sum - firing.soft_count).detach())
    assert leaked > 0.5
    assert float(model(batch)["quantity"].detach()) == pytest.approx(
        abs(float(firing.soft_count.detach()) - 3) / 3, rel=1e-4
    )


def test_energy_is_measured_in_a_second():
    model = tiny()
    found = [model.transcribe(noise(1.0)), model.transcribe(noise(0.5))]
    measured = model.metrics["energy"](found, [])
    total = sum(one.extras["spikes"] for one in found)
    assert measured["spikes_per_second"] == pytest.approx(total / 1.5) != 0
    gru = tiny(network="gru")
    measured = gru.metrics["energy"]([gru.transcribe(noise(1.0))], [])
    assert measured["spikes_per_second"] == 0
    assert measured["operations_per_second"] == 25 * 2 * 3 * 2 * 16 * 16
    assert model.metrics["energy"]([], []) == {
        "spikes_per_second": None,
        "operations_per_second": None,
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network": "lstm"}, "network must be one of 'spiking', 'gru', got 'lstm'"),
        ({"neuron": NeuronRule(threshold=0.5)}, "threshold of the neuron must be 1, .* got 0.5"),
        ({"cif": {"pause_frames": 2}}, "neurons know no pause_frames"),
        ({"cif": {"tail_rule": rounded}}, "no tail_rule that scales all weights or appends one"),
        ({"cif": {"tail_rule": appended(0.4)}}, "no tail_rule that scales all weights or appends"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    parts = vars(tiny_config())
    parts["cif"] = replace(parts["cif"], **settings.pop("cif", {}))
    with pytest.raises(CIFError, match=message):
        SpikingConfig(**parts, **settings)


def test_what_is_saved_is_what_is_loaded(tmp_path):
    for number, network in enumerate(ENCODERS):
        model = tiny(rule="adaptive", network=network)
        save_model(model, tmp_path / f"m{number}", "# Card\n")
        loaded = load_model(tmp_path / f"m{number}")
        assert loaded.config == model.config and loaded.config.neuron.rule == "adaptive"
        assert loaded.transcribe(noise(1.0)).scores == model.transcribe(noise(1.0)).scores


@pytest.mark.parametrize("name", ["spiking-digits", "spiking-phones"])
def test_every_variant_of_the_recipes_takes_a_step(name):
    for variant in ["", *variants_of(name)]:
        recipe = find_recipe(name, variant)
        model = SpikingRecognizer(recipe.config)
        batch = Batch.collate([torch.randn(40, 40), torch.randn(24, 40)], [[1, 2], [3]])
        sum(model(batch).values()).backward()


def test_the_network_that_ships_recognises_voices_that_it_was_not_trained_on():
    """The five words of one clip, and most of all that synthetic voices say."""
    model = load_model("spiking-digits")
    clips = {name: load_clip(name) for name in list_clips() if name.startswith("digits")}
    found = {name: model.transcribe(clip.waveform).tokens for name, clip in clips.items()}
    assert found["digits_pause"] == clips["digits_pause"].tokens
    wrong = token_errors([one.tokens for one in clips.values()], list(found.values()))
    assert 0 < wrong.rate < 0.5


@pytest.mark.parametrize("name", ["digits_two", "digits_three", "digits_pause"])
def test_the_network_that_ships_counts_what_its_neurons_do(name):
    one = load_model("spiking-digits").transcribe(load_clip(name).waveform)
    spikes, operations = one.extras["spikes"], one.extras["operations"]
    assert operations == spikes * 5 * 64  # a kernel of five frames, 64 channels
    assert one.extras["raster"].sum() < spikes  # the last of five layers
