"""Figures with controls, and the same figure at a few settings where no kernel runs."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cifviz.course.figures import LINES, WIDTH, captioned, show
from cifviz.errors import require
from cifviz.explorer.page import page_data, page_title
from cifviz.explorer.widget import Explorer
from cifviz.locks import DISPLAY, one_at_a_time
from cifviz.notebooks.cell_output import emit
from cifviz.notebooks.media_types import EXPLORER
from cifviz.plot.images import DPI, image_tag, png

DELAY = 0.01
"""Seconds without a movement after which the picture is drawn; movements before are skipped."""

Draw = Callable[..., object]


class Slider(NamedTuple):
    """A range of numbers to choose from: floats, or whole numbers where all four are."""

    low: float
    high: float
    step: float
    start: float


class Steps(NamedTuple):
    """Values that are stepped through: an animation, with buttons and a slider."""

    values: Sequence[Any]
    """The first one is where it starts."""
    interval: int = 400
    """Milliseconds from one to the next while it plays."""


class Text(NamedTuple):
    """Lines to type; their number is that of the lines in view."""

    start: str


Control = Slider | Steps | Text | Sequence[Any]


def live_figure(
    draw: Draw,
    *,
    static: Sequence[Mapping[str, Any]],
    alt: str,
    caption: str = "",
    height: float = 2.2,
    **controls: Control,
) -> None:
    """Show a picture that follows its sliders, and below it the same picture at a few settings.

    Parameters
    ----------
    draw : callable
        ``draw(ax, **settings)`` draws on one empty Axes. A text that it returns becomes part of the
        title, behind the settings.
    static : sequence of mappings
        3 to 5 settings to show as one PNG, the static fallback for GitHub, paper and screen
        readers.
    alt : str
        What there is to see in the static fallback.
    caption : str
        Stands below it, see `cifviz.course.show`.
    height : float > 0
        Inches of one picture.
    **controls : Slider, Steps, Text or sequence, by name
        A range of numbers, an animation, a text to type, or the values to choose from. A text
        counts once the reader leaves its field; `draw` is given any text, and says in the title
        what is wrong.

    Raises
    ------
    CIFError
        If there are no controls, not 3 to 5 settings, or a setting names other controls.

    Examples
    --------
    >>> live_figure(
    ...     lambda ax, slope: ax.plot([0, 1], [0, slope]),
    ...     slope=Slider(0, 2, 0.1, 1),
    ...     static=[{"slope": 0}, {"slope": 1}, {"slope": 2}],
    ...     alt="A line through the origin, flat at slope 0 and steep at slope 2.",
    ... )
    Figure: A line through the origin, flat at slope 0 and steep at slope 2.
    """
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    live = LiveFigure(draw, controls, static=static, alt=alt, height=height)
    if get_ipython() is not None:
        # For the tests; what a notebook keeps does not depend on the machine.
        display(live.widget, metadata={"cifviz": {"redraw_effort": live.redraw_effort()}})
    show(live.static_figure(), alt, caption=caption)


def live_explorer(explorer: Explorer, *, caption: str) -> None:
    """Show an explorer, and below it, where nothing is live, its static fallback.

    What the site of the course needs to show it live is kept with the fallback.

    Parameters
    ----------
    explorer : Explorer
        What `cifviz.explore` gives in a notebook.
    caption : str
        Stands below it, see `cifviz.course.show`.
    """
    given = explorer._repr_mimebundle_()
    if given is not None:  # a kernel that shows no widgets
        data = page_data(
            explorer.transcription,
            reference=explorer.reference,
            compare=explorer.compare,
            settings=explorer.settings,
            sound="small",
        )
        content = {"title": page_title(explorer.transcription), "data": data}
        emit({**captioned(given[0], caption), EXPLORER: json.dumps(content)})


class LiveFigure:
    """What `live_figure` shows: a widget that redraws one figure, and its static fallback.

    Jupyter may hand the messages of two controls to two threads. One thread draws at a time. A
    request that comes meanwhile returns at once, and the thread that draws serves it afterwards.

    Parameters
    ----------
    draw, static, alt, height
        As for `live_figure`.
    controls : mapping of str to Slider, Text or sequence
        What can be moved.
    """

    def __init__(
        self,
        draw: Draw,
        controls: Mapping[str, Control],
        *,
        static: Sequence[Mapping[str, Any]],
        alt: str,
        height: float = 2.2,
    ):
        import ipywidgets

        require(bool(controls), "expected at least one control, such as slope=Slider(0, 2, 1, 1)")
        require(3 <= len(static) <= 5, f"static must be 3 to 5 settings, got {len(static)}")
        for setting in static:
            require(
                setting.keys() == controls.keys(),
                f"each static setting must name {sorted(controls)}, got {sorted(setting)}",
            )
        self.draw, self.static, self.alt, self.height = draw, static, alt, height
        self._texts = {name for name, spec in controls.items() if isinstance(spec, Text)}
        self._figure = _bare_figure(height, 1)
        # One fixed frame: to compute a layout for each picture takes longer than to draw it.
        self._axes = self._figure.add_axes((0.085, 0.5 / height, 0.845, 1 - 0.8 / height))
        self._drawn: dict[tuple[Any, ...], str] = {}
        self._turn = threading.Lock()
        """Held by the call that draws."""
        self._is_stale = True
        """Whether a control has moved since the drawing began that is shown, or will be."""
        self.controls = {name: _control(name, spec) for name, spec in controls.items()}
        self.picture = ipywidgets.HTML()
        self._follow = _Debounced(self.redraw, DELAY)
        for control in self.controls.values():
            control.observe(self._follow, names="value")
        rows = [_row(control, controls[name]) for name, control in self.controls.items()]
        self.widget = ipywidgets.VBox([*rows, self.picture])
        self.redraw()

    @property
    def settings(self) -> dict[str, Any]:
        """Where the controls stand now."""
        return {name: control.value for name, control in self.controls.items()}

    def redraw(self) -> None:
        """Show the picture at the present settings; a picture that was drawn before is kept.

        While another call draws, in another thread or further up in this one, it returns at once,
        and the other call draws once more.
        """
        self._is_stale = True
        while self._is_stale and self._turn.acquire(blocking=False):
            try:
                self._is_stale = False
                self._show(self.settings)
            except Exception:
                if not self._is_stale:  # settings that are gone may fail
                    raise
            finally:
                self._turn.release()

    def _show(self, settings: Mapping[str, Any]) -> None:
        key = tuple(settings.values())
        if key not in self._drawn:
            self._drawn[key] = self._picture(settings)
        self.picture.value = self._drawn[key]

    def seconds(self) -> float:
        """How long the kernel works on one picture: the quickest of the static settings."""
        return min(_processor_seconds(partial(self._picture, one)) for one in self.static)

    def redraw_effort(self) -> float:
        """`seconds` over those of empty axes, a ratio that needs no fast machine."""
        empty = min(_processor_seconds(self._empty_picture) for _ in self.static)
        return self.seconds() / max(empty, 1e-9)

    @one_at_a_time
    def static_figure(self) -> Figure:
        """The same picture at each of the static settings, one below the other."""
        figure = _bare_figure(self.height, len(self.static), layout="constrained")
        axes: Sequence[Axes] = figure.subplots(len(self.static), 1, sharex=True)
        for ax, setting in zip(axes, self.static, strict=True):
            self._draw_on(ax, setting)
            ax.label_outer()
        return figure

    def _empty_picture(self) -> None:
        """What a picture costs before anything is drawn."""
        with DISPLAY:
            self._axes.clear()
            png(self._figure, colours=None)

    def _picture(self, settings: Mapping[str, Any]) -> str:
        """The one Axes drawn anew, as an HTML image."""
        with DISPLAY:
            self._axes.clear()
            title = self._draw_on(self._axes, settings)
            return image_tag(png(self._figure, colours=None), f"{self.alt} Now: {title}.")

    def _draw_on(self, ax: Axes, settings: Mapping[str, Any]) -> str:
        """Draw, and put the settings and the text that `draw` returned above; return this title."""
        ax.set_prop_cycle(**LINES)
        caption = self.draw(ax, **settings)
        named = {name: value for name, value in settings.items() if name not in self._texts}
        parts = [_words(named), caption if isinstance(caption, str) else ""]
        title = ": ".join(part for part in parts if part)
        # With a given height matplotlib does not search for room, which takes as long as drawing.
        ax.set_title(title, loc="left", fontsize="medium", y=1.0, parse_math=False)
        return title


class _Debounced:
    """Calls a function once movement has stopped for a moment, at once where no loop is running.

    Each thread of a kernel has a loop of its own; only the last movement of all of them counts.
    """

    def __init__(self, call: Callable[[], None], delay: float):
        self.call, self.delay = call, delay
        self.last: object = None

    def __call__(self, change: object = None) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.call()
            return
        self.last = movement = object()
        loop.call_later(self.delay, self._call_if_last, movement)

    def _call_if_last(self, movement: object) -> None:
        if movement is self.last:
            self.call()


def _bare_figure(height: float, rows: int, **kwargs: Any) -> Figure:
    figure = Figure(figsize=(WIDTH, height * rows), dpi=DPI, **kwargs)
    FigureCanvasAgg(figure)
    return figure


def _control(name: str, spec: Control) -> Any:
    import ipywidgets

    from cifviz.course import sliders

    look = {"description": name.replace("_", " "), "style": {"description_width": "initial"}}
    wide = ipywidgets.Layout(width="32em")
    if isinstance(spec, Text):
        rows = spec.start.count("\n") + 1
        return sliders.TextArea(value=spec.start, rows=rows, layout=wide, **look)
    if not isinstance(spec, Slider):
        values = list(spec.values if isinstance(spec, Steps) else spec)
        require(bool(values), f"{name} needs at least one value")
        return sliders.SelectionSlider(options=values, value=values[0], layout=wide, **look)
    require(
        spec.low <= spec.start <= spec.high and spec.step > 0,
        f"{name} needs low <= start <= high and step > 0, got {spec}",
    )
    whole = all(isinstance(number, int) for number in spec)
    kind = sliders.IntSlider if whole else sliders.FloatSlider
    return kind(min=spec.low, max=spec.high, step=spec.step, value=spec.start, layout=wide, **look)


def _row(control: Any, spec: Control) -> Any:
    """A control, with the buttons that step it if it is an animation."""
    import ipywidgets

    from cifviz.course import sliders

    if not isinstance(spec, Steps):
        return control
    buttons = sliders.Player(max=len(spec.values) - 1, interval=spec.interval, show_repeat=False)
    ipywidgets.jslink((buttons, "value"), (control, "index"))
    return ipywidgets.HBox([buttons, control])


def _words(settings: Mapping[str, Any]) -> str:
    """Settings as a reader says them.

    >>> _words({"tail_threshold": 0.5, "frames": 3})
    'tail threshold = 0.5, frames = 3'
    """
    shown = {
        name: f"{value:.4g}" if isinstance(value, float) else str(value)
        for name, value in settings.items()
    }
    return ", ".join(f"{name.replace('_', ' ')} = {value}" for name, value in shown.items())


def redraw_efforts(notebook: Any) -> list[float]:
    """`LiveFigure.redraw_effort` of each control of a notebook, before it is normalised."""
    return [
        output.metadata["cifviz"]["redraw_effort"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "redraw_effort" in output.get("metadata", {}).get("cifviz", {})
    ]


def _processor_seconds(draw: Callable[[], object]) -> float:
    started = time.process_time()
    draw()
    return time.process_time() - started
