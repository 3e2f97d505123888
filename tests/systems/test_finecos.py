"""Attention to tokens, within the few phrases that an utterance looks at most."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from cifviz.errors import CIFError
from cifviz.systems.base import Batch
from cifviz.systems.checkpoints import load_model, save_model
from cifviz.systems.cif import CIFRecognizer
from cifviz.systems.coldec import ColDecConfig, ColDecRecognizer
from cifviz.systems.context_network import ContextConfig, PhraseMemory
from cifviz.systems.finecos import (
    FineCoSConfig,
    FineCoSContextConfig,
    FineCoSNetwork,
    FineCoSRecognizer,
    selected_phrases,
)
from cifviz.systems.phrase_learner import PhraseLearner
from cifviz.systems.phrase_lists import collate_phrases, phrase_ids
from tests.systems.invariances import batch_of
from tests.systems.tiny import VOCABULARY, noise, tiny_config

SMALL = {
    "ctxt_encoder_hidden_size": 8,
    "ctxt_encoder_filter_size": 16,
    "ctxt_num_heads": 2,
    "num_ctxt_encoder_layers": 1,
    "num_ctxt_decoder_layers": 1,
}
MANY = [f"{one} {two}" for one in VOCABULARY for two in VOCABULARY[:3]]
"""Fifteen phrases, more than are kept or selected."""


def outspoken(network):
    """A network whose phrases, tokens and logits differ far more than by rounding."""
    with torch.no_grad():
        network.attention.query.weight.mul_(20)
        network.token_attention.query.weight.mul_(10)
        network.output.weight.mul_(5)
    return network.eval()


def tiny(seed=0, **settings):
    torch.manual_seed(seed)
    context = FineCoSContextConfig(**{**SMALL, **settings})
    model = FineCoSRecognizer(FineCoSConfig(**vars(tiny_config()), context=context))
    outspoken(model.context)
    return model.eval()


def tiny_network(seed=0, **settings):
    torch.manual_seed(seed)
    return outspoken(FineCoSNetwork(FineCoSContextConfig(**{**SMALL, **settings}), 6, 5))


def listed(*lists):
    return collate_phrases([phrase_ids(one, VOCABULARY) for one in lists])


def fires(*counts):
    torch.manual_seed(7)
    return torch.randn(len(counts), max(counts), 6), torch.tensor(counts)


# --- which phrases are selected ------------------------------------------------------------------


def test_by_hand_the_largest_sums_over_the_fires_are_selected():
    """Sums of 3 fires: 0.9, 1.2, 0.6, 0.3. Of 2 fires: 0.4, 0.4, 0.6, 0.2; of these the tie goes
    to the phrase whose tokens come first, "0 4" before "1". Of 1 fire: 0, 0.2, 0.4, 0."""
    attention = torch.tensor(
        [[0.0, 0.2, 0.4, 0.0], [0.4, 0.2, 0.2, 0.2], [0.5, 0.8, 0.0, 0.1]]
    ).expand(3, 3, 4)
    ids = torch.tensor([[1, -1], [0, 4], [2, 2], [0, 3]]).expand(3, 4, 2)
    found = selected_phrases(attention, torch.tensor([3, 2, 1]), ids, most=3)
    assert found.tolist() == [[1, 0, 2], [2, 1, 0], [2, 1, 3]]


def test_what_is_no_phrase_is_selected_last():
    attention = torch.tensor([[[0.0, 0.1, 0.9]]])
    ids = torch.tensor([[[3], [1], [-1]]])
    assert selected_phrases(attention, torch.tensor([1]), ids, most=9).tolist() == [[1, 0, 2]]


@pytest.mark.parametrize("shape", [(2, 0, 3, 2), (2, 4, 0, 0), (0, 4, 3, 2), (2, 4, 0, 3)])
def test_nothing_to_look_at_or_by_is_no_error(shape):
    batch, fired, phrases, tokens = shape
    ids = torch.arange(batch * phrases * tokens).view(batch, phrases, tokens).flip(1)
    found = selected_phrases(
        torch.zeros(batch, fired, phrases), torch.full((batch,), fired), ids, most=2
    )
    expected = list(reversed(range(phrases)))[:2]  # all sums are 0: by their tokens
    assert found.tolist() == [expected] * batch


def test_ties_do_not_hang_on_the_order_of_the_list_or_on_the_last_digit():
    """Attention that is 0 to the last bit, or differs by rounding alone, as in another batch."""
    ids = listed(MANY)
    attention = torch.zeros(1, 4, len(MANY))
    attention[..., 3], attention[..., 7] = 0.5, 0.1
    attention[..., [5, 9]] = 0.3
    names = [MANY[one] for one in selected_phrases(attention, torch.tensor([4]), ids, most=6)[0]]
    assert names[:4] == [MANY[3], *sorted([MANY[5], MANY[9]], key=number), MANY[7]]
    assert names[4:] == sorted(set(MANY) - set(names[:4]), key=number)[:2]
    for seed, larger in enumerate([5, 9, 5, 9]):
        order = torch.randperm(len(MANY), generator=torch.manual_seed(seed))
        shaken = attention.clone()
        shaken[..., larger] += 1e-6
        found = selected_phrases(shaken[:, :, order], torch.tensor([4]), ids[:, order], most=6)[0]
        assert [MANY[order[one]] for one in found] == names


def number(phrase):
    return [VOCABULARY.index(token) for token in phrase.split()]


# --- what is read of their tokens ----------------------------------------------------------------


@pytest.mark.parametrize("adds", [True, False])
def test_by_hand_a_fire_reads_the_tokens_of_the_selected_phrases(adds):
    """In one dimension, with all weights 1, for a fire at 1. The phrases lie at 0, ln 2 and −ln 4:
    "no bias" : phrases = 1 : 1 : 2 : 1/4. The two largest are the second and the first. Their
    tokens lie at 0 and at ln 2, ln 3. With the phrases added, these are ln 2 and ln 2, ln 3; with
    "no bias" the shares are 1 : 2 : 2 : 3 of 8. Without they are 1 : 1 : 2 : 3 of 7."""
    sizes = {"ctxt_encoder_hidden_size": 1, "ctxt_num_heads": 1, "screened_phrase_num": 2}
    config = FineCoSContextConfig(**sizes, add_phrase_embeddings=adds)
    network = FineCoSNetwork(config, 1, 1).eval()
    for name, weight in network.named_parameters():
        weight.detach().fill_(0 if "bias" in name else 1)
    network.output.weight.detach().copy_(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
    two, three, four = math.log(2), math.log(3), math.log(4)
    memory = PhraseMemory(
        vectors=torch.tensor([[[0.0], [two], [-four]]]),
        states=torch.tensor([[[two, three], [0.0, 99.0], [50.0, 50.0]]]).unsqueeze(3),
        ids=torch.tensor([[[0, 0], [0, -1], [0, 0]]]),
    )
    output = network(torch.ones(1, 1, 1), torch.tensor([1]), memory)
    shares = torch.tensor([1, 1, 2, 0.25])
    torch.testing.assert_close(output.attention[0, 0], shares / 4.25)
    assert output.selected.tolist() == [[1, 0]]
    shares = torch.tensor([1.0, 2, 0, 2, 3] if adds else [1.0, 1, 0, 2, 3])
    torch.testing.assert_close(output.token_attention[0, 0], shares / shares.sum())
    read = (4 * two + 3 * three) / 8 if adds else (2 * two + 3 * three) / 7
    torch.testing.assert_close(output.logits[0, 0], torch.tensor([read, 0.0]))


@pytest.mark.parametrize("training", [True, False])
def test_only_the_tokens_of_selected_phrases_count_in_training_too(training):
    network = tiny_network(screened_phrase_num=2).train(training)
    fired, counts = fires(4, 2)
    memory = network.encode(listed(MANY, MANY[::-1]))
    plain = network(fired, counts, memory)
    assert plain.selected.shape == (2, 2)
    assert plain.token_attention.shape == (2, 4, 1 + 2 * 2)
    for at_selected in (True, False):
        places = torch.zeros(2, len(MANY), dtype=torch.bool).scatter(1, plain.selected, True)
        places = places if at_selected else ~places
        other = replace(memory, states=torch.where(places[..., None, None], 3.0, memory.states))
        changed = (network(fired, counts, other).logits - plain.logits).abs().amax(dim=2)
        assert (changed.min() > 1e-4) if at_selected else (changed.max() < 1e-6)


def test_purification_is_on_in_decoding_alone_and_selection_follows_it():
    network = tiny_network(renormalize_topk_num=1, screened_phrase_num=3)
    fired, counts = fires(3)
    memory = network.encode(listed(MANY))
    pure = network(fired, counts, memory)
    seen = pure.attention[0, :, 1:] > 0
    assert (seen.sum(dim=1) == 1).all()
    places = set(seen.any(dim=0).nonzero().flatten().tolist())
    assert set(pure.selected[0, : len(places)].tolist()) == places
    assert (pure.token_attention > 0).all()  # which is not purified
    assert (network.train()(fired, counts, memory).attention > 0).all()


def test_gradients_are_those_of_differences():
    network = tiny_network(screened_phrase_num=2, ctxt_encoder_hidden_size=4).double()
    fired, counts = fires(2, 1)
    memory = network.encode(listed(MANY[:3], MANY[4:5]))

    def logits(fired, vectors, states):
        return network(fired, counts, PhraseMemory(vectors, states, memory.ids)).logits

    inputs = fired.double(), memory.vectors, memory.states
    inputs = [one.detach().requires_grad_() for one in inputs]
    assert torch.autograd.gradcheck(logits, inputs)


# --- lists ---------------------------------------------------------------------------------------


def by_phrase(bias):
    return dict(zip(bias.phrases, bias.attention[:, 1:].T, strict=True))


def by_token(bias):
    """Attention of the fires to each token (phrase, place) of the selected phrases."""
    names = [
        (bias.phrases[one], place)
        for one in bias.selected
        for place in range(len(bias.phrases[one].split()))
    ]
    return dict(zip([("", 0), *names], bias.token_attention.T, strict=True))


def assert_alike(one, two):
    """The same tokens, attention to the same phrases and to the same of their tokens."""
    assert one.tokens == two.tokens
    assert one.scores == pytest.approx(two.scores, abs=1e-5)
    one, two = one.extras["phrase_bias"], two.extras["phrase_bias"]
    assert one.no_bias == pytest.approx(two.no_bias, abs=1e-5)
    for shares in (by_phrase, by_token):
        found, expected = shares(one), shares(two)
        assert found.keys() == expected.keys()
        for name, each in found.items():
            torch.testing.assert_close(each, expected[name], rtol=0, atol=1e-5)


def test_a_list_in_another_order_has_its_attention_in_another_order():
    model = tiny()
    plain = model.transcribe(noise(2.0), phrases=MANY, phrase_weight=0.9)
    bias = plain.extras["phrase_bias"]
    assert plain.tokens != bias.unbiased and len(bias.selected) == 5 and bias.phrases == (*MANY,)
    for seed in range(3):
        order = torch.randperm(len(MANY), generator=torch.manual_seed(seed)).tolist()
        mixed = [MANY[one] for one in order]
        assert_alike(model.transcribe(noise(2.0), phrases=mixed, phrase_weight=0.9), plain)


@pytest.mark.parametrize("query_layers", [0, 2])
def test_alone_is_as_in_a_batch(query_layers):
    model = tiny(num_ctxt_query_layers=query_layers)
    lists = [MANY[:7], [], ["four"], ["three four zero one", "two"], MANY, ["one"]]
    sounds = [noise(s, seed) for seed, s in enumerate([1.0, 1.5, 2.0, 1.013, 0.7, 0.0])]
    together = model.transcribe_batch(sounds, phrases=lists, phrase_weight=[0.9] * 6)
    for sound, phrases, one in zip(sounds, lists, together, strict=True):
        alone = model.transcribe(sound, phrases=phrases, phrase_weight=0.9)
        assert one.tokens == alone.tokens
        if phrases:
            assert_alike(one, alone)
            bias = one.extras["phrase_bias"]
            assert len(bias.selected) == min(5, len(phrases))
            sums = bias.token_attention.sum(dim=1)
            torch.testing.assert_close(sums, torch.ones_like(sums), rtol=0, atol=1e-5)


@pytest.mark.parametrize("query_layers", [0, 2])
def test_what_stands_behind_the_fires_is_not_looked_at(query_layers):
    network = tiny_network(num_ctxt_query_layers=query_layers, screened_phrase_num=2)
    fired, counts = fires(4, 2)
    memory = network.encode(listed(MANY, MANY))
    plain = network(fired, counts, memory)
    louder = fired.clone()
    louder[1, 2:] = 10 * torch.randn(2, 6)
    changed = network(louder, counts, memory)
    assert torch.equal(changed.selected, plain.selected)
    for name in ("logits", "attention", "token_attention"):
        found, expected = getattr(changed, name), getattr(plain, name)
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


def test_it_is_coldec_but_for_its_network():
    """The same names of weights, and those of the attention to tokens; a wider output layer."""
    context = ContextConfig(**SMALL)
    coldec = ColDecRecognizer(ColDecConfig(**vars(tiny_config()), context=context))
    ours, theirs = tiny().state_dict(), coldec.state_dict()
    assert {name.split(".")[1] for name in ours.keys() - theirs.keys()} == {"token_attention"}
    assert not theirs.keys() - ours.keys()
    other = {name for name in theirs if ours[name].shape != theirs[name].shape}
    assert other == {"context.output.weight"}


def test_training_teaches_all_of_the_network_and_nothing_else():
    model = tiny().train()
    losses = model(batch_of([1, 2, 3], [0, 1], []), wanted=("span_alignment",))
    assert losses.keys() == {"context", "span_alignment"}
    sum(losses.values()).backward()
    learning = {name for name, one in model.named_parameters() if one.grad is not None}
    assert learning == {name for name in model.state_dict() if name.startswith("context.")}
    assert all(one.grad.isfinite().all() for one in model.context.parameters())


@pytest.mark.parametrize("targets", [[[1, 2], []], [[], []], [[4] * 40, [1]]])
@pytest.mark.parametrize("keep", [0.0, 1.0])
def test_losses_are_finite(targets, keep):
    losses = tiny(train_p_keep=keep, span_alignment_loss_lambda=1.0).train()(batch_of(*targets))
    loss = sum(losses.values())
    loss.backward()
    assert loss.isfinite()


def test_under_autocast_it_trains_and_transcribes():
    model = tiny()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = model.train()(batch_of([1, 2, 3], []))["context"]
        found = model.eval().transcribe(noise(1.0), phrases=MANY)
        assert model.transcribe(noise(0.0), phrases=MANY).tokens == ()
    loss.backward()
    assert all(one.grad.isfinite().all() for one in model.context.parameters())
    bias = found.extras["phrase_bias"]
    assert len(found.tokens) == len(bias.token_attention) > 0
    torch.testing.assert_close(
        bias.token_attention.sum(dim=1), torch.ones(len(found.tokens)).double(), atol=0.02, rtol=0
    )


def test_what_is_saved_is_what_is_loaded(tmp_path):
    model = tiny(screened_phrase_num=3, add_phrase_embeddings=False)
    save_model(model, tmp_path / "model", "# A card\n")
    loaded = load_model(tmp_path / "model")
    assert type(loaded) is FineCoSRecognizer and loaded.config == model.config
    one, two = (each.transcribe(noise(1.0), phrases=MANY) for each in (loaded, model))
    assert (one.tokens, one.scores) == (two.tokens, two.scores) != ((), ())
    one, two = one.extras["phrase_bias"], two.extras["phrase_bias"]
    assert one.selected == two.selected and torch.equal(one.token_attention, two.token_attention)


def test_by_default_it_has_positions_and_purification():
    config = FineCoSContextConfig()
    changed = {"ctxt_encoder_position_encoding_type": "", "topk_renormalize": False}
    assert {name: getattr(ContextConfig(), name) for name in changed} == changed
    assert config.ctxt_encoder_position_encoding_type == "org_transformer_pe"
    assert config.topk_renormalize and config.screened_phrase_num == 5


S4 = {
    "ctxt_encoder_position_encoding_type": "org_transformer_pe",
    "topk_renormalize": False,
    "use_token_attention": True,
    "token_attention_topk_filter_mode": "global",
    "token_level_query": "cif_outputs",
    "screened_phrase_num": 4,
    "use_integrated_token_embedding": True,
    "concat_phrase_embeddings": False,
    "add_phrase_embeddings": False,
    "token_attention_outputs_comb_location": "decoder_outputs",
    "token_embedding_fusion_type": "concat",
    "token_attention_type": "simple_MHA",
    "ctxt_token_attention_layer": 1,
    "force_add_no_bias_option": True,
}
"""Keys of CIF-ColDec for token attention, as in S4 but for two values."""


def test_the_keys_of_coldec_are_read():
    config = FineCoSContextConfig.from_coldec(S4, topk_renormalize=True)
    assert config == FineCoSContextConfig(screened_phrase_num=4, add_phrase_embeddings=False)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("use_token_attention", False),
        ("token_attention_topk_filter_mode", "local"),
        ("concat_phrase_embeddings", True),
        ("force_add_no_bias_option", False),
    ],
)
def test_what_there_is_not_is_refused(key, value):
    with pytest.raises(CIFError, match=f"{key} of CIF-ColDec must be one of"):
        FineCoSContextConfig.from_coldec({**S4, key: value})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"screened_phrase_num": 0}, "screened_phrase_num must be an integer > 0, got 0"),
        ({"screened_phrase_num": 2.5}, "screened_phrase_num must be an integer > 0, got 2.5"),
        ({"add_phrase_embeddings": "yes"}, "add_phrase_embeddings must be a bool, got 'yes'"),
        ({"ctxt_num_heads": 3}, "ctxt_num_heads must divide ctxt_encoder_hidden_size"),
    ],
)
def test_what_cannot_be_configured_is_refused(settings, message):
    with pytest.raises(CIFError, match=message):
        FineCoSContextConfig(**settings)


def test_it_learns_which_tokens_are_of_a_phrase():
    """Fires that are their tokens: after 100 steps it says the tokens of a listed phrase, and "no
    bias" elsewhere, more often than not."""
    torch.manual_seed(0)
    model = tiny(ctxt_encoder_hidden_size=16, contextual_content="2gram")
    learner = PhraseLearner(model).train()
    optimizer = torch.optim.Adam(model.context.parameters(), 5e-3)
    targets = torch.randint(5, (32, 6))
    shown = functional.one_hot(targets, 16).float()
    counts, spans = torch.full((32,), 6), torch.zeros(32, 1, 2)
    losses = []
    for _ in range(100):
        some = torch.randperm(32)[:8]
        batch = Batch(shown[some], counts[some], targets[some], counts[some], spans[some])
        loss = learner(batch)["context"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
