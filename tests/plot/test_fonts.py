from __future__ import annotations

from types import SimpleNamespace

import pytest
from matplotlib import font_manager

from cifviz import plot
from cifviz.plot import canvas, fonts

DEJAVU = font_manager.findfont("DejaVu Sans")


@pytest.fixture
def fresh(monkeypatch):
    """As if nothing had been looked for; afterwards as before."""
    monkeypatch.setattr(fonts, "_others", {})
    monkeypatch.setattr(fonts, "_searched", set())
    fonts._preferred.cache_clear()
    fonts.is_drawable.cache_clear()
    yield monkeypatch
    fonts._preferred.cache_clear()
    fonts.is_drawable.cache_clear()


def test_latin_ipa_and_arabic_come_with_matplotlib():
    assert fonts.missing_fonts(["naïve", "ˈt͡ʃʰɪə̯ʒ", "ᵑǃ", "مرحبا"]) == ""
    assert canvas.displayable("ˈwɜːd") == "ˈwɜːd"


def test_a_script_without_a_font_is_named_with_a_font_for_it(fresh):
    fresh.setattr(fonts.font_manager, "findSystemFonts", list)
    fresh.setattr(fonts.font_manager, "fontManager", SimpleNamespace(ttflist=[]))
    fresh.setattr(fonts, "FONTS", ())
    sentence = fonts.missing_fonts(["广州", "ไทย", "\n"])
    assert sentence.startswith("No font here has the characters of: CJK, Thai.")
    assert sentence.endswith("install a font such as Noto Sans CJK SC.")
    assert canvas.displayable("广") == "\\u5e7f"


def test_a_font_that_is_newer_than_the_cache_is_found(fresh):
    """The cache knows no font; the system has one."""
    known = SimpleNamespace(ttflist=[])

    def addfont(path):
        known.ttflist += [
            entry for entry in font_manager.fontManager.ttflist if entry.fname == path
        ] or [SimpleNamespace(name="New", fname=path, style="normal", weight=400)]

    known.addfont = addfont
    fresh.setattr(fonts, "FONTS", ())
    fresh.setattr(fonts, "font_manager", SimpleNamespace(
        fontManager=known,
        findSystemFonts=lambda: ["/no/such.ttf", DEJAVU],
        get_font=font_manager.get_font,
    ))  # fmt: skip
    assert fonts.is_drawable("ʒ")
    assert len(fonts.families()) == 1


def test_damaged_fonts_are_passed_by(fresh, tmp_path):
    bad = tmp_path / "bad.ttf"
    bad.write_bytes(b"no font")
    fresh.setattr(fonts, "FONTS", ())
    entries = [
        SimpleNamespace(name=name, fname=path, style="normal", weight=400)
        for name, path in (("Gone", "/no/such.ttf"), ("Bad", str(bad)), ("Good", DEJAVU))
    ]
    fresh.setattr(fonts.font_manager, "findSystemFonts", lambda: [str(bad)])
    fresh.setattr(fonts.font_manager.fontManager, "ttflist", entries)
    assert fonts.is_drawable("ʒ")
    assert fonts.families() == ("Good",)


def test_the_fonts_are_searched_a_bounded_number_of_times(fresh):
    opened = []
    fresh.setattr(fonts, "FONTS", ())
    fresh.setattr(fonts, "_opened", lambda path: opened.append(path))
    fresh.setattr(fonts.font_manager, "findSystemFonts", list)
    for code in range(0x1000, 0x9000):
        fonts.is_drawable(chr(code))
    assert len(opened) <= fonts.MOST_SEARCHES * len(font_manager.fontManager.ttflist)


def test_the_panel_says_which_font_is_missing(fresh, make):
    fresh.setattr(fonts.font_manager, "findSystemFonts", list)
    fresh.setattr(fonts.font_manager.fontManager, "ttflist", [
        entry for entry in font_manager.fontManager.ttflist if entry.name == "DejaVu Sans"
    ])  # fmt: skip
    fig = plot.panel(make.transcription(tokens=["广", "b"])).fig
    shown = " ".join(text.get_text() for text in fig.texts).replace("\n", " ")
    assert "No font here has the characters of: CJK" in shown
    assert "No font here has the characters of: CJK" in fig.alt
