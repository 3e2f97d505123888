"""What a token may know: NAR all embeddings, AR those up to its own, a projection its own alone."""

import math

import pytest
import torch

from cifviz.errors import CIFError
from cifviz.systems.decoders import DECODERS, DecoderConfig, make_decoder

DIM, VOCABULARY = 6, 9


def decoder(kind, layers=2):
    torch.manual_seed(0)
    layers = 1 if kind == "projection" else layers
    made = make_decoder(DecoderConfig(kind=kind, dim=8, layers=layers, heads=2), DIM, VOCABULARY)
    torch.nn.init.normal_(made.output.weight, std=3.0)  # so that the tokens are not all the same
    return made.eval()


def hypothesis(rows=4, fires=7, seed=1):
    torch.manual_seed(seed)
    num_fires = torch.tensor([7, 0, 3, 6][:rows])
    embeddings = torch.randn(rows, fires, DIM)
    return embeddings.masked_fill(
        torch.arange(fires)[:, None] >= num_fires[:, None, None], 0
    ), num_fires


def test_greedy_ar_decoding_is_teacher_forcing_with_its_own_tokens():
    embeddings, num_fires = hypothesis()
    model = decoder("ar")
    tokens, scores = model.decode(embeddings, num_fires)
    probabilities = model(embeddings, num_fires, tokens).softmax(dim=2)
    real = torch.arange(7) < num_fires[:, None]
    assert len(set(tokens[real].tolist())) > 2
    assert torch.equal(probabilities.argmax(dim=2)[real], tokens[real])
    torch.testing.assert_close(probabilities.max(dim=2).values[real], scores[real])


@pytest.mark.parametrize("kind", ["nar", "projection"])
def test_parallel_decoding_is_its_most_likely_token(kind):
    embeddings, num_fires = hypothesis()
    model = decoder(kind)
    tokens, scores = model.decode(embeddings, num_fires)
    best = model(embeddings, num_fires, torch.zeros(4, 7).long()).softmax(dim=2).max(dim=2)
    real = torch.arange(7) < num_fires[:, None]
    assert torch.equal(tokens[real], best.indices[real])
    torch.testing.assert_close(scores[real], best.values[real])
    assert ((scores[real] > 1 / VOCABULARY) & (scores[real] <= 1)).all()


def test_ar_hears_nothing_of_the_future():
    embeddings, targets = torch.randn(1, 7, DIM), torch.randint(VOCABULARY, (1, 7))
    model, num_fires = decoder("ar"), torch.tensor([7])
    before = model(embeddings, num_fires, targets)
    embeddings[0, 4:] += 1
    after = model(embeddings, num_fires, targets)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert (before[:, 4:] - after[:, 4:]).abs().amax(dim=2).min() > 1e-3


def test_ar_step_reads_the_tokens_before_it_and_never_its_own():
    embeddings, targets = torch.randn(1, 7, DIM), torch.randint(VOCABULARY, (1, 7))
    model, num_fires = decoder("ar"), torch.tensor([7])
    before = model(embeddings, num_fires, targets)
    targets[0, 3] = (targets[0, 3] + 1) % VOCABULARY
    after = model(embeddings, num_fires, targets)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert (before[:, 4:] - after[:, 4:]).abs().max() > 1e-3


@pytest.mark.parametrize("kind", ["nar", "projection"])
def test_parallel_decoders_do_not_read_the_targets(kind):
    embeddings, num_fires = hypothesis()
    model = decoder(kind)
    one, two = (model(embeddings, num_fires, torch.full((4, 7), token)) for token in (0, 5))
    assert torch.equal(one, two)


@pytest.mark.parametrize(("kind", "seen"), [("nar", True), ("projection", False)])
def test_nar_hears_all_tokens_and_a_projection_its_own(kind, seen):
    embeddings, num_fires = hypothesis()
    model = decoder(kind)
    before = model(embeddings, num_fires, torch.zeros(4, 7).long())
    embeddings[0, 3, 0] += 1
    change = (model(embeddings, num_fires, torch.zeros(4, 7).long()) - before).abs().amax(dim=2)
    assert change[0, 3] > 1e-3
    assert not change[1:].any()
    others = change[0, [0, 1, 2, 4, 5, 6]]
    assert (others > 1e-4).all() if seen else not others.any()


def test_a_projection_by_hand():
    """(3, 1) has mean 2 and deviation 1: (1, −1), so logits (1, −1, 0), and e^0 of e, 1/e and 1."""
    model = make_decoder(DecoderConfig("projection"), 2, 3).eval()
    with torch.no_grad():
        model.output.weight[:] = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
        model.output.bias.zero_()
    embeddings, num_fires = torch.tensor([[[3.0, 1.0]]]), torch.tensor([1])
    logits = model(embeddings, num_fires, torch.zeros(1, 1).long())
    torch.testing.assert_close(logits, torch.tensor([[[1.0, -1.0, 0.0]]]), rtol=0, atol=1e-4)
    tokens, scores = model.decode(embeddings, num_fires)
    assert tokens.tolist() == [[0]]
    assert scores.item() == pytest.approx(math.e / (math.e + 1 / math.e + 1), abs=1e-4)


@pytest.mark.parametrize("grad", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("kind", DECODERS)
def test_rows_without_tokens_give_no_nan(kind, grad):
    embeddings, num_fires = hypothesis()
    model = decoder(kind).train(grad)
    with torch.set_grad_enabled(grad):
        assert model(embeddings, num_fires, torch.zeros(4, 7).long()).isfinite().all()
        assert model.decode(embeddings, num_fires)[1].isfinite().all()


@pytest.mark.parametrize("grad", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("kind", DECODERS)
def test_a_batch_without_any_token_gives_an_empty_result(kind, grad):
    model = decoder(kind).train(grad)
    nothing, num_fires = torch.zeros(2, 0, DIM), torch.tensor([0, 0])
    with torch.set_grad_enabled(grad):
        tokens, scores = model.decode(nothing, num_fires)
        assert tokens.shape == scores.shape == (2, 0)
        logits = model(nothing, num_fires, torch.zeros(2, 0).long())
        assert logits.shape == (2, 0, VOCABULARY)


@pytest.mark.parametrize("kind", DECODERS)
def test_padding_and_neighbours_change_nothing(kind):
    embeddings, num_fires = hypothesis()
    model = decoder(kind)
    no_token = torch.arange(7) >= num_fires[:, None]
    targets = torch.randint(VOCABULARY, (4, 7))
    with torch.no_grad():
        together = model(embeddings, num_fires, targets)
        dirty = model(
            embeddings.masked_fill(no_token[..., None], 1e3),
            num_fires,
            targets.masked_fill(no_token, 1),
        )
        tokens, scores = model.decode(embeddings, num_fires)
        for row, fires in enumerate(num_fires.tolist()):
            own = slice(row, row + 1)
            alone = model(embeddings[own, :fires], num_fires[own], targets[own, :fires])
            torch.testing.assert_close(together[own, :fires], alone, rtol=0, atol=1e-4)
            torch.testing.assert_close(dirty[own, :fires], alone, rtol=0, atol=1e-4)
            own_tokens, own_scores = model.decode(embeddings[own, :fires], num_fires[own])
            assert torch.equal(tokens[own, :fires], own_tokens)
            torch.testing.assert_close(scores[own, :fires], own_scores, rtol=0, atol=1e-5)


def test_kind_must_be_known():
    with pytest.raises(CIFError, match="one of 'nar', 'ar', 'projection', got 'rnn'"):
        DecoderConfig(kind="rnn")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": 0}, "decoder.layers must be an integer > 0, got 0"),
        ({"dim": "wide"}, "decoder.dim must be an integer > 0, got 'wide'"),
        ({"dim": 16, "heads": 3}, "decoder.heads must divide decoder.dim, got 3 and 16"),
        ({"dropout": 1.5}, "decoder.dropout must be a number >= 0 and < 1, got 1.5"),
        ({"kind": "projection", "layers": 2}, 'layers of a "projection" must be 1, .*; got 2'),
    ],
)
def test_sizes_must_be_sizes(settings, message):
    with pytest.raises(CIFError, match=message):
        DecoderConfig(**settings)


def test_ar_attention_hears_the_embedding_before():
    """c_i itself goes to the output of step i alone: without that path, c_3 is first heard at 4."""
    model, num_fires = decoder("ar"), torch.tensor([7])
    with torch.no_grad():
        model.output.weight[:, 8:] = 0
    embeddings, targets = torch.randn(1, 7, DIM), torch.randint(VOCABULARY, (1, 7))
    before = model(embeddings, num_fires, targets)
    embeddings[0, 3] += 1
    change = (model(embeddings, num_fires, targets) - before)[0].abs().amax(dim=1)
    assert change[:4].max() < 1e-5
    assert change[4:].min() > 1e-3
