"""The explorer in a notebook: a widget whose settings Python and the picture share."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from cifviz.errors import (
    AudioError,
    CIFError,
    require,
    require_integer,
    require_number,
    require_type,
)
from cifviz.explorer.data import Other, named, sound_of, spans_of, stretch, view_data
from cifviz.explorer.page import STATIC, to_html
from cifviz.explorer.settings import checked, model_settings, realign
from cifviz.explorer.still import still
from cifviz.models.recognizer import Recognizer, Transcription
from cifviz.speech.alignment import Alignment
from cifviz.speech.audio import load_waveform
from cifviz.speech.formats import format_textgrid

LARGEST = 512 * 1024 * 1024
"""Bytes of a file that somebody lets a model hear."""

Answer = tuple[dict[str, Any], list[bytes]]


class Explorer(anywidget.AnyWidget):
    """What `cifviz.explore` shows; its traits may be read, set and observed.

    Parameters
    ----------
    transcription, reference, compare, model
        See `cifviz.explore`.

    Notes
    -----
    Sound and finer pictures are sent when a view asks for them and never kept in a notebook.
    """

    _esm = STATIC / "widget.js"
    _css = STATIC / "style.css"

    data = traitlets.Unicode().tag(sync=True)
    """What is shown, made from `transcription`; as a text, since a notebook file would spread every
    list over as many lines."""
    settings = traitlets.Dict().tag(sync=True)
    """Where the controls stand, see `cifviz.explorer.settings.model_settings`. Those that are set
    move; the others stay where they are."""
    selection = traitlets.Int(None, allow_none=True).tag(sync=True)
    """Index of the chosen token, or None."""
    listens = traitlets.Bool(False).tag(sync=True)
    """Whether there is a model that hears what the reader records."""
    alignment = traitlets.Instance(Alignment)
    """The tokens as they are now. It follows the settings; one that is set is shown until they
    move."""
    placed = traitlets.Dict(None, allow_none=True).tag(sync=True)
    """For the views: an alignment that somebody set. One that follows they make themselves."""

    def __init__(
        self,
        transcription: Transcription,
        *,
        reference: Alignment | None = None,
        compare: Other | Mapping[str, Other] | None = None,
        model: Recognizer | None = None,
    ):
        if model is not None:
            require_type("model", model, Recognizer)
        self._upload = Upload()
        self._answers: dict[str, Callable[[Mapping[str, Any], list[Any]], Answer]] = {
            "sound": self._sound,
            "stretch": self._stretch,
            "textgrid": self._textgrid,
            "piece": self._piece,
            "listen": self._listen,
        }
        self._model = model
        super().__init__(**self._values(transcription, reference, compare), listens=bool(model))
        self.on_msg(self._answer)

    def show(
        self,
        transcription: Transcription,
        *,
        reference: Alignment | None = None,
        compare: Other | Mapping[str, Other] | None = None,
    ) -> None:
        """Show another utterance in the same place; for the parameters see `cifviz.explore`."""
        with self.hold_sync():
            self.selection = None
            for name, value in self._values(transcription, reference, compare).items():
                self.set_trait(name, value)

    def to_html(self, path: str | Path, *, title: str = "", overwrite: bool = False) -> Path:
        """Write what is shown into a file of its own; its controls begin where they stand here.

        See `cifviz.explorer.to_html`.
        """
        return to_html(
            self.transcription,
            path,
            reference=self.reference,
            compare=self.compare,
            settings=self.settings,
            title=title,
            overwrite=overwrite,
        )

    def _values(
        self,
        transcription: Transcription,
        reference: Alignment | None,
        compare: Other | Mapping[str, Other] | None,
    ) -> dict[str, Any]:
        """Take over an utterance; what its traits are to be."""
        data = view_data(transcription, reference=reference, compare=compare)
        self.transcription, self.reference, self.compare = transcription, reference, compare
        self._own = realign(transcription)[1]
        text = json.dumps(data, separators=(",", ":"))
        return {"data": text, "settings": data["settings"], "alignment": self._own}

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The widget, and for those that cannot show one a picture and a table."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        picture = still(self.transcription, reference=self.reference, compare=self.compare)
        return {**bundle[0], **picture}, bundle[1]

    # --- what is set, here or in a view -----------------------------------------------------------

    @traitlets.validate("settings")
    def _whole_settings(self, proposal: Any) -> dict[str, Any]:
        frames = self.transcription.firing.alpha.shape[1]
        before = self.settings or model_settings(self.transcription)
        return {**before, **checked(proposal["value"], frames)}

    @traitlets.validate("selection")
    def _existing_token(self, proposal: Any) -> int | None:
        index = proposal["value"]
        if index is not None:
            count = len(self.alignment)
            require_integer("selection", index, at_least=0, below=count)
        return index

    @traitlets.observe("settings")
    def _follow_settings(self, _change: object) -> None:
        self._own = realign(self.transcription, self.settings)[1]
        self.alignment = self._own

    @traitlets.observe("alignment")
    def _follow_alignment(self, _change: object) -> None:
        is_own = self.alignment is self._own
        self.set_trait("placed", None if is_own else spans_of(self.alignment))
        last = len(self.alignment) - 1
        if self.selection is not None and self.selection > last:
            self.selection = last if last >= 0 else None

    @traitlets.observe("placed")
    def _follow_placed(self, _change: object) -> None:
        """A view went back to what the settings make, perhaps without moving them."""
        if self.placed is None:
            self.alignment = self._own

    # --- what a view asks for ---------------------------------------------------------------------

    def _answer(self, _widget: object, message: Mapping[str, Any], buffers: list[Any]) -> None:
        answer: dict[str, Any] = {"error": f"Python does not know {message.get('type')!r}"}
        sent: list[bytes] = []
        act = self._answers.get(str(message.get("type")))
        try:
            if act is not None:
                answer, sent = act(message, buffers)
        except CIFError as error:
            answer = {"error": str(error)}
        except Exception:
            self.send({"id": message.get("id"), "error": "something failed in Python, see its log"})
            raise
        self.send({"id": message.get("id"), **answer}, sent)

    def _sound(self, message: Mapping[str, Any], _buffers: list[Any]) -> Answer:
        """The whole sound, or that from one moment to another."""
        waveform = self.transcription.waveform
        require(waveform is not None, "there is no sound: this was heard from features alone")
        assert waveform is not None
        if "start" in message:
            waveform = waveform.cut(*self._stretch_of(message))
        return {}, [sound_of(waveform)]

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

    def _textgrid(self, message: Mapping[str, Any], _buffers: list[Any]) -> Answer:
        """The alignment as Praat reads it, beside the others."""
        settings, alignment = message.get("settings"), self.alignment
        if settings is not None:  # none: one that was set here is in view
            alignment = realign(self.transcription, settings)[1]
        tiers = {"tokens": alignment, **named(self.compare)}
        if self.reference is not None:
            tiers["reference"] = self.reference
        return {"text": format_textgrid(tiers, self.transcription.duration)}, []

    def _piece(self, message: Mapping[str, Any], buffers: list[Any]) -> Answer:
        """Keep a piece of a file that the reader sends."""
        require(self._model is not None, "there is no model here that could hear it", AudioError)
        index = message.get("index")
        if index == 0:
            self._upload = Upload(str(message.get("name", "")))
        self._upload.add(index, bytes(buffers[0]))
        return {}, []

    def _listen(self, _message: Mapping[str, Any], _buffers: list[Any]) -> Answer:
        """Let the model hear the file, and show what it heard."""
        assert self._model is not None
        upload, self._upload = self._upload, Upload()
        self.show(upload.heard_by(self._model))
        return {}, []


class Upload:
    """A sound file that arrives in pieces.

    Parameters
    ----------
    name : str
        Its name may be anything; only what kind of file it says it is matters.

    Examples
    --------
    >>> upload = Upload("me.wav")
    >>> upload.add(0, b"RIFF")
    >>> upload.add(2, b"....")
    Traceback (most recent call last):
    ...
    cifviz.errors.AudioError: expected piece 1 of the file, got 2
    """

    def __init__(self, name: str = ""):
        self.kind = "".join(letter for letter in Path(name).suffix[:8] if letter.isalnum())
        self.pieces: list[bytes] = []

    def add(self, index: object, piece: bytes) -> None:
        """Keep one more piece."""
        expected = len(self.pieces)
        require(
            index == expected, f"expected piece {expected} of the file, got {index}", AudioError
        )
        size = sum(map(len, self.pieces)) + len(piece)
        most = f"expected a file of at most {LARGEST / 1e6:.0f} MB, got more"
        require(size <= LARGEST, most, AudioError)
        self.pieces.append(piece)

    def heard_by(self, model: Recognizer) -> Transcription:
        """What a model makes of the whole."""
        with tempfile.TemporaryDirectory(prefix="cifviz-") as folder:
            path = Path(folder) / f"recording.{self.kind}"
            path.write_bytes(b"".join(self.pieces))
            waveform = load_waveform(path, sample_rate=model.config.features.sample_rate)
        return model.transcribe(waveform)
