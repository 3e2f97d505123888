"""One fit loop, on Lightning Fabric: progress, checkpoints, resume, several devices.

Everything random in a step depends on the seed and the number of the step alone, so a run that was
interrupted and resumed gives the weights of one that was not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from cifviz.errors import (
    CheckpointError,
    CIFError,
    require,
    require_choice,
    require_number,
    require_type,
)
from cifviz.systems.base import Batch, Learner
from cifviz.training.augmentation import Example

Model = TypeVar("Model", bound=Learner)

MEAN_OF = 50
"""Steps whose losses make one entry of the history."""


@dataclass(frozen=True)
class Schedule:
    """The weight of a loss that counts in a part of the training.

    Examples
    --------
    From a quarter of the steps on, because it follows a CTC that has to find the tokens first:

    >>> late = Schedule(start=0.25)
    >>> late.at(24, 100), late.at(25, 100)
    (0.0, 1.0)
    """

    value: float = 1.0
    """The weight, while it counts."""
    start: float = 0.0
    """Share of the steps before it counts, in [0, 1]."""
    end: float = 1.0
    """Share of the steps after which it counts no more, in [0, 1]."""

    def __post_init__(self) -> None:
        require_number("Schedule.value", self.value)
        require_number("Schedule.start", self.start, at_least=0, at_most=1)
        require_number("Schedule.end", self.end, at_least=self.start, at_most=1)

    def at(self, step: int, steps: int) -> float:
        """The weight in a step of so many."""
        return self.value if self.start * steps <= step < self.end * steps else 0.0


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
    loss_weights: Mapping[str, float | Schedule] = field(default_factory=dict)
    """Weights by the name of the loss, in place of the usual ones of the model or beside them."""
    averaging: float = 0.995
    """Decay of the moving average of the weights, which is what comes out."""
    save_every: int = 500
    seed: int = 0
    devices: int = 1

    def __post_init__(self) -> None:
        require_type("loss_weights", self.loss_weights, Mapping)
        for name, weight in self.loss_weights.items():
            if not isinstance(weight, Schedule):
                require_number(f"weight of the loss {name!r}", weight)
        for name in ("steps", "batch_size", "block", "save_every", "devices"):
            value = getattr(self, name)
            require(
                isinstance(value, int) and value > 0,
                f"{name} must be an integer > 0, got {value!r}",
            )


def fit(
    model: Model,
    make_example: Callable[[np.random.Generator], Example],
    config: FitConfig,
    *,
    folder: Path,
    resume: bool = True,
    progress: bool = True,
    watch: Callable[[int, Model], object] | None = None,
) -> tuple[Model, list[dict[str, float]]]:
    """Train a model on the weighted sum of its losses.

    Parameters
    ----------
    model : Learner
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
        after each. It may look, as a `cifviz.training.snapshots.SnapshotRecorder` does, but change
        nothing.

    Returns
    -------
    model : Learner
        With the averaged weights, in evaluation mode, on the CPU.
    history : list of dict
        Means of each `MEAN_OF` steps: "loss", the weighted sum, and its parts, not weighted. With
        several devices only the first process returns; the others end here, so that what follows
        training is done once.

    Raises
    ------
    CheckpointError
        If ``last.ckpt`` was made with other settings.
    CIFError
        If a weight is given for a loss that the model does not have.
    """
    for name in config.loss_weights:
        require_choice("loss", name, [*model.loss_weights, *model.further_losses])
    # 1. Devices, and what an interrupted run is resumed from.
    # Not "auto": Apple's GPUs have no float64, in which weights are summed.
    fabric = Fabric(
        devices=config.devices, accelerator="cuda" if torch.cuda.is_available() else "cpu"
    )
    fabric.launch()
    fabric.seed_everything(config.seed, verbose=False)
    path = folder / "last.ckpt"
    learner, state = _begun(fabric, model, config)
    if resume and path.exists():
        state = _resume(fabric, path, state)
    optimizer, average = state["optimizer"], state["average"]

    # 2. The steps that are left.
    learner.train()
    averaged: Any = average.module.eval()
    if watch is None or not fabric.is_global_zero:
        watch = _ignore
    watch(state["step"], averaged)
    batches = _Batches(model, make_example, config, fabric.global_rank)
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
        weights = loss_weights(model, config, step)
        wanted = [name for name, weight in weights.items() if weight]
        losses = learner(batch.to(fabric.device), wanted=wanted)
        losses = {"loss": total_loss(losses, weights), **losses}
        fabric.backward(share * losses["loss"])
        fabric.clip_gradients(learner, optimizer, max_norm=config.clip, error_if_nonfinite=True)
        optimizer.step()
        optimizer.zero_grad()
        average.update_parameters(model)
        _note(fabric, state, losses, config)
        if state["history"] and not state["sums"]:
            bar.set_postfix(state["history"][-1])
        watch(step + 1, averaged)
        if (step + 1) % config.save_every == 0 and step + 1 < config.steps:
            _save(fabric, path, state)

    # 3. One process goes on.
    fabric.barrier()
    if not fabric.is_global_zero:
        raise SystemExit(0)
    return averaged.cpu(), state["history"]


def _begun(fabric: Fabric, model: Learner, config: FitConfig) -> tuple[Any, dict[str, Any]]:
    """The model as the devices train it, and the state of a run that begins."""
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.averaging))
    optimizer = torch.optim.AdamW(
        model.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )
    learner, optimizer = fabric.setup(model, optimizer)
    return learner, {
        "model": model,
        "average": average.to(fabric.device),
        "optimizer": optimizer,
        "step": 0,
        "history": [],
        "sums": {},
        "config": json.dumps([asdict(config), model.config.to_dict()], sort_keys=True),
    }


def _ignore(step: int, model: Learner) -> None:
    """The `watch` of a training that nothing looks at."""


def _note(
    fabric: Fabric, state: dict[str, Any], losses: Mapping[str, torch.Tensor], config: FitConfig
) -> None:
    """Count a step and add up its losses; each `MEAN_OF` steps their means go into the history."""
    sums, step = state["sums"], state["step"]
    for name, value in losses.items():
        sums[name] = sums.get(name, 0.0) + float(value.detach())
    state["step"] = step + 1
    if (step + 1) % MEAN_OF == 0 or step + 1 == config.steps:
        count = step % MEAN_OF + 1
        total: Any = fabric.all_reduce({k: torch.tensor(v) for k, v in sums.items()})
        means = {name: round(float(value) / count, 5) for name, value in total.items()}
        state["history"].append({"step": step + 1, **means})
        state["sums"] = {}


def loss_weights(model: Learner, config: FitConfig, step: int) -> dict[str, float]:
    """The weight of each loss in a step: the model's usual ones, and those of the configuration."""
    asked = {
        name: weight.at(step, config.steps) if isinstance(weight, Schedule) else weight
        for name, weight in config.loss_weights.items()
    }
    return {**model.loss_weights, **asked}


def total_loss(losses: Mapping[str, torch.Tensor], weights: Mapping[str, float]) -> torch.Tensor:
    """The weighted sum of losses.

    Raises
    ------
    CIFError
        If one has no weight.

    Examples
    --------
    >>> losses = {"ctc": torch.tensor(3.0), "quantity": torch.tensor(1.0)}
    >>> total_loss(losses, {"ctc": 0.5, "quantity": 1.0, "even": 1.0})
    tensor(2.5000)
    """
    missing = [name for name in losses if name not in weights]
    if missing:
        raise CIFError(f"the model computes losses without a weight: {', '.join(missing)}")
    return torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()


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
        self,
        model: Learner,
        make_example: Callable[[np.random.Generator], Example],
        config: FitConfig,
        rank: int,
    ):
        self.model, self.make_example = model, make_example
        self.config, self.rank = config, rank
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
                Batch.collate(
                    *zip(*examples[start : start + size], strict=True), by=self.model.extras
                )
                for start in starts.tolist()
            ]
            self.made = block
        tokens = [max(1, int(batch.target_lengths.sum())) for batch in self.batches]
        return self.batches[place], tokens[place] * len(tokens) / sum(tokens)


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
