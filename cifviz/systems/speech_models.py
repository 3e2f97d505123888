"""`SpeechModel`: a pretrained encoder of speech, read from any folder that `transformers` reads.

What it needs comes with the extra ``cifviz[lm]``. As of language models (`text_models`), nothing
is fetched from a network, no code that comes with a model is run, and weights are read from
safetensors alone. Two shapes of encoders are known: convolutions over the samples with a
Transformer behind them, as wav2vec 2.0, HuBERT and WavLM are, and the encoder of Whisper, which
looks at log-mel of 30 s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cifviz.audio.moonshine import LONGEST
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.errors import AudioError, CheckpointError, require, require_type
from cifviz.systems.text_models import transformers
from cifviz.timing import FrameGrid

_WHISPER_STRIDE = 2
"""Frames of log-mel to one state, of Whisper's two convolutions."""


@dataclass(frozen=True, eq=False)
class SpeechModel:
    """A pretrained encoder and what prepares sound for it."""

    extractor: Any
    """The feature extractor of `transformers`."""
    encoder: Any
    """A `transformers` model that gives a ``last_hidden_state``, in evaluation mode."""
    name: str
    """For messages, and for the configuration of a system that looks at its states."""
    dim: int
    """Values of a state."""
    grid: FrameGrid
    """Clock of the states."""

    @classmethod
    def load(cls, folder: str | Path, *, name: str = "") -> SpeechModel:
        """An encoder in a folder.

        Parameters
        ----------
        folder : str or Path
            With config.json, preprocessor_config.json and model.safetensors.
        name : str
            What to call it; default: the folder's name.

        Raises
        ------
        CheckpointError
            If the extra is missing, there is no such folder, it cannot be read, or it holds a model
            of another shape.
        """
        library = transformers()
        folder = Path(folder)
        require(folder.is_dir(), f"there is no folder {folder} with a model", CheckpointError)
        options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            extractor = library.AutoFeatureExtractor.from_pretrained(folder, **options)
            model = library.AutoModel.from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, **options
            )
        except Exception as error:  # its errors have no common class
            raise CheckpointError(
                f"{folder} does not hold a speech encoder that transformers "
                f"{library.__version__} reads from safetensors"
            ) from error
        rate = getattr(extractor, "sampling_rate", None)
        require(
            rate == SAMPLE_RATE,
            f"the encoder in {folder} expects audio at {rate} Hz, not at {SAMPLE_RATE}",
            CheckpointError,
        )
        made = cls(extractor, model.eval(), name or folder.name, 0, FrameGrid(1.0))
        return replace(made, **made._shape())

    def _shape(self) -> dict[str, Any]:
        """Encoder, values of a state and clock, of the two shapes that are known."""
        config = self.encoder.config
        if hasattr(config, "conv_stride") and hasattr(config, "conv_kernel"):
            hop, reads = samples_of_convolutions(config.conv_kernel, config.conv_stride)
            # The middle of a frame is the middle of the samples that it is computed from.
            grid = FrameGrid(hop / SAMPLE_RATE, (reads - hop) / 2 / SAMPLE_RATE)
            return {"dim": config.hidden_size, "grid": grid}
        if config.model_type == "whisper":
            hop = _WHISPER_STRIDE * self.extractor.hop_length
            # The middle of log-mel frame t is at its sample t · hop_length: the sound is padded.
            grid = FrameGrid(hop / SAMPLE_RATE, -hop / 2 / SAMPLE_RATE)
            return {"encoder": self.encoder.encoder, "dim": config.d_model, "grid": grid}
        raise CheckpointError(
            f"{self.name} is a model of type {config.model_type!r}: expected one with "
            "convolutions over samples, such as wav2vec2, hubert or wavlm, or whisper"
        )

    @torch.inference_mode()
    def states(self, waveform: Waveform) -> Tensor:
        """Last hidden states of a sound (frames, dim).

        Each sound is encoded by itself: no other one changes them. None for a sound that is shorter
        than what one frame is computed from.

        Raises
        ------
        AudioError
            If the sound is not at 16 kHz, or longer than half a minute.
        """
        require_type("waveform", waveform, Waveform)
        require(
            waveform.sample_rate == SAMPLE_RATE and waveform.duration <= LONGEST,
            f"expected at most {LONGEST:g} s of sound at {SAMPLE_RATE} Hz, got "
            f"{waveform.duration:.1f} s at {waveform.sample_rate} Hz",
            AudioError,
        )
        frames = self._num_frames(len(waveform.samples))
        if not frames:
            return torch.zeros(0, self.dim)
        given = self.extractor(
            np.asarray(waveform.samples, np.float64),
            sampling_rate=SAMPLE_RATE,
            return_tensors="pt",
        )
        (values,) = (given[name] for name in self.extractor.model_input_names[:1])
        states: Tensor = self.encoder(values.float()).last_hidden_state[0, :frames]
        return states.clone()

    def _num_frames(self, samples: int) -> int:
        config = self.encoder.config
        if not hasattr(config, "conv_stride"):
            # Whisper pads each sound to its 30 s: states behind it are of silence.
            return math.ceil(samples / (_WHISPER_STRIDE * self.extractor.hop_length))
        for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
            samples = (samples - kernel) // stride + 1 if samples >= kernel else 0
        return samples


def samples_of_convolutions(kernels: Any, strides: Any) -> tuple[int, int]:
    """Samples from one frame to the next, and samples that a frame is computed from.

    Examples
    --------
    The front end of wav2vec 2.0 gives 50 frames a second, each of 25 ms:

    >>> samples_of_convolutions((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2))
    (320, 400)
    """
    hop = reads = 1
    for kernel, stride in zip(kernels, strides, strict=True):
        reads += (kernel - 1) * hop
        hop *= stride
    return hop, reads
