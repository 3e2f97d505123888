"""Moonshine in torch, so that it can be trained further, and the table of its text decoder.

The package of `cifviz.audio.moonshine` holds graphs of ONNX Runtime with weights of eight bits.
Here these are read as numbers, into the encoder of `transformers`. Its states are a few per cent
off those of the graph, which rounds what is between its layers to eight bits, too. What is needed
comes with the extras ``cifviz[english]`` and ``cifviz[lm]``.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cifviz.audio.moonshine import DIM, LONGEST, Moonshine, load_moonshine, num_frames
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.core.validation import valid_mask
from cifviz.errors import AudioError, CheckpointError, require, require_integer, require_type
from cifviz.systems.text_models import HOW_TO_GET, transformers

LAYERS = 6
"""Of the encoder."""
TABLE = "model.decoder.embed_tokens.weight_merged_0"
"""The decoder's table of embeddings in its graph."""
_PROJECTIONS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")
_SCALE, _SHIFT = "/groupnorm/Mul", "/groupnorm/Add"


class LowerLayers:
    """The encoder of Moonshine without its last layers: what these are given.

    Parameters
    ----------
    tuned_layers : int
        How many are left out, from 1 to 5.

    Raises
    ------
    CheckpointError
        If an extra is not installed.
    """

    grid = Moonshine.grid

    def __init__(self, tuned_layers: int):
        require_integer("tuned_layers", tuned_layers, above=0, at_most=LAYERS - 1)
        self._kept = LAYERS - tuned_layers
        self._encoder = _torch_encoder()

    @torch.inference_mode()
    def states(self, waveform: Waveform) -> Tensor:
        """What the first of the last layers is given for a sound (frames, 288).

        As many frames as Moonshine has states, and at the same times.

        Raises
        ------
        AudioError
            If the sound is not at 16 kHz or longer than half a minute.
        """
        require_type("waveform", waveform, Waveform)
        require(
            waveform.sample_rate == SAMPLE_RATE and waveform.duration <= LONGEST,
            f"expected at most {LONGEST:g} s of sound at {SAMPLE_RATE} Hz, got "
            f"{waveform.duration:.1f} s at {waveform.sample_rate} Hz",
            AudioError,
        )
        if not num_frames(len(waveform.samples)):
            return torch.zeros(0, DIM)
        samples = torch.from_numpy(waveform.samples)[None]
        found = self._encoder(samples, output_hidden_states=True)
        hidden: Tensor = found.hidden_states[self._kept][0]
        return hidden.clone()


class LastLayers(nn.Module):
    """The last layers of Moonshine's encoder and the normalisation behind them, to be trained.

    Parameters
    ----------
    layers : int
        How many, from 1 to 5. Their weights are random until `fill` is called.

    Raises
    ------
    CheckpointError
        If `transformers` is not installed.
    """

    def __init__(self, layers: int):
        super().__init__()
        require_integer("layers", layers, above=0, at_most=LAYERS - 1)
        encoder = _untrained()
        self.layers: Any = encoder.layers[LAYERS - layers :]
        self.norm = encoder.layer_norm
        self.positions: Any = encoder.rotary_emb

    def fill(self) -> None:
        """Take the pretrained weights.

        Raises
        ------
        CheckpointError
            If the extra ``cifviz[english]`` is not installed.
        """
        encoder = _torch_encoder()
        with torch.no_grad():
            self.layers.load_state_dict(encoder.layers[LAYERS - len(self.layers) :].state_dict())
            self.norm.load_state_dict(encoder.layer_norm.state_dict())

    def forward(self, hidden: Tensor, frame_lengths: Tensor) -> Tensor:
        """States (batch, frames, 288), zero at padded frames, of what `LowerLayers` gives."""
        frames = hidden.shape[1]
        if not frames:
            return hidden
        real = valid_mask(frame_lengths, frames)
        seen = valid_mask(frame_lengths.clamp(min=1), frames)
        mask = seen[:, None, None, :].expand(-1, 1, frames, -1)
        places = torch.arange(frames, device=hidden.device).unsqueeze(0)
        positions = self.positions(hidden, position_ids=places)
        for layer in self.layers:
            hidden = layer(
                hidden,
                attention_mask=mask,
                position_ids=places,
                position_embeddings=positions,
            )
        states: Tensor = self.norm(hidden)
        return states.masked_fill(~real.unsqueeze(2), 0)


@functools.cache
def load_lower_layers(tuned_layers: int) -> LowerLayers:
    """`LowerLayers`, loaded once."""
    return LowerLayers(tuned_layers)


@functools.cache
def decoder_table() -> Tensor:
    """Embeddings of the tokens of Moonshine's text decoder (32768, 288), by their ids.

    Raises
    ------
    CheckpointError
        If an extra is not installed.
    """
    values = _values(_graph("decoder_model_merged.ort"))
    return _dequantised(values, f"{TABLE}_quantized")


@functools.cache
def _torch_encoder() -> Any:
    """The encoder with the pretrained weights, in evaluation mode."""
    encoder = _untrained().eval()
    weights = _encoder_weights()
    found = encoder.load_state_dict(weights, strict=False)
    missing = [name for name in found.missing_keys if "inv_freq" not in name]
    require(
        not missing and not found.unexpected_keys,
        f"the graph of Moonshine lacks {missing[:3]} or has {found.unexpected_keys[:3]} too much",
        CheckpointError,
    )
    return encoder


def _untrained() -> Any:
    """The encoder with random weights; those of `MoonshineConfig` are the sizes of tiny-en."""
    library = transformers()
    config = library.MoonshineConfig(attn_implementation="sdpa")
    return library.MoonshineModel(config).encoder


def _graph(name: str) -> Any:
    """A graph of the package as onnx reads it, which is not the format that it comes in."""
    moonshine = load_moonshine()
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise CheckpointError(
            f"reading the weights of Moonshine needs onnx, which is not installed: {HOW_TO_GET}"
        ) from error
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.onnx"
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(
            moonshine.content(name), options, providers=["CPUExecutionProvider"]
        )
        return onnx.load(path).graph


def _values(graph: Any) -> dict[str, np.ndarray]:
    from onnx import numpy_helper

    return {one.name: numpy_helper.to_array(one) for one in graph.initializer}


def _encoder_weights() -> dict[str, Tensor]:
    """Weights of the encoder by the names that they have in `transformers`."""
    graph = _graph("encoder_model.ort")
    values = _values(graph)
    nodes = {node.name: node for node in graph.node}
    found = {}

    # 1. Weights of eight bits, which belong to the product of the layer that they are named after.
    for number in range(LAYERS):
        for part in (*_PROJECTIONS, "mlp.fc1", "mlp.fc2"):
            name = f"layers.{number}.{part}"
            inputs = nodes[f"/{name.replace('.', '/').replace('layers/', 'layers.')}/MatMul_quant"]
            (quantised,) = (one for one in inputs.input if _is_weight(one))
            found[f"{name}.weight"] = _dequantised(values, quantised).T.contiguous()

    # 2. The others, most of which have their names.
    for name, value in values.items():
        plain = name.removesuffix("_add_tensor")
        is_named = plain.endswith((".weight", ".bias")) and "onnx::" not in plain
        if is_named:
            found[plain] = torch.from_numpy(value.copy())
    for node, name in ((_SCALE, "groupnorm.weight"), (_SHIFT, "groupnorm.bias")):
        (key,) = (one for one in nodes[node].input if one in values)
        found[name] = torch.from_numpy(values[key].reshape(-1).copy())
    return found


def _is_weight(name: str) -> bool:
    return name.startswith("onnx::") and name.endswith("_quantized")


def _dequantised(values: Mapping[str, np.ndarray], name: str) -> Tensor:
    """``(q − zero point) · scale`` of weights with one scale."""
    stem = name.removesuffix("_quantized")
    zero, scale = (values[f"{stem}_{one}"].astype(np.float32) for one in ("zero_point", "scale"))
    return torch.from_numpy((values[name].astype(np.float32) - zero) * scale)
