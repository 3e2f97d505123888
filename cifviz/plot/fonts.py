"""Fonts for labels in any script: those installed now, whatever matplotlib's cache remembers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any
from unicodedata import name

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

FONTS = (
    "DejaVu Sans",  # comes with matplotlib; Latin, IPA, Greek, Cyrillic, Arabic, Hebrew
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "Microsoft YaHei",
    "SimHei",
    "Yu Gothic",
    "Malgun Gothic",
    "Arial Unicode MS",
)
"""Families tried for the characters of a label, in order; the installed ones are used. A character
that none of them has is looked for in every other font."""

MOST_SEARCHES = 16
"""Blocks of 256 characters that are looked for in every font: each search opens all of them."""

KNOWN_TO_HAVE = {
    "CJK": "Noto Sans CJK SC",
    "HIRAGANA": "Noto Sans CJK JP",
    "KATAKANA": "Noto Sans CJK JP",
    "HANGUL": "Noto Sans CJK KR",
    "ARABIC": "Noto Sans Arabic",
    "LATIN": "DejaVu Sans",
    "MODIFIER": "DejaVu Sans",
    "COMBINING": "DejaVu Sans",
}
"""A font to install, by the first word of the Unicode names of characters."""

_NO_TEXT = ("LastResort", "Last Resort", ".LastResort")  # a box for every character there is

_others: dict[str, FT2Font] = {}  # found by a search, by family
_searched: set[int] = set()


def families() -> tuple[str, ...]:
    """The families that labels are drawn with, in order."""
    return (*_preferred(), *_others)


@cache
def is_drawable(character: str) -> bool:
    """Whether a font here has it; one may be looked for.

    >>> is_drawable("a"), is_drawable("ʒ")
    (True, True)
    """
    fonts = [*_preferred().values(), *_others.values()]
    return any(_has(font, character) for font in fonts) or _search(character)


def missing_fonts(texts: Iterable[str]) -> str:
    """A sentence about the characters that no font here has; empty if there are none.

    Parameters
    ----------
    texts : iterable of str
        Labels.

    Examples
    --------
    >>> missing_fonts(["naïve", "ˈwɜːd"])
    ''
    """
    lacking = {one for text in texts for one in text if one.isprintable() and not is_drawable(one)}
    scripts = sorted({name(one, "OTHER").split(" ")[0].split("-")[0] for one in lacking})
    if not scripts:
        return ""
    such = KNOWN_TO_HAVE.get(scripts[0], f"Noto Sans {scripts[0].title()}")
    listed = ", ".join(one if one == "CJK" else one.title() for one in scripts)
    return (
        f"No font here has the characters of: {listed}. They stand as code points; "
        f"install a font such as {such}."
    )


@cache
def _preferred() -> dict[str, FT2Font]:
    """The installed ones among `FONTS`, by family."""
    found = {}
    for family in FONTS:
        try:
            path = font_manager.findfont(
                font_manager.FontProperties(family=[family]), fallback_to_default=False
            )
        except ValueError:  # not installed
            continue
        found[family] = font_manager.get_font(path)
    return found


def _search(character: str) -> bool:
    """Look for a font that has it: among those installed since the cache was made, then all."""
    block = ord(character) // 256
    if block in _searched or len(_searched) >= MOST_SEARCHES:
        return False
    if not _searched and _learn_installed():
        _preferred.cache_clear()
    _searched.add(block)
    if any(_has(font, character) for font in _preferred().values()):
        return True
    for entry in font_manager.fontManager.ttflist:
        is_plain = entry.style == "normal" and entry.weight in (400, "normal", "regular", "book")
        if not is_plain or entry.name.startswith(_NO_TEXT) or entry.name in families():
            continue
        font = _opened(entry.fname)
        if font is not None and font.scalable and _has(font, character):
            _others[entry.name] = font
            return True
    return False


def _learn_installed() -> bool:
    """Tell matplotlib of fonts that its cache is older than; whether there were any."""
    known = {Path(entry.fname).name for entry in font_manager.fontManager.ttflist}
    count = len(font_manager.fontManager.ttflist)
    for path in sorted(font_manager.findSystemFonts()):
        if Path(path).name not in known:
            try:
                font_manager.fontManager.addfont(path)
            except Exception:  # damaged, or of a kind it does not know
                continue
    return len(font_manager.fontManager.ttflist) > count


def _opened(path: str) -> FT2Font | None:
    try:
        return font_manager.get_font(path)
    except (OSError, RuntimeError):  # removed or damaged
        return None


def _has(font: Any, character: str) -> bool:
    return bool(font.get_char_index(ord(character)))
