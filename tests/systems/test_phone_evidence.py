"""Sums over stretches of frames, whole and in part, by hand."""

import numpy as np
import torch

from cifviz.systems.phone_evidence import PhoneEvidence


def evidence():
    """Four frames of two features that weigh 1, 1, 0 and 2; probabilities are the features."""
    hidden = torch.tensor([[0.75, 0.25], [0.25, 0.75], [0.5, 0.5], [1.0, 0.0]])
    return PhoneEvidence(np.array([1.0, 1, 0, 2]), hidden, torch.zeros(4, 3), lambda it: it)


def test_mass_and_frames_are_each_others_inverse_where_there_is_mass():
    one = evidence()
    np.testing.assert_allclose(one.mass_at(np.array([0.5, 2.0, 2.7, 3.5])), [0.5, 2, 2, 3])
    np.testing.assert_allclose(one.frames_at(np.array([0.5, 2.0, 3.0, 4.0])), [0.5, 2, 3.5, 4])


def test_a_stretch_is_the_weighted_mean_of_its_frames():
    """Half of frame 0 and all of frame 1; frame 3 alone, with a frame before it that is light."""
    found = evidence().log_probs(np.array([[0.5, 2.0], [2.0, 4.0], [3.0, 3.5]]))
    mean = (0.5 * np.array([0.75, 0.25]) + np.array([0.25, 0.75])) / 1.5
    np.testing.assert_allclose(found, [mean, [1, 0], [1, 0]], atol=1e-6)


def test_without_mass_there_is_a_number_all_the_same():
    one = evidence()
    assert one.has_mass and np.isfinite(one.log_probs(np.array([[2.0, 3.0], [1.0, 1.0]]))).all()
    light = PhoneEvidence(np.zeros(2), torch.ones(2, 2), torch.zeros(2, 3), lambda it: it)
    assert not light.has_mass
