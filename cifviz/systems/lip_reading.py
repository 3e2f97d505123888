"""What systems share that read lips: a video as a further input, an encoder of its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from cifviz.errors import require, require_integer
from cifviz.systems.base import Batch, Collate
from cifviz.systems.configuration import EncoderSystemConfig
from cifviz.systems.encoder_system import Encoded, EncoderSystem, Sound
from cifviz.systems.lip_encoder import LipEncoder, brightness, in_step, pad_videos
from cifviz.systems.transcription import Transcription
from cifviz.timing import FrameGrid

VIDEO = "video"
"""Name of the further input: the pictures of an utterance, see `pad_videos`."""


@dataclass(frozen=True)
class LipConfig(EncoderSystemConfig):
    """Of a system that reads lips.

    `features` is the clock: a picture is as long as `picture_frames` of its frames. Of `encoder`
    the ``n_mels`` is the size of a picture's vector.
    """

    height: int = 16
    width: int = 24
    """Of a picture, in pixels."""
    picture_frames: int = 4
    """Feature frames of a picture; of 10 ms each, 4 are 25 pictures in a second."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("height", "width", "picture_frames"):
            require_integer(name, getattr(self, name), above=0)

    @property
    def input_dim(self) -> int:
        """Values that the encoder is given for a picture: as many as it takes."""
        return self.encoder.n_mels

    @property
    def grid(self) -> FrameGrid:
        """Clock of the encoder's frames."""
        return self.features.grid.downsampled(self.picture_frames * self.encoder.down_sampling)


class LipReader(EncoderSystem):
    """Pictures in place of sound, for a system that derives from this and from one of sound.

    The video of an utterance is a further input, "video". The sound is its clock, and is shown;
    nothing of it reaches the network.
    """

    config: LipConfig
    extras: Mapping[str, Collate] = {VIDEO: pad_videos}

    def make_encoder(self) -> nn.Module:
        """A front-end for pictures in front of the encoder."""
        return LipEncoder(self.config.encoder, self.config.height, self.config.width)

    def start_at(self, tokens_per_frame: float) -> None:
        """Let the weights of an untrained model add up to about as many tokens as there are.

        Parameters
        ----------
        tokens_per_frame : float
            Tokens in as many feature frames as the encoder makes one of.
        """
        super().start_at(tokens_per_frame * self.config.picture_frames)

    def encode(self, batch: Batch) -> Encoded:
        """The encoder's frames of the videos of a batch.

        Raises
        ------
        CIFError
            If there is no video, or its pictures are of another size.
        """
        require(VIDEO in batch.extras, 'a lip reader needs the further input "video", the pictures')
        video, size = batch.extras[VIDEO], (self.config.height, self.config.width)
        require(
            tuple(video.shape[2:]) == size,
            f"expected pictures of {size} pixels (height, width), got {tuple(video.shape[2:])}",
        )
        lengths = -(-batch.lengths // self.config.picture_frames)
        missing = int(lengths.max()) - video.shape[1] if len(lengths) else 0
        video = nn.functional.pad(video, (0, 0, 0, 0, 0, max(0, missing)))
        return Encoded(batch, *self.encoder(video, lengths))

    def encoded(self, sounds: Sequence[Sound], **request: Sequence[Any]) -> Encoded:
        """The batch of some sounds with their videos, see `EncoderSystem.encoded`."""
        if len(request.get(VIDEO, ())) == len(sounds):
            every = self.config.picture_frames
            videos = [
                in_step(brightness(video), -(-len(sound.log_mel) // every))
                for video, sound in zip(request[VIDEO], sounds, strict=True)
            ]
            request = {**request, VIDEO: videos}
        return super().encoded(sounds, **request)

    def transcriptions(self, sounds: Sequence[Sound], encoded: Encoded) -> list[Transcription]:
        """A transcription of each sound, with its pictures, bytes, under "video" of its extras."""
        made = super().transcriptions(sounds, encoded)
        videos = (255 * encoded.batch.extras[VIDEO]).round().to(torch.uint8).cpu().numpy()
        return [
            replace(one, extras={**one.extras, VIDEO: video[:length]})
            for one, video, length in zip(made, videos, encoded.frame_lengths.tolist(), strict=True)
        ]
