"""Which code and which data: a clone made for the test, and files that change."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from cifviz.errors import CIFError
from experiments import provenance
from experiments.provenance import checksum, commit


def git(folder, *words):
    """Run git there, with no settings but these."""
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
    told = subprocess.run(
        ["git", *who, *words],
        cwd=folder,
        env={**os.environ, **nobody},
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip()


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A folder without a repository, in which the library seems to lie."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # as they are in a hook
        monkeypatch.delenv(name, raising=False)
    module = tmp_path / "library/models/provenance.py"
    module.parent.mkdir(parents=True)
    module.write_text("# code\n", "utf-8")
    monkeypatch.setattr(provenance, "__file__", str(module))
    return tmp_path


@pytest.fixture
def clone(outside):
    """The same, committed."""
    git(outside, "init", "--quiet")
    git(outside, "add", "library")
    git(outside, "commit", "--quiet", "--message", "one")
    return outside


def test_the_commit_of_a_clone_is_told(clone):
    assert commit() == git(clone, "rev-parse", "--short=12", "HEAD")
    assert re.fullmatch("[0-9a-f]{12}", commit())


def test_another_commit_is_another_name(clone):
    before = commit()
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "two")
    assert commit() != before


def test_a_tag_is_no_commit(clone):
    git(clone, "tag", "--annotate", "v1", "--message", "v1")
    assert commit() == git(clone, "rev-parse", "--short=12", "HEAD")


def test_changed_code_is_dirty_and_results_beside_it_are_not(clone):
    clean = commit()
    (clone / "result.json").write_text("{}", "utf-8")
    assert commit() == clean
    (clone / "library/models/provenance.py").write_text("# other code\n", "utf-8")
    assert commit() == f"{clean}-dirty"


def test_outside_of_a_clone_there_is_no_commit(outside):
    assert commit() is None


def test_inside_a_strangers_repository_there_is_none(outside):
    """As in an environment that it ignores."""
    git(outside, "init", "--quiet")
    git(outside, "commit", "--quiet", "--allow-empty", "--message", "theirs")
    assert commit() is None


def test_before_the_first_commit_there_is_none(outside):
    git(outside, "init", "--quiet")
    assert commit() is None


def test_without_git_there_is_no_commit(clone, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commit() is None


FILES = {"readme.txt": "b", "sound/one.flac": "aaa", "sound/two.flac": "bb", "z/empty": ""}


@pytest.fixture
def summed(tmp_path, monkeypatch):
    """Checksum of a data set of these files."""
    monkeypatch.setattr(provenance, "corpus_folder", lambda name: tmp_path / name)

    def sum_of(files, name="digits"):
        for path, content in files.items():
            path = tmp_path / name / path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, "utf-8")
        return checksum(name)

    return sum_of


def test_a_checksum_is_a_sha256(summed):
    assert re.fullmatch("[0-9a-f]{64}", summed(FILES))


def test_the_same_files_elsewhere_have_the_same_checksum(summed):
    assert summed(FILES, "here") == summed(FILES, "there")


@pytest.mark.parametrize(
    "changed",
    [
        {"sound/one.flac": "aab"},
        {"sound/one.flac": "aa", "sound/two.flac": "abb"},
        {"sound/one.flac": "bb", "sound/two.flac": "aaa"},
        {"readme.txt": ""},
        {"sound/three.flac": ""},
    ],
    ids=["a letter", "a letter moved on", "contents swapped", "emptied", "an empty file more"],
)
def test_other_contents_have_another_checksum(summed, changed):
    assert summed(FILES) != summed({**FILES, **changed}, "other")


@pytest.mark.parametrize("name", ["sound/two.wav", "two.flac", "sound/two/flac"])
def test_other_names_have_another_checksum(summed, name):
    renamed = {name if path == "sound/two.flac" else path: FILES[path] for path in FILES}
    assert summed(FILES) != summed(renamed, "other")


def test_names_and_contents_are_kept_apart(summed):
    """What moves from a file's name to its content, or the other way, is a change."""
    assert summed({"ab": "c"}, "x") != summed({"a": "bc"}, "y")


def test_order_in_which_files_are_found_does_not_matter(summed, monkeypatch):
    before = summed(FILES)
    found = Path.rglob
    monkeypatch.setattr(
        Path, "rglob", lambda folder, pattern: reversed(list(found(folder, pattern)))
    )
    assert checksum("digits") == before


def test_a_data_set_that_nobody_knows_is_refused():
    with pytest.raises(CIFError, match="'digit'"):
        checksum("digit")
