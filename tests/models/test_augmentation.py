"""What is cut and joined is what its tokens say: ids are planted in the features and read off."""

from itertools import groupby

import numpy as np
import pytest
import torch

from cifviz.errors import CIFError
from cifviz.models.augmentation import SILENCE, Augmentation, CutAndJoin, Recording

BANDS = 12
PLAIN = Augmentation(
    tempo=0.0, warp=0.0, tilt=0.0, level=0.0, noise=0.0, masks=0, empty=0.0, max_tokens=6
)
"""Cutting and joining alone."""


def recording(tokens, speaker="a", word=12, gap=4, margin=10) -> Recording:
    """Words that are one loud band, the one of their id; silence between and around them.

    Their mean over the bands is so low that `normalise` takes no spectrum off them.
    """
    features = np.full((2 * margin + len(tokens) * (word + gap) - gap, BANDS), SILENCE)
    spans = []
    for place, token in enumerate(tokens):
        first = margin + place * (word + gap)
        features[first : first + word, token] = 0.0
        spans.append((first, first + word))
    return Recording(features.astype(np.float32), tuple(tokens), tuple(spans), speaker)


def read(features: torch.Tensor, word=12) -> list[int]:
    """Ids of the loud bands, one for each run of frames as long as a word."""
    loud = [int(frame.argmax()) if frame.max() > 0 else None for frame in features]
    found = []
    for token, run in groupby(loud):
        if token is not None:
            frames = len(list(run))
            assert frames % word == 0, f"a word was cut: {frames} frames of {token}"
            found += [token] * (frames // word)
    return found


GRID = [recording(np.random.default_rng(n).permutation(10)[:6]) for n in range(5)]
"""Sentences of six words."""


def utterances(maker, count=200, seed=0):
    return [maker(np.random.default_rng([seed, n])) for n in range(count)]


def test_runs_of_words_are_cut_whole_and_in_order():
    maker = CutAndJoin({"real": GRID}, {"real": 1.0}, PLAIN)
    lengths = set()
    for features, tokens in utterances(maker):
        assert read(features) == tokens
        lengths.add(len(tokens))
    assert lengths == {1, 2, 3, 4, 5, 6}


def test_joined_runs_come_from_one_speaker():
    """Speaker a says 0 … 4, speaker b 5 … 9."""
    recordings = [recording([0, 1, 2, 3, 4], "a"), recording([5, 6, 7, 8, 9], "b")]
    maker = CutAndJoin({"real": recordings}, {"real": 1.0}, PLAIN)
    heard = [{token < 5 for token in tokens} for _, tokens in utterances(maker, 100)]
    assert all(len(speakers) == 1 for speakers in heard)
    assert {True} in heard
    assert {False} in heard


def test_every_word_of_a_recording_is_used():
    maker = CutAndJoin({"real": [recording(range(10))]}, {"real": 1.0}, PLAIN)
    used = {token for _, tokens in utterances(maker) for token in tokens}
    assert used == set(range(10))


def test_same_generator_same_utterance():
    maker = CutAndJoin({"real": GRID}, {"real": 1.0}, Augmentation())
    one, two = (maker(np.random.default_rng(5)) for _ in range(2))
    assert torch.equal(one[0], two[0])
    assert one[1] == two[1]
    other = maker(np.random.default_rng(6))
    assert other[0].shape != one[0].shape or not torch.equal(other[0], one[0])


def test_recordings_are_left_as_they_were():
    before = [one.features.copy() for one in GRID]
    utterances(CutAndJoin({"real": GRID}, {"real": 1.0}, Augmentation()), 50)
    for one, features in zip(GRID, before, strict=True):
        assert np.array_equal(one.features, features)


@pytest.mark.parametrize("most", [1, 3, 9])
def test_counts_reach_from_one_to_the_largest(most):
    maker = CutAndJoin({"real": GRID}, {"real": 1.0}, Augmentation(max_tokens=most, empty=0.0))
    counts = {len(tokens) for _, tokens in utterances(maker)}
    assert counts == set(range(1, most + 1))


def test_features_are_what_the_encoder_expects():
    maker = CutAndJoin({"real": GRID}, {"real": 1.0}, Augmentation())
    for features, _ in utterances(maker, 100):
        assert features.dtype == torch.float32
        assert features.ndim == 2
        assert features.shape[1] == BANDS
        assert features.isfinite().all()
        assert features.min() >= -1
        assert features.max() <= 5  # one loud band of twelve is far above the mean of its frame
        assert len(features) >= 1


def test_some_utterances_are_empty():
    maker = CutAndJoin({"real": GRID}, {"real": 1.0}, Augmentation(empty=0.2))
    empty = [features for features, tokens in utterances(maker, 300) if not tokens]
    assert 30 <= len(empty) <= 90
    assert len({len(features) for features in empty}) > 20
    always = CutAndJoin({"real": GRID}, {"real": 1.0}, Augmentation(empty=1.0))
    assert all(tokens == [] for _, tokens in utterances(always, 20))


@pytest.mark.parametrize("name", ["tempo", "warp", "tilt", "level", "noise", "masks"])
def test_every_setting_changes_something(name):
    settings = {**vars(PLAIN), name: type(getattr(Augmentation(), name))(1)}
    varied = CutAndJoin({"real": GRID}, {"real": 1.0}, Augmentation(**settings))
    plain = CutAndJoin({"real": GRID}, {"real": 1.0}, PLAIN)
    pairs = zip(utterances(varied, 20), utterances(plain, 20), strict=True)
    assert any(
        one.shape != two.shape or not torch.allclose(one, two) for (one, _), (two, _) in pairs
    )


def test_lengths_of_utterances_do_not_tell_their_counts():
    """Pauses vary so much that utterances of one word are sometimes longer than others of six."""
    maker = CutAndJoin({"real": GRID}, {"real": 1.0}, PLAIN)
    lengths = {n: [] for n in range(1, 7)}
    for features, tokens in utterances(maker, 400):
        lengths[len(tokens)].append(len(features))
    assert max(lengths[1]) > min(lengths[6])


def test_shares_say_how_often_a_group_is_drawn_from():
    groups = {"real": [recording([0, 1, 2])], "made": [recording([7, 8, 9], "b")]}
    maker = CutAndJoin(groups, {"real": 3.0, "made": 1.0}, PLAIN)
    made = sum(tokens[0] >= 7 for _, tokens in utterances(maker, 400))
    assert 60 <= made <= 140
    never = CutAndJoin(groups, {"real": 1.0, "made": 0.0}, PLAIN)
    assert all(tokens[0] < 7 for _, tokens in utterances(never, 50))


def test_every_group_needs_its_share():
    with pytest.raises(CIFError, match="every group of recordings needs its share"):
        CutAndJoin({"real": GRID}, {"reel": 1.0}, PLAIN)


def test_cut_is_in_the_middle_of_the_gaps():
    one = recording([3, 1, 4], word=12, gap=4, margin=10)
    assert len(one.cut(1, 1, (0, 0))) == 2 + 12 + 2
    assert set(one.cut(1, 2, (5, 5)).argmax(axis=1)) == {0, 1, 4}  # 0 where all is silent


def test_cut_keeps_so_much_silence_at_the_ends_and_no_more_than_there_is():
    one = recording([3, 1, 4], word=12, gap=4, margin=10)
    assert len(one.cut(0, 0, (3, 7))) == 3 + 12 + 2
    assert len(one.cut(2, 2, (3, 7))) == 2 + 12 + 7
    assert len(one.cut(0, 2, (0, 0))) == 12 + 4 + 12 + 4 + 12
    assert len(one.cut(0, 2, (99, 99))) == len(one.features)


def test_quiet_is_what_lies_around_the_words_less_50_ms():
    one = recording([3, 1], margin=10)
    assert len(one.quiet) == 5 + 5
    assert (one.quiet == SILENCE).all()
    assert len(recording([3], margin=3).quiet) == 0


def test_a_recording_without_times_comes_whole():
    features = np.arange(30, dtype=np.float32)[:, None].repeat(8, axis=1)
    recording = Recording(features, (1, 2, 0), None, "ann")
    make = CutAndJoin({"a": [recording]}, {"a": 1.0}, Augmentation(max_tokens=1, empty=0.0))
    for seed in range(20):
        assert make(np.random.default_rng(seed))[1] == [1, 2, 0]
    assert len(recording.quiet) == 0
    with pytest.raises(CIFError, match="without spans"):
        recording.cut(0, 0, (0, 0))
