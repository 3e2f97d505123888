"""Decode one utterance under every tail rule: encoder, weights and decoder stay as they are."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from cifviz.core.dialects import TailContributions, tail_rules
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.systems.base import Batch
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.feature_normalisation import normalise


@torch.inference_mode()
def decode_by_tail_rule(
    model: CIFRecognizer, log_mel: Tensor, rules: Mapping[str, TailContributions] | None = None
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

    Returns
    -------
    firing : Firing
        Without any tail: its `residual` is what the rules decide about.
    tokens : dict of str to tuple of str
        By the name of the rule.

    Notes
    -----
    Notebook: notebooks/04_tail_handling.ipynb
    """
    rules = tail_rules(slack=model.cif.config.slack) if rules is None else rules
    batch = Batch.collate([normalise(log_mel)], [[]])
    encoder_out, frame_lengths = model.encode(batch)
    alpha = model.cif(encoder_out, frame_lengths).alpha
    firing = integrate_and_fire(alpha, encoder_out, slack=model.cif.config.slack)
    embeddings = [rule(alpha).to(encoder_out.dtype) @ encoder_out[0] for rule in rules.values()]
    num_fires = torch.tensor([len(one) for one in embeddings])
    ids, _ = model.decoder.decode(pad_sequence(embeddings, batch_first=True), num_fires)
    tokens = {
        name: tuple(model.config.vocabulary[index] for index in row[:fires])
        for name, row, fires in zip(rules, ids.tolist(), num_fires.tolist(), strict=True)
    }
    return firing, tokens
