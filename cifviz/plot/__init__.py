"""Pictures of Continuous Integrate-and-Fire, with matplotlib: Axes first, all times in seconds.

A function takes what it draws, draws on the one Axes given as ``ax`` and returns the artists. Only
`panel`, `rows_panel`, `error_panel` and `edge_panel` make figures. The numbers behind the pictures
are in `cifviz.plot.geometry`, `cifviz.alignment.mass_times` and `cifviz.metrics`. Importing this
package registers how a transcription and a report show themselves in a notebook (`cifviz.display`).
"""

from __future__ import annotations

from cifviz import display
from cifviz.metrics import Report
from cifviz.plot.attention_maps import phrase_attention, phrase_token_attention
from cifviz.plot.bias_curves import bias_weight_curves, list_size_curves
from cifviz.plot.comparison_figures import latency_lines, token_error_bars
from cifviz.plot.curves import accumulation, fires, mass_axis, weights
from cifviz.plot.decoding_figures import count_lanes, decoding_grid
from cifviz.plot.dialect_figure import dialect_lanes
from cifviz.plot.edge_figure import edge_panel
from cifviz.plot.error_figures import error_histogram, error_over_time, error_panel, error_shares
from cifviz.plot.gradients import gradient_arrows
from cifviz.plot.membranes import membrane, spike_raster
from cifviz.plot.palette import STYLE, token_style
from cifviz.plot.panels import panel, panel_alt, panel_png
from cifviz.plot.row_figure import rows_panel
from cifviz.plot.rows import token_rows
from cifviz.plot.sampler_figure import sampler_masks
from cifviz.plot.signals import log_mel, waveform
from cifviz.plot.snapshot_figures import snapshot_strip, training_curves
from cifviz.plot.staircases import read_write_staircase
from cifviz.plot.tail_figures import residual_histogram, tail_errors, tail_lanes
from cifviz.plot.tier_lanes import tier_lanes
from cifviz.plot.token_lanes import contributions, token_spans
from cifviz.plot.track import Track
from cifviz.plot.tracks import TRACKS
from cifviz.systems.transcription import Transcription

__all__ = [
    "STYLE",
    "TRACKS",
    "Track",
    "accumulation",
    "bias_weight_curves",
    "contributions",
    "count_lanes",
    "decoding_grid",
    "dialect_lanes",
    "edge_panel",
    "error_histogram",
    "error_over_time",
    "error_panel",
    "error_shares",
    "fires",
    "gradient_arrows",
    "latency_lines",
    "list_size_curves",
    "log_mel",
    "mass_axis",
    "membrane",
    "panel",
    "panel_alt",
    "panel_png",
    "phrase_attention",
    "phrase_token_attention",
    "read_write_staircase",
    "residual_histogram",
    "rows_panel",
    "sampler_masks",
    "snapshot_strip",
    "spike_raster",
    "tail_errors",
    "tail_lanes",
    "tier_lanes",
    "token_error_bars",
    "token_rows",
    "token_spans",
    "token_style",
    "training_curves",
    "waveform",
    "weights",
]

display.register(Transcription, lambda transcription: panel(transcription)._repr_png_())
display.register(Report, lambda report: error_panel(report)._repr_png_())
