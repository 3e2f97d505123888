"""The page: whole, safe whatever the names, each finding with its picture in words."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from cifviz.diagnosis import diagnose, examine
from cifviz.diagnosis.faults import FAULTS, plant
from cifviz.diagnosis.finding_pictures import DRAWINGS, draw
from cifviz.diagnosis.findings import Picture
from cifviz.diagnosis.report_page import page, to_html
from cifviz.errors import CIFError, DataError
from tests.diagnosis.healthy import clip_utterances


@pytest.fixture(scope="module")
def faulty():
    """A different fault in each utterance: many findings at once."""
    utterances = clip_utterances("digits")
    planted = [
        one
        for name, utterance in zip(FAULTS, utterances + utterances, strict=False)
        for one in plant(name, [replace(utterance, name=f"{utterance.name} {name}")])
    ]
    return examine(planted, "a model with many faults")


@pytest.fixture(scope="module")
def text(faulty):
    """Their page."""
    return page(faulty)


def test_every_finding_has_its_words_and_its_picture(faulty, text):
    soup = BeautifulSoup(text, "html.parser")
    sections = {one["id"]: one for one in soup.find_all("section", id=True)}
    assert list(sections) == [finding.check for finding in faulty.findings]
    assert len(sections) > 5
    for finding in faulty.findings:
        section = sections[finding.check]
        assert finding.found in section.get_text()
        assert finding.advice in section.get_text()
        assert section.find("img")["alt"] == finding.picture.alt
        assert section.find("img")["src"].startswith("data:image/png;base64,")
        assert soup.find("a", href=f"#{finding.check}")


def test_every_check_is_accounted_for(faulty, text):
    shown = BeautifulSoup(text, "html.parser").get_text()
    assert all(title in shown for title in faulty.titles.values())
    healthy = BeautifulSoup(page(diagnose([0.5, 0.5])), "html.parser").get_text()
    assert "✔ healthy" in healthy
    assert "not looked for: needs the sound and a frame shift" in healthy


def test_it_asks_for_nothing_and_runs_nothing(text):
    soup = BeautifulSoup(text, "html.parser")
    policy = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none';")
    assert "script" not in policy
    assert not soup.find_all(["script", "link", "iframe"])
    assert not re.search(r"https?:|//[a-z]", soup.get_text())
    assert not [one for one in soup.find_all("a") if not one["href"].startswith("#")]


HOSTILE = '<script>alert(1)</script>"\x1b[31m\u202e\udcff&amp;' + "x" * 300


def test_names_from_outside_are_text(tmp_path):
    weights = {HOSTILE: np.array([-1.0, 0.5]), "b" * 500: [float("nan")]}
    found = diagnose(weights, name=HOSTILE)
    path = to_html(found, tmp_path / "page.html")
    text = path.read_text("utf-8")
    soup = BeautifulSoup(text, "html.parser")
    assert not soup.find_all("script")
    assert "\x1b" not in text and "\u202e" not in text
    assert "\x1b" not in found.table() and "\n<script>" not in found.table()
    json.dumps(found.to_dict(), allow_nan=False)


@given(st.text(max_size=30), st.lists(st.floats(), min_size=1, max_size=5))
@settings(max_examples=6)
def test_any_name_and_any_weights_make_a_page(name, weights):
    soup = BeautifulSoup(page(diagnose({name: weights}, name=name)), "html.parser")
    assert len(soup.find_all("h1")) == 1


def test_a_page_is_replaced_only_if_told(tmp_path):
    found = diagnose([0.5])
    path = to_html(found, tmp_path / "page.html")
    with pytest.raises(DataError, match="exists"):
        to_html(found, path)
    assert to_html(found, path, overwrite=True) == path


def test_the_table_says_what_was_found_the_worst_first(faulty):
    lines = faulty.table().splitlines()
    assert lines[0].startswith("a model with many faults: ")
    severities = [line.split()[0] for line in lines[2 : 2 + len(faulty.findings)]]
    assert severities == [finding.severity for finding in faulty.findings]
    assert severities == sorted(severities, key=["fault", "warning", "note"].index)
    assert max(map(len, lines)) < 200


def test_a_name_makes_no_line_of_its_own():
    found = diagnose({"a\nfault: b\x1b[31m": np.full(3, np.nan)}, name="c\nd")
    lines = found.table().splitlines()
    assert lines[0].startswith("c\\nd: 1 fault")
    assert [line for line in lines if line.startswith("fault: ")] == [
        "fault: negative or non-finite weights"
    ]
    assert "a\\nfault: b\\x1b[31m" in lines[2]


def test_the_json_has_a_version_and_all_that_was_found(faulty):
    data = json.loads(json.dumps(faulty.to_dict(), allow_nan=False))
    assert (data["format"], data["version"]) == ("cifviz diagnosis", 1)
    assert data["worst"] == "fault"
    assert [one["check"] for one in data["findings"]] == [one.check for one in faulty.findings]
    assert len(data["checks"]) == 12
    for finding in data["findings"]:
        assert finding["picture"]["kind"] in DRAWINGS
        assert len(json.dumps(finding["picture"])) < 60_000


def test_a_picture_of_another_kind_is_refused():
    with pytest.raises(CIFError, match="^kind of picture must be one of"):
        draw(Picture("sculpture", "words", {}))


def test_a_severity_is_one_of_three():
    found = diagnose([0.5])
    assert found.fails("note") is False
    with pytest.raises(CIFError, match="^severity must be one of"):
        found.fails("bad")
