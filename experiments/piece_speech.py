"""English speech in word pieces of a language model, for "hieradist" and "w2v-cif-bert".

Prompts of one real speaker, varied, and sentences read by synthesised voices: the prompts' own, and
made-up ones. Word times are those of `experiments.english_speech`; a word's pieces share its time
by their numbers of letters. The tokenizer is that of the language model, which comes with the extra
``cifviz[lm]``; the vocabulary of a model, the pieces that occur in training, is a file beside the
recipes, so that models are built, loaded and run without it.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.corpora.pronunciation import pronounce
from cifviz.errors import CheckpointError, CIFError
from cifviz.systems.moonshine_pieces import MoonshinePieces
from cifviz.systems.teacher_states import TeacherStates
from cifviz.systems.text_models import TextModel
from experiments.english_speech import (
    PhonedUtterance,
    english_prompts,
    made_up,
    phoned_prompts,
    read_by_espeak,
    read_by_hibari,
    varied,
)

VOCABULARIES = Path(__file__).parent / "recipes" / "pieces"
TEACHERS = Path("runs/teachers")
"""Where states of teachers are kept, by transcript, in half precision."""
VERSIONS = 3
"""Variations of each prompt."""
MADE_UP = 400
"""Made-up sentences, half of them for each synthesiser."""
TENTH = 10
"""One prompt in so many is a tenth."""


@functools.cache
def text_model(name: str) -> Any:
    """A language model, or the pieces of Moonshine's decoder, loaded once."""
    return MoonshinePieces() if name == MoonshinePieces.name else TextModel.load(name)


def vocabulary(name: str) -> tuple[str, ...]:
    """The pieces of a language model that occur in training, from their file."""
    path = VOCABULARIES / f"{name}.json"
    return tuple(json.loads(path.read_text("utf-8")))


def in_pieces(words: Alignment, model: Any) -> Alignment:
    """The pieces of words, in time.

    A piece has the share of its word's time that it has of the letters.
    """
    found = []
    for word in words:
        pieces = model.pieces(f" {word.token.lower()}")
        sizes = np.array([max(1, len(piece.lstrip("#Ġ▁"))) for piece in pieces])
        if word.start is None or word.end is None:
            found += [TimedToken(piece) for piece in pieces]
            continue
        cuts = word.start + (word.end - word.start) * np.r_[0, sizes.cumsum()] / sizes.sum()
        cuts[-1] = word.end  # not a bit later, where the next word may begin
        found += [
            TimedToken(piece, float(start), float(end))
            for piece, start, end in zip(pieces, cuts, cuts[1:], strict=False)
        ]
    return Alignment(tuple(found))


def labelled_in_pieces(
    utterances: Iterable[PhonedUtterance], model: Any
) -> list[LabelledUtterance]:
    """Utterances labelled with the pieces of their words."""
    return [
        LabelledUtterance(one.waveform, in_pieces(one.words, model), one.speaker)
        for one in utterances
    ]


def variations(
    utterances: Sequence[PhonedUtterance | None], times: int, *, seed: int
) -> list[PhonedUtterance]:
    """So many variations of each utterance that has times; see `varied`."""
    speakers: dict[str, list[PhonedUtterance]] = {}
    for one in utterances:
        if one is not None:
            speakers.setdefault(one.speaker, []).append(one)
    rng = np.random.default_rng(seed)
    return [
        varied(pool, place, rng)
        for _ in range(times)
        for pool in speakers.values()
        for place in range(len(pool))
    ]


def real(name: str, *, tenth: bool = False) -> list[LabelledUtterance]:
    """Prompts in variations, or a tenth of them in ten times as many."""
    prompts = [one for one in phoned_prompts("train") if one is not None]
    times = VERSIONS
    if tenth:
        prompts, times = prompts[::TENTH], VERSIONS * TENTH
    return labelled_in_pieces(variations(prompts, times, seed=0), text_model(name))


def synthetic(name: str) -> list[LabelledUtterance]:
    """The prompts' sentences and made-up ones, read by hibari and eSpeak NG."""
    texts = sorted(
        {
            " ".join(word.token for word in one.words)
            for one in phoned_prompts("train")
            if one is not None
        }
    )
    sentences = [text.split() for text in texts]
    invented = made_up(MADE_UP, 2)
    half = MADE_UP // 2
    read = [
        *read_by_hibari([*sentences, *invented[:half]], 2),
        *read_by_espeak([*sentences, *invented[half:]], 3),
    ]
    return labelled_in_pieces(variations(read, 1, seed=1), text_model(name))


def kept_out(name: str) -> list[LabelledUtterance]:
    """Prompts that nothing is trained on, as they are."""
    prompts = [one for one in phoned_prompts("dev") if one is not None]
    return labelled_in_pieces(prompts, text_model(name))


def taught(utterances: Sequence[LabelledUtterance], name: str) -> list[LabelledUtterance]:
    """The same with the states of a teacher, which are kept in `TEACHERS`."""
    states = teacher_states(name, [_transcript(one) for one in utterances])
    return [
        replace(one, extras={"teacher": states.of(_transcript(one)).half().numpy()})
        for one in utterances
    ]


def teacher_states(
    name: str, transcripts: Iterable[Sequence[str]], folder: Path | None = None
) -> TeacherStates:
    """States of a teacher for transcripts; what its file lacks is computed and added.

    Parameters
    ----------
    name : str
        Of a language model; see `cifviz.systems.text_models.PACKAGES`.
    transcripts : iterable of sequence of str
        In its pieces.
    folder : Path, optional
        Where ``NAME.safetensors`` is; default: `TEACHERS`.
    """
    path = (TEACHERS if folder is None else folder) / f"{name}.safetensors"
    wanted = list(dict.fromkeys(tuple(one) for one in transcripts if len(one)))
    known = {}
    if path.is_file():
        kept = TeacherStates.load(path)
        known = {one: kept.of(one) for one in kept}
    missing = [one for one in wanted if one not in known]
    if missing:
        model = text_model(name)
        known |= {one: model.states(one).half() for one in missing}
        path.parent.mkdir(parents=True, exist_ok=True)
        TeacherStates(known, name).save(path, overwrite=True)
    if not known:
        raise CheckpointError(f"there is no transcript of which {name} could have states")
    return TeacherStates(known, name)


def pieces_of_training(name: str) -> list[str]:
    """The pieces that occur in prompts and made-up sentences for training, sorted.

    Those of prompts to which no times are found are among them.
    """
    model = text_model(name)
    words = {word for sentence in made_up(MADE_UP, 2) for word in sentence}
    for _, text, _ in english_prompts("train"):
        with contextlib.suppress(CIFError):  # a word that cannot be pronounced
            words |= {word.text.lower() for word in pronounce(text)}
    return sorted({piece for word in words for piece in model.pieces(f" {word}")})


def _transcript(one: LabelledUtterance) -> tuple[str, ...]:
    return tuple(word.token for word in one.words)
