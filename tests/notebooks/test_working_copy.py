"""A run gets a copy of the folder of its notebook, and the folder stays as it is."""

import os

import pytest

from cifviz.notebooks import working_copy as module
from cifviz.notebooks.sealed_kernel import refuse_changes
from cifviz.notebooks.working_copy import working_copy


@pytest.fixture
def folder(tmp_path):
    """A folder of notebooks in a project, with data beside it."""
    place = tmp_path / "project" / "notebooks"
    (place / "inner").mkdir(parents=True)
    (place / "text.txt").write_text("beside")
    (place / "inner" / "deep.txt").write_text("below")
    (tmp_path / "project" / "data").mkdir()
    (tmp_path / "project" / "data" / "x.csv").write_text("above")
    return place


@pytest.fixture
def run(tmp_path):
    """The folder in which the copy is made."""
    place = tmp_path / "run"
    place.mkdir()
    return place


def test_relative_paths_lead_to_what_they_lead_to_in_the_folder(folder, run):
    copy = working_copy(folder, run)
    assert (copy / "text.txt").read_text() == "beside"
    assert (copy / "inner" / "deep.txt").read_text() == "below"
    assert (copy / ".." / "data" / "x.csv").read_text() == "above"
    assert not any((copy / name).is_symlink() for name in ("text.txt", "inner", "inner/deep.txt"))


def test_what_is_written_into_the_copy_is_not_written_into_the_folder(folder, run):
    (folder / "text.txt").chmod(0o444)
    copy = working_copy(folder, run)
    (copy / "text.txt").write_text("new")
    (copy / "inner" / "deep.txt").unlink()
    assert (folder / "text.txt").read_text() == "beside"
    assert (folder / "inner" / "deep.txt").read_text() == "below"


def test_a_program_beside_the_notebook_stays_one(folder, run):
    (folder / "text.txt").chmod(0o555)
    assert os.access(working_copy(folder, run) / "text.txt", os.X_OK | os.W_OK)


def test_a_link_within_the_folder_leads_within_the_copy(folder, run):
    (folder / "alias.txt").symlink_to("text.txt")
    (folder / "outside").symlink_to("../data")
    (folder / "broken").symlink_to("nowhere")
    (folder / "loop").symlink_to("loop")
    copy = working_copy(folder, run)
    (copy / "alias.txt").write_text("new")
    assert (folder / "text.txt").read_text() == "beside"
    assert (copy / "text.txt").read_text() == "new"
    assert (copy / "outside" / "x.csv").read_text() == "above"
    assert not (copy / "broken").exists()


def test_a_folder_that_leads_into_itself_is_copied_once(folder, run):
    (folder / "self").symlink_to(".")
    copy = working_copy(folder, run)
    assert (copy / "self").resolve() == copy


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_not_waited_for(folder, run):
    os.mkfifo(folder / "pipe")
    assert (working_copy(folder, run) / "pipe").is_symlink()


@pytest.mark.parametrize(("limit", "value"), [("LARGEST", 3), ("MOST", 1)])
def test_what_is_beyond_the_limits_is_linked(folder, run, monkeypatch, limit, value):
    monkeypatch.setattr(module, limit, value)
    copy = working_copy(folder, run)
    assert (copy / "text.txt").is_symlink()
    assert (copy / "text.txt").read_text() == "beside"
    assert (copy / "inner" / "deep.txt").read_text() == "below"


def test_what_cannot_be_copied_is_linked(folder, run, monkeypatch):
    def refuse(source, target):
        raise PermissionError("secret")

    monkeypatch.setattr(module.shutil, "copyfile", refuse)
    assert (working_copy(folder, run) / "text.txt").is_symlink()


def test_the_copy_does_not_lead_into_itself(folder, tmp_path, run):
    copy = working_copy(folder, run)
    assert not (copy.parents[1] / "run").exists()
    assert (copy.parents[1] / "project").exists()


# --- links of the copy are not written through ---------------------------------------------------

WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


@pytest.mark.parametrize(
    ("event", "arguments", "refused"),
    [
        ("open", ("../data/x.csv", "w", WRITE), True),
        ("open", ("../data/new.csv", "a", WRITE), True),
        ("open", (b"../data/x.csv", None, os.O_RDWR), True),
        ("open", ("large.bin", "r+", os.O_RDWR), True),
        ("os.truncate", ("large.bin", 0), True),
        ("os.chmod", ("../data/x.csv", 0o777, -1), True),
        ("os.remove", ("../data/x.csv", -1), True),
        ("os.rename", ("text.txt", "../data/x.csv", -1, -1), True),
        ("os.rename", ("../data/x.csv", "text.txt", -1, -1), True),
        ("os.mkdir", ("../data/new", 0o777, -1), True),
        ("os.link", ("../data/x.csv", "mine.csv", -1, -1), True),
        ("shutil.rmtree", ("../data/inner", None), True),
        ("open", ("../data/x.csv", "r", os.O_RDONLY), False),
        ("open", ("text.txt", "w", WRITE), False),
        ("open", ("../new.txt", "w", WRITE), False),
        ("open", (3, "w", WRITE), False),
        ("os.remove", ("large.bin", -1), False),
        ("os.rename", ("large.bin", "small.bin", -1, -1), False),
        ("os.listdir", ("../data",), False),
    ],
)
def test_nothing_is_changed_through_a_link(
    folder, run, tmp_path, monkeypatch, event, arguments, refused
):
    copy = working_copy(folder, run)
    (tmp_path / "large.bin").touch()
    (copy / "large.bin").symlink_to(tmp_path / "large.bin")
    monkeypatch.chdir(copy)
    hook = refuse_changes(str(run))
    if refused:
        with pytest.raises(PermissionError, match="not in the copy of the folder"):
            hook(event, arguments)
    else:
        hook(event, arguments)


def test_a_place_that_is_named_as_a_whole_may_be_written_to(run, tmp_path, monkeypatch):
    """Such as a cache in the home folder, whatever the notebook does with it."""
    monkeypatch.chdir(run)
    refuse_changes(str(run))("open", (str(tmp_path / "cache"), "w", WRITE))
