"""Like the decoder of `attention_decoder`, but without a causal mask: all tokens at once."""

from __future__ import annotations

from torch import Tensor, nn

from cifviz.core.validation import valid_mask
from cifviz.systems.attention_decoder import positions
from cifviz.systems.decoders import DecoderConfig


class UnmaskedDecoder(nn.Module):
    """Transformer layers with self-attention to all tokens and cross-attention to the frames.

    Parameters
    ----------
    config : DecoderConfig
        Its layers, heads, dim and dropout; its kind is not looked at.
    channels : int
        Size of a frame of encoder output.

    Notes
    -----
    Paper: Vaswani et al. (2017), without its causal mask and with the norms in front of the layers.
    Sines and cosines of their positions are added to tokens and frames: neither what was fired, nor
    the embedding of a token, nor a mask says anything about its place.
    """

    def __init__(self, config: DecoderConfig, channels: int):
        super().__init__()
        self.project = nn.Linear(channels, config.dim)
        layer = nn.TransformerDecoderLayer(
            config.dim,
            config.heads,
            4 * config.dim,
            config.dropout,
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerDecoder(layer, config.layers, norm=nn.LayerNorm(config.dim))

    def forward(
        self, tokens: Tensor, counts: Tensor, encoder_out: Tensor, frame_lengths: Tensor
    ) -> Tensor:
        """What is made of each token.

        Parameters
        ----------
        tokens : Tensor (batch, tokens, dim)
        counts : Tensor (batch,)
            Tokens of each utterance; what stands behind them is ignored.
        encoder_out : Tensor (batch, frames, channels)
        frame_lengths : Tensor (batch,)
            Frames of each utterance; what stands behind them is ignored.

        Returns
        -------
        Tensor (batch, tokens, dim)
        """
        if not tokens.shape[1] or not encoder_out.shape[1]:  # attention can take none
            return tokens
        frames = self.project(encoder_out)
        # The first of each stays visible, or utterances without any were NaN.
        made: Tensor = self.layers(
            tokens + positions(0, tokens),
            frames + positions(0, frames),
            tgt_key_padding_mask=~valid_mask(counts.clamp(min=1), tokens.shape[1]),
            memory_key_padding_mask=~valid_mask(frame_lengths.clamp(min=1), frames.shape[1]),
        )
        return made
