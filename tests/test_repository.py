"""The files around the code agree with each other and with what stands."""

import re
import shutil
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from cifviz.published import read_results
from experiments.model_card import model_card
from experiments.recipes import RECIPES, find_recipe
from experiments.studies import STUDIES
from experiments.tables import make_table, table_names

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
PINS = [line for line in CONSTRAINTS.splitlines() if line and not line.startswith("#")]
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def git(*arguments):
    """What git says in this clone; None without git, or in a copy without its history."""
    if not (shutil.which("git") and (ROOT / ".git").exists()):
        return None
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True)


def project_files():
    """Files that git would commit; in a copy without git, all but hidden ones and their like."""
    listing = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listing and listing.returncode == 0:
        paths = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    else:
        paths = [
            path
            for path in ROOT.rglob("*")
            if not any(part.startswith((".", "__")) for part in path.relative_to(ROOT).parts[:-1])
        ]
    return [path for path in paths if path.is_file()]


def normalised(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def required_names():
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    names = {
        normalised(re.match(r"[\w.-]+", requirement)[0])
        for group in groups
        for requirement in group
    }
    return names - {PROJECT["name"]}


def test_dev_is_every_extra_but_english_lm_and_video():
    extras = PROJECT["optional-dependencies"]
    reached, waiting = set(), ["dev"]
    while waiting:
        extra = waiting.pop()
        reached.add(extra)
        for requirement in extras[extra]:
            own = re.fullmatch(rf"{PROJECT['name']}\[(.*)\]", requirement)
            waiting.extend(own[1].split(",") if own else [])
    # Not every system has the wheels of "english": tasks.py adds it where they fit. "lm" takes
    # more than a minute to install, and most tests need none of it. "video" wants another protobuf
    # than "onnx".
    assert reached == set(extras) - {"english", "lm", "video"}


def test_every_requirement_is_pinned():
    assert required_names() <= {normalised(pin.split("==")[0]) for pin in PINS}


def test_constraints_pin_plain_versions():
    for pin in PINS:
        assert re.fullmatch(r"[\w.-]+==[\w.]+(; .+)?", pin), pin
    assert "+cpu" not in CONSTRAINTS and "@ file" not in CONSTRAINTS
    assert re.search(r"^torch==2\.13\.0;", CONSTRAINTS, re.MULTILINE)


def test_the_oldest_promised_python_can_install_the_pins():
    """Not only 3.11, but 3.11.0."""
    oldest = PROJECT["requires-python"].removeprefix(">=") + ".0"
    looked_at = []
    for pin in map(Requirement, PINS):
        try:
            installed = distribution(pin.name)
        except PackageNotFoundError:
            continue  # another platform's
        if installed.version in pin.specifier and (not pin.marker or pin.marker.evaluate()):
            wanted = installed.metadata.get("Requires-Python", "")
            assert oldest in SpecifierSet(wanted), f"{pin} needs Python {wanted}"
            looked_at.append(normalised(pin.name))
    assert {"numpy", "torch", "typer"} <= set(looked_at)


def test_constraints_that_depend_on_the_platform_cover_every_platform():
    intel_mac = 'sys_platform == "darwin" and platform_machine == "x86_64"'
    others = 'sys_platform != "darwin" or platform_machine != "x86_64"'
    markers = {}
    for pin in PINS:
        if ";" in pin:
            version, marker = pin.split("; ")
            markers.setdefault(version.split("==")[0], set()).add(marker)
    assert "torch" in markers
    assert all(found == {intel_mac, others} for found in markers.values()), markers


def test_conda_installs_what_everybody_installs():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, through_pip = environment["dependencies"]
    assert environment["name"] == PROJECT["name"]
    assert environment["channels"] == ["conda-forge"]
    assert (python, pip) == ("python" + PROJECT["requires-python"], "pip")
    assert through_pip == {"pip": ["-c constraints.txt", "-e .[dev]"]}


@pytest.mark.parametrize("name", ["CHANGELOG.md", "CITATION.cff"])
def test_the_version_is_the_same_everywhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert re.search(rf"^(## |version: ){re.escape(PROJECT['version'])}$", text, re.MULTILINE)


def test_citation_is_complete():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert "Continuous Integrate-and-Fire" in citation["references"][0]["title"]


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    inside = [page.parent / target for target in targets if "://" not in target]
    assert not [target for target in inside if not target.exists()]


def test_the_tour_of_the_readme_visits_the_packages():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tour = readme.split("## A tour")[1].split("\n## ")[0]
    visited = LINK.findall(tour)
    assert visited[0] == "cifviz/core/reference.py"
    for package in ("core", "systems", "plot", "notebooks"):
        assert any(target.startswith(f"cifviz/{package}") for target in visited), package


def test_pictures_of_the_readme_have_alt_text():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    alts = re.findall(r"!\[([^]]*)\]", readme)
    assert alts and all(len(alt) > 30 for alt in alts)


@pytest.mark.parametrize(
    "path",
    [
        ".venv/bin/python",
        "cifviz/__pycache__/x.pyc",
        ".mypy_cache/x",
        "build/notebooks/x.ipynb",
        "dist/x.whl",
        "runs/digits-seed0/result.json",
    ],
)
def test_git_ignores_what_is_made(path):
    answer = git("check-ignore", "--no-index", "--quiet", path)
    if answer and answer.returncode in (0, 1):  # 128: git does not trust this folder
        assert answer.returncode == 0
        return
    patterns = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    parts = path.split("/")
    candidates = {f"{part}/" for part in parts[:-1]} | {f"/{parts[0]}/"}
    assert candidates & set(patterns)


@pytest.mark.parametrize("path", ["data/results/digits-seed0.json", "data/checkpoints/digits/x"])
def test_git_keeps_what_is_published(path):
    answer = git("check-ignore", "--no-index", "--quiet", path)
    assert answer is None or answer.returncode != 0


def test_the_project_speaks_of_itself_alone():
    """No file names a place outside the clone; only CI may look beside it for recordings."""
    outside = ["/wor" + "k/", "../sha" + "red"]
    for path in project_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # sound, pictures, weights
        name = path.relative_to(ROOT).as_posix()
        allowed = outside[1:] if name == ".ci/run" else []
        found = [place for place in outside if place in text and place not in allowed]
        assert not found, f"{name} names {found}"


NON_AUTOREGRESSIVE = ("nar-comparison", "count-rules", "count-rescoring", "boundary-losses")
"""Tables of docs/non_autoregressive.md."""
LANGUAGE_MODELS = ("language-model-comparison", "distillation")
"""Tables of docs/language_models.md."""
ELSEWHERE = {
    *("summary", "token-width", "domain-flag-digits", "domain-flag-grid", "phrase-biasing"),
    *("phrase-choice", "fire-probe", "spiking-neurons"),
    *NON_AUTOREGRESSIVE,
    *LANGUAGE_MODELS,
    "lip-reading",
    *("simultaneous-translation", "prompt-translation"),
}
"""Tables that docs/alignment.md does not show."""


@pytest.mark.parametrize(
    ("page", "mark", "table"),
    [
        ("README.md", "results", "summary"),
        *(("docs/alignment.md", name, name) for name in table_names() if name not in ELSEWHERE),
        *(("docs/non_autoregressive.md", name, name) for name in NON_AUTOREGRESSIVE),
        *(("docs/language_models.md", name, name) for name in LANGUAGE_MODELS),
        ("docs/contextual.md", "phrase-biasing", "phrase-biasing"),
        ("docs/contextual.md", "phrase-choice", "phrase-choice"),
        ("docs/contextual.md", "fire-probe", "fire-probe"),
        ("docs/spiking_neurons.md", "spiking-neurons", "spiking-neurons"),
        ("docs/lip_reading.md", "lip-reading", "lip-reading"),
        *(
            ("docs/simultaneous_translation.md", name, name)
            for name in ("simultaneous-translation", "prompt-translation")
        ),
    ],
)
def test_a_page_shows_what_was_measured(page, mark, table):
    text = (ROOT / page).read_text(encoding="utf-8")
    between = re.findall(rf"<!-- {mark} -->\n(.*?)\n<!-- /{mark} -->", text, re.DOTALL)
    printed = make_table(table, ROOT / "data" / "results")
    command = f"python -m experiments table {table}"
    assert between == [printed], f"put what `{command}` prints into {page}"


@pytest.fixture(scope="module")
def published():
    return read_results(ROOT / "data" / "results")


CARDS = sorted((ROOT / "data" / "checkpoints").glob("*/README.md"))


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.parent.name)
def test_a_model_card_shows_what_was_measured(path, published):
    named = max((one for one in RECIPES if path.parent.name.startswith(one)), key=len)
    recipe = find_recipe(named, path.parent.name.removeprefix(named).removeprefix("-"))
    of_it = (recipe.name, recipe.variant)
    results = [result for result in published if (result["recipe"], result["variant"]) == of_it]
    card = path.read_text(encoding="utf-8")
    seed = int(re.search(r"^Seed (\d+) of", card, re.MULTILINE)[1])
    assert card == model_card(recipe, results, seed)


def test_every_study_is_published_and_tabled():
    """One file each, under its name; nothing else lies there."""
    folder = ROOT / "data" / "results" / "studies"
    assert {path.stem for path in folder.iterdir()} == set(STUDIES)
    for name in STUDIES:
        assert "\n|---|" in make_table(name, ROOT / "data" / "results")


def test_results_are_compact():
    for path in (ROOT / "data" / "results").rglob("*.json"):
        if path.parent.name != "benchmarks":
            content = path.read_text(encoding="utf-8")
            assert content.count("\n") == 1 and '": ' not in content, path.name
