"""Commands that `python -m experiments` has now; for one release they are found here, too."""

from __future__ import annotations

import importlib.util

import typer

from cifviz.errors import CIFError

NAMES = ("train", "publish", "results", "edges", "compare", "cover", "tails", "sharpness")


def add_to(app: typer.Typer) -> None:
    """Add each of `NAMES` to a program, hidden: it says what it is called now, and runs that."""
    for name in NAMES:
        app.command(
            name,
            hidden=True,
            add_help_option=False,
            context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
        )(_run)


def _run(context: typer.Context) -> None:
    from cifviz.published import PROGRAM, current_command

    former = f"cifviz {context.info_name}"
    current = current_command(former)
    typer.echo(f"{former}: this is `{current}` now, in a clone of the repository", err=True)
    module = "experiments.command_line"
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        raise CIFError(f"`{current}` needs a clone of the repository; it is not in this package")
    command_line = importlib.import_module(module)
    arguments = [*current.removeprefix(PROGRAM).split(), *context.args]
    typer.main.get_command(command_line.app).main(arguments)
