"""Notebooks of any origin are read, or refused in one sentence."""

import json
import os

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cifviz.errors import DataError
from cifviz.notebooks import reader as module
from cifviz.notebooks.execution import language_of
from cifviz.notebooks.reader import find_notebooks, read_notebook, sections, texts


def cell(source="1", **more):
    made = {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": []}
    return {**made, "execution_count": 1, **more}


def content(*cells, minor=5, **more):
    made = {"nbformat": 4, "nbformat_minor": minor, "metadata": {}, "cells": list(cells)}
    return {**made, **more}


@pytest.fixture
def written(tmp_path):
    """Writes a notebook and gives its place."""

    def write(data):
        path = tmp_path / "other.ipynb"
        path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
        return path

    return write


def test_a_byte_order_mark_is_no_fault(written):
    assert read_notebook(written("\ufeff" + json.dumps(content(cell())))).cells[0].source == "1"


OLD_CELL = {"cell_type": "code", "language": "python", "metadata": {}, "input": "1", "outputs": []}
WITHOUT_ID = {name: value for name, value in cell().items() if name != "id"}


@pytest.mark.parametrize(
    "data",
    [
        content(WITHOUT_ID, minor=0),
        content(WITHOUT_ID, minor=4),
        content(cell(), minor=9),
        content(WITHOUT_ID),
        content(cell(), cell()),
        {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [OLD_CELL]}]},
    ],
)
def test_any_version_is_read_and_gets_ids_without_a_word(written, data, capsys):
    notebook = read_notebook(written(data))
    ids = [one.id for one in notebook.cells]
    assert len(set(ids)) == len(ids) and all(ids)
    assert {one.source for one in notebook.cells} == {"1"}
    assert capsys.readouterr() == ("", "")


def deep(levels):
    output = {"output_type": "display_data", "metadata": {}, "data": {"application/json": "DEEP"}}
    return json.dumps(content(cell(outputs=[output]))).replace(
        '"DEEP"', "[" * levels + "]" * levels
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("[" * 100_000 + "]" * 100_000, "data nested more than 100 levels deep"),
        (deep(100_000), "data nested more than 100 levels deep"),
        (deep(200), "data nested more than 100 levels deep"),
        ('{\n"a": 1,\n}', "no JSON, line 3"),
        ("9" * 5000, "no JSON"),
        ("[1]", r"expected an object, got \[1\]"),
        ({"nbformat": 5, "cells": []}, "expected nbformat 3 or 4, got 5"),
        ({"nbformat": True, "cells": []}, "expected nbformat 3 or 4, got True"),
        ({"cells": []}, "expected nbformat 3 or 4, got None"),
        (content(cell(), 1), "its parts are not those of nbformat 4"),
        (content(cell(outputs=[{"output_type": "hologram"}])), "of nbformat 4, see cell 0"),
        (content(cell(), cell(metadata={"tags": 3})), "of nbformat 4, see cell 1"),
        (content(cell(outputs=[{"output_type": "hologram"}]), minor=9), "see cell 0"),
        (content({"cell_type": "movie", "metadata": {}}, minor=9), "see cell 0"),
        (content(metadata=[]), "its parts are not those of nbformat 4$"),
    ],
)
def test_what_is_no_notebook_is_refused_in_our_words(written, data, reason):
    with pytest.raises(DataError, match=rf"other\.ipynb is not a notebook: .*{reason}"):
        read_notebook(written(data))


def test_as_deep_as_a_picture_is_read(written):
    assert read_notebook(written(deep(90))).cells


def test_a_very_large_file_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "large.ipynb"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    monkeypatch.setattr(module.Path, "read_bytes", lambda path: pytest.fail("it was read"))
    with pytest.raises(DataError, match="has 200 MB: more than 50 MB are not read"):
        read_notebook(path)


def test_a_file_that_may_not_be_read_is_refused(written, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    path = written(content())
    monkeypatch.setattr(module.Path, "read_bytes", refuse)
    with pytest.raises(DataError, match=r"other\.ipynb cannot be read: Permission denied"):
        read_notebook(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_what_is_no_file_is_found_and_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "broken.ipynb").symlink_to("nowhere")
    (tmp_path / "loop.ipynb").symlink_to("loop.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    (tmp_path / "folder.ipynb" / "good.ipynb").write_text(json.dumps(content()))
    (tmp_path / "round").symlink_to(".")
    found = find_notebooks(tmp_path)
    names = ["broken.ipynb", "folder.ipynb/good.ipynb", "loop.ipynb", "pipe.ipynb"]
    assert [str(path.relative_to(tmp_path)) for path in found] == names
    reasons = {"broken.ipynb": "a link that leads nowhere", "pipe.ipynb": "a pipe or a device"}
    reasons["loop.ipynb"] = reasons["broken.ipynb"]
    for name, reason in reasons.items():
        with pytest.raises(DataError, match=reason):
            read_notebook(tmp_path / name)
    with pytest.raises(DataError, match="a pipe or a device"):
        find_notebooks(tmp_path / "pipe.ipynb")


def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path, monkeypatch):
    (tmp_path / "good.ipynb").touch()
    (tmp_path / "secret").mkdir()
    look = os.scandir

    def scandir(path):
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(path))
        return look(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = find_notebooks(tmp_path)
    assert [path.name for path in found] == ["good.ipynb", "secret"]
    with pytest.raises(DataError, match="secret is a folder that cannot be looked into"):
        read_notebook(found[1])


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({}, "python"),
        ({"kernelspec": {"name": "python3.12", "display_name": "Py"}}, "python"),
        ({"kernelspec": {"name": "conda-env-x-py", "display_name": "x"}}, "python"),
        ({"kernelspec": {"name": "x", "display_name": "x", "language": "python"}}, "python"),
        ({"language_info": {"name": "ipython3"}}, "ipython3"),
        ({"kernelspec": {"name": "ir", "display_name": "R"}, "language_info": {"name": "R"}}, "R"),
        ({"kernelspec": {"name": "julia-1.9", "display_name": "Julia 1.9"}}, "Julia"),
        ({"kernelspec": {"name": "x", "display_name": "x", "language": "scala"}}, "scala"),
    ],
)
def test_the_language_of_a_notebook_is_that_of_its_kernel(metadata, language):
    assert language_of(new_notebook(metadata=metadata)) == language


def test_a_traceback_is_not_what_a_notebook_says():
    failed = new_output("error", ename="E", evalue="v", traceback=["File /usr/lib/x.py"])
    notebook = new_notebook(cells=[new_code_cell("1/0", outputs=[failed])])
    assert not any("/usr" in text for _, text in texts(notebook))


def test_sections_go_on_through_the_cells():
    texts = ["# Title", "## One\na", "b", "## Two"]
    cells = [new_markdown_cell(text) for text in texts]
    assert sections(new_notebook(cells=cells)) == [("One", "\na\nb\n"), ("Two", "")]
