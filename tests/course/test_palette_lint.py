"""Colours outside of the tested palette are found in code."""

from pathlib import Path

import pytest

import cifviz
from cifviz.course.palette_lint import colours_outside

HOME = Path(cifviz.__file__).parent


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("ax.plot(x, color='red')", ["red"]),
        ("ax.plot(x, c='#FF0000')", ["#FF0000"]),
        ("ax.plot(x, c='C1')", ["C1"]),
        ("ax.bar(x, y, facecolor=(1.0, 0, 0))", ["(1.0, 0, 0)"]),
        ("ax.scatter(x, y, edgecolors=['tab:blue', 'k'])", ["tab:blue"]),
        ("ax.plot(x, color='red' if late else 'black')", ["red"]),
        ("ax.plot(x, y, 'g--')", ["g"]),
        ("box = {'facecolor': 'lime'}", ["lime"]),
        ("blue = '#0000ff'", ["#0000ff"]),
        ("ax.imshow(x, cmap='viridis')", ["viridis"]),
        ("ax.imshow(x, cmap=plt.cm.jet)", ["jet"]),
        ("ax.imshow(x, cmap=matplotlib.colormaps['hot'])", ["hot"]),
        ("ax.imshow(x, cmap=plt.get_cmap('cool'))", ["cool"]),
    ],
)
def test_foreign_colours_are_found(code, found):
    assert colours_outside(code) == found


@pytest.mark.parametrize(
    "code",
    [
        "ax.plot(x, color=STYLE['threshold'], c=token_style(3).colour)",
        "ax.plot(x, y, 'k--', c='0.4')",
        "ax.plot(x, y, 'o-', label='red')",
        "words = ['place', 'red', 'by']",
        "box = {'facecolor': 'white', 'edgecolor': 'none'}",
        "ax.imshow(x, cmap='Greys_r'); ax.imshow(x, cmap='PuOr')",
        "ax.bar(x, y, color='#E69F00')",
        "ax.plot(x, color=colours['red'])",
        "check('06.1', c=3)",
    ],
)
def test_those_of_the_palette_and_greys_are_not(code):
    assert colours_outside(code) == []


@pytest.mark.parametrize(
    "path",
    [path for package in ("plot", "course") for path in (HOME / package).rglob("*.py")],
    ids=lambda path: str(path.relative_to(HOME)),
)
def test_the_library_keeps_to_its_palette(path):
    if path.name not in ("palette_lint.py", "palette.py"):
        assert colours_outside(path.read_text(encoding="utf-8")) == []
