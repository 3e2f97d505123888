"""The glossary of the course and the code that it points to agree."""

import ast
import contextlib
import dataclasses
import importlib
import inspect
import re
import textwrap

import pytest

from cifviz.course.glossary import TERMS, Term, glossary
from cifviz.errors import CIFError

each_term = pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
SYMBOLS = {term.symbol for term in TERMS if term.symbol}


def documentation(variable):
    """What the code says of ``package.Class.field``, of a property, or of ``function(argument)``.

    Fails if it is not there.
    """
    path, _, argument = variable.removesuffix(")").partition("(")
    package, *names = path.split(".")
    found = importlib.import_module(package)
    for place, name in enumerate(names, start=1):
        if dataclasses.is_dataclass(found) and name in fields_of(found):
            assert place == len(names), f"{variable}: there is nothing inside a field"
            return of_field(found, name)
        if inspect.ismodule(found) and not hasattr(found, name):
            with contextlib.suppress(ModuleNotFoundError):
                importlib.import_module(f"{found.__name__}.{name}")
        assert hasattr(found, name), f"no {variable}"
        found = getattr(found, name)
    if not argument:
        return inspect.getdoc(found)
    assert argument in inspect.signature(found).parameters, f"no {variable}"
    return of_argument(inspect.getdoc(found), argument)


def fields_of(kind):
    return [field.name for field in dataclasses.fields(kind)]


def of_argument(text, name):
    """What a docstring in NumPy's style says of an argument."""
    found = re.search(rf"^{name} : .*\n((?:    .*\n?)+)", text, re.MULTILINE)
    return textwrap.dedent(found[1]) if found else ""


def of_field(kind, name):
    """The text below a field."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body
    for statement, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and statement.target.id == name:
            is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            return after.value.value if is_text else ""
    raise AssertionError(f"no field {name}")


def named_symbols(text):
    """What a text introduces: "β, the mass …", "…, W (batch, …)", "embeddings c_i"."""
    first = text.strip().partition("\n\n")[0]
    introduced = r"^{0}(,|:|_)|, {0}( \(|\.|,|:|$)|[a-z] {0}_i\b"
    return {symbol for symbol in SYMBOLS if re.search(introduced.format(symbol), first)}


@each_term
def test_every_term_is_found_in_the_code_under_its_symbol(term):
    introduced = named_symbols(documentation(term.variable))
    assert introduced <= {term.symbol}, (
        f"{term.name} is {term.symbol!r}, the code says {introduced}"
    )


def test_most_symbols_are_introduced_where_the_glossary_says():
    """Or the comparison above would compare nothing."""
    introduced = {
        term.symbol: named_symbols(documentation(term.variable)) for term in TERMS if term.symbol
    }
    seen = {symbol for symbol, found in introduced.items() if found}
    assert {"β", "δ", "τ", "c", "S", "W", "N"} <= seen, introduced
    assert "Σα" not in SYMBOLS, "the sum of the weights is S, at its end: one symbol for one thing"


@pytest.mark.parametrize(
    "variable",
    [
        "cifviz.Firing.alfa",
        "cifviz.Fring.alpha",
        "cifviz.integrate_and_fire(treshold)",
        "cifviz.Firing.alpha.more",
        "cifviz.core.nowhere.thing",
        "cifviz.metrics.token_scores.rates",
    ],
)
def test_what_is_not_in_the_code_is_not_found(variable):
    with pytest.raises(AssertionError, match="^no |nothing inside"):
        documentation(variable)


def test_a_wrong_symbol_is_noticed():
    assert named_symbols(documentation("cifviz.integrate_and_fire(slack)")) == {"δ"}
    assert named_symbols(documentation("cifviz.Firing.threshold")) == {"β"}
    assert named_symbols("Weight left after the last token (batch,).") == set()


def test_terms_stand_in_alphabetical_order_once_each():
    names = [term.name for term in TERMS]
    assert names == sorted(set(names))
    symbols = [term.symbol for term in TERMS if term.symbol]
    assert len(set(symbols)) == len(symbols)


@each_term
def test_a_meaning_is_one_sentence_that_does_not_start_with_its_word(term):
    assert re.fullmatch(r"[A-Z][^.!?]*(\d\.\d[^.!?]*)*\.", term.meaning), term.meaning
    assert len(term.meaning.split()) <= 40
    assert not term.meaning.lower().startswith(f"a {term.name}")


def test_a_term_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign"):
        TERMS[0].symbol = "x"
    assert TERMS[0] == Term(**dataclasses.asdict(TERMS[0]))


def test_words_are_shown_in_alphabetical_order(capsys):
    glossary("weight", "slack")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["word", "slack", "weight"]
    assert "`cifviz.Firing.alpha`" in lines[2]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("wieght",), "no word 'wieght', did you mean 'weight'"),
        (("zzz",), "no word 'zzz', see TERMS"),
        (("weight", "thresh"), "no word 'thresh', did you mean .*'threshold'"),
        ((), "at least one term"),
    ],
)
def test_an_unknown_word_is_refused(names, message):
    with pytest.raises(CIFError, match=message):
        glossary(*names)
