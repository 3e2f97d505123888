"""Where the words of a transcript lie in a long sound, by the phones that were recognised in it.

The phones of the transcript and the recognised ones are matched by their edit distance, all at
once. The cheapest path also pairs phones by chance, where the sound holds something else than the
transcript. So a pair counts only among others: in half of the steps around it the same phone must
stand on both sides. Words without such pairs are put between their neighbours.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from cifviz.alignment.timed_tokens import Alignment
from cifviz.errors import require, require_number, require_type

AROUND, AGREEING = 10, 0.5
"""Steps of the path to each side of a pair, and the share of them that must be pairs."""
FARTHEST = 1.0
"""Seconds between two recognised phones of one word, at most."""
SECONDS_PER_PHONE = 0.09
"""How long a phone usually lasts, where nothing else says how much sound words need."""
PAD, WIDE_PAD = 0.5, 3.0
"""Seconds of sound to each side of words that sound without words surrounds, at most: beside a word
that was recognised, and beside one that was not and may lie beyond a pause."""
LEAST_PROBE, PROBE, MOST_PROBES = 20, 100, 16
"""Phones that are looked for at once in much more sound, at least and at most, and how many such
pieces of a gap: fewer phones are found anywhere by chance."""
MOST_SPLITS = 32
"""Ways that are tried to divide words that were not recognised between two neighbours."""


@dataclass(frozen=True)
class Place:
    """About where a word lies."""

    start: float
    """Seconds."""
    end: float
    recognised: float
    """Share of its phones recognised here, in [0, 1]; 0 where it is put between others."""


@dataclass(frozen=True)
class Stretch:
    """Words in a row, and the sound in which they lie."""

    first: int
    """The first word."""
    end: int
    """The word behind the last."""
    start_time: float
    """Seconds."""
    end_time: float


def places(
    recognised: Alignment, words: Sequence[Sequence[str]], *, duration: float
) -> list[Place]:
    """About where each word of a transcript lies.

    Parameters
    ----------
    recognised : Alignment
        The phones of the whole sound as they were recognised, all timed.
    words : sequence of sequence of str
        The phones of each word, at least one.
    duration : float >= 0
        Length of the sound, seconds.

    Returns
    -------
    list of Place
        One for each word, in order, within the sound. Words that were not recognised share the time
        between their neighbours in proportion to their phones. If that is more than twice what
        they need, they are put beside their neighbours, each where it fits better.

    Raises
    ------
    CIFError
        If a phone is untimed or a word has none.

    Examples
    --------
    Each phone lasts a second; nothing was recognised of the third word:

    >>> import torch
    >>> times = torch.arange(9.0)
    >>> recognised = Alignment.from_edges("hitheend", times[:-1], times[1:])
    >>> found = places(recognised, ["hi", "the", "xy", "end"], duration=9)
    >>> [(one.start, one.end, one.recognised) for one in found]
    [(0.0, 2.0, 1.0), (2.0, 5.0, 1.0), (5.0, 5.0, 0.0), (5.0, 8.0, 1.0)]
    """
    require_type("recognised", recognised, Alignment)
    duration = require_number("duration", duration, at_least=0)
    require(all(len(word) for word in words), "every word needs at least one phone")
    phones = [one.token for one in recognised]
    spans = np.array(recognised.spans, dtype=np.float64).reshape(-1, 2).clip(0, duration)
    found = _matched(phones, spans, words)
    _match_again(found, phones, spans, words, duration)
    filled: list[Place] = []
    for first, end, low, high in _gaps(found, 0, len(found), 0.0, duration):
        filled += [one for one in found[len(filled) : first] if one is not None]
        between = first > 0 and end < len(found)
        filled += _shared(words[first:end], low, high, phones, spans, between=between)
    return filled + [one for one in found[len(filled) :] if one is not None]


def stretches(found: Sequence[Place], *, duration: float, longest: float) -> list[Stretch]:
    """Cut a sound and its transcript between the same words.

    Parameters
    ----------
    found : sequence of Place
        See `places`.
    duration : float >= 0
        Length of the sound, seconds.
    longest : float > 1
        Seconds of a stretch, at most.

    Returns
    -------
    list of Stretch
        In order, without overlap; every word is in one. A stretch but the last is at least half as
        long as the longest, if recognised words allow it, and ends in the largest gap between two
        of them. Sound further than `PAD` from any word is in none, or beside a word that was not
        recognised `WIDE_PAD`, but no more than a quarter of the longest.

    Raises
    ------
    CIFError
        If `longest` is too small.

    Examples
    --------
    >>> found = [Place(0.5, 1, 1.0), Place(1.25, 2, 1.0), Place(9, 9.5, 1.0)]
    >>> for one in stretches(found, duration=20, longest=4):
    ...     print(one)
    Stretch(first=0, end=2, start_time=0.0, end_time=2.5)
    Stretch(first=2, end=3, start_time=8.5, end_time=10.0)
    """
    longest = require_number("longest", longest, above=2 * PAD)
    made: list[Stretch] = []
    wide = max(PAD, min(WIDE_PAD, longest / 4))
    pads = [PAD if one.recognised else wide for one in found]
    first, start = 0, max(0.0, found[0].start - pads[0]) if found else 0.0
    while first < len(found):
        end = _next_cut(found, first, start + longest)
        middle = duration
        if end < len(found):
            middle = max(start, (found[end - 1].end + found[end].start) / 2)
        stop = min(middle, max(start, found[end - 1].end + pads[end - 1]), start + longest)
        made.append(Stretch(first, end, start, stop))
        if end < len(found):
            first, start = end, max(middle, found[end].start - pads[end])
        else:
            break
    return made


def _matched(
    recognised: Sequence[str], spans: np.ndarray, words: Sequence[Sequence[str]]
) -> list[Place | None]:
    """Where words were recognised, of phones with times (phones, 2); None where they were not."""
    # 1. The cheapest path of edits, step by step: which phones it pairs, and which are equal.
    wanted = [phone for word in words for phone in word]
    if not len(recognised) or not wanted:
        return [None] * len(words)
    columns = [np.zeros((3, 0), np.int64)]
    for code in Levenshtein.opcodes(*_as_texts(recognised, wanted)):
        many = max(code.src_end - code.src_start, code.dest_end - code.dest_start)
        steps = np.arange(many)
        equal = np.full(many, code.tag == "equal", np.int64)
        columns.append(np.stack([code.src_start + steps, code.dest_start + steps, equal]))
    i, j, equal = np.concatenate(columns, axis=1)

    # 2. The equal ones that are among others.
    kernel = np.ones(2 * AROUND + 1)
    agreeing, around = (
        np.convolve(values, kernel)[AROUND : AROUND + len(equal)]
        for values in (equal, np.ones(len(equal)))
    )
    counts = (equal == 1) & (agreeing >= AGREEING * around)
    i, j = i[counts], j[counts]

    # 3. Those of each word.
    bounds = np.searchsorted(j, np.cumsum([0, *map(len, words)]))
    return [
        _place(spans[i[first:end]], len(word))
        for word, (first, end) in zip(words, itertools.pairwise(bounds), strict=True)
    ]


def _as_texts(*several: Sequence[str]) -> list[str]:
    """Sequences of phones as strings of one character a phone, for which the library is made."""
    kinds = dict.fromkeys(itertools.chain(*several))
    letters = {phone: chr(0xE000 + number) for number, phone in enumerate(kinds)}
    return ["".join(letters[phone] for phone in phones) for phones in several]


def _place(own: np.ndarray, phones: int) -> Place | None:
    """Where a word of so many phones was recognised, by the times of its pairs (pairs, 2)."""
    if not len(own):
        return None
    groups = np.split(own, np.flatnonzero(own[1:, 0] - own[:-1, 1] > FARTHEST) + 1)
    best = max(groups, key=len)
    if 2 * len(best) < phones:
        return None
    return Place(float(best[0, 0]), float(best[-1, 1]), len(best) / phones)


def _match_again(
    found: list[Place | None],
    recognised: Sequence[str],
    spans: np.ndarray,
    words: Sequence[Sequence[str]],
    duration: float,
) -> None:
    """Look again for words that were not recognised, in the gaps between those that were.

    Where there is much more sound than words, or the reverse, the cheapest path scatters the
    smaller side over the larger one. So both are matched near the ends of the gap, and pieces of
    the words anywhere in it.
    """
    open_gaps = _gaps(found, 0, len(found), 0.0, duration)
    while open_gaps:
        first, end, low, high = open_gaps.pop()
        inside = np.flatnonzero((spans[:, 0] >= low) & (spans[:, 1] <= high))
        there = [recognised[phone] for phone in inside.tolist()]
        for some, own in _parts(words[first:end], there):
            new = _matched(
                there[own],
                spans[inside[own]],
                words[first + some.start : first + some.stop],
            )
            if any(new):
                found[first + some.start : first + some.stop] = new
                open_gaps += _gaps(found, first, end, low, high)
                break


def _parts(
    words: Sequence[Sequence[str]], recognised: Sequence[str]
) -> Iterator[tuple[slice, slice]]:
    """Which words of a gap may lie in which of its phones: at the end, the beginning, anywhere."""
    # 1. At both ends as many phones as the smaller side has, and some more.
    bounds = np.cumsum([0, *map(len, words)])
    total = int(bounds[-1])
    if not len(recognised):
        return
    most = min(len(recognised), total) * 5 // 4 + 5
    last = int(np.searchsorted(bounds, total - most))
    yield (
        slice(min(last, len(words) - 1), len(words)),
        slice(max(0, len(recognised) - most), len(recognised)),
    )
    first = int(np.searchsorted(bounds, most, side="right")) - 1
    yield slice(0, max(1, first)), slice(0, most)
    # 2. Some pieces of the words, where in the phones they fit best.
    if len(recognised) < 2 * total or total < LEAST_PROBE:
        return
    wanted, text = _as_texts([phone for word in words for phone in word], recognised)
    for start in np.unique(np.linspace(0, max(0, total - PROBE), MOST_PROBES).astype(int)):
        begin = int(np.searchsorted(bounds, start))
        stop = max(begin + 1, int(np.searchsorted(bounds, start + PROBE, side="right")) - 1)
        if begin == len(words):
            continue
        piece = wanted[int(bounds[begin]) : int(bounds[stop])]
        best = fuzz.partial_ratio_alignment(piece, text, score_cutoff=100 * AGREEING)
        if best is not None:
            yield slice(begin, stop), slice(best.dest_start, best.dest_end)


def _gaps(
    found: Sequence[Place | None], first: int, end: int, low: float, high: float
) -> list[tuple[int, int, float, float]]:
    """Runs of words [first, end) that were not recognised, and the time that is left for each."""
    runs, start = [], first
    for word in range(first, end + 1):
        place = found[word] if word < end else Place(high, high, 1.0)
        if place is None:
            continue
        if word > start:
            runs.append((start, word, low, max(low, place.start)))
        start, low = word + 1, place.end
    return runs


def _shared(
    words: Sequence[Sequence[str]],
    low: float,
    high: float,
    recognised: Sequence[str],
    spans: np.ndarray,
    *,
    between: bool,
) -> list[Place]:
    """Words between two times; beside their neighbours if that is too long.

    `between` says whether there are neighbours on both sides: then each word is where it fits.
    """
    sizes = np.cumsum([0, *map(len, words)])
    needed = SECONDS_PER_PHONE * sizes
    if high - low <= 2 * (needed[-1] + PAD):
        edges = low + (high - low) * sizes / sizes[-1]
        return [Place(start, end, 0.0) for start, end in itertools.pairwise(edges.tolist())]
    inside = np.flatnonzero((spans[:, 0] >= low) & (spans[:, 1] <= high))
    wanted = [phone for word in words for phone in word]

    def misfit(size: int) -> float:
        """Edits, if so many phones lie at the beginning and the others at the end."""
        early = [recognised[phone] for phone in inside[:size]]
        late = [recognised[phone] for phone in inside[len(inside) - len(wanted) + size :]]
        pairs = ((early, wanted[:size]), (late, wanted[size:]))
        return float(sum(Levenshtein.distance(*_as_texts(*pair)) for pair in pairs))

    some = np.linspace(0, len(words), min(len(words), MOST_SPLITS) + 1).astype(int).tolist()
    split = min(
        some if between else [len(words)] if low > 0 else [0],
        key=lambda word: misfit(int(sizes[word])),
    )
    starts = np.where(np.arange(len(words)) < split, low, high - needed[-1]) + needed[:-1]
    ends = starts + np.diff(needed)
    times = zip(starts.tolist(), ends.clip(low, high).tolist(), strict=True)
    return [Place(start, end, 0.0) for start, end in times]


def _next_cut(found: Sequence[Place], first: int, latest: float) -> int:
    """The word before which a stretch ends that begins with word `first`."""
    if found[-1].end <= latest:
        return len(found)
    begin = found[first].start
    inside = []
    for word in range(first + 1, len(found)):
        before, after = found[word - 1], found[word]
        if before.end > latest:
            break
        is_long = min(after.start, latest) - begin >= (latest - begin) / 2
        inside.append(
            (is_long, min(before.recognised, after.recognised) > 0, after.start - before.end, word)
        )
    return max(inside)[-1] if inside else first + 1
