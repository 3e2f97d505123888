"""Passes through decoders: counted, and what is known after each."""

from dataclasses import replace

import pytest
import torch

from cifviz.corpora.clips import load_clip
from cifviz.errors import CIFError
from cifviz.systems.checkpoints import load_model
from cifviz.systems.ctc import CTCRecognizer, CTCRecognizerConfig
from cifviz.systems.decoding_steps import DecodingSteps, decoding_steps, filling_steps
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.mask_ctc import MaskCTCRecognizer, MaskCTCRecognizerConfig
from tests.systems.tiny import VOCABULARY, noise, tiny_recognizer

SOUND = noise(1.2)


def unseen(steps):
    return [row.count(None) for row in steps.known]


def test_without_a_mask_one_pass_gives_all():
    model = tiny_recognizer(decoder="nar")
    steps = decoding_steps(model, SOUND)
    assert steps.known == (model.transcribe(SOUND).tokens,)
    assert len(steps.tokens) > 1


def test_one_after_the_other_each_pass_gives_one():
    model = tiny_recognizer(decoder="ar")
    steps = decoding_steps(model, SOUND)
    expected = model.transcribe(SOUND).tokens
    count = len(expected)
    assert steps.passes == count > 1
    assert steps.tokens == expected
    assert unseen(steps) == list(range(count - 1, -1, -1))
    assert all(row[: at + 1] == expected[: at + 1] for at, row in enumerate(steps.known))


def test_the_end_takes_a_pass_of_its_own():
    model, sound = load_model("digits-attention"), load_clip("digits_three").waveform
    steps = decoding_steps(model, sound)
    expected = model.transcribe(sound).tokens
    assert steps.tokens == expected
    assert unseen(steps) == [*range(len(expected) - 1, -1, -1), 0]


def test_ctc_has_a_layer_of_another_name():
    torch.manual_seed(0)
    encoder = EncoderConfig(channels=16, kernel=3, dilations=(1,))
    model = CTCRecognizer(CTCRecognizerConfig(VOCABULARY, encoder=encoder)).eval()
    steps = decoding_steps(model, SOUND, layer="ctc.project")
    assert steps.known == (model.transcribe(SOUND).tokens,)
    with pytest.raises(CIFError, match=r"layer must be one of .* got 'decoder\.output'"):
        decoding_steps(model, SOUND)


def test_masks_are_filled_pass_by_pass_after_ctc():
    torch.manual_seed(0)
    encoder = EncoderConfig(channels=16, kernel=3, dilations=(1,))
    config = MaskCTCRecognizerConfig(VOCABULARY, encoder=encoder, mask_threshold=2.0, iterations=3)
    model = MaskCTCRecognizer(config).eval()
    steps = filling_steps(model, SOUND)
    expected = model.transcribe(SOUND).tokens
    count = len(expected)
    assert count > 3 and steps.tokens == expected
    # With K = 3 passes each fills N // 3, the last one what is left.
    assert unseen(steps) == [count, count - count // 3, count - 2 * (count // 3), 0]
    for row in steps.known:
        assert all(one in (None, token) for one, token in zip(row, expected, strict=True))

    model.config = replace(model.config, mask_threshold=0.0)
    assert filling_steps(model, SOUND).known == (model.transcribe(SOUND).tokens,)


def test_times_go_on_and_nothing_stays_behind():
    model = tiny_recognizer(decoder="ar")
    steps = decoding_steps(model, SOUND)
    assert len(steps.seconds) == steps.passes
    assert steps.seconds[0] > 0 and list(steps.seconds) == sorted(steps.seconds)
    assert not model.decoder.output._forward_hooks
    with pytest.raises(CIFError, match="expected a Waveform"):
        decoding_steps(model, "sound")
    assert not model.decoder.output._forward_hooks


def test_what_does_not_fit_is_refused():
    with pytest.raises(CIFError, match=r"as many tokens in each pass, got \[1, 2\] tokens"):
        DecodingSteps((("a",), ("a", "b")))
    with pytest.raises(CIFError, match="a time for each of 1 passes, got 2"):
        DecodingSteps((("a",),), (0.1, 0.2))
    with pytest.raises(CIFError, match="expected one pass, or 3 and more, .* got 2"):
        DecodingSteps.of_passes(("a", "b", "c"), 2)
    with pytest.raises(CIFError, match="model must be a MaskCTCRecognizer, got CIFRecognizer"):
        filling_steps(tiny_recognizer(), noise(0.5))


def test_no_pass_is_needed_for_no_token():
    assert DecodingSteps.of_passes((), 0).known == ()
    assert DecodingSteps(()).tokens == ()
