"""The folds of a lesson, behind which its answers are."""

from cifviz.course.build import product
from cifviz.notebooks.folding import TAG, TEXT_LABEL, output_label
from cifviz.notebooks.reader import read_notebook, tags

NAME = "02_scaling"


def words(text):
    return " ".join(text.split())


def answers(copy):
    """Numbers of the cells that hold answers."""
    cells = read_notebook(product(NAME, copy)).cells
    return [number for number, cell in enumerate(cells) if TAG in tags(cell)]


def labels(copy, *kinds):
    """What the folds of a lesson are called: all, or those of one kind of cell."""
    cells = read_notebook(product(NAME, copy)).cells
    return {
        TEXT_LABEL if cell.cell_type == "markdown" else output_label(cell.source)
        for cell in cells
        if TAG in tags(cell) and cell.cell_type in (kinds or ("markdown", "code"))
    }
