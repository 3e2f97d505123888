"""Utterances of digits unlike those that recognisers are trained on: longer, repeated, interrupted.

All are real speech (data set "digits", test part alone), one speaker in each utterance.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.noise import pink_noise
from cifviz.audio.waveform import Waveform
from cifviz.corpora import datasets
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import require, require_integer, require_number
from cifviz.published import (
    IN_DOMAIN,
    LONGER,
    NOISE_GAP,
    REPEATED,
    SILENCE_GAP,
    TRUNCATED,
)
from experiments.training_data import labelled_strings

SEEDS = {"longer": 20, "repeated": 51, "gap": 13}
"""Of the generators that draw strings, takes, pauses and noise."""
LONG = 7
"""Words of a string that is joined, at least: the longest that the recipe trains on has 8."""
PER_SPEAKER = 5
"""Utterances of each speaker and factor among the longer ones."""
REPETITIONS = (4, 5, 6, 7, 8)
"""How often one digit is repeated."""
GAP_SECONDS = (1.0, 2.0)
"""Shortest and longest gap."""
NOISE_LEVEL = -10.0
"""Of the noise in a gap: dB relative to the speech inside the words of the same utterance."""
CUT_SHARE = 0.1
"""How much of the last word a truncated utterance keeps."""


def robustness_sets() -> dict[str, list[LabelledUtterance]]:
    """The test sets, the same in every call.

    Returns
    -------
    dict of str to list of LabelledUtterance
        * "in domain": the test strings of "digits" as they are, 1 to 8 words.
        * "2 times longer" … "5 times longer": so many strings of `LONG` or more words, `joined`.
        * "repeated": each digit of each speaker 4 to 8 times in a row; see `repeated`.
        * "noise gap", "silence gap": the strings of two or more words with 1 to 2 s of pink noise,
          or of digital silence, between two of them, at the same places; see `interrupted`.
        * "truncated": the same strings, cut inside their last word; see `truncated`.

    Raises
    ------
    DataError
        If the data set is missing or damaged.
    """
    strings = labelled_strings("test")
    several = [one for one in strings if len(one.words) > 1]
    takes = [
        LabelledUtterance(*datasets.take_waveform(take), take.speaker)
        for take in datasets.digit_takes()
        if take.split == "test"
    ]
    recipes = datasets.digit_strings("test")
    gaps = [gap for recipe in recipes for gap in recipe.gaps_ms]
    ends = [end for recipe in recipes for end in (recipe.lead_ms, recipe.tail_ms)]
    drawn = np.random.default_rng(SEEDS["longer"])
    return {
        IN_DOMAIN: strings,
        **{name: longer(strings, factor, drawn) for factor, name in LONGER.items()},
        REPEATED: repeated(takes, gaps, ends, np.random.default_rng(SEEDS["repeated"])),
        NOISE_GAP: interrupted(several, NOISE_LEVEL, np.random.default_rng(SEEDS["gap"])),
        SILENCE_GAP: interrupted(several, -np.inf, np.random.default_rng(SEEDS["gap"])),
        TRUNCATED: [truncated(one) for one in several],
    }


def joined_strings(seconds: float = 300.0) -> list[LabelledUtterance]:
    """The test strings of each speaker, one behind the other and over again, until so long.

    An utterance of each speaker, of whole strings: the first length not below `seconds`.
    """
    by_speaker: dict[str, list[LabelledUtterance]] = {}
    for one in labelled_strings("test"):
        by_speaker.setdefault(one.speaker, []).append(one)
    made = []
    for strings in by_speaker.values():
        pieces, length = [], 0.0
        for piece in itertools.cycle(strings):
            pieces.append(piece)
            length += piece.waveform.duration
            if length >= seconds:
                break
        made.append(joined(pieces, [0] * (len(pieces) + 1)))
    return made


def joined(pieces: Sequence[LabelledUtterance], pauses: Sequence[int]) -> LabelledUtterance:
    """Utterances of one speaker one after the other, with digital silence around them.

    Parameters
    ----------
    pieces : sequence of LabelledUtterance
        Of one speaker and sample rate; their words' times are read to the nearest sample.
    pauses : sequence of int >= 0
        Samples of silence before the first piece, between neighbours and after the last.

    Raises
    ------
    CIFError
        If there is no piece, several speakers or rates, not one pause more than pieces, or one of
        several pieces has extras, which are not those of the whole.

    Examples
    --------
    >>> words = Alignment((TimedToken("one", 0.1, 0.3),))
    >>> one = LabelledUtterance(Waveform(np.ones(3), 10), words, "ann")
    >>> twice = joined([one, one], [1, 2, 0])
    >>> twice.waveform.samples.tolist()
    [0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    >>> twice.words.spans
    ((0.2, 0.4), (0.7, 0.9))
    """
    voices = {(piece.speaker, piece.waveform.sample_rate) for piece in pieces}
    require(len(voices) == 1, f"expected one speaker at one rate, got {sorted(voices)}")
    require(
        len(pauses) == len(pieces) + 1,
        f"expected {len(pieces) + 1} pauses around {len(pieces)} pieces, got {len(pauses)}",
    )
    require(
        len(pieces) == 1 or not any(piece.extras for piece in pieces),
        "utterances with extras cannot be joined: nothing says what those of the whole are",
    )
    ((speaker, rate),) = voices
    sound = [np.zeros(pauses[0], np.float32)]
    words: list[TimedToken] = []
    for piece, pause in zip(pieces, pauses[1:], strict=True):
        words += _moved(piece.words.tokens, sum(map(len, sound)), rate)
        sound += [piece.waveform.samples, np.zeros(pause, np.float32)]
    whole = Waveform(np.concatenate(sound), rate)
    return LabelledUtterance(whole, Alignment(tuple(words)), speaker, pieces[0].extras)


def longer(
    strings: Sequence[LabelledUtterance], factor: int, rng: np.random.Generator
) -> list[LabelledUtterance]:
    """`PER_SPEAKER` utterances of each speaker, of `factor` different strings of `LONG` words.

    The strings keep the silence at their ends, and nothing is put between them.
    """
    made = []
    for speaker in sorted({one.speaker for one in strings}):
        long = [one for one in strings if one.speaker == speaker and len(one.words) >= LONG]
        require(
            len(long) >= factor,
            f"expected at least {factor} strings of {LONG} words by {speaker!r}, got {len(long)}",
        )
        for _ in range(PER_SPEAKER):
            chosen = [long[index] for index in rng.permutation(len(long))[:factor]]
            made.append(joined(chosen, [0] * (factor + 1)))
    return made


def repeated(
    takes: Sequence[LabelledUtterance],
    gaps_ms: Sequence[int],
    ends_ms: Sequence[int],
    rng: np.random.Generator,
) -> list[LabelledUtterance]:
    """One word 4, 5, 6, 7 and 8 times in a row, for each word of each speaker.

    Parameters
    ----------
    takes : sequence of LabelledUtterance
        Of one word each. All takes of a word are used before one comes again, and none follows
        itself: where there are fewer than repetitions, they come in the same order once more.
    gaps_ms, ends_ms : sequence of int
        Pauses in milliseconds between words, and at both ends, to draw from.
    rng : numpy Generator
        Draws the order of the takes, and the pauses.

    Raises
    ------
    CIFError
        If there is only one take of a word.
    """
    groups: dict[tuple[str, str], list[LabelledUtterance]] = {}
    for take in takes:
        groups.setdefault((take.speaker, take.words.text), []).append(take)
    made = []
    for (speaker, word), group in sorted(groups.items(), key=lambda item: item[0]):
        require(len(group) > 1, f"expected two takes of {word!r} by {speaker!r}, got one")
        rate = group[0].waveform.sample_rate
        for times in REPETITIONS:
            order = rng.permutation(len(group))
            pieces = [group[order[index % len(group)]] for index in range(times)]
            between, around = rng.choice(gaps_ms, times - 1), rng.choice(ends_ms, 2)
            pauses = [around[0], *between, around[1]]
            made.append(joined(pieces, [int(pause) * rate // 1000 for pause in pauses]))
    return made


def interrupted(
    strings: Sequence[LabelledUtterance], level: float, rng: np.random.Generator
) -> list[LabelledUtterance]:
    """Each string with 1 to 2 s of pink noise between two of its words, anywhere among them.

    Parameters
    ----------
    strings : sequence of LabelledUtterance
        Of two words or more.
    level : float
        Of the noise, in dB relative to the root mean square of the speech inside the words; −∞ for
        digital silence.
    rng : numpy Generator
        Draws place, length and noise: the places are the same for every level.
    """
    made = []
    for one in strings:
        require(len(one.words) > 1, f"expected two words or more, got {one.words.text!r}")
        after, seconds = int(rng.integers(1, len(one.words))), rng.uniform(*GAP_SECONDS)
        rate = one.waveform.sample_rate
        spans = [one.waveform.cut(*span).samples for span in one.words.spans]
        loudness = float(np.sqrt(np.mean(np.concatenate(spans) ** 2)))
        noise = pink_noise(round(seconds * rate), rate, rng) * loudness * 10 ** (level / 20)
        made.append(with_gap(one, after, noise))
    return made


def with_gap(utterance: LabelledUtterance, after: int, filling: np.ndarray) -> LabelledUtterance:
    """An utterance with a sound inserted between two words, in the middle of what is between them.

    Parameters
    ----------
    utterance : LabelledUtterance
        Of more than `after` words.
    after : int
        How many words come before the gap, at least one.
    filling : array (time,)
        What is inserted; everything behind it moves so much later.

    Examples
    --------
    >>> words = Alignment((TimedToken("one", 0.0, 0.1), TimedToken("two", 0.3, 0.4)))
    >>> parted = with_gap(LabelledUtterance(Waveform(np.ones(4), 10), words), 1, np.zeros(2))
    >>> parted.waveform.samples.tolist(), parted.words.spans
    ([1.0, 1.0, 0.0, 0.0, 1.0, 1.0], ((0.0, 0.1), (0.5, 0.6)))
    """
    words = utterance.words.tokens
    after = require_integer("after", after, at_least=1, at_most=len(words) - 1)
    rate = utterance.waveform.sample_rate
    end, start = utterance.words.spans[after - 1][1], utterance.words.spans[after][0]
    place = (round(end * rate) + round(start * rate)) // 2
    samples = np.insert(utterance.waveform.samples, place, filling)
    late = _moved(words[after:], len(filling), rate)
    moved = Alignment((*_moved(words[:after], 0, rate), *late))
    return replace(utterance, waveform=Waveform(samples, rate), words=moved)


def truncated(utterance: LabelledUtterance, share: float = CUT_SHARE) -> LabelledUtterance:
    """An utterance cut inside its last word, which is no longer in the reference.

    Parameters
    ----------
    utterance : LabelledUtterance
        Of one word or more.
    share : float in (0, 1)
        Of the last word's voiced length that is kept. The rule is strict: any token recognised
        there counts as inserted, the right word included.

    Examples
    --------
    >>> words = Alignment((TimedToken("one", 0.0, 0.3), TimedToken("two", 0.4, 0.8)))
    >>> cut = truncated(LabelledUtterance(Waveform(np.ones(10), 10), words), 0.5)
    >>> cut.waveform.duration, cut.words.text
    (0.6, 'one')
    """
    share = require_number("share", share, above=0, below=1)
    require(len(utterance.words) > 0, "expected a word to cut, got none")
    start, end = utterance.words.spans[-1]
    sound = utterance.waveform.cut(0, start + share * (end - start))
    return replace(utterance, waveform=sound, words=Alignment(utterance.words.tokens[:-1]))


def _moved(words: Sequence[TimedToken], later: int, rate: int) -> list[TimedToken]:
    """Words so many samples later; in whole samples, for sums of seconds would overlap a little."""
    spans = Alignment(tuple(words)).spans
    return [
        replace(
            word, start=(round(start * rate) + later) / rate, end=(round(end * rate) + later) / rate
        )
        for word, (start, end) in zip(words, spans, strict=True)
    ]
