"""What the Journal of Open Source Education asks of a course, in its checklist for reviewers."""

import re

import pytest
import yaml
from PIL import Image

from cifviz.course.build import lessons, product
from cifviz.notebooks.reader import read_notebook
from cifviz.notebooks.run_inputs import ROOT


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def paper():
    """Front matter and text of the paper."""
    _, header, body = text("paper/paper.md").split("---\n", 2)
    return yaml.safe_load(header), body


def headings(markdown):
    return re.findall(r"(?m)^#+ (.+)$", markdown)


def test_code_and_content_have_open_licences():
    assert text("LICENSE").startswith("MIT License")
    content = text("notebooks/LICENSE.txt")
    assert "creativecommons.org/licenses/by/4.0/" in content and "MIT" in content
    assert "notebooks/LICENSE.txt" in text("README.md")


def test_the_version_and_the_authors_are_those_of_the_package():
    cited, package = yaml.safe_load(text("CITATION.cff")), text("pyproject.toml")
    assert f'version = "{cited["version"]}"' in package
    assert f'name = "{cited["authors"][0]["name"]}"' in package


def test_the_paper_has_its_parts_and_its_authors(paper):
    header, body = paper
    assert {"title", "tags", "authors", "affiliations", "date", "bibliography"} <= header.keys()
    known = {one["index"] for one in header["affiliations"]}
    assert all(one["name"] and one["affiliation"] in known for one in header["authors"])
    assert {"Summary", "Statement of need", "Learning objectives", "References"} <= {
        *headings(body)
    }
    assert 250 < len(body.split()) < 1000


def test_what_the_paper_cites_is_in_its_bibliography_and_the_other_way_round(paper):
    header, body = paper
    entries = re.findall(r"@\w+\{(\w+),", text(f"paper/{header['bibliography']}"))
    assert sorted(entries) == sorted(set(re.findall(r"@(\w+)", body)))


def test_need_and_audience_are_stated_in_the_readme():
    assert "learn CIF, see it, hear it and use it" in " ".join(text("README.md").split())
    assert "docs/teaching.md" in text("README.md")


@pytest.mark.parametrize("name", lessons())
def test_every_lesson_states_objectives_and_what_it_needs(name):
    opening = read_notebook(product(name, "student")).cells[0].source
    _, _, listed = opening.partition("**What you'll learn**")
    assert len(re.findall(r"(?m)^- \*\w+", listed)) >= 3
    assert "**What you need:**" in opening


def test_there_are_schedules_and_their_minutes_are_what_they_say():
    page = text("docs/teaching.md")
    tables = dict(re.findall(r"### (.+)\n\n((?:\|.+\n)+)", page))
    short, half, weeks = tables.values()
    assert [name.partition(":")[0] for name in tables] == ["90 minutes", "Half a day", "Six weeks"]
    minutes = [sum(map(int, re.findall(r"(?m)^\| (\d+) \|", table))) for table in (short, half)]
    assert minutes[0] == 90 and 180 <= minutes[1] <= 240
    assert re.findall(r"(?m)^\| (\d) \|", weeks) == list("123456")
    used = set(re.findall(r"notebooks/(\w+)\.ipynb", page))
    assert used and used <= set(lessons())


def test_there_are_guidelines_for_a_community():
    community = text("CONTRIBUTING.md").partition("## Community")[2].partition("\n## ")[0]
    for asked in ("question", "mistake", "contribut"):
        assert asked in community.lower(), asked


def test_links_of_the_pages_for_lecturers_lead_to_something():
    for page in ("docs/teaching.md", "paper/paper.md"):
        for target in re.findall(r"\]\((?!https:)([^)#]+)", text(page)):
            assert (ROOT / page).parent.joinpath(target).exists(), target


def test_the_first_screen_of_the_readme_moves_and_leads_to_an_own_voice():
    first = text("README.md").partition("\n## ")[0]
    (alt, path) = re.search(r"!\[([^\]]+)\]\(([^)]+)\)", first).groups()
    assert len(alt) > 100 and "python tasks.py align me.m4a" in first
    assert (ROOT / path).stat().st_size < 1_000_000
    with Image.open(ROOT / path) as animation:
        assert animation.n_frames > 20 and animation.info["loop"] == 0
