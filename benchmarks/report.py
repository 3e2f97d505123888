"""The measurements as a table, as goals that hold or not, and as a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cifviz.resources import write_atomically

Result = dict[str, Any]


def table(result: Result) -> str:
    """Times in milliseconds, forward and forward + backward, as Markdown."""
    names = list(result["shapes"][0]["contestants"])
    lines = [
        f"| batch × frames × dim | copy | {' | '.join(names)} | best peer / cifviz |",
        "|---|" + "---:|" * (len(names) + 2),
    ]
    for row in result["shapes"]:
        cells = [
            " × ".join(map(str, row["shape"])),
            f"{row['copy_ms']:.2f}",
            *(milliseconds(row["contestants"].get(name)) for name in names),
            f"{ratio(row, 'forward_ms'):.1f} / {ratio(row, 'both_ms'):.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def milliseconds(measured: Result | None) -> str:
    """Both times with three digits, or a dash for who did not run."""
    return f"{measured['forward_ms']:.3g} / {measured['both_ms']:.3g}" if measured else "–"


def ratio(row: Result, what: str) -> float:
    """How many times longer the best of the others takes."""
    times = {name: one[what] for name, one in row["contestants"].items()}
    own = times.pop("cifviz")
    return float(min(times.values()) / own)


def goals(result: Result) -> str:
    """What was asked of this library, what was measured, and whether that holds."""
    rows = result["shapes"]
    large = [row for row in rows if row["shape"][0] * row["shape"][1] >= 16_000]
    fast = [row for row in rows if row["shape"][0] == 16 or row in large]
    limit = [1.5 * row["output_bytes"] + 10 * row["alpha_bytes"] for row in rows]
    own = [row["contestants"]["cifviz"] for row in rows]
    per_frame = [row["us_per_frame"] for row in result["growth"][1:]]
    asked = [
        (
            "times faster than the best peer with batch 16 and the longest, forward + backward",
            [ratio(row, "both_ms") for row in fast],
            ">=",
            3,
        ),
        (
            "times faster than the best peer at all these shapes, forward alone or both",
            [ratio(row, what) for row in rows for what in ("forward_ms", "both_ms")],
            ">=",
            1,
        ),
        (
            "copies of the encoder output that the forward pass of a large shape takes",
            [row["contestants"]["cifviz"]["forward_ms"] / row["copy_ms"] for row in large],
            "<=",
            3,
        ),
        (
            "copies of the encoder output that both passes of a large shape take",
            [row["contestants"]["cifviz"]["both_ms"] / row["copy_ms"] for row in large],
            "<=",
            5,
        ),
        (
            "times faster than the best peer at the smallest shape, forward + backward",
            [ratio(row, "both_ms") for row in rows if row["shape"][0] * row["shape"][1] <= 50],
            ">=",
            2,
        ),
        (
            "copies of the encoder output that both passes hold beyond inputs and gradients",
            [
                row["contestants"]["cifviz"]["both_peak_bytes"] / row["input_bytes"]
                for row in large
                if "input_bytes" in row
            ],
            "<=",
            1,
        ),
        (
            "graphs that torch.compile makes over ten lengths",
            list(result.get("graphs", {}).values()),
            "<=",
            3,
        ),
        (
            "peak memory of the forward pass at these shapes, in 1.5 × output + 10 × weights",
            [one["forward_peak_bytes"] / most for one, most in zip(own, limit, strict=True)],
            "<=",
            1,
        ),
        (
            "peak memory of the backward pass beyond the gradients, in the same",
            [one["backward_peak_bytes"] / most for one, most in zip(own, limit, strict=True)],
            "<=",
            1,
        ),
        (
            "time of a frame in the slowest length against the fastest, from 10 000 frames on",
            [max(per_frame) / min(per_frame)] if per_frame else [],
            "<=",
            2,
        ),
    ]
    lines = []
    for text, measured, sign, bound in asked:
        if measured:
            worst = min(measured) if sign == ">=" else max(measured)
            holds = worst >= bound if sign == ">=" else worst <= bound
            lines.append(f"{'holds ' if holds else 'MISSED'}  {text}: {worst:.2f} ({sign} {bound})")
    return "\n".join(lines)


def streaming(result: Result) -> str:
    """Frames per second of streams fed in chunks, as Markdown."""
    lines = ["| streams | frames in a chunk | frames per second |", "|---:|---:|---:|"]
    lines += [
        f"| {row['streams']} | {row['chunk']} | {row['frames_per_second']:,.0f} |"
        for row in result["streaming"]
    ]
    return "\n".join(lines)


def draw(result: Result, path: Path, *, overwrite: bool = False) -> None:
    """Forward + backward of everybody on every shape, and how it grows with frames."""
    from matplotlib.figure import Figure

    from cifviz.plot.palette import STYLE, token_style

    figure = Figure(figsize=(10, 4), layout="constrained")
    bars, growth = figure.subplots(1, 2, width_ratios=(2.2, 1))
    names = list(result["shapes"][0]["contestants"])
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        measured = [
            (index, row["contestants"][name]["both_ms"])
            for index, row in enumerate(result["shapes"])
            if name in row["contestants"]
        ]
        at = [index + (place - (len(names) - 1) / 2) * width for index, _ in measured]
        bars.bar(
            at,
            [ms for _, ms in measured],
            width,
            label=name,
            color=token_style(place).colour,
            hatch=token_style(place).hatch,
            edgecolor="white",
            linewidth=0,
        )
    bars.set_yscale("log")
    bars.set_xticks(
        range(len(result["shapes"])),
        ["{} × {}\n× {}".format(*row["shape"]) for row in result["shapes"]],
    )
    bars.set_xlabel("batch × frames × dim")
    bars.set_ylabel("forward + backward (ms)")
    bars.legend(
        frameon=False, fontsize="small", ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1)
    )
    frames = [row["frames"] for row in result["growth"]]
    growth.loglog(frames, [row["both_ms"] for row in result["growth"]], "o-", color=STYLE["level"])
    growth.set_xlabel("frames (batch 1, dim 16)")
    growth.set_ylabel("cifviz, forward + backward (ms)")
    for axes in (bars, growth):
        axes.spines[["top", "right"]].set_visible(False)
    write_atomically(path, lambda part: figure.savefig(part, dpi=150), overwrite=overwrite)
