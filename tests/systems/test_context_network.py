"""The network that listens for phrases: by hand, and what must not change what it says."""

import math

import pytest
import torch

from cifviz.errors import CIFError
from cifviz.systems import context_network
from cifviz.systems.context_network import (
    AT_ONCE,
    ContextConfig,
    ContextNetwork,
    PhraseAttention,
    PhraseEncoder,
    PhraseMemory,
    causal_mask,
)

LISTS = torch.tensor([[[1, 2, -1], [3, -1, -1], [2, 1, 4]], [[4, 0, 1], [-1] * 3, [-1] * 3]])
SIZES = {"ctxt_encoder_hidden_size": 8, "ctxt_num_heads": 2, "ctxt_encoder_filter_size": 16}


with_query_layers_or_without = pytest.mark.parametrize("query_layers", [0, 2])


def made(seed=0, **settings):
    torch.manual_seed(seed)
    return ContextNetwork(ContextConfig(**{**SIZES, **settings}), 6, 5).eval()


def fired(batch=2, fires=7, seed=1):
    return torch.randn(batch, fires, 6, generator=torch.Generator().manual_seed(seed))


def output_of(network, ids=LISTS, embeddings=None, counts=(7, 3)):
    embeddings = fired() if embeddings is None else embeddings
    return network(embeddings, torch.tensor(counts), network.encode(ids))


# --- attention -----------------------------------------------------------------------------------


def by_hand(shares, heads=1, **settings):
    """Attention whose logits are the logarithms of the shares; "no bias" has the first."""
    values = torch.tensor(shares).log()
    config = ContextConfig(
        ctxt_encoder_hidden_size=heads, ctxt_num_heads=heads, ctxt_encoder_filter_size=1, **settings
    )
    attention = PhraseAttention(config, 1).eval()
    with torch.no_grad():
        for name, weight in attention.named_parameters():
            weight.zero_()
            if name in ("query.weight", "attention.out_proj.weight"):
                weight.fill_(1)
            if name == "attention.in_proj_weight":
                weight.copy_(torch.eye(heads).repeat(3, 1))
        attention.no_bias.copy_(values[0])
    memory = PhraseMemory(
        values[None, 1:], values[None, 1:, None], torch.zeros(1, len(shares) - 1, 1).long()
    )
    return attention(torch.ones(1, 2, 1), memory)


def test_by_hand_a_fire_looks_at_phrases_and_at_no_bias():
    read, weights = by_hand([[1.0], [3.0], [4.0]])
    torch.testing.assert_close(weights, torch.tensor([[[1.0, 3, 4]] * 2]) / 8)
    torch.testing.assert_close(
        read[0, :, 0], torch.tensor([3 * math.log(3) + 4 * math.log(4)] * 2) / 8
    )


@pytest.mark.parametrize(
    ("kept", "expected"),
    [(1, [1 / 5, 0, 4 / 5]), (2, [1 / 8, 3 / 8, 4 / 8]), (9, [1 / 8, 3 / 8, 4 / 8])],
)
def test_by_hand_purification_keeps_no_bias_and_the_phrases_looked_at_most(kept, expected):
    read, weights = by_hand([[1.0], [3.0], [4.0]], topk_renormalize=True, renormalize_topk_num=kept)
    torch.testing.assert_close(weights[0, 0], torch.tensor(expected))
    looked = expected[1] * math.log(3) + expected[2] * math.log(4)
    torch.testing.assert_close(read[0, 0, 0], torch.tensor(looked))


def test_by_hand_all_heads_keep_the_same_phrase_that_of_their_mean():
    """One head: 1, 8 and 1 of ten parts; the other: 2, 1 and 1 of four. Mean shares of the phrases:
    0.525 and 0.175. What is kept: 1 : 8 and 2 : 1."""
    settings = {"topk_renormalize": True, "renormalize_topk_num": 1}
    _, weights = by_hand([[1.0, 2.0], [8.0, 1.0], [1.0, 1.0]], heads=2, **settings)
    torch.testing.assert_close(weights[0, 0], torch.tensor([1 / 9 + 2 / 3, 8 / 9 + 1 / 3, 0]) / 2)


def test_in_training_nothing_is_purified():
    settings = {"topk_renormalize": True, "renormalize_topk_num": 1}
    purified, plain = made(**settings), made()
    assert (output_of(purified).attention[0, :, 1:] > 0).sum() == 7
    torch.testing.assert_close(
        output_of(purified.train()).attention, output_of(plain.train()).attention
    )


def test_rows_sum_to_one_and_no_phrase_is_looked_at_that_is_none():
    for network in (made(), made(topk_renormalize=True, renormalize_topk_num=2)):
        attention = output_of(network).attention
        torch.testing.assert_close(attention.sum(dim=2), torch.ones(2, 7))
        assert (attention[1, :, 2:] == 0).all() and (attention[1, :, 1] > 0).all()


def test_without_a_phrase_all_look_at_no_bias():
    network = made()
    for ids in (torch.zeros(2, 0, 0).long(), torch.full((2, 3, 2), -1)):
        output = output_of(network, ids)
        assert output.logits.isfinite().all() and output.logits.shape == (2, 7, 6)
        assert (output.attention[:, :, 0] == 1).all()
    assert network.encode(torch.zeros(2, 0, 0).long()).vectors.shape == (2, 0, 8)


# --- phrases -------------------------------------------------------------------------------------


def test_without_positions_a_phrase_is_a_bag_of_tokens_and_with_them_it_is_none():
    for kind, alike in (("", True), ("org_transformer_pe", False)):
        network = made(ctxt_encoder_position_encoding_type=kind)
        ids = torch.tensor([[[1, 2, 3, -1], [3, 1, 2, -1], [1, 2, 3, 3]]])
        one, two, other = network.encode(ids).vectors[0]
        assert bool((one - two).abs().max() < 1e-5) is alike
        assert (one - other).abs().max() > 1e-3


@pytest.mark.parametrize("kind", ["", "org_transformer_pe"])
def test_a_phrase_is_the_mean_of_its_tokens_and_knows_no_other(kind):
    network = made(ctxt_encoder_position_encoding_type=kind)
    together = network.encode(LISTS)
    for ids, states, vector in zip(LISTS[0], together.states[0], together.vectors[0], strict=True):
        tokens = int((ids >= 0).sum())
        torch.testing.assert_close(vector, states[:tokens].mean(dim=0))
        torch.testing.assert_close(network.encode(ids[None, None, :tokens]).vectors[0, 0], vector)


def test_phrases_are_encoded_a_part_at_a_time(monkeypatch):
    """So memory beside the result is that of `AT_ONCE` phrases, however many there are."""
    torch.manual_seed(0)
    encoder = PhraseEncoder(ContextConfig(**SIZES), 5).eval()
    ids, seen = torch.randint(5, (1, 10_000, 3)), []
    encoder.attention.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    with torch.no_grad():
        whole = encoder(ids).vectors
        assert sum(seen) == 10_000 and max(seen) == AT_ONCE
        monkeypatch.setattr(context_network, "AT_ONCE", 10_000)
        torch.testing.assert_close(encoder(ids).vectors, whole)


def test_one_list_for_many_utterances_is_not_copied():
    memory = made().encode(LISTS[:1])
    many = memory.select(torch.zeros(50).long())
    for one, other in zip(vars(many).values(), vars(memory).values(), strict=True):
        assert one.shape == (50, *other.shape[1:]) and one.data_ptr() == other.data_ptr()
        assert torch.equal(one[49], other[0])
    both = made().encode(LISTS).select(torch.tensor([1, 0, 1]))
    assert torch.equal(both.ids, LISTS[[1, 0, 1]])
    assert both.valid.tolist() == [[True, False, False], [True, True, True], [True, False, False]]


def test_the_order_of_a_list_is_that_of_its_attention_and_nothing_else():
    order = torch.tensor([2, 0, 1])
    for network in (made(), made(topk_renormalize=True, renormalize_topk_num=2)):
        one, two = output_of(network), output_of(network, LISTS[:, order])
        torch.testing.assert_close(one.logits, two.logits, rtol=0, atol=1e-6)
        columns = torch.cat([torch.zeros(1).long(), order + 1])
        torch.testing.assert_close(one.attention[:, :, columns], two.attention, rtol=0, atol=1e-6)


def test_with_query_layers_a_fire_asks_for_phrases_by_its_neighbours_and_their_order():
    """Changed and swapped are fires 0 and 1; what fire 4 looks at is compared."""
    embeddings = fired()
    changed, swapped = embeddings.clone(), embeddings.clone()
    changed[0, 0] += 1
    swapped[0, [0, 1]] = embeddings[0, [1, 0]]
    for layers in (0, 1):
        network = made(num_ctxt_query_layers=layers)
        plain = output_of(network, embeddings=embeddings).attention[0, 4]
        for other in (changed, swapped):
            found = output_of(network, embeddings=other).attention[0, 4]
            assert bool((found - plain).abs().max() > 1e-5) == bool(layers)


# --- decoder -------------------------------------------------------------------------------------


@with_query_layers_or_without
def test_in_inference_it_computes_what_it_computes_in_training(query_layers):
    """PyTorch's Transformer has another path for inference, to which a number is True or False."""
    network = made(num_ctxt_query_layers=query_layers)
    expected = output_of(network.train()).logits
    with torch.inference_mode():
        found = output_of(network.eval()).logits
    for row, count in enumerate((7, 3)):
        torch.testing.assert_close(found[row, :count], expected[row, :count])


def test_a_fire_knows_those_before_it_and_their_order_alone():
    network, embeddings = made(), fired()
    plain = output_of(network).logits[0]
    later, swapped = embeddings.clone(), embeddings.clone()
    later[0, 4] += 1
    changed = output_of(network, embeddings=later).logits[0]
    assert torch.equal(changed[:4], plain[:4])
    assert ((changed[4:] - plain[4:]).abs().amax(dim=1) > 1e-4).all()
    swapped[0, [0, 1]] = embeddings[0, [1, 0]]
    assert (output_of(network, embeddings=swapped).logits[0, 4] - plain[4]).abs().max() > 1e-4


@with_query_layers_or_without
def test_alone_is_as_in_a_batch_whatever_stands_behind(query_layers):
    network, embeddings = made(num_ctxt_query_layers=query_layers), fired()
    embeddings[1, 3:] = 1e4
    together = output_of(network, embeddings=embeddings)
    for row, (count, phrases) in enumerate(((7, 3), (3, 1))):
        one = slice(row, row + 1)
        ids = LISTS[one, :phrases]
        alone = output_of(network, ids, embeddings[one, :count], counts=(count,))
        torch.testing.assert_close(together.logits[one, :count], alone.logits)
        attention = together.attention[one, :count, : 1 + phrases]
        torch.testing.assert_close(attention, alone.attention)


@with_query_layers_or_without
def test_without_a_fire_there_is_nothing_to_say(query_layers):
    network = made(num_ctxt_query_layers=query_layers)
    output = output_of(network, embeddings=torch.zeros(2, 0, 6), counts=(0, 0))
    assert output.logits.shape == (2, 0, 6) and output.attention.shape == (2, 0, 4)
    assert output_of(network, counts=(7, 0)).logits.isfinite().all()


@with_query_layers_or_without
def test_gradients_are_those_of_differences_and_reach_every_parameter(query_layers):
    network, counts = made(num_ctxt_query_layers=query_layers).double(), torch.tensor([4, 2])
    embeddings = fired(fires=4).double().requires_grad_()

    def logits(embeddings):
        output = network(embeddings, counts, network.encode(LISTS))
        return output.logits[0], output.logits[1, :2]

    assert torch.autograd.gradcheck(logits, embeddings)
    torch.cat(logits(embeddings)).square().sum().backward()
    assert {name for name, one in network.named_parameters() if not one.grad.any()} == set()


@with_query_layers_or_without
def test_under_autocast_it_says_about_the_same(query_layers):
    network = made(num_ctxt_query_layers=query_layers)
    plain = output_of(network)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = output_of(network)
    torch.testing.assert_close(output.attention.float(), plain.attention, rtol=0, atol=0.05)
    for row, count in enumerate((7, 3)):
        mine, its = output.logits[row, :count].float(), plain.logits[row, :count]
        torch.testing.assert_close(mine, its, rtol=0, atol=0.1)
    output.logits[0].float().sum().backward()
    assert all(one.grad is None or one.grad.isfinite().all() for one in network.parameters())


def test_the_mask_falls_with_the_distance_and_hides_what_comes_later():
    expected = [[0.0, -math.inf], [-math.log(2), 0.0]]
    torch.testing.assert_close(causal_mask(torch.zeros(3, 2, 5)), torch.tensor(expected))


# --- configuration -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_ctxt_encoder_layers": 0}, "num_ctxt_encoder_layers must be an integer > 0, got 0"),
        ({"num_ctxt_query_layers": -1}, "num_ctxt_query_layers must be an integer >= 0, got -1"),
        ({"num_c_batch": 1.5}, "num_c_batch must be an integer > 0, got 1.5"),
        ({"renormalize_topk_num": 0}, "renormalize_topk_num must be an integer > 0, got 0"),
        ({"ctxt_num_heads": 3}, "ctxt_num_heads must divide .*size, got 3 and 64"),
        ({"ctxt_layer_prepostprocess_dropout": 1.0}, "dropout must be a number >= 0 and < 1"),
        ({"train_p_keep": 1.1}, "train_p_keep must be a number >= 0 and <= 1, got 1.1"),
        (
            {"span_alignment_loss_lambda": -1},
            "span_alignment_loss_lambda must be a number >= 0, got -1",
        ),
        ({"coldec_lambda": -0.1}, "coldec_lambda must be a number >= 0 and <= 1, got -0.1"),
        ({"joint_ctxt_temperature": 0}, "joint_ctxt_temperature must be a number > 0, got 0"),
        ({"label_smoothing": 1}, "label_smoothing must be a number >= 0 and < 1, got 1"),
        ({"no_bias_mass": "both"}, "no_bias_mass must be one of 'alone', 'shared', got 'both'"),
        ({"contextual_content": ""}, "contextual_content must be such as \"1gram,2gram\", got ''"),
        ({"contextual_content": "0gram"}, "contextual_content must be such as .*, got '0gram'"),
        ({"contextual_content": 3}, "contextual_content must be such as .*, got 3"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(CIFError, match=message):
        ContextConfig(**settings)
