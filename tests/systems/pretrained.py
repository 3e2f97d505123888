"""A stand-in for the pretrained encoder: as many states at the same times, made of noise."""

import torch

from cifviz.audio.moonshine import DIM, HOP_LENGTH, num_frames


class FakeMoonshine:
    """The loudness of the samples of a frame, times fixed noise, and the noise itself."""

    def states(self, waveform):
        frames = num_frames(len(waveform.samples))
        direction = torch.randn(2, DIM, generator=torch.manual_seed(0))
        samples = torch.from_numpy(waveform.samples[: frames * HOP_LENGTH])
        loudness = samples.reshape(frames, HOP_LENGTH).square().mean(dim=1, keepdim=True).sqrt()
        return 10 * loudness * direction[0] + 0.1 * direction[1]
