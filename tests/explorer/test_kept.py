"""Settings kept as lanes: in Python, in JavaScript, in pages."""

import json

import numpy as np
import pytest

import cifviz
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import CIFError
from cifviz.explorer import to_html
from cifviz.explorer.compared import MOST, spans_of
from cifviz.explorer.data import view_data
from cifviz.explorer.kept import checked_kept, kept_alignments
from cifviz.explorer.settings import realign
from tests.explorer.test_javascript import needs_node, random_settings, run

HALF = {"threshold": 0.5, "scaling": "as given"}


@pytest.fixture(scope="module")
def transcription():
    return cifviz.load_model("digits").transcribe(cifviz.load_clip("digits_five").waveform)


@needs_node
def test_lanes_are_the_same_in_both_languages(transcription, tmp_path):
    rng, made = np.random.default_rng(3), []
    other = cifviz.load_model("digits").transcribe(cifviz.load_clip("digits_pause").waveform)
    utterances = [transcription, other]
    for _ in range(100):
        index = int(rng.integers(2))
        one = utterances[index]
        settings = random_settings(rng, one.firing.alpha.shape[1])
        chosen = {name: value for name, value in settings.items() if rng.random() < 0.4}
        for name in ("threshold", "slack", "gain"):  # as sliders give them
            if name in chosen:
                chosen[name] = round(chosen[name], 2)
        (kept,) = checked_kept([chosen], one)
        ((name, tokens),) = kept_alignments([kept], one).items()
        case = {"utterance": index, "settings": chosen, "kept": kept, "name": name}
        made.append({**case, "tokens": spans_of(tokens)})
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"data": [view_data(one) for one in utterances], "cases": made}))
    code, output = run(path, "kept.test.mjs")
    assert code == 0, output


def test_the_widget_keeps_settings(transcription, tmp_path):
    one = transcription.alignment.shifted(0.02)
    w = cifviz.explore(transcription, compare={"late": one})
    assert dict(w.compared) == {"late": one}
    w.kept = [HALF, {"tail": {"rule": "drop", "value": None}}]
    expected = realign(transcription, HALF)[1]
    assert list(w.compared) == ["late", "β 0.5, as given", "drop"]
    assert w.compared["β 0.5, as given"] == expected
    page = w.to_html(tmp_path / "kept.html").read_text("utf-8")
    assert '"kept": [{"threshold": 0.5, "scaling": "as given"}' in page
    w.show(transcription)
    assert w.kept == [] and w.compared == {}


def test_a_view_keeps_settings_and_is_refused_what_none_are(transcription):
    w = cifviz.explore(transcription)
    w.set_state({"kept": [{"threshold": 0.8}]})
    assert list(w.compared) == ["β 0.8"]
    for kept in ([{"threshold": -1}], [{"<b>": 1}], [7], "x", 3, [{"threshold": 0.8}] * 5):
        w.set_state({"kept": kept})
        assert w.kept == [{"threshold": 0.8}]
    w.set_state({"compared": {}})
    assert list(w.compared) == ["β 0.8"]


def test_a_fifth_lane_is_one_clear_error(transcription, tmp_path):
    compare = {str(n): Alignment() for n in range(MOST)}
    w = cifviz.explore(transcription, compare=compare)
    with pytest.raises(CIFError, match="at most 4 lanes can be compared at once, got 4 and 1 kept"):
        w.kept = [HALF]
    with pytest.raises(CIFError, match="at most 4 alignments can be compared at once, got 5"):
        cifviz.explore(transcription, compare={**compare, "fifth": Alignment()})
    with pytest.raises(CIFError, match="at most 4 lanes"):
        to_html(transcription, tmp_path / "five.html", compare=compare, kept=[HALF])
    assert not (tmp_path / "five.html").exists()


def test_a_compared_transcription_has_its_fires_and_an_alignment_none(transcription):
    tokens = Alignment((TimedToken("two", 0.1, 0.2), TimedToken("x")))
    own, other = view_data(transcription, compare={"CIF": transcription, "CTC": tokens})["compare"]
    firing, grid = transcription.firing, transcription.grid
    expected = [grid.start + frame * grid.shift for frame in firing.fire_positions[0].tolist()]
    assert own["fires"] == pytest.approx(expected, abs=1e-6)
    assert own["tokens"] == spans_of(transcription.alignment)
    assert other == {"name": "CTC", "tokens": spans_of(tokens)}


def test_a_name_is_not_given_twice(transcription):
    w = cifviz.explore(transcription, compare={"drop": transcription.alignment})
    w.kept = [{"tail": {"rule": "drop", "value": None}}, {}]
    assert list(w.compared) == ["drop", "drop (2)", "as the model"]
