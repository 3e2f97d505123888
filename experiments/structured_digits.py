"""Strings of digits that have a language: from those before it the next one can be guessed.

Any digit may follow any other in the data set "digits", so nothing but its sound says which it was.
Here each string is drawn from a grammar, then put together of takes of one speaker: for training by
`GrammarStrings`, for development and test by `grammar_utterances`, in noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.noise import pink_noise
from cifviz.audio.waveform import Waveform
from cifviz.corpora import datasets
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.corpora.word_lists import DIGITS
from cifviz.errors import DataError, require, require_choice
from cifviz.training.augmentation import Augmentation, CutAndJoin, Recording

SUCCESSORS = (
    (6, 3, 1),
    (8, 5, 2),
    (0, 9, 4),
    (9, 4, 6),
    (2, 1, 3),
    (4, 7, 0),
    (5, 8, 7),
    (1, 0, 8),
    (3, 2, 5),
    (7, 6, 9),
)
"""Which digits may follow 0, 1, … 9; each follows three others."""
PROBABILITIES = (0.6, 0.3, 0.1)
"""Of the three successors, in their order. A digit carries 1.3 bits, a random one 3.3."""

SHORTEST, LONGEST = 3, 12
"""Digits of a string of the development and test sets."""
STRINGS = {"dev": 100, "test": 200}
"""How many strings each set has."""
SEEDS = {"dev": 151, "test": 152}
"""Of the generators that draw strings, takes, pauses and noise."""
GAP_MS, END_MS = 250, 400
"""Longest pause between digits, and before the first and behind the last."""
NOISE_LEVEL = -10.0
"""Of the pink noise: dB relative to the speech inside the words of the same utterance."""

NextDigit = Callable[[np.random.Generator, Sequence[int], int], int]
"""Draws a digit, given those before it and how many the string still lacks, this one included."""


def markov_digit(rng: np.random.Generator, before: Sequence[int], lacking: int) -> int:
    """The next digit of a Markov chain: any at first, then one of three `SUCCESSORS`.

    >>> digits = [4]
    >>> for lacking in (3, 2, 1):
    ...     digits.append(markov_digit(np.random.default_rng(0), digits, lacking))
    >>> all(after in SUCCESSORS[digit] for digit, after in zip(digits, digits[1:]))
    True
    """
    if not before:
        return int(rng.integers(len(DIGITS)))
    return int(rng.choice(SUCCESSORS[before[-1]], p=PROBABILITIES))


def checked_digit(rng: np.random.Generator, before: Sequence[int], lacking: int) -> int:
    """Any digit, but for the last, which is the check digit of those before it."""
    return luhn_digit(before) if lacking == 1 else int(rng.integers(len(DIGITS)))


def luhn_digit(digits: Sequence[int]) -> int:
    """The check digit of some digits by the Luhn formula.

    From the last on every other digit is doubled, and 9 subtracted where that gives more than 9;
    the check digit makes the sum a multiple of 10. Source: ISO/IEC 7812-1, annex B.

    Of 7 and 9 the 9 is doubled: 18 − 9 = 9; 7 + 9 = 16 lacks 4:

    >>> luhn_digit([7, 9])
    4
    """
    doubled = [2 * digit - 9 * (digit > 4) for digit in digits[::-1][::2]]
    return -(sum(doubled) + sum(digits[::-1][1::2])) % 10


class GrammarStrings(CutAndJoin):
    """Like `CutAndJoin`, but of recordings of a digit each, in an order that a grammar draws.

    Parameters
    ----------
    groups, shares, augmentation
        As there; each speaker has recordings of all digits.
    next_digit : NextDigit
        The grammar.
    spellings : sequence of tuple of int, optional
        The tokens of each digit; by default a digit is one token, of its own number.
    """

    def __init__(
        self,
        groups: Mapping[str, Sequence[Recording]],
        shares: Mapping[str, float],
        augmentation: Augmentation,
        *,
        next_digit: NextDigit,
        spellings: Sequence[tuple[int, ...]] | None = None,
    ):
        super().__init__(groups, shares, augmentation)
        self.next_digit = next_digit
        self.spellings = spellings or [(digit,) for digit in range(len(DIGITS))]

    def pick(
        self,
        rng: np.random.Generator,
        recordings: Sequence[Recording],
        joined: Sequence[Recording],
        wanted: int,
    ) -> Recording:
        """A recording of the next digit."""
        before = [self.spellings.index(one.tokens) for one in joined]
        spelling = self.spellings[self.next_digit(rng, before, wanted)]
        takes = [one for one in recordings if one.tokens == spelling]
        require(bool(takes), f"a speaker has no recording of the tokens {spelling}", DataError)
        return takes[int(rng.integers(len(takes)))]


def grammar_utterances(
    split: str, next_digit: NextDigit, *, noise_level: float = NOISE_LEVEL
) -> list[LabelledUtterance]:
    """Strings of a grammar, of the takes of a split of "digits", in pink noise.

    Parameters
    ----------
    split : {"dev", "test"}
    next_digit : NextDigit
        The grammar.
    noise_level : float
        Of the noise, in dB relative to the root mean square of the speech inside the words.

    Returns
    -------
    list of LabelledUtterance
        The same in every call; the speakers take turns.

    Raises
    ------
    CIFError
        If there is no such split.
    DataError
        If the data set is missing or damaged.
    """
    require_choice("split", split, tuple(STRINGS))
    rng = np.random.default_rng(SEEDS[split])
    # Drawn one by one, between what is drawn for the strings.
    lengths = (int(rng.integers(SHORTEST, LONGEST + 1)) for _ in range(STRINGS[split]))
    return grammar_strings(split, next_digit, rng, lengths, noise_level=noise_level)


def grammar_strings(
    split: str,
    next_digit: NextDigit,
    rng: np.random.Generator,
    lengths: Iterable[int],
    *,
    noise_level: float = NOISE_LEVEL,
) -> list[LabelledUtterance]:
    """Like `grammar_utterances`, but of given lengths, drawn from a given generator.

    Parameters
    ----------
    split : {"train", "dev", "test"}
    next_digit, noise_level
        As there.
    rng : numpy Generator
        Draws strings, takes, pauses and noise.
    lengths : iterable of int
        Digits of each string, > 0.
    """
    strings = (_drawn(next_digit, rng, length) for length in lengths)
    return spoken_strings(split, strings, rng, noise_level=noise_level)


def _drawn(next_digit: NextDigit, rng: np.random.Generator, length: int) -> list[int]:
    """So many digits of a grammar."""
    digits: list[int] = []
    for lacking in range(length, 0, -1):
        digits.append(next_digit(rng, digits, lacking))
    return digits


def spoken_strings(
    split: str,
    strings: Iterable[Sequence[int]],
    rng: np.random.Generator,
    *,
    noise_level: float = NOISE_LEVEL,
) -> list[LabelledUtterance]:
    """Like `grammar_strings`, but of digits that are given.

    Parameters
    ----------
    split, noise_level
        As there.
    strings : iterable of sequence of int
        The digits of each utterance.
    rng : numpy Generator
        Draws takes, pauses and noise.
    """
    takes: dict[str, dict[str, list[datasets.Take]]] = {}
    for take in datasets.digit_takes():
        if take.split == split:
            takes.setdefault(take.speaker, {}).setdefault(take.word, []).append(take)
    speakers = sorted(takes)
    made = []
    for index, digits in enumerate(strings):
        speaker = speakers[index % len(speakers)]
        of_digit = [takes[speaker][DIGITS[digit]] for digit in digits]
        chosen = [some[int(rng.integers(len(some)))] for some in of_digit]
        made.append(in_noise(spoken(chosen, rng), noise_level, rng))
    return made


def spoken(takes: Sequence[datasets.Take], rng: np.random.Generator) -> LabelledUtterance:
    """Takes of a speaker one after the other, with pauses of digital silence around each."""
    pauses = [int(rng.integers(END_MS + 1)), *rng.integers(GAP_MS + 1, size=len(takes)).tolist()]
    pauses[-1] = int(rng.integers(END_MS + 1))
    rate = datasets.SAMPLE_RATE
    pieces = [np.zeros(pauses[0] * rate // 1000, np.float32)]
    words = []
    for take, pause in zip(takes, pauses[1:], strict=True):
        sound, reference = datasets.take_waveform(take)
        start = sum(map(len, pieces))
        times = [(start + round(time * rate)) / rate for time in reference.spans[0]]
        words.append(TimedToken(take.word, *times))
        pieces += [sound.samples, np.zeros(pause * rate // 1000, np.float32)]
    waveform = Waveform(np.concatenate(pieces), rate)
    return LabelledUtterance(waveform, Alignment(tuple(words)), takes[0].speaker)


def in_noise(
    utterance: LabelledUtterance, level: float, rng: np.random.Generator
) -> LabelledUtterance:
    """An utterance with pink noise over all of it, its loudest sample kept within ±1."""
    waveform = utterance.waveform
    speech = np.concatenate([waveform.cut(*span).samples for span in utterance.words.spans])
    loudness = float(np.sqrt(np.mean(speech**2))) * 10 ** (level / 20)
    count = len(waveform.samples)
    # A power of two: the transform of a prime number of samples takes a hundred times longer.
    noise = pink_noise(1 << count.bit_length(), waveform.sample_rate, rng)[:count]
    samples = waveform.samples + loudness * noise
    samples = (samples / max(1.0, float(np.abs(samples).max()))).astype(np.float32)
    return LabelledUtterance(
        Waveform(samples, waveform.sample_rate), utterance.words, utterance.speaker
    )
