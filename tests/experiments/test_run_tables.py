"""Tables of made-up results: whose numbers stand where."""

import json

import pytest

from cifviz.errors import DataError
from cifviz.systems.registry import SYSTEMS
from experiments.recipes import VARIANTS
from experiments.run_tables import (
    BEST,
    COLUMNS,
    ROWS,
    WEIGHT_TITLES,
    alignment_table,
    held_out_table,
    weights_table,
)
from experiments.tables import make_table

UNITS = {
    "mean_absolute": 0.025,
    "median_absolute": 0.02,
    "signed_mean": -0.01,
    "within_20ms": 0.5,
    "within_50ms": 0.75,
    "within_100ms": 1.0,
    "f_measure": 0.625,
    "r_value": 0.25,
    "drift": 3.0,
}


def measured(rate=0.02, *readouts, silent=0.1, **scores):
    """Of one set."""
    both = {"count": 9, **UNITS, **scores}
    found = {
        "token_error_rate": rate,
        "edges": {readout: {"both": both, "onset": {}, "offset": {}} for readout in readouts},
    }
    return found if silent is None else {**found, "share_in_silence": silent}


def run(variant="plain", *, seed=0, recipe="digits", leave_out=None, **sets):
    return {"recipe": recipe, "variant": variant, "seed": seed, "leave_out": leave_out, **sets}


def cells(table):
    """Rows without the head, by title."""
    head, rule, *rows = table.splitlines()
    assert rule == "|" + head.count(" | ") * "---|" + "---|"
    rows = [line.strip("| ").split(" | ") for line in rows]
    assert {len(row) for row in rows} <= {head.count(" | ") + 1}
    return {row[0]: row[1:] for row in rows}


def test_a_row_gives_mean_and_deviation_over_the_seeds_in_the_units_of_its_head():
    results = [
        run(seed=seed, test=measured(0.01 * n, "fire", silent=0.1 * n, mean_absolute=0.025 * n))
        for seed, n in enumerate((1, 2, 3))
    ]
    assert alignment_table(results, "digits", "test").splitlines() == [
        "| digits, test set | seeds | token errors % | mean abs. ms | median ms | signed ms "
        "| ≤ 20 ms % | ≤ 50 ms % | ≤ 100 ms % | F1 at 20 ms % | R-value % | drift ms/min "
        "| α in silence % |",
        "|" + 13 * "---|",
        "| raw CIF: fire | 3 | 2.00 ± 1.00 | 50.0 ± 25.0 | 20.0 ± 0.0 | -10.0 ± 0.0 "
        "| 50.0 ± 0.0 | 75.0 ± 0.0 | 100.0 ± 0.0 | 62.5 ± 0.0 | 25.0 ± 0.0 "
        "| 3.0 ± 0.0 | 20.0 ± 10.0 |",
    ]


def test_every_score_has_a_column_of_its_own():
    """Each of them alone is another number than usual."""
    plain = cells(alignment_table([run(test=measured(0.0, "fire"))], "digits", "test"))
    for place, (name, (_, factor)) in enumerate(COLUMNS.items()):
        one = run(test=measured(0.0, "fire", **{name: 0.125}))
        (row,) = cells(alignment_table([one], "digits", "test")).values()
        (usual,) = plain.values()
        assert row[2 + place] == f"{0.125 * factor:.1f}"
        assert [a != b for a, b in zip(row, usual, strict=True)].count(True) == 1


def test_a_row_for_each_way_to_train_and_to_read_that_was_run():
    results = [
        run(test=measured(0.01, "fire", "centroid", "no such row")),
        run(seed=1, test=measured(0.03, "fire")),
        run("ctc", test=measured(0.05, "path, shifted", silent=None)),
        run("no such variant", test=measured(0.05, "fire")),
    ]
    found = cells(alignment_table(results, "digits", "test"))
    assert {title: row[:2] for title, row in found.items()} == {
        "raw CIF: fire": ["2", "2.00 ± 1.41"],
        "CIF: centroid": ["1", "1.00"],
        "CTC: path, shifted": ["1", "5.00"],
    }
    assert found["CTC: path, shifted"][-1] == "–"  # has no weights


def test_rows_keep_their_order_whatever_was_run_first():
    names = ["CIF: valleys", "raw CIF: fire", "CTC: path"]
    rows = {row.title: row for row in ROWS}
    results = [run(rows[n].variant, test=measured(0.0, rows[n].readout)) for n in names]
    assert list(cells(alignment_table(results, "digits", "test"))) == [names[1], names[0], names[2]]


def test_what_one_seed_could_not_measure_has_no_mean():
    results = [
        run(test=measured(0.0, "fire", drift=None)),
        run(seed=1, test=measured(0.0, "fire", silent=None)),
    ]
    (row,) = cells(alignment_table(results, "digits", "test")).values()
    assert row[-2:] == ["–", "–"]
    assert row[2] == "25.0 ± 0.0"


def test_other_recipes_sets_and_speakers_do_not_count():
    results = [
        run(test=measured(0.01, "fire"), dev=measured(0.5, "fire")),
        run(seed=1, recipe="grid", test=measured(0.5, "fire")),
        run(seed=2, leave_out="ann", test=measured(0.5, "fire")),
        run(seed=3, dev=measured(0.5, "fire")),
    ]
    (row,) = cells(alignment_table(results, "digits", "test")).values()
    assert row[:2] == ["1", "1.00"]


def test_held_out_speakers_are_those_left_out_in_three_rows():
    results = [
        run(leave_out="ann", test=measured(0.1, "fire", "centroid")),
        run(leave_out="bob", test=measured(0.3, "fire")),
        run("ctc", leave_out="ann", test=measured(0.2, "path", "path, shifted", silent=None)),
        run("", leave_out="ann", test=measured(0.1, "valleys, quantiles", "fire")),
        run(test=measured(0.0, "fire")),
    ]
    table = held_out_table(results, "digits")
    assert table.startswith("| digits, held-out speakers | speakers | token errors % |")
    found = cells(table)
    assert {title: row[:2] for title, row in found.items()} == {
        "raw CIF: fire": ["2", "20.00 ± 14.14"],
        "CTC: path, shifted": ["1", "20.00"],
        BEST.title: ["1", "10.00"],
    }


@pytest.mark.parametrize(
    "results",
    [
        [],
        [run(recipe="grid", test=measured(0.0, "fire"))],
        [run(dev=measured(0.0, "fire"))],
        [run(test=measured(0.0, "no such row"))],
    ],
    ids=["none", "another recipe", "another set", "other read-outs"],
)
def test_nothing_published_is_said(results):
    with pytest.raises(DataError, match="no published result for the table 'digits, test set'"):
        alignment_table(results, "digits", "test")
    with pytest.raises(DataError, match="for the table 'digits, held-out speakers'"):
        held_out_table(results, "digits")


def counted(rate, **scores):
    """Of one set, as a CIF with its counts is measured."""
    counts = {"tokens": 200, "deletions": 2, "insertions": 4, "substitutions": 6, **scores}
    sums = {"mean": -0.5, "mean_absolute": 0.75}
    return {
        **measured(rate, "quantiles"),
        **counts,
        "count_accuracy": 0.5,
        "weight_sum_error": sums,
    }


def test_ways_to_make_weights_stand_side_by_side():
    results = [
        run("no-quantity", test=counted(5.0, insertions=990)),
        *(run("linear", seed=seed, test=counted(0.01 * seed)) for seed in (1, 2, 3)),
        run("linear", leave_out="george", test=counted(0.9)),
        run("linear", recipe="grid", test=counted(0.9)),
        run("ctc", test=measured(0.9, "path", silent=None)),
    ]
    assert weights_table(results, "digits", "test").splitlines() == [
        "| digits, test set | seeds | token error rate % | deletions % | insertions % "
        "| substitutions % | right number of tokens % | mean abs(Σα − N) | α in silence % "
        "| edges ms |",
        "|" + 10 * "---|",
        "| linear layer | 3 | 2.00 ± 1.00 | 1.00 ± 0.00 | 2.00 ± 0.00 | 3.00 ± 0.00 "
        "| 50.00 ± 0.00 | 0.75 ± 0.00 | 10.0 ± 0.0 | 25.0 ± 0.0 |",
        "| no quantity loss | 1 | 500.00 | 1.00 | 495.00 | 3.00 | 50.00 | 0.75 | 10.0 | 25.0 |",
    ]
    assert set(WEIGHT_TITLES) <= set(VARIANTS)
    with pytest.raises(DataError, match="no published result for the weights of 'grid'"):
        weights_table(results[:1], "grid", "test")


def test_no_row_stands_twice_and_every_readout_exists():
    assert len({row.title for row in ROWS}) == len({row[1:] for row in ROWS}) == len(ROWS)
    known = {"shipped"}.union(*(system.readouts for system in SYSTEMS.values()))
    assert {row.readout for row in ROWS} <= known


def published(folder, *results):
    """As `python -m experiments publish` leaves them."""
    rest = {"fit": {}, "recordings": {}, "versions": {}, "history": []}
    for number, result in enumerate(results):
        path = folder / f"{number}.json"
        path.write_text(json.dumps({**rest, **result}), "utf-8")
    return folder


def test_tables_are_read_from_a_folder(tmp_path):
    folder = published(
        tmp_path,
        run(test=measured(0.01, "fire"), joined=measured(0.02, "fire")),
        run(recipe="grid", dev=measured(0.03, "fire")),
        run(leave_out="ann", test=measured(0.04, "fire")),
    )
    found = {
        name: cells(make_table(name, folder))["raw CIF: fire"][1]
        for name in ("alignment", "joined", "grid", "held-out")
    }
    assert found == {"alignment": "1.00", "joined": "2.00", "grid": "3.00", "held-out": "4.00"}


@pytest.mark.parametrize("name", ["summary", "alignment", "joined", "grid", "held-out"])
def test_a_folder_without_results_is_named(tmp_path, name):
    with pytest.raises(DataError, match=r"expected results \(\*\.json\) in .*, found none"):
        make_table(name, tmp_path)


def test_a_file_that_is_no_result_is_named(tmp_path):
    published(tmp_path, {"recipe": "digits"})
    with pytest.raises(DataError, match=r"0\.json is no result of .*train`: no \['leave_out"):
        make_table("alignment", tmp_path)
    (tmp_path / "0.json").write_text("[]", "utf-8")
    with pytest.raises(DataError, match=r"0\.json is no result of .*train`: no \['fit'"):
        make_table("alignment", tmp_path)
