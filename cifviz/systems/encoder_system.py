"""`EncoderSystem`: what systems share that begin with log-mel features and an `Encoder`."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.waveform import Waveform
from cifviz.errors import require, require_number, require_type
from cifviz.systems.base import Batch, System, for_one
from cifviz.systems.configuration import EncoderSystemConfig
from cifviz.systems.encoder import Encoder
from cifviz.systems.feature_normalisation import normalise
from cifviz.systems.transcription import Transcription
from cifviz.timing import FrameGrid


@dataclass(frozen=True, eq=False)
class Sound:
    """An utterance as an `EncoderSystem` takes it."""

    log_mel: Tensor
    """(feature_frames, n_mels)"""
    duration: float
    """Seconds."""
    waveform: Waveform | None = None


@dataclass(frozen=True, eq=False)
class Encoded:
    """A batch and what the encoder made of it."""

    batch: Batch
    """With its further inputs; in transcription its targets are empty."""
    encoder_out: Tensor
    """(batch, frames, channels)"""
    frame_lengths: Tensor
    """Frames of each utterance (batch,)."""
    intermediate: tuple[Tensor, ...] = ()
    """Output of layers inside the encoder (batch, frames, channels), of a system that asks."""

    @property
    def with_targets(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Encoder output, frame lengths, targets and target lengths, as losses take them."""
        targets, counts = self.batch.targets, self.batch.target_lengths
        return self.encoder_out, self.frame_lengths, targets, counts

    def labelled(self, targets: Tensor) -> Encoded:
        """The same with other targets (batch, tokens), padded with −1, of unknown spans."""
        counts = (targets >= 0).sum(dim=1)
        spans = torch.full((*targets.shape, 2), -1.0, dtype=torch.float64, device=targets.device)
        batch = replace(self.batch, targets=targets, target_lengths=counts, spans=spans)
        return replace(self, batch=batch)

    def select(self, kept: Tensor) -> Encoded:
        """Some of the utterances: indices, or a mask (batch,)."""
        return Encoded(
            self.batch.select(kept),
            self.encoder_out[kept],
            self.frame_lengths[kept],
            tuple(layer[kept] for layer in self.intermediate),
        )


class EncoderSystem(System):
    """A `System` of which a subclass says what becomes of the encoder's frames.

    It defines `losses` and `transcriptions`.

    Parameters
    ----------
    config : EncoderSystemConfig
        What to build.
    """

    config: EncoderSystemConfig

    def __init__(self, config: EncoderSystemConfig):
        super().__init__(config)
        self.encoder = self.make_encoder()

    def make_encoder(self) -> nn.Module:
        """The encoder of the configuration; a system with another one overrides this.

        Its ``forward`` takes what `Encoder` takes, unless the system overrides `encode` too.
        """
        return Encoder(self.config.encoder)

    @property
    def grid(self) -> FrameGrid:
        """Clock of the frames of a transcription; here the encoder's."""
        return self.config.grid

    def forward(self, batch: Batch, *, wanted: Collection[str] = ()) -> dict[str, Tensor]:
        """Losses per token, by name; see `Learner.forward`."""
        return self.losses(self.encode(batch), wanted=wanted)

    def encode(self, batch: Batch) -> Encoded:
        """The encoder's frames of a batch, in training and in transcription.

        The hook of systems whose encoder looks at further inputs, or whose losses look into it.

        Parameters
        ----------
        batch : Batch
            With its further inputs; in transcription its targets are empty.
        """
        return Encoded(batch, *self.encoder(batch.features, batch.lengths))

    def losses(self, encoded: Encoded, *, wanted: Collection[str] = ()) -> dict[str, Tensor]:
        """Like `forward`, but of a batch that is encoded already."""
        raise NotImplementedError

    def transcriptions(self, sounds: Sequence[Sound], encoded: Encoded) -> list[Transcription]:
        """A transcription of each sound, from the encoder's frames of all of them."""
        raise NotImplementedError

    def transcribe_batch(
        self, inputs: Sequence[Waveform], **request: Sequence[Any]
    ) -> list[Transcription]:
        """Like `transcribe`, but several at once; the result of each is the same as alone."""
        if not inputs:
            return []
        self.require_evaluation_mode()
        return self._transcribe(self.sounds(inputs), **request)

    def transcribe_features(
        self, log_mel: Tensor, *, duration: float, **request: Any
    ) -> Transcription:
        """Like `transcribe`, but of an utterance of which only features are given.

        Parameters
        ----------
        log_mel : Tensor (feature_frames, n_mels)
            Natural logarithm of mel power, as ``config.features`` gives it for the sound.
        duration : float >= 0
            Length of the sound, seconds.
        **request
            As for `transcribe`.

        Returns
        -------
        Transcription
            What `transcribe` gives for the sound, but for its `waveform`, which is None.

        Raises
        ------
        CIFError
            If these cannot be features of so much sound.
        """
        self.require_evaluation_mode()
        return self._transcribe([self.recorded(log_mel, duration)], **for_one(request))[0]

    def recorded(self, log_mel: Tensor, duration: float) -> Sound:
        """An utterance of which only features are given, checked as `transcribe_features` says."""
        features = self.config.features
        require_type("log_mel", log_mel, Tensor)
        duration = require_number("duration", duration, at_least=0)
        frames = math.ceil(round(duration * features.sample_rate) / features.hop_length)
        require(
            log_mel.is_floating_point() and tuple(log_mel.shape) == (frames, features.n_mels),
            f"expected the log-mel features of {duration:g} s as floats {(frames, features.n_mels)}"
            f", got {log_mel.dtype} {tuple(log_mel.shape)}",
        )
        require(bool(log_mel.isfinite().all()), "log_mel must be finite, got NaN or inf")
        return Sound(log_mel.float(), duration)

    def inputs(self, sound: Sound) -> Tensor:
        """What the encoder is given for a sound (feature_frames, values): its log-mel, normalised.

        The hook of systems whose encoder looks at something else.
        """
        return normalise(sound.log_mel)

    def encoded(self, sounds: Sequence[Sound], **request: Sequence[Any]) -> Encoded:
        """The batch of some sounds, its encoder output and the lengths of that.

        Raises
        ------
        CIFError
            If there is no such further input, not one value for each sound, or the encoder
            computes NaN or infinity.
        """
        for name, values in request.items():
            require(
                len(values) == len(sounds),
                f"expected {len(sounds)} values of {name}, one for each utterance, "
                f"got {len(values)}",
            )
        features = [self.inputs(one) for one in sounds]
        extras = [{name: values[i] for name, values in request.items()} for i in range(len(sounds))]
        batch = Batch.collate(features, [[] for _ in sounds], extras=extras, by=self.extras)
        batch = batch.to(next(self.parameters()).device)
        encoded = self.encode(batch)
        require_finite(encoded.encoder_out)
        return encoded

    def from_rows(
        self, sound: Sound, ids: Sequence[int], scores: Sequence[float], rows: Tensor, *, kind: str
    ) -> Transcription:
        """A transcription without a firing: untimed tokens, and how each is spread over the frames.

        Parameters
        ----------
        sound : Sound
            What was transcribed.
        ids : sequence of int (tokens,)
        scores : sequence of float (tokens,)
        rows : Tensor (tokens, frames), float64
        kind : str
            What the rows are, of `ROW_KINDS`.

        Raises
        ------
        CIFError
            If scores or rows are not finite.
        """
        require_finite(torch.tensor(scores))
        require_finite(rows)
        tokens = tuple(self.config.vocabulary[index] for index in ids)
        untimed = [TimedToken(one, score=score) for one, score in zip(tokens, scores, strict=True)]
        return Transcription(
            tokens=tokens,
            scores=tuple(scores),
            alignment=Alignment(tuple(untimed)),
            firing=None,
            grid=self.grid,
            row_kind=kind,
            given_rows=rows.cpu(),
            **self.fields(sound),
        )

    def fields(self, sound: Sound) -> dict[str, Any]:
        """The fields of a `Transcription` about what was transcribed, and by which model."""
        return {**vars(sound), "config": self.config, "model": self.name}

    def sounds(self, waveforms: Sequence[Waveform]) -> list[Sound]:
        """Waveforms with their log-mel features.

        Raises
        ------
        CIFError
            If one is no `Waveform`.
        AudioError
            If its sample rate is not the model's.
        """
        for waveform in waveforms:
            require(
                isinstance(waveform, Waveform),
                "expected a Waveform, such as cifviz.load_waveform(path) gives, "
                f"got {type(waveform).__name__}",
            )
        return [Sound(self.config.features(one), one.duration, one) for one in waveforms]

    @torch.inference_mode()
    def _transcribe(self, sounds: Sequence[Sound], **request: Sequence[Any]) -> list[Transcription]:
        return self.transcriptions(sounds, self.encoded(sounds, **request))


def require_finite(values: Tensor) -> None:
    """Raise `CIFError` unless what a model computed is finite: finite weights can be too large."""
    require(
        bool(values.isfinite().all()),
        "the model computes NaN or infinity for this sound: its weights or settings are too large",
    )
