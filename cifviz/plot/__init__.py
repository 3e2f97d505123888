"""Pictures of Continuous Integrate-and-Fire, with matplotlib: Axes first, all times in seconds.

A function takes what it draws, draws on the one Axes given as ``ax`` and returns the artists. Only
`panel`, `error_panel` and `edge_panel` make figures. The numbers behind the pictures are in
`cifviz.plot.geometry` and `cifviz.plot.quantiles`.
"""

from __future__ import annotations

from cifviz.plot.curves import accumulation, fires, log_mel, mass_axis, waveform, weights
from cifviz.plot.dialects import dialect_lanes
from cifviz.plot.edges import edge_panel
from cifviz.plot.errors import error_histogram, error_over_time, error_panel, error_shares
from cifviz.plot.palette import STYLE, token_style
from cifviz.plot.panels import panel, panel_alt, panel_png
from cifviz.plot.tokens import contributions, token_spans

__all__ = [
    "STYLE",
    "accumulation",
    "contributions",
    "dialect_lanes",
    "edge_panel",
    "error_histogram",
    "error_over_time",
    "error_panel",
    "error_shares",
    "fires",
    "log_mel",
    "mass_axis",
    "panel",
    "panel_alt",
    "panel_png",
    "token_spans",
    "token_style",
    "waveform",
    "weights",
]
