"""Code and documentation use the terms of the field (CONTRIBUTING.md, "Names")."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

NAMES = {
    "said": "reference",
    "heard": "hypothesis",
    "remedy": "method",
    "remedies": "method",
    "film": "snapshots",
    "camera": "snapshots",
    "sharpness": "token width",
    "still": "static fallback",
    "stills": "static fallback",
    "rooms": "package",
    "house": "architecture",
    "wall": "layer",
    "walls": "layer",
    "foreign": "pretrained",
}
"""Parts of names in code that were replaced, and what to say instead."""

PHRASES = {
    r"what (was|is|has been) said": "reference",
    r"what (was|is|has been) heard": "hypothesis",
    r"\brest histogram|\bthe rest at the end|\bwhat is left at the end": "residual",
    r"\bremed(y|ies)\b": "method",
    r"\bfilms?\b|\bcameras?\b": "training snapshots",
    r"\bsharpness\b": "token width",
    r"\bstill (picture|image|sibling)s?\b|\bstills\b": "static fallback",
    r"\bthe house\b": "architecture",
    r"\brooms\b": "packages",
    r"\bwalls?\b(?!-)": "layers",
}
"""Phrases of prose that were replaced, and what to say instead."""

OWN = {
    "tests/test_words.py",
    "CHANGELOG.md",
    "cifviz/cli/former_commands.py",
    "cifviz/published.py",
    "tests/cli/test_former_commands.py",
    "tests/experiments/test_command_line.py",
}
"""Files that name replaced words: the history, and the commands of the first edition."""

TITLES = r"03_training_film|Training film|training film"
"""The name of a lesson's file, and its usual words."""


def sources(*patterns):
    found = [path for pattern in patterns for path in ROOT.glob(pattern)]
    own = [path for path in found if path.relative_to(ROOT).as_posix() not in OWN]
    return sorted(path for path in own if "node_modules" not in path.parts)


CODE = sources(
    *("cifviz/**/*.py", "experiments/**/*.py", "benchmarks/**/*.py", "tests/**/*.py", "data/*.py")
)
PROSE = [
    *CODE,
    *sources("*.md", "docs/*.md", "data/*.md", "data/checkpoints/*/*.md", "tasks.py", "Makefile"),
    *sources("cifviz/explorer/js/*.js", "notebooks/source/02_scaling.py"),
]


def names(tree):
    """Names that code gives: to functions, classes, arguments, variables and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            if not node.name.startswith("test_"):  # the name of a test is a sentence
                yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.AnnAssign | ast.Attribute):
            yield getattr(node, "attr", ""), node.lineno


def parts(name):
    """Words of a name: snake_case and CamelCase."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_")


def replaced_names(text):
    """Lines whose names hold a replaced word, and what to say instead."""
    found = names(ast.parse(text))
    return sorted(
        {
            f"line {line}: {name}: say {NAMES[part]}"
            for name, line in found
            for part in parts(name)
            if part in NAMES
        }
    )


def replaced_phrases(text):
    """Lines that hold a replaced phrase, and what to say instead."""
    return [
        f"line {number}: {line.strip()[:80]}: say {instead}"
        for number, line in enumerate(re.sub(TITLES, "", text).splitlines(), start=1)
        for phrase, instead in PHRASES.items()
        if re.search(phrase, line, re.IGNORECASE)
    ]


def identity(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", CODE, ids=identity)
def test_names_are_terms_of_the_field(path):
    assert replaced_names(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", PROSE, ids=identity)
def test_prose_uses_terms_of_the_field(path):
    assert replaced_phrases(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "code",
    ["heard = 1", "def f(said): pass", "class FilmStrip: pass", "def still_of(x): pass", "x.walls"],
)
def test_a_replaced_name_is_found(code):
    assert len(replaced_names(code)) == 1


def test_other_names_are_not():
    code = "distillation = 1\ndef pause_rounding(reference, hypothesis): pass\nroommate = 2"
    assert replaced_names(code) == []


@pytest.mark.parametrize(
    "text", ["It is what was said.", "a still picture", "The house has rooms."]
)
def test_a_replaced_phrase_is_found(text):
    assert replaced_phrases(text)
