"""One fit loop, on Lightning Fabric: progress, checkpoints, resume, several devices.

Everything random in a step depends on the seed and the number of the step alone, so a run that was
interrupted and resumed gives the weights of one that was not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from cifviz.errors import CheckpointError, require, require_choice, require_type
from cifviz.systems.alignment_losses import ALIGNMENT_LOSSES
from cifviz.systems.cif import Batch, Recognizer
from cifviz.systems.phone_ctc import PhoneticLearner
from cifviz.training.augmentation import Example

Learner = TypeVar("Learner", Recognizer, PhoneticLearner)


@dataclass(frozen=True)
class FitConfig:
    """How long and how fast to train."""

    steps: int = 2000
    batch_size: int = 24
    block: int = 4
    """Steps that share their examples out by length, to spare padding."""
    learning_rate: float = 2e-3
    warmup: int = 150
    """Steps until the learning rate is reached; from there it falls as a half cosine."""
    weight_decay: float = 0.01
    clip: float = 1.0
    """Largest gradient norm."""
    quantity_weight: float = 1.0
    """Of the loss on how many tokens the weights add up to."""
    alignment: str = "none"
    """The loss on where the weight lies, of `ALIGNMENT_LOSSES`, …"""
    alignment_weight: float = 1.0
    """… its weight, …"""
    alignment_from: float = 0.0
    """… and the share of the steps from which on it counts: CTC has to find the tokens first."""
    averaging: float = 0.995
    """Decay of the moving average of the weights, which is what comes out."""
    save_every: int = 500
    seed: int = 0
    devices: int = 1

    def __post_init__(self) -> None:
        require_choice("alignment", self.alignment, list(ALIGNMENT_LOSSES))
        for name in ("steps", "batch_size", "block", "save_every", "devices"):
            value = getattr(self, name)
            require(
                isinstance(value, int) and value > 0,
                f"{name} must be an integer > 0, got {value!r}",
            )


def fit(
    model: Learner,
    make_example: Callable[[np.random.Generator], Example],
    config: FitConfig,
    *,
    folder: Path,
    resume: bool = True,
    progress: bool = True,
    watch: Callable[[int, Learner], object] | None = None,
) -> tuple[Learner, list[dict[str, float]]]:
    """Train a recogniser.

    Parameters
    ----------
    model : Recognizer or PhoneticLearner
        Its weights are the start.
    make_example : callable
        Makes one training utterance from a random generator.
    config : FitConfig
        How long and how fast.
    folder : Path
        Where ``last.ckpt`` is kept; written to a temporary file first.
    resume : bool
        Go on from ``last.ckpt`` if it is there.
    progress : bool
        Show a bar with the losses.
    watch : callable, optional
        Called with the steps done and the model that would come out now, before the first step and
        after each. It may look, such as a `cifviz.training.snapshots.Camera`, but change nothing.

    Returns
    -------
    model : Recognizer or PhoneticLearner
        With the averaged weights, in evaluation mode, on the CPU.
    history : list of dict
        Mean losses of each 50 steps. With several devices only the first process returns; the
        others end here, so that what follows training is done once.

    Raises
    ------
    CheckpointError
        If ``last.ckpt`` was made with other settings.
    """
    # Not "auto": Apple's GPUs have no float64, in which weights are summed.
    fabric = Fabric(
        devices=config.devices, accelerator="cuda" if torch.cuda.is_available() else "cpu"
    )
    fabric.launch()
    fabric.seed_everything(config.seed, verbose=False)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.averaging))
    optimizer = torch.optim.AdamW(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )
    learner, optimizer = fabric.setup(model, optimizer)
    average = average.to(fabric.device)
    state: dict[str, Any] = {
        "model": model,
        "average": average,
        "optimizer": optimizer,
        "step": 0,
        "history": [],
        "sums": {},
        "config": json.dumps([asdict(config), model.config.to_dict()], sort_keys=True),
    }
    path = folder / "last.ckpt"
    if resume and path.exists():
        state = _resume(fabric, path, state)
    learner.train()
    averaged: Any = average.module.eval()
    if not fabric.is_global_zero:
        watch = None
    if watch is not None:
        watch(state["step"], averaged)
    batches = _Batches(make_example, config, fabric.global_rank)
    bar = tqdm(
        range(state["step"], config.steps),
        initial=state["step"],
        total=config.steps,
        disable=not progress or not fabric.is_global_zero,
        desc=f"seed {config.seed}",
    )
    for step in bar:
        batch, share = batches(step)
        torch.manual_seed(config.seed * 1_000_003 + step)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, step)
        aligned = step >= config.alignment_from * config.steps
        losses = learner(
            _to(batch, fabric.device),
            quantity_weight=config.quantity_weight,
            alignment=config.alignment if aligned else "none",
            alignment_weight=config.alignment_weight,
        )
        fabric.backward(share * losses["loss"])
        fabric.clip_gradients(learner, optimizer, max_norm=config.clip, error_if_nonfinite=True)
        optimizer.step()
        optimizer.zero_grad()
        average.update_parameters(model)
        for name, value in losses.items():
            state["sums"][name] = state["sums"].get(name, 0.0) + float(value.detach())
        if (step + 1) % 50 == 0 or step + 1 == config.steps:
            count = step % 50 + 1
            sums: Any = fabric.all_reduce({k: torch.tensor(v) for k, v in state["sums"].items()})
            means = {name: round(float(value) / count, 5) for name, value in sums.items()}
            state["history"].append({"step": step + 1, **means})
            bar.set_postfix(means)
            state["sums"] = {}
        state["step"] = step + 1
        if watch is not None:
            watch(step + 1, averaged)
        if (step + 1) % config.save_every == 0 and step + 1 < config.steps:
            _save(fabric, path, state)
    fabric.barrier()
    if not fabric.is_global_zero:
        raise SystemExit(0)
    return averaged.cpu(), state["history"]


def learning_rate(config: FitConfig, step: int) -> float:
    """Learning rate of a step: a linear rise, then half a cosine down to 1 %.

    >>> learning_rate(FitConfig(steps=100, warmup=10, learning_rate=1.0), 9)
    1.0
    """
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    share = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * share)) / 2)


class _Batches:
    """The batch of each step: of as many examples as some steps need, neighbours in length.

    Most frames of a batch of long and short utterances are padding. So a block of steps shares its
    examples out by length, in random order. Losses are means per token; beside each batch stands
    how many tokens it has, relative to the others, so that every token of a block counts the same.
    """

    def __init__(
        self, make_example: Callable[[np.random.Generator], Example], config: FitConfig, rank: int
    ):
        self.make_example, self.config, self.rank = make_example, config, rank
        self.made = -1
        self.batches: list[Batch] = []

    def __call__(self, step: int) -> tuple[Batch, float]:
        """The batch of one step, and its tokens relative to the mean of its block."""
        block, place = divmod(step, self.config.block)
        if block != self.made:
            rng = np.random.default_rng([self.config.seed, block, self.rank])
            size = self.config.batch_size
            examples = [self.make_example(rng) for _ in range(self.config.block * size)]
            examples.sort(key=lambda example: len(example.features))
            starts = rng.permutation(self.config.block) * size
            self.batches = [
                Batch.collate(*zip(*examples[start : start + size], strict=True))
                for start in starts.tolist()
            ]
            self.made = block
        tokens = [max(1, int(batch.target_lengths.sum())) for batch in self.batches]
        return self.batches[place], tokens[place] * len(tokens) / sum(tokens)


def _to(batch: Batch, device: torch.device) -> Batch:
    return Batch(**{name: value.to(device) for name, value in vars(batch).items()})


def _save(fabric: Fabric, path: Path, state: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    try:
        fabric.save(partial, state)
        if fabric.is_global_zero:
            partial.replace(path)
    finally:
        if fabric.is_global_zero:
            partial.unlink(missing_ok=True)


def _resume(fabric: Fabric, path: Path, state: dict[str, Any]) -> dict[str, Any]:
    """Read the state of an unfinished run; the settings must be those of this one."""
    require(path.is_file(), f"{path} is not a file", CheckpointError)
    try:
        made_with = torch.load(path, weights_only=True, map_location="cpu")["config"]
        if made_with == state["config"]:
            fabric.load(path, state, weights_only=True)
        for name, kind in (("step", int), ("history", list), ("sums", dict)):
            require_type(name, state[name], kind)
    except Exception as error:  # damaged files fail in as many ways as there are damages
        raise CheckpointError(
            f"{path} is not the checkpoint of a run, or is damaged; nothing in it was run. "
            "Delete it to start again"
        ) from error
    if made_with != state["config"]:
        raise CheckpointError(
            f"{path} was made with {made_with}, asked for {state['config']}; "
            "finish it with its own settings or start in another folder"
        )
    return state
