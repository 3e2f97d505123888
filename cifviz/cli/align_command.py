"""``cifviz align``: tokens and times of sound files, as tables, pictures and files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cifviz.cli import terminal
from cifviz.cli.application import Overwrite, in_words
from cifviz.cli.corpus_command import (
    Corpus,
    CorpusOptions,
    Cuts,
    RetryFailed,
    Scheduler,
    Workers,
    align_corpus_command,
)
from cifviz.cli.sound_input import sound_source, stem_of
from cifviz.cli.transcription_output import (
    USUAL,
    chosen_suffixes,
    transcription_table,
    with_suffix,
    write_files,
)
from cifviz.cli.transcripts import (
    Language,
    Text,
    TextFile,
    TextFolder,
    Transcripts,
    check_model,
    transcribe,
)
from cifviz.errors import AudioError, CheckpointError, printable, require, require_number
from cifviz.resources import Inputs, check_target, writing

if TYPE_CHECKING:
    from cifviz.audio.waveform import Waveform
    from cifviz.systems.long_transcription import LongTranscription
    from cifviz.systems.transcription import Transcription

Phrases = Annotated[
    Path | None,
    typer.Option(
        help="Text file of phrases to listen for, one a line, tokens separated by spaces; for "
        "models that take them."
    ),
]
PhraseWeight = Annotated[
    float | None,
    typer.Option(help="How much the phrases count, from 0 to 1; by default the model's own."),
]


def align(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Sound files: WAV, FLAC, MP3, Ogg, M4A …; - is standard input."),
    ] = None,
    model: Annotated[
        str, typer.Option(help="A model that comes with cifviz, or a folder.")
    ] = "digits",
    text: Text = None,
    text_file: TextFile = None,
    text_dir: TextFolder = None,
    language: Language = None,
    phrases: Phrases = None,
    phrase_weight: PhraseWeight = None,
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            help="What to write, separated by commas: png (the picture), TextGrid, short.TextGrid, "
            "json, csv, ctm, rttm, srt, vtt, ass, eaf, txt (labels of Audacity).",
        ),
    ] = USUAL,
    tier: Annotated[
        str,
        typer.Option(
            help="What ctm, rttm, srt, vtt and txt hold: words, phones or tokens; by default the "
            "first that there is."
        ),
    ] = "",
    out: Annotated[Path, typer.Option(help="Folder for the results; made if needed.")] = Path("."),
    overwrite: Overwrite = False,
    corpus: Corpus = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    cuts: Cuts = False,
    retry_failed: RetryFailed = False,
) -> None:
    """Recognise sound files, or align their transcripts, and show each token with its times.

    Prints a table for each file and writes STEM.png (the picture), STEM.TextGrid (for Praat) and
    STEM.json into a folder, or what --format names, all or none; STEM is stdin for standard input.
    A file that cannot be read, whose transcript is missing, or whose results would replace a file
    that is there, is reported, the others go on, and the exit code is 1.

    The model "english" takes a transcript, and gives its words and their phones; without one it
    hears the words itself.

    With --corpus every utterance of a corpus is aligned, by several processes or on a Dask cluster.
    If that is broken off, the same command goes on from there. docs/corpus.md says more.
    """
    options = CorpusOptions(corpus, workers, scheduler, cuts, retry_failed)
    texts = (text, text_file, text_dir)
    if corpus is None:
        with in_words("cifviz align", exit_code=2):
            options.require_none()
        listening = (phrases, phrase_weight)
        _align_files(files or [], model, texts, language, listening, formats, tier, out, overwrite)
        return
    others: dict[str, Any] = {"files": files, "--text": text, "--text-file": text_file}
    others |= {"--text-dir": text_dir, "--phrases": phrases, "--phrase-weight": phrase_weight}
    others |= {"--tier": tier or None}
    align_corpus_command(
        options, model, out, language=language, formats=formats, overwrite=overwrite, others=others
    )


def _align_files(
    files: list[Path],
    model: str,
    texts: tuple[str | None, Path | None, Path | None],
    language: str | None,
    listening: tuple[Path | None, float | None],
    formats: str,
    tier: str,
    out: Path,
    overwrite: bool,
) -> None:
    """Align each file, as `align` says; `listening` are the phrases and their weight."""
    from tqdm import tqdm

    from cifviz.systems.checkpoints import load_model, model_folder

    # 1. What all files need.
    with in_words("cifviz align", exit_code=2):
        require(bool(files), "expected sound files, or --corpus with a corpus")
        sounds = [path for path in files if not path.is_dir()]  # others are refused when read
        require(
            out.is_dir() or not os.path.lexists(out), f"--out must name a folder, {out} is none"
        )
        suffixes = chosen_suffixes(formats)
        transcripts = Transcripts.of_options(*texts, files, language)
        recognizer = load_model(model)
        check_model(recognizer, model, transcripts)
        phrases, phrase_weight = listening
        request = _request(recognizer, model, phrases, phrase_weight)
        inputs = Inputs([*sounds, model_folder(model), *([phrases] if phrases else [])])
    # 2. Each file; one that fails stops no other.
    failed = 0
    written: dict[str, str] = {}
    for path in tqdm(files, disable=len(files) < 2, unit="file", file=sys.stderr):
        try:
            stem = _new_stem(path, written)
            targets = {suffix: with_suffix(out / stem, suffix) for suffix in suffixes}
            transcript = transcripts.read(path, inputs)
            listen = partial(
                transcribe,
                recognizer,
                transcript=transcript,
                language=language,
                **request,
            )
            table = _align_one(path, recognizer, model, listen, targets, tier, inputs, overwrite)
        except CheckpointError as error:  # what the model lacks, it lacks for the others, too
            with tqdm.external_write_mode(file=sys.stderr):
                terminal.complain("cifviz align", error)
            raise typer.Exit(2) from error
        except Exception as error:  # the other files are done whatever happens to one
            failed += 1
            with tqdm.external_write_mode(file=sys.stderr):
                terminal.complain(f"cifviz align: {printable(path.name or str(path))}", error)
        else:
            written[stem] = printable(path.name)
            for target in targets.values():
                inputs.add(target)
            tqdm.write(table, file=sys.stdout)
    if failed:
        raise typer.Exit(1)


def _new_stem(path: Path, written: Mapping[str, str]) -> str:
    """What the results of a sound are named after, if no other's are."""
    require(path.name != "", f"expected a sound file, {path} is a folder", AudioError)
    stem = stem_of(path)
    require(
        stem not in written,
        f"its results would replace those of {written.get(stem)}: "
        "align them into different folders",
    )
    return stem


def _request(
    recognizer: Any, model: str, phrases: Path | None, phrase_weight: float | None
) -> dict[str, Any]:
    """The further inputs of every sound: a list of phrases and how much it counts, if given."""
    from cifviz.systems.phrase_lists import read_phrases

    if phrases is None:
        require(phrase_weight is None, "--phrase-weight is that of --phrases, which is not given")
        return {}
    require(
        "phrases" in recognizer.extras,
        f"--phrases needs a model that listens for phrases, {printable(model)} takes none",
    )
    request: dict[str, Any] = {"phrases": read_phrases(phrases, recognizer.config.vocabulary)}
    if phrase_weight is not None:
        weight = require_number("--phrase-weight", phrase_weight, at_least=0, at_most=1)
        request["phrase_weight"] = weight
    return request


def _align_one(
    path: Path,
    recognizer: Any,
    model: str,
    listen: Callable[[Waveform], Transcription | LongTranscription],
    targets: Mapping[str, Path],
    tier: str,
    inputs: Inputs,
    overwrite: bool,
) -> str:
    """Write the results of one sound file, all or none, and return its table."""
    from cifviz.audio.waveform import load_waveform

    for target in targets.values():
        check_target(target, overwrite=overwrite, inputs=inputs)
    rate = recognizer.config.features.sample_rate
    waveform = load_waveform(sound_source(path), sample_rate=rate)
    transcription = listen(waveform)
    terminal.end_if_told()  # perhaps while the file was read, which is incomplete then
    next(iter(targets.values())).parent.mkdir(parents=True, exist_ok=True)
    with writing(targets.values(), overwrite=overwrite, inputs=inputs) as parts:
        write_files(dict(zip(targets, parts, strict=True)), path, model, transcription, tier)
    return transcription_table(path, model, transcription)
