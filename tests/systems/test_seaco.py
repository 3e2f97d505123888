"""A bias decoder that looks at fires and at what was decoded, and its filter for long lists."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from cifviz.errors import CIFError
from cifviz.systems import seaco
from cifviz.systems.base import Batch
from cifviz.systems.checkpoints import load_model, save_model
from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig
from cifviz.systems.coldec import ColDecRecognizer
from cifviz.systems.context_network import PhraseMemory
from cifviz.systems.decoders import PARALLEL
from cifviz.systems.phrase_learner import PhraseLearner
from cifviz.systems.phrase_lists import collate_phrases, phrase_ids
from cifviz.systems.seaco import (
    PhraseLSTM,
    SeACoConfig,
    SeACoContext,
    SeACoNetwork,
    SeACoRecognizer,
    filtered,
)
from tests.systems.invariances import batch_of
from tests.systems.tiny import VOCABULARY, noise, tiny_config

SMALL = {
    "ctxt_num_heads": 2,
    "ctxt_encoder_hidden_size": 8,
    "ctxt_encoder_filter_size": 12,
    "num_c_batch": 3,
}
LIST = ["one", "two three", "zero zero four", "four", "three one two", "one four"]
every_decoder = pytest.mark.parametrize("decoder", PARALLEL)


def tiny(*, seed=0, decoder="nar", context=None, **settings) -> Any:
    """A model whose bias part has logits of its own about every fire."""
    torch.manual_seed(seed)
    parts = vars(tiny_config(decoder=decoder, **settings))
    model = SeACoRecognizer(SeACoConfig(**parts, context=SeACoContext(**SMALL | (context or {}))))
    for name, one in model.context.named_parameters():
        if name.startswith(("output", "phrases", "project")):
            torch.nn.init.normal_(one)
    return model.eval()


def body_of(model):
    """The recogniser that it is but for its bias part."""
    parts = {name: value for name, value in vars(model.config).items() if name != "context"}
    body = CIFRecognizer(CIFRecognizerConfig(**parts)).eval()
    weights = model.state_dict()
    body.load_state_dict({name: weights[name] for name in body.state_dict()})
    return body


def with_filter(model, keep):
    """The same weights with another ``nfilter``."""
    context = replace(model.config.context, nfilter=keep)
    other = SeACoRecognizer(replace(model.config, context=context))
    other.load_state_dict(model.state_dict())
    return other.eval()


def ids(*lists):
    return collate_phrases([phrase_ids(one, VOCABULARY) for one in lists])


def network(seed=0, **changes):
    torch.manual_seed(seed)
    return SeACoNetwork(SeACoContext(**SMALL | changes), 6, 5, len(VOCABULARY)).eval()


def views(batch=1, fires=4, seed=1):
    """Fired embeddings, and what a decoder made of them."""
    generator = torch.manual_seed(seed)
    return [torch.randn(batch, fires, dim, generator=generator) for dim in (6, 5)]


# --- by hand -------------------------------------------------------------------------------------


def test_attention_and_the_sum_of_both_runs_by_hand():
    """One fire, one head, two dimensions. What "no bias" and the phrases are, (0, 0), (ln 2, 0) and
    (0, ln 3), fits with 0, ln 2 and 0: weights ¼, ½, ¼. Each run gives what is read,
    (½ ln 2, ¼ ln 3), and the place of the fire, (0, 1); the runs are added."""
    sizes = {"ctxt_num_heads": 1, "ctxt_encoder_hidden_size": 2, "num_ctxt_decoder_layers": 1}
    model: Any = SeACoNetwork(SeACoContext(**sizes), 6, 5, 1).eval()
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    layer = model.decoder.layers[0]
    model.decoder.norm = torch.nn.Identity()
    with torch.no_grad():
        layer.across.in_proj_weight[2:] = torch.eye(2).repeat(2, 1)
        layer.across.in_proj_bias[0] = math.sqrt(2)
        layer.across.out_proj.weight[:] = torch.eye(2)
        model.output.weight[:] = torch.eye(2)
    vectors = torch.tensor([[[math.log(2), 0.0], [0.0, math.log(3)]]])
    memory = PhraseMemory(vectors, vectors.unsqueeze(2), torch.zeros(1, 2, 1, dtype=torch.long))
    output = model(*views(fires=1), torch.tensor([1]), memory)
    torch.testing.assert_close(output.attention, torch.tensor([[[0.25, 0.5, 0.25]]]))
    expected = [math.log(2), math.log(3) / 2 + 2]
    torch.testing.assert_close(output.logits, torch.tensor([[expected]]))


def test_a_phrase_is_the_state_after_its_last_token():
    """As of packed sequences, and of each phrase alone."""
    torch.manual_seed(0)
    encoder = PhraseLSTM(SeACoContext(**SMALL), len(VOCABULARY))
    lists = ids(LIST[:4], LIST[4:])
    memory = encoder(lists)
    valid = memory.valid
    assert valid.tolist() == [[True] * 4, [True, True, False, False]]
    flat = lists[valid]
    counts = (flat >= 0).sum(dim=1)
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        encoder.embed(flat.clamp(min=0)), counts, batch_first=True, enforce_sorted=False
    )
    _, (last, _) = encoder.lstm(packed)
    torch.testing.assert_close(memory.vectors[valid], last[-1])
    for vector, row, count in zip(memory.vectors[valid], flat, counts, strict=True):
        states, _ = encoder.lstm(encoder.embed(row[:count]).unsqueeze(0))
        torch.testing.assert_close(vector, states[0, -1])
    assert memory.states.shape == (2, 4, 3, 8)


def test_phrases_are_encoded_in_portions(monkeypatch):
    encoder = PhraseLSTM(SeACoContext(**SMALL), len(VOCABULARY))
    whole = encoder(ids(LIST)).vectors
    monkeypatch.setattr(seaco, "AT_ONCE", 4)
    torch.testing.assert_close(encoder(ids(LIST)).vectors, whole)


def test_order_of_a_phrase_and_of_fires_is_known():
    model = network()
    one, two = model.encode(ids(["one two"])), model.encode(ids(["two one"]))
    assert (one.vectors - two.vectors).abs().max() > 1e-3
    count = torch.tensor([4])
    fired, decoded = views()
    plain = model(fired, decoded, count, one).logits
    turned = model(fired.flip(1), decoded.flip(1), count, one).logits.flip(1)
    assert (turned - plain).abs().max() > 1e-3


def test_fires_are_seen_twice_by_the_same_layers():
    """Each view counts; with both the same, the sum is twice one run."""
    model, count = network(), torch.tensor([4])
    memory = model.encode(ids(LIST))
    fired, decoded = views()
    plain = model(fired, decoded, count, memory)
    other_fired, other_decoded = views(seed=2)
    for changed in ((other_fired, decoded), (fired, other_decoded)):
        assert (model(*changed, count, memory).logits - plain.logits).abs().max() > 1e-3
    # Attention is that of the fired embeddings.
    assert torch.equal(model(fired, other_decoded, count, memory).attention, plain.attention)
    with torch.no_grad():
        for project in (model.project_fired, model.project_decoded):
            project.weight.zero_()
            project.bias.fill_(0.5)
    options = torch.cat([model.phrases.no_bias().view(1, 1, -1), memory.vectors], dim=1)
    seen = torch.ones(1, 7, dtype=torch.bool)
    one, weights = model.decoder(torch.full((1, 4, 8), 0.5), count, options, seen)
    both = model(fired, decoded, count, memory)
    torch.testing.assert_close(both.logits, model.output(2 * one))
    torch.testing.assert_close(both.attention, weights)


@every_decoder
def test_the_second_view_is_what_the_decoder_makes_of_the_fires(decoder):
    """Its logits are linear in it: a logit more on the way to them moves what is listened for."""
    model = tiny(decoder=decoder)
    embeddings, count = torch.randn(1, 3, 16), torch.tensor([3])
    memory = model.context.encode(ids(LIST))
    plain = model.context_output(embeddings, count, memory)
    hidden = model.decoder.hidden(embeddings, count)
    expected = model.context(embeddings, hidden, count, memory)
    assert torch.equal(plain.logits, expected.logits)
    assert (model.context(embeddings, hidden + 1, count, memory).logits != plain.logits).any()


# --- the filter ----------------------------------------------------------------------------------


def summed_attention(model, decoded, count, memory):
    """What all heads and fires of the last layer give to each phrase (phrases,); of one utterance,
    for which the last layer is asked again for the weights of each head."""
    last, asked = model.decoder.layers[-1].across, []
    handle = last.register_forward_hook(
        lambda module, inputs, keywords, output: asked.append((inputs, keywords)), with_kwargs=True
    )
    options = torch.cat([model.phrases.no_bias().view(1, 1, -1), memory.vectors], dim=1)
    seen = torch.ones(options.shape[:2], dtype=torch.bool)
    model.decoder(model.project_decoded(decoded), count, options, seen)
    handle.remove()
    ((inputs, keywords),) = asked
    _, weights = last(*inputs, **keywords, average_attn_weights=False)
    return weights[0].sum(dim=(0, 1))[1:]


@pytest.mark.parametrize("keep", [1, 3, 5])
def test_what_the_filter_keeps_is_as_if_it_were_the_list(keep):
    model, count = network(seed=3, nfilter=keep), torch.tensor([4])
    fired, decoded = views()
    whole = model.encode(ids(LIST))
    sums = summed_attention(model, decoded, count, whole)
    best = sorted(sums.topk(keep).indices.tolist())
    short = model(fired, decoded, count, model.encode(ids([LIST[one] for one in best])))
    long = model(fired, decoded, count, whole)
    torch.testing.assert_close(long.logits, short.logits)
    left = [one for one in range(len(LIST)) if one not in best]
    assert not long.attention[:, :, [one + 1 for one in left]].any()
    seen = long.attention[:, :, [0, *[one + 1 for one in best]]]
    torch.testing.assert_close(seen, short.attention)
    unfiltered = network(seed=3, nfilter=0)(fired, decoded, count, whole)
    assert (unfiltered.logits - long.logits).abs().max() > 1e-4


@pytest.mark.parametrize("keep", [6, 7, 50])
def test_a_filter_for_as_many_phrases_as_there_are_changes_nothing(keep):
    fired, decoded = views()
    count = torch.tensor([4])
    plain, same = (
        (model := network(nfilter=one))(fired, decoded, count, model.encode(ids(LIST)))
        for one in (0, keep)
    )
    assert torch.equal(plain.logits, same.logits) and torch.equal(plain.attention, same.attention)


def test_in_training_nothing_is_filtered():
    fired, decoded = views()
    count = torch.tensor([4])
    for keep, filters in ((0, False), (2, True)):
        model = network(nfilter=keep)
        memory = model.encode(ids(LIST))
        learning = model.train()(fired, decoded, count, memory).attention
        assert (learning > 0).all()
        assert bool((model.eval()(fired, decoded, count, memory).attention == 0).any()) is filters


def test_a_short_list_beside_a_long_one_keeps_all_of_its_phrases():
    weights = torch.rand(2, 3, 5)
    seen = torch.tensor([[True] * 5, [True, True, False, False, False]])
    weights = weights * seen.unsqueeze(1)
    weights[1, :, 1] = 0  # a weight may be rounded to 0, and the phrase is there all the same
    kept = filtered(weights, torch.tensor([3, 3]), seen, keep=2)
    assert kept[0].sum() == 3 and kept[1].tolist() == seen[1].tolist()


# --- as a system ---------------------------------------------------------------------------------


@every_decoder
def test_an_empty_list_or_a_weight_of_0_gives_the_recogniser_to_the_bit(decoder):
    model, sound = tiny(decoder=decoder), noise(2.0)
    alone = body_of(model).transcribe(sound)
    for request in ({}, {"phrases": []}, {"phrases": LIST, "phrase_weight": 0.0}):
        found = model.transcribe(sound, **request)
        assert (found.tokens, found.scores) == (alone.tokens, alone.scores) != ((), ())
    biased = model.transcribe(sound, phrases=LIST, phrase_weight=1.0)
    assert biased.tokens != alone.tokens
    assert biased.extras["phrase_bias"].unbiased == alone.tokens


@pytest.mark.parametrize("keep", [0, 3])
def test_order_of_the_list_permutes_the_attention_alone(keep):
    model, sound = tiny(context={"nfilter": keep}), noise(2.0)
    order = [3, 0, 5, 4, 1, 2]
    one = model.transcribe(sound, phrases=LIST)
    two = model.transcribe(sound, phrases=[LIST[place] for place in order])
    assert one.tokens == two.tokens != ()
    assert one.scores == pytest.approx(two.scores, abs=1e-5)
    first, second = (each.extras["phrase_bias"].attention for each in (one, two))
    assert first.shape == (len(one.tokens), 1 + len(LIST))
    torch.testing.assert_close(
        first[:, [0, *[place + 1 for place in order]]], second, rtol=0, atol=1e-6
    )
    torch.testing.assert_close(first.sum(dim=1), torch.ones(len(first), dtype=torch.float64))


@every_decoder
@pytest.mark.parametrize("keep", [0, 2])
def test_alone_is_as_in_a_batch(decoder, keep):
    model = tiny(decoder=decoder, context={"nfilter": keep})
    sounds = [noise(s, seed) for seed, s in enumerate([2.0, 1.013, 0.02, 1.5, 0.0])]
    lists = [LIST, LIST[4:5], LIST, [], LIST[1:4]]
    together = model.transcribe_batch(sounds, phrases=lists, phrase_weight=[0.9] * 5)
    assert len(together[0].tokens) > len(together[2].tokens) == len(together[4].tokens) == 0
    for sound, phrases, one in zip(sounds, lists, together, strict=True):
        alone = model.transcribe(sound, phrases=phrases, phrase_weight=0.9)
        assert one.tokens == alone.tokens
        assert one.scores == pytest.approx(alone.scores, abs=1e-4)
        if phrases:
            biases = (each.extras["phrase_bias"] for each in (one, alone))
            first, second = (each.attention for each in biases)
            torch.testing.assert_close(first, second, rtol=0, atol=1e-5)


@pytest.mark.parametrize("keep", [0, 2])
def test_what_stands_behind_the_fires_is_not_looked_at(keep):
    model = network(nfilter=keep)
    memory = model.encode(ids(LIST, LIST[:3]))
    fired, decoded = views(batch=2)
    count = torch.tensor([4, 2])
    plain = model(fired, decoded, count, memory)
    for view in (fired, decoded):
        view[1, 2:] = 100
    changed = model(fired, decoded, count, memory)
    for name in ("logits", "attention"):
        one, two = getattr(plain, name), getattr(changed, name)
        torch.testing.assert_close(one[1, :2], two[1, :2])
        torch.testing.assert_close(one[0], two[0])
    alone = model(fired[1:, :2], decoded[1:, :2], count[1:], model.encode(ids(LIST[:3])))
    torch.testing.assert_close(alone.logits, plain.logits[1:, :2])


def test_where_nothing_fires_there_is_no_token():
    model = tiny(context={"nfilter": 2})
    torch.nn.init.zeros_(model.cif.weights.weight_proj.weight)
    model.cif.start_at(1e-6)
    for found in model.transcribe_batch([noise(0.0), noise(1.0)], phrases=[LIST, []]):
        assert found.tokens == found.scores == ()
    empty = model.transcribe(noise(0.0), phrases=LIST).extras["phrase_bias"]
    assert empty.attention.shape == (0, 7) and empty.no_bias == ()


def test_under_autocast_it_trains_and_transcribes():
    model, both = tiny(context={"nfilter": 2}), batch_of([1, 2, 3], [])
    torch.manual_seed(1)
    plain = model(both)["context"]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.manual_seed(1)
        loss = model(both)["context"]
        found = model.transcribe(noise(1.0), phrases=LIST)
        assert model.transcribe(noise(0.0), phrases=LIST).tokens == ()
    loss.backward()
    torch.testing.assert_close(loss.float(), plain, rtol=0.1, atol=0.1)
    assert all(one.grad is None or one.grad.isfinite().all() for one in model.parameters())
    assert len(found.tokens) == int(found.firing.num_fires) > 0


def test_what_is_saved_is_what_is_loaded(tmp_path):
    model = tiny(context={"nfilter": 2})
    save_model(model, tmp_path / "model", "# A card\n")
    loaded = load_model(tmp_path / "model")
    assert type(loaded) is SeACoRecognizer and loaded.config == model.config
    one, two = (each.transcribe(noise(1.0), phrases=LIST) for each in (loaded, model))
    assert (one.tokens, one.scores) == (two.tokens, two.scores) != ((), ())
    biases = (each.extras["phrase_bias"].attention for each in (one, two))
    assert torch.equal(*biases)
    other = with_filter(loaded, 0).transcribe(noise(1.0), phrases=LIST)
    assert not (other.extras["phrase_bias"].attention == 0).any()


@every_decoder
def test_training_reaches_the_whole_bias_part_and_nothing_else(decoder):
    model = tiny(decoder=decoder, context={"train_p_keep": 1.0}).train()
    before = {name: value.clone() for name, value in body_of(model).state_dict().items()}
    assert model.loss_weights == ColDecRecognizer.loss_weights and not model.decoder.training
    losses = model(batch_of([1, 2, 3], [0, 1]))
    assert losses.keys() == {"context"}
    losses["context"].backward()
    for name, one in model.named_parameters():
        if name.startswith("context."):
            assert one.grad is not None and one.grad.any(), name
        else:
            assert one.grad is None, name
    # "No bias" is learned too, through the LSTM.
    assert model.context.phrases.embed.weight.grad[-1].any()
    torch.optim.SGD([one for one in model.parameters() if one.requires_grad], 0.1).step()
    for name, value in body_of(model).state_dict().items():
        assert torch.equal(value, before[name]), name


def test_where_fires_look_is_taught_by_what_fires():
    """Not by what was decoded: its attention is not what a `PhraseBias` shows."""
    model = tiny(context={"train_p_keep": 1.0, "span_alignment_loss_lambda": 1.0}).train()
    model(batch_of([1, 2, 3], [0, 1]))["span_alignment"].backward()
    network = model.context
    assert network.project_fired.weight.grad.any() and network.phrases.lstm.weight_ih_l0.grad.any()
    assert network.project_decoded.weight.grad is None


@pytest.mark.parametrize(
    "targets", [[[1, 2, 3], []], [[], []], [[4] * 40, [1]]], ids=["one empty", "all empty", "many"]
)
def test_losses_are_finite(targets):
    model = tiny().train()
    loss = sum(model(batch_of(*targets), wanted=("span_alignment",)).values())
    assert loss.isfinite() and loss >= 0
    loss.backward()
    assert all(one.grad is None or one.grad.isfinite().all() for one in model.parameters())


def test_gradients_are_those_of_differences():
    """With respect to what was fired; the layers of the recogniser's decoder are between."""
    model, count = tiny(dropout=0.0).double(), torch.tensor([3])
    memory = model.context.encode(ids(LIST[:2]))

    def logits(embeddings):
        return model.context_output(embeddings, count, memory).logits

    embeddings = torch.randn(1, 3, 16, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(logits, embeddings)


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"nfilter": -1}, "nfilter must be an integer >= 0, got -1"),
        ({"nfilter": 1.5}, "nfilter must be an integer >= 0, got 1.5"),
        ({"topk_renormalize": True}, "topk_renormalize is not for this network"),
        (
            {"ctxt_encoder_position_encoding_type": "org_transformer_pe"},
            'encoding_type must be "", got',
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(context, message):
    with pytest.raises(CIFError, match=message):
        SeACoContext(**context)


def test_a_decoder_that_gives_one_token_after_the_other_is_refused():
    with pytest.raises(CIFError, match="kind of the decoder of seaco must be one of 'nar', 'proj"):
        SeACoConfig(**vars(tiny_config(decoder="ar")))


@pytest.mark.slow
def test_it_learns_which_tokens_a_list_names():
    """The sound of each fire is known; whether the list names its token, the list alone knows."""
    torch.manual_seed(1)
    settings = {"contextual_content": "1gram", "train_p_keep": 0.6, "num_c_batch": 4}
    sizes = {**SMALL, "ctxt_encoder_hidden_size": 16, "num_ctxt_decoder_layers": 1}
    context = SeACoContext(**sizes | settings, label_smoothing=0.0)
    model = SeACoRecognizer(SeACoConfig(**vars(tiny_config()), context=context))
    sounds, fires = torch.randn(len(VOCABULARY), 16), torch.full((4,), 4)
    learner = PhraseLearner(model).train()
    optimizer = torch.optim.AdamW(model.context.parameters(), 5e-3)
    for _ in range(250):
        targets = torch.randint(len(VOCABULARY), (4, 4))
        batch = Batch(sounds[targets], fires, targets, fires, torch.full((4, 4, 2), -1.0))
        optimizer.zero_grad()
        learner(batch)["context"].backward()
        optimizer.step()
    model.eval()
    fired, no_bias = torch.tensor([[1, 2, 0, 4]]), len(VOCABULARY)
    for phrases in (["two", "zero"], ["three", "one"], ["four"]):
        memory = model.context.encode(ids(phrases))
        best = model.context_output(sounds[fired], fires[:1], memory).logits.argmax(dim=2)
        named = {VOCABULARY.index(phrase) for phrase in phrases}
        assert best.tolist() == [[one if one in named else no_bias for one in fired[0].tolist()]]
