"""Utterances of models that work, and of other code bases' rules on the same weights."""

import functools
from dataclasses import replace

import torch

from cifviz.core.dialects import DIALECTS
from cifviz.core.interop.recorded_firing import recorded_firing
from cifviz.corpora.clips import list_clips, load_clip
from cifviz.diagnosis.model_runs import observe_model
from cifviz.diagnosis.observed import observed_firing
from cifviz.diagnosis.observed_inputs import with_what_is_known
from cifviz.systems.checkpoints import load_model


@functools.cache
def clip_utterances(model):
    """What a shipped model does with the clips of its vocabulary, each with its reference."""
    clips = {name: load_clip(name) for name in list_clips()}
    clips = {name: clip for name, clip in clips.items() if clip.domain == model}
    found = observe_model(load_model(model), {name: one.waveform for name, one in clips.items()})
    words = {name: one.words for name, one in clips.items()}
    return tuple(with_what_is_known(found, reference=words))


def run_as(dialect, utterance):
    """The same weights, fired as another code base fires them."""
    rule = DIALECTS[dialect]
    alpha = torch.from_numpy(utterance.alpha).float()[None]
    given = rule.contributions(alpha)
    fires, frames = int(given.num_fires[0]), given.alpha.shape[1]
    firing = recorded_firing(
        given.weights[:, :fires],
        alpha=torch.nn.functional.pad(alpha, (0, frames - alpha.shape[1])),
        scaled_alpha=given.alpha,
        frame_lengths=torch.tensor([frames]),
        threshold=1.0,
        slack=1.0 - (rule.threshold or 1.0),
        embeddings=torch.zeros(1, fires, 0),
        num_fires=given.num_fires,
    )
    fired = observed_firing(firing, name=utterance.name)
    return replace(
        utterance, alpha=fired.alpha, used=fired.used, fires=fired.fires, slack=fired.slack
    )
