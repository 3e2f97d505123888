"""Like `ctc`, but tokens that CTC is not sure of are masked, and filled in by a language model.

The language model is conditional and masked: it sees the frames and the tokens on both sides.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cifviz.core.validation import valid_mask
from cifviz.errors import require_integer, require_number
from cifviz.systems.ctc import CTCRecognizer, CTCRecognizerConfig
from cifviz.systems.ctc_head import Decoded
from cifviz.systems.decoders import LABEL_SMOOTHING, DecoderConfig, most_likely
from cifviz.systems.encoder_system import Encoded
from cifviz.systems.unmasked_decoder import UnmaskedDecoder


@dataclass(frozen=True)
class MaskCTCRecognizerConfig(CTCRecognizerConfig):
    """Everything that makes a `MaskCTCRecognizer`, but for its weights."""

    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    """Of the language model; its kind is not looked at."""
    mask_threshold: float = 0.99
    """Tokens of CTC with a lower probability are masked; with 0 none is, above 1 all are."""
    iterations: int = 10
    """Passes of the language model, at most; an utterance takes no more than it has masks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        threshold = require_number("mask_threshold", self.mask_threshold, at_least=0)
        object.__setattr__(self, "mask_threshold", threshold)  # PyTorch takes no larger integers
        require_integer("iterations", self.iterations, above=0)

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many."""
        return super().num_layers + self.decoder.layers


class MaskedLanguageModel(nn.Module):
    """An `UnmaskedDecoder` that gives tokens where it is given masks.

    Parameters
    ----------
    config : DecoderConfig
        Its layers, heads, dim and dropout; its kind is not looked at.
    channels : int
        Size of a frame of encoder output.
    vocabulary : int
        Number of tokens, V. The mask's id is V.
    """

    def __init__(self, config: DecoderConfig, channels: int, vocabulary: int):
        super().__init__()
        self.mask = vocabulary
        self.scale = math.sqrt(config.dim)
        self.embed = nn.Embedding(vocabulary + 1, config.dim)
        nn.init.normal_(self.embed.weight, std=1 / self.scale)
        self.layers = UnmaskedDecoder(config, channels)
        self.output = nn.Linear(config.dim, vocabulary)

    def forward(
        self, tokens: Tensor, counts: Tensor, encoder_out: Tensor, frame_lengths: Tensor
    ) -> Tensor:
        """Logits (batch, tokens, vocabulary) in each place of tokens and masks (batch, tokens)."""
        embedded = self.embed(tokens) * self.scale
        logits: Tensor = self.output(self.layers(embedded, counts, encoder_out, frame_lengths))
        return logits

    def loss(
        self,
        encoder_out: Tensor,
        frame_lengths: Tensor,
        targets: Tensor,
        target_lengths: Tensor,
        *,
        label_smoothing: float,
    ) -> Tensor:
        """Cross-entropy of the true tokens where masks are given for them, per mask.

        In training mode masks are drawn, see `random_masks`; else every token is masked, which is
        hardest and depends on no chance.
        """
        real = valid_mask(target_lengths, targets.shape[1])
        masked = random_masks(target_lengths, targets.shape[1]) if self.training else real
        given = targets.clamp(min=0).masked_fill(masked, self.mask)
        logits = self(given, target_lengths, encoder_out, frame_lengths)
        losses = F.cross_entropy(
            logits.flatten(0, 1),
            targets.masked_fill(~masked, -1).flatten(),
            ignore_index=-1,
            label_smoothing=label_smoothing,
            reduction="sum",
        )
        return losses / masked.sum().clamp(min=1)

    def fill(
        self,
        tokens: Tensor,
        masked: Tensor,
        counts: Tensor,
        encoder_out: Tensor,
        frame_lengths: Tensor,
        *,
        iterations: int,
    ) -> tuple[Tensor, Tensor]:
        """Fill masks in several passes, the easiest first.

        An utterance with M masks takes ``K = min(iterations, M)`` passes. Each fills the ``M // K``
        masks whose token is most probable, given the tokens that stand there by then; the last one
        fills all that are left.

        Parameters
        ----------
        tokens : Tensor (batch, tokens), integers
            What stands in the places of masks is not looked at.
        masked : Tensor (batch, tokens), bool
        counts : Tensor (batch,)
            Tokens of each utterance; what stands behind them is ignored.
        encoder_out : Tensor (batch, frames, channels)
        frame_lengths : Tensor (batch,)
        iterations : int > 0

        Returns
        -------
        tokens : Tensor (batch, tokens)
            Without masks.
        scores : Tensor (batch, tokens)
            Probability of each token that was filled in, when it was; 0 of the others.
        """
        # 1. How many passes each utterance takes, and how many masks each of them fills.
        tokens = tokens.masked_fill(masked, self.mask)
        scores = encoder_out.new_zeros(tokens.shape)
        left = masked.sum(dim=1)
        passes = left.clamp(max=min(iterations, tokens.shape[1]))
        each = left // passes.clamp(min=1)

        # 2. The passes, on utterances with masks alone.
        for done in range(int(passes.max())):
            rows = (passes > done).nonzero().flatten()
            logits = self(tokens[rows], counts[rows], encoder_out[rows], frame_lengths[rows])
            ids, likely = most_likely(logits)
            is_last = passes[rows] == done + 1
            filled = largest(likely, masked[rows], torch.where(is_last, counts[rows], each[rows]))
            tokens[rows] = torch.where(filled, ids, tokens[rows])
            scores[rows] = torch.where(filled, likely.to(scores.dtype), scores[rows])
            masked = masked & (tokens == self.mask)
        return tokens, scores


class MaskCTCRecognizer(CTCRecognizer):
    """Like `CTCRecognizer`, but a `MaskedLanguageModel` replaces the tokens CTC is not sure of.

    CTC decides how many tokens there are and which frames each has. A token is sure if its most
    probable frame on the path has a posterior of `mask_threshold` or more. The others are masked
    and filled in, the easiest first, see `MaskedLanguageModel.fill`.

    Parameters
    ----------
    config : MaskCTCRecognizerConfig
        What to build.

    Notes
    -----
    The score of a token that CTC is sure of is that of `CTCRecognizer`, of the others the language
    model's probability. The usual loss is ``0.5 · ctc + 0.5 · cross_entropy``; the latter is the
    mean over masks.

    Paper: Higuchi et al. (2020, arXiv 2005.08700). The probability of a token, the number of masks
    that a pass fills, that as many masks are drawn in training as a uniform number says, and the
    weights are as in ESPnet (github.com/espnet/espnet, espnet2/asr/maskctc_model.py). There masks
    are drawn with replacement, and without label smoothing by default.

    Examples
    --------
    With all parameters zero no token is found, so there is nothing to mask:

    >>> from cifviz.audio.waveform import Waveform
    >>> from cifviz.systems.encoder import EncoderConfig
    >>> encoder = EncoderConfig(channels=8, dilations=())
    >>> model = MaskCTCRecognizer(MaskCTCRecognizerConfig(("no", "yes"), encoder=encoder)).eval()
    >>> for parameter in model.parameters():
    ...     _ = torch.nn.init.zeros_(parameter)
    >>> with torch.no_grad():
    ...     _ = model.ctc.project.bias.copy_(torch.tensor([0.0, 1.0, 2.0]))
    >>> model.transcribe(Waveform([0.0] * 1600)).tokens
    ()

    A token that it finds in all frames is not sure enough; the language model, all zero, gives all
    tokens the same probability:

    >>> with torch.no_grad():
    ...     _ = model.ctc.project.bias.copy_(torch.tensor([0.0, 3.0, 2.0]))
    >>> one = model.transcribe(Waveform([0.0] * 1600))
    >>> one.tokens, one.scores
    (('no',), (0.5,))
    """

    Config = MaskCTCRecognizerConfig
    config: MaskCTCRecognizerConfig
    loss_weights: Mapping[str, float] = {"ctc": 0.5, "cross_entropy": 0.5}

    def __init__(self, config: MaskCTCRecognizerConfig):
        super().__init__(config)
        channels, vocabulary = config.encoder.channels, len(config.vocabulary)
        self.decoder = MaskedLanguageModel(config.decoder, channels, vocabulary)

    def losses(self, encoded: Encoded, *, wanted: Collection[str] = ()) -> dict[str, Tensor]:
        """Like `forward`, but of a batch that is encoded already."""
        utterances = encoded.with_targets
        cross_entropy = self.decoder.loss(*utterances, label_smoothing=LABEL_SMOOTHING)
        return {**super().losses(encoded, wanted=wanted), "cross_entropy": cross_entropy}

    def decode(self, encoded: Encoded) -> list[Decoded]:
        """Tokens of each utterance, on the frames that CTC gives them."""
        # 1. What CTC finds, and how sure it is.
        found = super().decode(encoded)
        posteriors = self.ctc(encoded.encoder_out).exp()
        surest = [
            (posteriors[row, : rows.shape[1], ids].T * (rows > 0)).amax(dim=1)
            if ids
            else posteriors.new_zeros(0)
            for row, (ids, _, rows) in enumerate(found)
        ]
        counts = torch.tensor([len(ids) for ids, _, _ in found], device=posteriors.device)

        # 2. Mask the rest, and fill it in.
        pad = nn.utils.rnn.pad_sequence
        tokens = pad([counts.new_tensor(ids) for ids, _, _ in found], batch_first=True)
        masked = pad(surest, batch_first=True) < self.config.mask_threshold
        masked = masked & valid_mask(counts, tokens.shape[1])
        filled, likely = self.decoder.fill(
            tokens,
            masked,
            counts,
            encoded.encoder_out,
            encoded.frame_lengths,
            iterations=self.config.iterations,
        )
        scores = pad([likely.new_tensor(sure) for _, sure, _ in found], batch_first=True)
        scores = torch.where(masked, likely, scores)
        return [
            (filled[row, :count].tolist(), scores[row, :count].tolist(), found[row][2])
            for row, count in enumerate(counts.tolist())
        ]


def random_masks(counts: Tensor, width: int) -> Tensor:
    """Of an utterance with N tokens 1 … N at random, any number of them equally likely.

    Parameters
    ----------
    counts : Tensor (batch,), integers
        Tokens of each utterance; without any it has no mask.
    width : int
        At least the largest of them.

    Returns
    -------
    Tensor (batch, width), bool

    Examples
    --------
    >>> random_masks(torch.tensor([1, 0]), 2)
    tensor([[ True, False],
            [False, False]])
    """
    real = valid_mask(counts, width)
    numbers = 1 + (torch.rand(len(counts), device=counts.device) * counts).long()
    return largest(torch.rand(real.shape, device=counts.device), real, numbers)


def largest(values: Tensor, among: Tensor, numbers: Tensor) -> Tensor:
    """Where the largest values of each row are; of equal ones the first.

    Parameters
    ----------
    values : Tensor (batch, places), >= 0
    among : Tensor (batch, places), bool
        Others do not count.
    numbers : Tensor (batch,), integers
        How many of each row; all where there are not so many.

    Returns
    -------
    Tensor (batch, places), bool

    Examples
    --------
    >>> values = torch.tensor([[0.9, 0.4, 0.2, 0.4]])
    >>> largest(values, torch.tensor([[False, True, True, True]]), torch.tensor([1]))
    tensor([[False,  True, False, False]])
    """
    order = values.masked_fill(~among, -1).argsort(dim=1, descending=True, stable=True)
    return among & (order.argsort(dim=1) < numbers.unsqueeze(1))
