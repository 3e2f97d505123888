"""Configurations of systems: frozen, checked, and from plain values such as a file holds."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from typing import Any, Self, TypeVar, get_args, get_type_hints

from cifviz.audio.waveform import LogMel
from cifviz.errors import CIFError, require, require_choice, shown
from cifviz.systems.domain import DomainConfig, vocabulary_text
from cifviz.systems.encoder import EncoderConfig
from cifviz.timing import FrameGrid

Config = TypeVar("Config")


def checked_settings(
    name: str, values: object, known: Sequence[str], *, required: Sequence[str] = ()
) -> dict[str, Any]:
    """The settings of a model, or of a part of one.

    Parameters
    ----------
    name : str
        Whose they are, for messages.
    values : mapping of str to Any
        What a file says.
    known, required : sequence of str
        Keys that may be there, and those that must.

    Raises
    ------
    CIFError
        If it is no mapping, or a key is not known or not there.

    Examples
    --------
    >>> checked_settings("encoder", {"colour": "red"}, ["channels", "kernel"])
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: encoder setting must be one of 'channels', 'kernel', got 'colour'
    """
    if not isinstance(values, Mapping):
        raise CIFError(f"{name} configuration must be a Mapping, got {shown(values)}")
    for key in values:
        require_choice(f"{name} setting", key, known)
    missing = [key for key in required if key not in values]
    require(not missing, f"{name} configuration lacks {', '.join(missing)}")
    return dict(values)


def from_settings(kind: type[Config], name: str, values: object) -> Config:
    """A part of a configuration, of the dataclass `kind`, by its own ``from_dict`` if it has one.

    Raises
    ------
    CIFError
        If `values` is no mapping, or a key is not known or not there.
    """
    from_dict = getattr(kind, "from_dict", None)
    if from_dict is not None:
        require(
            isinstance(values, Mapping),
            f"{name} configuration must be a Mapping, got {shown(values)}",
        )
        made: Config = from_dict(values)
        return made
    known, required = _keys(kind)
    return kind(**checked_settings(name, values, known, required=required))


def _keys(kind: type) -> tuple[list[str], list[str]]:
    """All fields of a dataclass, and those without a default."""
    settings = fields(kind)
    required = [one.name for one in settings if one.default is one.default_factory is MISSING]
    return [one.name for one in settings], required


@dataclass(frozen=True)
class SystemConfig:
    """What every system is told: everything that makes it, but for its weights.

    A system derives its own from this one. A field whose type is a dataclass is a part, read by
    that class's ``from_dict`` or from its fields; ``from_dict`` demands every part that has no
    plain default.

    Examples
    --------
    >>> config = SystemConfig(("zero", "one"))
    >>> SystemConfig.from_dict(config.to_dict()) == config
    True
    """

    vocabulary: tuple[str, ...]
    """Distinct tokens, none empty, without control characters or halves of surrogate pairs."""
    features: LogMel = field(default_factory=LogMel)
    """How sound becomes frames of log-mel power; its sample rate is the model's."""
    domain: DomainConfig | None = field(default=None, kw_only=True)
    """Which sound is flagged as out of domain; None: nothing is, as nothing is known about it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocabulary", _tokens(self.vocabulary))

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many: a checkpoint is held against it."""
        return 0

    @property
    def vocabulary_text(self) -> str:
        """Size and kind of the vocabulary, in one line: "10 words: zero … nine"."""
        return vocabulary_text(self.vocabulary, self.domain.grammar if self.domain else "")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; an unknown key is refused, and one that is not there.

        Raises
        ------
        CIFError
            If a key is not known or lacks, or a value cannot be.
        """
        known = [one.name for one in fields(cls)]
        # What has a plain default may lack: it did in files written before it existed.
        required = [one.name for one in fields(cls) if one.default is MISSING]
        values = checked_settings("model", values, known, required=required)
        parts = {name: part for name, hint in get_type_hints(cls).items() if (part := _part(hint))}
        made: dict[str, Any] = {
            name: from_settings(part, name, values[name])
            for name, part in parts.items()
            if name in required or values.get(name) is not None
        }
        return cls(**{**values, **made})


@dataclass(frozen=True)
class EncoderSystemConfig(SystemConfig):
    """Of a system that begins with an `Encoder`."""

    encoder: EncoderConfig = field(default_factory=EncoderConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.input_dim == self.encoder.n_mels,
            f"the encoder expects {self.encoder.n_mels} values in a frame (n_mels), "
            f"it is given {self.input_dim}",
        )

    @property
    def input_dim(self) -> int:
        """Values in a frame that the encoder is given; mel bands unless a system says otherwise."""
        return self.features.n_mels

    @property
    def grid(self) -> FrameGrid:
        """Clock of the encoder's frames."""
        return self.features.grid.downsampled(self.encoder.down_sampling)

    @property
    def num_layers(self) -> int:
        """Layers with weights of their own, at least so many."""
        return self.encoder.num_layers


def _part(hint: Any) -> type | None:
    """The dataclass in the type of a field, if there is one."""
    kinds = [one for one in (get_args(hint) or (hint,)) if is_dataclass(one)]
    return kinds[0] if kinds else None  # type: ignore[return-value]


def _tokens(vocabulary: Any) -> tuple[str, ...]:
    """A vocabulary, if it is one: its tokens are written to files and shown."""
    is_list = isinstance(vocabulary, Sequence) and not isinstance(vocabulary, str | bytes)
    tokens = tuple(vocabulary) if is_list else ()
    for token in tokens:
        if not isinstance(token, str) or not token or _is_control(token):
            raise CIFError(
                "a token of the vocabulary must be a text without control characters or halves of "
                f"surrogate pairs, not empty, got {shown(token)}"
            )
    require(len(set(tokens)) == len(tokens) > 0, "vocabulary must be distinct tokens, at least one")
    return tokens


def _is_control(token: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in token)
