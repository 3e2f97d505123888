"""The keys of CIF-ColDec's configurations are understood, and mean what they mean there."""

import pytest

from cifviz.errors import CIFError
from cifviz.systems.coldec_settings import (
    AVAILABLE,
    ELSEWHERE,
    PHRASES_ALONE,
    RECOGNISER,
    TOKENS_TOO,
    context_settings,
)
from cifviz.systems.context_network import ContextConfig
from cifviz.systems.finecos import FineCoSContextConfig

# Facts of config/LibriSpeech/S1 in github.com/MingLunHan/CIF-ColDec: what its section "model" says.
S1 = {
    "model_name": "cif_coldec",
    "vocab_size": 3726,
    "num_heads": 8,
    "hidden_size": 512,
    "attention_key_channels": None,
    "proximity_bias": True,
    "num_encoder_layers": 17,
    "sa_pooling_layers": [5, 10],
    "num_decoder_layers": 2,
    "rel_pos_version": "3",
    "use_chunk_hopping": False,
    "layer_prepostprocess_dropout": 0.1,
    "cif_weight_threshold": 0.99999,
    "calculated_loss": "contextual_ce_loss, quantity_loss, ctc_loss_on_encoder",
    "label_smoothing": 0.2,
    "ls_type": "uniform",
    "using_confidence_penalty": False,
    "cp_lambda": 0.0,
    "ctc_loss_lambda": 0.0,
    "quantity_loss_lambda": 0.0,
    "span_alignment_loss_lambda": 0.0,
    "sal_end_training_step_num": None,
    "token_contextual_ce_loss_lambda": 0.0,
    "use_coldec": True,
    "phrases_type": "text",
    "contextual_content": "1gram,2gram,3gram,4gram",
    "num_c_batch": 8,
    "average_mode": "global",
    "max_phrase_len": 30,
    "ctxt_text_vocab_size": 3728,
    "disable_contextual_phrases_generation_op": False,
    "use_no_bias_option": True,
    "train_used_ngram_per_utt": 1,
    "train_p_keep": 0.7,
    "eval_used_ngram_per_utt": 1,
    "use_specific_phrases": False,
    "specific_phrases_path": "hotwords.txt",
    "direct_predict": False,
    "contextual_encoder": "san",
    "num_ctxt_encoder_layers": 4,
    "ctxt_num_heads": 8,
    "nar_decoder_use_triangle_bias": True,
    "ctxt_encoder_hidden_size": 512,
    "ctxt_encoder_filter_size": 2048,
    "ctxt_encoder_self_attention_type": "dot_product",
    "ctxt_encoder_position_encoding_type": "",
    "ctxt_layer_prepostprocess_dropout": 0.0,
    "ctxt_attention_dropout": 0.0,
    "num_ctxt_decoder_layers": 2,
    "use_augmented_history": False,
    "augmented_history_length": 3,
    "simple_ctxt_attention": False,
    "ctxt_attention_layer": 1,
    "integration_mode": "concat",
    "ctxt_inputs_query_text": True,
    "ctxt_inputs_query_pinyin": False,
    "use_token_attention": False,
    "token_attention_topk_filter_mode": "global",
    "token_level_query": "cif_outputs",
    "screened_phrase_num": 5,
    "use_integrated_token_embedding": True,
    "concat_phrase_embeddings": False,
    "add_phrase_embeddings": True,
    "token_attention_outputs_comb_location": "decoder_outputs",
    "token_embedding_fusion_type": "concat",
    "token_attention_type": "simple_MHA",
    "ctxt_token_attention_layer": 1,
    "force_add_no_bias_option": True,
    "use_specaugment": True,
    "F": 27,
    "ps": 0.03,
    "joint_ctc_cif_decoding": False,
    "joint_decoding_lambda": 0.0,
    "joint_ctxt_cif_decoding": True,
    "joint_ctxt_temperature": 1.0,
    "only_ctxt_greedy_decoding": False,
    "coldec_lambda": 0.5,
    "topk_renormalize": False,
    "renormalize_topk_num": 10,
    "use_asi": False,
    "use_pretrained_cif_body": True,
    "freeze_specific_variables": True,
    "freeze_contextual_encoder": False,
    "use_fp16": True,
    "use_utter_id": False,
}
# What the others change.
S0 = {**S1, "use_coldec": False}
S2 = {**S1, "topk_renormalize": True}
S3 = {**S1, "ctxt_encoder_position_encoding_type": "org_transformer_pe"}
S4 = {**S3, "use_token_attention": True}
SIZES = ContextConfig(
    num_ctxt_encoder_layers=4,
    ctxt_num_heads=8,
    ctxt_encoder_hidden_size=512,
    ctxt_encoder_filter_size=2048,
    num_ctxt_decoder_layers=2,
)


def changed(**settings):
    return ContextConfig(**{**vars(SIZES), **settings})


def test_published_configurations_are_understood():
    assert ContextConfig.from_coldec(S1) == SIZES
    assert ContextConfig.from_coldec(S2) == changed(topk_renormalize=True)
    positions = {"ctxt_encoder_position_encoding_type": "org_transformer_pe"}
    assert ContextConfig.from_coldec(S3) == changed(**positions)
    # Their file says that the third does not purify, though it was decoded so.
    purified = ContextConfig.from_coldec(S3, topk_renormalize=True)
    assert purified == changed(**positions, topk_renormalize=True)


def test_the_last_is_a_network_with_attention_to_tokens():
    found = FineCoSContextConfig.from_coldec({**S4, "screened_phrase_num": 3})
    assert found == FineCoSContextConfig(
        **{**vars(ContextConfig.from_coldec(S3))}, screened_phrase_num=3
    )
    assert not found.topk_renormalize
    assert FineCoSContextConfig.from_coldec(S4, topk_renormalize=True).topk_renormalize
    with pytest.raises(CIFError, match="use_token_attention .* must be one of True, got False"):
        FineCoSContextConfig.from_coldec(S3)


def test_what_another_system_does_is_refused():
    with pytest.raises(CIFError, match="use_coldec of CIF-ColDec must be one of True, got False"):
        ContextConfig.from_coldec(S0)
    with pytest.raises(CIFError, match="use_token_attention .* must be one of False, got True"):
        ContextConfig.from_coldec(S4)


def test_a_network_with_attention_to_tokens_takes_the_keys_of_it():
    own = {*vars(SIZES), "screened_phrase_num"}
    found = context_settings(S4, own, TOKENS_TOO)
    assert found == {**context_settings(S3, own, PHRASES_ALONE), "screened_phrase_num": 5}
    with pytest.raises(CIFError, match="use_token_attention .* must be one of True, got False"):
        context_settings(S3, own, TOKENS_TOO)
    with pytest.raises(CIFError, match="token_attention_topk_filter_mode .*'global', got 'local'"):
        context_settings({**S4, "token_attention_topk_filter_mode": "local"}, own, TOKENS_TOO)


def test_a_loss_on_where_fires_look_has_the_weight_that_is_said():
    found = ContextConfig.from_coldec({**S1, "span_alignment_loss_lambda": 0.3})
    assert found == changed(span_alignment_loss_lambda=0.3)


def test_a_section_may_lack_keys():
    assert ContextConfig.from_coldec({}) == ContextConfig()
    assert ContextConfig.from_coldec({"coldec_lambda": 0.3}) == ContextConfig(coldec_lambda=0.3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"use_asi": True}, "use_asi of CIF-ColDec must be one of False, got True"),
        ({"direct_predict": True}, "direct_predict .* must be one of False, got True"),
        ({"ctxt_inputs_query_pinyin": True}, "ctxt_inputs_query_pinyin .* False, got True"),
        ({"phrases_type": "pinyin"}, "phrases_type .* must be one of 'text', got 'pinyin'"),
        ({"integration_mode": "add"}, "integration_mode .* must be one of 'concat', got 'add'"),
        ({"max_phrase_len": 50}, "max_phrase_len of CIF-ColDec must be one of 30, got 50"),
        ({"coldec_lamda": 0.3}, "'coldec_lamda' is no key of .*; coldec_lambda is one$"),
        ({"zzzzzz": 0.3}, "'zzzzzz' is no key of CIF-ColDec's configurations$"),
        ({3: 0.3}, "3 is no key of CIF-ColDec's configurations"),
        ({"no_bias_mas": "alone"}, "'no_bias_mas' is no key of .*"),
        ({"model": S1}, 'expected the section "model" of a .*, got all sections'),
        ({"coldec_lambda": 1.5}, "coldec_lambda must be a number >= 0 and <= 1, got 1.5"),
        ({"coldec_lambda": None}, "coldec_lambda must be a number >= 0 and <= 1, got None"),
        ({"topk_renormalize": "yes"}, "topk_renormalize must be a bool, got 'yes'"),
        ({"ctxt_encoder_position_encoding_type": "sin"}, "position_encoding_type must be one of"),
        ({"contextual_content": "1gram;2gram"}, 'contextual_content must be such as "1gram,2gram"'),
        ({"ctxt_num_heads": 7}, "ctxt_num_heads must divide .*, got 7 and 512"),
    ],
)
def test_what_there_is_not_here_is_one_error(change, message):
    with pytest.raises(CIFError, match=message):
        ContextConfig.from_coldec({**S1, **change})


@pytest.mark.parametrize("values", [None, [], "model"])
def test_what_is_no_section_is_one_error(values):
    with pytest.raises(CIFError, match="a configuration of CIF-ColDec must be a Mapping, got"):
        ContextConfig.from_coldec(values)


def test_no_key_has_two_meanings():
    own = set(vars(SIZES))
    kinds = [own, set(AVAILABLE), set(TOKENS_TOO), set(RECOGNISER), set(ELSEWHERE)]
    assert sum(map(len, kinds)) == len(set().union(*kinds))
    assert PHRASES_ALONE.keys() < TOKENS_TOO.keys()
