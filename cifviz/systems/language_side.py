"""`LanguageSide`: pretrained layers of a language model that read what a CIF fired.

One interface has two forms. A "masked" one, such as BERT, looks at a sentence from both ends and
says of each place what it makes of it. A "causal" one, such as a GPT, says of each place what it
expects there, from the places before it. The layers are those of `transformers`, with the extra
``cifviz[lm]``; the embeddings are those of the system's vocabulary alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from cifviz.core.validation import valid_mask
from cifviz.errors import (
    CheckpointError,
    require,
    require_choice,
    require_integer,
    require_type,
    shown,
)
from cifviz.systems.text_models import TextModel, transformers

KINDS = ("none", "masked", "causal")
MOST_POSITIONS = 512
"""Places that are read at once, at most, the special ones included."""
_FIXED: Mapping[str, Any] = {
    "vocab_size": 1,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": None,
}
"""The table of embeddings is not used: what is read comes as vectors."""
_LAYERS = ("num_hidden_layers", "num_layers", "n_layer")


@dataclass(frozen=True)
class LanguageConfig:
    """What a `LanguageSide` is built from."""

    kind: str = "none"
    """"masked", "causal", or "none": there is no language model."""
    dim: int = 128
    """Width of its embeddings and states; without one, of the layer in front of the output."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Configuration of the layers, as `transformers` keeps it in config.json."""
    tuned: bool = False
    """Whether its layers are trained; its embeddings never are."""
    name: str = ""
    """Where it comes from."""

    def __post_init__(self) -> None:
        require_choice("language.kind", self.kind, KINDS)
        require_integer("language.dim", self.dim, above=0)
        require_type("language.settings", self.settings, Mapping)
        require_type("language.name", self.name, str)
        require(
            isinstance(self.tuned, bool),
            f"language.tuned must be True or False, got {shown(self.tuned)}",
        )
        object.__setattr__(self, "settings", dict(self.settings))
        if self.kind != "none":
            require(
                isinstance(self.settings.get("model_type"), str),
                'language.settings must name the "model_type" of transformers, '
                f"got {shown(self.settings.get('model_type'))}",
            )

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many."""
        counts = [self.settings[name] for name in _LAYERS if name in self.settings]
        whole = [one for one in counts if isinstance(one, int) and one > 0]
        return max(whole, default=0) if self.kind != "none" else 0

    @classmethod
    def of(
        cls, model: TextModel, *, tuned: bool = False, layers: int | None = None, kind: str = ""
    ) -> LanguageConfig:
        """That of a pretrained model.

        Parameters
        ----------
        model : TextModel
        tuned : bool
            Whether its layers are to be trained.
        layers : int > 0, optional
            Take the first ones alone; default: all.
        kind : {"masked", "causal"}, optional
            By default "masked" where the tokenizer has a token for classifiers, as BERT's has.
        """
        settings = {**model.layers.config.to_dict(), **_FIXED}
        name = next((one for one in _LAYERS if one in settings), None)
        if layers is not None:
            require(name is not None, f"{model.name} does not say how many layers it has")
            require_integer("layers", layers, above=0, at_most=settings[name])
            settings[name] = layers
        kind = kind or ("causal" if model.tokenizer.cls_token_id is None else "masked")
        dim = model.layers.get_input_embeddings().weight.shape[1]
        return cls(kind, dim, _plain(settings), tuned, model.name)


class LanguageSide(nn.Module):
    """Layers of a language model over vectors of its embeddings' space.

    Parameters
    ----------
    config : LanguageConfig
        Of the kind "masked" or "causal".
    vocabulary : int
        Tokens of the system.

    Attributes
    ----------
    embed : nn.Embedding
        Of the system's tokens and, behind them, of what begins and what ends a text. It is not
        trained.
    layers : nn.Module
        Of `transformers`, with random weights until `fill` is called.

    Raises
    ------
    CheckpointError
        If the extra ``cifviz[lm]`` is not installed, or the settings are not those of a model.
    """

    def __init__(self, config: LanguageConfig, vocabulary: int):
        super().__init__()
        self.config = config
        self.begin, self.end = vocabulary, vocabulary + 1
        self.embed = nn.Embedding(vocabulary + 2, config.dim)
        self.embed.weight.requires_grad = False
        self.layers = _layers(config)
        if not config.tuned:
            self.layers.requires_grad_(False)

    def fill(self, model: TextModel, vocabulary: Sequence[str]) -> None:
        """Take weights and embeddings of a pretrained model.

        Raises
        ------
        CIFError
            If it is another model than the configuration says, or lacks a token.
        """
        ids = [*model.ids(vocabulary), model.begin, model.end]
        rows = model.embeddings(ids)
        own = self.layers.state_dict()
        given = model.layers.state_dict()
        table = _table_name(model.layers)
        wrong = [
            name
            for name, value in own.items()
            if name != table and (name not in given or given[name].shape != value.shape)
        ]
        require(
            not wrong and rows.shape == self.embed.weight.shape,
            f"{model.name} is not the model of language.settings: {wrong[:3] or 'its width'}",
        )
        kept = {name: value for name, value in given.items() if name in own and name != table}
        self.layers.load_state_dict(kept, strict=False)
        with torch.no_grad():
            self.embed.weight.copy_(rows)

    def train(self, mode: bool = True) -> LanguageSide:
        """Dropout of layers that are not trained stays off."""
        super().train(mode)
        if not self.config.tuned:
            self.layers.eval()
        return self

    def forward(self, vectors: Tensor, counts: Tensor) -> Tensor:
        """A state for each place.

        Parameters
        ----------
        vectors : Tensor (batch, tokens, dim)
            Embeddings of tokens, or what stands for them.
        counts : Tensor (batch,), integers
            Tokens of each utterance.

        Returns
        -------
        Tensor (batch, tokens, dim)
            Masked: what the layers make of each place, among all of them, between the begin and the
            end. Causal: what they make of the place before it, the begin before the first. Zero
            behind the last token. Of more tokens than fit, each run of `MOST_POSITIONS` is read by
            itself.
        """
        window = MOST_POSITIONS - 2
        parts = [
            self._read(
                vectors[:, first : first + window], (counts - first).clamp(min=0, max=window)
            )
            for first in range(0, vectors.shape[1], window)
        ]
        return torch.cat(parts, dim=1) if parts else vectors

    def _read(self, vectors: Tensor, counts: Tensor) -> Tensor:
        """The states of vectors that are read at once."""
        batch, tokens, _ = vectors.shape
        place = torch.arange(tokens, device=vectors.device)
        real = place < counts.unsqueeze(1)
        vectors = vectors.masked_fill(~real.unsqueeze(2), 0)
        begin = self.embed.weight[self.begin].to(vectors.dtype).expand(batch, 1, -1)
        if self.config.kind == "causal":
            given = torch.cat([begin, vectors[:, :-1]], dim=1)
            states = self._states(given, counts.clamp(min=1))
        else:
            end = self.embed.weight[self.end].to(vectors.dtype)
            given = torch.cat([begin, vectors, torch.zeros_like(begin)], dim=1)
            is_end = torch.arange(tokens + 2, device=vectors.device) == counts.unsqueeze(1) + 1
            given = torch.where(is_end.unsqueeze(2), end, given)
            states = self._states(given, counts + 2)[:, 1:-1]
        return states.masked_fill(~real.unsqueeze(2), 0)

    def _states(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        mask = valid_mask(lengths, vectors.shape[1]).long()
        extra = {"use_cache": False} if self.config.kind == "causal" else {}
        states: Tensor = self.layers(
            inputs_embeds=vectors, attention_mask=mask, **extra
        ).last_hidden_state
        return states


def _layers(config: LanguageConfig) -> nn.Module:
    """The layers of a configuration, with a table of one row."""
    library = transformers()
    settings = {**config.settings, **_FIXED}
    kind = settings.pop("model_type")
    try:
        known = library.AutoConfig.for_model(kind).to_dict()
        described = library.AutoConfig.for_model(
            kind, **{name: value for name, value in settings.items() if name in known}
        )
        layers: Any = library.AutoModel.from_config(described, trust_remote_code=False)
    except Exception as error:  # its errors have no common class
        raise CheckpointError(
            f"language.settings are not those of a model of type {kind!r}"
        ) from error
    if getattr(layers, "pooler", None) is not None:
        layers.pooler = None  # a summary of a whole sentence, which nothing here looks at
    own: nn.Module = layers.float()
    return own


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON can hold of settings; how attention is computed and what was loaded is left out."""
    left_out = ("_", "attn_implementation", "auto_map", "quantization_config", "architectures")
    return {
        name: value
        for name, value in settings.items()
        if not name.startswith(left_out) and _is_plain(value)
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_plain(one) for name, one in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _table_name(layers: nn.Module) -> str:
    """The name of the table of embeddings among the weights."""
    table: Any = layers.get_input_embeddings()  # type: ignore[operator]
    names = {id(module): name for name, module in layers.named_modules()}
    return f"{names[id(table)]}.weight"
