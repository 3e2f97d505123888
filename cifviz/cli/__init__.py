"""The command line: ``cifviz --help`` lists its commands, one module here each."""

from __future__ import annotations

import logging

from cifviz.cli import (
    align_command,
    diagnose_command,
    explore_command,
    former_commands,
    notebook_commands,
    panel_command,
)
from cifviz.cli.application import program

app = program("cifviz", "See, hear and check Continuous Integrate-and-Fire alignments.")


@app.callback()
def _main() -> None:
    # It would warn of a home where it can keep nothing, and then go on without.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


app.command()(align_command.align)
app.command()(explore_command.explore)
app.command()(panel_command.panel)
app.command()(diagnose_command.diagnose)
app.add_typer(notebook_commands.notebooks, name="notebooks")
former_commands.add_to(app)
