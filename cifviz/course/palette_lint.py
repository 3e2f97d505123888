"""Finds colours that a piece of code names by itself, and not through the tested palette."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from matplotlib.colors import to_rgb

from cifviz.plot import STYLE

SHORT = {"c", "ec", "fc", "mec", "mfc", "mfcalt"}
"""Arguments of matplotlib that are colours and do not say so; "edgecolor" and its like do."""

_FORMAT = re.compile(r"[bgrcmykw.,ov^<>1-4spP*hH+xXDd|_:-]+")
_LITERAL = re.compile(r"#[0-9a-fA-F]{3,8}|C\d|(tab|xkcd):.+")


def colours_outside(code: str) -> list[str]:
    """Colours and colormaps in a piece of Python that are not in `cifviz.plot.STYLE`.

    Shades of grey are allowed: colour-blind readers see them as others do.

    >>> colours_outside('ax.plot(x, color="red"); ax.plot(x, c="0.5", cmap="jet")')
    ['red', 'jet']
    >>> colours_outside('ax.plot(x, color=STYLE["threshold"], cmap=STYLE["contribution"])')
    []
    """
    found = []
    for node in ast.walk(ast.parse(code)):
        maps, colours = _named(node)
        found += [name for name in maps if name not in _maps()]
        found += [str(colour) for colour in colours if not _known(colour)]
    return list(dict.fromkeys(found))


def _named(node: ast.AST) -> tuple[list[str], list[object]]:
    """Colormaps and colours that one part of a program names."""
    maps: list[str] = []
    colours: list[object] = []
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        colours += [node.value] if _LITERAL.fullmatch(node.value) else []
    elif isinstance(node, ast.Attribute) and _ends(node.value, "cm"):
        maps.append(node.attr)
    elif isinstance(node, ast.Subscript) and _ends(node.value, "colormaps"):
        maps += [value for value in _literals(node.slice) if isinstance(value, str)]
    for name, value in _arguments(node):
        if name.removesuffix("s").endswith(("cmap", "colormap")):
            maps += [one for one in _literals(value) if isinstance(one, str)]
        elif name in SHORT or name.removesuffix("s").endswith(("color", "colour")):
            colours += _literals(value)
    if isinstance(node, ast.Call) and _ends(node.func, "plot"):
        texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
        formats = [one for one in texts if isinstance(one, str) and _FORMAT.fullmatch(one)]
        colours += [letter for one in formats for letter in one if letter in "bgrcmy"]
    if isinstance(node, ast.Call) and _ends(node.func, "get_cmap"):
        maps += [value for one in node.args for value in _literals(one) if isinstance(value, str)]
    return maps, colours


def _arguments(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names and values of a call's keywords or of a dictionary, which may become keywords."""
    if isinstance(node, ast.Call):
        yield from ((one.arg, one.value) for one in node.keywords if one.arg)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, value


def _literals(value: ast.AST) -> list[object]:
    """Texts, and triples of numbers, in an expression; not what it looks up or calls with them."""
    if isinstance(value, ast.Subscript | ast.Call | ast.Compare):
        return []
    try:
        literal = ast.literal_eval(value) if isinstance(value, ast.expr) else None
    except ValueError:
        literal = None
    if isinstance(literal, str) or (
        isinstance(literal, tuple) and all(isinstance(part, float | int) for part in literal)
    ):
        return [literal]
    return [found for part in ast.iter_child_nodes(value) for found in _literals(part)]


def _ends(node: ast.AST, name: str) -> bool:
    """Whether an expression is this name, or that name of something."""
    return getattr(node, "attr", getattr(node, "id", None)) == name


def _maps() -> set[str]:
    maps = {STYLE["log_mel"], STYLE["contribution"]}
    return maps | {name.removesuffix("_r") if "_r" in name else f"{name}_r" for name in maps}


def _known(colour: object) -> bool:
    """Whether it is no colour, a grey, or one of the palette."""
    try:
        rgb = to_rgb(colour)  # type: ignore[arg-type]
    except ValueError:
        return True
    palette = [value for value in STYLE.values() if isinstance(value, str) and value[0] == "#"]
    known = {to_rgb(one) for one in (*palette, *STYLE["token_colours"])}
    return rgb in known or len(set(rgb)) == 1
