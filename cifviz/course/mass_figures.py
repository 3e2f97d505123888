"""Drawings of lesson 01: each piece of a weight in the look of the token that owns it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cifviz.core.firing import Firing
from cifviz.errors import require_number
from cifviz.plot import STYLE
from cifviz.plot.palette import token_look

SMALLEST = 0.005
"""A piece below it is not drawn: its number would be 0.00."""
WORD, NUMBER = 0.09, 0.035
"""Shares of the mass axis, at least, of a box that has a word or a number on it."""


class Piece(NamedTuple):
    """What one frame gives to one token, as an interval of the mass axis."""

    frame: int
    token: int
    lower: float
    upper: float
    is_owned: bool
    """False in the residual: the token did not fire."""

    @property
    def text(self) -> str:
        """Its weight.

        >>> Piece(0, 0, 0.2, 1.0, True).text, Piece(0, 0, 0.0, 0.25, True).text
        ('0.8', '0.25')
        """
        return f"{round(self.upper - self.lower, 2):g}"


def pieces(firing: Firing, *, position: float | None = None) -> list[Piece]:
    """The mass axis, cut at the ends of frames and of tokens.

    Parameters
    ----------
    firing : Firing
        Of one utterance, without slack and tail.
    position : float >= 0, optional
        How far the frames have arrived, in frames; the weight of a frame arrives evenly. Default:
        all of them.

    Returns
    -------
    list of Piece
        From left to right, those above `SMALLEST`.

    Raises
    ------
    CIFError
        If `position` is negative or not a number.

    Examples
    --------
    Frame 1 gives 0.5 to token 0; the other 0.25 is left.

    >>> import torch
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 0.75]]), torch.eye(2)[None])
    >>> [(piece.frame, piece.token, piece.text, piece.is_owned) for piece in pieces(firing)]
    [(0, 0, '0.5', True), (1, 0, '0.5', True), (1, 1, '0.25', False)]
    """
    if position is not None:
        position = require_number("position", position, at_least=0)
    beta, begin, found = firing.threshold, 0.0, []
    for frame, weight in enumerate(firing.alpha[0].double().tolist()):
        arrived = weight if position is None else weight * min(max(position - frame, 0.0), 1.0)
        found += list(_cut(frame, begin, begin + arrived, beta))
        begin += weight
    full = int((found[-1].upper + 1e-6) // beta) if found else 0
    return [piece._replace(is_owned=piece.token < full) for piece in found]


def draw_owned_weights(firing: Firing, *, ax: Axes, position: float | None = None) -> None:
    """Draw a bar for each weight, cut into the pieces that go to each token, with their weights.

    Parameters
    ----------
    firing, position
        See `pieces`.
    ax : Axes
        Where to draw. The horizontal axis counts frames.

    Examples
    --------
    >>> import torch
    >>> from matplotlib.figure import Figure
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 0.75]]), torch.eye(2)[None])
    >>> ax = Figure().subplots()
    >>> draw_owned_weights(firing, ax=ax)
    >>> [bar.get_height() for bar in ax.patches]
    [0.5, 0.5, 0.25]

    Notes
    -----
    Notebook: notebooks/01_integrate_and_fire.ipynb
    """
    weights = firing.alpha[0].double().cumsum(0).tolist()
    for piece in pieces(firing, position=position):
        before = weights[piece.frame - 1] if piece.frame else 0.0
        box = (piece.frame + 0.1, piece.lower - before, 0.8, piece.upper - piece.lower)
        _draw_piece(ax, box, piece, piece.text)
    ax.set(xlim=(0, len(weights)), ylim=(0, 1.1 * max(1.0, float(firing.alpha.max()))))
    ax.set(xlabel="position (frames)", ylabel="weight per frame", xticks=range(len(weights) + 1))


def draw_rulers(firing: Firing, *, ax: Axes, position: float | None = None) -> None:
    """Draw the mass axis as two rulers: one cut at the ends of frames, one at those of tokens.

    Parameters
    ----------
    firing, position
        See `pieces`.
    ax : Axes
        Where to draw. The horizontal axis is mass. Above, the frames; in the middle the pieces with
        their weights; below, the tokens that are full, and dashed those that are not.

    Examples
    --------
    >>> import torch
    >>> from matplotlib.figure import Figure
    >>> from cifviz.core.firing import integrate_and_fire
    >>> firing = integrate_and_fire(torch.tensor([[0.5, 0.75]]), torch.eye(2)[None])
    >>> ax = Figure().subplots()
    >>> draw_rulers(firing, ax=ax)
    >>> [text.get_text() for text in ax.texts]
    ['frame 0', 'frame 1', '0.5', '0.5', '0.25', 'token 0', 'residual']

    Notes
    -----
    Notebook: notebooks/01_integrate_and_fire.ipynb
    """
    found, beta = pieces(firing, position=position), firing.threshold
    total, frames = float(firing.alpha.sum()), firing.alpha.shape[1]
    unfinished = "residual" if position is None or position >= frames else "not full"
    outline: dict[str, Any] = {"facecolor": STYLE["ground"], "edgecolor": STYLE["level"]}
    for frame in dict.fromkeys(piece.frame for piece in found):
        own = [piece for piece in found if piece.frame == frame]
        left, right = own[0].lower, own[-1].upper
        ax.add_patch(Rectangle((left, 2.1), right - left, 0.8, **outline))
        name = f"frame {frame}" if right - left > WORD * total else str(frame)
        if right - left > NUMBER * total:
            ax.text((left + right) / 2, 2.5, name, ha="center", va="center")
    for piece in found:
        box = (piece.lower, 1.1, piece.upper - piece.lower, 0.8)
        _draw_piece(ax, box, piece, piece.text if box[2] > NUMBER * total else "")
    for token in dict.fromkeys(piece.token for piece in found):
        own = [piece for piece in found if piece.token == token]
        full = own[0].is_owned
        name = f"token {token}" if full else unfinished
        right = (token + 1) * beta if full else own[-1].upper
        look = outline | {"linestyle": "-" if full else "--"}
        ax.add_patch(Rectangle((token * beta, 0.1), right - token * beta, 0.8, **look))
        if right - token * beta > WORD * total:
            ax.text((token * beta + right) / 2, 0.5, name, ha="center", va="center")
    for token in range(int((total + 1e-6) // beta) + 1):
        ax.axvline(token * beta, color=STYLE["threshold"], linewidth=0.8, linestyle=":", zorder=0)
    ax.set(xlim=(0, 1.01 * total), ylim=(0, 3), xlabel="mass (sum of the weights)")
    ax.set_yticks([0.5, 1.5, 2.5], ["tokens", "pieces", "frames"])


def _cut(frame: int, lower: float, upper: float, beta: float) -> Iterator[Piece]:
    """The interval of a frame, cut at the multiples of β."""
    token = int((lower + 1e-6) // beta)
    while upper - lower > SMALLEST:
        end = min(upper, (token + 1) * beta)
        if end - lower > SMALLEST:
            yield Piece(frame, token, lower, end, False)
        lower, token = end, token + 1


def _draw_piece(ax: Axes, box: tuple[float, float, float, float], piece: Piece, text: str) -> None:
    """A box (left, bottom, width, height) in the look of its token, with a text on it."""
    left, bottom, width, height = box
    look = token_look(piece.token if piece.is_owned else None) | {"linewidth": 0.8}
    ax.add_patch(Rectangle((left, bottom), width, height, **look))
    paper = {"facecolor": STYLE["halo"], "edgecolor": "none", "pad": 1.0}
    look = {"ha": "center", "va": "center", "bbox": paper, "fontsize": STYLE["text_size"] + 1}
    if text:
        ax.text(left + width / 2, bottom + height / 2, text, **look)
