"""What is cut and joined is what its tokens say: ids are planted in the features and read off."""

from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest
import torch

from cifviz.errors import CIFError
from cifviz.training.augmentation import SILENCE, Augmentation, CutAndJoin, Recording

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
    for features, tokens, *_ in utterances(maker):
        assert read(features) == tokens
        lengths.add(len(tokens))
    assert lengths == {1, 2, 3, 4, 5, 6}


def test_joined_runs_come_from_one_speaker():
    """Speaker a says 0 … 4, speaker b 5 … 9."""
    recordings = [recording([0, 1, 2, 3, 4], "a"), recording([5, 6, 7, 8, 9], "b")]
    maker = CutAndJoin({"real": recordings}, {"real": 1.0}, PLAIN)
    runs = [{token < 5 for token in tokens} for _, tokens, *_ in utterances(maker, 100)]
    assert all(len(speakers) == 1 for speakers in runs)
    assert {True} in runs
    assert {False} in runs


def test_every_word_of_a_recording_is_used():
    maker = CutAndJoin({"real": [recording(range(10))]}, {"real": 1.0}, PLAIN)
    used = {token for _, tokens, *_ in utterances(maker) for token in tokens}
    assert used == set(range(10))


def test_same_generator_same_utterance():
    maker = CutAndJoin({"real": GRID}, {"real": 1.0}, Augmentation())
    one, two = (maker(np.random.default_rng(5)) for _ in range(2))
    assert torch.equal(one.features, two.features)
    assert one.tokens == two.tokens
    assert torch.equal(one.spans, two.spans)
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
    counts = {len(tokens) for _, tokens, *_ in utterances(maker)}
    assert counts == set(range(1, most + 1))


def test_features_are_what_the_encoder_expects():
    maker = CutAndJoin({"real": GRID}, {"real": 1.0}, Augmentation())
    for features, *_ in utterances(maker, 100):
        assert features.dtype == torch.float32
        assert features.ndim == 2
        assert features.shape[1] == BANDS
        assert features.isfinite().all()
        assert features.min() >= -1
        assert features.max() <= 5  # one loud band of twelve is far above the mean of its frame
        assert len(features) >= 1


def test_some_utterances_are_empty():
    maker = CutAndJoin({"real": GRID}, {"real": 1.0}, Augmentation(empty=0.2))
    empty = [features for features, tokens, *_ in utterances(maker, 300) if not tokens]
    assert 30 <= len(empty) <= 90
    assert len({len(features) for features in empty}) > 20
    always = CutAndJoin({"real": GRID}, {"real": 1.0}, Augmentation(empty=1.0))
    assert all(tokens == [] for _, tokens, *_ in utterances(always, 20))


@pytest.mark.parametrize("name", ["tempo", "warp", "tilt", "level", "noise", "masks"])
def test_every_setting_changes_something(name):
    settings = {**vars(PLAIN), name: type(getattr(Augmentation(), name))(1)}
    varied = CutAndJoin({"real": GRID}, {"real": 1.0}, Augmentation(**settings))
    plain = CutAndJoin({"real": GRID}, {"real": 1.0}, PLAIN)
    pairs = zip(utterances(varied, 20), utterances(plain, 20), strict=True)
    assert any(
        one.shape != two.shape or not torch.allclose(one, two) for (one, *_), (two, *_) in pairs
    )


def test_lengths_of_utterances_do_not_tell_their_counts():
    """Pauses vary so much that utterances of one word are sometimes longer than others of six."""
    maker = CutAndJoin({"real": GRID}, {"real": 1.0}, PLAIN)
    lengths = {n: [] for n in range(1, 7)}
    for features, tokens, *_ in utterances(maker, 400):
        lengths[len(tokens)].append(len(features))
    assert max(lengths[1]) > min(lengths[6])


def test_shares_say_how_often_a_group_is_drawn_from():
    groups = {"real": [recording([0, 1, 2])], "made": [recording([7, 8, 9], "b")]}
    maker = CutAndJoin(groups, {"real": 3.0, "made": 1.0}, PLAIN)
    made = sum(tokens[0] >= 7 for _, tokens, *_ in utterances(maker, 400))
    assert 60 <= made <= 140
    never = CutAndJoin(groups, {"real": 1.0, "made": 0.0}, PLAIN)
    assert all(tokens[0] < 7 for _, tokens, *_ in utterances(never, 50))


def test_every_group_needs_its_share():
    with pytest.raises(CIFError, match="every group of recordings needs its share"):
        CutAndJoin({"real": GRID}, {"reel": 1.0}, PLAIN)


def test_cut_is_in_the_middle_of_the_gaps():
    one = recording([3, 1, 4], word=12, gap=4, margin=10)
    start, end = one.cut(1, 1, (0, 0))
    assert (start, end) == (10 + 12 + 2, 10 + 12 + 4 + 12 + 2)
    start, end = one.cut(1, 2, (5, 5))
    assert set(one.features[start:end].argmax(axis=1)) == {0, 1, 4}  # 0 where all is silent


def test_cut_keeps_so_much_silence_at_the_ends_and_no_more_than_there_is():
    one = recording([3, 1, 4], word=12, gap=4, margin=10)
    assert one.cut(0, 0, (3, 7)) == (10 - 3, 10 + 12 + 2)
    assert one.cut(2, 2, (3, 7)) == (42 - 2, 42 + 12 + 7)
    assert one.cut(0, 2, (0, 0)) == (10, 54)
    assert one.cut(0, 2, (99, 99)) == (0, len(one.features))


def test_cut_keeps_frames_whole_that_a_word_lies_in_partly():
    spans = ((2.25, 4.5), (6.0, 7.75))
    one = Recording(np.zeros((12, BANDS), np.float32), (0, 1), spans, "a")
    assert one.cut(0, 1, (0, 0)) == (2, 8)
    assert one.cut(0, 0, (1, 0)) == (1, 5)
    assert one.cut(1, 1, (0, 9)) == (5, 12)


def test_quiet_is_what_lies_around_the_words_less_50_ms():
    one = recording([3, 1], margin=10)
    assert len(one.quiet) == 5 + 5
    assert (one.quiet == SILENCE).all()
    assert len(recording([3], margin=3).quiet) == 0


# Where the words are


def plain(**settings) -> Augmentation:
    return Augmentation(**{**vars(PLAIN), **settings})


def assert_spans_are_where_words_are_loud(example, within):
    """Frames inside of a span by so much have its word's band, those outside by so much none."""
    features, tokens, spans, _ = example
    assert spans.shape == (len(tokens), 2)
    assert spans.dtype == torch.float64
    spoken = torch.zeros(len(features), dtype=torch.bool)
    for token, (begin, end) in zip(tokens, spans.tolist(), strict=True):
        middles = torch.arange(len(features)) + 0.5
        inside = (middles > begin + within) & (middles < end - within)
        assert inside.any()
        assert (features[inside].argmax(dim=1) == token).all()
        assert (features[inside].amax(dim=1) > 1).all()
        spoken |= (middles > begin - within) & (middles < end + within)
    assert (features[~spoken] < 1).all()


@pytest.mark.parametrize("seed", range(3))
def test_spans_follow_cutting_and_joining(seed):
    """To the frame: without tempo they are whole numbers, 12 apart."""
    maker = CutAndJoin({"real": GRID}, {"real": 1.0}, PLAIN)
    for example in utterances(maker, 50, seed):
        assert_spans_are_where_words_are_loud(example, 0)
        assert (example.spans.diff(dim=1) == 12).all()


@pytest.mark.parametrize("seed", range(3))
def test_spans_follow_the_tempo(seed):
    maker = CutAndJoin({"real": GRID}, {"real": 1.0}, plain(tempo=0.2, level=0.4))
    lengths = []
    for example in utterances(maker, 50, seed):
        assert_spans_are_where_words_are_loud(example, 1)
        lengths += example.spans.diff(dim=1).flatten().tolist()
    assert min(lengths) < 9
    assert max(lengths) > 16


def test_fractions_of_frames_are_kept_in_any_tempo():
    """A word from 2.25 to 8.75, from frame 2 on; behind it is silence to cut in."""
    one = Recording(np.zeros((20, BANDS), np.float32), (0, 1), ((2.25, 8.75), (12.0, 18.0)), "a")
    maker = CutAndJoin({"a": [one]}, {"a": 1.0}, plain(tempo=0.2, max_tokens=2, trim=0))
    paces = set()
    for example in utterances(maker, 60):
        if example.tokens[0] != 0:
            continue
        (begin, end) = example.spans[0].tolist()
        pace = (end - begin) / 6.5
        paces.add(round(pace, 6))
        # In front of it are whole frames of a pause, and a quarter of the frame it begins in.
        assert abs((begin - 0.25 * pace + 0.5) % 1 - 0.5) < 1e-9
    assert len(paces) > 10


def test_spans_lie_in_order_and_inside_whatever_is_varied():
    maker = CutAndJoin({"real": GRID}, {"real": 1.0}, Augmentation())
    for features, tokens, spans, _ in utterances(maker):
        assert spans.shape == (len(tokens), 2)
        edges = spans.flatten()
        assert (edges.diff() >= 0).all()
        assert ((edges >= 0) & (edges <= len(features))).all()
        assert (spans.diff(dim=1) > 3).all()


def test_words_that_touch_keep_their_spans():
    """Cut where they touch, in the middle of a frame, the rest of which neither has."""
    spans = ((0.0, 10.5), (10.5, 20.0))
    one = Recording(np.zeros((20, BANDS), np.float32), (0, 1), spans, "a")
    maker = CutAndJoin({"a": [one]}, {"a": 1.0}, plain(max_tokens=1))
    found = {
        (tokens[0], float(spans.diff()), len(features) - float(spans[0, 1]) >= 0)
        for features, tokens, spans, _ in utterances(maker, 50)
    }
    assert found == {(0, 10.0, True), (1, 9.5, True)}


def test_where_one_recording_has_no_spans_all_are_unknown():
    unknown = Recording(recording([7, 8]).features, (7, 8), None, "a")
    recordings = [recording([0, 1, 2]), unknown]
    maker = CutAndJoin({"real": recordings}, {"real": 1.0}, PLAIN)
    mixed = 0
    for _, tokens, spans, _ in utterances(maker):
        if {7, 8} & set(tokens):
            mixed += not {7, 8} >= set(tokens)
            assert torch.equal(spans, torch.full((len(tokens), 2), -1.0, dtype=torch.float64))
        else:
            assert (spans >= 0).all()
            assert len(spans) == len(tokens)
    assert mixed > 10


def test_an_empty_utterance_has_no_spans():
    always = CutAndJoin({"real": GRID}, {"real": 1.0}, plain(empty=1.0))
    for _, tokens, spans, _ in utterances(always, 5):
        assert tokens == []
        assert spans.shape == (0, 2)
        assert spans.dtype == torch.float64


def test_a_recording_without_times_comes_whole():
    features = np.arange(30, dtype=np.float32)[:, None].repeat(8, axis=1)
    recording = Recording(features, (1, 2, 0), None, "ann")
    make = CutAndJoin({"a": [recording]}, {"a": 1.0}, Augmentation(max_tokens=1, empty=0.0))
    for seed in range(20):
        assert make(np.random.default_rng(seed))[1] == [1, 2, 0]
    assert len(recording.quiet) == 0
    with pytest.raises(CIFError, match="without spans"):
        recording.cut(0, 0, (0, 0))


# --- extras --------------------------------------------------------------------------------------


def test_a_recording_with_extras_comes_whole_and_alone_with_them():
    recordings = [replace(one, extras={"hints": n}) for n, one in enumerate(GRID)]
    maker = CutAndJoin({"real": recordings}, {"real": 1.0}, PLAIN)
    seen = set()
    for features, tokens, spans, extras in utterances(maker, 40):
        assert tokens == list(GRID[extras["hints"]].tokens)
        assert read(features) == tokens
        assert spans.shape == (6, 2) and (spans >= 0).all() and spans.max() <= len(features)
        seen.add(extras["hints"])
    assert seen == set(range(5))
    silent = Recording(recordings[0].features, (), (), "a", {"hints": 7})
    maker = CutAndJoin({"real": [silent]}, {"real": 1.0}, PLAIN)
    assert all(one.tokens == [] and one.extras == {"hints": 7} for one in utterances(maker, 5))


def test_extras_that_would_be_lacking_are_refused():
    hinted = [replace(one, extras={"hints": 1}) for one in GRID]
    with pytest.raises(CIFError, match=r"need the same extras, got \[\[\], \['hints'\]\]"):
        CutAndJoin({"real": hinted, "other": GRID}, {"real": 1.0, "other": 1.0}, PLAIN)
    with pytest.raises(CIFError, match="Augmentation.empty must be 0"):
        CutAndJoin({"real": hinted}, {"real": 1.0}, replace(PLAIN, empty=0.1))
