"""``cifviz explore``: a page on which the tokens of a recording can be moved and played."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cifviz.cli.application import Overwrite, in_words
from cifviz.cli.one_sound import Model, Sound, read_sound
from cifviz.cli.own_weights import (
    Alpha,
    Array,
    DialectName,
    FrameShift,
    OwnWeights,
    Tail,
    Threshold,
    Tokens,
)
from cifviz.cli.transcripts import Language, Text, TextFile, TextFolder
from cifviz.errors import DataError, printable, require, require_choice


def explore(
    file: Sound = None,
    model: Model = "digits",
    text: Text = None,
    text_file: TextFile = None,
    text_dir: TextFolder = None,
    language: Language = None,
    alpha: Alpha = None,
    array: Array = None,
    tokens: Tokens = None,
    frame_shift: FrameShift = None,
    threshold: Threshold = None,
    tail: Tail = None,
    dialect: DialectName = None,
    reference: Annotated[
        Path | None,
        typer.Option(help="A file with the reference times of the tokens."),
    ] = None,
    tier: Annotated[str, typer.Option(help="Of the reference; default: its first.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="The page; default: STEM.html in this folder.")
    ] = None,
    no_sound: Annotated[
        bool,
        typer.Option(
            "--no-sound", help="Leave the recording out of the page; the pictures of it stay."
        ),
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Write a page on which a recording's tokens can be moved and played; it needs no network.

    Of a recording, with a model of cifviz, or of your own model's weights (--alpha). Prints the
    tokens with their times as `cifviz align` does.
    """
    from cifviz.explorer import to_html
    from cifviz.explorer.sound_pieces import NONE

    with in_words("cifviz explore"):
        own = OwnWeights.of_options(alpha, array, tokens, frame_shift, threshold, tail, dialect)
        given = read_sound(
            file, model, (text, text_file, text_dir, language), own, reference, overwrite
        )
        page = out or Path(f"{given.stem}.html")
        given.check(page)
        words = None if reference is None else tier_of(reference, tier)
        shown, part = given.transcribed()
        title = printable(given.stem if file is None else file.name)
        to_html(
            shown,
            page,
            reference=words,
            title=title,
            name=printable(given.stem),
            sound=NONE if no_sound else "",
            overwrite=overwrite,
        )
        typer.echo(given.table)
        shows = f"; it shows {part}" if part else ""
        typer.echo(f"written to {printable(page.name)}{shows}")


def tier_of(path: Path, name: str) -> Any:
    """A tier of a file; without a name its first."""
    from cifviz.formats import read_alignments

    tiers = read_alignments(path)
    require(bool(tiers), f"expected a file with a tier, {path} has none", DataError)
    chosen = name or next(iter(tiers), "")
    require_choice("tier", chosen, tiers)
    return tiers[chosen]
