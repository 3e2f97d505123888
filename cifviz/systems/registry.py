"""The systems by name: a new one adds its line here, and is found by everything else."""

from __future__ import annotations

from collections.abc import Mapping

from cifviz.errors import CIFError
from cifviz.systems.attention import AttentionRecognizer
from cifviz.systems.base import System
from cifviz.systems.blank_weighted import BlankWeightedRecognizer
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.coldec import ColDecRecognizer
from cifviz.systems.coldec_tokens import ColDecTokensRecognizer
from cifviz.systems.context_aware import ContextAwareRecognizer
from cifviz.systems.ctc import CTCRecognizer
from cifviz.systems.fastlr import FastLRRecognizer
from cifviz.systems.finecos import FineCoSRecognizer
from cifviz.systems.hieradist import HieraDistRecognizer
from cifviz.systems.intermediate_ctc import IntermediateCTCRecognizer
from cifviz.systems.lip_attention import LipAttentionRecognizer
from cifviz.systems.mask_ctc import MaskCTCRecognizer
from cifviz.systems.paraformer import ParaformerRecognizer
from cifviz.systems.phone_cif import PhoneCIFRecognizer
from cifviz.systems.seaco import SeACoRecognizer
from cifviz.systems.self_conditioned_ctc import SelfConditionedCTCRecognizer
from cifviz.systems.simultaneous import SimultaneousTranslator
from cifviz.systems.spiking import SpikingRecognizer
from cifviz.systems.upsampled import UpsampledRecognizer
from cifviz.systems.w2v_cif_bert import W2VCIFBertRecognizer
from cifviz.systems.wait_k import WaitKTranslator

SYSTEMS: Mapping[str, type[System]] = {
    "cif": CIFRecognizer,
    "ctc": CTCRecognizer,
    "intermediate-ctc": IntermediateCTCRecognizer,
    "self-conditioned-ctc": SelfConditionedCTCRecognizer,
    "mask-ctc": MaskCTCRecognizer,
    "attention": AttentionRecognizer,
    "upsampled": UpsampledRecognizer,
    "blank-weighted": BlankWeightedRecognizer,
    "context-aware": ContextAwareRecognizer,
    "coldec": ColDecRecognizer,
    "coldec-tokens": ColDecTokensRecognizer,
    "finecos": FineCoSRecognizer,
    "seaco": SeACoRecognizer,
    "paraformer": ParaformerRecognizer,
    "phone-cif": PhoneCIFRecognizer,
    "simultaneous": SimultaneousTranslator,
    "wait-k": WaitKTranslator,
    "spiking": SpikingRecognizer,
    "fastlr": FastLRRecognizer,
    "lip-attention": LipAttentionRecognizer,
    "hieradist": HieraDistRecognizer,
    "w2v-cif-bert": W2VCIFBertRecognizer,
}
"""What ``config.json`` names under "system"."""


def system_name(model: System) -> str:
    """The name under which the class of a model is registered.

    Raises
    ------
    CIFError
        If it is not.
    """
    for name, kind in SYSTEMS.items():
        if kind is type(model):
            return name
    raise CIFError(
        f"{type(model).__name__} is no registered system: expected one of {list(SYSTEMS)}, "
        "a line in cifviz.systems.registry"
    )
