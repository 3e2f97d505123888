"""Like `cif`, but all tokens at once attend to the frames, and are taught by a glancing sampler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from cifviz.core.firing import Firing
from cifviz.core.mass_axis import GivenAxis
from cifviz.core.soft_alignment import SoftCIF, require_soft
from cifviz.core.validation import check_lengths, valid_mask
from cifviz.errors import require_choice, require_integer, require_number
from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig
from cifviz.systems.decoders import LABEL_SMOOTHING, DecoderConfig, most_likely
from cifviz.systems.encoder_system import Encoded
from cifviz.systems.unmasked_decoder import UnmaskedDecoder

LOSSES_ON = ("unreplaced", "all")
ALIGNMENTS = ("hard", "soft")
ROUNDING = 1e-9
"""A share of positions is not rounded up for less: 0.1 · 30 is a little more than 3."""


@dataclass(frozen=True)
class ParaformerConfig(CIFRecognizerConfig):
    """Everything that makes a `ParaformerRecognizer`, but for its weights.

    Its `cif` says how many tokens there are in inference. The paper's dynamic threshold,
    β = Σα / ⌈Σα⌉, is ``tail_rule=dynamic``, by rounding (E-Paraformer) it is ``tail_rule=rounded``.
    By default the threshold is fixed, and a residual above ½ is a token. Of its `decoder` the kind
    is not looked at.
    """

    sampling_ratio: float = 0.75
    """λ: how many tokens are replaced by their targets, as a share of the wrong ones; 0: none."""
    loss_on: str = "unreplaced"
    """Which tokens are taught: "unreplaced", those that are not replaced (the paper), or "all"
    (FunASR's code)."""
    alignment: str = "hard"
    """What an embedding is the sum of: "hard", the frames of a fire; "soft", frames around it, see
    `SoftCIF`."""
    soft_heads: int = 4
    """Slices of an embedding with a Gaussian each; "hard" does not look at it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        ratio = require_number("sampling_ratio", self.sampling_ratio, at_least=0)
        object.__setattr__(self, "sampling_ratio", ratio)  # PyTorch takes no larger integers
        require_choice("loss_on", self.loss_on, LOSSES_ON)
        require_choice("alignment", self.alignment, ALIGNMENTS)
        require_integer("soft_heads", self.soft_heads, above=0)
        if self.alignment == "soft":
            require_soft(self.cif, self.soft_heads, name="soft_heads")


class Glance(NamedTuple):
    """What the sampler did with a batch, each (batch, tokens)."""

    predicted: Tensor
    """Ids of the tokens of the first pass."""
    right: Tensor
    """True where that is the target."""
    replaced: Tensor
    """True where the second pass is given the target; never behind the last token."""


def replaced_positions(
    right: Tensor, counts: Tensor, ratio: float, *, generator: torch.Generator | None = None
) -> Tensor:
    """Which tokens the glancing sampler replaces by their targets: more where more are wrong.

    Parameters
    ----------
    right : Tensor of bool (batch, tokens)
        Which tokens of the first pass are right.
    counts : Tensor (batch,), integers
        Tokens of each utterance; what stands behind them is ignored.
    ratio : float >= 0
        λ. Above 1 there may be more than are wrong.
    generator : torch.Generator, optional
        Which tokens it is, depends on it alone; default: torch's own.

    Returns
    -------
    Tensor of bool (batch, tokens)
        Of an utterance with d wrong tokens ``min(⌈λ · d⌉, count)``, chosen with equal chances among
        *all* of its tokens: a right one may be replaced, and a wrong one not.

    Raises
    ------
    CIFError
        If the counts are not one integer for each utterance, at most its places, or the ratio is
        below 0.

    Examples
    --------
    Three wrong tokens of four, none of two, and one of one behind which there is padding:

    >>> right = torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]]).bool()
    >>> counts = torch.tensor([4, 2, 1])
    >>> for ratio in (0.0, 0.25, 0.5, 0.75, 1.0):
    ...     print(ratio, replaced_positions(right, counts, ratio).sum(dim=1).tolist())
    0.0 [0, 0, 0]
    0.25 [1, 0, 1]
    0.5 [2, 0, 1]
    0.75 [3, 0, 1]
    1.0 [3, 0, 1]
    >>> replaced_positions(right, counts, 1.0)[2]
    tensor([ True, False, False, False])

    Notes
    -----
    Rounded up, as in the paper; FunASR's code rounds down.
    """
    counts = check_lengths("counts", counts, right, right.shape[1])
    ratio = require_number("ratio", ratio, at_least=0)
    is_token = valid_mask(counts, right.shape[1])
    wrong = (~right & is_token).sum(dim=1)
    number = (ratio * wrong.double() - ROUNDING).ceil()
    drawn = torch.rand(right.shape, generator=generator, device=right.device)
    place = drawn.masked_fill(~is_token, torch.inf).argsort(dim=1).argsort(dim=1)
    return is_token & (place < number.unsqueeze(1))


class ParaformerDecoder(nn.Module):
    """All tokens at once, with self-attention to each other and attention to the frames.

    Parameters
    ----------
    config : DecoderConfig
        Its layers, heads, dim and dropout.
    input_dim : int
        Size of an embedding.
    channels : int
        Size of a frame of encoder output.
    vocabulary : int
    """

    def __init__(self, config: DecoderConfig, input_dim: int, channels: int, vocabulary: int):
        super().__init__()
        self.project = nn.Linear(input_dim, config.dim)
        self.attention = UnmaskedDecoder(config, channels)
        self.output = nn.Linear(config.dim, vocabulary)

    def forward(self, embeddings: Tensor, num_fires: Tensor, encoded: Encoded) -> Tensor:
        """Logits (batch, fires, vocabulary) of embeddings (batch, fires, dim)."""
        frames = encoded.encoder_out, encoded.frame_lengths
        hidden = self.attention(self.project(embeddings), num_fires, *frames)
        logits: Tensor = self.output(hidden)
        return logits


class ParaformerRecognizer(CIFRecognizer):
    """Like `CIFRecognizer`, but its decoder looks at all tokens and all frames at once.

    A decoder that gives all tokens at once gives each without knowing the others. The *glancing
    sampler* teaches it to use what it can know of them: in training, a first pass, without
    gradient, finds how many tokens are wrong. The more they are, the more fired embeddings, chosen
    at random, are replaced by embeddings of their targets, see `replaced_positions`. The second
    pass is taught the other tokens. In evaluation mode, and with λ = 0, there is one pass and no
    sampler.

    Parameters
    ----------
    config : ParaformerConfig
        What to build.

    Attributes
    ----------
    embed : nn.Embedding
        Of the targets, of the size of a fired embedding.

    Notes
    -----
    Paper: Gao et al. (2022, arXiv 2206.08317). Its MAE on the count, |N − Σα|, is the quantity loss
    of every CIF here, per token. The encoder and the Transformer layers are those of this library,
    and CTC is taught beside it, as FunASR's recipe for AISHELL-1 does. The paper's MWER loss is not
    built; FunASR left it out too. The first pass has dropout like the second one. FunASR's code
    rounds the number of replaced tokens down, and teaches all of them (``loss_on="all"``).

    The cross-entropy is divided by the number of all tokens, whichever are taught: while most are
    wrong, it weighs little beside the other losses. Where one to three tokens are all wrong and
    λ = ¾, all are replaced, and none is taught; with λ = 1 that is so of any number.

    Examples
    --------
    >>> from cifviz.audio.waveform import Waveform
    >>> from cifviz.core.module import CIFConfig
    >>> from cifviz.core.tail import dynamic
    >>> from cifviz.systems.encoder import EncoderConfig
    >>> config = ParaformerConfig(
    ...     vocabulary=("no",),
    ...     encoder=EncoderConfig(channels=8, dilations=()),
    ...     cif=CIFConfig(encoder_embed_dim=8, tail_rule=dynamic),
    ... )
    >>> _ = torch.manual_seed(0)
    >>> model = ParaformerRecognizer(config).eval()
    >>> torch.nn.init.zeros_(model.cif.weights.weight_proj.weight).shape
    torch.Size([1, 256])
    >>> model.start_at(0.05)

    A second of sound is 25 frames and weighs 1¼ tokens; by the ceiling there are two of 0.625:

    >>> made = model.transcribe(Waveform([0.0] * 16_000))
    >>> made.text, made.firing.contributions.sum(dim=2)
    ('no no', tensor([[0.6250, 0.6250]], dtype=torch.float64))
    """

    Config = ParaformerConfig
    config: ParaformerConfig

    def __init__(self, config: ParaformerConfig):
        super().__init__(config)
        if config.alignment == "soft":
            self.cif = SoftCIF(config.cif, config.soft_heads)
        self.embed = nn.Embedding(len(config.vocabulary), config.cif.embedding_dim)

    def make_decoder(self) -> Any:
        """A `ParaformerDecoder`, which takes more than a `Decoder` does."""
        config = self.config
        dims = config.cif.embedding_dim, config.encoder.channels, len(config.vocabulary)
        return ParaformerDecoder(config.decoder, *dims)

    def adapt(self, embeddings: Tensor, firing: Firing, encoded: Encoded) -> Tensor:
        """The embeddings of a firing.

        With soft alignment, those of a firing that the model's CIF did not make are replaced by
        soft sums. Of what a tail rule made, as in `decode_by_tail_rule`, the count alone is kept.
        """
        if isinstance(self.cif, SoftCIF) and type(firing.axis) is not GivenAxis:
            return self.cif.soft_sums(firing, encoded.encoder_out)[1]
        return embeddings

    def logits(
        self, adapted: Tensor, num_fires: Tensor, targets: Tensor, encoded: Encoded
    ) -> Tensor:
        """Logits (batch, fires, vocabulary); `targets` are not looked at."""
        logits: Tensor = self.decoder(adapted, num_fires, encoded)
        return logits

    def decode(self, firing: Firing, encoded: Encoded) -> tuple[Tensor, Tensor]:
        """Most likely tokens of a firing and their probabilities, each (batch, fires)."""
        adapted = self.adapt(firing.embeddings, firing, encoded)
        return most_likely(self.decoder(adapted, firing.num_fires, encoded))

    def token_losses(
        self,
        firing: Firing,
        adapted: Tensor,
        encoded: Encoded,
        *,
        label_smoothing: float = LABEL_SMOOTHING,
    ) -> Tensor:
        """As of a `CIFRecognizer`; in training, 0 where the token is replaced."""
        config = self.config
        if not self.training or not config.sampling_ratio:
            return super().token_losses(firing, adapted, encoded, label_smoothing=label_smoothing)
        replaced = self.glance(firing, adapted, encoded).replaced
        common = replaced.shape[1]
        given = self.embed(encoded.batch.targets[:, :common].clamp(min=0)).to(adapted.dtype)
        mixed = torch.where(replaced.unsqueeze(2), given, adapted[:, :common])
        mixed = torch.cat([mixed, adapted[:, common:]], dim=1)
        losses = super().token_losses(firing, mixed, encoded, label_smoothing=label_smoothing)
        return losses if config.loss_on == "all" else losses.masked_fill(replaced, 0)

    @torch.no_grad()
    def glance(
        self,
        firing: Firing,
        adapted: Tensor,
        encoded: Encoded,
        *,
        ratio: float | None = None,
        generator: torch.Generator | None = None,
    ) -> Glance:
        """The first pass, and which tokens are replaced in the second.

        Parameters
        ----------
        firing : Firing
            Scaled to the number of targets.
        adapted : Tensor (batch, fires, dim)
            What `adapt` gave for it.
        encoded : Encoded
            With the targets.
        ratio : float >= 0, optional
            λ; default: that of the configuration.
        generator : torch.Generator, optional
            As for `replaced_positions`.
        """
        targets = encoded.batch.targets
        predicted = self.decoder(adapted, firing.num_fires, encoded).argmax(dim=2)
        # Older PyTorch would take copies of the weights from here, without a gradient (#112583).
        torch.clear_autocast_cache()
        # Without scaling, fires and targets may differ in number.
        common = min(adapted.shape[1], targets.shape[1])
        predicted = predicted[:, :common]
        right = predicted == targets[:, :common]
        counts = firing.num_fires.minimum(encoded.batch.target_lengths)
        ratio = self.config.sampling_ratio if ratio is None else ratio
        replaced = replaced_positions(right, counts, ratio, generator=generator)
        return Glance(predicted, right, replaced)
