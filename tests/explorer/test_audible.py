"""What the explorer plays of a CIF is what `cifviz.explorer.sonify` gives."""

import json
from dataclasses import replace

import numpy as np
import pytest

import cifviz
from cifviz.audio.sonification import mixed, sonified
from cifviz.audio.waveform import Waveform
from cifviz.errors import CIFError
from cifviz.explorer import sonify
from cifviz.timing import FrameGrid
from tests.explorer.test_javascript import needs_node, run


@pytest.fixture(scope="module")
def transcription():
    return cifviz.load_model("digits").transcribe(cifviz.load_clip("digits_five").waveform)


def case(rng):
    """A short utterance, and what Python makes of it."""
    frames, rate = int(rng.integers(0, 12)), int(rng.choice([8000, 11025]))
    grid = FrameGrid(float(rng.choice([0.01, 0.04])), float(rng.choice([0.0, 0.015])))
    duration = float(rng.choice([0.0, 0.1, 0.237]))
    weights = np.float32(rng.gamma(0.7, 0.5, frames))
    fires = sorted(rng.uniform(-0.02, 0.3, int(rng.integers(0, 8))).round(4).tolist())
    top, tail_fired = float(rng.choice([0.3, 1.0])), bool(rng.integers(2))
    options = {"sample_rate": rate, "top": top, "tail_fired": tail_fired}
    sound = sonified(weights, fires, grid, duration, **options)
    loud = float(rng.choice([0.0, 0.1, 1.0]))
    voice = Waveform(np.float32(rng.uniform(-loud, loud, len(sound.samples))), rate)
    places = [int(np.floor(fire * rate + 0.5)) for fire in fires]
    return {
        "audible": {
            "alpha": weights.tolist(),
            "top": top,
            "grid": {"start": grid.start, "shift": grid.shift},
            "fires": fires,
            "tailFired": tail_fired,
        },
        "part": {"start": 0, "end": duration, "rate": rate},
        "samples": sound.samples.tolist(),
        "places": [place for place in places if 0 <= place < len(sound.samples)],
        "voice": voice.samples.tolist(),
        "loudest": float(np.abs(voice.samples).max(initial=0.0)),
        "both": mixed(voice, sound).samples.tolist(),
    }


@needs_node
def test_javascript_makes_the_same_samples(tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "cases.json"
    made = [case(rng) for _ in range(60)]
    assert sum(len(one["places"]) for one in made) > 60
    path.write_text(json.dumps(made), "utf-8")
    code, output = run(path, "sonify.test.mjs")
    assert code == 0, output
    wrong = next(one for one in made if one["places"])
    wrong["places"][0] += 1
    path.write_text(json.dumps([wrong]), "utf-8")
    code, output = run(path, "sonify.test.mjs")
    assert code != 0 and "places" in output


def test_an_utterance_has_its_fires_where_they_are(transcription):
    sound, grid = sonify(transcription), transcription.grid
    positions = transcription.firing.fire_positions[0].tolist()
    for position in positions:
        place = int(np.floor(grid.seconds(position) * sound.sample_rate + 0.5))
        assert abs(sound.samples[place]) > 0.44  # a click of 0.7 on a tone of 0.25 at most
    assert sound.duration == transcription.waveform.duration
    more = sonify(transcription, {"threshold": 0.5, "scaling": "as given"})
    assert (more.samples != sound.samples).any()


def test_with_the_voice_and_without_a_recording(transcription):
    both, alone = sonify(transcription, voice=True), sonify(transcription)
    voice = transcription.waveform.samples
    loudest = np.abs(voice).max()
    assert loudest < 0.6  # so that it is as loud as before
    assert both.samples == pytest.approx(voice + loudest / 1.5 * alone.samples, abs=1e-5)
    silent = replace(transcription, waveform=None)
    assert sonify(silent).sample_rate == 16000
    with pytest.raises(CIFError, match="there is no voice to hear"):
        sonify(silent, voice=True)
