"""Firings come back from a file as they were, and a damaged file is one error."""

import contextlib
import io
import json
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import cifviz
from cifviz.core.firing import integrate_and_fire
from cifviz.core.reference import integrate_and_fire as plain_integrate_and_fire
from cifviz.core.tail import above, rounded
from cifviz.diagnosis.saved_firings import HEADER, load_firings, save_firings
from cifviz.errors import CIFError, DataError
from cifviz.timing import FrameGrid
from tests.strategies import cases

ABOVE = above(0.5)
KEPT = ("alpha", "scaled_alpha", "num_fires", "tail_fired", "residual", "fire_positions")


def batch(tail=ABOVE):
    alpha = torch.tensor([[0.6, 0.6, 0.9, 0.0], [0.5, 0.75, 0.5, 0.5]])
    return integrate_and_fire(
        alpha, torch.eye(4).expand(2, 4, 4), frame_lengths=torch.tensor([3, 4]), tail=tail
    )


def same(kept, given):
    for name in KEPT:
        a, b = getattr(kept, name), getattr(given, name)
        assert torch.equal(a.double(), b.double()), name
    assert torch.equal(kept.contributions, given.contributions)
    assert torch.equal(kept.accumulated, given.accumulated)
    assert (kept.threshold, kept.slack, kept.alpha.dtype) == (
        given.threshold,
        given.slack,
        given.alpha.dtype,
    )


@pytest.mark.parametrize("tail", [above(0.5), rounded], ids=str)
def test_a_batch_comes_back_as_its_utterances(tmp_path, tail):
    given = batch(tail)
    path = save_firings(
        given, tmp_path / "two.npz", names=["a", "b"], tokens=[["x", "y"], ["你", "z"]], grid=0.04
    )
    kept = load_firings(path)
    assert list(kept.firings) == ["a", "b"]
    assert kept.tokens["b"] == ("你", "z")
    assert kept.grid == FrameGrid(0.04)
    for at, name in enumerate("ab"):
        same(kept.firings[name], given.utterance(at))


@given(cases())
@settings(max_examples=60)
def test_any_firing_comes_back(tmp_path_factory, case):
    path = tmp_path_factory.mktemp("any") / "one.npz"
    firing = case.fire()
    same(load_firings(save_firings(firing, path)).firings["utterance 0"], firing.utterance(0))


def test_half_precision_stays_half_precision(tmp_path):
    alpha = torch.tensor([[0.6, 0.6]], dtype=torch.bfloat16)
    firing = integrate_and_fire(alpha, torch.ones(1, 2, 3, dtype=torch.bfloat16))
    kept = load_firings(save_firings(firing, tmp_path / "half.npz")).firings["utterance 0"]
    assert kept.alpha.dtype == torch.bfloat16


def test_no_firing_at_all_is_a_file_too(tmp_path):
    kept = load_firings(save_firings([], tmp_path / "none.npz"))
    assert len(kept) == 0


def cif(hidden, alphas, threshold):
    """As FunASR's predictors call it."""
    rows = [plain_integrate_and_fire(row.tolist(), threshold)[0] for row in alphas]
    return torch.tensor(rows) @ hidden, None


class CifPredictor(torch.nn.Module):
    """Of FunASR's shape, with a weight of 0.4 in each frame."""

    def forward(self, hidden):
        alphas = torch.full(hidden.shape[:2], 0.4)
        embeddings, peaks = cif(hidden, alphas, 1.0)
        return embeddings, alphas.sum(dim=1), alphas, peaks


def test_what_a_capture_yielded_is_kept_and_diagnosed(tmp_path):
    model = CifPredictor()
    with cifviz.capture(model) as firings:
        model(torch.randn(2, 4, 8))
    path = save_firings(firings, tmp_path / "one.npz")
    found = cifviz.diagnose(path, tokens=[2, 2])
    assert {one.check for one in found.findings} == {"lost_tail", "token_count"}
    assert found.to_dict() == cifviz.diagnose(firings, tokens=[2, 2], name="one.npz").to_dict()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ["a"]}, r"^expected 2 names"),
        ({"names": ["a", "a"]}, r"^names must differ"),
        ({"tokens": [["a"]]}, r"^expected 2 token sequences"),
        ({"tokens": ["ab", "c"]}, r"^tokens must be sequences of str, got one str"),
        ({"tokens": [["a"], 3]}, r"^tokens must be a Sequence"),
        ({"grid": 0.0}, r"shift must be a positive number"),
    ],
)
def test_what_does_not_fit_is_not_kept(tmp_path, options, message):
    with pytest.raises(CIFError, match=message):
        save_firings(batch(), tmp_path / "no.npz", **options)
    assert list(tmp_path.iterdir()) == []


def test_tokens_of_some_utterances_alone(tmp_path):
    path = save_firings(batch(), tmp_path / "a.npz", names=["a", "b"], tokens=[None, ["你"]])
    assert load_firings(path).tokens == {"b": ("你",)}


def test_a_file_is_replaced_only_if_told(tmp_path):
    path = save_firings(batch(), tmp_path / "a.npz")
    with pytest.raises(DataError, match="exists"):
        save_firings(batch(), path)
    assert save_firings(batch(), path, overwrite=True) == path


def test_something_else_is_no_firing(tmp_path):
    with pytest.raises(CIFError, match="^firing must be a Firing"):
        save_firings([torch.zeros(3)], tmp_path / "no.npz")
    with pytest.raises(CIFError, match="^firings must be a Sequence, got None"):
        save_firings(None, tmp_path / "no.npz")
    np.savez(tmp_path / "alpha.npz", alpha=np.zeros(3))
    with pytest.raises(DataError, match="holds no firings"):
        load_firings(tmp_path / "alpha.npz")


def changed(path, change):
    """The file with another header."""
    with np.load(path) as arrays:
        content = dict(arrays)
    header = json.loads(content[HEADER].tobytes())
    change(header)
    content[HEADER] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    np.savez(path, **content)
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.update(format="cifviz firings 2"),
        lambda header: header.pop("utterances"),
        lambda header: header.update(utterances=3),
        lambda header: header.update(clock=[-1.0]),
        lambda header: header.update(clock="no"),
        lambda header: header["utterances"][0].update(frames=10**12),
        lambda header: header["utterances"][0].update(frames=-1),
        lambda header: header["utterances"][0].update(fires=10**9),
        lambda header: header["utterances"][0].update(frames=True),
        lambda header: header["utterances"][0].update(contributions=0),
        lambda header: header["utterances"][0].update(threshold=0),
        lambda header: header["utterances"][0].update(residual="1"),
        lambda header: header["utterances"][0].update(dtype="Tensor"),
        lambda header: header["utterances"][0].update(dtype="int64"),
        lambda header: header["utterances"][0].update(name="utterance 1"),
        lambda header: header["utterances"].append({}),
        lambda header: header["utterances"].append(None),
    ],
)
def test_a_header_that_contradicts_the_arrays_is_refused(tmp_path, change):
    path = changed(save_firings(batch(), tmp_path / "a.npz"), change)
    with pytest.raises(DataError, match=r"a\.npz"):
        load_firings(path)


def test_a_contribution_of_no_frame_is_refused(tmp_path):
    path = save_firings(batch(), tmp_path / "a.npz")
    with np.load(path) as arrays:
        content = dict(arrays)
    content["frame"] = content["frame"] + 100
    np.savez(path, **content)
    with pytest.raises(DataError, match="of no fire or frame"):
        load_firings(path)


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=8))
@settings(max_examples=150)
def test_a_damaged_file_is_one_error_or_another_file(tmp_path_factory, place, new):
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(save_firings(batch(), folder / "a.npz").read_bytes())
    place %= len(content)
    content[place : place + len(new)] = new
    (folder / "b.npz").write_bytes(bytes(content))
    with contextlib.suppress(DataError):
        load_firings(folder / "b.npz")


def test_a_pickle_in_it_is_never_run(tmp_path):
    ran = []

    class Bomb:
        def __reduce__(self):
            return (ran.append, (1,))

    path = save_firings(batch(), tmp_path / "a.npz")
    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb()], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("bomb.npy", buffer.getvalue())
    ran.clear()
    with pytest.raises(DataError, match="must hold numbers"):
        load_firings(path)
    assert ran == []
