"""`DIALECTS`: every dialect by its name."""

from __future__ import annotations

from cifviz.core.dialects import (
    cif_pytorch,
    funasr_cif,
    funasr_cif_v1,
    kairumo,
    paraformer_dynamic,
    paraformer_v1,
    paraformer_v2,
    soft,
    sophgo_seaco,
    spacemit_cif,
    spacemit_cif_wo_hidden,
    torch_cif,
    ultravox_cformer,
    w2v_cif_bert,
)
from cifviz.core.dialects._contract import Dialect
from cifviz.errors import require_choice


class _Dialects(dict[str, Dialect]):
    """A dict that answers an unknown name with the known ones."""

    def __missing__(self, name: object) -> None:
        require_choice("dialect", name, self)  # it is none of them: this raises


DIALECTS: dict[str, Dialect] = _Dialects(
    {
        module.DIALECT.name: module.DIALECT
        for module in (
            cif_pytorch,
            torch_cif,
            funasr_cif,
            funasr_cif_v1,
            paraformer_v1,
            paraformer_v2,
            paraformer_dynamic,
            w2v_cif_bert,
            ultravox_cformer,
            spacemit_cif,
            spacemit_cif_wo_hidden,
            sophgo_seaco,
            kairumo,
            soft,
        )
    }
)
"""The dialects by name, in the order in which to learn them."""
