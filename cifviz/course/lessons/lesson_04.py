"""Exercises of lesson 04: from a frame to its weight, by hand and by program.

Notebook: notebooks/04_weights.ipynb
"""

from __future__ import annotations

import math

from cifviz.course.exercises import Numbers, Program


def weights(frames: list[float], length: int, kernel: list[float], bias: float) -> list[float]:
    """What a right answer to 04.4 gives: as if nothing came after the first `length` frames."""
    return _weigh(frames[:length] + [0.0] * (len(frames) - length), kernel, bias, length)


def _weigh(
    frames: list[float], kernel: list[float], bias: float, real: int, *, right: int = 1
) -> list[float]:
    """The filter and the sigmoid over all frames, weights from `real` on set to 0."""
    padded = [0.0] * (2 - right) + frames + [0.0] * right
    logits = [
        sum(tap * frame for tap, frame in zip(kernel, padded[t:], strict=False)) + bias
        for t in range(len(frames))
    ]
    return [_sigmoid(logit) if t < real else 0.0 for t, logit in enumerate(logits)]


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def _sets_weights_to_zero_only(
    frames: list[float], length: int, kernel: list[float], bias: float
) -> list[float]:
    return _weigh(frames, kernel, bias, length)


def _sets_frames_to_zero_only(
    frames: list[float], length: int, kernel: list[float], bias: float
) -> list[float]:
    return _weigh(frames[:length] + [0.0] * (len(frames) - length), kernel, bias, len(frames))


def _cuts_the_padding_off(
    frames: list[float], length: int, kernel: list[float], bias: float
) -> list[float]:
    return weights(frames, length, kernel, bias)[:length]


def _loses_the_last_frame(
    frames: list[float], length: int, kernel: list[float], bias: float
) -> list[float]:
    return weights(frames, length - 1, kernel, bias)


def _looks_back_only(
    frames: list[float], length: int, kernel: list[float], bias: float
) -> list[float]:
    return _weigh(frames, kernel, bias, length, right=0)


EXERCISES = (
    Numbers(
        "04.1",
        praise="The logit is 3 − 1 − 1 = 1, and the sigmoid makes 0.73 of it.",
        answer=_sigmoid(1.0),
        mistakes=(
            (1.0, "That is the logit. The sigmoid squeezes it into a weight between 0 and 1."),
            (_sigmoid(2.0), "The bias is missing: 1 is taken off whatever the frame says."),
            (
                _sigmoid(3.0),
                "The second channel is −2, so its part of the logit is negative: 0.5 · (−2).",
            ),
            (
                _sigmoid(-1.0),
                "That is what is missing to 1. The exponent of the sigmoid is minus the logit: "
                "1 / (1 + exp(−logit)).",
            ),
            (_sigmoid(0.0), "The logit is not 0 here: 1 · 3 + 0.5 · (−2) − 1."),
        ),
        otherwise="First the logit, 1 · 3 + 0.5 · (−2) − 1; then 1 / (1 + exp(−logit)).",
    ),
    Numbers(
        "04.2",
        praise="Two kernels, a bias each and a projection: all of it is four numbers.",
        answer=(2.0, 3.0, 4.0, 1.5),
        mistakes=(
            (
                (2.0, 3.0, 4.0, 0.5),
                "The filter is right. But the biases of the two channels are mixed as well: "
                "2 · 1 + 1 · (−1) comes on top of 0.5.",
            ),
            (
                (2.0, 3.0, 4.0, 1.0),
                "The filter is right. The bias of the projection itself is missing: 0.5.",
            ),
            (
                (1.0, 1.0, 4.0, 0.5),
                "Here the two channels are added as they are. The projection takes the first of "
                "them twice.",
            ),
            (
                (4.0, 3.0, 2.0, 1.5),
                "Right numbers, wrong order: the first weighs the frame before, the last the "
                "frame after.",
            ),
            (
                (2.0, 4.0, 0.0, 2.5),
                "That is the first channel alone. The projection adds the second one.",
            ),
        ),
        otherwise="2 · (first kernel) + 1 · (second kernel), place by place; the biases likewise, "
        "and 0.5.",
    ),
    Numbers(
        "04.3",
        praise="Half as many frames share the same number of tokens.",
        answer=0.24,
        mistakes=(
            (
                0.12,
                "With the same weights and half as many frames, half as many tokens would fire.",
            ),
            (0.06, "The other way round: there are fewer frames now, so each must weigh more."),
            (0.5, "That is where a sigmoid starts, not where training has to take it."),
            (0.48, "80 ms are twice 40 ms, not four times."),
        ),
        otherwise="The sum over a word must stay the same, and there are half as many frames.",
    ),
    Program(
        "04.4",
        praise="Zero before the filter looks, and zero again after the sigmoid: now nothing that "
        "comes after an utterance can change it.",
        solution=weights,
        cases=(
            ([1.0, 2.0, 5.0], 2, [0.0, 1.0, 1.0], -3.0),
            ([1.0, 2.0, 5.0], 3, [0.0, 1.0, 1.0], -3.0),
            ([0.5, -1.0, 2.0, 4.0, -3.0], 3, [0.5, 1.0, -0.5], -1.0),
            ([2.0, 1.0, 1.0], 1, [1.0, 0.0, 1.0], 0.0),
            ([3.0, 3.0], 0, [1.0, 1.0, 1.0], 0.0),
        ),
        mistakes=(
            (
                _sets_weights_to_zero_only,
                "Nothing has changed yet: padded frames weigh 0, but the last real frame still "
                "looks at the one after it.",
            ),
            (
                _sets_frames_to_zero_only,
                "The frames are clean now, but a frame of zeros has a weight too, sigmoid(bias). "
                "Padded frames must weigh 0.",
            ),
            (
                _cuts_the_padding_off,
                "Right weights, too few of them: in a batch all rows are equally long, so a padded "
                "frame needs its 0.",
            ),
            (
                _loses_the_last_frame,
                "The last real frame is gone: frames count from 0, so the last one is length − 1.",
            ),
            (
                _looks_back_only,
                "This filter looks only backwards. That keeps padding out, but it is another "
                "filter: kernel[2] belongs to the frame after.",
            ),
        ),
    ),
)
