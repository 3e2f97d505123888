"""Exercises of lesson 05: what happens to the weight left at the end.

Notebook: notebooks/05_tail_handling.ipynb
"""

from __future__ import annotations

from cifviz.course.exercises import Numbers, Program


def lost_and_extra(
    missing: list[int], residuals: list[float], tail_threshold: float
) -> tuple[int, int]:
    """What a right answer to 05.3 gives."""
    short = _short(missing, residuals, tail_threshold)
    return sum(max(0, words) for words in short), sum(max(0, -words) for words in short)


def _short(missing: list[int], residuals: list[float], tail_threshold: float) -> list[int]:
    """Words that are still missing after the tail; below 0 one was too many."""
    return [
        words - (residual > tail_threshold)
        for words, residual in zip(missing, residuals, strict=True)
    ]


def _fires_at_the_threshold(
    missing: list[int], residuals: list[float], tail_threshold: float
) -> tuple[int, int]:
    short = [
        words - (residual >= tail_threshold)
        for words, residual in zip(missing, residuals, strict=True)
    ]
    return sum(max(0, words) for words in short), sum(max(0, -words) for words in short)


def _adds_up_first(
    missing: list[int], residuals: list[float], tail_threshold: float
) -> tuple[int, int]:
    short = sum(_short(missing, residuals, tail_threshold))
    return max(0, short), max(0, -short)


def _counts_utterances(
    missing: list[int], residuals: list[float], tail_threshold: float
) -> tuple[int, int]:
    short = _short(missing, residuals, tail_threshold)
    return sum(words > 0 for words in short), sum(words < 0 for words in short)


def _swaps(missing: list[int], residuals: list[float], tail_threshold: float) -> tuple[int, int]:
    lost, extra = lost_and_extra(missing, residuals, tail_threshold)
    return extra, lost


def _fires_small_rests(
    missing: list[int], residuals: list[float], tail_threshold: float
) -> tuple[int, int]:
    return lost_and_extra(missing, [-residual for residual in residuals], -tail_threshold)


def _looks_at_complete_ones_alone(
    missing: list[int], residuals: list[float], tail_threshold: float
) -> tuple[int, int]:
    fires = [residual > tail_threshold for residual in residuals]
    pairs = list(zip(missing, fires, strict=True))
    lost = sum(words for words, fired in pairs if words > 0 and not fired)
    return lost, sum(fired for words, fired in pairs if words <= 0)


def stream(chunks: list[list[float]], tail_threshold: float) -> list[int]:
    """What a right answer to 05.5 gives."""
    return _stream(chunks, tail_threshold)


def _stream(
    chunks: list[list[float]],
    tail_threshold: float,
    *,
    carry: bool = True,
    flush: str = "end",
    closed: bool = False,
) -> list[int]:
    """Tokens of each chunk and of the flush, with one of the usual mistakes built in."""
    counts, held, total = [], 0.0, 0.0

    def enough(residual: float) -> bool:
        return residual >= tail_threshold if closed else residual > tail_threshold

    for chunk in chunks:
        fired = 0
        held = held if carry else 0.0
        for weight in chunk:
            held, total = held + weight, total + weight
            while held >= 1:
                held, fired = held - 1, fired + 1
        if flush == "chunk":
            fired, held = fired + enough(held), 0.0
        counts.append(fired)
    last = {"end": enough(held), "never": False, "total": enough(total), "chunk": False}
    if flush == "always":
        return [*counts, int(held > 0)]
    return [*counts, int(last[flush])]


def _forgets_between_chunks(chunks: list[list[float]], tail_threshold: float) -> list[int]:
    return _stream(chunks, tail_threshold, carry=False)


def _never_flushes(chunks: list[list[float]], tail_threshold: float) -> list[int]:
    return _stream(chunks, tail_threshold, flush="never")


def _flushes_each_chunk(chunks: list[list[float]], tail_threshold: float) -> list[int]:
    return _stream(chunks, tail_threshold, flush="chunk")


def _flushes_any_rest(chunks: list[list[float]], tail_threshold: float) -> list[int]:
    return _stream(chunks, tail_threshold, flush="always")


def _flushes_at_the_threshold(chunks: list[list[float]], tail_threshold: float) -> list[int]:
    return _stream(chunks, tail_threshold, closed=True)


def _leaves_out_the_flush(chunks: list[list[float]], tail_threshold: float) -> list[int]:
    return _stream(chunks, tail_threshold)[:-1]


Chunks = list[list[float]]


def stream_embeddings(weights: Chunks, frames: Chunks) -> Chunks:
    """What a right answer to 05.6 gives."""
    return _stream_embeddings(weights, frames)


def _stream_embeddings(
    weights: Chunks,
    frames: Chunks,
    *,
    keep: bool = True,
    whole: bool = False,
    begin: bool = True,
    once: bool = False,
) -> Chunks:
    """Embeddings completed in each chunk, with one of the usual mistakes built in."""
    held, begun, found = 0.0, 0.0, []
    for some, of_them in zip(weights, frames, strict=True):
        fired: list[float] = []
        begun = begun if keep else 0.0
        for weight, frame in zip(some, of_them, strict=True):
            left, before = weight, len(fired)
            while held + left >= 1 and not (once and len(fired) > before):
                fired.append(begun + (weight if whole else 1 - held) * frame)
                left, held, begun = held + left - 1, 0.0, 0.0
            held += left
            if begin or len(fired) == before:
                begun += left * frame
        found.append(fired)
    return found


def _forgets_what_had_begun(weights: Chunks, frames: Chunks) -> Chunks:
    return _stream_embeddings(weights, frames, keep=False)


def _gives_the_whole_frame(weights: Chunks, frames: Chunks) -> Chunks:
    return _stream_embeddings(weights, frames, whole=True)


def _begins_with_nothing(weights: Chunks, frames: Chunks) -> Chunks:
    return _stream_embeddings(weights, frames, begin=False)


def _fires_once_in_a_frame(weights: Chunks, frames: Chunks) -> Chunks:
    return _stream_embeddings(weights, frames, once=True)


EXERCISES = (
    Numbers(
        "05.1",
        praise="One sum, two answers. A residual of 0.52 is above 0.5, but 0.52 + 0.45 is not yet "
        "1.",
        answer=(3, 4, 3, 4, 4),
        mistakes=(
            (
                (3, 4, 4, 4, 4),
                "The third: 0.45 is not a threshold, it is added. Does the sum then reach the next "
                "whole number?",
            ),
            (
                (3, 4, 3, 3, 4),
                "The fourth: the sum is rounded to the nearest whole number, not down.",
            ),
            (
                (3, 4, 3, 4, 3),
                "The last: a dynamic threshold rounds up, however small the residual is.",
            ),
            (
                (3, 3, 3, 4, 4),
                "The second: 3.52 leaves a residual of 0.52. Is that above 0.5?",
            ),
            (
                (4, 4, 3, 4, 4),
                "The first: without a tail rule a residual is dropped, however large it is.",
            ),
        ),
        otherwise="Five whole numbers, in the order of the rules. The residual is 3.52 − 3.",
    ),
    Numbers(
        "05.2",
        praise="The residual of 0.6 is made one: each part is divided by 0.6, and the row sums to "
        "1.",
        answer=(0.0, 0.2 / 0.6, 0.4 / 0.6),
        mistakes=(
            (
                (0.0, 0.2, 0.4),
                "That is the residual as it is; it sums to 0.6. A tail that fires is rescaled to a "
                "full token.",
            ),
            (
                (0.0, 0.2, 0.8),
                "Here the last frame fills the token up. Rescaling keeps the shares of the frames: "
                "both parts grow by the same factor.",
            ),
            (
                (0.0, 0.5, 0.5),
                "Frame 2 gives twice as much as frame 1, and that stays so: divide both by the "
                "residual.",
            ),
            (
                (0.0, 0.0, 1.0),
                "Frame 1 has something left as well: token 0 needed only 0.5 of its 0.7.",
            ),
            (
                (0.5, 0.5, 0.0),
                "That is token 0, the full one. The tail is what is left of frame 1, and frame 2.",
            ),
        ),
        otherwise="What each frame has left after token 0, divided by the sum of what is left.",
    ),
    Program(
        "05.3",
        praise="From the residuals alone you know what each τ would cost; nothing is decoded "
        "again.",
        solution=lost_and_extra,
        cases=(
            ([1, 0], [0.9, 0.1], 0.5),
            ([1, 0], [0.3, 0.7], 0.5),
            ([1, 0, 1, 0], [0.5, 0.5, 0.25, 0.125], 0.5),
            ([2, 3], [0.75, 0.25], 0.5),
            ([-1, -2, 0], [0.75, 0.25, 0.875], 0.5),
            ([], [], 0.5),
        ),
        mistakes=(
            (
                _fires_at_the_threshold,
                "A residual of exactly τ is dropped by this rule: it fires above τ, not from τ on.",
            ),
            (
                _adds_up_first,
                "A word lost in one utterance and one too many in another do not make up for each "
                "other. Count each utterance by itself, then add up.",
            ),
            (
                _counts_utterances,
                "These are utterances. One of them may lack two words: count words.",
            ),
            (_swaps, "Lost and extra are swapped: words that are lost come first."),
            (
                _fires_small_rests,
                "Here small residuals fire and large ones are dropped. Which way round is the "
                "rule?",
            ),
            (
                _looks_at_complete_ones_alone,
                "A tail adds at most one word. Where two are missing it saves one and the other is "
                "lost; where there was one too many already, there still is.",
            ),
        ),
    ),
    Numbers(
        "05.4",
        praise="The short one gets its 0.8 fired; the two long ones fill the batch and lose 0.6.",
        answer=(3, 3, 3),
        mistakes=(
            (
                (3, 4, 4),
                "So it should be, and the library says so. But CIF-PyTorch fires a tail only where "
                "a padded frame follows: which of the three has one?",
            ),
            (
                (2, 3, 3),
                "That is without any tail. One of the three has padded frames after it.",
            ),
            (
                (2, 4, 4),
                "The other way round: the longest have no padding, and the tail waits for padding.",
            ),
            (
                (3, 3, 4),
                "The last two are equally long, so they must come to the same.",
            ),
        ),
        otherwise="7 · 0.4 and 9 · 0.4: full tokens first, then who has a padded frame after it?",
    ),
    Program(
        "05.5",
        praise="However it is cut, the stream says what the whole says, and the last word comes "
        "with the flush.",
        solution=stream,
        cases=(
            ([[0.5, 0.75], [0.5, 0.125]], 0.5),
            ([[0.5], [0.25], [0.5, 0.75]], 0.5),
            ([[0.75], [0.75], [0.75]], 0.5),
            ([[1.0, 0.5]], 0.5),
            ([[2.5, 0.25], [0.0]], 0.5),
            ([[0.25]], 0.5),
            ([], 0.5),
        ),
        mistakes=(
            (
                _forgets_between_chunks,
                "The weight held at the end of a chunk is gone in the next one. Set it to 0 once, "
                "before the first chunk.",
            ),
            (
                _never_flushes,
                "The flush never fires anything: what is held after the last chunk is dropped.",
            ),
            (
                _flushes_each_chunk,
                "The tail rule is applied after every chunk. A chunk may end in the middle of a "
                "word: only the end of the stream is an end.",
            ),
            (
                _flushes_any_rest,
                "The flush fires any residual at all. It should fire only what is above τ.",
            ),
            (
                _flushes_at_the_threshold,
                "A residual of exactly τ should be dropped: above τ, not from τ on.",
            ),
            (
                _leaves_out_the_flush,
                "One number for each chunk is right, and one more is wanted: what the flush fires, "
                "0 or 1.",
            ),
        ),
    ),
    Program(
        "05.6",
        praise="What has begun is kept as a vector, beside its weight: that is all the state of a "
        "streaming CIF.",
        solution=stream_embeddings,
        cases=(
            ([[0.5, 0.75]], [[2.0, 4.0]]),
            ([[0.5], [0.75], [0.75]], [[2.0], [4.0], [8.0]]),
            ([[2.5], [0.5]], [[1.0], [3.0]]),
            ([[0.25], []], [[5.0], []]),
            ([], []),
        ),
        mistakes=(
            (
                _forgets_what_had_begun,
                "The weight is held from chunk to chunk, but what the token had collected by then "
                "is gone.",
            ),
            (
                _gives_the_whole_frame,
                "A frame that completes a token gives it only what is missing to 1; you give it "
                "all of its weight.",
            ),
            (
                _begins_with_nothing,
                "The weight that is left of a frame begins the next token, and so does its part of "
                "the frame.",
            ),
            (
                _fires_once_in_a_frame,
                "A weight of 2.5 completes two tokens. Ask again after each of them.",
            ),
        ),
    ),
)
