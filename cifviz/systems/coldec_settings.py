"""The keys of CIF-ColDec's configurations: which count here, and which values of them there are.

Source: the section ``model`` of config/LibriSpeech/S0 … S4 and of base_config_descriptions.yaml
(github.com/MingLunHan/CIF-ColDec). The keys that a `ContextConfig` has mean what they mean there.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from cifviz.errors import CIFError, require, require_choice, require_type, shown

_TOKEN_ATTENTION = {
    "token_attention_topk_filter_mode": ("global",),
    "token_level_query": ("cif_outputs",),
    "screened_phrase_num": (5,),
    "use_integrated_token_embedding": (True,),
    "concat_phrase_embeddings": (False,),
    "add_phrase_embeddings": (True,),
    "token_attention_outputs_comb_location": ("decoder_outputs",),
    "token_embedding_fusion_type": ("concat",),
    "token_attention_type": ("simple_MHA",),
    "ctxt_token_attention_layer": (1,),
    "force_add_no_bias_option": (True,),
}
PHRASES_ALONE: Mapping[str, Collection[Any]] = {"use_token_attention": (False,)}
"""Values of a network without attention to tokens."""
TOKENS_TOO: Mapping[str, Collection[Any]] = {"use_token_attention": (True,), **_TOKEN_ATTENTION}
"""Values of a network with attention to the tokens of phrases, that of S4."""
AVAILABLE: Mapping[str, Collection[Any]] = {
    # The network and its list.
    "use_coldec": (True,),
    "phrases_type": ("text",),
    "max_phrase_len": (30,),
    "use_no_bias_option": (True,),
    "direct_predict": (False,),
    "contextual_encoder": ("san",),
    "ctxt_encoder_self_attention_type": ("dot_product",),
    "ctxt_attention_dropout": (0.0,),
    "nar_decoder_use_triangle_bias": (True,),
    "proximity_bias": (True,),
    "simple_ctxt_attention": (False,),
    "ctxt_attention_layer": (1,),
    "integration_mode": ("concat",),
    "ctxt_inputs_query_text": (True,),
    "ctxt_inputs_query_pinyin": (False,),
    "use_augmented_history": (False,),
    # Its training.
    "train_used_ngram_per_utt": (1,),
    "average_mode": ("global",),
    "disable_contextual_phrases_generation_op": (False,),
    "disable_contextual_phrases_uniq_op": (False,),
    "ls_type": ("uniform",),
    "using_confidence_penalty": (False,),
    "token_contextual_ce_loss_lambda": (0.0,),
    "freeze_specific_variables": (True,),
    "freeze_contextual_encoder": (False,),
    # Decoding.
    "joint_ctc_cif_decoding": (False,),
    "joint_ctxt_cif_decoding": (True,),
    "only_ctxt_greedy_decoding": (False,),
    "use_asi": (False,),
}
"""Keys that say what is built or done, and which values of them there are here."""
RECOGNISER = frozenset(
    "model_name vocab_size char_vocab_path pinyin_vocab_path use_cnn_frontend conv_norm_type "
    "down_sample_conv_num_layers down_sample_conv_num_filters additional_module "
    "additional_module_num_layers additional_module_num_filters num_frame_stacking "
    "num_frame_striding self_attention_type num_heads hidden_size filter_size ffn_layer "
    "layer_preprocess_sequence layer_postprocess_sequence norm_type norm_epsilon pos "
    "attention_key_channels attention_value_channels parameter_attention_key_channels "
    "parameter_attention_value_channels max_relative_position num_encoder_layers "
    "encoder_self_attention_type sa_pooling_layers num_decoder_layers decoder_self_attention_type "
    "use_conformer_encoder conformer_conv_width use_sin_rel_dot_product conformer_add_pad_mask "
    "rel_pos_version use_teacher_forcing use_pss pss_rate use_chunk_hopping chunk_size hop_size "
    "ch_type ch_fixed_future_size load_trained_offline_model ch_cif_dir "
    "layer_prepostprocess_dropout attention_dropout relu_dropout "
    "shared_embedding_and_softmax_weights multiply_embedding_mode symbol_modality_num_shards "
    "produce_weights_type conv_cif_num_layers conv_cif_width_string conv_cif_num_filters "
    "conv_cif_dropout dense_cif_units cif_weight_threshold use_scaling_strategy use_tail_handling "
    "add_eos_to_target ctc_loss_on_encoder ctc_loss_lambda quantity_loss_lambda "
    "use_pretrained_cif_body pretrained_cif_body_model_path".split()
)
"""Keys of the recogniser, which is frozen: passed over."""
ELSEWHERE = frozenset(
    # The training loop, the devices and the augmentation.
    "loss_multiplier calculated_loss use_specaugment F T mF mT p new_specaugment ps use_fp16 "
    "use_hvd_optimizer use_hvd_Adasum log_and_see use_utter_id sal_end_training_step_num "
    # Sizes that follow from the vocabulary.
    "ctxt_text_vocab_size ctxt_pinyin_vocab_size "
    # Where a list comes from: here it is given with the sound.
    "eval_used_ngram_per_utt use_specific_phrases specific_phrases_path use_random_phrases "
    "random_phrases_path use_utt_specific_phrases utt_specific_phrases_path "
    # Details of what is switched off by another key.
    "cp_lambda tccl_start_training_step_num augmented_history_length "
    "augmented_query_integration_type joint_decoding_lambda joint_only_ctc joint_ctc_temperature "
    "joint_cif_temperature".split()
)
"""Keys that say nothing of the context network or its decoding: passed over."""


def context_settings(
    values: Mapping[str, Any], own: Collection[str], available: Mapping[str, Collection[Any]]
) -> dict[str, Any]:
    """What the section ``model`` of a configuration says of the context network.

    Parameters
    ----------
    values : mapping of str to Any
        The section, with all its keys or some of them.
    own : collection of str
        Keys that are settings here.
    available : mapping of str to collection
        Of further keys the values that there are, beside `AVAILABLE`.

    Returns
    -------
    dict of str to Any
        The values of the keys in `own`, not checked.

    Raises
    ------
    CIFError
        If a key is unknown, or has a value that there is not here.

    Examples
    --------
    >>> values = {"num_c_batch": 8, "num_encoder_layers": 17, "use_asi": False}
    >>> context_settings(values, ["num_c_batch"], PHRASES_ALONE)
    {'num_c_batch': 8}
    >>> context_settings({"use_asi": True}, ["num_c_batch"], PHRASES_ALONE)
    Traceback (most recent call last):
    ...
    cifviz.errors.CIFError: use_asi of CIF-ColDec must be one of False, got True
    """
    require_type("a configuration of CIF-ColDec", values, Mapping)
    require(
        not isinstance(values.get("model"), Mapping),
        'expected the section "model" of a configuration of CIF-ColDec, got all sections',
    )
    limits = {**AVAILABLE, **available}
    passed_over = RECOGNISER | ELSEWHERE | _TOKEN_ATTENTION.keys()
    for key, value in values.items():
        if key in own:
            continue
        if key in limits:
            require_choice(f"{key} of CIF-ColDec", value, limits[key])
        elif key not in passed_over:
            known = sorted({*own, *limits, *passed_over})
            near = difflib.get_close_matches(str(key), known, n=1)
            meant = f"; {near[0]} is one" if near else ""
            raise CIFError(f"{shown(key)} is no key of CIF-ColDec's configurations{meant}")
    return {key: value for key, value in values.items() if key in own}
