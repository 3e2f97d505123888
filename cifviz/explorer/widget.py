"""The explorer in a notebook: a widget whose settings Python and the browser share."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from cifviz.alignment.timed_tokens import Alignment
from cifviz.errors import (
    AudioError,
    CIFError,
    require,
    require_integer,
    require_number,
    require_type,
    shown,
)
from cifviz.explorer.compared import Other, named, spans_of
from cifviz.explorer.correction import checked_correction, corrected_of
from cifviz.explorer.data import stretch, view_data
from cifviz.explorer.kept import checked_kept, kept_alignments
from cifviz.explorer.page import STATIC, to_html
from cifviz.explorer.settings import (
    checked,
    fixed_in_views,
    model_settings,
    realign,
    require_free,
)
from cifviz.explorer.shared import Shared, refusing
from cifviz.explorer.sound_pieces import flac_of
from cifviz.explorer.static_fallback import static_fallback
from cifviz.explorer.upload import Upload
from cifviz.locks import DISPLAY, one_at_a_time
from cifviz.systems.base import System
from cifviz.systems.transcription import Transcription

NO_MODEL = "this explorer has no model that could transcribe it"

LONGEST_ID = 100
"""Characters of the id of a question."""

Answer = tuple[dict[str, Any], list[bytes]]


class Explorer(Shared, anywidget.AnyWidget):
    """The widget of `cifviz.explore`; its traits may be read, set and observed.

    Parameters
    ----------
    transcription, reference, compare, model
        See `cifviz.explore`.

    Notes
    -----
    Sound and finer pictures are sent on demand and never stored in a notebook.

    Several threads may use it, as Jupyter does: a thread that sets a trait waits for the others,
    observers included, so that alignment and settings always belong together.
    """

    OPEN = ("settings", "placed", "edited", "selection", "kept")
    lock = DISPLAY

    _esm = STATIC / "widget.js"
    _css = STATIC / "style.css"

    data = traitlets.Unicode().tag(sync=True)
    """Of `view_data`, as a JSON text: a notebook file would write each item of a list on its own
    line."""
    # TraitType checks nothing: the validators below do, and raise `CIFError`.
    settings: Any = traitlets.TraitType({}).tag(sync=True)
    """Positions of the controls, see `cifviz.explorer.settings.model_settings`. Settings that are
    not given keep their values."""
    selection = traitlets.Any().tag(sync=True)
    """Index of the selected token, or None."""
    listens = traitlets.Bool(False).tag(sync=True)
    """Whether a model transcribes what the reader records."""
    alignment: Any = traitlets.TraitType(Alignment())
    """The tokens as shown. It follows the settings; one that is set is shown until they change."""
    kept: Any = traitlets.TraitType([]).tag(sync=True)
    """Settings that are lanes of their own: a list of what differs from the model in each."""
    compared: Any = traitlets.TraitType({}, read_only=True)
    """The alignments of the compared lanes by name, those of kept settings included."""
    corrected: Any = traitlets.TraitType(None, allow_none=True)
    """The tokens as a person corrected them, shown instead of the alignment, or None. They do not
    follow the settings. Times are whole microseconds."""
    edited = traitlets.Any().tag(sync=True)
    """For the views: the corrected tokens."""
    placed = traitlets.Any().tag(sync=True)
    """For the views: an alignment that was set. They compute the one that follows the settings."""

    def __init__(
        self,
        transcription: Transcription,
        *,
        reference: Alignment | None = None,
        compare: Other | Mapping[str, Other] | None = None,
        model: System | None = None,
    ):
        if model is not None:
            require_type("model", model, System)
        self._upload = Upload()
        self._realigned: tuple[object, object, Alignment] | None = None
        self._answers: dict[str, Callable[[Mapping[str, Any], list[Any]], Answer]] = {
            "sound": self._sound,
            "stretch": self._stretch,
            "piece": self._piece,
            "listen": self._listen,
        }
        self._model = model
        super().__init__(**self._values(transcription, reference, compare), listens=bool(model))
        self.set_trait("compared", self._compared([]))
        self.on_msg(self._answer)

    @one_at_a_time
    def show(
        self,
        transcription: Transcription,
        *,
        reference: Alignment | None = None,
        compare: Other | Mapping[str, Other] | None = None,
    ) -> None:
        """Show another utterance in the same place; for the parameters see `cifviz.explore`."""
        values = self._values(transcription, reference, compare)
        with self.hold_sync():
            self.selection = self.corrected = None
            for name, value in values.items():
                self.set_trait(name, value)
            self.set_trait("compared", self._compared([]))

    @one_at_a_time
    def to_html(self, path: str | Path, *, title: str = "", overwrite: bool = False) -> Path:
        """Write what is shown into an HTML file, with the present settings and corrections.

        See `cifviz.explorer.to_html`.
        """
        return to_html(
            self.transcription,
            path,
            reference=self.reference,
            compare=self.compare,
            settings=self.settings,
            kept=self.kept,
            corrected=self.corrected,
            title=title,
            overwrite=overwrite,
        )

    def _values(
        self,
        transcription: Transcription,
        reference: Alignment | None,
        compare: Other | Mapping[str, Other] | None,
    ) -> dict[str, Any]:
        """Take over a transcription; returns the new values of the traits."""
        if reference is None and isinstance(transcription, Transcription):
            reference = transcription.reference
        data = view_data(transcription, reference=reference, compare=compare)
        own = realign(transcription)[1]
        self._realigned = transcription, data["settings"], own
        self.transcription, self.reference, self.compare = transcription, reference, compare
        text = json.dumps(data, separators=(",", ":"))
        return {"data": text, "settings": data["settings"], "alignment": own, "kept": []}

    @one_at_a_time
    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The widget, and its static fallback for viewers that show no widget."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        fallback = static_fallback(
            self.transcription, reference=self.reference, compare=self.compare
        )
        return {**bundle[0], **fallback}, bundle[1]

    # --- traits, set here or in a view ------------------------------------------------------------

    @one_at_a_time
    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)

    @one_at_a_time
    def set_trait(self, name: str, value: Any) -> None:
        """Set a trait, one that is read only included."""
        super().set_trait(name, value)

    def check(self, state: Mapping[str, Any]) -> None:
        """Raise `CIFError` unless all of these values can be set, one after the other."""
        alignment = self.alignment
        if "settings" in state:
            settings = self._whole(state["settings"])
            if settings != self.settings:
                alignment = self._own(settings)
        if "placed" in state:
            require(state["placed"] is None, "a view may remove a placed alignment, not set one")
            alignment = self._own(settings if "settings" in state else self.settings)
        corrected = self.corrected
        if "edited" in state:
            corrected = corrected_of(state["edited"], self.transcription.duration)
        alignment = alignment if corrected is None else corrected
        if "selection" in state:
            _check_selection(state["selection"], alignment)
        if "kept" in state:
            self._checked_kept(state["kept"])

    def _checked_kept(self, kept: Any) -> list[dict[str, Any]]:
        """What differs from the model in each of some settings, which all can be fired."""
        found = checked_kept(kept, self.transcription, others=len(named(self.compare)))
        self._compared(found)
        return found

    def _compared(self, kept: list[dict[str, Any]]) -> dict[str, Alignment]:
        """The alignments of all compared lanes."""
        given = named(self.compare)
        taken = [*given, "words"] if self.transcription.words is not None else given
        return {**given, **kept_alignments(kept, self.transcription, taken)}

    def _whole(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The given settings, and the present values of the others."""
        checked(settings, self.transcription.require_firing().alpha.shape[1])
        require_free(settings, self.transcription, fixed_in_views(self.transcription)[0])
        return {**(self.settings or model_settings(self.transcription)), **settings}

    def _own(self, settings: Mapping[str, Any]) -> Alignment:
        """The alignment at these settings; the last one is kept."""
        kept = self._realigned
        if kept is None or kept[0] is not self.transcription or kept[1] != settings:
            own = realign(self.transcription, settings)[1]
            kept = self._realigned = (self.transcription, settings, own)
        return kept[2]

    @traitlets.validate("settings")
    def _whole_settings(self, proposal: Any) -> dict[str, Any]:
        with refusing():
            settings = self._whole(proposal["value"])
            self._own(settings)
        return settings

    @traitlets.validate("selection")
    def _existing_token(self, proposal: Any) -> int | None:
        with refusing():
            _check_selection(proposal["value"], self._shown)
        return proposal["value"]

    @traitlets.validate("alignment")
    def _is_alignment(self, proposal: Any) -> Alignment:
        with refusing():
            require_type("alignment", proposal["value"], Alignment)
        return proposal["value"]

    @property
    def _shown(self) -> Alignment:
        """The tokens in the lane of tokens."""
        return self.alignment if self.corrected is None else self.corrected

    @traitlets.validate("corrected")
    def _is_correction(self, proposal: Any) -> Alignment | None:
        with refusing():
            return checked_correction(proposal["value"], self.transcription.duration)

    @traitlets.validate("edited")
    def _is_what_is_corrected(self, proposal: Any) -> dict[str, Any] | None:
        with refusing():
            corrected = corrected_of(proposal["value"], self.transcription.duration)
        return None if corrected is None else spans_of(corrected)

    @traitlets.validate("placed")
    def _is_what_is_placed(self, proposal: Any) -> dict[str, Any] | None:
        placed = proposal["value"]
        with refusing():
            known = placed is None or placed == spans_of(self.alignment)
            require(known, "placed follows the alignment; set that instead")
        return placed

    @traitlets.validate("kept")
    def _kept_that_fire(self, proposal: Any) -> list[dict[str, Any]]:
        with refusing():
            return self._checked_kept(proposal["value"])

    @traitlets.observe("kept")
    def _follow_kept(self, _change: object) -> None:
        self.set_trait("compared", self._compared(self.kept))

    @traitlets.observe("settings")
    def _follow_settings(self, _change: object) -> None:
        self.alignment = self._own(self.settings)

    @traitlets.observe("alignment")
    def _follow_alignment(self, _change: object) -> None:
        is_own = self.alignment == self._own(self.settings)
        self.set_trait("placed", None if is_own else spans_of(self.alignment))
        self._keep_selection()

    def _keep_selection(self) -> None:
        """Select the last token where there are not so many any more."""
        last = len(self._shown) - 1
        if self.selection is not None and self.selection > last:
            self.selection = last if last >= 0 else None

    @traitlets.observe("corrected")
    def _follow_corrected(self, _change: object) -> None:
        self.edited = None if self.corrected is None else spans_of(self.corrected)
        self._keep_selection()

    @traitlets.observe("edited")
    def _follow_edited(self, _change: object) -> None:
        """A view corrected tokens, or took its corrections back."""
        known = None if self.corrected is None else spans_of(self.corrected)
        if self.edited != known:
            self.corrected = corrected_of(self.edited, self.transcription.duration)

    @traitlets.observe("placed")
    def _follow_placed(self, _change: object) -> None:
        """A view removed a placed alignment, perhaps without a change of the settings."""
        if self.placed is None:
            self.alignment = self._own(self.settings)

    # --- questions of a view ----------------------------------------------------------------------

    def _answer(self, _widget: object, message: Any, buffers: list[Any]) -> None:
        """Send one answer to a question: what was asked for, or an error."""
        asked = message if isinstance(message, Mapping) else {}
        name, kind = asked.get("id"), asked.get("type")
        if not (isinstance(name, str) and name.isascii() and len(name) <= LONGEST_ID):
            name, kind = None, None
        act = self._answers.get(kind) if isinstance(kind, str) else None
        answer: dict[str, Any] = {"error": f"unknown question {shown(kind)}"}
        sent: list[bytes] = []
        try:
            if act is not None:
                answer, sent = act(asked, buffers)
        except CIFError as error:
            answer = {"error": str(error)}
        except Exception:
            self.send({"id": name, "error": "something failed in Python, see its log"})
            raise
        self.send({"id": name, **answer}, sent)

    @one_at_a_time
    def _sound(self, message: Mapping[str, Any], _buffers: list[Any]) -> Answer:
        """The whole sound, or a part of it."""
        waveform = self.transcription.waveform
        require(waveform is not None, "the transcription has no sound: it was made from features")
        assert waveform is not None
        if "start" in message:
            waveform = waveform.cut(*self._stretch_of(message))
        return {}, [flac_of(waveform)]

    @one_at_a_time
    def _stretch(self, message: Mapping[str, Any], _buffers: list[Any]) -> Answer:
        """A finer picture of a part."""
        return stretch(self.transcription, *self._stretch_of(message)), []

    def _stretch_of(self, message: Mapping[str, Any]) -> tuple[float, float]:
        start = require_number("start", message.get("start"))
        end = require_number("end", message.get("end"))
        reach = self.transcription.duration
        require(
            start < min(end, reach) and end > 0,
            f"expected a part of the {reach:g} s of sound, got {start:g} to {end:g} s",
        )
        return start, end

    @one_at_a_time
    def _piece(self, message: Mapping[str, Any], buffers: list[Any]) -> Answer:
        """Keep one piece of a file."""
        require(self._model is not None, NO_MODEL, AudioError)
        require(
            len(buffers) == 1, f"expected one piece of the file, got {len(buffers)}", AudioError
        )
        index = require_integer("index", message.get("index"), at_least=0)
        if index == 0:
            require_type("name", message.get("name"), str)
            self._upload = Upload(message["name"])
        self._upload.add(index, bytes(buffers[0]))
        return {}, []

    def _listen(self, _message: Mapping[str, Any], _buffers: list[Any]) -> Answer:
        """Transcribe the file, and show the transcription."""
        model = self._model
        require(model is not None, NO_MODEL, AudioError)
        assert model is not None
        with DISPLAY:
            upload, self._upload = self._upload, Upload()
        self.show(upload.transcribed_by(model))
        return {}, []


def _check_selection(index: object, alignment: Alignment) -> None:
    """Raise `CIFError` unless it is None or the index of a token."""
    if index is not None:
        require_integer("selection", index, at_least=0, below=len(alignment))
