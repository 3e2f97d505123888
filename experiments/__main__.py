"""``python -m experiments``."""

from experiments.command_line import app

app()
