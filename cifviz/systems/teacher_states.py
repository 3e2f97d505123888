"""`TeacherStates`: what a language model makes of transcripts, computed once and kept in a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from cifviz.core.validation import described
from cifviz.errors import CheckpointError, CIFError, require, require_type, shown
from cifviz.resources import writing

STATES, TRANSCRIPTS, TEACHER = "states", "transcripts", "teacher"
"""The tensor in the file, and two keys of its metadata."""

Transcript = tuple[str, ...]


class TeacherStates:
    """A vector for each token of each transcript.

    Parameters
    ----------
    states : mapping of tuple of str to Tensor (tokens, width)
        By the tokens of the transcript; floats, as many as it has tokens, all of one width.
    teacher : str
        What made them.

    Raises
    ------
    CIFError
        If there is no transcript, one has another number of vectors than tokens or another width
        than the others, or they are no finite floats.

    Examples
    --------
    >>> states = TeacherStates({("two", "one"): torch.eye(2)}, "a model")
    >>> states.width, states.of(["two", "one"])[1]
    (2, tensor([0., 1.]))
    >>> states.of(["one", "two"])
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: a model has no states of the transcript 'one two', one of 1 has: comp...
    """

    def __init__(self, states: Mapping[Transcript, Tensor], teacher: str):
        require(bool(states), f"{teacher} has no states of any transcript")
        require_type("teacher", teacher, str)
        widths = set()
        for tokens, vectors in states.items():
            right = (
                isinstance(vectors, Tensor)
                and vectors.is_floating_point()
                and vectors.ndim == 2
                and len(vectors) == len(tokens)
            )
            require(
                right,
                f"the states of {shown(' '.join(tokens))} must be floats "
                f"(tokens, width) = ({len(tokens)}, width), got {described(vectors)}",
            )
            widths.add(vectors.shape[1])
        require(
            len(widths) == 1, f"the states of all transcripts must be as wide, got {sorted(widths)}"
        )
        self._states = dict(states)
        self.width: int = widths.pop()
        self.teacher = teacher

    def __len__(self) -> int:
        """Number of transcripts."""
        return len(self._states)

    def __iter__(self) -> Iterator[Transcript]:
        """The transcripts."""
        return iter(self._states)

    def of(self, tokens: Sequence[str]) -> Tensor:
        """The states of a transcript (tokens, width), in the type in which they are kept.

        Raises
        ------
        CIFError
            If there are none.
        """
        transcript = tuple(tokens)
        if not transcript and transcript not in self._states:
            return torch.zeros(0, self.width)
        if transcript not in self._states:
            raise CIFError(
                f"{self.teacher} has no states of the transcript {shown(' '.join(transcript))}, "
                f"one of {len(self)} has: compute them for it, too"
            )
        return self._states[transcript]

    def require_width(self, width: int) -> None:
        """Raise unless the vectors have so many values.

        Raises
        ------
        CIFError
            If they have not.
        """
        require(
            self.width == width,
            f"the states of {self.teacher} have {self.width} values, expected {width}: "
            f"set bert_distill_feat_dim to {self.width}, or take another teacher",
        )

    def save(self, path: Path, *, overwrite: bool = False) -> None:
        """Write a safetensors file, the vectors in half precision.

        Raises
        ------
        DataError
            If a file stands there that may not be replaced.
        """
        vectors = torch.cat([*self._states.values()]).to("cpu", torch.float16).contiguous()
        names = json.dumps([list(tokens) for tokens in self._states], ensure_ascii=False)
        content = save({STATES: vectors}, {TRANSCRIPTS: names, TEACHER: self.teacher})
        with writing([path], overwrite=overwrite) as (part,):
            part.write_bytes(content)

    @classmethod
    def load(cls, path: Path) -> TeacherStates:
        """Read a file that `save` wrote.

        Raises
        ------
        CheckpointError
            If there is no such file, or it is damaged or of another kind.
        """
        require(
            path.is_file(),
            f"there is no file {path} with the states of a teacher: compute them first",
            CheckpointError,
        )
        damaged = f"{path} does not hold the states of a teacher, or is damaged"
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                vectors = file.get_tensor(STATES)
            transcripts = [_transcript(one) for one in json.loads(metadata[TRANSCRIPTS])]
            parts = vectors.split([len(one) for one in transcripts])
            require(bool(vectors.isfinite().all()), "not finite")
            return cls(dict(zip(transcripts, parts, strict=True)), metadata[TEACHER])
        except OSError as error:
            raise CheckpointError(f"cannot read {path}: {error.strerror or 'no access'}") from error
        except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise CheckpointError(damaged) from error


def collate_states(states: Iterable[Tensor]) -> Tensor:
    """Of vectors (tokens, width) for each utterance: one tensor (batch, tokens, width), float32.

    Raises
    ------
    CIFError
        If they are no floats (tokens, width), all of the same width.

    Examples
    --------
    >>> collate_states([torch.ones(2, 3).half(), torch.ones(1, 3)]).shape
    torch.Size([2, 2, 3])
    """
    given = [torch.as_tensor(one) for one in states]
    for one in given:
        require(
            one.is_floating_point() and one.ndim == 2,
            f"states of a teacher must be floats (tokens, width), got {described(one)}",
        )
    widths = {one.shape[1] for one in given}
    require(len(widths) < 2, f"states of a teacher must be as wide, got {sorted(widths)}")
    return torch.nn.utils.rnn.pad_sequence([one.float() for one in given], batch_first=True)


def _transcript(tokens: object) -> Transcript:
    if not isinstance(tokens, list) or not all(isinstance(one, str) for one in tokens):
        raise ValueError("a transcript is a list of tokens")
    return tuple(tokens)
