"""The keys of CIF-HieraDist's trainings that concern distillation, and which values there are here.

Source: ``CifCriterionConfig`` in fairseq/criterions/cif.py and ``add_args`` in
fairseq/models/speech_to_text/s2t_cif_transformer.py (github.com/MingLunHan/CIF-HieraDist).
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

from cifviz.errors import (
    CIFError,
    require,
    require_choice,
    require_integer,
    require_number,
    require_type,
    shown,
)

BORDER = 0.5
"""The probability of anything but the blank above which CTC finds a border."""


@dataclass(frozen=True)
class DistillationConfig:
    """What a language model teaches, in the keys of CIF-HieraDist, which mean the same.

    The defaults are the values of its published training of the best model for AISHELL-1, where
    that sets them; its code switches all of these losses off.
    """

    bert_distill_feat_dim: int = 768
    """Width of the teacher's states."""
    apply_cif_contrastive_dis_cos_loss: bool = True
    """Acoustic contrastive distillation: the fired embeddings learn."""
    cif_contrastive_dis_cos_loss_lambda: float = 1.0
    contrastive_temperature: float = 0.02
    num_contrastive_negative_samples: int = 700
    remove_overlap_in_negs: bool = True
    """Whether a token is left out of its own negatives."""
    apply_dec_state_dis_loss: bool = True
    """Linguistic regression distillation: the decoder's states learn."""
    dec_state_dis_loss_lambda: float = 0.01
    no_dim_scaling_for_mse_loss: bool = True
    """Whether squares are summed over the teacher's values; else their mean is taken."""
    use_ctc_constraint: bool = False
    """CTC-constrained CIF: between two borders of CTC weights should add up to one token."""
    align_loss_lambda: float = 1.0
    """How much that counts."""
    ctc_loss_lambda: float = 0.5
    quantity_loss_lambda: float = 1.0

    def __post_init__(self) -> None:
        for name in ("bert_distill_feat_dim", "num_contrastive_negative_samples"):
            require_integer(name, getattr(self, name), above=0)
        require_number("contrastive_temperature", self.contrastive_temperature, above=0)
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name.endswith("_lambda"):
                require_number(one.name, value, at_least=0)
            elif one.type == "bool":
                require(
                    isinstance(value, bool),
                    f"{one.name} must be True or False, got {shown(value)}",
                )

    @property
    def needs_teacher(self) -> bool:
        """Whether training asks for states of the teacher."""
        return self.apply_cif_contrastive_dis_cos_loss or self.apply_dec_state_dis_loss

    @classmethod
    def from_cif_hieradist(cls, values: Mapping[str, Any]) -> DistillationConfig:
        """What the arguments of a training of CIF-HieraDist say of distillation.

        Parameters
        ----------
        values : mapping of str to Any
            All arguments or some of them, such as ``vars(args)``. What is left out has the value
            that its code gives it, so without arguments nothing is distilled. Those of the
            recogniser, the data and the training loop are passed over.

        Raises
        ------
        CIFError
            If an argument that looks like one of these is unknown, or has a value that there is
            not here.

        Examples
        --------
        >>> values = {"apply_dec_state_dis_loss": True, "dec_state_dis_loss_lambda": 0.01}
        >>> config = DistillationConfig.from_cif_hieradist({**values, "encoder_layers": 15})
        >>> config.apply_dec_state_dis_loss, config.apply_cif_contrastive_dis_cos_loss
        (True, False)
        """
        require_type("arguments of CIF-HieraDist", values, Mapping)
        own = [one.name for one in fields(cls)]
        known = {*own, *AVAILABLE, *PASSED_OVER}
        for key, value in values.items():
            name = str(key)
            if name in AVAILABLE:
                require_choice(f"{name} of CIF-HieraDist", value, AVAILABLE[name])
            elif name not in known and any(word in name for word in _TELLING):
                near = difflib.get_close_matches(name, known, n=1)
                meant = f"; {near[0]} is one" if near else ""
                raise CIFError(f"{shown(key)} is no argument of CIF-HieraDist{meant}")
        return cls(**{**_OF_ITS_CODE, **{key: values[key] for key in own if key in values}})


_OF_ITS_CODE: Mapping[str, Any] = {
    "bert_distill_feat_dim": 768,
    "apply_cif_contrastive_dis_cos_loss": False,
    "cif_contrastive_dis_cos_loss_lambda": 0.0,
    "contrastive_temperature": 0.1,
    "num_contrastive_negative_samples": 300,
    "remove_overlap_in_negs": False,
    "apply_dec_state_dis_loss": False,
    "dec_state_dis_loss_lambda": 0.0,
    "no_dim_scaling_for_mse_loss": False,
    "use_ctc_constraint": False,
    "align_loss_lambda": 1.0,
    "ctc_loss_lambda": 0.25,
    "quantity_loss_lambda": 1.0,
}
"""Values that its code gives to arguments that are left out."""
AVAILABLE: Mapping[str, Collection[Any]] = {
    "apply_cif_dis_loss": (False,),
    "apply_cif_dis_cos_loss": (False,),
    "apply_cif_semantic_dis_loss": (False,),
    "apply_cif_cont_semantic_dis_loss": (False,),
    "apply_dec_state_cont_dis_loss": (False,),
    "cif_contrastive_dis_cos_loss_type": ("cos",),
    "sample_std_negs": (False,),
    "use_contextualized_cif_feats_for_distill": (False,),
    "fetch_decoder_states_from": ("pre_final_output_proj",),
    "ctc_prob_threshold": (BORDER,),
    "boost_qtt_loss": (False,),
    "no_eos_label": (False, True),
}
"""Arguments of other losses, and which values of them there are here."""
PASSED_OVER = frozenset(
    "apply_bert_distill apply_align_loss cif_dis_loss_lambda cif_dis_cos_loss_lambda "
    "cif_dis_cos_loss_boost cif_semantic_dis_loss_lambda cif_cont_semantic_dis_loss_lambda "
    "dec_state_cont_dis_loss_lambda dec_state_cont_dis_lambda_scheduler arccos_margin "
    "num_contrastive_semantic_negative_samples mix_std_neg_ratio".split()
)
"""Arguments that say nothing once those losses are switched off; "apply_align_loss" says again what
"use_ctc_constraint" says."""
_TELLING = ("dis_", "distill", "contrastive", "ctc_constraint", "align_loss", "_negs")
"""Parts of the names of arguments that are of distillation."""
