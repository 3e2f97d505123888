"""Files are written whole, all or none, and in place of nothing that nobody gave away."""

import errno
import os
import shutil
import socket
import stat
from contextlib import closing
from pathlib import Path

import pytest

from cifviz import resources
from cifviz.errors import DataError
from cifviz.resources import Inputs, check_target, write_atomically, writing


def contents(folder):
    """Everything below a folder, hidden or not, by its path."""
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in folder.rglob("*")
    }


def write(path, **options):
    return write_atomically(path, lambda part: part.write_text("new"), **options)


def test_a_file_that_is_there_is_replaced_only_if_that_is_asked_for(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(DataError, match=r"a\.txt exists; --overwrite .* replaces it"):
        write(path)
    assert contents(tmp_path) == {"a.txt": b"old"}
    assert write(path, overwrite=True) == path
    assert contents(tmp_path) == {"a.txt": b"new"}


def special(kind, path):
    """Make something at `path` that is no regular file."""
    if kind == "folder":
        path.mkdir()
    elif kind == "dangling link":
        path.symlink_to("nowhere")
    elif kind == "link to a file":
        (path.parent / "file").write_text("mine")
        path.symlink_to("file")
    elif kind == "FIFO":
        os.mkfifo(path)
    elif kind == "socket":
        here = Path.cwd()
        os.chdir(path.parent)  # the name of a socket may only be short
        try:
            with closing(socket.socket(socket.AF_UNIX)) as made:
                made.bind(path.name)
        finally:
            os.chdir(here)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ("folder", "is a folder"),
        ("dangling link", "is a symbolic link"),
        ("link to a file", "is a symbolic link"),
        ("FIFO", "is no regular file"),
        ("socket", "is no regular file"),
    ],
)
def test_what_is_no_regular_file_is_never_replaced(tmp_path, kind, complaint, overwrite):
    path = tmp_path / "a"
    special(kind, path)
    before, mode = contents(tmp_path), os.lstat(path).st_mode
    with pytest.raises(DataError, match=complaint):
        write(path, overwrite=overwrite)
    assert (contents(tmp_path), os.lstat(path).st_mode) == (before, mode)


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="no such device")
def test_a_device_is_never_replaced():
    with pytest.raises(DataError, match="/dev/null is no regular file"):
        check_target("/dev/null", overwrite=True)


@pytest.mark.parametrize("name", ["x" * 250 + ".TextGrid", "a\0b"])
def test_a_name_that_the_system_does_not_take_is_refused_before_anything_is_written(tmp_path, name):
    with pytest.raises(DataError, match="cannot write"), writing([tmp_path / "a", tmp_path / name]):
        pytest.fail("it began")
    assert contents(tmp_path) == {}


def test_a_write_protected_file_is_left_as_it_is(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(stat.S_IRUSR)
    with pytest.raises(DataError, match="is write-protected"):
        write(path, overwrite=True)
    assert path.read_text() == "old"


@pytest.mark.parametrize("name", ["itself", "hard link", "link", "through a folder", "in a model"])
def test_an_input_is_never_a_target_under_any_name(tmp_path, name):
    sound, model = tmp_path / "talk.flac", tmp_path / "model"
    sound.write_text("sound")
    (model / "more").mkdir(parents=True)
    (tmp_path / "hard").hardlink_to(sound)
    (tmp_path / "soft").symlink_to(sound)
    (tmp_path / "here").symlink_to(tmp_path)
    targets = {
        "itself": [sound],
        "hard link": [tmp_path / "hard"],
        "link": [tmp_path / "soft"],
        "through a folder": [tmp_path / "here" / "talk.flac", model / ".." / "talk.flac"],
        "in a model": [model, model / "new", model / "more" / "new", tmp_path / "here/model/new"],
    }
    inputs = Inputs([sound, model, tmp_path / "missing", "a\0b"])
    before = contents(tmp_path)
    for target in targets[name]:
        with pytest.raises(DataError, match="never replaced"):
            write(target, overwrite=True, inputs=inputs)
    assert contents(tmp_path) == before


def test_another_file_beside_an_input_is_no_input(tmp_path):
    (tmp_path / "talk.flac").touch()
    (tmp_path / "model").mkdir()
    inputs = Inputs([tmp_path / "talk.flac", tmp_path / "model"])
    write(tmp_path / "model.txt", inputs=inputs)
    assert tmp_path / "talk.png" not in inputs


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_in_the_last_moment_is_not_lost(tmp_path, monkeypatch, links):
    """Also on file systems without hard links."""
    path = tmp_path / "a.txt"

    def link(source, target, **_):
        path.write_text("theirs")  # between the check and the end
        if links:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(DataError, match=r"a\.txt exists"):
        write(path)
    assert contents(tmp_path) == {"a.txt": b"theirs"}


def test_where_there_are_no_links_files_are_written_and_replaced_too(tmp_path, monkeypatch):
    def link(*_, **__):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(os, "link", link)
    targets = [tmp_path / "a", tmp_path / "b"]
    for text, overwrite in (("one", False), ("two", True)):
        with writing(targets, overwrite=overwrite) as parts:
            for part in parts:
                part.write_text(text)
        assert contents(tmp_path) == {"a": text.encode(), "b": text.encode()}


def failing(monkeypatch, name, number, error):
    """Let the call with this number of a function of `os` fail, and none after it."""
    original, calls = getattr(os, name), []

    def called(*arguments, **options):
        calls.append(arguments)
        if len(calls) == number:
            raise error
        return original(*arguments, **options)

    monkeypatch.setattr(os, name, called)


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("moment", ["instead", "after"])
@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()], ids=["full", "interrupted"])
def test_replacing_all_or_none(tmp_path, monkeypatch, number, moment, error, links):
    """One that cannot be replaced, because it is held open for one, brings the others back."""
    targets = [tmp_path / name for name in ("a.png", "new", "a.TextGrid", "a.json")]
    for target in targets:
        if target.name != "new":
            target.write_text(f"old {target.suffix}")
    before = contents(tmp_path)
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(FULL))
    original, calls = os.replace, []

    def replace(source, target):
        if target in targets:
            calls.append(target)
        fails = target in targets and len(calls) == number
        if fails and moment == "instead":
            raise error
        original(source, target)
        if fails:
            raise error

    def create(part, path):
        replace(part, path)

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(resources, "_create", create)
    raised = DataError if error is FULL else KeyboardInterrupt
    with pytest.raises(raised, match="No space left|^$"), writing(targets, overwrite=True) as parts:
        for part in parts:
            part.write_text("made")
    found = contents(tmp_path)
    if not links and number == 4 and moment == "after":  # it is in place, and nothing has failed
        assert found.pop("a.json") == b"made"
        before.pop("a.json")
    assert found == before


def test_creating_all_or_none(tmp_path, monkeypatch):
    targets = [tmp_path / name for name in ("a", "b", "c")]
    failing(monkeypatch, "link", 3, FileExistsError(errno.EEXIST, "it came in between"))
    with pytest.raises(DataError, match="c exists"), writing(targets) as parts:
        for part in parts:
            part.write_text("new")
    assert contents(tmp_path) == {}


def test_what_cannot_be_put_back_is_kept_and_named(tmp_path, monkeypatch):
    targets = [tmp_path / "a", tmp_path / "b"]
    for target in targets:
        target.write_text("old")
    original, calls = os.replace, []

    def replace(*arguments):
        calls.append(arguments)
        if len(calls) > 1:
            raise FULL
        return original(*arguments)

    monkeypatch.setattr(os, "replace", replace)
    with (
        pytest.raises(DataError, match=r"cannot undo .*a is (.+-old) now") as caught,
        writing(targets, overwrite=True) as parts,
    ):
        for part in parts:
            part.write_text("new")
    (kept,) = tmp_path.glob(".cifviz-*")
    assert str(kept) in str(caught.value)
    assert kept.read_text() == "old"


@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt(), MemoryError()])
def test_a_writer_that_fails_leaves_nothing(tmp_path, error):
    (tmp_path / "b").write_text("old")
    targets = [tmp_path / "a", tmp_path / "b"]
    with (
        pytest.raises(type(error), match="No space left|^$"),
        writing(targets, overwrite=True) as parts,
    ):
        parts[0].write_text("half")
        raise error
    assert contents(tmp_path) == {"b": b"old"}


def test_a_folder_that_takes_no_files_is_named(tmp_path, monkeypatch):
    def mkdtemp(**_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("tempfile.mkdtemp", mkdtemp)
    with pytest.raises(DataError, match=r"cannot write .*a\.txt: Permission denied"):
        write(tmp_path / "a.txt")
    with pytest.raises(DataError, match="no such folder to write in: .*nowhere"):
        write(tmp_path / "nowhere" / "a.txt")


def test_a_file_is_written_with_the_usual_rights(tmp_path):
    usual = tmp_path / "usual"
    usual.touch()
    path = write(tmp_path / "a.txt")
    assert path.stat().st_mode == usual.stat().st_mode


@pytest.mark.skipif(os.name == "nt", reason="no such rights there")
def test_a_file_that_is_replaced_keeps_its_rights(tmp_path):
    path = write(tmp_path / "private.txt")
    path.chmod(0o600)
    write(path, overwrite=True)
    assert path.stat().st_mode & 0o777 == 0o600


def test_told_to_end_while_tidying_up_it_tidies_up_first(tmp_path, monkeypatch):
    original, calls = shutil.rmtree, []

    def rmtree(path):
        calls.append(path)
        if len(calls) == 1:
            raise KeyboardInterrupt
        original(path)

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    with (
        pytest.raises(KeyboardInterrupt, match="^$"),
        writing([tmp_path / "a", tmp_path / "b"]) as parts,
    ):
        for part in parts:
            part.write_text("new")
    assert contents(tmp_path) == {"a": b"new", "b": b"new"}


def test_a_file_that_is_there_is_refused_before_anything_is_computed(tmp_path):
    target = tmp_path / "a"
    target.write_text("mine")
    with pytest.raises(DataError, match="a exists; --overwrite"):
        check_target(target)
    with pytest.raises(DataError, match="a exists; --overwrite"), writing([target]):
        pytest.fail("computed for nothing")
