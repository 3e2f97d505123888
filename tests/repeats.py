"""Values of a parameter that show once more what the first shows."""

import pytest


def others_long(*values):
    """Values of a parameter, of which all but the first make a long test.

    One page, screen, rule or variant is like the others but for a file or a number.
    """
    return [values[0], *(pytest.param(value, marks=pytest.mark.long) for value in values[1:])]
