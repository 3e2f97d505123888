from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection
from PIL import Image

from cifviz import plot
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import LogMel, Waveform
from cifviz.plot import images, panels
from cifviz.systems.domain import DomainConfig
from cifviz.systems.phone_alignment import FREE_WEIGHTS
from cifviz.systems.transcription import INTERVALS
from tests.plot import progress_track


def opened(png):
    return Image.open(BytesIO(png))


def described(transcription):
    """Tracks of the table that have something to show of it, from top to bottom."""
    return [name for name, track in plot.TRACKS.items() if track.describe(transcription)]


def test_lanes_share_one_time_axis(make):
    fig, axes = plot.panel(make.transcription())
    assert list(axes) == described(make.transcription())
    assert {"waveform", "weights", "contributions", "tokens"} < axes.keys()
    for ax in axes.values():
        assert ax.get_xlim() == pytest.approx((0.0, 0.16))
    assert axes["tokens"].get_xlabel() == "time (s)"
    assert fig.dpi == images.DPI


def test_fires_run_through_all_lanes(make):
    _, axes = plot.panel(make.transcription())
    times = pytest.approx([0.04 * (1 + 8 / 9), 0.14])
    for ax in axes.values():
        markers = [c for c in ax.collections if len(c.get_offsets()) == 2]
        assert any(list(c.get_offsets()[:, 0]) == times for c in markers)


def test_reference_gets_a_lane(make):
    reference = Alignment((TimedToken("one", 0.0, 0.1),))
    _, axes = plot.panel(make.transcription(), reference=reference)
    assert axes["reference"].get_ylabel() == "reference"
    assert axes["reference"].patches[0].get_width() == pytest.approx(0.1)
    assert axes["tokens"].get_xlabel() == ""


def test_compared_alignments_get_lanes_below_under_their_names(make):
    other = Alignment((TimedToken("one", 0.0, 0.1),))
    compare = {"tokens": other, "$x$ and a long name": other}
    fig, axes = plot.panel(make.transcription(), reference=other, compare=compare)
    lanes = ["reference", "compared: tokens", "compared: $x$ and a long name"]
    assert list(axes)[-3:] == lanes
    assert [axes[name].get_ylabel() for name in lanes] == ["reference", "tokens", "$x$ and a l…"]
    for name in lanes:
        assert axes[name].patches[0].get_width() == pytest.approx(0.1)
        assert axes[name].get_xlim() == axes["tokens"].get_xlim()
    *others, last = [ax.get_xlabel() for ax in fig.axes]
    assert (set(others), last) == ({""}, "time (s)")
    assert fig.alt.endswith(", reference, “tokens”, “$x$ and a long name”.")


def test_without_sound_the_features_are_shown_and_no_waveform(make):
    transcription = make.transcription()
    config = replace(transcription.config, features=LogMel(f_max=4000.0))
    log_mel = torch.arange(16 * 40.0).reshape(16, 40)
    silent = replace(transcription, waveform=None, config=config, log_mel=log_mel)
    _, axes = plot.panel(silent)
    assert list(axes) == described(silent)
    assert set(described(transcription)) - axes.keys() == {"waveform"}
    (image,) = axes["log_mel"].images
    assert np.array_equal(image.get_array(), log_mel.T)
    assert [tick.get_text() for tick in axes["log_mel"].get_yticklabels()] == [
        "500", "1000", "2000",
    ]  # fmt: skip
    assert axes["tokens"].get_xlim() == pytest.approx((0.0, 0.16))
    assert "on 0.16 s of sound: 2 tokens" in plot.panel_alt(silent)
    assert "one time axis: log-mel spectrogram, weight" in plot.panel_alt(silent)
    assert "one time axis: waveform, log-mel" in plot.panel_alt(transcription)


def test_pyplot_knows_nothing_of_a_panel(make):
    before, numbers = dict(mpl.rcParams), plt.get_fignums()
    plot.panel(make.transcription())
    plot.panel_png(make.transcription())
    assert plt.get_fignums() == numbers
    assert dict(mpl.rcParams) == before


def test_png_is_an_image_with_its_description(make):
    transcription = make.transcription()
    image = opened(plot.panel_png(transcription))
    assert image.format == "PNG"
    assert image.width == panels.WIDTH * images.DPI
    assert image.text["Description"] == plot.panel_alt(transcription)


def test_a_notebook_shows_the_panel_and_its_words(make):
    shown = plot.panel(make.transcription())
    for what in (shown, shown.fig, make.transcription()):
        png, metadata = what._repr_png_()
        assert opened(png).format == "PNG"
        assert metadata == {"alt": plot.panel_alt(make.transcription())}


@pytest.mark.parametrize(
    ("alpha", "seconds"), [((), 0.0), ((0.1,), 0.03), ((2.5,), 0.04), ((0.0,) * 5, 0.2)]
)
def test_next_to_nothing(make, alpha, seconds):
    opened(plot.panel_png(make.transcription(alpha, seconds=seconds)))


def test_many_tokens_and_strange_names(make):
    names = ["$\\frac$", "中文", "a\nb", ""] * 10
    plot.panel_png(make.transcription(np.full(80, 0.5), names))


@pytest.mark.parametrize("sample_rate", [100, 4000, 8000, 44_100])
def test_any_sample_rate(make, sample_rate):
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, round(sample_rate * 0.16))
    transcription = replace(make.transcription(), waveform=Waveform(noise, sample_rate))
    opened(plot.panel_png(transcription))


def test_alternative_text_says_what_there_is(make):
    alt = plot.panel_alt(make.transcription(tokens=["one", "中文"]))
    assert alt.startswith(
        "Continuous integrate-and-fire on 0.16 s of sound: 2 tokens: “one” 0.05–0.07 s, “中文” "
    )
    assert "The weights of 4 frames sum to 2.30; a token takes β = 1." in alt


def test_alternative_text_of_nothing(make):
    alt = plot.panel_alt(make.transcription((0.1,)))
    assert "0.04 s of sound: no token. The weights of 1 frame sum to 0.10" in alt


def test_alternative_text_stays_short(make):
    alt = plot.panel_alt(make.transcription(np.ones(30), ["x"] * 30))
    assert alt.count("“x”") == 20
    assert "and 10 more." in alt


def flagged(transcription, grammar=""):
    """The same, out of the domain of a model called "ten"."""
    config = replace(transcription.config, domain=DomainConfig(1.0, grammar))
    return replace(transcription, config=config, model="ten", domain_distance=1.5)


def test_the_title_names_model_vocabulary_and_mean_score(make):
    fig, _ = plot.panel(replace(make.transcription(), model="ten", scores=(0.5, 0.75)))
    assert [text.get_text() for text in fig.texts] == ["model ten (1 word: word), mean score 0.62"]
    assert "Model ten (1 word: word), mean score 0.62." in fig.alt
    assert "arning" not in fig.alt
    silent, _ = plot.panel(make.transcription((0.1,)))
    assert silent.texts[0].get_text() == "model (1 word: word), no token fired"


def test_a_sound_out_of_domain_has_a_framed_warning_and_says_so_first(make):
    plain, transcription = make.transcription(), flagged(make.transcription())
    fig = plot.panel(transcription).fig
    _, warning = fig.texts
    sentence = "warning: this sound is probably outside what the model knows (1 word: word); "
    assert warning.get_text() == f"⚠ {sentence}mean score 1.00"
    assert warning.get_bbox_patch() is not None
    assert fig.alt.startswith(f"W{sentence[1:]}mean score 1.00. Continuous integrate-and-fire on")
    assert plot.panel_alt(plain) in fig.alt.replace("Model ten", "Model")
    assert opened(fig.png()).text["Description"] == fig.alt


@pytest.mark.parametrize("words", [("zero", "nine"), ("w" * 99, "中" * 99), ("$\\frac$", "ل")])
def test_title_and_warning_keep_clear_of_the_lanes_and_of_the_edges(make, words):
    transcription = flagged(make.transcription())
    config = replace(transcription.config, vocabulary=words)
    fig, axes = plot.panel(replace(transcription, config=config, model="m" * 99))
    fig.png()
    renderer = fig.canvas.get_renderer()
    title, warning = (text.get_window_extent(renderer) for text in fig.texts)
    frame = fig.texts[1].get_bbox_patch().get_window_extent(renderer)
    top = max(ax.get_window_extent(renderer).y1 for ax in axes.values())
    assert top < frame.y0 < warning.y0
    assert frame.y1 < title.y0
    assert title.y1 < fig.bbox.y1
    for box in (title, frame):
        assert 0 < box.x0 < box.x1 < fig.bbox.x1


def test_a_track_may_be_a_file_of_its_own_that_the_table_imports(tmp_path):
    """In a copy of the package: no circle, whoever is imported first."""
    folder = tmp_path / "plot"
    shutil.copytree(Path(plot.__file__).parent, folder)
    shutil.copy(progress_track.__file__, folder / "progress.py")
    table = (folder / "tracks.py").read_text("utf-8")
    line = "from cifviz.plot.rows import token_rows\n"
    assert line in table
    table = table.replace(line, f"from cifviz.plot.progress import PROGRESS\n{line}")
    table += "\nTRACKS['progress'] = PROGRESS\n"
    (folder / "tracks.py").write_text(table, "utf-8")
    code = f"import cifviz; cifviz.__path__.insert(0, {str(tmp_path)!r}); "
    code += "import cifviz.plot.progress; print(list(cifviz.plot.TRACKS)[-1])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.stdout, run.returncode) == ("progress\n", 0), run.stderr


def test_a_new_track_is_one_entry_in_the_table(make, monkeypatch):
    """It is drawn, named on its axis and described; without a description it is left out."""
    monkeypatch.setitem(plot.TRACKS, "progress", progress_track.PROGRESS)
    fig, axes = plot.panel(make.transcription(), reference=Alignment())
    assert list(axes)[-2:] == ["progress", "reference"]
    assert axes["progress"].get_ylabel() == "progress (%)"
    assert "progress" in [line.get_label() for line in axes["progress"].lines]
    assert len(axes["progress"].collections) == 2  # fires run through it: lines and markers
    assert fig.alt.endswith(", progress over time, reference.")
    silence = make.transcription((0.1,))
    assert "progress" not in plot.panel(silence).axes
    assert "progress" not in plot.panel_alt(silence)


def test_a_transcription_without_a_firing_has_the_lanes_of_any_system(make):
    one = make.transcription()
    rows = torch.tensor([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.25, 0.75]]).double()
    fig, axes = plot.panel(replace(one, firing=None, given_rows=rows, row_kind="attention"))
    assert {"waveform", "log_mel", "contributions", "tokens"} <= axes.keys()
    assert not {"weights", "accumulation"} & axes.keys()
    assert axes["contributions"].collections[0].get_array().tolist() == [
        [1.0, 1.0, 0.0, 0.0],
        [0.0, 0.0, pytest.approx(1 / 3), 1.0],
    ]
    assert fig.alt.startswith("Speech recognition on 0.16 s of sound: 2 tokens: “a” 0.05")
    shown = fig.alt.partition("one time axis: ")[2].rstrip(".").split(", ")
    assert [one for one in shown if one in ("frames of each token", "tokens")] == [
        "frames of each token",
        "tokens",
    ]
    assert "weights" not in fig.alt


def test_words_are_a_lane_above_their_phones(make):
    words = Alignment((TimedToken("hi", 0.02, 0.12),))
    transcription = replace(make.transcription(tokens=["h", "aɪ"]), words=words)
    fig, axes = plot.panel(transcription)
    *_, above, below = axes
    assert (above, below) == ("words", "phones") and "tokens" not in axes
    (box,) = axes["words"].patches
    assert (box.get_x(), box.get_x() + box.get_width()) == pytest.approx((0.02, 0.12))
    assert len(axes["phones"].patches) == 2
    assert "1 word of 2 phones: “hi” 0.02–0.12 s. The weights" in fig.alt
    assert fig.alt.endswith("contributions of frames to tokens, words, phones.")


def test_a_transcription_of_no_word_says_so(make):
    nothing = replace(make.transcription((0.1,)), words=Alignment())
    assert "0.04 s of sound: no word. The weights" in plot.panel_alt(nothing)
    plot.panel_png(nothing)


def test_intervals_of_edges_are_above_their_words(make):
    words = Alignment((TimedToken("hi", 0.02, 0.12), TimedToken("uh")))
    intervals = [[[0.01, 0.03], [0.11, 0.14]], [[np.nan, np.nan]] * 2]
    plain = replace(make.transcription(tokens=["h", "aɪ"]), words=words)
    found = replace(plain, extras={INTERVALS: np.array(intervals)})
    fig, axes = plot.panel(found)
    drawn = [
        [segment[:, 0].tolist() for segment in lines.get_segments()]
        for lines in axes["words"].collections
        if isinstance(lines, LineCollection)
    ]
    assert drawn[-2:] == [[[0.01, 0.03]], [[0.11, 0.14]]]
    assert "words with the intervals of their edges, phones" in fig.alt
    assert "intervals" not in plot.panel_alt(plain)


def test_weights_before_they_were_scaled_to_a_transcript_are_those_given(make):
    free = torch.tensor([0.1, 0.2, 0.3, 0.4])
    plain = make.transcription()
    given, scaled = (
        steps.get_data().values.tolist()
        for steps in plot.panel(replace(plain, extras={FREE_WEIGHTS: free})).axes["weights"].patches
    )
    assert given == pytest.approx(free.tolist())
    assert scaled == pytest.approx(plain.firing.alpha[0].tolist())
