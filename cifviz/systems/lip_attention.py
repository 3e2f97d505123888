"""Like `attention`, but of lips: the autoregressive reader that `fastlr` is compared with."""

from __future__ import annotations

from dataclasses import dataclass

from cifviz.systems.attention import AttentionRecognizer, AttentionRecognizerConfig
from cifviz.systems.lip_reading import LipConfig, LipReader


@dataclass(frozen=True)
class LipAttentionConfig(LipConfig, AttentionRecognizerConfig):
    """Everything that makes a `LipAttentionRecognizer`, but for its weights."""


class LipAttentionRecognizer(LipReader, AttentionRecognizer):
    """Like `AttentionRecognizer`, but it is given the pictures of a video.

    Parameters
    ----------
    config : LipAttentionConfig
        What to build.
    """

    Config = LipAttentionConfig
    config: LipAttentionConfig
