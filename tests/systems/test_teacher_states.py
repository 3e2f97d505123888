"""States of a teacher: kept, found again, and one clear error where they do not fit."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from cifviz.errors import CheckpointError, CIFError, DataError
from cifviz.systems.teacher_states import (
    STATES,
    TEACHER,
    TRANSCRIPTS,
    TeacherStates,
    collate_states,
)


def made(**changes):
    states = {("one", "##s"): torch.randn(2, 3), (): torch.zeros(0, 3), ("é",): torch.randn(1, 3)}
    return TeacherStates(**{"states": states, "teacher": "tiny", **changes})


def test_what_is_saved_is_what_is_loaded(tmp_path):
    states = made()
    states.save(tmp_path / "states.safetensors")
    loaded = TeacherStates.load(tmp_path / "states.safetensors")
    assert (loaded.width, loaded.teacher, len(loaded)) == (3, "tiny", 3)
    for tokens in (("one", "##s"), (), ("é",)):
        assert torch.equal(loaded.of(tokens), states.of(tokens).half())
    with pytest.raises(DataError, match="exists; --overwrite"):
        states.save(tmp_path / "states.safetensors")


def test_a_transcript_that_is_missing_is_named():
    with pytest.raises(CIFError, match="tiny has no states of the transcript 'two', one of 3 has"):
        made().of(("two",))


def test_of_no_token_there_is_no_state():
    assert TeacherStates({("a",): torch.zeros(1, 4)}, "tiny").of([]).shape == (0, 4)


def test_another_width_is_one_error():
    made().require_width(3)
    message = "states of tiny have 3 values, expected 768: set bert_distill_feat_dim to 3, or take"
    with pytest.raises(CIFError, match=message):
        made().require_width(768)


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ({}, "no states of any transcript"),
        ({("a", "b"): torch.zeros(1, 3)}, r"'a b' must be floats .* \(2, width\), got"),
        ({("a",): torch.zeros(1, 3, dtype=torch.long)}, "must be floats"),
        ({("a",): [[0.0]]}, "must be floats"),
        ({("a",): torch.zeros(1, 3), ("b",): torch.zeros(1, 2)}, r"as wide, got \[2, 3\]"),
    ],
)
def test_states_that_are_none_are_refused(states, message):
    with pytest.raises(CIFError, match=message):
        made(states=states)


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(CheckpointError, match="no file .*x.safetensors with the states of a teach"):
        TeacherStates.load(tmp_path / "x.safetensors")


GOOD = {TRANSCRIPTS: json.dumps([["a"], ["b", "c"]]), TEACHER: "tiny"}


@pytest.mark.parametrize(
    ("metadata", "states"),
    [
        (GOOD, {"other": torch.zeros(3, 2)}),
        (GOOD, {STATES: torch.zeros(4, 2)}),
        (GOOD, {STATES: torch.zeros(3, 2, dtype=torch.long)}),
        (GOOD, {STATES: torch.full((3, 2), torch.nan)}),
        (GOOD, {STATES: torch.zeros(3)}),
        (None, {STATES: torch.zeros(3, 2)}),
        ({TEACHER: "tiny"}, {STATES: torch.zeros(3, 2)}),
        ({**GOOD, TRANSCRIPTS: "{"}, {STATES: torch.zeros(3, 2)}),
        ({**GOOD, TRANSCRIPTS: '["abc"]'}, {STATES: torch.zeros(3, 2)}),
        ({**GOOD, TRANSCRIPTS: "3"}, {STATES: torch.zeros(3, 2)}),
        ({**GOOD, TRANSCRIPTS: "[[1]]"}, {STATES: torch.zeros(1, 2)}),
    ],
)
def test_a_damaged_file_is_one_error(tmp_path, metadata, states):
    path = tmp_path / "x.safetensors"
    save_file(states, path, metadata)
    with pytest.raises(CheckpointError, match="does not hold the states of a teacher, or is dama"):
        TeacherStates.load(path)


@given(st.binary(max_size=200))
def test_hostile_bytes_are_one_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("states") / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="does not hold the states of a teacher, or is dama"):
        TeacherStates.load(path)


def test_states_of_a_batch_are_padded():
    together = collate_states([torch.ones(2, 3).half(), torch.zeros(0, 3), torch.ones(3, 3)])
    assert together.shape == (3, 3, 3) and together.dtype == torch.float32
    assert together.sum(dim=(1, 2)).tolist() == [6, 0, 9]


@pytest.mark.parametrize("wrong", [torch.ones(2, 4), torch.ones(3), torch.ones(2, 3).long()])
def test_states_of_another_shape_are_refused(wrong):
    with pytest.raises(CIFError, match="states of a teacher must be"):
        collate_states([torch.ones(2, 3), wrong])
