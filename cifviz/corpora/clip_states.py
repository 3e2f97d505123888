"""What the pretrained encoder and eSpeak NG say about clips, for where neither is installed.

`data/make_recordings.py` makes it: `cifviz.audio.moonshine.Moonshine.states` of the clip's sound,
and `cifviz.corpora.pronunciation.pronounce` of a few transcripts, some of which do not fit.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from cifviz.audio.moonshine import DIM, num_frames
from cifviz.corpora.clips import Clip, load_clip
from cifviz.corpora.named_entries import read_entries
from cifviz.corpora.pronunciation import SpokenWord, pronounce
from cifviz.errors import DataError, require, require_choice
from cifviz.resources import resource

NUMBERS, ENTRIES = "clip_states.safetensors", "clip_states.json"
"""The states, and the transcripts, of all these clips; in the folder of the recordings."""


@dataclass(frozen=True, eq=False)
class ClipStates:
    """A clip with the pretrained encoder's states, and transcripts with their phones."""

    clip: Clip
    states: Tensor
    """(frames, 288), float32; kept in half precision."""
    transcripts: dict[str, tuple[SpokenWord, ...]]
    """Words and phones by the text. The first is what was spoken; in the second a word is another
    one, in the third a word is added, in the fourth one is missing."""

    def words(self, text: str) -> tuple[SpokenWord, ...]:
        """The words of a text with their phones: recorded ones, or what eSpeak NG says.

        Raises
        ------
        CIFError
            As of `pronounce`, for a text that is not recorded.
        """
        return self.transcripts.get(text) or pronounce(text)


def list_clip_states() -> list[str]:
    """Names of the clips whose states ship with the library.

    >>> list_clip_states()
    ['natural_river', 'natural_lake']
    """
    return list(read_entries(resource("recordings") / ENTRIES))


def load_clip_states(name: str) -> ClipStates:
    """Read a clip with its states.

    Parameters
    ----------
    name : str
        One of `list_clip_states`.

    Raises
    ------
    CIFError
        If there is no such clip; the message lists those that there are.
    DataError
        If the files are missing or damaged.

    Examples
    --------
    >>> recorded = load_clip_states("natural_river")
    >>> tuple(recorded.states.shape), recorded.clip.text
    ((129, 288), 'When morning comes, we walk along the river.')
    >>> [word.phones for word in recorded.words(recorded.clip.text)][0]
    ('w', 'ɛ', 'n')
    """
    from safetensors import SafetensorError, safe_open

    folder = resource("recordings")
    entries = read_entries(folder / ENTRIES)
    require_choice("clip", name, entries)
    clip = load_clip(name)
    try:
        with safe_open(folder / NUMBERS, framework="pt") as arrays:
            states = arrays.get_tensor(name).float()
        transcripts = {
            one["text"]: tuple(
                SpokenWord(**{**word, "phones": tuple(word["phones"])}) for word in one["words"]
            )
            for one in entries[name]["transcripts"]
        }
    except (SafetensorError, OSError, KeyError, TypeError) as error:
        raise DataError(f"cannot read the states of clip {name!r} in {folder}: {error}") from error
    expected = (num_frames(len(clip.waveform.samples)), DIM)
    require(
        tuple(states.shape) == expected and bool(states.isfinite().all()),
        f"states of clip {name!r} in {folder / NUMBERS}: expected {expected} finite numbers, "
        f"got {tuple(states.shape)}",
        DataError,
    )
    return ClipStates(clip, states, transcripts)
