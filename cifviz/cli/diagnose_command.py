"""``cifviz diagnose``: what is wrong with a CIF, as a table, a page and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cifviz.cli import terminal
from cifviz.cli.application import Overwrite, in_words
from cifviz.errors import AudioError, DataError, printable, require, require_choice
from cifviz.resources import Inputs, check_target, read_text, writing

if TYPE_CHECKING:
    from cifviz.audio.waveform import Waveform
    from cifviz.diagnosis import Diagnosis

LARGEST_FILE = 2**26
"""Bytes of a file of tokens, at most."""
BAD_USE = 2
"""Exit code of a command that cannot do what is asked, or not all of it."""


Source = Annotated[
    str,
    typer.Argument(
        help="Weights (.npy, .npz, .safetensors), firings that save_firings kept (.npz), or a "
        "model: one that comes with cifviz, or a folder."
    ),
]
Array = Annotated[
    str | None,
    typer.Option(help="Name of the array of weights, if the file has others beside it."),
]
Sounds = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Sound files: what a model is run on; of weights each that of the utterance with "
        "its name."
    ),
]
Tokens = Annotated[
    Path | None,
    typer.Option(
        help="Text file of what is spoken: the tokens of the only utterance, or a line for "
        "each, its name first."
    ),
]
References = Annotated[
    Path | None,
    typer.Option(
        help="True times of the tokens: a file, or a folder with NAME.TextGrid (or another "
        "format) for each utterance."
    ),
]
Tier = Annotated[str, typer.Option(help="Of the references; default: the first.")]
FrameShift = Annotated[
    float | None, typer.Option(help="Seconds of a frame, of weights without a clock.")
]
Threshold = Annotated[float, typer.Option(help="β, of weights.")]
Tail = Annotated[
    str,
    typer.Option(
        help='Tail rule of weights, such as drop, "above 0.5", rounded; default: unknown.'
    ),
]
Alone = Annotated[
    Path | None,
    typer.Option(help="The same utterances, each run alone, if the first file is of a batch."),
]
Page = Annotated[Path | None, typer.Option(help="Write the findings as an HTML page.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the findings as JSON.")]
FailOn = Annotated[
    str, typer.Option(help="Exit with 1 from this severity on: fault, warning or note.")
]


def diagnose(
    source: Source,
    sounds: Sounds = None,
    array: Array = None,
    tokens: Tokens = None,
    reference: References = None,
    tier: Tier = "",
    frame_shift: FrameShift = None,
    threshold: Threshold = 1.0,
    tail: Tail = "",
    alone: Alone = None,
    page: Page = None,
    json_file: JsonFile = None,
    fail_on: FailOn = "fault",
    overwrite: Overwrite = False,
) -> None:
    """Look for what goes wrong in a CIF, and say it in words.

    Prints what was found, the worst first. The exit code is 0 if there is no fault, 1 if there is
    one (see --fail-on), and 2 if something cannot be read or is wrongly asked for; the rest is
    diagnosed all the same.
    """
    # 1. What is asked for.
    with in_words("cifviz diagnose", exit_code=BAD_USE):
        from cifviz.diagnosis.findings import SEVERITIES

        require_choice("--fail-on", fail_on, SEVERITIES)
        files = list(sounds or [])
        read = [Path(source), *files, *(one for one in (tokens, reference, alone) if one)]
        inputs = Inputs(read)
        targets = [one for one in (page, json_file) if one is not None]
        require(page is None or page != json_file, "--page and --json must name different files")
        for target in targets:
            check_target(target, overwrite=overwrite, inputs=inputs, in_folder=True)
        observed, rate = _source(source, array, threshold=threshold, tail=tail or None)
        # 2. What belongs to which utterance; a file that cannot be read stops no other.
        unread: list[str] = []
        names = [one.name for one in observed] if isinstance(observed, list) else []
        waveforms = _sounds(files, names, rate, unread)
        names = names or list(waveforms)
        found = _diagnosis(
            observed,
            tokens=_each(lambda: _tokens(tokens, names), unread),
            reference=_each(lambda: _references(reference, names, tier), unread),
            waveforms=waveforms or None,
            frame_shift=frame_shift,
            threshold=threshold,
            alone=alone,
            name=printable(Path(source).name),
        )
        # 3. What was found.
        typer.echo(found.table())
        with writing(targets, overwrite=overwrite, inputs=inputs) as parts:
            _write(found, dict(zip(targets, parts, strict=True)), page, json_file)
        for target in targets:
            typer.echo(f"written to {printable(target.name)}")
    if unread:
        raise typer.Exit(BAD_USE)
    if found.fails(fail_on):
        raise typer.Exit(1)


def _source(source: str, array: str | None, **settings: Any) -> tuple[Any, int]:
    """The utterances of a file, or of one array of it, or the model; and the rate for sounds."""
    from cifviz.audio.waveform import SAMPLE_RATE
    from cifviz.diagnosis.observed_inputs import LENGTHS, observe
    from cifviz.formats.array_files import SUFFIXES, array_named, read_arrays
    from cifviz.systems.checkpoints import load_model

    if Path(source).suffix.lower() in SUFFIXES:
        if array is None:
            return observe(source, **settings), SAMPLE_RATE
        arrays = read_arrays(source)
        lengths = {name: arrays[name] for name in LENGTHS if name in arrays}
        chosen = {array: array_named(array, arrays, source)}
        return observe(lengths | chosen, **settings), SAMPLE_RATE
    require(array is None, f"--array needs a file of arrays, got {printable(source)}")
    model = load_model(source)
    return model, model.config.features.sample_rate


def _diagnosis(source: Any, **known: Any) -> Diagnosis:
    from cifviz.diagnosis import diagnose

    return diagnose(source, **known)


def _each(read: Callable[[], Any], unread: list[str]) -> Any:
    """What is read; a file that cannot be is named, and left out."""
    try:
        return read()
    except DataError as error:
        terminal.complain("cifviz diagnose", error)
        unread.append(str(error))
        return None


def _sounds(
    files: Sequence[Path], names: Sequence[str], rate: int, unread: list[str]
) -> dict[str, Waveform]:
    """The sounds by the names of their utterances; of an only utterance whatever the file's."""
    from cifviz.audio.waveform import load_waveform

    found: dict[str, Waveform] = {}
    for path in files:
        name = names[0] if len(names) == 1 and len(files) == 1 else path.stem
        try:
            require(
                not names or name in names,
                f"there is no utterance named {name!r}: {', '.join(names[:5])} …",
                AudioError,
            )
            require(name not in found, f"another sound is named {name!r} too", AudioError)
            found[name] = load_waveform(path, sample_rate=rate)
        except AudioError as error:
            terminal.complain(f"cifviz diagnose: {printable(path.name)}", error)
            unread.append(path.name)
    return found


def _tokens(path: Path | None, names: Sequence[str]) -> dict[str, list[str]] | None:
    """Tokens by utterance: of the only one all words, else a line for each, its name first."""
    if path is None:
        return None
    text = read_text(path, "file of tokens", at_most=LARGEST_FILE)
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if len(names) == 1 and not (lines and lines[0][0] == names[0]):
        return {names[0]: [word for line in lines for word in line]}
    found: dict[str, list[str]] = {}
    for line in lines:
        require(line[0] not in found, f"{path} names {line[0]!r} twice", DataError)
        found[line[0]] = line[1:]
    known = {name: words for name, words in found.items() if name in names}
    require(
        bool(known) or not names,
        f"{path} must begin each line with the name of an utterance, such as {names[0]!r}"
        if names
        else "",
        DataError,
    )
    return known


def _references(path: Path | None, names: Sequence[str], tier: str) -> dict[str, Any] | None:
    """Alignments by utterance, from a file or a folder."""
    from cifviz.formats import READERS, read_alignments

    if path is None:
        return None
    if not path.is_dir():
        require(
            len(names) == 1,
            f"--reference must be a folder for {len(names)} utterances, {path} is none",
            DataError,
        )
        return {names[0]: _tier(read_alignments(path), tier, path)}
    found = {}
    for name in names:
        places = [path / f"{name}{suffix}" for suffix in READERS]
        place = next((one for one in places if one.is_file()), None)
        if place is not None:
            found[name] = _tier(read_alignments(place), tier, place)
    require(
        bool(found), f"{path} has no reference of an utterance, such as NAME.TextGrid", DataError
    )
    return found


def _tier(tiers: Any, name: str, path: Path) -> Any:
    require(bool(tiers), f"expected a file with a tier, {path} has none", DataError)
    chosen = name or next(iter(tiers))
    require(chosen in tiers, f"{path} has no tier {chosen!r}", DataError)
    return tiers[chosen]


def _write(
    found: Diagnosis, parts: dict[Path, Path], page: Path | None, json_file: Path | None
) -> None:
    """Write what was asked for."""
    if page is not None:
        from cifviz.diagnosis.report_page import page as page_of

        parts[page].write_bytes(page_of(found).encode("utf-8", "backslashreplace"))
    if json_file is not None:
        text = json.dumps(found.to_dict(), indent=1, allow_nan=False)
        parts[json_file].write_text(text + "\n", encoding="utf-8")
