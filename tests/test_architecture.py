"""The walls of CONTRIBUTING.md, "The house", stand."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINT_IMPORTS = (
    "import sys; from importlinter.cli import lint_imports_command as run;"
    "sys.argv = ['lint-imports', '--no-cache']; sys.exit(run())"
)


def lint_imports(folder):
    command = [sys.executable, "-c", LINT_IMPORTS]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")


def test_rooms_import_only_what_lies_below_them():
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("core/firing.py", "import cifviz.audio.waveform", "errors, timing <- core"),
        ("speech/audio.py", "from cifviz import models", "errors, timing <- core"),
        ("core/tail.py", "import matplotlib", "core is torch alone"),
        ("another_room.py", "", "errors, timing <- core"),
    ],
)
def test_a_hole_in_a_wall_is_found(tmp_path, file, line, contract):
    shutil.copytree(ROOT / "cifviz", tmp_path / "cifviz")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "cifviz" / file).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    result = lint_imports(tmp_path)
    assert result.returncode != 0
    said = result.stdout + result.stderr
    assert contract in said and ("BROKEN" in said or "another_room" in said), said


def imports(path):
    """Top-level names of what a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or ".").split(".")[0]


def test_the_reference_imports_nothing():
    assert not list(imports(ROOT / "cifviz/core/reference.py"))


def test_the_library_declares_what_it_imports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    requirements = [*project["dependencies"], *extras["train"], *extras["notebooks"]]
    declared = {re.match(r"[\w.-]+", requirement)[0] for requirement in requirements}
    providers = packages_distributions()
    for path in (ROOT / "cifviz").rglob("*.py"):
        for name in set(imports(path)) - {"cifviz"} - sys.stdlib_module_names:
            assert declared & set(providers.get(name, [])), f"{path.name} imports {name}"


def test_importing_the_library_is_light():
    heavy = set(
        "anywidget av matplotlib ipywidgets IPython librosa soundfile soxr lightning_fabric".split()
    )
    script = "import sys, cifviz; print(*{name.split('.')[0] for name in sys.modules})"
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(result.stdout.split())
    assert "cifviz" in loaded
    assert not heavy & loaded
