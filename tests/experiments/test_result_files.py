"""Results are kept as files, and nothing else is replaced."""

import pytest

from cifviz.errors import DataError
from cifviz.formats import read_json
from experiments.result_files import keep_result


def test_a_result_takes_the_place_of_one_of_the_same_command(tmp_path):
    path = tmp_path / "results" / "digits.json"
    for command in ("cifviz train digits --seed 0", "cifviz train digits --seed 0 --steps 5"):
        assert keep_result(path, {"command": command}) == path
        assert read_json(path) == {"command": command}
    assert [file.name for file in path.parent.iterdir()] == ["digits.json"]


@pytest.mark.parametrize(
    "there",
    ['{"command": "cifviz train grid"}', '{"command": 3}', '{"mine": 1}', "[]", "mine", ""],
)
def test_nothing_else_is_replaced_by_a_result(tmp_path, there):
    path = tmp_path / "digits.json"
    path.write_text(there)
    with pytest.raises(DataError, match="is no result of `cifviz train digits --seed 0`"):
        keep_result(path, {"command": "cifviz train digits --seed 0"})
    assert path.read_text() == there


def test_a_result_is_not_written_through_a_link(tmp_path):
    (tmp_path / "mine.json").write_text('{"command": "cifviz tails"}')
    (tmp_path / "tails.json").symlink_to("mine.json")
    with pytest.raises(DataError, match="is a symbolic link"):
        keep_result(tmp_path / "tails.json", {"command": "cifviz tails"})


def test_a_result_is_one_line(tmp_path):
    result = {"command": "cifviz tails", "runs": [{"seed": 0, "rests": [0.25, 0.5]}]}
    content = keep_result(tmp_path / "tails.json", result).read_text("utf-8")
    assert content == '{"command":"cifviz tails","runs":[{"rests":[0.25,0.5],"seed":0}]}\n'


def test_a_result_of_a_former_command_is_replaced_by_its_successor(tmp_path):
    path = tmp_path / "digits.json"
    keep_result(path, {"command": "cifviz train digits --seed 0"})
    command = {"command": "python -m experiments train digits --seed 0"}
    assert read_json(keep_result(path, command)) == command
    with pytest.raises(DataError, match="is no result of `python -m experiments train grid`"):
        keep_result(path, {"command": "python -m experiments train grid"})
