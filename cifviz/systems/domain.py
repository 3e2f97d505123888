"""Whether a sound is like those that a recogniser was trained on.

A recogniser of ten words makes words of everything: of other speech, of music, of drums. What
gives it away are the fired embeddings: those of known words lie near the mean of a class of the
training data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from cifviz.errors import CheckpointError, require, require_number, require_type
from cifviz.systems.weight_files import read_weights, stored_shapes

STATISTICS = "domain.safetensors"
"""Where a checkpoint keeps its `ClassStatistics`."""

SHRINKAGE = 0.1
"""How much of the covariance is replaced by a multiple of the identity."""

LONGEST_WORD = 16
"""Letters of a word in `vocabulary_text`."""


@dataclass(frozen=True)
class DomainConfig:
    """Which sound is out of the domain of a recogniser; ``domain`` in its ``config.json``.

    Learned after training: by `python -m experiments study domain-flag-NAME`.
    """

    bound: float
    """Mean distance of an utterance's embeddings above which it is flagged."""
    grammar: str = ""
    """Name of the grammar that the vocabulary is of."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "bound", require_number("domain bound", self.bound, above=0))
        require_type("domain grammar", self.grammar, str)


@dataclass(frozen=True, eq=False)
class ClassStatistics:
    """Means of the classes of embeddings, and the inverse root of the covariance that they share.

    Examples
    --------
    Two classes in one dimension, around −4 and 4. Their shared variance is 4 · 1² / (4 − 2) = 2
    (shrinkage does not change it in one dimension), so 5 is √(1² / 2) from the nearest mean:

    >>> embeddings = torch.tensor([[-5.0], [-3.0], [3.0], [5.0]])
    >>> statistics = ClassStatistics.fit(embeddings, torch.tensor([0, 0, 1, 1]))
    >>> statistics.means.flatten().tolist()
    [-4.0, 4.0]
    >>> round(float(statistics.distances(torch.tensor([[5.0]]))) ** 2, 3)
    0.5
    """

    means: Tensor
    """(classes, channels)"""
    whitening: Tensor
    """L⁻ᵀ (channels, channels), where the covariance is L Lᵀ."""

    @classmethod
    def fit(cls, embeddings: Tensor, classes: Tensor) -> ClassStatistics:
        """Statistics of embeddings of known classes.

        Parameters
        ----------
        embeddings : Tensor (tokens, channels)
        classes : Tensor (tokens,)
            Any integers. Classes without an embedding have no mean.

        Returns
        -------
        ClassStatistics
            The covariance is that of the embeddings around the means of their classes, divided by
            their number less the number of classes, and shrunk: ``0.9 Σ + 0.1 tr(Σ)/channels · I``.

        Raises
        ------
        CIFError
            If there are not more embeddings than classes, or all of a class are the same.
        """
        names, index = classes.unique(return_inverse=True)
        require(
            len(embeddings) > len(names),
            f"expected more embeddings than classes ({len(names)}), got {len(embeddings)}",
        )
        embeddings = embeddings.double()
        means = torch.stack([embeddings[index == one].mean(dim=0) for one in range(len(names))])
        inside = embeddings - means[index]
        covariance = inside.T @ inside / (len(embeddings) - len(names))
        variance = covariance.diagonal().mean()
        require(bool(variance > 0), "the embeddings of each class are all the same")
        identity = torch.eye(len(covariance), dtype=torch.float64)
        shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * variance * identity
        root = torch.linalg.cholesky(shrunk)
        whitening = torch.linalg.solve_triangular(root, identity, upper=False).T
        return cls(means.float(), whitening.float().contiguous())

    def distances(self, embeddings: Tensor) -> Tensor:
        """Mahalanobis distance of each embedding to the nearest mean (tokens,).

        Returns
        -------
        Tensor
            ``min_k √((e − μ_k)ᵀ Σ⁻¹ (e − μ_k))``: Lee et al. (2018), "A simple unified framework
            for detecting out-of-distribution samples and adversarial attacks".
        """
        whitened = embeddings.float() @ self.whitening
        return torch.cdist(whitened, self.means @ self.whitening).amin(dim=1)

    def to_bytes(self) -> bytes:
        """The content of the file that `load` reads."""
        return save({"means": self.means, "whitening": self.whitening})

    @classmethod
    def load(cls, folder: Path, channels: int) -> ClassStatistics:
        """Read the file beside the weights of a checkpoint.

        Raises
        ------
        CheckpointError
            If the file is missing or damaged, or holds something else for so many channels.
        """
        path = folder / STATISTICS
        stored = stored_shapes(path)
        classes = (stored.get("means") or (0,))[0]
        require(classes > 0, f"{path}: expected means (classes, {channels})", CheckpointError)
        expected = {"means": (classes, channels), "whitening": (channels, channels)}
        return cls(**read_weights(path, stored, expected))


def mean_distance(statistics: ClassStatistics | None, embeddings: Tensor) -> float | None:
    """Mean distance of an utterance's embeddings; None without statistics or embeddings."""
    if statistics is None or not len(embeddings):
        return None
    distance = float(statistics.distances(embeddings).mean())
    return distance if math.isfinite(distance) else None


def vocabulary_text(vocabulary: tuple[str, ...], grammar: str = "") -> str:
    r"""Size and kind of a vocabulary, in one line.

    >>> vocabulary_text(("zero", "one", "two"))
    '3 words: zero … two'
    >>> vocabulary_text(("bin", "blue"), "GRID")
    '2 words of the GRID grammar'
    >>> vocabulary_text(("two\nlines",))
    '1 word: two\\nlines'
    """
    counted = f"{len(vocabulary)} word{'' if len(vocabulary) == 1 else 's'}"
    if grammar:
        return f"{counted} of the {one_line(grammar)} grammar"
    ends = dict.fromkeys((vocabulary[0], vocabulary[-1]))
    return f"{counted}: {' … '.join(map(one_line, ends))}"


def one_line(text: str, most: int = LONGEST_WORD) -> str:
    r"""A text cut after `most` characters; what cannot be printed is escaped.

    >>> one_line("a\x1b[31m"), one_line("incomprehensibility")
    ('a\\x1b[31m', 'incomprehensibil…')
    """
    shown = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text[:most])
    return shown + ("…" if len(text) > most else "")
