"""Why a fire is a poor estimate of a word's edge, and what helps.

A time is read off a mass by the running sum of the weights. Where they are small the sum is flat:
dt/dm = 1/α. That is so between words, where a fire belongs. A fire that lies elsewhere was moved
there by the errors of mass of the tokens before it. Inside the word the sum is steep, and a cut in
a valley of the weights is free of the errors before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from cifviz.alignment.mass_times import one_utterance
from cifviz.alignment.timed_tokens import Alignment, Edges
from cifviz.errors import CIFError, printable, require, require_integer, require_type
from cifviz.locks import one_at_a_time
from cifviz.metrics.quantile_errors import QuantileErrors, errors_by_quantile
from cifviz.plot.canvas import LONGEST_WORDS, legend_above, signed
from cifviz.plot.edge_lanes import (
    EDGES,
    errors_lane,
    mark,
    mass_lane,
    slopes_lane,
    weights_lane,
    words_lane,
)
from cifviz.plot.images import DPI
from cifviz.plot.palette import STYLE
from cifviz.plot.panels import WIDTH, Panel, PanelFigure
from cifviz.systems.transcription import Transcription

NO_ERRORS = "No utterance has as many tokens as its reference: there are no errors to show."

_ABOVE = {"words": 0.62, "weights": 1.3, "mass": 2.2}
_BELOW = {"error": 2.0, "slope": 1.0}
_GAP, _LEFT, _RIGHT, _LABELS, _TOP, _MIDDLE, _BOTTOM = 0.12, 0.95, 0.65, 2.35, 0.32, 0.7, 0.5
_NOTE = 0.25
# All in inches; labels are to the right of the lower Axes.


@one_at_a_time
def edge_panel(
    transcriptions: Sequence[Transcription], references: Sequence[Alignment], *, show: int = 0
) -> Panel:
    """Draw how edges are read off the weights, and how their errors depend on where they are read.

    Parameters
    ----------
    transcriptions : sequence of Transcription
        At least one utterance.
    references : sequence of Alignment
        The true alignment of each.
    show : int
        Which of the utterances is drawn; below 0 it counts from the end.

    Returns
    -------
    Panel
        ``(fig, axes)``. On one time axis "words": the reference in grey, over it the read-out;
        "weights" with fires and cuts, and a marker at each quantile that is read; "mass": the
        running sum, and what the same error of mass does to the time of a fire and inside a token.
        Over the quantiles of a token's mass "error", in milliseconds, and "slope", the median of
        1/α: see `cifviz.metrics.quantile_errors.errors_by_quantile`. Both are missing where no
        utterance has the right number of tokens.
        The edges drawn are read at the quantiles between valleys, and with the shifts, that are
        best on these very utterances; at 30 and 70 %, unshifted, where that is not known.

    Raises
    ------
    CIFError
        If there is no utterance, not one reference for each, no utterance `show`, or something else
        than a `Transcription` or an `Alignment` among them.
    """
    # 1. What is drawn: errors of all utterances, and the best read-out of one.
    show = _checked(transcriptions, references, show)
    measured = {
        cut: errors_by_quantile(transcriptions, references, cut=cut) for cut in ("fires", "valleys")
    }
    edges = measured["valleys"].best()
    transcription, reference = transcriptions[show], references[show]
    has_errors = measured["valleys"].tokens > 0
    fig, axes = _axes(_BELOW if has_errors else {})
    fig.alt = _alt(transcription, measured)

    # 2. One utterance over time.
    axes["words"].set_xlim(*_time_limits(transcription, reference, edges))
    words_lane(axes["words"], transcription, reference, edges)
    weights_lane(axes["weights"], transcription, edges)
    mass_lane(axes["mass"], transcription, edges)
    for name in ("words", "weights"):
        axes[name].set_xlabel("")
    legend_above(axes["words"], handles=_handles(edges), ncols=4)

    # 3. All utterances over the quantiles.
    if has_errors:
        errors_lane(axes["error"], measured, edges)
        slopes_lane(axes["slope"], measured)
    else:
        fig.text(_LEFT / WIDTH, 0.02, NO_ERRORS, fontsize=STYLE["text_size"])
    fig.align_ylabels(list(axes.values()))
    return Panel(fig, axes)


def _checked(
    transcriptions: Sequence[Transcription], references: Sequence[Alignment], show: int
) -> int:
    """The index of the utterance to show; raises unless the arguments of `edge_panel` are valid."""
    utterances = len(transcriptions)
    require(utterances > 0, "expected at least one transcription, got none")
    for index, (one, reference) in enumerate(zip(transcriptions, references, strict=False)):
        require_type(f"transcription {index}", one, Transcription)
        require_type(f"reference {index}", reference, Alignment)
    show = require_integer("show", show)
    if not -utterances <= show < utterances:
        raise CIFError(f"show must be an index into {utterances} utterances, got {show}")
    return show


def _time_limits(
    transcription: Transcription, reference: Alignment, edges: Edges
) -> tuple[float, float]:
    """The time axis: frames, sound, reference and all edges that are read."""
    firing, grid = one_utterance(transcription.require_firing()), transcription.grid
    onsets, offsets = (side.tolist() for side in edges.read(firing, grid))
    frames_end = grid.seconds(max(1, firing.alpha.shape[1]))
    ends = [token.end for token in reference.timed if token.end is not None]
    return (
        min(0.0, grid.seconds(0), *onsets),
        max(frames_end, transcription.duration, *offsets, *ends),
    )


def _axes(below: Mapping[str, float]) -> tuple[PanelFigure, dict[str, Axes]]:
    """The figure and its Axes, those over time above those over quantiles, if there are any."""
    upper = sum(_ABOVE.values()) + _GAP * (len(_ABOVE) - 1)
    lower = sum(below.values()) + _GAP * (len(below) - 1) + _MIDDLE if below else _NOTE
    height = _TOP + upper + lower + _BOTTOM
    fig = PanelFigure(figsize=(WIDTH, height), dpi=DPI)
    axes: dict[str, Axes] = {}
    for heights, top, space in ((_ABOVE, _TOP, _RIGHT), (below, _TOP + upper + _MIDDLE, _LABELS)):
        if not heights:
            continue
        inches = sum(heights.values()) + _GAP * (len(heights) - 1)
        grid = fig.add_gridspec(
            len(heights),
            left=_LEFT / WIDTH,
            right=1 - space / WIDTH,
            top=1 - top / height,
            bottom=1 - (top + inches) / height,
            height_ratios=list(heights.values()),
            hspace=_GAP * len(heights) / sum(heights.values()),
        )
        lanes = grid.subplots(sharex=True, squeeze=False)[:, 0]
        axes.update(zip(heights, lanes, strict=True))
    return fig, axes


def _handles(edges: Edges) -> list[Line2D]:
    """What the legend explains: both cuts, and both edges with where they are read."""
    handles = [
        Line2D([], [], **{**STYLE["fires"], "markersize": 5}, label="fire"),
        Line2D([], [], **{**STYLE["valleys"], "marker": ""}, label="cut in a valley of α"),
    ]
    for edge in EDGES:
        quantile, shift = getattr(edges, f"{edge}_quantile"), getattr(edges, f"{edge}_shift")
        label = f"{edge} read at {quantile:g} of the mass, {signed(1000 * shift)} ms"
        handles.append(Line2D([], [], **mark(edge), linestyle="none", label=label))
    return handles


def _alt(transcription: Transcription, measured: Mapping[str, QuantileErrors]) -> str:
    """What there is to see, in words."""
    fires = int(one_utterance(transcription.require_firing()).num_fires[0])
    sentences = [
        "Word edges read off the weights of one utterance, "
        f"“{printable(transcription.text, most=LONGEST_WORDS)}”, with its "
        f"fires ({fires}) and its cuts in valleys of the weights ({max(0, fires - 1)}) on one time "
        "axis: words, weight per frame, and the running sum of the weights, flat between words."
    ]
    counted = measured["valleys"]
    if not counted.tokens:
        return f"{sentences[0]} {NO_ERRORS}"
    sentences.append(
        f"Below, over {counted.utterances} utterances ({counted.tokens} tokens), the mean absolute "
        "error of edges after the best constant shift, by the quantile of the token's mass at "
        "which they are read, and the median of 1/α there."
    )
    for cut, found in measured.items():
        parts = []
        for edge, outer in (("onset", 0), ("offset", -1)):
            errors, least = 1000 * found.errors[edge], found.least(edge)
            parts.append(
                f"{edge}s {errors[outer]:.0f} ms at {found.quantiles[outer]:g}, least "
                f"{errors[least]:.0f} ms at {found.quantiles[least]:g}"
            )
        places = (0, len(found.quantiles) // 2, -1)
        slopes = [f"{found.seconds_per_token[at]:.2g} at {found.quantiles[at]:g}" for at in places]
        parts.append(f"median 1/α in seconds per token {', '.join(slopes)}")
        sentences.append(f"Cut at {cut}: {'; '.join(parts)}.")
    return " ".join(sentences)
