"""The clips that ship with the library: short synthetic utterances with known times."""

from __future__ import annotations

from dataclasses import dataclass

from cifviz.alignment.timed_tokens import Alignment
from cifviz.audio.waveform import Waveform, load_waveform
from cifviz.corpora.named_entries import read_entries
from cifviz.errors import DataError, require_choice
from cifviz.formats import read_textgrid
from cifviz.resources import resource

ENTRIES = "clips.json"
"""All values of the clips beside sound and times."""


@dataclass(frozen=True, eq=False)
class Clip:
    """A short synthetic utterance: sound, text, and the times of words and phones.

    Times come from the synthesiser, so they are exact; see `cifviz.corpora.synthesis`.
    """

    name: str
    waveform: Waveform
    words: Alignment
    phones: Alignment
    """IPA symbols; a few, such as a liquid that only colours a vowel, have no length."""
    tokens: tuple[str, ...]
    """The reference, one token for each word; empty for a clip without speech."""
    text: str
    """The input of the synthesiser."""
    voice: str
    language: str
    """As in BCP 47: "en", "zh"."""
    domain: str
    """Which vocabulary it belongs to: "digits", "grid", "natural" or "none"."""
    description: str


def list_clips() -> list[str]:
    """Names of the clips, in the order of their list.

    >>> "digits_three" in list_clips()
    True
    """
    return list(read_entries(resource("clips") / ENTRIES))


def load_clip(name: str) -> Clip:
    """Read a clip that ships with the library.

    Parameters
    ----------
    name : str
        One of `list_clips`.

    Raises
    ------
    CIFError
        If there is no clip of that name; the message lists those that there are.
    DataError
        If its files are missing or damaged.

    Examples
    --------
    >>> clip = load_clip("digits_three")
    >>> clip.tokens, clip.words.text
    (('three', 'one', 'four'), 'three one four')
    """
    folder = resource("clips")
    entries = read_entries(folder / ENTRIES)
    require_choice("clip", name, entries)
    entry = entries[name]
    tiers = read_textgrid(folder / f"{name}.TextGrid")
    try:
        return Clip(
            name=name,
            waveform=load_waveform(folder / f"{name}.flac"),
            words=tiers["words"],
            phones=tiers["phones"],
            tokens=tuple(entry["tokens"]),
            **{key: entry[key] for key in ("text", "voice", "language", "domain", "description")},
        )
    except KeyError as error:
        raise DataError(f"clip {name!r} lacks {error} in {ENTRIES} or in its TextGrid") from error
