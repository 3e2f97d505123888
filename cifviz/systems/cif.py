"""`Recognizer`: an encoder, a CIF and a decoder composed, and the `Transcription` it returns."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cifviz import display
from cifviz.alignment.timed_tokens import Alignment, Edges
from cifviz.audio.waveform import LogMel, Waveform
from cifviz.core.firing import Firing
from cifviz.core.losses import quantity_loss
from cifviz.core.module import CIF, CIFConfig
from cifviz.core.validation import valid_mask
from cifviz.errors import CIFError, require, require_number, require_type, shown
from cifviz.systems.alignment_losses import alignment_loss
from cifviz.systems.configuration import checked_settings, from_settings
from cifviz.systems.decoders import DecoderConfig, make_decoder
from cifviz.systems.domain import (
    ClassStatistics,
    DomainConfig,
    mean_distance,
    one_line,
    vocabulary_text,
)
from cifviz.systems.encoder import Encoder, EncoderConfig
from cifviz.timing import FrameGrid

DYNAMIC_RANGE = 12.0
"""Log-mel power is kept from its maximum down to this much below (nepers of power; 52 dB)."""
LOUD = 8.0
"""Frames this close to the loudest (nepers of power) make up the mean spectrum."""
QUIET = -12.0
"""Log-mel power that counts as the maximum where nothing is louder: silence stays silent."""
LONGEST_NAME = 40
"""Letters of a model's name in `Transcription.summary`."""


def normalise(features: Tensor) -> Tensor:
    """Log-mel relative to its loudest frame and its mean spectrum, scaled to about [−1, 1].

    Parameters
    ----------
    features : Tensor (frames, n_mels)
        Natural logarithm of mel power.

    Returns
    -------
    Tensor (frames, n_mels)
        ``(max(features − loudest − tilt, −12) + 6) / 6``. An utterance's loudest frame becomes the
        reference, unless it is quieter than `QUIET`; `DYNAMIC_RANGE` below it all is silence. The
        tilt is the mean of its `LOUD` frames, less the mean of that: speaker and microphone.

    Examples
    --------
    Two frames of the same colour, one 3 nepers below the other: the colour goes, the step stays.

    >>> normalise(torch.tensor([[1.0, -1.0], [-2.0, -4.0]]))
    tensor([[1.0000, 1.0000],
            [0.5000, 0.5000]])
    """
    if not len(features):
        return features
    level = features.mean(dim=1)
    loudest = level.max().clamp(min=QUIET)
    relative = (features - loudest).clamp(min=-DYNAMIC_RANGE)
    loud = level > loudest - LOUD
    if loud.any():
        spectrum = relative[loud].mean(dim=0)
        relative = (relative - (spectrum - spectrum.mean())).clamp(min=-DYNAMIC_RANGE)
    half = DYNAMIC_RANGE / 2
    return (relative + half) / half


@dataclass(frozen=True)
class RecognizerConfig:
    """Everything that makes a `Recognizer`, but for its weights."""

    vocabulary: tuple[str, ...]
    """Distinct tokens, none empty, without control characters or halves of surrogate pairs."""
    features: LogMel = field(default_factory=LogMel)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    cif: CIFConfig = field(default_factory=CIFConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    edges: Edges = field(default_factory=Edges)
    """Where token times are read; shifts learned on a development set."""
    domain: DomainConfig | None = None
    """Which sound is flagged as out of domain; None: nothing is, as nothing is known about it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocabulary", _tokens(self.vocabulary))
        require(
            self.features.n_mels == self.encoder.n_mels,
            f"the encoder expects {self.encoder.n_mels} mel bands, "
            f"the features have {self.features.n_mels}",
        )
        require(
            self.encoder.channels == self.cif.encoder_embed_dim,
            f"the CIF expects frames of {self.cif.encoder_embed_dim} channels, "
            f"the encoder gives {self.encoder.channels}",
        )

    @property
    def grid(self) -> FrameGrid:
        """Clock of the encoder's frames."""
        return self.features.grid.downsampled(self.encoder.down_sampling)

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many."""
        convolutions = self.cif.conv_cif_layer_num * (self.cif.produce_weight_type == "conv")
        context = self.cif.cif_ctxt_layers * self.cif.add_cif_ctxt_layers
        return self.encoder.num_layers + convolutions + context + self.decoder.layers

    @property
    def vocabulary_text(self) -> str:
        """Size and kind of the vocabulary, in one line: "10 words: zero … nine"."""
        return vocabulary_text(self.vocabulary, self.domain.grammar if self.domain else "")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RecognizerConfig:
        """The inverse of `to_dict`; an unknown key is refused, and one that is not there."""
        names = [one.name for one in fields(cls)]
        required = [
            name for name in names if name != "domain"
        ]  # checkpoints without it flag nothing
        values = checked_settings("recogniser", values, names, required=required)
        domain = values.get("domain")
        parts = {"features": LogMel, "encoder": EncoderConfig, "decoder": DecoderConfig}
        return cls(
            vocabulary=values["vocabulary"],
            cif=CIFConfig.from_dict(values["cif"]),
            edges=from_settings(Edges, "edges", values["edges"]),
            domain=from_settings(DomainConfig, "domain", domain) if domain is not None else None,
            **{name: from_settings(kind, name, values[name]) for name, kind in parts.items()},
        )


def _tokens(vocabulary: Any) -> tuple[str, ...]:
    """A vocabulary, if it is one: its tokens are written to files and shown."""
    is_list = isinstance(vocabulary, Sequence) and not isinstance(vocabulary, str | bytes)
    tokens = tuple(vocabulary) if is_list else ()
    for token in tokens:
        if not isinstance(token, str) or not token or _is_control(token):
            raise CIFError(
                "a token of the vocabulary must be a text without control characters or halves of "
                f"surrogate pairs, not empty, got {shown(token)}"
            )
    require(len(set(tokens)) == len(tokens) > 0, "vocabulary must be distinct tokens, at least one")
    return tokens


def _is_control(token: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in token)


@dataclass(frozen=True, eq=False)
class Transcription:
    """What a recogniser heard: tokens with scores and times, and the firing behind them."""

    tokens: tuple[str, ...]
    scores: tuple[float, ...]
    """Probability of each token, in [0, 1]."""
    alignment: Alignment
    firing: Firing
    """Of this utterance alone (a batch of one)."""
    grid: FrameGrid
    """Clock of the firing's frames."""
    duration: float
    """Length of the sound, seconds."""
    log_mel: Tensor
    """What the recogniser was given (feature_frames, n_mels): the logarithm of mel power, before it
    is normalised."""
    config: RecognizerConfig
    """How it was heard: features, CIF and where edges are read."""
    waveform: Waveform | None = None
    """The sound; None where nobody had more than its features."""
    model: str = ""
    """Name of the recogniser; empty for one that was not loaded by a name or from a folder."""
    domain_distance: float | None = None
    """Mean Mahalanobis distance of the embeddings to the nearest class of the training data; None
    where nothing fired, and of a model that does not know its classes."""

    @property
    def mean_score(self) -> float | None:
        """Mean of the scores, in [0, 1]; None without tokens."""
        return math.fsum(self.scores) / len(self.scores) if self.scores else None

    @property
    def is_out_of_domain(self) -> bool:
        """Whether the sound is probably outside what the model was made for.

        True where ``domain_distance > config.domain.bound``; never where one of them is unknown.
        """
        domain, distance = self.config.domain, self.domain_distance
        return domain is not None and distance is not None and distance > domain.bound

    @property
    def warning(self) -> str:
        """One sentence about a sound that is out of domain; empty for any other."""
        if not self.is_out_of_domain:
            return ""
        return (
            "this sound is probably outside what the model knows "
            f"({self.config.vocabulary_text}); mean score {self.mean_score or 0.0:.2f}"
        )

    @property
    def summary(self) -> str:
        """Model, vocabulary and mean score, in one line of printable characters."""
        name = f"model {one_line(self.model, LONGEST_NAME)}" if self.model else "model"
        mean = self.mean_score
        found = "no token fired" if mean is None else f"mean score {mean:.2f}"
        return f"{name} ({self.config.vocabulary_text}), {found}"

    @property
    def text(self) -> str:
        """The tokens, separated by spaces."""
        return " ".join(self.tokens)

    @property
    def rows(self) -> Tensor:
        """How each token is spread over the frames (tokens, frames), float64; rows sum to 1."""
        weights = self.firing.contributions[0].clamp(min=0)
        return weights / weights.sum(dim=1, keepdim=True).clamp(min=1e-12)

    def cut(self, index: int) -> Waveform:
        """The sound of one token, from its start to its end; raises `CIFError` without sound."""
        if self.waveform is None:
            raise CIFError(
                f"there is no sound to cut token {index} from: this was heard from features alone, "
                "without a waveform"
            )
        token = self.alignment.tokens[index]
        require(token.is_timed, f"token {index} ({token.token!r}) is untimed and cannot be cut")
        return self.waveform.cut(token.start or 0.0, token.end or 0.0)

    def _repr_png_(self) -> display.Png:
        """`cifviz.plot.panel`, for notebooks; with its alternative text."""
        return display.png(self)


def require_finite(values: Tensor) -> None:
    """Raise `CIFError` unless what a model computed is finite: finite weights can be too large."""
    require(
        bool(values.isfinite().all()),
        "the model computes NaN or infinity for this sound: its weights or settings are too large",
    )


@dataclass(frozen=True, eq=False)
class Batch:
    """Padded training examples."""

    features: Tensor
    """Normalised log-mel (batch, feature_frames, n_mels)."""
    lengths: Tensor
    """Feature frames of each utterance (batch,)."""
    targets: Tensor
    """Token ids, padded with −1 (batch, tokens)."""
    target_lengths: Tensor
    """Tokens of each utterance (batch,)."""
    spans: Tensor
    """Where each token begins and ends, in fractional feature frames (batch, tokens, 2); −1 where
    nobody knows, and behind the last token."""

    @classmethod
    def collate(
        cls,
        features: Sequence[Tensor],
        targets: Sequence[Sequence[int]],
        spans: Sequence[Tensor] | None = None,
    ) -> Batch:
        """Pad a list of utterances to one batch; without `spans` nobody knows them."""
        ids = [torch.tensor(target, dtype=torch.long) for target in targets]
        if spans is None:
            spans = [torch.full((len(one), 2), -1.0, dtype=torch.float64) for one in ids]
        pad = nn.utils.rnn.pad_sequence
        return cls(
            pad(list(features), batch_first=True),
            torch.tensor([len(one) for one in features]),
            pad(ids, batch_first=True, padding_value=-1),
            torch.tensor([len(one) for one in ids]),
            pad(list(spans), batch_first=True, padding_value=-1.0),
        )


class Recognizer(nn.Module):
    """Encoder → CIF → decoder, with CTC beside it in training.

    Parameters
    ----------
    config : RecognizerConfig
        What to build.

    Notes
    -----
    Paper: Dong & Xu (2020). The loss is ``cross-entropy + 0.5 · CTC + quantity``, each per token,
    and one on where the weights lie, where training asks for it.
    """

    def __init__(self, config: RecognizerConfig):
        super().__init__()
        self.config = config
        self.name = ""
        """How it was found; empty where it was made in Python."""
        self.statistics: ClassStatistics | None = None
        """What its embeddings were like on its training data; None where nobody measured it."""
        vocabulary = len(config.vocabulary)
        self.encoder = Encoder(config.encoder)
        self.cif = CIF(config.cif)
        self.decoder = make_decoder(config.decoder, config.cif.embedding_dim, vocabulary)
        self.ctc = nn.Linear(config.encoder.channels, vocabulary + 1)

    @property
    def grid(self) -> FrameGrid:
        """Clock of the encoder's frames."""
        return self.config.grid

    def start_at(self, tokens_per_frame: float) -> None:
        """Let the weights of an untrained model add up to about as many tokens as there are."""
        self.cif.start_at(tokens_per_frame)

    def forward(self, batch: Batch, **settings: Any) -> dict[str, Tensor]:
        """The loss to minimise, under "loss", and its parts, all per token; see `losses`."""
        encoder_out, frame_lengths = self.encoder(batch.features, batch.lengths)
        return self.losses(batch, encoder_out, frame_lengths, **settings)

    def losses(
        self,
        batch: Batch,
        encoder_out: Tensor,
        frame_lengths: Tensor,
        *,
        ctc_weight: float = 0.5,
        quantity_weight: float = 1.0,
        alignment: str = "none",
        alignment_weight: float = 1.0,
        label_smoothing: float = 0.1,
    ) -> dict[str, Tensor]:
        """Like `forward`, but of a batch that the encoder has seen already.

        `alignment` names a loss on where the weight lies, one of `ALIGNMENT_LOSSES`.
        """
        firing = self.cif(encoder_out, frame_lengths, target_lengths=batch.target_lengths)
        tokens = batch.target_lengths.sum().clamp(min=1)
        quantity = quantity_loss(firing, batch.target_lengths)
        # Without scaling, as many tokens come out as fire: compare what both have.
        common = min(firing.embeddings.shape[1], batch.targets.shape[1])
        targets = batch.targets[:, :common]
        logits = self.decoder(
            firing.embeddings[:, :common],
            firing.num_fires.clamp(max=common),
            targets.clamp(min=0),
        )
        compared = valid_mask(firing.num_fires, common)
        cross_entropy = F.cross_entropy(
            logits.flatten(0, 1),
            targets.masked_fill(~compared, -1).flatten(),
            ignore_index=-1,
            label_smoothing=label_smoothing,
            reduction="sum",
        )
        cross_entropy = cross_entropy / tokens
        log_probs, blank = self.ctc(encoder_out).log_softmax(dim=2), len(self.config.vocabulary)
        shrink = self.config.encoder.down_sampling
        where = alignment_loss(alignment, firing, batch, log_probs, shrink)
        ctc = F.ctc_loss(
            log_probs.transpose(0, 1),
            batch.targets.clamp(min=0),
            frame_lengths,
            batch.target_lengths,
            blank=blank,
            reduction="sum",
            zero_infinity=True,
        )
        ctc = ctc / tokens
        loss = cross_entropy + ctc_weight * ctc + quantity_weight * quantity
        return {
            "loss": loss + alignment_weight * where,
            "cross_entropy": cross_entropy,
            "ctc": ctc,
            "quantity": quantity,
            "alignment": where,
        }

    @torch.inference_mode()
    def listen(self, waveforms: Sequence[Waveform]) -> Firing:
        """Weights and fires of a batch of waveforms, without decoding them."""
        return self._fire([self.config.features(waveform) for waveform in waveforms])

    @torch.inference_mode()
    def transcribe(self, waveform: Waveform) -> Transcription:
        """Recognise one utterance.

        Parameters
        ----------
        waveform : Waveform
            At the model's sample rate.

        Returns
        -------
        Transcription
            On the CPU. Silence gives one without tokens.

        Raises
        ------
        AudioError
            If the sample rate is not the model's.
        """
        return self.transcribe_batch([waveform])[0]

    @torch.inference_mode()
    def transcribe_features(self, log_mel: Tensor, *, duration: float) -> Transcription:
        """Like `transcribe`, but of an utterance whose features are all that is at hand.

        Parameters
        ----------
        log_mel : Tensor (feature_frames, n_mels)
            Natural logarithm of mel power, as ``config.features`` gives it for the sound.
        duration : float >= 0
            Length of the sound, seconds.

        Returns
        -------
        Transcription
            What `transcribe` gives for the sound, but for its `waveform`, which is None.

        Raises
        ------
        CIFError
            If these cannot be features of so much sound.
        """
        self._require_listening()
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
        return self._transcribe([log_mel.float()], [duration], [None])[0]

    @torch.inference_mode()
    def transcribe_batch(self, waveforms: Sequence[Waveform]) -> list[Transcription]:
        """Like `transcribe`, but several at once; the result of each is the same as alone."""
        if not waveforms:
            return []
        self._require_listening()
        for waveform in waveforms:
            require(
                isinstance(waveform, Waveform),
                "expected a Waveform, such as cifviz.load_waveform(path) gives, "
                f"got {type(waveform).__name__}",
            )
        log_mels = [self.config.features(waveform) for waveform in waveforms]
        return self._transcribe(log_mels, [one.duration for one in waveforms], waveforms)

    def _require_listening(self) -> None:
        require(not self.training, "call .eval() before transcribing: dropout is still on")

    def _fire(self, log_mels: Sequence[Tensor]) -> Firing:
        features = [normalise(one) for one in log_mels]
        device = next(self.parameters()).device
        batch = Batch.collate(features, [[] for _ in features])
        encoder_out, lengths = self.encoder(batch.features.to(device), batch.lengths.to(device))
        require_finite(encoder_out)
        firing: Firing = self.cif(encoder_out, lengths)
        return firing

    def _transcribe(
        self,
        log_mels: Sequence[Tensor],
        durations: Sequence[float],
        waveforms: Sequence[Waveform | None],
    ) -> list[Transcription]:
        batch = self._fire(log_mels)
        ids, scores = self.decoder.decode(batch.embeddings, batch.num_fires)
        require_finite(scores)
        heard = []
        for row, (log_mel, duration, waveform, firing) in enumerate(
            zip(log_mels, durations, waveforms, (one.cpu() for one in batch), strict=True)
        ):
            fires = int(firing.num_fires)
            sure = tuple(scores[row].tolist()[:fires])
            tokens = tuple(self.config.vocabulary[index] for index in ids[row].tolist()[:fires])
            heard.append(
                Transcription(
                    tokens=tokens,
                    scores=sure,
                    alignment=Alignment.from_firing(
                        firing,
                        tokens,
                        self.grid,
                        edges=self.config.edges,
                        scores=sure,
                        duration=duration,
                    ),
                    firing=firing,
                    grid=self.grid,
                    duration=duration,
                    log_mel=log_mel,
                    config=self.config,
                    waveform=waveform,
                    model=self.name,
                    domain_distance=mean_distance(self.statistics, firing.embeddings[0, :fires]),
                )
            )
        return heard
