"""Lanes that some systems alone have: what the explorer is given of them, and what it refuses."""

import base64
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import cifviz
from cifviz.errors import CIFError
from cifviz.explorer import extra_lanes, to_html
from cifviz.explorer.data import view_data
from cifviz.explorer.extra_lanes import pictures_of, spikes_of
from cifviz.explorer.settings import realign
from cifviz.timing import FrameGrid
from tests.systems import test_fastlr, test_simultaneous, test_spiking
from tests.systems.tiny import noise

GRID = FrameGrid(0.04)


def numbers(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)


def thumbnails(made):
    """Those on the sheet, in order."""
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(made["sheet"]))))
    height, width, columns = made["height"], made["width"], made["columns"]
    blocks = sheet.reshape(-1, height, columns, width).swapaxes(1, 2)
    return blocks.reshape(-1, height, width)[: made["count"]]


@pytest.fixture(scope="module")
def lips():
    return test_fastlr.tiny().transcribe(noise(1.0), video=test_fastlr.video(25, seed=1))


@pytest.fixture(scope="module")
def written():
    return test_simultaneous.never_ending(test_simultaneous.tiny()).transcribe(noise(1.0))


def spiking(rule):
    return test_spiking.tiny(rule=rule).transcribe(noise(1.0))


def test_a_plain_recogniser_has_none(transcription):
    assert view_data(transcription)["lanes"] == {}


def test_pictures_are_those_that_the_recogniser_saw(lips):
    made = view_data(lips)["lanes"]["pictures"]
    np.testing.assert_array_equal(thumbnails(made), lips.extras["video"])
    assert (made["start"], made["shift"]) == (lips.grid.start, lips.grid.shift)


def test_many_or_large_pictures_are_fewer_and_smaller(monkeypatch):
    video = np.random.default_rng(0).integers(0, 256, (90, 130, 200), np.uint8)
    made = pictures_of(video, GRID)
    assert (made["height"], made["width"], made["every"]) == (64, 98, 1)
    monkeypatch.setattr(extra_lanes, "MAX_PIXELS", 20 * 64 * 98)
    fewer = pictures_of(video, GRID)
    assert (fewer["every"], fewer["count"], fewer["pictures"]) == (5, 18, 90)
    np.testing.assert_array_equal(thumbnails(fewer), thumbnails(made)[::5])
    assert pictures_of(np.zeros((3, 1, 9000), np.uint8), GRID)["width"] == 128


def test_spikes_are_packed_and_none_is_lost(monkeypatch):
    spikes = np.random.default_rng(0).random((50, 13)) < 0.1
    made = spikes_of(torch.tensor(spikes), GRID)
    bits = np.unpackbits(numbers(made["values"], "u1"))[: 50 * 13]
    np.testing.assert_array_equal(bits.reshape(50, 13), spikes)
    monkeypatch.setattr(extra_lanes, "MAX_COLUMNS", 20)
    monkeypatch.setattr(extra_lanes, "MAX_ROWS", 5)
    less = spikes_of(spikes, GRID)
    assert (less["columns"], less["rows"], less["shift"]) == (17, 5, pytest.approx(0.12))
    bits = np.unpackbits(numbers(less["values"], "u1"))[: 17 * 5].reshape(17, 5)
    for column, row in np.ndindex(17, 5):
        block = spikes[3 * column : 3 * column + 3, 3 * row : 3 * row + 3]
        assert bits[column, row] == block.any()


@pytest.mark.parametrize("rule", ["leaky", "adaptive", "dynamic"])
def test_a_neuron_shows_its_own_tokens_and_its_membrane(rule):
    one = spiking(rule)
    data = view_data(one)
    trace, _, _ = one.config.neuron.run(one.firing.scaled_alpha)
    for name in ("peak", "potential", "threshold"):
        expected = getattr(trace, name)[0].numpy()
        np.testing.assert_allclose(
            numbers(data["lanes"]["membrane"][name], "<f4"), expected, atol=1e-6
        )
    spikes = numbers(data["lanes"]["membrane"]["spikes"], "u1")
    np.testing.assert_array_equal(spikes, trace.spikes[0].numpy())
    # Settings of a CIF do not repeat its fires: they are shown as they are.
    assert realign(one)[1] == one.alignment
    assert "threshold" in data["fixed"] and rule in data["model"]["rule"]
    assert len(data["home"]["starts"]) == len(one.tokens)
    explorer = cifviz.explore(one)
    assert explorer.alignment == one.alignment
    with pytest.raises(CIFError, match="threshold cannot be moved"):
        explorer.settings = {"threshold": 0.5}


def test_without_a_leak_it_is_a_cif():
    data = view_data(spiking("integrate"))
    assert "membrane" not in data["lanes"] and data["fixed"] == [] and data["home"] is None


def test_without_a_leak_it_fires_at_the_threshold_of_the_neuron():
    """Not at the 0.99 of its CIF: 0.5 + 0.495 is not enough, a part of the third weight is."""
    one = spiking("integrate")
    assert (one.config.cif.threshold, round(one.config.cif.slack, 6)) == (1, 0.01)
    alpha = torch.tensor([[0.5, 0.495, 0.1, 0.2]])
    firing = one.config.neuron.integrate(alpha, torch.zeros(1, 4, one.firing.embeddings.shape[2]))
    expected = [2.05]
    assert firing.fire_positions[0].tolist() == pytest.approx(expected)
    shorter = replace(one, tokens=one.tokens[:1], scores=(1.0,), firing=firing, words=None)
    assert realign(shorter)[0].fire_positions[0].tolist() == pytest.approx(expected)


def test_what_was_written_when(written):
    made = view_data(written)["lanes"]["written"]
    assert made["labels"] == list(written.tokens)
    np.testing.assert_allclose(made["delays"], written.extras["delays"], atol=1e-6)


def test_widget_and_page_have_the_same_lanes(lips, tmp_path):
    lanes = json.loads(cifviz.explore(lips).data)["lanes"]
    assert lanes == view_data(lips)["lanes"]
    page = to_html(lips, tmp_path / "lips.html").read_text("utf-8")
    assert lanes["pictures"]["sheet"] in page


@pytest.mark.parametrize("name", ["video", "raster", "delays"])
def test_nothing_to_show_is_no_lane(transcription, name):
    empty = {"video": np.zeros((0, 4, 4), np.uint8), "raster": np.zeros((0, 4), int)}
    none = replace(transcription, tokens=(), scores=(), extras={name: empty.get(name, np.zeros(0))})
    assert extra_lanes.system_lanes(none) == {}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("video", "mouth.mp4", "video must be a ndarray, got 'mouth.mp4'"),
        ("video", np.zeros((3, 4, 4)), "grey pictures as bytes .* got float64"),
        ("video", np.zeros((3, 4), np.uint8), r"grey pictures as bytes .* \(3, 4\)"),
        ("raster", np.zeros((3, 4)), "of integers, got float64"),
        ("raster", np.zeros(3, int), r"\(frames, neurons\) of integers, got int64 \(3,\)"),
        ("delays", np.ones(2), "a delay for each of 5 tokens, got 2"),
        ("delays", np.array([1, 2, 3, 2, 4.0]), "delays must not decrease"),
        ("delays", np.full(5, np.nan), "delays"),
        ("delays", [1.0] * 5, "delays must be a ndarray"),
    ],
)
def test_what_is_no_lane_is_refused(transcription, name, value, message):
    with pytest.raises(CIFError, match=message):
        view_data(replace(transcription, extras={name: value}))
