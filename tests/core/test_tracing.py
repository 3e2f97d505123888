"""One compiled or exported program serves batches and utterances of every size."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor
from torch._dynamo.testing import CompileCounterWithBackend
from torch.export import Dim, export

from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.losses import quantity_loss
from cifviz.core.module import CIF, CIFConfig
from cifviz.core.soft_alignment import SoftCIF
from cifviz.core.tail import TailRule, above, dynamic
from tests.repeats import others_long

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:.*should not be instantiated:DeprecationWarning"
    ),  # Dynamo's
    # Dynamo's too, where a graph breaks and what crosses the break has a gradient.
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a:UserWarning"),
]

MOST = 60
"""Size of the fires axis."""
Batch = tuple[Tensor, Tensor, Tensor, Tensor]
"""Weights, encoder output, frame lengths and target lengths."""


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def batch(size: int, frames: int) -> Batch:
    generator = torch.Generator().manual_seed(100 * size + frames)
    return (
        torch.rand(size, frames, generator=generator).requires_grad_(),
        torch.randn(size, frames, 8, generator=generator).requires_grad_(),
        torch.randint(1, frames + 1, (size,), generator=generator),
        torch.randint(0, 6, (size,), generator=generator),
    )


def small(**settings: object) -> CIF:
    torch.manual_seed(0)
    sizes = {"encoder_embed_dim": 8, "conv_cif_output_channels_num": 8}
    return CIF(CIFConfig.from_dict({**sizes, **settings})).eval()


def soft() -> SoftCIF:
    torch.manual_seed(0)
    return SoftCIF(small().config, heads=2).eval()


def outputs(firing: Firing, targets: Tensor) -> tuple[Tensor, ...]:
    loss = quantity_loss(firing, targets)
    return firing.embeddings, firing.num_fires, firing.fire_positions, firing.residual, loss


def calls() -> dict[str, Callable[..., tuple[Tensor, ...]]]:
    cif, rounding = small(), small(pause_frames=2, produce_weight_type="depthwise")
    context = small(add_cif_ctxt_layers=True, cif_ctxt_attention_heads=2)

    def inference(tail: TailRule):
        def call(alpha: Tensor, encoder_out: Tensor, lengths: Tensor, targets: Tensor):
            rules = {"tail": tail, "max_fires": MOST}
            return outputs(
                integrate_and_fire(alpha, encoder_out, frame_lengths=lengths, **rules), targets
            )

        return call

    def training(alpha: Tensor, encoder_out: Tensor, lengths: Tensor, targets: Tensor):
        rules = {"target_lengths": targets, "max_fires": MOST}
        return outputs(
            integrate_and_fire(alpha, encoder_out, frame_lengths=lengths, **rules), targets
        )

    def module(cif: CIF, trained: bool):
        def call(_: Tensor, encoder_out: Tensor, lengths: Tensor, targets: Tensor):
            asked = targets if trained else None
            firing = cif(encoder_out, lengths, target_lengths=asked, max_fires=MOST)
            return outputs(firing, targets)

        return call

    return {
        "inference": inference(above(0.3)),
        "inference that scales": inference(dynamic),
        "training": training,
        "module in training": module(cif, trained=True),
        "module that rounds at pauses": module(rounding, trained=False),
        "module with context layers": module(context, trained=False),
        "module with soft sums": module(soft(), trained=False),
    }


SIZES = [(3 + step % 4, 11 + 5 * step) for step in range(10)]
"""Ten lengths, in batches of four sizes."""


REPEATED = ("inference", "training", "module in training", "module with soft sums")
"""What tests below compile or export too."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] if name in REPEATED else [])
        for name in sorted(calls())
    ],
)
def test_ten_lengths_need_two_or_three_graphs(name):
    call = calls()[name]
    counter = CompileCounterWithBackend("eager")
    compiled = torch.compile(call, fullgraph=True, backend=counter)
    for size in SIZES:
        torch.testing.assert_close(compiled(*batch(*size)), call(*batch(*size)))
    assert 1 <= counter.frame_count <= 3


def unlimited() -> dict[str, Callable[..., Tensor]]:
    """What is usually compiled: nobody says how many tokens there are at most."""
    cif, plain = small(), {"tail": above(0.3)}

    def firing(alpha: Tensor, encoder_out: Tensor, lengths: Tensor, targets: Tensor) -> Tensor:
        return integrate_and_fire(alpha, encoder_out, frame_lengths=lengths, **plain).embeddings

    def training(alpha: Tensor, encoder_out: Tensor, lengths: Tensor, targets: Tensor) -> Tensor:
        return integrate_and_fire(
            alpha, encoder_out, frame_lengths=lengths, target_lengths=targets
        ).embeddings

    def module(_: Tensor, encoder_out: Tensor, lengths: Tensor, targets: Tensor) -> Tensor:
        return cif(encoder_out, lengths).embeddings

    return {"integrate_and_fire": firing, "with target lengths": training, "CIF": module}


@pytest.mark.parametrize("fullgraph", [False, pytest.param(True, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", others_long(*unlimited()))
def test_ten_lengths_need_three_graphs_without_a_limit_of_fires(name, fullgraph):
    call = unlimited()[name]
    counter = CompileCounterWithBackend("eager")
    compiled = torch.compile(call, fullgraph=fullgraph, backend=counter)
    for size, frames in SIZES:  # where two sizes are one number, PyTorch takes them for one
        given = batch(size, frames + 20)
        torch.testing.assert_close(compiled(*given), call(*given))
    assert 1 <= counter.frame_count <= 3


def test_gradients_go_through_a_graph_that_broke_where_tokens_are_counted():
    call = unlimited()["CIF"]
    compiled = torch.compile(call, backend="aot_eager")
    for size in ((3, 12), (2, 31)):
        given = batch(*size)
        slopes = [
            torch.autograd.grad(one(*given).square().sum(), given[1]) for one in (compiled, call)
        ]
        torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-4)


def test_a_dynamic_graph_serves_all_lengths():
    call = calls()["module in training"]
    counter = CompileCounterWithBackend("eager")
    compiled = torch.compile(call, fullgraph=True, dynamic=True, backend=counter)
    for size in SIZES:
        torch.testing.assert_close(compiled(*batch(*size)), call(*batch(*size)))
    assert counter.frame_count == 1


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("inference", torch.float32),
        pytest.param("training", torch.float16, marks=pytest.mark.long),
    ],
)
def test_compiled_gradients_are_those_of_the_eager_code(name, dtype):
    """ "aot_eager" traces backward as "inductor" does, and needs no C++ compiler."""
    call = calls()[name]
    compiled = torch.compile(call, fullgraph=True, dynamic=True, backend="aot_eager")
    for size in ((3, 12), (2, 31)):
        alpha, encoder_out, *lengths = batch(*size)
        tensors = [one.detach().to(dtype).requires_grad_() for one in (alpha, encoder_out)]
        grads = []
        for one in (compiled, call):
            embeddings, _, positions, residual, loss = one(*tensors, *lengths)
            total = embeddings.float().square().sum() + positions.sum() + residual.sum() + loss
            grads.append(torch.autograd.grad(total, tensors))
        tolerance = 1e-4 if dtype == torch.float32 else 1e-2
        torch.testing.assert_close(*grads, rtol=tolerance, atol=tolerance)


def test_compiled_code_says_what_was_expected_of_the_values():
    compiled = torch.compile(calls()["inference"], fullgraph=True, backend="eager")
    alpha, *others = batch(3, 12)
    compiled(alpha, *others)
    with pytest.raises(RuntimeError, match="alpha must be finite, >= 0"):
        compiled(-alpha, *others)
    with pytest.raises(RuntimeError, match="alpha must come to at most max_fires tokens"):
        compiled(30 * alpha, *others)
    with pytest.raises(RuntimeError, match="frame_lengths must be >= 0 and not above"):
        compiled(alpha, others[0], others[1] + 20, others[2])


DYNAMIC = {"batch": Dim("batch"), "frames": Dim("frames")}


class Integration(torch.nn.Module):
    """`integrate_and_fire` as what `torch.export` takes."""

    def __init__(self, max_fires: int | None):
        super().__init__()
        self.max_fires = max_fires

    def forward(
        self, alpha: Tensor, encoder_out: Tensor, frame_lengths: Tensor, target_lengths: Tensor
    ) -> Firing:
        return integrate_and_fire(
            alpha,
            encoder_out,
            frame_lengths=frame_lengths,
            target_lengths=target_lengths,
            max_fires=self.max_fires,
        )


def assert_same_firing(one: Firing, other: Firing) -> None:
    assert isinstance(one, Firing)
    for name in ("embeddings", "num_fires", "fire_positions", "contributions", "residual"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), msg=name)


@pytest.mark.parametrize("max_fires", [MOST, None])
@pytest.mark.parametrize("strict", [False, pytest.param(True, marks=pytest.mark.long)])
def test_an_exported_program_takes_other_batches_and_other_frames(strict, max_fires):
    size, frames = DYNAMIC["batch"], DYNAMIC["frames"]
    shapes = {
        "alpha": {0: size, 1: frames},
        "encoder_out": {0: size, 1: frames},
        "frame_lengths": {0: size},
        "target_lengths": {0: size},
    }
    module = Integration(max_fires)
    program = export(module, batch(2, 20), dynamic_shapes=shapes, strict=strict).module()
    for other in ((2, 20), (5, 33), (1, 7), (3, 1), (0, 5)):
        assert_same_firing(program(*batch(*other)), module(*batch(*other)))


@pytest.mark.parametrize("make", [small, soft])
def test_an_exported_module_takes_other_batches_and_other_frames(make):
    cif = make()
    _, encoder_out, lengths, _ = batch(2, 20)
    program = export(
        cif,
        (encoder_out, lengths),
        {"max_fires": MOST},
        dynamic_shapes={
            "encoder_out": {0: DYNAMIC["batch"], 1: DYNAMIC["frames"]},
            "frame_lengths": {0: DYNAMIC["batch"]},
            "max_fires": None,
        },
    ).module()
    for other in ((5, 33), (1, 7)):
        _, encoder_out, lengths, _ = batch(*other)
        expected = cif(encoder_out, lengths, max_fires=MOST)
        assert_same_firing(program(encoder_out, lengths, max_fires=MOST), expected)
