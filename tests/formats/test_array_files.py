"""Arrays are read as they are; whatever else a file may be is one error."""

import io
import struct
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.torch import save_file

from cifviz.errors import DataError
from cifviz.formats import array_files
from cifviz.formats.array_files import read_arrays

NUMBERS = st.sampled_from(["<f4", ">f4", "<f8", ">f8", "<f2", "<i8", ">i4", "|u1", "|b1"])


@given(
    NUMBERS.flatmap(lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, min_side=0))),
    st.booleans(),
)
@settings(max_examples=80)
def test_an_array_comes_back_whatever_its_order(tmp_path_factory, values, in_columns):
    folder = tmp_path_factory.mktemp("arrays")
    values = np.asfortranarray(values) if in_columns else values
    np.save(folder / "a.npy", values)
    np.savez(folder / "b.npz", one=values, two=np.zeros(3))
    np.savez_compressed(folder / "c.npz", one=values)
    for found in (
        read_arrays(folder / "a.npy")["a"],
        read_arrays(folder / "b.npz")["one"],
        read_arrays(folder / "c.npz")["one"],
    ):
        assert found.shape == values.shape
        np.testing.assert_array_equal(found.numpy(), values)


def test_safetensors_keep_half_precision(tmp_path):
    given = {"a": torch.rand(3).half(), "b": torch.rand(2, 2).bfloat16()}
    save_file(given, tmp_path / "a.safetensors")
    found = read_arrays(tmp_path / "a.safetensors")
    assert {name: one.dtype for name, one in found.items()} == {
        "a": torch.float16,
        "b": torch.bfloat16,
    }
    assert all(torch.equal(found[name], given[name]) for name in given)


def header(shape, kind="<f8"):
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"no array at all",
        header("(1000000000000,)") + b"\0" * 8,
        header("(2,)") + b"\0" * 8,
        header("(-1,)") + b"\0" * 8,
        header("(1,)", "|O") + b"\0" * 8,
        header("(1,)", "<c16") + b"\0" * 16,
        header("(1,)", "<U2") + b"\0" * 8,
        header("(1,)", "nonsense") + b"\0" * 8,
        b"\x93NUMPY\x09\x00" + b"\0" * 100,
    ],
)
def test_no_array_is_one_error(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", content)
    (tmp_path / "a.safetensors").write_bytes(content)
    for suffix in ("npy", "npz", "safetensors"):
        with pytest.raises(DataError, match=rf"a\.{suffix}"):
            read_arrays(tmp_path / f"a.{suffix}")


@given(st.binary(max_size=200), st.sampled_from([".npy", ".npz", ".safetensors"]))
def test_any_bytes_are_one_error(tmp_path_factory, content, suffix):
    path = tmp_path_factory.mktemp("bytes") / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match="a.npy|a.npz|a.safetensors"):
        read_arrays(path)


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(array_files, "LARGEST", 10_000)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", header("(100000,)", "|u1") + b"\0" * 100_000)
    assert (tmp_path / "a.npz").stat().st_size < 10_000
    with pytest.raises(DataError, match="must hold at most"):
        read_arrays(tmp_path / "a.npz")


def test_two_arrays_of_one_name_are_refused(tmp_path):
    content = io.BytesIO()
    np.save(content, np.zeros(2))
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(tmp_path / "a.npz", "w") as archive,
    ):
        archive.writestr("a.npy", content.getvalue())
        archive.writestr("a.npy", content.getvalue())
    with pytest.raises(DataError, match="two arrays named"):
        read_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["a.txt", "a", "missing.npy", "folder.npy"])
def test_another_file_is_one_error(tmp_path, name):
    (tmp_path / "a.txt").write_text("0.5")
    (tmp_path / "a").write_text("0.5")
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(DataError, match="expected a file of arrays|no such|not a file"):
        read_arrays(tmp_path / name)


def test_a_path_is_expected():
    with pytest.raises(DataError, match="^expected a path"):
        read_arrays(3)
