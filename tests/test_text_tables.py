import pytest

from cifviz.text_tables import markdown_table, text_table


def test_columns_are_as_wide_as_their_widest_cell():
    lines = text_table(["a", "long heading"], [["long cell", "b"], ["c", "d"]]).splitlines()
    assert lines == ["a          long heading", "long cell  b", "c          d"]


def test_a_bar_in_a_cell_does_not_end_it():
    assert markdown_table(["|α|"], [["0.5"]]).splitlines()[0] == "| \\|α\\| |"


def test_a_table_without_rows_is_its_header():
    assert text_table(["a", "b"], []) == "a  b"
    assert markdown_table(["a", "b"], []) == "| a | b |\n|---|---|"


def test_a_row_of_another_length_is_an_error():
    with pytest.raises(ValueError, match="longer|shorter"):
        text_table(["a", "b"], [["1"]])
