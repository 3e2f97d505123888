"""Exercises of lesson 16: tails, three arrays, planted faults, the identity, formats, a bootstrap.

Notebook: notebooks/16_your_own_model.ipynb
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from cifviz.core.dialects import DIALECTS
from cifviz.course.exercises import Numbers, Program

Rows = list[list[float]]


class ToyCIF:
    """A CIF without a predictor: frames and weights in, embeddings out, by a dialect."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect

    def __call__(self, h: Any, alpha: Any) -> Tensor:
        """Embeddings (tokens, dim) of frames (frames, dim)."""
        h, alpha = torch.as_tensor(h).float(), torch.as_tensor(alpha).float()
        given = DIALECTS[self.dialect].contributions(alpha[None])
        rows = given.weights[0, : int(given.num_fires[0]), : len(alpha)]
        return rows @ h

    def __repr__(self) -> str:
        return "cif"


def contributions(cif: Callable[[Tensor, Tensor], Tensor], alpha: Sequence[float]) -> Rows:
    """The right answer to 16.6: W, which comes out of a CIF for the identity."""
    return _rows(cif(torch.eye(len(alpha)), torch.tensor(alpha)))


def _rows(embeddings: Tensor) -> Rows:
    return [[float(one) for one in row] for row in embeddings]


def _feeds_ones(cif: Callable[[Tensor, Tensor], Tensor], alpha: Sequence[float]) -> Rows:
    return _rows(cif(torch.ones(len(alpha), len(alpha)), torch.tensor(alpha)))


def _feeds_weights(cif: Callable[[Tensor, Tensor], Tensor], alpha: Sequence[float]) -> Rows:
    return _rows(cif(torch.diag(torch.tensor(alpha)), torch.tensor(alpha)))


def _turns_it(cif: Callable[[Tensor, Tensor], Tensor], alpha: Sequence[float]) -> Rows:
    return _rows(cif(torch.eye(len(alpha)), torch.tensor(alpha)).T)


def _weighs_ones(cif: Callable[[Tensor, Tensor], Tensor], alpha: Sequence[float]) -> Rows:
    return _rows(cif(torch.eye(len(alpha)), torch.ones(len(alpha))))


def unaccounted(w: Rows, alpha: list[float]) -> list[float]:
    """The right answer to 16.7: the weight of each frame that no token gets."""
    return [one - sum(row[frame] for row in w) for frame, one in enumerate(alpha)]


def _other_sign(w: Rows, alpha: list[float]) -> list[float]:
    return [-one for one in unaccounted(w, alpha)]


def _what_arrives(w: Rows, alpha: list[float]) -> list[float]:
    return [sum(row[frame] for row in w) for frame in range(len(alpha))]


def _by_token(w: Rows, alpha: list[float]) -> list[float]:
    return [1 - sum(row) for row in w]


def _in_sum(w: Rows, alpha: list[float]) -> float:
    return sum(unaccounted(w, alpha))


def _without_sign(w: Rows, alpha: list[float]) -> list[float]:
    return [abs(one) for one in unaccounted(w, alpha)]


EXERCISES = (
    Numbers(
        "16.1",
        praise="An appended frame completes a residual, whatever was said in it. From 0.55 on it "
        "is a token, and below it is gone.",
        answer=(4, 3, 0.55),
        mistakes=(
            (
                (3, 3, 0.55),
                "The last one is right. 3.7 + 0.45 is more than 4: the tail counts in the sum.",
            ),
            (
                (4, 4, 0.55),
                "3.4 + 0.45 is 3.85: three full tokens and a residual.",
            ),
            (
                (4, 3, 0.45),
                "The counts are right. 0.45 is what is appended; what is missing to 1 must be "
                "there before.",
            ),
            (
                (4, 3, 0.5),
                "The counts are right. A half is the rule of CIF-PyTorch. Here 0.45 is added, and "
                "the sum must come to 1.",
            ),
            (
                (4.15, 3.85, 0.55),
                "Those are the sums. A token fires at each full 1.",
            ),
        ),
        otherwise="Add 0.45 to each sum and count the full tokens. The residual and 0.45 must "
        "come to 1.",
    ),
    Numbers(
        "16.2",
        praise="The accumulated weight is a sawtooth: it climbs to 1 and falls by 1 at a fire. "
        "Taken for α it doubles the count here, and moves every fire.",
        answer=(2, 1, 4),
        mistakes=(
            (
                (2, 3, 4),
                "α is right. Array 3 never falls: it is the running sum. What each token holds "
                "begins again behind a fire.",
            ),
            (
                (1, 2, 4),
                "The other way round: array 1 grows by what array 2 says.",
            ),
            (
                (2, 1, 2),
                "Both arrays are right. Now sum array 1, as if it were weights.",
            ),
            (
                (2, 1, 4.1),
                "That is the sum. Count the full tokens in it.",
            ),
            (
                (3, 1, 4),
                "Array 3 only grows: it is the running sum. Weights rise and fall.",
            ),
        ),
        otherwise="Which array has the differences of array 3? That is α. Then follow it with "
        "β = 1 and take 1 off at each fire.",
    ),
    Numbers(
        "16.3",
        praise="Two are faults of the weights, one of the clock, one of the tail rule.",
        answer=(7, 11, 2, 5),
        mistakes=(
            (
                (12, 11, 2, 5),
                "A: the counts do disagree. Why? Look at how large each weight is.",
            ),
            (
                (6, 11, 2, 5),
                "A: no frame holds two tokens there; nearly each frame is one, since its weight "
                "is 1.",
            ),
            (
                (7, 10, 2, 5),
                "B: compare how late the first fire is with how late the last one is.",
            ),
            (
                (7, 9, 2, 5),
                "B: the weights have the shape of the four words. Only they come too late.",
            ),
            (
                (7, 11, 7, 5),
                "C: weights near 1, but look at their shape: they climb and fall, five times.",
            ),
            (
                (7, 11, 2, 12),
                "D: the count is short by one. Which word has no fire behind it, and how much "
                "weight has it?",
            ),
            (
                (7, 11, 2, 4),
                "D: rounding loses a token that lacks a hair. Here Σα lacks 0.3.",
            ),
        ),
        otherwise="A: how large are the weights, against those of the other cases? B: how late is "
        "each fire? C: which array looks like teeth of a saw? D: what stands behind the last fire?",
        tolerance=0.1,
    ),
    Numbers(
        "16.4",
        praise="E needs the same utterance twice, G needs true times: some faults cannot be seen "
        "in weights alone.",
        answer=(8, 6, 10, 9),
        mistakes=(
            (
                (9, 6, 10, 9),
                "E: there is weight in silence, but only at the very end, and the dashed line has "
                "none.",
            ),
            (
                (5, 6, 10, 9),
                "E: the residual is small. What differs between the steps and the dashed line?",
            ),
            (
                (8, 7, 10, 9),
                "F: the weights go beyond 2. How many words lie in one frame?",
            ),
            (
                (8, 5, 10, 9),
                "F: much is left over at the end, but why? Look at how long a frame is.",
            ),
            (
                (8, 12, 10, 9),
                "F: four fires for eight words, and Σα is right. Where did four of them have no "
                "frame of their own?",
            ),
            (
                (8, 6, 11, 9),
                "G: the first fire is late by less than the last one.",
            ),
            (
                (8, 6, 10, 12),
                "H: the counts disagree because of something: is there a word after 1.4 s?",
            ),
        ),
        otherwise="E: compare the steps with the dashed line. F: how long is a frame? G: how late "
        "are the first and the last fire? H: is anything said where it fires?",
        tolerance=0.1,
    ),
    Numbers(
        "16.5",
        praise="The same weights, two or three words: the rule for the tail decides.",
        answer=(2, 3, 2),
        mistakes=(
            (
                (2, 3, 3),
                "2.52 + 0.45 is 2.97: the appended frame does not complete it.",
            ),
            (
                (2, 2, 2),
                "0.52 is more than a half: in torch_cif it fires.",
            ),
            (
                (3, 3, 2),
                "`funasr_cif` drops the residual.",
            ),
            (
                (3, 3, 3),
                "Not all round up: one drops the residual, one adds 0.45 to it.",
            ),
        ),
        otherwise="Two tokens are full, and 0.52 is left. What does each do with it?",
        tolerance=0.1,
    ),
    Program(
        "16.6",
        praise="One line shows what any CIF does, in whatever language it is written: "
        "integration is linear in h.",
        solution=contributions,
        cases=(
            (ToyCIF("torch_cif"), [0.4, 0.8, 0.5, 0.6, 0.3]),
            (ToyCIF("funasr_cif"), [0.5, 1.75, 0.5, 0.25]),
            (ToyCIF("paraformer_v2"), [0.5, 1.75, 0.5, 0.25]),
        ),
        mistakes=(
            (
                _feeds_ones,
                "If all frames are the same, only their sum comes out. Give each a channel of its "
                "own.",
            ),
            (
                _feeds_weights,
                "The weights go in as `alpha`; for h take the identity, without them.",
            ),
            (_turns_it, "W has a row for each token and a column for each frame."),
            (_weighs_ones, "h is right. The weights are those that you were given, not ones."),
        ),
        tolerance=1e-5,
    ),
    Program(
        "16.7",
        praise="Zero everywhere: what is weighed arrives. Above zero at the end: a dropped tail. "
        "Below zero: weight out of nothing, as when a tail is blown up to a token.",
        solution=unaccounted,
        cases=(
            ([[0.4, 0.6, 0.0], [0.0, 0.2, 0.5]], [0.4, 0.8, 0.6]),
            ([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]], [0.5, 0.75, 0.25, 0.25]),
            ([], [0.2, 0.3]),
        ),
        mistakes=(
            (_other_sign, "The sign: the weight of the frame, less what the tokens get."),
            (_what_arrives, "That is what arrives. Subtract it from the weight of each frame."),
            (_by_token, "A number for each frame: sum the columns, not the rows."),
            (_in_sum, "Do not sum over the frames: it matters where weight is lost."),
            (_without_sign, "Keep the sign: lost and invented weight are two faults."),
        ),
    ),
    Numbers(
        "16.8",
        praise="X makes a residual a whole token, so its last row sums to 1 without any frame "
        "behind. Y fires once in a frame of 1.75, and lets the token have all of it.",
        answer=(2, 4),
        mistakes=(
            (
                (2, 3),
                "X is right. Y and the second utterance: is there any weight below 0?",
            ),
            (
                (5, 4),
                "Y is right. In X the first rows still hold the weights as they are: nothing was "
                "scaled, but for the tail.",
            ),
            (
                (1, 4),
                "Y is right. In X the residual of the first utterance became a token.",
            ),
            (
                (4, 2),
                "The other way round: which of them takes 1.5 from a single frame?",
            ),
        ),
        otherwise="First utterance: is there a third row, and does it sum to 1 or to less? Second "
        "one: what became of the frame of 1.75?",
        tolerance=0.1,
    ),
    Numbers(
        "16.9",
        praise="A millisecond is far below what any aligner knows; ten are not always.",
        answer=(0.123, 0.128, 0.01),
        mistakes=(
            (
                (0.1234, 0.1278, 0.01),
                "SRT has no more than three digits behind the comma.",
            ),
            (
                (0.123, 0.127, 0.01),
                "The end is 0.1278: nearer to 0.128.",
            ),
            (
                (0.123, 0.128, 0.005),
                "In SRT it lasts so long. In ASS it cannot.",
            ),
            (
                (0.123, 0.128, 0),
                "Not 0: nobody could see it.",
            ),
        ),
        otherwise="Round to three digits. ASS counts in hundredths of a second, one at least.",
        tolerance=0.0003,
    ),
    Numbers(
        "16.10",
        praise="b is never worse in any utterance, so in no draw: no number of the interval is "
        "above 0. Still, five utterances are very few.",
        answer=(-1, 0, 0),
        mistakes=(
            (
                (1, 0, 0),
                "b has fewer errors, and what is asked for is b − a.",
            ),
            (
                (-5, 0, 0),
                "That is the sum of the differences. Divide it by five.",
            ),
            (
                (-1, 3, 0),
                "In three utterances b is better. In how many worse?",
            ),
            (
                (-1, 0, 25),
                "2.5 % of the draws lie above an interval of 95 %. But here: can a sum of these "
                "differences be above 0?",
            ),
            (
                (-1, 0, 500),
                "A draw is of pairs, with their differences: −1, 0, −2, 0, −2. Can their sum be "
                "above 0?",
            ),
        ),
        otherwise="Write down the five differences b − a. What is their mean? How many are above "
        "0, and can any sum of them be?",
    ),
)
