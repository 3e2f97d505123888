"""``cifviz panel``: a picture of everything about one utterance, for a paper or a slide."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cifviz.cli.application import Overwrite, in_words
from cifviz.cli.explore_command import tier_of
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
from cifviz.errors import printable, require_choice

KINDS = (".png", ".svg", ".pdf")
"""Suffixes of pictures."""

Reference = Annotated[
    Path | None, typer.Option(help="A file with the reference times of the tokens.")
]
Tier = Annotated[str, typer.Option(help="Of the reference; default: its first.")]
Out = Annotated[
    Path | None,
    typer.Option(help="The picture: .png, .svg or .pdf; default: STEM.png in this folder."),
]
Start = Annotated[float | None, typer.Option(help="Show the part from here on, seconds.")]
End = Annotated[float | None, typer.Option(help="Show the part up to here, seconds.")]
Lanes = Annotated[
    str, typer.Option(help="Lanes from top to bottom, such as waveform,weights,tokens.")
]
Width = Annotated[float, typer.Option(help="Inches, of 100 pixels.")]
Title = Annotated[str | None, typer.Option(help='Instead of model and vocabulary; "" for none.')]
Style = Annotated[str, typer.Option(help="light, dark or transparent.")]


def panel(
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
    reference: Reference = None,
    tier: Tier = "",
    out: Out = None,
    start: Start = None,
    end: End = None,
    lanes: Lanes = "",
    width: Width = 10.0,
    title: Title = None,
    style: Style = "light",
    overwrite: Overwrite = False,
) -> None:
    """Draw sound, weights, fires and tokens of one utterance on one time axis.

    Of a recording, with a model of cifviz, or of your own model's weights (--alpha). --start and
    --end show a part of it.
    """
    from cifviz.resources import write_atomically

    with in_words("cifviz panel"):
        own = OwnWeights.of_options(alpha, array, tokens, frame_shift, threshold, tail, dialect)
        given = read_sound(
            file, model, (text, text_file, text_dir, language), own, reference, overwrite
        )
        target = out or Path(f"{given.stem}.png")
        require_choice("the suffix of --out", target.suffix.lower(), KINDS)
        given.check(target)
        words = None if reference is None else tier_of(reference, tier)
        shown, part = given.transcribed()
        from cifviz.plot import panel as draw

        names = [name.strip() for name in lanes.split(",")] if lanes else None
        drawn = draw(
            shown,
            reference=words,
            start=start,
            end=end,
            lanes=names,
            width=width,
            title=title,
            style=style,
        )
        if part:
            *_, lowest = drawn.axes.values()
            shown_part = lowest.get_xlabel().removeprefix("time (s)") or f": {part}"
            lowest.set_xlabel(f"time (s){shown_part}")
            drawn.fig.alt = f"The picture shows {part}. {drawn.fig.alt}"
        image = drawn.fig.image(target.suffix.lower().removeprefix("."))
        write_atomically(target, lambda path: path.write_bytes(image), overwrite=overwrite)
        typer.echo(given.table)
        typer.echo(f"written to {printable(target.name)}")
