"""The eye of a lip reader: 3-D convolutions make a vector of each picture, then comes `Encoder`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cifviz.core.validation import described, valid_mask
from cifviz.errors import CIFError, require
from cifviz.systems.encoder import Encoder, EncoderConfig

FLAT = 0.05
"""Added to the deviation of the brightness, so that noise on an even grey is not made contrast."""


class VisualFrontEnd(nn.Module):
    """Two 3-D convolutions, a linear layer and a norm: a vector for each picture.

    Each convolution looks at three pictures and halves height and width. What they see is by how
    much each pixel differs from its mean over the utterance, relative to the deviation of all:
    faces and light differ, and movement remains.

    Parameters
    ----------
    height, width : int
        Of a picture, in pixels.
    channels : int
        Size of the vector.
    hidden : int
        Channels of the first convolution; the second one has twice as many.
    """

    def __init__(self, height: int, width: int, channels: int, hidden: int = 8):
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv3d(before, after, (3, 5, 5), stride=(1, 2, 2), padding=(1, 2, 2))
            for before, after in ((1, hidden), (hidden, 2 * hidden))
        )
        for _ in self.convolutions:
            height, width = -(-height // 2), -(-width // 2)
        self.project = nn.Linear(2 * hidden * height * width, channels)
        self.norm = nn.LayerNorm(channels)

    def forward(self, video: Tensor, lengths: Tensor) -> Tensor:
        """Vectors (batch, frames, channels), 0 behind each utterance.

        Parameters
        ----------
        video : Tensor (batch, frames, height, width)
            Brightness in [0, 1]; what stands behind an utterance is ignored.
        lengths : Tensor (batch,)
            Pictures of each utterance.
        """
        real = valid_mask(lengths, video.shape[1])[:, :, None, None]
        pictures = lengths.clamp(min=1)[:, None, None, None]
        mean = video.masked_fill(~real, 0).sum(dim=1, keepdim=True) / pictures
        centred = (video - mean).masked_fill(~real, 0)
        squares = centred.square().mean(dim=(2, 3), keepdim=True).sum(dim=1, keepdim=True)
        deviation = (squares / pictures).sqrt()
        hidden = (centred / (deviation + FLAT)).unsqueeze(1)
        if not hidden.shape[2]:  # a convolution takes no empty axis
            return hidden.new_zeros(len(video), 0, self.project.out_features)
        for convolution in self.convolutions:
            hidden = F.gelu(convolution(hidden)).masked_fill(~real.unsqueeze(1), 0)
        made: Tensor = self.norm(self.project(hidden.transpose(1, 2).flatten(2)))
        return made


class LipEncoder(nn.Module):
    """A front-end for pictures, then the encoder of sound.

    Parameters
    ----------
    config : EncoderConfig
        Its ``n_mels`` is the size of a picture's vector.
    height, width : int
        Of a picture, in pixels.
    """

    def __init__(self, config: EncoderConfig, height: int, width: int):
        super().__init__()
        self.front = VisualFrontEnd(height, width, config.n_mels)
        self.encoder = Encoder(config)

    def forward(self, video: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Encoder frames of videos (batch, frames, height, width); see `Encoder.forward`."""
        encoded: tuple[Tensor, Tensor] = self.encoder(self.front(video, lengths), lengths)
        return encoded


def pad_videos(videos: Sequence[Tensor | np.ndarray]) -> Tensor:
    """Videos of several utterances as one tensor (batch, frames, height, width), brightness.

    Parameters
    ----------
    videos : sequence of Tensor or array (frames, height, width)
        Integers from 0 to 255, or brightness from 0 to 1.

    Raises
    ------
    CIFError
        If one is none of that, or sizes differ.

    Examples
    --------
    >>> pad_videos([torch.full((2, 1, 1), 255, dtype=torch.uint8), torch.zeros(1, 1, 1)]).shape
    torch.Size([2, 2, 1, 1])
    """
    made = [brightness(one) for one in videos]
    sizes = {tuple(one.shape[1:]) for one in made}
    require(len(sizes) < 2, f"videos of a batch must be of one size, got {sorted(sizes)}")
    return nn.utils.rnn.pad_sequence(made, batch_first=True)


def brightness(video: object) -> Tensor:
    """A video as brightness in [0, 1], float32 (frames, height, width).

    Raises
    ------
    CIFError
        If it is no such video.
    """
    pictures = torch.from_numpy(video) if isinstance(video, np.ndarray) else video
    expected = "a video must be (frames, height, width), bytes or brightness from 0 to 1"
    if not isinstance(pictures, Tensor) or pictures.ndim != 3:
        raise CIFError(f"{expected}, got {described(pictures)}")
    if pictures.dtype == torch.uint8:
        return pictures.float() / 255
    require(pictures.is_floating_point(), f"{expected}, got {described(pictures)}")
    inside = bool(((pictures >= 0) & (pictures <= 1)).all())
    require(inside, f"{expected}, got values outside of that")
    return pictures.float()


def in_step(video: Tensor, frames: int) -> Tensor:
    """A video of so many pictures: one too many is dropped, one missing is the last one again.

    Raises
    ------
    CIFError
        If it is longer or shorter by more than a picture: then its clock is another one.
    """
    require(
        abs(len(video) - frames) <= 1,
        f"expected a video of {frames} pictures for this sound, one more or less, got {len(video)}",
    )
    if len(video) < frames:
        last = video[-1:] if len(video) else video.new_zeros(1, *video.shape[1:])
        return torch.cat([video, last])
    return video[:frames]
