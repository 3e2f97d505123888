import importlib.util
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from cifviz.corpora.clips import list_clips, load_clip
from cifviz.errors import CIFError, DataError
from cifviz.formats import read_textgrid, write_json
from cifviz.resources import resource

MAKE_CLIPS = Path(__file__).parents[2] / "data" / "make_clips.py"


@pytest.mark.parametrize("name", list_clips())
def test_a_clip_says_what_its_manifest_says(name):
    clip = load_clip(name)
    assert tuple(word.token for word in clip.words) == clip.tokens
    assert all(word.is_timed and word.duration > 0.04 for word in clip.words)
    assert all(word.end <= clip.waveform.duration for word in clip.words)
    for phone in clip.phones:
        assert any(w.start <= phone.start and phone.end <= w.end for w in clip.words)


@pytest.mark.parametrize("name", list_clips())
def test_a_clips_sound_lies_inside_its_words(name):
    clip = load_clip(name)
    if not clip.tokens:
        assert np.abs(clip.waveform.samples).max() < 1e-3
        return
    power = clip.waveform.samples.astype(float) ** 2
    outside = np.ones(len(power), bool)
    for word in clip.words:
        first, last = (round(time * clip.waveform.sample_rate) for time in (word.start, word.end))
        outside[first:last] = False
        assert power[first:last].mean() > 0.02 * power.mean()
    assert power[outside].sum() < 0.002 * power.sum()


@pytest.mark.parametrize("name", list_clips())
def test_files_are_16_khz_16_bit_mono_flac_with_two_tiers(name):
    info = soundfile.info(resource("clips") / f"{name}.flac")
    assert (info.format, info.subtype) == ("FLAC", "PCM_16")
    assert (info.samplerate, info.channels) == (16000, 1)
    assert list(read_textgrid(resource("clips") / f"{name}.TextGrid"))[:2] == ["words", "phones"]


def test_the_collection_has_what_the_lessons_need():
    clips = [load_clip(name) for name in list_clips()]
    assert len(clips) == 20
    assert len({clip.voice for clip in clips if clip.voice}) >= 4
    assert {len(clip.tokens) for clip in clips if clip.domain == "digits"} >= {1, 2, 3, 4, 5, 8}
    assert sum(clip.domain == "grid" for clip in clips) == 6
    assert {clip.language for clip in clips} == {"en", "zh"}
    words = load_clip("digits_pause").words.tokens
    assert max(after.start - before.end for before, after in pairwise(words)) >= 1.5
    assert sum(file.stat().st_size for file in resource("clips").iterdir()) < 2_000_000


def test_an_unknown_clip_is_answered_with_the_known_ones():
    with pytest.raises(CIFError, match="clip must be one of 'digits_one', .*got 'digits_nine'"):
        load_clip("digits_nine")


def test_a_damaged_collection_is_refused(tmp_path, monkeypatch):
    clips = tmp_path / "data" / "clips"
    clips.mkdir(parents=True)
    for name in ("digits_one.flac", "digits_one.TextGrid"):
        (clips / name).write_bytes((resource("clips") / name).read_bytes())
    write_json(clips / "clips.json", [{"name": "digits_one", "tokens": ["seven"]}])
    monkeypatch.setattr("cifviz.resources._PACKAGE", tmp_path / "cifviz")
    with pytest.raises(DataError, match="clip 'digits_one' lacks 'text'"):
        load_clip("digits_one")


@pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None,
    reason="making clips needs espeakng-loader (pip install cifviz[train])",
)
def test_the_recipe_makes_the_clips_that_ship(tmp_path):
    spec = importlib.util.spec_from_file_location("make_clips", MAKE_CLIPS)
    recipe = importlib.util.module_from_spec(spec)
    # dataclasses look their module up by name.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "make_clips", recipe)
        spec.loader.exec_module(recipe)
        once, again = tmp_path / "once", tmp_path / "again"
        for folder in (once, again):
            folder.mkdir()
            recipe.make(folder)
    made = sorted(once.iterdir())
    shipped = {path.name for path in resource("clips").iterdir()} - {"LICENSE.txt"}
    assert {path.name for path in made} == shipped
    for path in made:
        assert path.read_bytes() == (again / path.name).read_bytes()
        if path.suffix == ".flac":
            # Another version of the FLAC library may pack the same samples into other bytes.
            new, _ = soundfile.read(path)
            old, _ = soundfile.read(resource("clips") / path.name)
            np.testing.assert_allclose(new, old, atol=2 / 32768)
        else:
            assert path.read_bytes() == (resource("clips") / path.name).read_bytes()
