"""Decode one utterance under every tail rule: encoder, weights and decoder stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from cifviz.core.dialects import TailContributions, tail_rules
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.interop.recorded_firing import recorded_firing
from cifviz.errors import require_type
from cifviz.systems.base import Batch
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.encoder_system import Sound


@torch.inference_mode()
def decode_by_tail_rule(
    model: CIFRecognizer,
    log_mel: Tensor,
    rules: Mapping[str, TailContributions] | None = None,
    **request: Any,
) -> tuple[Firing, dict[str, tuple[str, ...]]]:
    """Tokens of one utterance, by the rule for the residual at its end.

    Parameters
    ----------
    model : CIFRecognizer
        In evaluation mode. There is no pause rounding, whatever its configuration says.
    log_mel : Tensor (feature_frames, n_mels)
        Features of the utterance, as ``model.config.features`` gives them.
    rules : mapping of str to callable, optional
        Default: `tail_rules` with the model's slack.
    **request
        As for `System.transcribe`.

    Returns
    -------
    firing : Firing
        Without any tail: its `residual` is what the rules decide about.
    tokens : dict of str to tuple of str
        By the name of the rule.

    Raises
    ------
    CIFError
        If the model is another system, or has no such further input.

    Notes
    -----
    Notebook: notebooks/05_tail_handling.ipynb
    """
    require_type("model", model, CIFRecognizer)
    rules = tail_rules(slack=model.cif.config.slack) if rules is None else rules
    features = model.inputs(Sound(log_mel, 0.0))
    batch = Batch.collate([features], [[]], extras=[request], by=model.extras)
    encoded = model.encode(batch)
    encoder_out = encoded.encoder_out
    alpha = model.cif(encoder_out, encoded.frame_lengths).alpha
    firing = integrate_and_fire(alpha, encoder_out, slack=model.cif.config.slack)
    tokens = {}
    for name, rule in rules.items():
        fired = model.cif.layered(_fired(rule(alpha), firing, encoder_out))
        ids, _ = model.decode(fired, encoded)
        tokens[name] = tuple(model.config.vocabulary[index] for index in ids[0].tolist())
    return firing, tokens


def _fired(contributions: Tensor, firing: Firing, encoder_out: Tensor) -> Firing:
    """The firing of a rule's contributions (fires, frames), with the weights of another firing."""
    return recorded_firing(
        contributions.unsqueeze(0),
        alpha=firing.alpha,
        scaled_alpha=firing.scaled_alpha,
        frame_lengths=firing.frame_lengths,
        threshold=firing.threshold,
        slack=firing.slack,
        embeddings=contributions.to(encoder_out.dtype) @ encoder_out,
        num_fires=torch.tensor([len(contributions)]),
    )
