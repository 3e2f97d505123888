"""The small lesson of the tests of notebooks."""

from tests.notebooks.conftest import folder, good, solved, source

__all__ = ["folder", "good", "solved", "source"]
