"""A run that is killed goes on from there, on processes of its own, as a user starts it."""

import os
import signal
import subprocess
import time

import psutil
import pytest

from benchmarks import corpus
from tests.corpus_alignment.conftest import copy_clips


@pytest.fixture
def environment(monkeypatch):
    """The clips alone: the same corpus whether or not there are real recordings."""
    monkeypatch.delenv("CIFVIZ_DATA", raising=False)


@pytest.mark.long
def test_a_run_that_is_killed_three_times_ends_as_if_it_had_not(tmp_path, environment):
    corpus.make_corpus(tmp_path / "corpus", 250, long_seconds=90)
    manifest = tmp_path / "corpus/corpus.jsonl"
    corpus.run(manifest, tmp_path / "unbroken", 2)
    found = corpus.broken(manifest, tmp_path / "broken", workers=2, kills=3, pause=0.5)
    assert found["kills"] and found["rows_done_before_the_last_call"]
    assert found["done_again"] == 0
    assert corpus.contents(tmp_path / "broken") == corpus.contents(tmp_path / "unbroken")


@pytest.mark.long
def test_a_worker_that_is_killed_does_not_end_the_run(tmp_path, environment):
    """Its part goes to another process, which takes what is done from there."""
    copy_clips(tmp_path / "sounds", ["one", "two", "three", "four", "five"])
    lines = ["sound"] + ["sounds/two.flac", "sounds/five.flac"] * 60
    table = tmp_path / "corpus.csv"
    table.write_text("\n".join(lines))
    out = tmp_path / "out"
    process = subprocess.Popen(
        corpus.command(table, out, 1), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    while process.poll() is None and not list(out.glob("utterances/*/*.json")):
        time.sleep(0.05)
    children = psutil.Process(process.pid).children()
    for child in max((one.memory_info().rss, one) for one in children)[1:]:
        os.kill(child.pid, signal.SIGKILL)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert len(corpus.finished(out)) == 120 + 2
