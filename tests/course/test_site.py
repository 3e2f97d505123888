"""The pages of the lessons: complete, self-contained, accessible, or refused."""

import base64
import hashlib
import json
import re
import zipfile
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from typer.testing import CliRunner

from cifviz import Alignment, TimedToken
from cifviz.cli import app
from cifviz.course import figures
from cifviz.course.build import COPIES, NOTEBOOKS, lessons, product
from cifviz.course.exercises import exercises
from cifviz.course.site import build_site as building
from cifviz.course.site import live_explorers
from cifviz.course.site import release as releasing
from cifviz.course.site.build_site import MANIFEST, build_site, render, write
from cifviz.course.site.clean import clean
from cifviz.course.site.curriculum import QUESTIONS
from cifviz.course.site.exercise_sheets import tasks
from cifviz.course.site.markdown import Markdown
from cifviz.course.site.page_templates import STATIC
from cifviz.course.site.places import dead_links
from cifviz.course.site.release import contents, release, write_archive
from cifviz.errors import DataError
from cifviz.explorer.static_fallback import spans_table
from cifviz.notebooks.media_types import EXPLORER, WIDGET_STATE, WIDGET_VIEW
from cifviz.notebooks.reader import read_notebook
from cifviz.notebooks.run_inputs import ROOT
from cifviz.plot.images import image_tag

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
ALT = "A line that rises from left to right."
SOUND = '<audio aria-label="one" controls="controls" style="width:16em"><source src="{}"/></audio>'
SOUND = SOUND.format("data:audio/wav;base64,UklGRg==")

OPENING = """\
# Lesson {0}

**What you'll do:** draw
a line.

**What you'll learn**

- *draw*

**What you need:** nothing.

**Time:** 5 minutes

Previous: [Lesson 0](00_line.ipynb) · Next: [Lesson 1](01_curve.ipynb)
"""
TEXT = """\
## 1. The line: $y = 2x$

The sum $\\sum_t \\alpha_t$ costs `$5`, see [the code](../code.py),
[the project](../README.md#how-good),
[its folder](../docs), [the next section](#2-the-curve) and [the web](https://example.org/a).

$$W_{i,t} = \\frac{1}{2}$$

## 2. The curve

| | weight |
|---|---:|
| a sentence in which there is a lot to read | 1 |

## 1. The line: $y = 2x$
"""


def shown(**data):
    return new_output("display_data", data={k.replace("_", "/"): v for k, v in data.items()})


def lesson(number):
    """A lesson with everything that a page must bring across."""
    view = {WIDGET_VIEW: {"model_id": "1"}, "text/plain": "A control"}
    static = shown(image_png="x", text_html=image_tag(PICTURE, ALT), text_plain=f"Figure: {ALT}")
    outputs = [
        [new_output("stream", name="stdout", text="</script><script>alert('&')</script>\n")],
        [new_output("display_data", data=view), static],
        [shown(text_html=f'<div style="margin:0">{SOUND}</div>', text_plain="Sound: one")],
        [shown(text_markdown="| a | b |\n|---|---|\n| 1 | 2 |", text_plain="a b")],
    ]
    code = [new_code_cell(f"x = {n}  # <b>", outputs=outs) for n, outs in enumerate(outputs)]
    code[0].source += f'\ncheck("0{number}.1", x)'
    code[0].metadata["tags"] = ["exercise"]
    text = f"{TEXT}\n**Exercise 0{number}.1.** How much is x?"
    cells = [new_markdown_cell(OPENING.format(number)), new_markdown_cell(text), *code]
    state = {WIDGET_STATE: {"state": {"1": {"model_name": "SliderModel"}}}}
    return new_notebook(cells=cells, metadata={"widgets": state})


NAMES = ["00_line", "01_curve"]
FOLDERS = ["", "solutions/", "sheets/", "solutions/sheets/"]


@pytest.fixture
def root(tmp_path):
    """A repository with two lessons, built without being run."""
    root = tmp_path / "repository"
    for place in ("notebooks/source", "notebooks/solutions", "docs"):
        (root / place).mkdir(parents=True)
    (root / "README.md").write_text(
        "# Project\n\n<!-- hidden -->\n## How good\n\n![A plot of nothing at all](docs/a.png)\n\n"
        "[code](code.py) [elsewhere](LICENSE) [folder](notebooks/source) [old](http://example.org)\n"
    )
    (root / "docs" / "README.md").write_text("Pages.")
    (root / "docs" / "a.png").write_bytes(PICTURE)
    (root / "LICENSE").write_text("Free.")
    (root / "code.py").write_text('"""Adds <one>."""\n\nif 1 < 2:\n    x = 1 + 1\n')
    for number, name in enumerate(NAMES):
        (root / "notebooks" / "source" / f"{name}.py").touch()
        save(root, name, "", lesson(number))
        solved = lesson(number)
        for cell in solved.cells[:2]:
            cell.source = cell.source.replace("](../", "](../../")
        solved.cells[2].metadata["tags"] = ["solution"]
        save(root, name, "solutions", solved)
    return root


def save(root, name, copy, notebook):
    nbformat.write(notebook, root / "notebooks" / copy / f"{name}.ipynb")


@pytest.fixture
def files(root):
    return render(root)


@pytest.fixture
def pages(files):
    return html_of(files)


def html_of(files):
    """The pages among the files of a site."""
    return {place: text for place, text in files.items() if place.endswith(".html")}


def soup_of(pages, place="00_line.html"):
    return BeautifulSoup(pages[place], "html.parser")


# --- what a site holds ---------------------------------------------------------------------------


def test_there_is_a_page_for_each_copy_for_each_linked_file_and_an_index(pages):
    assert set(pages) == {
        "index.html",
        "lecturer.html",
        *(f"{folder}{name}.html" for name in NAMES for folder in FOLDERS),
        *(f"files/{name}.html" for name in ("code.py", "README.md", "docs/README.md")),
    }


def test_two_sites_are_the_same_bytes(root, tmp_path):
    kept = []
    for folder in (tmp_path / "one" / "site", tmp_path / "other"):
        printed = build_site(folder, root)
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        kept.append({str(path.relative_to(folder)): path.read_bytes() for path in files})
        assert printed.splitlines()[-1].startswith("13 pages, 0.")
    assert kept[0] == kept[1]
    assert kept[0].keys() == {*render(root), MANIFEST}


def test_every_page_lists_the_lessons_and_its_own_sections(pages):
    for place, up in (("00_line.html", ""), ("solutions/00_line.html", "../"), ("index.html", "")):
        soup = soup_of(pages, place)
        contents = soup.find("nav", id="contents")
        ways = {a["href"]: a.get_text() for a in contents.select("ul:first-child > li > a")}
        assert {
            f"{up}index.html": "The course",
            "01_curve.html": "01 Lesson 1",
        }.items() <= ways.items()
        (here,) = contents.select('[aria-current="page"]')
        assert here["href"] == place.rpartition("/")[2]
        heads = [f"#{head['id']}" for head in soup.main.find_all("h2", id=True)]
        assert [a["href"] for a in contents.select("ul ul a")] == heads
        assert soup.html["data-root"] == up
    assert "aria-current" not in str(soup_of(pages, "files/code.py.html").find(id="contents"))


# --- what is searched ----------------------------------------------------------------------------


def searched(files):
    """What `sections.js` holds."""
    begin, end = "globalThis.cifvizSections = ", ";\n"
    text = files["sections.js"]
    assert text.startswith(begin) and text.endswith(end)
    return json.loads(text.removeprefix(begin).removesuffix(end))


def test_every_section_of_the_students_lessons_is_searched_without_answers(root):
    notebook = lesson(0)
    notebook.cells[1].source += "\n\n<details><summary>Answer</summary>\n\nseventeen\n</details>"
    save(root, "00_line", "", notebook)
    files = render(root)
    found = searched(files)
    assert {place.partition("#")[0] for place, *_ in found} == {f"{name}.html" for name in NAMES}
    first = [one for one in found if one[0].startswith("00_line.html")]
    heads = soup_of(files).main.find_all(["h1", "h2", "h3"], id=True)
    assert [place for place, *_ in first] == [f"00_line.html#{head['id']}" for head in heads]
    assert first[1][1:3] == ["00 Lesson 0", "1. The line: y=2x"]
    assert "costs $5" in first[1][3] and "x = 0 # <b>" in first[3][3]
    assert not [one for one in found if "seventeen" in one[3]]
    assert "search.js" in files


def test_what_a_search_finds_is_in_the_solved_copy_too():
    for name in lessons():
        soups = [
            Markdown()(
                "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type[0] == "m")
            )
            for notebook in (read_notebook(product(name, copy)) for copy in COPIES)
        ]
        student, solved = (
            {head["id"] for head in BeautifulSoup(soup, "html.parser").find_all(["h2", "h3"])}
            for soup in soups
        )
        assert student <= solved


# --- for lecturers -------------------------------------------------------------------------------


def test_the_page_for_lecturers_leads_to_plans_sheets_and_solutions(root):
    notebook = read_notebook(root / "notebooks" / "solutions" / "00_line.ipynb")
    plan = new_markdown_cell("## For the lecturer\n\n### 90 minutes\n\n- 90 min: the line.")
    plan.metadata["tags"] = ["lecturer"]
    notebook.cells.append(plan)
    save(root, "00_line", "solutions", notebook)
    (root / "docs" / "teaching.md").write_text("# Teaching\n")
    pages = html_of(render(root))
    assert soup_of(pages, "index.html").main.find("a", href="lecturer.html") is not None
    soup = soup_of(pages, "lecturer.html").main
    first, second = soup.select("tbody tr")
    assert [a["href"] for a in first.find_all("a")] == [
        "solutions/00_line.html#for-the-lecturer",
        "sheets/00_line.html",
        "solutions/sheets/00_line.html",
        "solutions/00_line.html",
    ]
    assert not second.find("a", href=re.compile("#"))
    assert soup.find("a", href="files/docs/teaching.md.html") is not None
    assert not soup_of(pages, "sheets/00_line.html").find("a", href=re.compile("solutions"))


def test_a_sheet_has_the_exercises_and_room_for_answers_a_solved_one_the_solutions(pages):
    sheet = soup_of(pages, "sheets/00_line.html").main
    (task,) = sheet.select(".task")
    assert task.find("strong").get_text() == "Exercise 00.1."
    assert task.select(".space") and not task.pre, "where a number is asked for, no code"
    (task,) = soup_of(pages, "solutions/sheets/00_line.html").main.select(".task")
    assert task.pre.get_text().strip() == "x = 0  # <b>"
    assert exercises("00")["00.1"].praise in task.get_text() and not task.select(".space")


def test_an_answer_that_no_text_asks_for_is_refused(root):
    notebook = lesson(0)
    notebook.cells[2].source = 'check("00.9", x)'
    save(root, "00_line", "", notebook)
    with pytest.raises(DataError, match="no text asks for this answer"):
        render(root)


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("name", lessons())
def test_the_sheets_of_the_course_have_every_exercise_once(name, copy):
    known = exercises(name[:2])
    found = tasks(read_notebook(product(name, copy)), copy, known)
    assert sorted(task.number for task in found) == sorted(known)
    for task in found:
        assert "check(" not in task.code and task.section
        assert bool(task.praise) == (copy == "solved")


# --- explorers -----------------------------------------------------------------------------------


def explored(root, content):
    """Let both copies of a lesson keep an explorer."""
    for copy in ("", "solutions"):
        notebook = read_notebook(root / "notebooks" / copy / "00_line.ipynb")
        notebook.cells[3].outputs[0].data[EXPLORER] = content
        save(root, "00_line", copy, notebook)


def test_an_explorer_of_a_lesson_is_a_page_that_a_fold_loads(root):
    explored(root, json.dumps({"title": "a <b>", "data": {"tokens": ["</script>"]}}))
    files = render(root)
    for place, source in (
        ("00_line.html", "explorers/00_line.html"),
        ("solutions/00_line.html", "../explorers/00_line.html"),
    ):
        (fold,) = soup_of(files, place).select("details.live")
        assert fold["data-source"] == fold.a["href"] == source and "open" not in fold.attrs
        assert fold.parent.find("img") is not None, "the static fallback stays"
    assert '<h1 dir="auto">a &lt;b&gt;</h1>' in files["explorers/00_line.html"]
    assert "\\u003c/script\\u003e" in files["explorers/00_line.html"]
    assert not soup_of(files, "01_curve.html").select("details.live")


@pytest.mark.parametrize("content", ["{", "[]", '{"title": 1, "data": {}}', '{"title": "two"}'])
def test_an_explorer_that_cannot_be_read_is_refused(root, content):
    explored(root, content)
    with pytest.raises(DataError, match="00_line keeps an explorer that cannot be read: build it"):
        render(root)


def test_two_explorers_in_a_lesson_are_refused(root):
    notebook = read_notebook(root / "notebooks" / "00_line.ipynb")
    notebook.cells[3].outputs[0].data[EXPLORER] = "{}"
    notebook.cells[3].outputs *= 2
    with pytest.raises(DataError, match="00_line shows 2 explorers, the site has one"):
        live_explorers.explorer_content(notebook, "00_line")


def test_every_lesson_that_shows_an_explorer_keeps_what_its_page_needs():
    for copy in COPIES:
        shown = {
            name: live_explorers.explorer_content(read_notebook(product(name, copy)), name)
            for name in lessons()
            if "live_explorer(" in (NOTEBOOKS / "source" / f"{name}.py").read_text("utf-8")
        }
        assert len(shown) > 1 and all(shown.values())
        for content in shown.values():
            kept = json.loads(content)
            assert kept["data"]["sound_pieces"] and len(kept["data"]["tokens"]) > 1
            assert kept["title"].startswith(" ".join(kept["data"]["tokens"]))


def test_the_scripts_are_bundles_of_their_sources():
    """Else run `npm run build` in cifviz/course/site/js."""
    kept = json.loads((STATIC / "digests.json").read_text(encoding="utf-8"))
    for folder, digests in ((STATIC.with_name("js"), "sources"), (STATIC, "bundles")):
        assert kept[digests]
        for name, digest in kept[digests].items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


def test_the_index_says_of_each_lesson_what_it_asks_and_takes(root, monkeypatch):
    monkeypatch.setitem(QUESTIONS, "00_line", "What is a <line>?")
    soup = soup_of(render(root), "index.html")
    first, second = soup.select(".curriculum > li")
    assert first.h2.get_text() == "00 Lesson 0"
    assert first.select_one(".question").get_text() == "What is a <line>?"
    assert "Draw a line." in first.get_text() and "5 minutes" in first.get_text()
    targets = [link["href"] for link in first.select(".facts a")]
    assert targets == ["00_line.html", "solutions/00_line.html"]
    assert second.select_one(".question") is None


def test_every_lesson_of_the_course_has_its_question():
    assert set(lessons()) <= QUESTIONS.keys()


def test_every_page_has_a_language_a_title_one_heading_and_a_way_to_the_text(pages):
    for place in pages:
        soup = soup_of(pages, place)
        assert soup.html["lang"] == "en"
        assert soup.title.get_text().endswith("cifviz") and len(soup.title.get_text()) > 10
        assert len(soup.find_all("h1")) == 1 and len(soup.find_all("main")) == 1
        assert soup.body.a["href"] == "#" + soup.main["id"], "the skip link comes first"
        labels = [nav["aria-label"] for nav in soup.find_all("nav")]
        assert len(set(labels)) == len(labels)


def test_lessons_lead_to_one_another_to_the_index_and_to_the_other_copy(pages):
    ways = {
        place: {a["href"]: a.get_text() for a in soup_of(pages, place).select("header nav li a")}
        for place in ("00_line.html", "solutions/01_curve.html")
    }
    start = {key: text for key, text in ways["00_line.html"].items() if key[0] != "#"}
    assert start == {
        "index.html": "Curriculum",
        "01_curve.html": "Next: 01 Lesson 1",
        "solutions/00_line.html": "Solved copy",
    }
    end = {key: text for key, text in ways["solutions/01_curve.html"].items() if key[0] != "#"}
    assert end == {
        "../index.html": "Curriculum",
        "00_line.html": "Previous: 00 Lesson 0",
        "../01_curve.html": "Copy with open exercises",
    }


# --- what stands on a page -----------------------------------------------------------------------


def test_nothing_is_loaded_and_nothing_can_run_but_the_script_of_the_site(pages):
    ours = (STATIC / "site.js").read_text(encoding="utf-8").strip()
    for place, text in pages.items():
        soup = soup_of(pages, place)
        assert not soup.find_all(["link", "iframe", "object", "embed", "form", "base"])
        assert [(tag.string, tag.attrs) for tag in soup.find_all("script")] == [(ours, {})]
        assert not [tag for tag in soup.find_all(True) for name in tag.attrs if name[:2] == "on"]
        assert not soup.find_all(style=True), "the policy would block it"
        sources = [tag["src"] for tag in soup.find_all(src=True)]
        assert all(source.startswith("data:") for source in sources)
        assert "url(" not in text and "@import" not in text


def test_the_policy_allows_style_and_script_of_the_page_and_nothing_else(pages):
    for place in pages:
        soup = soup_of(pages, place)
        policy = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
        digest = base64.b64encode(hashlib.sha256(soup.style.string.encode()).digest()).decode()
        assert (
            policy.startswith("default-src 'none';") and f"style-src 'sha256-{digest}';" in policy
        )
        digest = base64.b64encode(hashlib.sha256(soup.script.string.encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}' 'strict-dynamic';" in policy
        assert "unsafe" not in policy and "http" not in policy


def test_output_that_looks_like_a_script_is_text(pages):
    printed = soup_of(pages).select_one("pre.printed")
    assert printed.get_text() == "</script><script>alert('&')</script>"
    assert "&lt;/script&gt;&lt;script&gt;" in pages["00_line.html"]


def test_pictures_and_sounds_come_with_their_words(pages):
    soup = soup_of(pages)
    (picture,) = soup.main.find_all("img")
    assert picture["alt"] == ALT
    assert base64.b64decode(picture["src"].partition(",")[2]) == PICTURE
    (sound,) = soup.main.find_all("audio")
    assert sound["aria-label"] == "one" and "controls" in sound.attrs
    (embedded,) = soup_of(pages, "files/README.md.html").find_all("img")
    assert embedded["src"].startswith("data:image/png;base64,")


def test_a_picture_moves_in_a_box_of_its_own_and_a_line_says_so(pages):
    (picture,) = soup_of(pages).main.find_all("img")
    box = picture.parent
    assert (box["class"], box["role"], box["tabindex"]) == (["picture"], "group", "0")
    assert box["aria-label"] and box.find_next_sibling("p")["class"] == ["sideways"]


def test_the_data_of_a_figure_are_a_closed_fold_beside_it(root, monkeypatch):
    bundles = []
    monkeypatch.setattr(figures, "emit", bundles.append)
    figure, (ax,) = figures.canvas()
    ax.plot([0, 1], [2, 3], label="loss")
    figures.show(figure, ALT, caption="Look at the loss.")
    notebook = lesson(0)
    notebook.cells[3].outputs = [new_output("display_data", data=bundles[0])]
    save(root, "00_line", "", notebook)
    soup = soup_of(render(root)).main
    (fold,) = soup.select("details.data")
    assert "open" not in fold.attrs and fold.find_previous("img")["alt"] == ALT
    assert fold.caption.get_text() == "loss"
    assert [cell.get_text() for cell in fold.select("td")] == ["0", "2", "1", "3"]
    assert fold.table.parent["class"] == ["wide"], "moves sideways, with keys"


def test_a_live_control_is_a_sentence_and_its_static_picture(pages):
    text = str(soup_of(pages).main)
    assert "In the notebook this picture has controls to move" in text
    assert "widget" not in text.lower() and "SliderModel" not in text
    assert text.index("has controls to move") < text.index(ALT)


def test_of_an_explorer_the_static_fallback_is_shown_in_the_direction_of_its_labels(root):
    notebook = lesson(0)
    table = spans_table(Alignment((TimedToken("שלוש", 0.1, 0.4),)))
    view, *_ = notebook.cells[3].outputs
    view.data = {"text/html": image_tag(PICTURE, "A long sentence on a panel.") + table}
    save(root, "00_line", "", notebook)
    (picture,) = soup_of(render(root)).select('img[alt="A long sentence on a panel."]')
    assert picture.find_next("table").tbody.th["dir"] == "auto"


def test_formulas_are_mathml(pages):
    soup = soup_of(pages)
    displayed = [math["display"] for math in soup.find_all("math")]
    assert displayed == ["inline", "inline", "block", "inline"]
    assert soup.find("mfrac").get_text() == "12"
    assert soup.h2.math is not None
    text = soup.main.get_text()
    assert text.count("$") == 1 and "$5" in text, "a dollar in code is a dollar"
    assert "α" in text and "\\alpha" not in text


def test_sections_are_named_as_on_github(pages):
    names = [head["id"] for head in soup_of(pages).find_all("h2")]
    assert names[1] == "2-the-curve"
    assert names[2] == f"{names[0]}-1", "two of one name are told apart"
    assert all(f'href="#{name}"' in pages["00_line.html"] for name in names)


def test_links_are_followed_from_both_copies(pages):
    for place, up in (("00_line.html", ""), ("solutions/00_line.html", "../")):
        targets = [a["href"] for a in soup_of(pages, place).main.find_all("a")]
        assert targets == [
            "00_line.html",
            "01_curve.html",
            f"{up}files/code.py.html",
            f"{up}files/README.md.html#how-good",
            f"{up}files/docs/README.md.html",
            "#2-the-curve",
            "https://example.org/a",
        ]
    assert dead_links(pages) == []


def test_a_linked_file_links_to_what_is_there_and_names_the_rest(pages):
    soup = soup_of(pages, "files/README.md.html")
    assert [a["href"] for a in soup.main.find_all("a")] == ["code.py.html"]
    assert "elsewhere" in soup.main.get_text() and "hidden" not in str(soup.main)
    code = soup_of(pages, "files/code.py.html")
    assert code.h1.get_text() == "code.py"
    assert code.pre.get_text().rstrip() == '"""Adds <one>."""\n\nif 1 < 2:\n    x = 1 + 1'
    assert [line["class"] for line in code.select("span.line")][-1] == ["line", "in4"]


def test_a_linked_folder_is_its_readme_or_a_list(root):
    notebook = lesson(0)
    notebook.cells[1].source += "\n[x](../notebooks/source) [all](../notebooks)"
    (root / "notebooks" / "source" / "__pycache__").mkdir()
    save(root, "00_line", "", notebook)
    pages = render(root)
    targets = [a["href"] for a in soup_of(pages).main.find_all("a")]
    assert targets[-2:] == ["files/notebooks/source.html", "index.html"]
    listed = soup_of(pages, "files/notebooks/source.html").main
    assert [name.get_text() for name in listed.find_all("li")] == ["00_line.py", "01_curve.py"]


def test_tables_move_with_keys_and_say_what_they_hold(pages):
    first, second = soup_of(pages).select(".wide")
    assert (first["tabindex"], first["role"]) == ("0", "group")
    assert first["aria-label"] == "Table: weight"
    assert second["aria-label"] == "Table: a, b"
    empty, weight = first.thead.find_all(["td", "th"])
    assert (empty.name, weight.name, weight["scope"]) == ("td", "th", "col")
    classes = [cell["class"] for cell in first.tbody.find_all("td")]
    assert classes == [["long"], ["right"]]


def test_a_long_name_in_a_table_may_break_behind_a_dot_or_a_bracket():
    table = "<table><tbody><tr><td><code>{}</code></td></tr></tbody></table>"

    def shown(name):
        return str(clean(table.format(name), follow=str, embed=str).code)

    name = "cifviz.<wbr/>integrate_and_fire(<wbr/>threshold)"
    assert shown(name.replace("<wbr/>", "")) == f"<code>{name}</code>"
    assert [shown(name) for name in (".wav", "0.5", "")] == [
        f"<code>{name}</code>" for name in (".wav", "0.5", "")
    ]


def test_it_is_said_which_cell_is_an_exercise_and_which_its_solution(pages):
    student, solved = (soup_of(pages, f"{folder}00_line.html") for folder in ("", "solutions/"))
    assert "Your answer" in student.select_one(".exercise .label").get_text()
    assert "solution" in solved.select_one(".solution .label").get_text()
    assert not student.select(".solution")


# --- what is refused -----------------------------------------------------------------------------


def html(text):
    return lambda notebook: notebook.cells[2].outputs.append(
        shown(text_html=text, text_plain="words")
    )


def text(addition):
    return lambda notebook: notebook.cells[1].update(source=notebook.cells[1].source + addition)


def output(**data):
    return lambda notebook: notebook.cells[2].outputs.append(shown(**data))


def failed(notebook):
    notebook.cells[2].outputs.append(
        new_output("error", ename="ValueError", evalue="no", traceback=[])
    )


def unknown(notebook):
    notebook.cells[2].outputs.append(shown(application_pdf="x"))


SRC = 'src="data:image/png;base64,"'
BAD = {
    "a picture without alt text": (
        html(f"<img {SRC}/>"),
        "a picture without alt text: data:image/png",
    ),
    "a picture with alt text that says nothing": (
        html(f'<img {SRC} alt="figure"/>'),
        "a picture without alt text",
    ),
    "a PNG alone": (
        output(image_png="iVBORw0=", text_plain="<Figure>"),
        "a picture without alt text",
    ),
    "a picture of the web": (
        html(f'<img src="https://example.org/a.png" alt="{ALT}"/>'),
        "<img> is not embedded: https://example.org",
    ),
    "a picture that is not there": (
        text("\n![A picture of something far away](../none.png)"),
        "none.png leads to nothing",
    ),
    "a script of the web": (
        html('<script src="http://example.org/a.js"></script>'),
        '<script> is not allowed: <script src="http://example.org/a.js">',
    ),
    "a script": (html("<script>alert(1)</script>"), "<script> is not allowed"),
    "a script in a text": (text("\n<script>alert(1)</script>"), "<script> is not allowed"),
    "a handler": (html('<div onclick="alert(1)">x</div>'), "<div> may not have onclick"),
    "a frame": (html('<iframe srcdoc="x"></iframe>'), "<iframe> is not allowed"),
    "a drawing that may hold scripts": (
        html("<svg><script>alert(1)</script></svg>"),
        "<svg> is not allowed",
    ),
    "a page as a picture": (
        html(f'<img src="data:text/html;base64,PGI+" alt="{ALT}"/>'),
        "<img> is not embedded: data:text/html",
    ),
    "a sound without a name": (
        html(SOUND.replace("aria-label", "title")),
        "a sound without a name",
    ),
    "a sound without controls": (
        html(SOUND.replace("controls", "title", 1)),
        "no controls: the sound one",
    ),
    "a link to nowhere": (text("\n[x](../none.py)"), "the link ../none.py leads to nothing"),
    "a link to no lesson": (
        text("\n[x](07_none.ipynb)"),
        "the link 07_none.ipynb leads to nothing",
    ),
    "a link to no section": (
        text("\n[x](01_curve.ipynb#none)"),
        "01_curve.html#none, which is not there",
    ),
    "a link to no section of this page": (
        text("\n[x](#none)"),
        "links to #none, which is not there",
    ),
    "a link out of the repository": (
        text("\n[x](../../../../../etc/hosts)"),
        "leads out of the repository",
    ),
    "a link to the root": (text("\n[x](/etc/hosts)"), "leads out of the repository"),
    "a link to a picture": (text("\n[x](../docs/a.png)"), "docs/a.png: no text"),
    "an unsafe link": (text("\n[x](http://example.org)"), "http://example.org is not https"),
    "a link that runs": (text("\n[x](javascript:alert)"), "javascript:alert is not https"),
    "a formula with an unknown command": (
        text("\n$\\unheard x$"),
        "has \\unheard, which has no MathML",
    ),
    "half a formula": (text("\n$\\left( x$"), "is none: ExtraLeft"),
    "two titles": (text("\n# Another"), "one title"),
    "a cell that failed": (failed, "cell 2 failed with ValueError: no"),
    "an output that no page can show": (unknown, "an output of application/pdf alone"),
}
"""Name of a fault, what makes it, and its message."""


@pytest.mark.parametrize("fault", BAD)
def test_a_page_with_a_fault_is_refused_with_its_name(root, fault):
    notebook = lesson(0)
    spoil, says = BAD[fault]
    spoil(notebook)
    save(root, "00_line", "", notebook)
    with pytest.raises(DataError, match=re.escape(says)) as refused:
        render(root)
    assert "00_line" in str(refused.value) or "docs/a.png" in str(refused.value)


def test_all_faults_of_a_page_are_told_at_once(root):
    notebook = lesson(0)
    for fault in ("a script", "a picture without alt text", "a link to nowhere"):
        BAD[fault][0](notebook)
    save(root, "00_line", "", notebook)
    with pytest.raises(DataError, match="<script> is not allowed") as refused:
        render(root)
    assert len(str(refused.value).splitlines()) == 3


def test_what_a_lesson_lacks_is_named(root):
    notebook = lesson(0)
    notebook.cells[0].source = OPENING.replace("**Time:**", "Time:")
    save(root, "00_line", "", notebook)
    with pytest.raises(DataError, match="the first cell of 00_line lacks Time"):
        render(root)
    (root / "notebooks" / "00_line.ipynb").unlink()
    with pytest.raises(DataError, match="no such notebook"):
        render(root)
    with pytest.raises(DataError, match="no lessons in"):
        render(root / "docs")


def test_a_file_too_large_for_a_page_is_refused(root, monkeypatch):
    monkeypatch.setattr(building, "LARGEST_FILE", 10)
    with pytest.raises(DataError, match=r"code\.py: too large"):
        render(root)


def test_dead_links_are_found_in_any_page():
    pages = {"a/b.html": '<a href="../c.html">c</a><a href="../d.html">d</a>', "c.html": "<p>"}
    assert dead_links(pages) == ["a/b.html links to ../d.html, which is not there"]


def test_raw_html_and_code_keep_their_signs():
    assert Markdown()("a < b & c") == "<p>a &lt; b &amp; c</p>\n"
    assert "&lt;b&gt;" in Markdown()("```python\nx = '<b>'\n```")
    assert "&lt;b&gt;" in Markdown()("```\n<b>\n```")


# --- where it is written -------------------------------------------------------------------------


def test_an_older_site_is_replaced_whole(pages, tmp_path):
    out = tmp_path / "site"
    write({**pages, "08_old.html": "old"}, out)
    write(pages, out)
    assert not (out / "08_old.html").exists()
    assert (out / "index.html").read_text(encoding="utf-8") == pages["index.html"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".site")] == []


@pytest.mark.parametrize("name", ["notes.txt", "index.html", MANIFEST, "folder/"])
def test_a_folder_of_something_else_is_left_alone(pages, tmp_path, name):
    mine = tmp_path / "mine" / name
    mine.mkdir(parents=True) if name.endswith("/") else mine.parent.mkdir()
    if not mine.is_dir():
        mine.write_text("mine")
    with pytest.raises(DataError, match="holds something else than a site"):
        write(pages, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == [mine.name]


@pytest.mark.parametrize("change", ["another file", "an edited page", "a link"])
def test_a_site_with_something_of_somebody_in_it_is_left_alone(pages, tmp_path, change):
    out = tmp_path / "site"
    write(pages, out)
    if change == "another file":
        (out / "notes.txt").write_text("mine")
    elif change == "an edited page":
        (out / "index.html").write_text(pages["index.html"] + "<p>mine</p>")
    else:
        (tmp_path / "elsewhere.html").write_text(pages["index.html"])
        (out / "index.html").unlink()
        (out / "index.html").symlink_to(tmp_path / "elsewhere.html")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(
        DataError, match=r"holds something else than a site, \w+\.\w+: name another"
    ):
        write(pages, out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_a_site_is_never_put_in_place_of_a_link(pages, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "site").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="site is no folder"):
        write(pages, tmp_path / "site")
    assert (tmp_path / "site").is_symlink()


def test_a_site_that_cannot_be_put_in_place_leaves_the_old_one(pages, tmp_path, monkeypatch):
    out = tmp_path / "site"
    write({**pages, "08_old.html": "old"}, out)
    rename = Path.rename

    def fail(path, target):
        if path.name == "new":
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="No space left"):
        write(pages, out)
    assert (out / "08_old.html").read_text() == "old"
    assert not list(tmp_path.glob(".site*"))


def test_a_faulty_site_replaces_nothing(root, tmp_path):
    out = tmp_path / "site"
    build_site(out, root)
    before = (out / "00_line.html").read_bytes()
    notebook = lesson(0)
    BAD["a script"][0](notebook)
    save(root, "00_line", "", notebook)
    with pytest.raises(DataError, match="<script>"):
        build_site(out, root)
    assert (out / "00_line.html").read_bytes() == before


@pytest.mark.parametrize(
    ("command", "module", "name"),
    [("site", building, "build_site"), ("release", releasing, "release")],
)
def test_the_commands_print_what_was_made_and_fail_with_words(monkeypatch, command, module, name):
    monkeypatch.setattr(module, name, lambda out: f"made {out.name}")
    result = CliRunner().invoke(app, ["notebooks", command, "--out", "there"])
    assert (result.exit_code, result.stdout) == (0, "made there\n")

    def fail(out):
        raise DataError("no lessons")

    monkeypatch.setattr(module, name, fail)
    result = CliRunner().invoke(app, ["notebooks", command])
    assert result.exit_code == 1
    assert result.stderr == f"cifviz notebooks {command}: no lessons\n"


# --- the release ---------------------------------------------------------------------------------


@pytest.fixture
def project(root):
    """The small repository as a project that hatchling can build."""
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "tiny"\nversion = "1.0"\nrequires-python = ">=3"\n'
        '[tool.hatch.build.targets.wheel]\nonly-include = ["code.py"]\n'
    )
    (root / ".gitignore").write_text("/build/\n")
    (root / "build").mkdir()
    (root / "build" / "left.txt").write_text("not for others")
    return root


def test_a_release_holds_pages_notebooks_sources_and_the_library(project):
    files = contents(project)
    assert files["site/index.html"] == render(project)["index.html"].encode()
    for path in ("notebooks/00_line.ipynb", "notebooks/solutions/01_curve.ipynb", "code.py"):
        assert files[f"source/{path}"] == (project / path).read_bytes()
    assert len(files["README.txt"].decode().splitlines()) == 3
    assert "tiny-1.0-py3-none-any.whl" in files and b"tiny-1.0-py3" in files["README.txt"]
    assert not [path for path in files if "left.txt" in path]


def test_two_releases_are_the_same_bytes(project, tmp_path):
    kept = []
    for folder in ("one", "other"):
        printed = release(tmp_path / folder, project)
        (path,) = (tmp_path / folder).iterdir()
        kept.append(path.read_bytes())
        assert printed.startswith(str(path)) and " files, " in printed
    assert kept[0] == kept[1]
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == sorted(names)
        assert {name.split("/")[0] for name in names} == {path.name.removesuffix(".zip")}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize(
    "name", ["../a", "/a", "a/../../b", "a//b", "./a", "c:/a", "a\\b", "", "a/", "a*"]
)
def test_paths_that_could_lead_elsewhere_are_not_packed(tmp_path, name):
    with pytest.raises(DataError, match="no path for an archive"):
        write_archive(tmp_path / "a.zip", {name: b""}, folder="x")
    assert not (tmp_path / "a.zip").exists()


def test_names_that_some_systems_take_for_one_are_not_packed(tmp_path):
    with pytest.raises(DataError, match="differ in case alone"):
        write_archive(tmp_path / "a.zip", {"README": b"", "Readme": b""}, folder="x")


def test_a_release_takes_the_place_of_a_release_alone(project, tmp_path, monkeypatch):
    monkeypatch.setattr(releasing, "contents", lambda root: {"a.txt": b"a"})
    release(tmp_path, project)
    (made,) = tmp_path.glob("*.zip")
    release(tmp_path, project)
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("mine.txt", "mine")
    before = made.read_bytes()
    with pytest.raises(DataError, match="is no archive of the course"):
        release(tmp_path, project)
    assert made.read_bytes() == before


def test_a_release_that_cannot_be_built_says_why(project, tmp_path):
    (project / "pyproject.toml").write_text("[project]\n")
    with pytest.raises(DataError, match="hatchling failed:"):
        release(tmp_path / "out", project)
    assert not (tmp_path / "out").exists()


def test_the_metadata_of_notebooks_stay_out(pages):
    """What a page shows is in it; what only machines read is not."""
    assert json.dumps("model_name")[1:-1] not in "".join(pages.values())


# --- elsewhere -----------------------------------------------------------------------------------


def test_binder_installs_this_library_within_its_constraints():
    lines = (ROOT / "binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    constraints, library = [line.split()[1] for line in lines if line.startswith(("-c ", "-e "))]
    assert (ROOT / "binder" / constraints).resolve() == ROOT / "constraints.txt"
    assert library == ".", "pip is called in the root of the repository"
    python = (ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8").strip()
    oldest = re.search(
        r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    )
    assert python == f"python-{oldest[1]}"
