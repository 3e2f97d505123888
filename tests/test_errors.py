import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from cifviz.errors import (
    AudioError,
    CheckpointError,
    CIFError,
    DataError,
    require,
    require_choice,
    require_integer,
    require_number,
    require_type,
    shown,
)


@pytest.mark.parametrize("error", [AudioError, CheckpointError, DataError])
def test_one_family_that_a_caller_can_catch_as_a_plain_value_error(error):
    assert issubclass(error, CIFError)
    assert issubclass(error, ValueError)


def test_require_raises_the_error_it_is_told_with_the_message_it_is_given():
    with pytest.raises(CIFError, match="^a number > 0$") as caught:
        require(False, "a number > 0")
    assert type(caught.value) is CIFError
    with pytest.raises(AudioError, match="^no sound$"):
        require(False, "no sound", AudioError)
    require(True, "never said")


def test_require_choice_lists_what_is_allowed():
    with pytest.raises(CIFError, match="^colour must be one of 'red', 'green', got 'rde'$"):
        require_choice("colour", "rde", iter(["red", "green"]))
    require_choice("colour", "red", iter(["red", "green"]))
    with pytest.raises(CIFError, match=r"be one of 0, 1, .* 39 and 99960 more, got -1") as caught:
        require_choice("number", -1, range(100_000))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "value",
    ["1", b"1", None, 1j, True, math.nan, math.inf, 10**400, [1.0], np.ones(2), torch.ones(2)],
    ids=lambda value: shown(value)[:12],
)
def test_what_is_no_number_is_refused_with_what_came(value):
    with pytest.raises(CIFError, match="^share must be a number, got ") as caught:
        require_number("share", value)
    assert str(caught.value).endswith(shown(value))


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), np.int16(1), Fraction(1, 2)])
def test_a_number_comes_back_as_a_float(value):
    number = require_number("share", value, above=0, at_most=1)
    assert type(number) is float
    assert number == value


@pytest.mark.parametrize(
    ("value", "bounds", "expected"),
    [
        (0, {"above": 0}, "> 0"),
        (-0.5, {"at_least": 0}, ">= 0"),
        (1.0, {"at_least": 0, "below": 1}, ">= 0 and < 1"),
        (1.5, {"above": 0.25, "at_most": 1}, "> 0.25 and <= 1"),
    ],
)
def test_a_number_out_of_bounds_is_told_them(value, bounds, expected):
    with pytest.raises(CIFError, match=f"^share must be a number {expected}, got {value}$"):
        require_number("share", value, **bounds)


@pytest.mark.parametrize("value", [2.0, "2", True, None, math.inf, 10**400])
def test_an_integer_is_whole_by_its_type(value):
    with pytest.raises(AudioError, match="^hop must be an integer > 0, got "):
        require_integer("hop", value, above=0, error=AudioError)
    assert require_integer("hop", np.int64(2), above=0) == 2


def test_require_type_names_the_type():
    with pytest.raises(CIFError, match="^words must be a list, got 'ab'$"):
        require_type("words", "ab", list)
    with pytest.raises(CIFError, match="^count must be an int, got None$"):
        require_type("count", None, int)
    require_type("words", [], list)


def test_what_a_message_shows_fits_on_a_line():
    assert shown("1") == "'1'"
    assert "\n" not in shown(torch.zeros(9, 9))
    assert len(shown("ab" * 1000)) == 60
    assert shown(10**5000) == "a very large int"
