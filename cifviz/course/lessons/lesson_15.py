"""Exercises of lesson 15: a leak, its loop, the surrogate gradient, operations.

Notebook: notebooks/15_spiking_neurons.ipynb
"""

from __future__ import annotations

from cifviz.course.exercises import Numbers, Program


def leaky(weights: list[float], leak: float, threshold: float) -> list[int]:
    """The right answer to 15.2: the frames with a spike."""
    potential, spikes = 0.0, []
    for frame, weight in enumerate(weights):
        potential = (1 - leak) * potential + weight
        while potential >= threshold:
            spikes.append(frame)
            potential -= threshold
    return spikes


def _spikes_once_a_frame(weights: list[float], leak: float, threshold: float) -> list[int]:
    potential, spikes = 0.0, []
    for frame, weight in enumerate(weights):
        potential = (1 - leak) * potential + weight
        if potential >= threshold:
            spikes.append(frame)
            potential -= threshold
    return spikes


def _resets_to_zero(weights: list[float], leak: float, threshold: float) -> list[int]:
    potential, spikes = 0.0, []
    for frame, weight in enumerate(weights):
        potential = (1 - leak) * potential + weight
        if potential >= threshold:
            spikes.append(frame)
            potential = 0.0
    return spikes


def _leaks_behind_the_current(weights: list[float], leak: float, threshold: float) -> list[int]:
    potential, spikes = 0.0, []
    for frame, weight in enumerate(weights):
        potential = (1 - leak) * (potential + weight)
        while potential >= threshold:
            spikes.append(frame)
            potential -= threshold
    return spikes


def _does_not_leak(weights: list[float], leak: float, threshold: float) -> list[int]:
    return leaky(weights, 0.0, threshold)


EXERCISES = (
    Numbers(
        "15.1",
        praise="v = (1 − leak) · v + α stands still at α / leak = 1.5, beyond the threshold, so it "
        "spikes. Below a current of leak · θ = 0.1 it never does, however long it lasts.",
        answer=(1.5, 1, 0.1),
        mistakes=(
            (
                (1.5, 0, 0.1),
                "1.5 is more than the threshold of 1: on its way there the potential reaches it.",
            ),
            (
                (0.15, 0, 1),
                "Each frame brings 0.15, and takes a tenth of what is there. Where is the balance?",
            ),
            (
                (1.5, 1, 0.15),
                "0.15 spikes, but a smaller current does, too. At which α is α / leak just θ?",
            ),
            (
                (1.35, 1, 0.1),
                "That is the potential after the leak and before the current.",
            ),
        ),
        otherwise="Where v no longer changes, v = (1 − leak) · v + α. Solve for v.",
        tolerance=0.001,
    ),
    Program(
        "15.2",
        praise="With a leak of 0 this is the loop of lesson 01.",
        solution=leaky,
        cases=(
            ([0.4, 0.5, 0.3, 0.0, 0.9, 0.9], 0.2, 1.0),
            ([0.6, 0.6, 0.6, 0.6], 0.0, 1.0),
            ([2.3, 0.2, 0.9], 0.1, 1.0),
            ([0.3] * 8, 0.5, 1.0),
            ([0.3] * 8, 0.1, 0.5),
            ([], 0.1, 1.0),
            ([0.55, 0.5, 0.0, 0.5], 0.1, 1.0),
        ),
        mistakes=(
            (
                _spikes_once_a_frame,
                "A frame may spike more than once: go on as long as the threshold is reached.",
            ),
            (
                _resets_to_zero,
                "A spike takes the threshold off. What is beyond it stays.",
            ),
            (
                _leaks_behind_the_current,
                "The potential leaks first, then the current of the frame comes: it is whole.",
            ),
            (
                _does_not_leak,
                "This is a CIF: nothing leaks.",
            ),
        ),
    ),
    Numbers(
        "15.3",
        praise="The one that is near the threshold learns, whether it spikes or not; the one that "
        "spikes by far does not.",
        answer=(0, 0, 1, 0, 1, 0),
        mistakes=(
            (
                (0, 0, 1, 0, 0, 1),
                "The slope is not that of neurons that spike, but of those near the threshold.",
            ),
            (
                (0, 0, 1, 0, 0, 0),
                "That is the slope of the step itself. The surrogate has another one near 1.",
            ),
            (
                (0, 1, 1, 0, 1, 0),
                "0.8 is below the threshold of 1: no spike.",
            ),
            (
                (0, 0, 1, 1, 1, 1),
                "The ramp is 1 wide: it goes from 0.5 to 1.5.",
            ),
        ),
        otherwise="A spike at v ≥ 1; a slope of 1 where |v − 1| < 0.5.",
    ),
    Numbers(
        "15.4",
        praise="Ten times fewer operations, and each of them five times cheaper.",
        answer=(10_240, 102_400, 4.6 / 0.09),
        mistakes=(
            (
                (102_400, 102_400, 4.6 / 0.9),
                "Only neurons that spike cost anything: a tenth of them in each frame.",
            ),
            (
                (10_240, 102_400, 10),
                "Ten times as many operations; and each takes 4.6 pJ in place of 0.9.",
            ),
            (
                (10_240, 102_400, 4.6 / 0.9),
                "Each operation takes 5.1 times as much. And there are ten times as many.",
            ),
            (
                (409.6, 4096, 4.6 / 0.09),
                "That is one frame. A second has 25.",
            ),
        ),
        otherwise="Additions: frames · share · neurons · synapses of each. Pairs: the same with "
        "all neurons. Then 4.6 pJ and 0.9 pJ.",
        tolerance=0.05,
    ),
)
