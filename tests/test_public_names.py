"""The names of the package: imported when used, and known before."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import cifviz

STUB = ast.parse(Path(cifviz.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))


def listed():
    """``__all__`` of the stub."""
    (value,) = [
        node.value
        for node in STUB.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    return ast.literal_eval(value)


def test_the_names_are_those_that_a_type_checker_sees():
    assert sorted(cifviz.__all__) == sorted(listed())
    assert set(cifviz.__all__) <= set(dir(cifviz))
    for node in STUB.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module = f"cifviz.{node.module}" if node.module else f"cifviz.{alias.name}"
                there = importlib.import_module(module)
                expected = getattr(there, alias.name) if node.module else there
                assert getattr(cifviz, alias.name) is expected


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="load_modle"):
        _ = cifviz.load_modle


def test_a_star_imports_them_all():
    script = "from cifviz import *; import cifviz; print(sorted(set(cifviz.__all__) - set(dir())))"
    command = [sys.executable, "-c", script]
    root = Path(cifviz.__file__).resolve().parents[1]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_parts_of_the_package_are_found_without_an_import_of_their_own():
    script = "import cifviz; print(cifviz.errors.CIFError, cifviz.timing.FrameGrid(1.0).shift)"
    command = [sys.executable, "-c", script]
    root = Path(cifviz.__file__).resolve().parents[1]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert result.stdout == "<class 'cifviz.errors.CIFError'> 1.0\n"
