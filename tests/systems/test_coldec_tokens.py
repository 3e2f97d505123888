"""Attention to the tokens of all phrases, in windows: what is kept of ColDec, and what is new."""

import math

import pytest
import torch
from torch.nn import functional

from cifviz.errors import CIFError
from cifviz.systems.base import Batch
from cifviz.systems.checkpoints import load_model, save_model
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.coldec import ColDecConfig, ColDecRecognizer
from cifviz.systems.coldec_tokens import (
    ColDecTokensConfig,
    ColDecTokensRecognizer,
    TokenContextConfig,
    TokenContextNetwork,
    Window,
)
from cifviz.systems.context_network import ContextConfig
from cifviz.systems.phrase_learner import PhraseLearner
from cifviz.systems.phrase_lists import collate_phrases, phrase_ids
from tests.systems.invariances import assert_padding_is_not_looked_at, batch_of
from tests.systems.tiny import VOCABULARY, noise, tiny_config

SMALL = {
    "ctxt_encoder_hidden_size": 8,
    "ctxt_encoder_filter_size": 16,
    "ctxt_num_heads": 2,
    "num_ctxt_decoder_layers": 1,
    "ctxt_window": 2,
}
MANY = [f"{one} {two}" for one in VOCABULARY for two in VOCABULARY[:3]]


def outspoken(network):
    """A network whose phrases and logits differ far more than by rounding."""
    with torch.no_grad():
        network.attention.query.weight.mul_(10)
        network.output.weight.mul_(5)
        network.output.bias[-1] -= 2
    return network.eval()


def tiny(seed=0, **settings):
    torch.manual_seed(seed)
    context = TokenContextConfig(**{**SMALL, **settings})
    model = ColDecTokensRecognizer(ColDecTokensConfig(**vars(tiny_config()), context=context))
    outspoken(model.context)
    return model.eval()


def tiny_network(seed=0, **settings):
    torch.manual_seed(seed)
    return outspoken(TokenContextNetwork(TokenContextConfig(**{**SMALL, **settings}), 6, 5))


def listed(*lists):
    return collate_phrases([phrase_ids(one, VOCABULARY) for one in lists])


# --- windows and attention -----------------------------------------------------------------------


def test_a_window_by_hand():
    """Three numbers 1, 2, 4 and one behind them that is none. The neighbour before counts tenfold,
    the one behind hundredfold: 1 + 200, 10 + 2 + 400, 20 + 4."""
    window = Window(1, 1, 1)
    with torch.no_grad():
        window.sum.weight.copy_(torch.tensor([[[10.0, 1.0, 100.0]]]))
        window.sum.bias.zero_()
    window.norm = torch.nn.Identity()
    window.norm.weight = torch.ones(1)
    made = window(torch.tensor([[[1.0], [2], [4], [8]]]), torch.tensor([3]))
    assert made[0, :3, 0].tolist() == [201, 412, 24]


def test_by_hand_attention_to_a_phrase_is_the_sum_over_its_tokens():
    """All states are 0, so "no bias" and the three tokens get a quarter each."""
    network = tiny_network()
    with torch.no_grad():
        network.attention.query.weight.zero_()
        network.attention.query.bias.zero_()
        network.attention.attention.in_proj_bias.zero_()
    output = network(
        torch.randn(1, 1, 6), torch.tensor([1]), network.encode(listed(["one", "two zero"]))
    )
    torch.testing.assert_close(output.attention, torch.tensor([[[0.25, 0.25, 0.5]]]))
    torch.testing.assert_close(
        output.token_attention, torch.tensor([[[0.25, 0.25, 0.0, 0.25, 0.25]]])
    )
    assert output.selected is None


def test_the_vector_of_a_phrase_is_the_mean_of_its_tokens():
    memory = tiny_network().encode(listed(["one two zero", "four"], ["two"]))
    torch.testing.assert_close(memory.vectors[0, 0], memory.states[0, 0].mean(dim=0))
    torch.testing.assert_close(memory.vectors[0, 1], memory.states[0, 1, 0])
    assert memory.valid.tolist() == [[True, True], [True, False]]
    assert not memory.vectors[1, 1].any()


def test_the_order_of_the_tokens_is_known():
    memory = tiny_network().encode(listed(["one two", "two one"]))
    assert (memory.vectors[0, 0] - memory.vectors[0, 1]).norm() > 0.1


def test_where_fires_look_is_taught_for_each_token():
    """One phrase of two tokens. All look alike at "no bias" and at both tokens; either token is
    right in one place, so ln 3, where attention to the whole phrase would make ln 3/2."""
    model = tiny(contextual_content="2gram", num_c_batch=1, train_p_keep=1.0)
    for parameter in model.context.parameters():
        torch.nn.init.zeros_(parameter)
    found = model.context_losses(
        torch.zeros(1, 2, 16), torch.tensor([2]), torch.tensor([[1, 3]]), wanted=("span_alignment",)
    )
    assert found["span_alignment"].item() == pytest.approx(math.log(3), rel=1e-5)


def test_gradients_are_those_of_differences():
    network = tiny_network(ctxt_encoder_hidden_size=4).double()
    counts, ids = torch.tensor([2, 1]), listed(MANY[:3], MANY[4:5])

    def logits(fired):
        return network(fired, counts, network.encode(ids)).logits

    assert torch.autograd.gradcheck(logits, torch.randn(2, 2, 6).double().requires_grad_())


def test_what_stands_behind_the_fires_and_the_phrases_is_not_looked_at():
    network, counts = tiny_network(), torch.tensor([4, 2])
    fired, ids = torch.randn(2, 4, 6), listed(MANY[:4], MANY[4:8])
    plain = network(fired, counts, network.encode(ids))
    louder = fired.clone()
    louder[1, 2:] = 10 * torch.randn(2, 6)
    padded = functional.pad(ids, (0, 3, 0, 2), value=-1)
    changed = network(louder, counts, network.encode(padded))
    for name in ("logits", "attention"):
        found, expected = getattr(changed, name), getattr(plain, name)
        found = found[:, :, : expected.shape[2]]
        torch.testing.assert_close(found[0], expected[0])
        torch.testing.assert_close(found[1, :2], expected[1, :2])


# --- as a system ---------------------------------------------------------------------------------


def test_without_a_list_it_is_the_recogniser():
    model = tiny()
    plain = CIFRecognizer(tiny_config()).eval()
    weights = model.state_dict()
    plain.load_state_dict({name: weights[name] for name in plain.state_dict()})
    expected = plain.transcribe(noise(1.5))
    for request in ({}, {"phrases": []}, {"phrases": MANY, "phrase_weight": 0.0}):
        found = model.transcribe(noise(1.5), **request)
        assert (found.tokens, found.scores) == (expected.tokens, expected.scores)


def assert_alike(one, two):
    """The same tokens, and attention to the same phrases."""
    assert one.tokens == two.tokens
    assert one.scores == pytest.approx(two.scores, abs=1e-5)
    shares = [
        dict(zip(bias.phrases, bias.attention[:, 1:].T, strict=True))
        for bias in (one.extras["phrase_bias"], two.extras["phrase_bias"])
    ]
    assert shares[0].keys() == shares[1].keys()
    for phrase, found in shares[0].items():
        torch.testing.assert_close(found, shares[1][phrase], rtol=0, atol=1e-5)


def test_a_list_in_another_order_has_its_attention_in_another_order():
    model = tiny()
    plain = model.transcribe(noise(2.0), phrases=MANY, phrase_weight=0.9)
    assert plain.tokens != plain.extras["phrase_bias"].unbiased
    for seed in range(3):
        order = torch.randperm(len(MANY), generator=torch.manual_seed(seed)).tolist()
        mixed = [MANY[one] for one in order]
        assert_alike(model.transcribe(noise(2.0), phrases=mixed, phrase_weight=0.9), plain)


def test_alone_is_as_in_a_batch():
    model = tiny()
    lists = [MANY[:7], [], ["four"], ["three four zero one", "two"], MANY, ["one"]]
    sounds = [noise(s, seed) for seed, s in enumerate([1.0, 1.5, 2.0, 1.013, 0.7, 0.0])]
    together = model.transcribe_batch(sounds, phrases=lists, phrase_weight=[0.9] * 6)
    assert together[-1].tokens == ()
    for sound, phrases, one in zip(sounds, lists, together, strict=True):
        alone = model.transcribe(sound, phrases=phrases, phrase_weight=0.9)
        assert one.tokens == alone.tokens
        if phrases:
            assert_alike(one, alone)
            bias = one.extras["phrase_bias"]
            assert bias.selected == () and bias.token_attention is None
            sums = bias.attention.sum(dim=1)
            torch.testing.assert_close(sums, torch.ones_like(sums), rtol=0, atol=1e-5)


def test_it_is_coldec_but_for_its_network():
    context = ContextConfig(**{name: size for name, size in SMALL.items() if name != "ctxt_window"})
    coldec = ColDecRecognizer(ColDecConfig(**vars(tiny_config()), context=context))
    ours, theirs = tiny().state_dict(), coldec.state_dict()
    other = {name for name in ours if name not in theirs or ours[name].shape != theirs[name].shape}
    assert {name.split(".")[1] for name in other} == {"phrases", "queries", "attention"}


def test_training_teaches_all_of_the_network_and_nothing_else():
    model = tiny(span_alignment_loss_lambda=1.0).train()
    losses = model(batch_of([1, 2, 3], [0, 1], []))
    assert losses.keys() == {"context", "span_alignment"}
    sum(losses.values()).backward()
    learning = {name for name, one in model.named_parameters() if one.grad is not None}
    assert learning == {name for name in model.state_dict() if name.startswith("context.")}
    assert all(one.grad.isfinite().all() for one in model.context.parameters())


def test_losses_do_not_depend_on_padding():
    model = tiny(span_alignment_loss_lambda=1.0)
    losses = model.losses

    def drawn_alike(encoded):
        torch.manual_seed(5)
        return losses(encoded)

    model.losses = drawn_alike
    assert_padding_is_not_looked_at(model, batch_of([1, 2, 3], [0, 1]))


@pytest.mark.parametrize("targets", [[[1, 2], []], [[], []], [[4] * 40, [1]]])
@pytest.mark.parametrize("keep", [0.0, 1.0])
def test_losses_are_finite(targets, keep):
    losses = tiny(train_p_keep=keep, span_alignment_loss_lambda=1.0).train()(batch_of(*targets))
    loss = sum(losses.values())
    loss.backward()
    assert loss.isfinite()


def test_under_autocast_it_trains_and_transcribes():
    model = tiny(span_alignment_loss_lambda=1.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = sum(model.train()(batch_of([1, 2, 3], [])).values())
        found = model.eval().transcribe(noise(1.0), phrases=MANY)
        assert model.transcribe(noise(0.0), phrases=MANY).tokens == ()
    loss.backward()
    assert all(one.grad.isfinite().all() for one in model.context.parameters())
    assert len(found.tokens) == len(found.extras["phrase_bias"].attention) > 0


def test_what_is_saved_is_what_is_loaded(tmp_path):
    model = tiny(ctxt_window=1)
    save_model(model, tmp_path / "model", "# A card\n")
    loaded = load_model(tmp_path / "model")
    assert type(loaded) is ColDecTokensRecognizer and loaded.config == model.config
    one, two = (each.transcribe(noise(1.0), phrases=MANY) for each in (loaded, model))
    assert (one.tokens, one.scores) == (two.tokens, two.scores) != ((), ())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ctxt_window": -1}, "ctxt_window must be an integer >= 0, got -1"),
        ({"ctxt_window": 1.5}, "ctxt_window must be an integer >= 0, got 1.5"),
        ({"num_ctxt_query_layers": 2}, "num_ctxt_query_layers is not for this network, got 2"),
        ({"topk_renormalize": True}, "topk_renormalize is not for this network, got True"),
        (
            {"ctxt_encoder_position_encoding_type": "org_transformer_pe"},
            "position_encoding_type is not for this network, got 'org_transformer_pe'",
        ),
    ],
)
def test_what_cannot_be_configured_is_refused(settings, message):
    with pytest.raises(CIFError, match=message):
        TokenContextConfig(**settings)


def test_it_learns_at_which_tokens_to_look():
    """Fires that are their tokens: soon they look at the right token of a listed phrase, and at "no
    bias" elsewhere."""
    torch.manual_seed(0)
    model = tiny(contextual_content="2gram", ctxt_num_heads=1, span_alignment_loss_lambda=1.0)
    learner = PhraseLearner(model).train()
    optimizer = torch.optim.Adam(model.context.parameters(), 1e-2)
    targets = torch.randint(5, (32, 6))
    shown = functional.one_hot(targets, 16).float()
    counts, spans = torch.full((32,), 6), torch.zeros(32, 1, 2)
    losses = []
    for _ in range(100):
        some = torch.randperm(32)[:8]
        batch = Batch(shown[some], counts[some], targets[some], counts[some], spans[some])
        found = learner(batch)
        optimizer.zero_grad()
        sum(found.values()).backward()
        optimizer.step()
        losses.append(found["span_alignment"].item())
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])
