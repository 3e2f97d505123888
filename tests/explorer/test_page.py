"""The explorer's page and its bundle, without a browser."""

import base64
import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

import cifviz
from cifviz.errors import CIFError
from cifviz.explorer import data, settings, to_html
from cifviz.explorer.page import STATIC, page
from cifviz.plot.palette import STYLE
from cifviz.systems.domain import DomainConfig
from cifviz.systems.paraformer import ParaformerConfig, ParaformerRecognizer
from cifviz.timing import FrameGrid
from tests.systems.tiny import noise, tiny_config


@pytest.fixture(scope="module")
def transcription():
    return cifviz.load_model("digits").transcribe(cifviz.load_clip("digits_two").waveform)


def test_the_bundles_are_fresh():
    """If not: cd cifviz/explorer && npm run build."""
    kept = json.loads((STATIC / "digests.json").read_text("utf-8"))
    assert kept["sources"] == digests((STATIC.parent / "js").iterdir())
    bundles = [path for path in STATIC.iterdir() if path.name != "digests.json"]
    assert kept["bundles"] == digests(bundles)


def digests(paths):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_the_lock_file_names_no_registry():
    assert "resolved" not in (STATIC.parent / "package-lock.json").read_text("utf-8")


def test_tokens_have_the_colours_and_patterns_of_plot():
    assert STYLE["token_colours"] == data.COLOURS
    assert STYLE["token_hatches"] == data.HATCHES


def test_weights_and_features_are_encoded_without_loss(transcription):
    shown = data.view_data(transcription)
    alpha = np.frombuffer(base64.b64decode(shown["alpha"]), "<f4")
    assert np.array_equal(alpha, transcription.firing.alpha[0].numpy())
    mel = shown["whole"]["log_mel"]
    assert (mel["frames"], mel["bands"]) == tuple(transcription.log_mel.shape)
    steps = np.frombuffer(base64.b64decode(mel["values"]), np.uint8).reshape(
        transcription.log_mel.shape
    )
    assert steps.max() == 255 == steps.flatten()[transcription.log_mel.argmax()]


def test_the_first_settings_are_those_of_the_model(transcription):
    cif = replace(
        transcription.config.cif,
        cif_threshold=0.875,
        tail_handling_firing_threshold=0.25,
        pause_frames=0,
    )
    edges = replace(transcription.config.edges, onset_quantile=0.125, onset_shift=0.5, cut="fires")
    other = replace(transcription, config=replace(transcription.config, cif=cif, edges=edges))
    shown = data.view_data(other)
    assert shown["settings"] == settings.model_settings(other)
    assert settings.checked(shown["settings"], frames=0) == shown["settings"]
    of_the_model = {
        "threshold": 1.0,
        "slack": 0.125,
        "tail": {"rule": "above", "value": 0.25},
        "scaling": "as given",
        "count": len(transcription.tokens),
    }
    assert {name: shown["settings"][name] for name in of_the_model} == of_the_model
    assert shown["edges"] == {
        "onsetQuantile": 0.125,
        "offsetQuantile": transcription.config.edges.offset_quantile,
        "onsetShift": 0.5,
        "offsetShift": transcription.config.edges.offset_shift,
        "cut": "fires",
    }
    untailed = replace(cif, apply_tail_handling=False, pause_frames=3)
    shown = data.view_data(
        replace(transcription, config=replace(transcription.config, cif=untailed))
    )
    assert shown["settings"]["tail"] == {"rule": "drop", "value": None}
    assert shown["settings"]["scaling"] == "phrases"
    assert shown["pauses"] == {"pauseFrames": 3, "pauseWeight": cif.pause_weight}


def test_peaks_keep_the_loudest_sample():
    samples = np.zeros(1000, dtype=np.float32)
    samples[500], samples[999] = -0.5, 0.25
    peaks = data.peaks_of(cifviz.Waveform(samples, 1000))
    low, high = (np.frombuffer(base64.b64decode(peaks[name]), np.int8) for name in ("low", "high"))
    assert peaks["rate"] == 500 and len(low) == len(high) == 500
    assert (low.argmin(), low.min()) == (250, -127)
    assert (high.argmax(), high.max()) == (499, 64)


def test_a_coarse_spectrogram_keeps_the_maxima(monkeypatch):
    """Ten frames in four columns: each is as loud as the loudest of its frames."""
    monkeypatch.setattr(data, "MAX_COLUMNS", 4)
    log_mel = torch.full((10, 1), -30.0)
    log_mel[[1, 5, 9]] = torch.tensor([[0.0], [-3.0], [-6.0]])
    whole = data.log_mel_of(log_mel, FrameGrid(0.01))
    assert (whole["frames"], whole["pooled"], whole["shift"]) == (4, 3, pytest.approx(0.03))
    steps = np.frombuffer(base64.b64decode(whole["values"]), np.uint8).tolist()
    # 60 dB are 6 · ln 10 = 13.8 nepers and 255 steps; the last column is of frame 9 alone.
    assert steps == [255, round(255 * (1 - 3 / 13.816)), 0, round(255 * (1 - 6 / 13.816))]
    part = data.log_mel_of(log_mel, FrameGrid(0.01), 0.05, 0.09)
    assert (part["frames"], part["pooled"], part["start"]) == (4, 1, pytest.approx(0.05))


def test_a_transcription_of_features_has_no_sound(transcription, tmp_path):
    silent = replace(transcription, waveform=None)
    assert data.view_data(silent)["whole"]["peaks"] is None
    assert '"sound_pieces": null' in to_html(silent, tmp_path / "silent.html").read_text("utf-8")


def test_silence_can_be_explored(tmp_path):
    nothing = cifviz.Waveform(np.zeros(0, dtype=np.float32))
    transcription = cifviz.load_model("digits").transcribe(nothing)
    assert "<title>silence</title>" in to_html(transcription, tmp_path / "no.html").read_text(
        "utf-8"
    )


def test_a_label_cannot_end_the_script():
    text = page({"tokens": ["</script><!--", "a & b"]}, title="<b>")
    written = re.search(r'id="cifviz-data">(.*?)</script>', text, re.DOTALL)[1]
    assert json.loads(written)["tokens"] == ["</script><!--", "a & b"]
    assert "<title>&lt;b&gt;</title>" in text


def test_the_policy_allows_the_script_and_the_style_of_the_page():
    text = page({}, title="page")
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert len(script) == len(style) == 1
    for content in (*script, *style):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in text
    assert "default-src 'none'" in text


def test_an_existing_file_is_replaced_only_with_overwrite(transcription, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("mine")
    with pytest.raises(CIFError, match="exists; --overwrite"):
        to_html(transcription, path)
    assert path.read_text() == "mine"
    assert "cifviz-data" in to_html(transcription, path, overwrite=True).read_text("utf-8")


def test_a_title_may_have_surrogates(transcription, tmp_path):
    path = to_html(transcription, tmp_path / "page.html", title="bad\udcff.wav")
    assert "<title>bad\\udcff.wav</title>" in path.read_text("utf-8")


def test_another_type_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(CIFError, match="transcription must be a Transcription, got "):
        to_html(torch.zeros(3), tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_a_page_has_the_summary_of_the_model_and_its_warning(transcription):
    model = data.view_data(transcription)["model"]
    assert model == {"summary": transcription.summary, "warning": "", "rule": ""}
    assert transcription.summary.startswith("model digits (10 words: zero … nine), mean score 0.9")
    flagged = replace(transcription, domain_distance=99.0)
    assert data.view_data(flagged)["model"]["warning"] == flagged.warning != ""


def test_where_shares_are_not_those_of_the_model_a_warning_states_so():
    """Soft sums do not follow from the weights alone."""
    torch.manual_seed(0)
    config = ParaformerConfig(**vars(tiny_config()), alignment="soft")
    soft = ParaformerRecognizer(config).eval().transcribe(noise(0.5))
    warning = "the shares of frames shown here are those of plain CIF, not of this model"
    assert data.view_data(soft)["model"]["warning"] == warning
    assert not settings.realign(soft)[0].contributions.allclose(soft.firing.contributions)
    flagged = replace(soft, config=replace(config, domain=DomainConfig(1.0)), domain_distance=99.0)
    assert data.view_data(flagged)["model"]["warning"] == f"{flagged.warning}; {warning}"
