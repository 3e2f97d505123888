"""``cifviz align --corpus``: every utterance of a corpus, on a Dask cluster."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cifviz.cli.application import in_words
from cifviz.cli.transcription_output import PICTURE, USUAL, chosen_suffixes
from cifviz.errors import printable, require

Corpus = Annotated[
    Path | None,
    typer.Option(
        "--corpus",
        help="A whole corpus instead of files: a folder of sounds with their transcripts (.txt, "
        ".lab) beside them, a table (.csv, .tsv), or a manifest of NeMo or lhotse (.jsonl).",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Processes for a corpus; default: one for each processor."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(help="Address of a Dask scheduler whose workers align a corpus."),
]
Cuts = Annotated[
    bool,
    typer.Option("--cuts", help="Copy the sound of each utterance of a corpus into the results."),
]
RetryFailed = Annotated[
    bool,
    typer.Option("--retry-failed", help="Try utterances of a corpus again that failed before."),
]


@dataclass(frozen=True)
class CorpusOptions:
    """What the options of a corpus say."""

    corpus: Path | None
    workers: int | None
    scheduler: str | None
    cuts: bool
    retry_failed: bool

    def require_none(self) -> None:
        """Raise `CIFError` if one of them is given without a corpus."""
        given = {
            "--workers": self.workers is not None,
            "--scheduler": self.scheduler is not None,
            "--cuts": self.cuts,
            "--retry-failed": self.retry_failed,
        }
        names = [name for name, is_given in given.items() if is_given]
        require(not names, f"{', '.join(names)}: only with --corpus")


def align_corpus_command(
    options: CorpusOptions,
    model: str,
    out: Path,
    *,
    language: str | None,
    formats: str,
    overwrite: bool,
    others: Mapping[str, Any],
) -> None:
    """Align a corpus, and print what became of it; the exit code is 1 if an utterance failed.

    Parameters
    ----------
    options : CorpusOptions
        With the corpus.
    model, out, language, formats, overwrite
        As of ``cifviz align``.
    others : mapping of str to Any
        What may not be given with a corpus, by the names that a user knows.
    """
    from cifviz.corpus_alignment.align_whole_corpus import align_corpus
    from cifviz.corpus_alignment.row_alignment import FAILED

    with in_words("cifviz align", exit_code=2):
        assert options.corpus is not None
        given = [name for name, value in others.items() if value not in (None, [])]
        require(not given, f"--corpus cannot be combined with {', '.join(given)}")
        require(
            os.path.realpath(out) != os.getcwd(),
            "--corpus needs a folder of its own for its results: --out FOLDER",
        )
        suffixes = chosen_suffixes(formats)
        require(
            PICTURE not in suffixes or formats == USUAL, "--corpus draws no pictures: leave out png"
        )
        aligned = align_corpus(
            options.corpus,
            out,
            model=model,
            client=options.scheduler,
            workers=options.workers,
            language=language,
            formats=[suffix for suffix in suffixes if suffix != PICTURE],
            cuts=options.cuts,
            retry_failed=options.retry_failed,
            overwrite=overwrite,
            progress=sys.stderr.isatty(),
        )
    typer.echo(printable(str(aligned)))
    typer.echo(f"the worst first: {printable(str(aligned.index))}")
    if aligned.statuses[FAILED]:
        raise typer.Exit(1)
