"""Exercises of lesson 10: counts, drift, edit distance, scaling in stretches, cuts, errors.

Notebook: notebooks/10_open_speech.ipynb
"""

from __future__ import annotations

from cifviz.course.exercises import Numbers, Program


def least_cost(costs: list[list[float]], insertion: float, deletion: float) -> float:
    """The right answer to 10.4: of pairing phones (rows) and fires (columns) in their order."""
    return _least(costs, insertion, deletion)


def _least(
    costs: list[list[float]], insertion: float, deletion: float, *, pairs: bool = True
) -> float:
    fires = len(costs[0])
    row = [insertion * fire for fire in range(fires + 1)]
    for phone in costs:
        above = row
        row = [above[0] + deletion]
        for fire in range(fires):
            ways = [above[fire + 1] + deletion, row[fire] + insertion]
            row.append(min([*ways, above[fire] + phone[fire]] if pairs else ways))
    return row[-1]


def _swaps_both(costs: list[list[float]], insertion: float, deletion: float) -> float:
    return _least(costs, deletion, insertion)


def _never_pairs(costs: list[list[float]], insertion: float, deletion: float) -> float:
    return _least(costs, insertion, deletion, pairs=False)


def _the_best_fire_for_each(costs: list[list[float]], insertion: float, deletion: float) -> float:
    return sum(min(deletion, *phone) for phone in costs)


def _forgets_the_border(costs: list[list[float]], insertion: float, deletion: float) -> float:
    fires = len(costs[0])
    row = [0.0] * (fires + 1)
    for phone in costs:
        above = row
        row = [0.0]
        for fire in range(fires):
            ways = (above[fire + 1] + deletion, row[fire] + insertion, above[fire] + phone[fire])
            row.append(min(ways))
    return row[-1]


def _looks_one_step_ahead(costs: list[list[float]], insertion: float, deletion: float) -> float:
    fires, fire, total = len(costs[0]), 0, 0.0
    for phone in costs:
        if fire < fires and phone[fire] <= deletion:
            total += phone[fire]
            fire += 1
        else:
            total += deletion
    return total + insertion * (fires - fire)


EXERCISES = (
    Numbers(
        "10.1",
        praise="The factor makes the sum right. It says nothing about where the surplus was.",
        answer=(0.2, 22 / 26.4),
        mistakes=(
            (
                (4.4, 22 / 26.4),
                "The factor is right. The error is relative: divide 4.4 by the number of phones.",
            ),
            (
                (4.4 / 26.4, 22 / 26.4),
                "The factor is right. The error is a share of the number of phones, 22, not of "
                "the sum.",
            ),
            (
                (0.2, 1.2),
                "The error is right. The weights are multiplied by N / Σα: their sum has to fall "
                "to 22.",
            ),
            (
                (0.2, 4.4),
                "The error is right. The factor is the one by which every weight is multiplied.",
            ),
        ),
        otherwise="N is 3 + 6 + 4 + 2 + 3 + 4. The error is |26.4 − N| / N, the factor N / 26.4.",
    ),
    Numbers(
        "10.2",
        praise="A pause that weighs one phone draws the phones before it out and pushes those "
        "behind it forward. Only the beginning and the end are right by force.",
        answer=(1.25, 3.0, 4.75),
        mistakes=(
            (
                (1.0, 4.0, 5.0),
                "That is where the phones really begin. Counting does not know it: it looks for "
                "the masses 1, 2 and 3.",
            ),
            (
                (1.0, 2.0, 4.0),
                "Those are positions in the unscaled sum. Multiply the weights by 4/5 first, those "
                "of the pause, too.",
            ),
            (
                (2.0, 3.0, 5.0),
                "Not at the end of the frame in which the mass is reached, but inside of it: the "
                "mass 1 is reached after a quarter of frame 1.",
            ),
            (
                (1.5, 3.0, 4.5),
                "That cuts the time in equal parts, not the mass.",
            ),
        ),
        otherwise="Scaled, the weights are 0.8, 0.8, 0.4, 0.4, 0.8, 0.8. Add them up frame by "
        "frame: after which position are 1, 2 and 3 reached?",
    ),
    Numbers(
        "10.3",
        praise="One phone has no fire of its own, and still the other three are paired with their "
        "own.",
        answer=3.8,
        mistakes=(
            (
                0.8,
                "Three pairs cost 0.8. A phone is left, and a phone without a fire costs 3.",
            ),
            (
                6.8,
                "There are four phones and three fires: one phone is left over, and no fire.",
            ),
            (
                11.2,
                "That pairs the first three phones in their order, and leaves the last one over. "
                "There is a cheaper one to leave over.",
            ),
            (
                7.4,
                "That leaves “k” over, which has a fire of its own. Which phone sounds like none?",
            ),
        ),
        otherwise="One phone has no fire: try which of the four it is. The cost is 3 and those of "
        "the three pairs.",
        tolerance=0.01,
    ),
    Program(
        "10.4",
        praise="So few lines anchor a count: they compare every phone with every fire, and find "
        "the cheapest order-keeping pairs.",
        solution=least_cost,
        cases=(
            ([[0.2, 4.0, 0.3], [5.0, 4.0, 5.0], [4.0, 0.4, 4.0], [0.3, 4.0, 0.2]], 3.0, 3.0),
            ([[0.1, 5.0, 5.0], [5.0, 5.0, 0.1]], 1.0, 2.0),
            ([[0.1], [5.0]], 1.0, 2.5),
            ([[5.0, 5.0, 5.0, 0.5]], 0.5, 2.0),
            ([[2.9, 0.1], [2.9, 2.9]], 1.0, 1.5),
        ),
        mistakes=(
            (
                _swaps_both,
                "The other way round: a fire without a phone is an insertion, a phone without a "
                "fire a deletion.",
            ),
            (
                _never_pairs,
                "A third way is missing: phone and fire are paired, for the cost of this pair.",
            ),
            (
                _the_best_fire_for_each,
                "The order has to be kept, and a fire is paired once: you took the best fire for "
                "each phone alone.",
            ),
            (
                _forgets_the_border,
                "Look at the first row and the first column: fires before any phone are "
                "insertions, phones before any fire are deletions.",
            ),
            (
                _looks_one_step_ahead,
                "That decides phone by phone. What is cheap now may spoil what follows: keep the "
                "least cost for every number of fires.",
            ),
        ),
    ),
    Numbers(
        "10.5",
        praise="It is the scaling of lesson 02, with one target for each phone instead of one for "
        "the whole.",
        answer=(1 / 3, 2 / 3, 0, 2 / 3, 1 / 3),
        mistakes=(
            (
                (0.2, 0.4, 0.5, 0.6, 0.3),
                "Those are the weights as they were.",
            ),
            (
                (1 / 3, 2 / 3, 0.5, 2 / 3, 1 / 3),
                "Frame 2 belongs to no phone: nothing of it is left.",
            ),
            (
                (0.2, 0.4, 0, 0.6, 0.3),
                "Frame 2 is right. In each stretch the weights have to sum to 1.",
            ),
            (
                (0.2, 0.4, 0.5, 0.6, 0.4),
                "Each stretch sums to 1, not the whole to a number.",
            ),
            (
                (4 / 15, 8 / 15, 0, 12 / 15, 6 / 15),
                "You used one factor for both. Each stretch has its own: 1/0.6 and 1/0.9.",
            ),
        ),
        otherwise="Divide 0.2 and 0.4 by their sum, 0.6 and 0.3 by theirs. What lies outside of "
        "both becomes 0.",
    ),
    Numbers(
        "10.6",
        praise="The cut after frame 2 gives both phones about one, and they sound right: neither "
        "of the two would have been enough.",
        answer=(2.1, 0.34, 0.56),
        mistakes=(
            (
                (1.6, 0.32, 0.38),
                "The square of (mass − 1) counts twice.",
            ),
            (
                (1.0, 0.04, 0.36),
                "Those are the masses alone. Add both values of −log p.",
            ),
            (
                (1.1, 0.3, 0.2),
                "Those are the sounds alone. Add 2 · (mass − 1)² of both phones.",
            ),
            (
                (3.1, 0.7, 1.4),
                "Square the differences: (mass − 1)², not |mass − 1|.",
            ),
        ),
        otherwise="For each cut: 2 · (m₀ − 1)² + 2 · (m₁ − 1)² and both values of −log p.",
    ),
    Numbers(
        "10.7",
        praise="One bad edge makes the mean more than twice the median; the sign says that edges "
        "are late rather than early.",
        answer=(35, 15, 30),
        mistakes=(
            (
                (30, 15, 30),
                "The median and the signed mean are right. For the mean take the absolute values "
                "first: 10, 20, 10, 100.",
            ),
            (
                (35, 15, 35),
                "The signed mean keeps the sign of −10.",
            ),
            (
                (35, 10, 30),
                "The median of four values is the mean of the two in the middle: of 10 and 20.",
            ),
            (
                (35, 20, 30),
                "Sorted, the absolute values are 10, 10, 20, 100. Half of them lie below the "
                "median: it is between the second and the third.",
            ),
            (
                (35, 15, -30),
                "Found minus true: positive is late.",
            ),
        ),
        otherwise="The absolute values are 10, 20, 10 and 100. Take their mean and their median, "
        "and then the mean with signs.",
    ),
    Numbers(
        "10.8",
        praise="The size of an interval belongs to its edge; its coverage belongs to many edges.",
        answer=(1.17, 1.24, 0.75),
        mistakes=(
            (
                (1.16, 1.23, 0.75),
                "The ratios are true minus read: the interval reaches farther to the late side.",
            ),
            (
                (-0.03, 0.04, 0.75),
                "Those are the distances from the edge. Add the time that was read.",
            ),
            (
                (-0.3, 3.2, 0.75),
                "The quantiles have no unit. Multiply them by s first.",
            ),
            (
                (1.17, 1.24, 0.9),
                "The interval is right. 90 % is what is wanted; the coverage is what was counted.",
            ),
        ),
        otherwise="From 1.20 − 1.5 · 0.02 to 1.20 + 2 · 0.02. The coverage is the share of the "
        "edges inside.",
        tolerance=0.004,
    ),
)
