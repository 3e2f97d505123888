"""Like `module`, but a token is no box on the mass axis: it is a Gaussian around its middle.

FunASR's E-Paraformer calls it parallel integrate-and-fire (PIF). Nothing has to be full, so nothing
is lost to rounding; in exchange a token is made of frames of its neighbours too.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from cifviz.core.firing import Firing
from cifviz.core.mass_axis import GivenAxis
from cifviz.core.module import CIF, CIFConfig
from cifviz.core.scaling import scaled_to_length
from cifviz.core.validation import valid_mask
from cifviz.errors import require, require_integer, shown

SIGMA = 0.5
"""Steepness of the Gaussian before training."""


def soft_weights(alpha: Tensor, frame_lengths: Tensor, fires: int, sigma: Tensor) -> Tensor:
    """What each frame gives to each token, if a token looks for the mass i + ½.

    Parameters
    ----------
    alpha : Tensor (batch, frames), >= 0
        Weights in tokens, zero at padded frames: of N tokens they sum to N.
    frame_lengths : Tensor (batch,), integers
        Real frames of each utterance.
    fires : int >= 0
        Number of tokens; of a shorter utterance more than there are.
    sigma : Tensor (heads,)
        σ, how steep the Gaussian of each head is, per token of mass.

    Returns
    -------
    Tensor (batch, heads, fires, frames)
        ``W[i, t] ∝ exp(−(σ · (i + ½ − S_{t+1}))²)``, where S_{t+1} is the sum of the weights up to
        and including frame t. Over the real frames it sums to 1; without any it is 0.

    Examples
    --------
    Frames that end at the masses ½, 1, 1½ and 2. The first token looks for ½, the second for 1½:

    >>> alpha, sigma = torch.full((1, 4), 0.5), torch.tensor([1.0])
    >>> soft_weights(alpha, torch.tensor([4]), 2, sigma)[0, 0]
    tensor([[0.4440, 0.3458, 0.1634, 0.0468],
            [0.1258, 0.2662, 0.3418, 0.2662]])

    Before they are normalised, those of the first are 1, e^−¼, e⁻¹ and e^−2¼.

    Notes
    -----
    Source: FunASR 1.4.16, ``PifPredictor`` · Paper: Zou et al. (2024), E-Paraformer
    """
    middles = torch.arange(fires, device=alpha.device).to(alpha.dtype) + 0.5
    distance = middles.unsqueeze(1) - alpha.cumsum(dim=1).unsqueeze(1)
    distance = distance.unsqueeze(1) * sigma.view(-1, 1, 1)
    is_real = valid_mask(frame_lengths, alpha.shape[1])[:, None, None]
    scores = (-(distance**2)).masked_fill(~is_real, -torch.inf)
    # without a single real frame, the softmax would be 0 / 0
    scores = scores.masked_fill((frame_lengths == 0).view(-1, 1, 1, 1), 0.0)
    return scores.softmax(dim=3) * is_real


def require_soft(config: CIFConfig, heads: int, *, name: str = "heads") -> None:
    """Raise `CIFError` unless a `SoftCIF` can be of this configuration and so many heads.

    Parameters
    ----------
    config : CIFConfig
    heads : int
    name : str
        Of the number of heads, for messages.
    """
    require_integer(name, heads, above=0)
    require(
        config.embedding_dim == config.encoder_embed_dim and not config.add_cif_ctxt_layers,
        "a soft CIF has neither cif_embedding_dim nor add_cif_ctxt_layers",
    )
    require(
        config.embedding_dim % heads == 0,
        f"{name} must divide an embedding of {config.embedding_dim}, got {shown(heads)}",
    )


class SoftCIF(CIF):
    """Like `CIF`, but `embeddings` and `contributions` of its firings are those of `soft_weights`.

    Weights, scaling and the number of tokens are those of a `CIF`, and so are fire positions: times
    are read off the mass axis. The weights are scaled to the number of tokens in inference too,
    whatever the tail rule.

    Parameters
    ----------
    config : CIFConfig
        Without context layers, and without an embedding size of its own.
    heads : int > 0
        An embedding is cut into so many equal slices, each with a σ of its own that is learned.
        `contributions` are the mean of them.

    Raises
    ------
    CIFError
        If the configuration is another, or the heads do not divide an embedding.

    Examples
    --------
    Each token sums to 1, but a frame gives to both:

    >>> _ = torch.manual_seed(0)
    >>> cif = SoftCIF(CIFConfig(encoder_embed_dim=4, conv_cif_output_channels_num=4), heads=2)
    >>> firing = cif.eval()(torch.randn(1, 6, 4), target_lengths=torch.tensor([2]))
    >>> bool((firing.contributions > 0).all())
    True

    Notes
    -----
    Source: FunASR 1.4.16, ``PifPredictor``, with four heads there. Its number of tokens in
    inference is the tail rule `rounded`. Its bias of each head is left out: added to all frames of
    a token alike, it changes nothing.
    """

    def __init__(self, config: CIFConfig, heads: int = 4):
        super().__init__(config)
        require_soft(config, heads)
        self.sigma = nn.Parameter(torch.full((heads,), SIGMA))

    def forward(
        self,
        encoder_out: Tensor,
        frame_lengths: Tensor | None = None,
        *,
        target_lengths: Tensor | None = None,
        max_fires: int | None = None,
    ) -> Firing:
        """As of a `CIF`."""
        firing = super().forward(
            encoder_out, frame_lengths, target_lengths=target_lengths, max_fires=max_fires
        )
        weights, embeddings = self.soft_sums(firing, encoder_out)
        axis = firing.axis
        given = GivenAxis(
            axis.running, axis.frame_lengths, axis.ends, axis.reach, axis.fill, weights
        )
        return replace(firing, embeddings=embeddings, axis=given)

    def soft_sums(self, firing: Firing, encoder_out: Tensor) -> tuple[Tensor, Tensor]:
        """Soft contributions and embeddings, given the weights and the counts of any firing.

        Parameters
        ----------
        firing : Firing
            Its ``alpha``, ``frame_lengths`` and ``num_fires`` are looked at.
        encoder_out : Tensor (batch, frames, dim)

        Returns
        -------
        weights : Tensor (batch, fires, frames), float64
            The mean of the heads, zero behind the last token.
        embeddings : Tensor (batch, fires, dim)
            Of each head its weights times its slice of the frames.
        """
        counts, fires = firing.num_fires, firing.embeddings.shape[1]
        alpha = scaled_to_length(firing.alpha.double(), counts, 1.0)
        weights = soft_weights(alpha, firing.frame_lengths, fires, self.sigma.double())
        weights = weights * valid_mask(counts, fires)[:, None, :, None]
        behind = ~valid_mask(firing.frame_lengths, encoder_out.shape[1]).unsqueeze(2)
        slices = encoder_out.masked_fill(behind, 0).unflatten(2, (len(self.sigma), -1))
        # In float64, which autocast leaves alone.
        sums = torch.einsum("bhit,bthd->bihd", weights, slices.double())
        return weights.mean(dim=1), sums.flatten(2).to(encoder_out.dtype)
