import pytest

from cifviz.errors import (
    AudioError,
    CheckpointError,
    CIFError,
    DataError,
    require,
    require_choice,
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
