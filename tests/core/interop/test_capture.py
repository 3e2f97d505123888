"""`capture` shows what toy models in the shape of other code bases really did, and no other thing.

The real packages are tested in tests/peers.
"""

import functools
import inspect
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cifviz import CIF, CIFConfig, capture, integrate_and_fire
from cifviz.core.dialects import DIALECTS, fire_positions
from cifviz.core.interop.identity_probe import disagreement
from cifviz.core.mass_axis import token_ends
from cifviz.core.tail import above, at_least
from cifviz.errors import CIFError

GOLDEN = Path(__file__).parents[2] / "golden"
INDEX = json.loads((GOLDEN / "index.json").read_text("utf-8"))

# --- toys, in the shape of the originals; recorded outputs hold the first one to them ------------


class CifMiddleware(nn.Module):
    """Like CIF-PyTorch's: one forward for weights and integration."""

    def __init__(self, dim, kind="conv", width=3, threshold=0.99, tail=0.5, output=None, context=0):
        super().__init__()
        self.cif_threshold, self.tail = threshold, tail
        self.apply_scaling = True
        self.kind = kind
        if kind == "conv":
            self.conv = nn.Conv1d(dim, dim, width, padding=width // 2)
            self.conv_dropout = nn.Dropout(0.1)
        elif kind == "dense":
            self.dense_proj = nn.Linear(dim, dim)
        self.weight_proj = nn.Linear(dim, 1)
        if output is not None:
            self.cif_output_proj = nn.Linear(dim, output, bias=False)
        self.stacks = nn.ModuleList(nn.Linear(output or dim, output or dim) for _ in range(context))

    def forward(self, encoder_outputs, target_lengths=None):
        h, padding = encoder_outputs["encoder_raw_out"], encoder_outputs["encoder_padding_mask"]
        x = h
        if self.kind == "conv":
            x = self.conv_dropout(self.conv(h.permute(0, 2, 1)).permute(0, 2, 1))
        elif self.kind == "dense":
            x = self.dense_proj(h).relu()
        alpha = torch.sigmoid(self.weight_proj(x)).squeeze(-1) * (~padding).int()
        quantity = alpha.sum(-1)
        if self.training and self.apply_scaling and target_lengths is not None:
            alpha = alpha * (target_lengths / quantity).unsqueeze(-1)
        rows = [self.fire(h[b], alpha[b], int((~padding[b]).sum())) for b in range(len(h))]
        most = max(len(row) for row in rows)
        out = torch.stack([nn.functional.pad(row, (0, 0, 0, most - len(row))) for row in rows])
        mask = (out.abs().sum(-1) != 0).int()
        if hasattr(self, "cif_output_proj"):
            out = self.cif_output_proj(out)
        for layer in self.stacks:
            out = layer(out)
        return {"cif_out": out, "cif_out_mask": mask, "quantity_out": quantity}

    def fire(self, h, alpha, length):
        held, state, fired = alpha.new_zeros(()), torch.zeros_like(h[0]), []
        for t in range(len(h)):
            rest = 1 - held
            if held + alpha[t] >= self.cif_threshold:
                out = state + rest * h[t]
                held = alpha[t] - rest
                state = held * h[t]
            else:
                out = torch.zeros_like(state)
                held = alpha[t] + held
                state = state + alpha[t] * h[t]
            if t == length and not self.training:
                out = state / (held + 1e-10) if held > self.tail else torch.zeros_like(state)
            if t <= length and out.abs().sum() != 0:
                fired.append(out)
        return torch.stack(fired) if fired else h[:0]


def cif(hidden, alphas, threshold):
    """Like FunASR's: fires at the threshold, takes 1."""
    held, state = torch.zeros(len(alphas)), torch.zeros(len(alphas), hidden.shape[2])
    peaks, states = [], []
    for t in range(alphas.shape[1]):
        rest = 1 - held
        held = held + alphas[:, t]
        peaks.append(held)
        fires = held >= threshold
        held = torch.where(fires, held - 1, held)
        here = torch.where(fires, rest, alphas[:, t])
        state = state + here[:, None] * hidden[:, t]
        states.append(state)
        over = (alphas[:, t] - here)[:, None] * hidden[:, t]
        state = torch.where(fires[:, None], over, state)
    peaks, states = torch.stack(peaks, 1), torch.stack(states, 1)
    rows = [states[b][peaks[b] >= threshold] for b in range(len(alphas))]
    most = max(int(alphas.sum(1).round().max()), *(len(row) for row in rows))
    return torch.stack([nn.functional.pad(r, (0, 0, 0, most - len(r))) for r in rows]), peaks


class CifPredictor(nn.Module):
    """Like FunASR's: weights, the tail's weight appended, and a function that integrates."""

    def __init__(self, dim, threshold=1.0, tail_threshold=0.45):
        super().__init__()
        self.cif_output = nn.Linear(dim, 1)
        self.threshold, self.tail_threshold = threshold, tail_threshold

    def weights(self, hidden, mask, target_label_length):
        mask = mask.squeeze(1).float()
        alphas = torch.sigmoid(self.cif_output(hidden)).squeeze(-1) * mask
        token_num = alphas.sum(-1)
        if target_label_length is not None:
            alphas = alphas * (target_label_length / token_num)[:, None]
        else:
            zeros, ones = torch.zeros(len(mask), 1), torch.ones(len(mask), 1)
            first_padded = torch.cat([ones, mask], 1) - torch.cat([mask, zeros], 1)
            alphas = torch.cat([alphas, zeros], 1) + first_padded * self.tail_threshold
            hidden = nn.functional.pad(hidden, (0, 0, 0, 1))
            token_num = alphas.sum(-1).floor()
        return hidden, alphas, token_num

    def forward(self, hidden, target_label=None, mask=None, target_label_length=None):
        hidden, alphas, token_num = self.weights(hidden, mask, target_label_length)
        embeddings, peaks = cif(hidden, alphas, self.threshold)
        if target_label_length is None:
            embeddings = embeddings[:, : int(token_num.max())]
        return embeddings, token_num, alphas, peaks


class CifPredictorV2(CifPredictor):
    """Like FunASR's, but its integration is no function of a known name."""

    def forward(self, hidden, target_label=None, mask=None, target_label_length=None):
        hidden, alphas, token_num = self.weights(hidden, mask, target_label_length)
        embeddings, peaks = self.integrate(hidden, alphas)
        if target_label_length is None:
            embeddings = embeddings[:, : int(token_num.max())]
        return embeddings, token_num, alphas, peaks

    def integrate(self, hidden, alphas):
        return cif(hidden, alphas, 1.0)


class Cif(CifPredictor):
    """Like WeNet's, which is FunASR's under another name."""


class Predictor(nn.Module):
    """Like WeNet's, which holds a `Cif`."""

    def __init__(self, dim):
        super().__init__()
        self.predictor = Cif(dim)

    def forward(self, hidden, mask):
        return *self.predictor(hidden, None, mask), "times"


def cif_function(
    inputs, alpha, beta=1.0, tail_thres=0.5, padding_mask=None, target_lengths=None, eps=1e-4
):
    """Like torch_cif's: every fire takes β, a frame may fire several times."""
    if padding_mask is not None:
        alpha = alpha.masked_fill(padding_mask, 0)
    alpha_sum = alpha.sum(1)
    if target_lengths is not None:
        alpha = alpha * ((beta * target_lengths + eps) / alpha_sum).unsqueeze(1)
        lengths = target_lengths
    else:
        lengths = (alpha_sum / beta).floor().long()
    ends = alpha.cumsum(1).unsqueeze(1)
    steps = torch.arange(int(lengths.max()) + 1)[:, None] * beta
    overlap = ends.minimum(steps + beta) - (ends - alpha.unsqueeze(1)).maximum(steps)
    weights = overlap.clamp(min=0)
    if target_lengths is None:
        rest = weights.sum(2).gather(1, lengths[:, None])
        keep = rest >= tail_thres
        tail = torch.arange(weights.shape[1]) == lengths[:, None]
        weights = weights * torch.where(tail & keep, beta / rest, 1).unsqueeze(2)
        lengths = lengths + keep.squeeze(1)
    weights = weights * (torch.arange(weights.shape[1]) < lengths[:, None]).unsqueeze(2)
    weights = weights[:, : int(lengths.max())]
    return {
        "cif_out": [weights.to(inputs.dtype) @ inputs],
        "cif_lengths": [lengths],
        "alpha_sum": [alpha_sum],
        "scaled_alpha": [alpha],
    }


class Caller(nn.Module):
    """A model that calls torch_cif's function."""

    def __init__(self, dim, **settings):
        super().__init__()
        self.score, self.settings = nn.Linear(dim, 1), settings

    def forward(self, inputs, **others):
        alpha = self.score(inputs).squeeze(2).sigmoid()
        return cif_function(inputs, alpha, **self.settings, **others)


# --- help ----------------------------------------------------------------------------------------


def batch(*lengths, dim=8, seed=0):
    """Encoder output of these lengths, with something in the padding, and a mask of the padding."""
    torch.manual_seed(seed)
    padding = torch.arange(max(lengths)) >= torch.tensor(lengths).unsqueeze(1)
    return torch.randn(len(lengths), max(lengths), dim), padding


def explains(firing, encoder_out, embeddings):
    """Contributions times encoder output are what came out."""
    hidden = nn.functional.pad(
        encoder_out, (0, 0, 0, firing.contributions.shape[2] - encoder_out.shape[1])
    )
    torch.testing.assert_close(
        firing.contributions.float() @ hidden, embeddings, atol=1e-5, rtol=1e-5
    )


def explains_each(firing, encoder_out):
    """The same for every utterance alone."""
    for row, one in enumerate(firing):
        frames = one.contributions.shape[2]
        appended = max(0, frames - encoder_out.shape[1])
        hidden = nn.functional.pad(encoder_out[row : row + 1], (0, 0, 0, appended))[:, :frames]
        explained = one.contributions.float() @ hidden
        torch.testing.assert_close(explained, one.embeddings, atol=1e-5, rtol=1e-5)


def inputs_of(encoder_out, padding):
    return {"encoder_raw_out": encoder_out, "encoder_padding_mask": padding}


def golden(kind):
    return [entry for entry in INDEX if entry["dialect"] == kind and "training" in entry]


# --- CIF-PyTorch ---------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", golden("cif_pytorch"), ids=lambda entry: entry["file"][12:-4])
@torch.no_grad()
def test_a_middleware_with_recorded_parameters(entry):
    with np.load(GOLDEN / entry["file"]) as file:
        recorded = {name: torch.from_numpy(file[name]) for name in file.files}
    settings = {name: entry[name] for name in ("kind", "width", "threshold", "tail")}
    middleware = CifMiddleware(recorded["encoder_out"].shape[2], **settings)
    state = {name[6:]: value for name, value in recorded.items() if name.startswith("state.")}
    middleware.load_state_dict(state)
    middleware.train(entry["training"])
    if entry["training"] and entry["kind"] == "conv":
        middleware.conv_dropout.eval()
    inputs = {
        "encoder_raw_out": recorded["encoder_out"],
        "encoder_padding_mask": recorded["encoder_padding_mask"],
    }
    targets = recorded["target_lengths"] if entry["training"] else None
    with capture(middleware) as firings:
        output = middleware(inputs, targets)
    if not (entry["training"] and entry["threshold"] == 1):  # else the last bit decides the last
        torch.testing.assert_close(output["cif_out"], recorded["cif_out"], atol=1e-5, rtol=1e-5)
    (firing,) = firings
    explains(firing, recorded["encoder_out"], output["cif_out"])
    torch.testing.assert_close(firing.weight_sum, recorded["quantity_out"], atol=1e-5, rtol=0)
    assert firing.num_fires.tolist() == output["cif_out_mask"].sum(1).tolist()
    assert firing.frame_lengths.tolist() == recorded["frame_lengths"].tolist()
    assert firing.slack == pytest.approx(1 - entry["threshold"])
    dialect = DIALECTS["cif_pytorch"].contributions(
        firing.alpha, firing.frame_lengths, threshold=entry["threshold"], target_lengths=targets
    )
    torch.testing.assert_close(firing.contributions.float(), dialect.weights, atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_middleware_where_its_faults_do_not_show_fires_as_ours():
    encoder_out, padding = batch(30, 21, 12)
    middleware = CifMiddleware(8, "linear", threshold=0.9).eval()
    with capture(middleware) as firings:
        middleware({"encoder_raw_out": encoder_out, "encoder_padding_mask": padding})
    (theirs,) = firings
    lengths = theirs.frame_lengths
    ours = integrate_and_fire(
        theirs.alpha, encoder_out, frame_lengths=lengths, slack=0.1, tail=above(0.5)
    )
    for one, other in list(zip(theirs, ours, strict=True))[1:]:  # without padding it has no tail
        assert one.num_fires.tolist() == other.num_fires.tolist()
        assert one.tail_fired.tolist() == other.tail_fired.tolist()
        for name in ("contributions", "fire_positions", "token_masses", "residual", "accumulated"):
            torch.testing.assert_close(
                getattr(one, name), getattr(other, name), atol=1e-4, rtol=0, msg=name
            )


@torch.no_grad()
def test_what_comes_before_and_behind_the_integration_does_not_disturb():
    encoder_out, padding = batch(25, 18)
    middleware = CifMiddleware(8, output=6, context=2).train()
    inputs = {"encoder_raw_out": encoder_out, "encoder_padding_mask": padding}
    torch.manual_seed(7)  # of the dropout
    expected = middleware(inputs, torch.tensor([6, 4]))
    after = torch.random.get_rng_state()
    torch.manual_seed(7)
    with capture(middleware) as firings:
        output = middleware(encoder_outputs=inputs, target_lengths=torch.tensor([6, 4]))
    assert torch.equal(output["cif_out"], expected["cif_out"])
    assert torch.equal(torch.random.get_rng_state(), after), "no number was drawn in between"
    (firing,) = firings
    assert firing.embeddings.shape[2] == 6
    plain = firing.contributions.float() @ encoder_out
    expected = middleware.cif_output_proj(plain)
    for layer in middleware.stacks:
        expected = layer(expected)
    torch.testing.assert_close(firing.embeddings, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(firing.scaled_alpha.sum(1), torch.tensor([6.0, 4.0]))


@torch.no_grad()
def test_fires_that_are_put_off_are_shown_where_they_came():
    middleware = CifMiddleware(8, "linear", threshold=1.0).train()
    encoder_out, padding = batch(6)
    with capture(middleware) as firings:
        middleware(
            {"encoder_raw_out": encoder_out, "encoder_padding_mask": padding}, torch.tensor([9])
        )
    (firing,) = firings
    assert firing.scaled_alpha.sum().item() == pytest.approx(9)
    assert int(firing.num_fires) <= 6  # one in a frame
    assert firing.contributions.min() < 0
    positions = firing.fire_positions[0].tolist()
    assert [int(np.ceil(p)) - 1 for p in positions] == sorted(
        {int(np.ceil(p)) - 1 for p in positions}
    )
    running = firing.scaled_alpha.double().cumsum(1)
    fired = torch.tensor([sum(p <= t + 1 for p in positions) for t in range(6)])
    torch.testing.assert_close(firing.accumulated, running - fired)


# --- FunASR and WeNet ----------------------------------------------------------------------------


@pytest.mark.parametrize("targets", [None, torch.tensor([7.0, 5.0, 2.0])], ids=["eval", "train"])
@pytest.mark.parametrize("make", [CifPredictor, CifPredictorV2, Cif])
@torch.no_grad()
def test_a_predictor(make, targets):
    encoder_out, padding = batch(30, 22, 9)
    predictor = make(8)
    with capture(predictor) as firings:
        embeddings, total, alphas, peaks = predictor(
            encoder_out, mask=~padding.unsqueeze(1), target_label_length=targets
        )
    (firing,) = firings
    explains(firing, encoder_out, embeddings)
    assert torch.equal(firing.scaled_alpha, alphas)
    assert firing.num_fires.tolist() == (peaks >= 1).sum(1).tolist()
    plain = predictor.cif_output(encoder_out).squeeze(2).sigmoid().masked_fill(padding, 0)
    torch.testing.assert_close(firing.alpha[:, :30], plain)
    if targets is None:
        assert firing.frame_lengths.tolist() == [31, 23, 10]
        assert firing.alpha.shape[1] == 31 and firing.alpha[:, 30].tolist() == [0, 0, 0]
        assert firing.num_fires.tolist() == total.tolist()
    else:
        assert firing.frame_lengths.tolist() == [30, 22, 9]
    for one, row in zip(firing, peaks >= 1, strict=True):
        fired_in = one.fire_positions[0].ceil().long() - 1
        assert fired_in.tolist() == row.nonzero().flatten().tolist()
        assert one.contributions.shape == (1, int(one.num_fires), int(one.frame_lengths))
        assert one.accumulated.shape == (1, int(one.frame_lengths))


@torch.no_grad()
def test_a_token_completed_by_the_appended_weight_ends_behind_the_speech():
    predictor = CifPredictor(8)
    nn.init.zeros_(predictor.cif_output.weight)
    nn.init.zeros_(predictor.cif_output.bias)  # 0.5 each: 3 frames are 1.5, with 0.45 no token more
    predictor.tail_threshold = 0.6
    encoder_out, padding = batch(5, 3)
    with capture(predictor) as firings:
        predictor(encoder_out, mask=~padding.unsqueeze(1))
    short = firings[0].utterance(1)
    assert short.weight_sum.item() == 1.5
    assert short.num_fires.tolist() == [2]
    assert short.contributions[0].tolist() == [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]
    torch.testing.assert_close(short.fire_positions[0], torch.tensor([2, 3 + 0.5 / 0.6]).double())


@torch.no_grad()
def test_a_threshold_below_one_is_a_slack():
    encoder_out, padding = batch(30)
    predictor = CifPredictor(8, threshold=0.8)
    with capture(predictor) as firings:
        embeddings, *_ = predictor(encoder_out, mask=~padding.unsqueeze(1))
    assert firings[0].slack == pytest.approx(0.2)
    explains(firings[0], encoder_out, embeddings)
    assert firings[0].contributions.min() < 0


@torch.no_grad()
def test_a_cif_inside_a_model_is_seen_once_for_each_call():
    encoder_out, padding = batch(20, 14)
    model = nn.ModuleDict({"encoder": nn.Linear(8, 8), "predictor": Predictor(8)})
    with capture(model) as firings:
        for _ in range(2):
            model["predictor"](encoder_out, ~padding.unsqueeze(1))
    assert len(firings) == 2
    model["predictor"](encoder_out, ~padding.unsqueeze(1))
    assert len(firings) == 2, "nothing is seen after the context"


# --- torch_cif -----------------------------------------------------------------------------------


@pytest.mark.parametrize("targets", [None, torch.tensor([7, 5, 2])], ids=["eval", "train"])
@pytest.mark.parametrize("beta", [1.0, 0.5])
@torch.no_grad()
def test_a_caller_of_the_function(beta, targets):
    encoder_out, padding = batch(30, 22, 9)
    model = Caller(8, beta=beta, tail_thres=beta / 2)
    with capture(model) as firings:
        output = model(encoder_out, padding_mask=padding, target_lengths=targets)
    (firing,) = firings
    explains(firing, encoder_out, output["cif_out"][0])
    assert firing.num_fires.tolist() == output["cif_lengths"][0].tolist()
    torch.testing.assert_close(firing.weight_sum, output["alpha_sum"][0])
    assert (firing.threshold, firing.slack) == (beta, 0)
    ours = integrate_and_fire(
        firing.alpha,
        encoder_out,
        frame_lengths=firing.frame_lengths,
        target_lengths=targets,
        threshold=beta,
        tail=at_least(beta / 2),
    )
    assert firing.tail_fired.tolist() == ours.tail_fired.tolist()
    for name in ("contributions", "fire_positions", "token_masses"):
        torch.testing.assert_close(
            getattr(firing, name), getattr(ours, name), atol=2e-3, rtol=0, msg=name
        )


@torch.no_grad()
def test_the_function_is_found_wherever_a_model_keeps_it_and_given_back():
    function = cif_function
    renamed = {"under_another_name": function}

    class Inside(nn.Module):
        def forward(self, inputs):
            return function(inputs, inputs[:, :, 0].sigmoid())

    class Held(nn.Module):
        def __init__(self):
            super().__init__()
            self.integrate = function

        def forward(self, inputs):
            return self.integrate(inputs, inputs[:, :, 0].sigmoid())

    encoder_out, _ = batch(12)
    globals().update(renamed)
    for model in (Inside(), Held(), Caller(8)):
        with capture(model) as firings:
            model(encoder_out)
            assert globals()["under_another_name"] is not renamed["under_another_name"]
        assert len(firings) == 1, type(model)
        with pytest.raises(ZeroDivisionError, match="by the model"), capture(model):
            raise ZeroDivisionError("by the model")
        model(encoder_out)
        assert len(firings) == 1
    assert globals().pop("under_another_name") is cif_function
    assert cif_function.__module__ == __name__ and not hasattr(cif_function, "__wrapped__")
    assert Held().integrate is cif_function


# --- never what the model did not do -------------------------------------------------------------


class Louder(CifPredictor):
    def forward(self, *args, **kwargs):
        embeddings, *others = super().forward(*args, **kwargs)
        return 1.01 * embeddings, *others


@torch.no_grad()
def test_an_output_that_the_weights_do_not_explain_is_refused():
    encoder_out, padding = batch(20)
    louder = Louder(8)
    with capture(louder), pytest.raises(CIFError, match="the output of Louder must be what its"):
        louder(encoder_out, mask=~padding.unsqueeze(1))

    middleware = CifMiddleware(8).eval()
    middleware.register_forward_hook(lambda *call: {**call[2], "cif_out": call[2]["cif_out"] + 1})
    inputs = {"encoder_raw_out": encoder_out, "encoder_padding_mask": padding}
    with capture(middleware), pytest.raises(CIFError, match="CifMiddleware must .* it gave emb"):
        middleware(inputs)
    middleware = CifMiddleware(8).eval()
    middleware.register_forward_hook(lambda *call: {**call[2], "quantity_out": torch.zeros(1)})
    with capture(middleware), pytest.raises(CIFError, match="a quantity_out that is not the"):
        middleware(inputs)
    assert torch.equal(middleware(inputs)["quantity_out"], torch.zeros(1))  # it works as before


@torch.no_grad()
def test_a_function_that_the_weights_do_not_explain_is_refused(monkeypatch):
    function = cif_function

    def shifted(*args, **kwargs):
        output = function(*args, **kwargs)
        return {**output, "cif_out": [output["cif_out"][0] + 1]}

    shifted.__name__, shifted.__signature__ = "cif_function", inspect.signature(function)
    monkeypatch.setitem(globals(), "cif_function", shifted)
    model = Caller(8)
    with capture(model), pytest.raises(CIFError, match="output of cif_function must be what"):
        model(batch(12)[0])


def test_the_model_is_left_as_it_was():
    encoder_out, padding = batch(20, 11)
    middleware = CifMiddleware(8, output=4).eval()
    inputs = {"encoder_raw_out": encoder_out.requires_grad_(), "encoder_padding_mask": padding}
    middleware(inputs)["cif_out"].sum().backward()
    expected = encoder_out.grad.clone()
    encoder_out.grad = None
    own = middleware.weight_proj.forward = nn.Linear.forward.__get__(middleware.weight_proj)
    before = [sorted(vars(part)) for part in middleware.modules()]
    with capture(middleware) as firings:
        output = middleware(inputs)
    output["cif_out"].sum().backward()
    assert torch.equal(encoder_out.grad, expected)
    assert [sorted(vars(part)) for part in middleware.modules()] == before
    assert middleware.weight_proj.forward is own
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in middleware.modules())
    firing = firings[0]
    assert not any(
        value.requires_grad for value in (firing.alpha, firing.embeddings, firing.contributions)
    )


def test_a_model_without_a_known_cif_is_refused(monkeypatch):
    with pytest.raises(CIFError, match="model must be a Module, got 3"), capture(3):
        pass
    monkeypatch.delitem(globals(), "cif_function")
    with (
        pytest.raises(CIFError, match="Linear holds no known CIF: .* CifMiddleware.* cif_function"),
        capture(nn.Linear(3, 1)),
    ):
        pass


def test_a_middleware_called_in_another_way_is_refused():
    class Odd(CifMiddleware):
        def forward(self, encoder_out):
            return encoder_out

    odd = Odd(8)
    with capture(odd), pytest.raises(CIFError, match="must be given a dictionary .* encoder_out"):
        odd(torch.ones(1, 3, 8))


# --- padding and silence -------------------------------------------------------------------------


@torch.no_grad()
def test_a_fire_put_off_into_the_padding_stays_with_its_utterance():
    encoder_out, padding = batch(6, 2)
    targets = torch.tensor([2.0, 5.0])
    middleware, predictor = CifMiddleware(8, "linear", threshold=1.0).train(), CifPredictor(8)
    with capture(middleware) as firings:
        middleware(inputs_of(encoder_out, padding), targets)
    assert firings[0].frame_lengths.tolist() == [6, 3]
    explains_each(firings[0], encoder_out)
    with capture(predictor) as firings:
        predictor(encoder_out, mask=~padding.unsqueeze(1), target_label_length=targets)
    assert 2 < int(firings[0].frame_lengths[1]) <= 6
    explains_each(firings[0], encoder_out)


@pytest.mark.parametrize("targets", [None, torch.tensor([5, 4, 1])], ids=["eval", "train"])
@torch.no_grad()
def test_every_utterance_of_every_kind_is_explained_alone(targets):
    encoder_out, padding = batch(20, 13, 2)
    middleware = CifMiddleware(8).train(targets is not None)
    predictor, caller = CifPredictor(8), Caller(8)
    with capture(nn.ModuleList([middleware, predictor, caller])) as firings:
        middleware(inputs_of(encoder_out, padding), targets)
        predictor(encoder_out, mask=~padding.unsqueeze(1), target_label_length=targets)
        caller(encoder_out, padding_mask=padding, target_lengths=targets)
    assert len(firings) == 3
    for firing in firings:
        assert firing.num_fires.sum() > 3
        explains_each(firing, encoder_out)


@torch.no_grad()
def test_tokens_of_dead_frames_that_the_source_drops_are_missing_here_too():
    encoder_out, padding = batch(24, 15)
    encoder_out[0, :9] = 0  # more than a token of silence in front
    encoder_out[1, 5:12] = 0
    middleware = CifMiddleware(8, "linear").eval()
    with capture(middleware) as firings:
        output = middleware(inputs_of(encoder_out, padding))
    (firing,) = firings
    whole = DIALECTS["cif_pytorch"].contributions(firing.alpha, firing.frame_lengths)
    assert (firing.num_fires < whole.num_fires).all()
    assert firing.num_fires.tolist() == output["cif_out_mask"].sum(1).tolist()
    explains(firing, encoder_out, output["cif_out"])
    assert int(firing.fire_positions[0, 0]) >= 9


@torch.no_grad()
def test_compared_and_captured_tokens_end_in_the_same_place():
    """Weights of 2.2 and 0.3: the second fire comes in frame 1, which ends at 2."""
    dialect = DIALECTS["cif_pytorch"]
    result = dialect.contributions(torch.tensor([[2.2, 0.3]]), threshold=1.0)
    assert fire_positions(dialect, result)[0].tolist() == pytest.approx([1 / 2.2, 2])

    middleware = CifMiddleware(8, "linear", threshold=1.0).train()
    encoder_out, padding = batch(9, 4)
    targets = torch.tensor([12, 3])
    with capture(middleware) as firings:
        middleware(inputs_of(encoder_out, padding), targets)
    result = dialect.contributions(
        firings[0].alpha, torch.tensor([9, 4]), threshold=1.0, target_lengths=targets
    )
    torch.testing.assert_close(
        firings[0].fire_positions, fire_positions(dialect, result), atol=1e-5, rtol=0
    )


def test_positions_never_fall():
    """A second fire in the frame of the first one got less than nothing, by rounding."""
    alpha, weights = torch.tensor([[0.5, 1.0]]), torch.tensor([[[0.5, 0.5], [0.0, -1e-7]]])
    positions = token_ends(weights, alpha, torch.tensor([2]))
    assert positions.tolist() == [[1.5, 1.5]]


@pytest.mark.parametrize("loud", [0.0, 100.0, 1e4])
@torch.no_grad()
def test_what_stands_in_padding_does_not_blur_the_check(loud):
    """Where the code cannot be told apart, the dialect that explains the output best is taken."""

    fire = DIALECTS["funasr_cif"].contributions

    class CifPredictor(nn.Module):
        threshold = 0.9

        def forward(self, hidden, mask):
            alphas = 0.6 * hidden[:, :, 0].sigmoid() * mask
            embeddings = fire(alphas, threshold=0.9).weights @ hidden
            return embeddings, alphas.sum(1), alphas, None

    predictor = CifPredictor()
    encoder_out, padding = batch(20, 15)
    encoder_out[1, 18, 1:] = loud
    with capture(predictor) as firings:
        _, _, alphas, _ = predictor(encoder_out, ~padding)
    expected = fire(alphas, threshold=0.9).weights
    torch.testing.assert_close(firings[0].contributions.float(), expected, atol=1e-5, rtol=0)
    assert firings[0].slack == pytest.approx(0.1)


def test_a_frame_that_gives_nothing_may_hold_anything():
    weights, frames = torch.tensor([[[0.5, 0.5, 0.0]]]), torch.randn(1, 3, 4)
    frames[:, 2] = torch.nan
    assert disagreement(weights, frames, weights[:, :, :2] @ frames[:, :2]).far < 0.1
    assert disagreement(weights, frames, frames[:, 2:]).far == float("inf")


@torch.no_grad()
def test_a_loud_frame_does_not_hide_what_is_wrong_elsewhere():
    encoder_out, padding = batch(20)
    encoder_out[0, 3] = 1e6

    class Wrong(CifPredictor):
        def forward(self, *args, **kwargs):
            embeddings, *others = super().forward(*args, **kwargs)
            embeddings[0, -1] += 0.1
            return embeddings, *others

    wrong = Wrong(8)
    with capture(wrong), pytest.raises(CIFError, match="output of Wrong must be what its weights"):
        wrong(encoder_out, mask=~padding.unsqueeze(1))


@torch.no_grad()
def test_a_token_too_many_is_counted_in_the_message():
    encoder_out, padding = batch(20)
    middleware = CifMiddleware(8).eval()
    middleware.register_forward_hook(
        lambda *call: {**call[2], "cif_out": call[2]["cif_out"][:, :-1]}
    )
    expected = r"output of CifMiddleware must .*, but it gave \d+ tokens, expected \d+$"
    with capture(middleware), pytest.raises(CIFError, match=expected):
        middleware(inputs_of(encoder_out, padding))


# --- only this model, and nothing left behind ----------------------------------------------------


@torch.no_grad()
def test_calls_of_another_model_are_not_recorded():
    encoder_out, _ = batch(12)
    model, other = Caller(8), Caller(8)
    with capture(model) as firings:
        other(encoder_out)
        expected = model(encoder_out)["cif_out"][0]
        other(encoder_out)
    (firing,) = firings
    assert torch.equal(firing.embeddings, expected)


@torch.no_grad()
def test_a_model_that_calls_no_cif_is_refused_in_the_end():
    with (
        pytest.raises(CIFError, match="nothing was captured, for Linear holds no known CIF"),
        capture(nn.Linear(8, 1)) as firings,
    ):
        Caller(8)(batch(12)[0])
    assert firings == []
    with pytest.raises(ZeroDivisionError, match="by the model"), capture(nn.Linear(8, 1)):
        raise ZeroDivisionError("by the model")


@pytest.mark.parametrize("hide", [functools.partial, lambda function: [function][0:]])
@torch.no_grad()
def test_a_function_that_is_hidden_is_no_silence(hide):
    class Hiding(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = hide(cif_function)

        def forward(self, inputs):
            function = self.hidden[0] if isinstance(self.hidden, list) else self.hidden
            return function(inputs, inputs[:, :, 0].sigmoid())

    model = Hiding()
    message = "nothing was captured, for Hiding .* no partial and no list hides"
    with pytest.raises(CIFError, match=message), capture(model):
        model(batch(12)[0])
    assert cif_function.__name__ == "cif_function" and not hasattr(cif_function, "__wrapped__")


@torch.no_grad()
def test_captures_that_overlap_leave_the_function_as_it_was():
    own = cif_function
    encoder_out, _ = batch(12)
    model = Caller(8)
    first, second = capture(model), capture(model)
    seen, also = first.__enter__(), second.__enter__()
    model(encoder_out)
    first.__exit__(None, None, None)
    model(encoder_out)
    second.__exit__(None, None, None)
    model(encoder_out)
    assert globals()["cif_function"] is own
    assert (len(seen), len(also)) == (1, 2)
    assert torch.equal(seen[0].contributions, also[0].contributions)


@torch.no_grad()
def test_a_module_may_be_captured_twice():
    encoder_out, padding = batch(20, 12)
    middleware = CifMiddleware(8).eval()
    with capture(middleware) as outer, capture(nn.ModuleList([middleware])) as inner:
        middleware(inputs_of(encoder_out, padding))
    assert torch.equal(outer[0].contributions, inner[0].contributions)
    assert (len(outer), len(inner)) == (1, 1)


@torch.no_grad()
def test_a_module_with_a_memory_remembers_what_it_would_without():
    class Remembering(CifMiddleware):
        def __init__(self, dim):
            super().__init__(dim)
            self.calls, self.shapes, self.last = 0, [], None
            self.sums = {"all": [torch.zeros(1)]}
            self.register_buffer("seen", torch.zeros(1))

        def forward(self, encoder_outputs, target_lengths=None):
            output = super().forward(encoder_outputs, target_lengths)
            self.calls += 1
            self.sums["all"][0] += 1
            self.shapes.append(tuple(output["cif_out"].shape))
            self.seen += encoder_outputs["encoder_raw_out"].sum()
            self.last, self.noise = output["cif_out"], torch.rand(3)
            return output

    encoder_out, padding = batch(20, 12)
    models = []
    for _ in range(2):
        torch.manual_seed(0)
        models.append(Remembering(8).eval())
    plain, captured = models
    called = []
    captured.weight_proj.register_forward_hook(lambda *call: called.append(call[1][0].shape))
    shapes = captured.shapes
    torch.manual_seed(1)
    plain(inputs_of(encoder_out, padding))
    number = torch.rand(1)
    torch.manual_seed(1)
    with capture(captured) as firings:
        captured(inputs_of(encoder_out, padding))
    assert len(firings) == 1 and len(called) == 1
    assert torch.equal(torch.rand(1), number)
    assert captured.shapes is shapes and captured.shapes == plain.shapes
    assert captured.calls == plain.calls == captured.sums["all"][0] == 1
    for name in ("seen", "last", "noise"):
        assert torch.equal(getattr(captured, name), getattr(plain, name)), name


# --- what merely looks like one ------------------------------------------------------------------


@pytest.mark.parametrize("gives", [{"out": 1}, None, 3.0, (1, 2, 3), (torch.ones(1),) * 4])
@torch.no_grad()
def test_a_class_of_the_name_that_gives_something_else_is_refused(gives):
    class Cif(nn.Module):
        def forward(self, hidden, mask=None):
            return gives

    model = Cif()
    with capture(model), pytest.raises(CIFError, match="Cif cannot be captured: expected a FunASR"):
        model(torch.ones(1, 3, 8))


@torch.no_grad()
def test_a_middleware_that_gives_something_else_is_refused():
    class Other(CifMiddleware):
        def forward(self, encoder_outputs):
            super().forward(encoder_outputs)
            return torch.ones(3)

    other, (encoder_out, padding) = Other(8), batch(9)
    with capture(other), pytest.raises(CIFError, match="Other cannot be captured: expected a Cif"):
        other(inputs_of(encoder_out, padding))


@torch.no_grad()
def test_arguments_without_a_name_are_refused():
    class Cif(nn.Module):
        def forward(self, *arguments):
            return (torch.ones(1, 1, 8), torch.ones(1), torch.ones(1, 3), None)

    model = Cif()
    with capture(model), pytest.raises(CIFError, match=r"Cif .* must name its arguments .* \*args"):
        model(torch.ones(1, 3, 8))


def test_another_function_of_the_name_is_not_it(monkeypatch):
    monkeypatch.setitem(globals(), "cif_function", lambda first, second: first)
    globals()["cif_function"].__name__ = "cif_function"
    with pytest.raises(CIFError, match="Caller holds no known CIF"), capture(Caller(8)):
        pass


@torch.no_grad()
def test_another_output_of_the_function_is_refused(monkeypatch):
    def other(inputs, alpha):
        return {"embeddings": inputs}

    other.__name__ = "cif_function"
    monkeypatch.setitem(globals(), "cif_function", other)
    model = Caller(8)
    with capture(model), pytest.raises(CIFError, match="cif_function of .* cannot be captured"):
        model(batch(5)[0])


def test_our_own_cif_needs_no_capture():
    message = "call cifviz's own CIF, it returns its Firing"
    own = CIF(CIFConfig(encoder_embed_dim=8))
    with pytest.raises(CIFError, match=message), capture(nn.Sequential(own)):
        pass


# --- properties ----------------------------------------------------------------------------------


@settings(max_examples=20)  # three models of another code base, frame by frame
@given(
    lengths=st.lists(st.integers(1, 25), min_size=1, max_size=3),
    bias=st.floats(-4, 4),
    seed=st.integers(0, 99),
)
@torch.no_grad()
def test_any_batch_is_explained(lengths, bias, seed):
    """Few weights or many, from none that fires to one in every frame."""
    encoder_out, padding = batch(*lengths, seed=seed)
    mask = ~padding.unsqueeze(1)
    middleware, predictor, caller = CifMiddleware(8).eval(), CifPredictor(8), Caller(8)
    for last in (middleware.weight_proj, predictor.cif_output, caller.score):
        nn.init.constant_(last.bias, bias)
    with capture(nn.ModuleList([middleware, predictor, caller])) as firings:
        first = middleware({"encoder_raw_out": encoder_out, "encoder_padding_mask": padding})
        second, *_ = predictor(encoder_out, mask=mask)
        third = caller(encoder_out, padding_mask=padding)
    outputs = (first["cif_out"], second, third["cif_out"][0])
    for firing, output in zip(firings, outputs, strict=True):
        explains(firing, encoder_out, output)
        explains_each(firing, encoder_out)
        assert (firing.num_fires <= firing.contributions.shape[1]).all()
        for one in firing:
            positions = one.fire_positions[0]
            assert (positions.diff() >= 0).all() and (positions <= one.frame_lengths).all()
            assert (one.token_masses.diff(dim=1) >= -1e-9).all()
