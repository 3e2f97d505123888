"""`CIF`: weights + scaling + firing + tail in one module, configured by CIF-PyTorch's keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.forward_mode import in_forward_mode
from cifviz.core.pause_rounding import round_at_pauses
from cifviz.core.tail import DEFAULT, LARGEST, TailRule, above, drop, rounded
from cifviz.core.validation import check_lengths, described, require_tensor, valid_mask
from cifviz.core.weights import (
    ConvWeights,
    DenseWeights,
    DepthwiseWeights,
    LinearWeights,
    WeightPredictor,
)
from cifviz.errors import (
    CIFError,
    is_number,
    require,
    require_choice,
    require_integer,
    require_number,
    require_type,
    shown,
)

WEIGHT_TYPES = ("conv", "dense", "linear", "depthwise")
LONGEST_PAUSE = 2**16
"""Frames of a pause, at most: minutes of sound."""
LARGEST_SMOOTH_FACTOR = 16
"""Weight of a frame, and with it the tokens that fire in one, at most."""
SMALLEST_THRESHOLD = 1e-6
"""Smallest threshold whose slack, one less it, is below one in any floating point type."""


@dataclass(frozen=True)
class CIFConfig:
    """The configuration of a CIF, in the keys of CIF-PyTorch's README and meaning the same.

    Three things that its code does and its configuration does not say are left out: a tail that
    fires only where a padded frame follows, padding that the convolution reads, and a limit of one
    fire per frame.

    Examples
    --------
    >>> config = CIFConfig.from_dict({"encoder_embed_dim": 64, "cif_threshold": 0.9})
    >>> config.threshold, round(config.slack, 6)
    (1.0, 0.1)
    """

    encoder_embed_dim: int = 256
    """Size of a frame of encoder output."""
    produce_weight_type: str = "conv"
    """Weight predictor: "conv", "dense", "linear" or "depthwise"."""
    cif_threshold: float = 0.99
    """Fires at this much accumulated weight and charges 1: a threshold of 1 with a slack."""
    conv_cif_layer_num: int = 1
    conv_cif_width: int = 3
    """Frames that a convolution sees; odd, unless `r_order` is given."""
    conv_cif_output_channels_num: int = 256
    conv_cif_dropout: float = 0.1
    dense_cif_units_num: int = 256
    apply_scaling: bool = True
    """In training, scale the weights to the number of tokens."""
    apply_tail_handling: bool = True
    """In inference, let the residual at the end fire once more if it is large enough."""
    tail_handling_firing_threshold: float = DEFAULT.value or 0.0
    """The residual must be above this."""
    tail_rule: TailRule | None = None
    """What tail handling does instead of that: another rule, such as `rounded` (our key)."""
    add_cif_ctxt_layers: bool = False
    """Transformer layers over the fired embeddings."""
    cif_ctxt_layers: int = 2
    cif_ctxt_attention_heads: int = 4
    cif_ctxt_ffn_embed_dim: int = 1024
    cif_ctxt_dropout: float = 0.1
    cif_embedding_dim: int | None = None
    """Size of an embedding, if another than of a frame: a linear layer without bias makes it so."""
    smooth_factor: float = 1.0
    """Every weight is multiplied by it first (FunASR's key)."""
    noise_threshold: float = 0.0
    """Taken off every weight, down to 0, so that long silence adds up to nothing (FunASR's key)."""
    pause_frames: int = 0
    """In inference, the mass between pauses of so many frames is rounded to whole tokens. 0 for
    never; needs the whole utterance (our key)."""
    pause_weight: float = 0.01
    """A frame of a pause weighs less (our key)."""
    r_order: int | None = None
    """Frames after the current one that a convolution sees; default: half of the others (FunASR's
    key)."""
    conv_cif_activation: bool = False
    """ReLU behind the convolution (CIF-PyTorch has none, which makes it one affine filter)."""

    def __post_init__(self) -> None:
        require_choice("produce_weight_type", self.produce_weight_type, WEIGHT_TYPES)
        for name in (
            "encoder_embed_dim",
            "conv_cif_layer_num",
            "conv_cif_output_channels_num",
            "dense_cif_units_num",
            "cif_ctxt_layers",
            "cif_ctxt_attention_heads",
            "cif_ctxt_ffn_embed_dim",
        ):
            require_integer(name, getattr(self, name), above=0)
        width = require_integer("conv_cif_width", self.conv_cif_width, above=0)
        if self.cif_embedding_dim is not None:
            require_integer("cif_embedding_dim", self.cif_embedding_dim, above=0)
        if self.r_order is not None:
            require_integer("r_order", self.r_order, at_least=0, below=width)
        else:
            require(width % 2 == 1, f"conv_cif_width must be an odd integer > 0, got {width}")
        require(
            is_number(self.cif_threshold) and 0 < self.cif_threshold <= 1,
            "cif_threshold must be in (0, 1]: the mass of a token is 1, and a token fires when it "
            f"holds cif_threshold of it; got {shown(self.cif_threshold)}",
        )
        require_number("cif_threshold", self.cif_threshold, at_least=SMALLEST_THRESHOLD)
        require_number("smooth_factor", self.smooth_factor, above=0)
        require_number("smooth_factor", self.smooth_factor, at_most=LARGEST_SMOOTH_FACTOR)
        require_integer("pause_frames", self.pause_frames, at_least=0, at_most=LONGEST_PAUSE)
        require_number("pause_weight", self.pause_weight, above=0)
        tail = "tail_handling_firing_threshold"
        require_number(tail, self.tail_handling_firing_threshold, at_least=0, at_most=LARGEST)
        for name in ("pause_weight", tail):  # PyTorch takes no integers beyond 64 bits
            object.__setattr__(self, name, float(getattr(self, name)))
        for name in (
            "apply_scaling",
            "apply_tail_handling",
            "add_cif_ctxt_layers",
            "conv_cif_activation",
        ):
            value = getattr(self, name)
            require(isinstance(value, bool), f"{name} must be True or False, got {shown(value)}")
        if self.tail_rule is not None:
            require_type("tail_rule", self.tail_rule, TailRule)
        for name in ("conv_cif_dropout", "cif_ctxt_dropout", "noise_threshold"):
            require_number(name, getattr(self, name), at_least=0, below=1)
        dim = "encoder_embed_dim" if self.cif_embedding_dim is None else "cif_embedding_dim"
        require(
            self.embedding_dim % self.cif_ctxt_attention_heads == 0 or not self.add_cif_ctxt_layers,
            f"{dim} ({self.embedding_dim}) must be a multiple of "
            f"cif_ctxt_attention_heads ({self.cif_ctxt_attention_heads})",
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CIFConfig:
        """Read a configuration; an unknown key is refused and the known ones are listed.

        >>> CIFConfig.from_dict({"cif_treshold": 0.9})
        Traceback (most recent call last):
        ...
        cifviz.errors.CIFError: unknown CIF setting 'cif_treshold', did you mean 'cif_threshold'...
        """
        import difflib

        require_type("CIF configuration", values, Mapping)
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                close = difflib.get_close_matches(str(name), known, 1)
                hint = f", did you mean {close[0]!r}?" if close else "."
                raise CIFError(f"unknown CIF setting {shown(name)}{hint} Known: {', '.join(known)}")
        if isinstance(values.get("tail_rule"), Mapping):
            values = {**values, "tail_rule": TailRule.from_dict(values["tail_rule"])}
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The inverse of `from_dict`."""
        return asdict(self)

    @property
    def embedding_dim(self) -> int:
        """Size of an embedding."""
        return self.cif_embedding_dim or self.encoder_embed_dim

    @property
    def threshold(self) -> float:
        """β: the mass of a token, 1."""
        return 1.0

    @property
    def slack(self) -> float:
        """δ = 1 − cif_threshold."""
        return 1.0 - self.cif_threshold

    @property
    def tail(self) -> TailRule:
        """The tail rule in inference: `drop` without tail handling, else `tail_rule`.

        By default that is ``above(tail_handling_firing_threshold)``.
        """
        if not self.apply_tail_handling:
            return drop
        return self.tail_rule or above(self.tail_handling_firing_threshold)


class CIF(nn.Module):
    """Continuous Integrate-and-Fire: encoder output in, one embedding for each token out.

    Parameters
    ----------
    config : CIFConfig
        What kind of CIF.

    Examples
    --------
    Asked for three tokens in training, it gives three; the encoder's clock need not divide by it.

    >>> import torch
    >>> cif = CIF(CIFConfig(encoder_embed_dim=8, conv_cif_output_channels_num=8))
    >>> firing = cif(torch.randn(1, 20, 8), torch.tensor([20]), target_lengths=torch.tensor([3]))
    >>> firing.embeddings.shape
    torch.Size([1, 3, 8])

    Notes
    -----
    Paper: Dong & Xu (2020). Encoder frames of about 80 ms (1/8 of 10 ms features) are what the
    reference configuration expects; finer ones need a lower initial weight, see `start_at`.
    """

    def __init__(self, config: CIFConfig):
        super().__init__()
        require_type("config", config, CIFConfig)
        self.config = config
        self.weights = _weight_predictor(config)
        self.output = None
        if config.embedding_dim != config.encoder_embed_dim:
            # No bias: what is zero beyond the last token stays zero.
            self.output = nn.Linear(config.encoder_embed_dim, config.embedding_dim, bias=False)
            nn.init.xavier_uniform_(self.output.weight)
        self.context = _ContextLayers(config) if config.add_cif_ctxt_layers else None

    def forward(
        self,
        encoder_out: Tensor,
        frame_lengths: Tensor | None = None,
        *,
        target_lengths: Tensor | None = None,
        max_fires: int | None = None,
    ) -> Firing:
        """Predict weights, integrate and fire.

        Parameters
        ----------
        encoder_out : Tensor (batch, frames, dim)
            Encoder output.
        frame_lengths : Tensor (batch,), integers, optional
            Real frames of each utterance; default all.
        target_lengths : Tensor (batch,), integers, optional
            Number of tokens of each utterance, in training: weights are scaled to it, unless
            ``apply_scaling`` is off.
        max_fires : int >= 0, optional
            Size of the fires axis, for `torch.compile`; default as many as there are.

        Returns
        -------
        Firing
            With `target_lengths` (and scaling) exactly so many tokens; otherwise as many as fire,
            the tail included where ``apply_tail_handling`` is on.

        Raises
        ------
        CIFError
            If `encoder_out` is not (batch, frames, encoder_embed_dim) in the module's dtype, or the
            lengths do not fit.
        """
        # 1. Check what came.
        encoder_out = require_tensor("encoder_out", encoder_out, "batch", "frames", "dim")
        dim = self.config.encoder_embed_dim
        if encoder_out.shape[2] != dim:  # a message made beforehand would fix what is traced
            raise CIFError(
                f"encoder_out must be (batch, frames, dim) with dim = encoder_embed_dim = {dim}, "
                f"got {tuple(encoder_out.shape)}"
            )
        batch, frames, _ = encoder_out.shape
        if frame_lengths is None:
            frame_lengths = torch.full((batch,), frames, device=encoder_out.device)
        frame_lengths = check_lengths("frame_lengths", frame_lengths, encoder_out, maximum=frames)
        # 2. Weights: predicted, amplified, and in inference rounded between pauses.
        config = self.config
        tail = config.tail if target_lengths is None else drop
        alpha = self._predicted(encoder_out, frame_lengths)
        alpha = (alpha * config.smooth_factor - config.noise_threshold).clamp(min=0)
        used = alpha
        if config.pause_frames and target_lengths is None:
            used = round_at_pauses(
                alpha,
                frame_lengths,
                pause_frames=config.pause_frames,
                pause_weight=config.pause_weight,
                threshold=config.threshold,
                tail=tail,
            )
            tail = rounded if tail.scales else tail  # whole but for the last digits of the sum
        # 3. Fire.
        firing = integrate_and_fire(
            used,
            encoder_out,
            frame_lengths=frame_lengths,
            target_lengths=target_lengths if config.apply_scaling else None,
            threshold=config.threshold,
            slack=config.slack,
            tail=tail,
            max_fires=max_fires,
        )
        if used is not alpha:
            firing = replace(firing, alpha=alpha)
        # 4. Layers behind the integration.
        return self.layered(firing)

    def layered(self, firing: Firing) -> Firing:
        """A firing with embeddings that have passed the layers behind the integration, if any.

        Parameters
        ----------
        firing : Firing
            Its embeddings are sums of encoder frames, such as `integrate_and_fire` gives.
        """
        if self.output is not None:
            firing = replace(firing, embeddings=self.output(firing.embeddings))
        if self.context is not None:
            firing = replace(firing, embeddings=self.context(firing.embeddings, firing.num_fires))
        return firing

    def _predicted(self, encoder_out: Tensor, frame_lengths: Tensor) -> Tensor:
        """What the weight predictor gives (batch, frames)."""
        try:
            alpha: Tensor = self.weights(encoder_out, frame_lengths)
        except RuntimeError as error:
            own = self.weights.weight_proj.weight.dtype
            if encoder_out.dtype == own:
                raise
            raise CIFError(  # not before it fails: under autocast the two may differ
                f"encoder_out must be {own} like the module, got {described(encoder_out)}"
            ) from error
        return alpha

    def start_at(self, tokens_per_frame: float) -> None:
        """Set the weight bias to logit(tokens per frame), so that the first counts are near."""
        self.weights.start_at(tokens_per_frame)


class _ContextLayers(nn.Module):
    """Transformer layers (pre-norm) over the fired embeddings, padding unseen."""

    def __init__(self, config: CIFConfig):
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            config.embedding_dim,
            config.cif_ctxt_attention_heads,
            config.cif_ctxt_ffn_embed_dim,
            config.cif_ctxt_dropout,
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(
            layer, config.cif_ctxt_layers, enable_nested_tensor=False
        )

    def forward(self, embeddings: Tensor, num_fires: Tensor) -> Tensor:
        fires = embeddings.shape[1]
        if torch.compiler.is_compiling():  # a graph cannot ask whether there are any, or one alone
            embeddings = nn.functional.pad(embeddings, (0, 0, 0, 2))
        elif not fires:
            return embeddings
        real = valid_mask(num_fires, embeddings.shape[1])
        # A row without tokens would attend to nothing and turn into NaN: let it see its zeros.
        unseen = ~real & real.any(dim=1, keepdim=True)
        with _all_derivatives():
            hidden = self.layers(embeddings, src_key_padding_mask=unseen)
        return hidden.masked_fill(~real.unsqueeze(2), 0)[:, :fires]


@contextmanager
def _all_derivatives() -> Iterator[None]:
    """Attention of ordinary operations: fused, it has no second derivative and no forward mode."""
    if torch.compiler.is_compiling():  # a compiler fuses by itself
        yield
        return
    fast = torch.backends.mha.get_fastpath_enabled()
    with sdpa_kernel(SDPBackend.MATH):
        torch.backends.mha.set_fastpath_enabled(fast and not in_forward_mode())
        try:
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)


def _weight_predictor(config: CIFConfig) -> WeightPredictor:
    dim = config.encoder_embed_dim
    if config.produce_weight_type == "linear":
        return LinearWeights(dim)
    if config.produce_weight_type == "dense":
        return DenseWeights(dim, config.dense_cif_units_num)
    if config.produce_weight_type == "depthwise":
        return DepthwiseWeights(
            dim, config.conv_cif_width, dropout=config.conv_cif_dropout, right=config.r_order
        )
    return ConvWeights(
        dim,
        config.conv_cif_output_channels_num,
        config.conv_cif_width,
        layers=config.conv_cif_layer_num,
        dropout=config.conv_cif_dropout,
        activation=config.conv_cif_activation,
        right=config.r_order,
    )
