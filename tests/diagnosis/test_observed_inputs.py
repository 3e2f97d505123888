"""Whatever holds weights is understood, and what belongs to whom."""

import numpy as np
import pytest
import torch

import cifviz
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.core.firing import integrate_and_fire
from cifviz.core.tail import above
from cifviz.diagnosis import diagnose
from cifviz.diagnosis.observed_inputs import observe, with_what_is_known
from cifviz.errors import CheckpointError, CIFError, DataError
from cifviz.systems.transcription import Transcription
from tests.systems.tiny import noise

ALPHA = [0.6, 0.6, 0.6]


def names(source, **settings):
    return [one.name for one in observe(source, **settings)]


@pytest.mark.parametrize(
    "source",
    [
        ALPHA,
        tuple(ALPHA),
        np.array(ALPHA),
        torch.tensor(ALPHA, requires_grad=True),
        torch.tensor([ALPHA]),
        torch.tensor(ALPHA)[None, :, None],
        {"utterance 0": ALPHA},
        [np.array(ALPHA)],
        integrate_and_fire(torch.tensor([ALPHA]), torch.eye(3)[None]),
        [integrate_and_fire(torch.tensor([ALPHA]), torch.eye(3)[None])],
    ],
)
def test_weights_in_any_clothes(source):
    [one] = observe(source)
    assert one.name == "utterance 0"
    assert one.alpha == pytest.approx(ALPHA)


def test_a_batch_is_its_rows_without_padding():
    first, second = observe(np.array([[1.0, 2.0, 9.0], [1.0, 1.0, 1.0]]), frame_lengths=[2, 3])
    assert first.alpha.tolist() == [1.0, 2.0]
    assert first.padding.tolist() == [9.0]
    assert second.padding is None
    assert (first.name, second.name) == ("utterance 0", "utterance 1")


def test_lengths_in_a_file_are_those_of_its_batch(tmp_path):
    np.savez(tmp_path / "a.npz", alpha=np.ones((2, 3)), frame_lengths=np.array([1, 3]))
    assert [len(one.alpha) for one in observe(tmp_path / "a.npz")] == [1, 3]
    assert names(tmp_path / "a.npz") == ["alpha 0", "alpha 1"]


def test_utterances_of_other_lengths_have_names():
    assert names({"a": [0.5], "b": [0.5, 0.5]}) == ["a", "b"]
    assert [len(one.alpha) for one in observe([[0.5], [0.5, 0.5]])] == [1, 2]


def test_a_tail_rule_makes_fires():
    assert observe(ALPHA)[0].fires is None
    [one] = observe(ALPHA, tail=above(0.5))
    assert len(one.fires) == 2
    assert one.tail_fired
    assert len(observe(ALPHA, tail="drop")[0].fires) == 1


def test_a_transcription_brings_what_it_knows():
    words = Alignment((TimedToken("a", 0.0, 0.1),))
    given = Transcription.from_alpha(ALPHA, ["a", "b"], frame_shift=0.04, reference=words)
    [one] = observe(given)
    assert one.tokens == ("a", "b")
    assert one.reference is words
    assert one.grid.shift == 0.04
    assert one.num_fires == 1
    assert [one.check for one in diagnose(given).findings if one.severity == "fault"] == []


def test_tokens_of_a_model_that_are_no_fires_are_a_fault():
    given = Transcription.from_alpha([0.5] * 10, ["a"] * 8, frame_shift=0.04)
    assert "token_count" in {one.check for one in diagnose(given).findings}


@pytest.mark.parametrize(
    "source",
    [
        None,
        3.5j,
        "",
        {"a": "text"},
        {"a": None},
        [ALPHA, "text"],
        np.zeros((2, 3, 4)),
        np.array(["a"]),
        np.array([1 + 2j]),
        [[0.5], [0.5, [0.5]]],
        torch.zeros(3, dtype=torch.complex64),
        torch.zeros(3).to_sparse(),
        torch.zeros(3, device="meta"),
        {"a": integrate_and_fire(torch.tensor([ALPHA] * 2), torch.eye(3).expand(2, 3, 3))},
        object(),
    ],
    ids=lambda source: type(source).__name__,
)
def test_what_holds_no_weights_is_one_error(source):
    with pytest.raises(CIFError):  # noqa: PT011 - each says what came
        diagnose(source)


def test_a_model_of_ones_own_is_told_to_be_captured():
    with pytest.raises(CIFError, match=r"cannot run Linear: run it within cifviz.capture\(model\)"):
        diagnose(torch.nn.Linear(2, 2))


def test_frames_that_do_not_fit_the_sound_are_refused():
    sound = Waveform(np.zeros(32_000, dtype=np.float32))
    with pytest.raises(
        CIFError, match=r"^'utterance 0': 50 frames of 0.1 s are 5 s, but the sound"
    ):
        diagnose(np.zeros(50), frame_shift=0.1, waveforms=sound)
    assert diagnose(np.zeros(50), frame_shift=0.04, waveforms=sound).utterances[0]["frames"] == 50


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"tokens": {"z": ["x"]}}, "^tokens must be named after the utterances"),
        ({"tokens": [["x"], ["y"], ["z"]]}, "^tokens must be one for each of 2 utterances, got 3"),
        ({"tokens": "xy"}, "^tokens must be one for each utterance"),
        ({"tokens": ["x", "y"]}, "^tokens must be texts, or a number"),
        ({"tokens": [-1, 2]}, "^tokens must be an integer >= 0"),
        ({"tokens": [[1], [2]]}, "^token must be a str"),
        ({"waveforms": [None, None]}, "^waveforms must be a Waveform"),
        ({"reference": {"a": 3}}, "^reference must be an? Alignment"),
        ({"frame_shift": 0}, "^frame_shift must be a number > 0"),
        ({"frame_shift": "1"}, "^frame_shift must be a number"),
        ({"threshold": 0}, "^threshold must be a number > 0"),
        ({"tail": "none"}, "^tail rule must be one of"),
        ({"frame_lengths": [7, 1]}, "^frame_lengths must be"),
        ({"alone": np.ones((3, 2))}, "^alone must hold the same 2 utterances"),
    ],
)
def test_what_belongs_to_no_utterance_is_refused(known, message):
    with pytest.raises(CIFError, match=message):
        diagnose({"a": ALPHA, "b": ALPHA}, **known)


def test_tokens_are_given_by_name_by_place_or_as_a_number():
    for tokens in ({"b": ["x"]}, [0, ["x"]], [[], ["x"]], {"a": 0, "b": 1}):
        known = with_what_is_known(observe({"a": ALPHA, "b": ALPHA}), tokens=tokens)
        assert known[1].expected == 1
    assert with_what_is_known(observe(ALPHA), tokens=["x", "y"])[0].expected == 2
    assert with_what_is_known(observe(ALPHA), tokens=5)[0].expected == 5


def test_the_same_utterance_alone_is_found_by_name_or_place():
    batch, alone = {"a": [0.5, 0.5], "b": [0.5]}, {"b": [0.4]}
    known = with_what_is_known(observe(batch), alone=observe(alone))
    assert known[0].alone is None
    assert known[1].alone.tolist() == [0.4]
    by_place = with_what_is_known(observe(batch), alone=observe([[0.1], [0.2]]))
    assert [one.alone.tolist() for one in by_place] == [[0.1], [0.2]]


def test_two_utterances_of_one_name_are_refused():
    with pytest.raises(CIFError, match="names of utterances must differ"):
        with_what_is_known(observe({"a": ALPHA}) * 2)


def test_a_model_is_run_alone_and_in_a_batch():
    sounds = {"a": noise(1.0), "b": noise(0.5)}
    found = diagnose(cifviz.load_model("digits"), waveforms=sounds)
    assert found.source == "digits"
    assert found.looked_at["batch_dependence"] == 2
    assert "batch_dependence" not in {one.check for one in found.findings}
    assert [one["name"] for one in found.utterances] == ["a", "b"]


@pytest.mark.parametrize(
    ("source", "waveforms", "error", "message"),
    [
        ("digits", None, CIFError, "^a model needs waveforms"),
        ("digits", [], CIFError, "^a model needs sounds"),
        ("digits", ["no.wav"], CIFError, "no such audio file"),
        ("digits-ctc", [Waveform(np.zeros(16_000, dtype=np.float32))], CIFError, "with a CIF"),
        ("no model", [], CheckpointError, "^no model 'no model'"),
        ("no.npy", None, DataError, "no such file of arrays"),
    ],
)
def test_a_model_that_cannot_be_run_is_one_error(source, waveforms, error, message):
    with pytest.raises(error, match=message):
        diagnose(source, waveforms=waveforms)
