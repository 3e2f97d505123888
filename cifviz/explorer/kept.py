"""Settings of an explorer kept as lanes: the twin of ``js/kept.js``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cifviz.alignment.timed_tokens import Alignment
from cifviz.core.tail import TailRule
from cifviz.errors import require, require_type
from cifviz.explorer.compared import MOST
from cifviz.explorer.settings import checked, fixed_in_views, model_settings, realign, require_free
from cifviz.systems.transcription import Transcription


def checked_kept(
    kept: Any, transcription: Transcription, *, others: int = 0
) -> list[dict[str, Any]]:
    """Settings to keep, each reduced to those that differ from the model.

    Parameters
    ----------
    kept : sequence of mapping
        Settings, see `cifviz.explorer.settings.model_settings`; some or all.
    transcription : Transcription
    others : int
        Number of other compared lanes.

    Returns
    -------
    list of dict

    Raises
    ------
    CIFError
        If a setting is unknown, out of its range or fixed, or there are too many lanes.

    Examples
    --------
    >>> import cifviz
    >>> clip = cifviz.load_clip("digits_two")
    >>> transcription = cifviz.load_model("digits").transcribe(clip.waveform)
    >>> checked_kept([{"threshold": 0.5, "gain": 1}], transcription)
    [{'threshold': 0.5}]
    """
    require_type("kept", kept, Sequence)
    require(
        len(kept) + others <= MOST,
        f"kept: at most {MOST} lanes can be compared at once, got {others} and {len(kept)} kept",
    )
    frames, home = transcription.require_firing().alpha.shape[1], model_settings(transcription)
    found = []
    for settings in kept:
        given = checked(settings, frames)
        require_free(given, transcription, fixed_in_views(transcription)[0])
        whole = home | given
        isnt_used = {"count"} if whole["scaling"] != "count" else set()
        found.append(
            {
                name: value
                for name, value in whole.items()
                if value != home[name] and name not in isnt_used
            }
        )
    return found


def kept_alignments(
    kept: Sequence[Mapping[str, Any]], transcription: Transcription, taken: Iterable[str] = ()
) -> dict[str, Alignment]:
    """The tokens at each of some kept settings, by names that nothing else has.

    Examples
    --------
    >>> import cifviz
    >>> clip = cifviz.load_clip("digits_two")
    >>> transcription = cifviz.load_model("digits").transcribe(clip.waveform)
    >>> found = kept_alignments([{"threshold": 0.5}, {"threshold": 0.5}], transcription)
    >>> list(found)
    ['β 0.5', 'β 0.5 (2)']
    """
    home, names = model_settings(transcription), list(taken)
    found = {}
    for settings in kept:
        name, number = kept_name(settings, home), 1
        plain = name
        while name in names:
            number += 1
            name = f"{plain} ({number})"
        names.append(name)
        found[name] = realign(transcription, settings)[1]
    return found


def kept_name(kept: Mapping[str, Any], home: Mapping[str, Any]) -> str:
    """What a lane of kept settings is called: all that differs from the model, in a few words.

    >>> kept_name({"threshold": 0.8, "tail": {"rule": "drop", "value": None}}, {})
    'β 0.8, drop'
    """
    words = []
    for name, sign in (("threshold", "β"), ("slack", "δ")):
        if name in kept:
            words.append(f"{sign} {_short(kept[name])}")
    if "tail" in kept:
        tail = TailRule.from_dict(kept["tail"])
        value = "" if tail.value is None else f" {_short(tail.value)}"
        words.append(tail.rule.replace("_", " ") + value)
    if "scaling" in kept:
        count = f"count {kept.get('count', home.get('count'))}"
        words.append(count if kept["scaling"] == "count" else kept["scaling"])
    if "gain" in kept:
        words.append(f"gain {_short(kept['gain'])}")
    if "smoothing" in kept:
        words.append(f"smoothing {kept['smoothing']}")
    if drawn := len(kept.get("weights", ())):
        words.append(f"{drawn} {'weight' if drawn == 1 else 'weights'} drawn")
    return ", ".join(words) or "as the model"


def _short(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")
