"""A program with commands: whatever happens in one ends in words and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cifviz.cli import terminal

Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace results that are there already.")
]


def program(name: str, help: str) -> typer.Typer:
    """A program without commands yet, such as ``cifviz`` itself.

    Parameters
    ----------
    name : str
        How it is called, for messages.
    help : str
        What it does, in a sentence.
    """

    class Commands(TyperGroup):
        def main(self, *arguments: Any, **options: Any) -> Any:
            """Run one of them, and exit."""
            options["prog_name"] = name
            main = super().main
            sys.exit(terminal.run(name, lambda: main(*arguments, **options)))

    return typer.Typer(
        help=help,
        cls=Commands,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


@contextmanager
def in_words(command: str, *, exit_code: int = 1, keep: str = "") -> Iterator[None]:
    """Turn any error into one line and an exit code; `keep` keeps the line ends of a list.

    Parameters
    ----------
    command : str
        With its program, such as ``cifviz align``.
    exit_code : int
        Of the program.
    keep : str
        Characters that are printed as they are though they do not print.
    """
    try:
        yield
    except Exception as error:
        terminal.complain(command, error, keep=keep)
        raise typer.Exit(exit_code) from error
