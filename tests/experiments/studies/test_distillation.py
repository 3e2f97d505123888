"""Retrieval of a teacher's states, with students whose geometry is known."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import DataError
from cifviz.published import study_path
from cifviz.systems.hieradist import ACOUSTIC, LINGUISTIC, HieraDistConfig, HieraDistRecognizer
from cifviz.systems.hieradist_settings import DistillationConfig
from experiments.studies import distillation as study
from experiments.studies.distillation import (
    Fired,
    blind_top_1,
    development_batches,
    fired,
    fitted_projection,
    retrievals,
    shared_geometry,
    similarities,
    training_batches,
)
from tests.experiments.studies.word_piece_runs import results
from tests.systems.tiny import noise, tiny_config

WIDTH = 3


def known(students=None, seed=0):
    """Twelve tokens whose states are a linear function of what fires; the last row is padded."""
    draw = torch.manual_seed(seed)
    embeddings = torch.randn(3, 5, 4, generator=draw)
    map_ = torch.randn(4, WIDTH, generator=torch.manual_seed(9))
    teacher = embeddings @ map_ + 2.0
    targets = torch.arange(15).reshape(3, 5)
    targets[2, 2:] = -1
    embeddings[2, 2:], teacher[2, 2:] = 0, 0
    return Fired(embeddings, students or {}, teacher, targets)


def test_a_fitted_projection_finds_a_linear_map():
    """Of states that are linear in the embeddings all are retrieved, on other utterances too."""
    projection = fitted_projection([known(seed=seed) for seed in range(20)])
    found = retrievals([known(seed=30), known(seed=31)], projection)
    assert found.keys() == {"fitted"}
    assert found["fitted"]["top_1"] > 0.9 and found["fitted"]["reciprocal_rank"] > 0.9
    blind = retrievals([known(seed=30)], torch.zeros_like(projection))
    assert blind["fitted"] == {"top_1": 0.0, "reciprocal_rank": pytest.approx(1 / 12)}


def test_projections_that_were_trained_are_judged_by_themselves():
    one = known()
    students = {ACOUSTIC: one.teacher, LINGUISTIC: -one.teacher}
    blind = torch.zeros(5, WIDTH, dtype=torch.float64)
    found = retrievals([one._replace(students=students)], blind)
    assert found[ACOUSTIC] == {"top_1": 1.0, "reciprocal_rank": 1.0}
    assert found[LINGUISTIC]["top_1"] == 0.0


def tiny(**settings):
    torch.manual_seed(0)
    plain = tiny_config(decoder="ar", dropout=0.0, conv_cif_dropout=0.0)
    names = ("vocabulary", "features", "encoder", "cif", "decoder")
    parts = {name: getattr(plain, name) for name in names}
    taught = DistillationConfig(bert_distill_feat_dim=WIDTH, **settings)
    return HieraDistRecognizer(HieraDistConfig(**parts, distillation=taught)).eval()


def utterance(*tokens, seed=0):
    words = Alignment(tuple(TimedToken(one) for one in tokens))
    states = np.arange(WIDTH * len(tokens), dtype=np.float16).reshape(-1, WIDTH)
    return LabelledUtterance(noise(1.0, seed), words, "ann", {"teacher": states})


def test_as_many_fire_as_there_are_tokens():
    model = tiny()
    utterances = [utterance("one", "two"), utterance("four", "unknown"), utterance("zero")]
    (batch,) = development_batches(model, utterances)
    found = fired(model, batch)
    assert found.targets.tolist() == [[1, 2], [0, -1]]
    assert found.embeddings.shape == (2, 2, 16) and found.teacher.shape == (2, 2, WIDTH)
    assert found.students.keys() == {ACOUSTIC, LINGUISTIC}
    assert all(one.shape == found.teacher.shape for one in found.students.values())
    alone = fired(model, development_batches(model, utterances[2:])[0])
    torch.testing.assert_close(found.embeddings[1, :1], alone.embeddings[0], rtol=1e-4, atol=1e-5)


def test_recordings_make_batches():
    states = np.ones((2, WIDTH), np.float16)
    one = SimpleNamespace(
        features=np.zeros((50, 40), np.float16), tokens=(1, 2), extras={"teacher": states}
    )
    batches = training_batches([one] * 20)
    assert [len(batch.targets) for batch in batches] == [16, 4]
    assert fired(tiny(), batches[0]).teacher.shape == (16, 2, WIDTH)


def test_similarities_are_cosines_of_each_to_each():
    model = tiny(apply_cif_contrastive_dis_cos_loss=False, apply_dec_state_dis_loss=False)
    (batch,) = development_batches(model, [utterance("one", "two", "four")])
    found = fired(model, batch)
    assert not found.students
    made = similarities(found, torch.ones(17, WIDTH, dtype=torch.float64), model)
    assert made["tokens"] == ["one", "two", "four"]
    assert made["student_teacher"] == made["fitted_teacher"]
    for name in ("student_teacher", "fires", "teacher"):
        assert np.shape(made[name]) == (3, 3) and np.abs(made[name]).max() <= 1
    assert np.diag(made["teacher"]) == pytest.approx(np.ones(3))
    # By hand: (0, 1, 2) and (3, 4, 5) have the cosine 14 / √(5 · 50).
    assert made["teacher"][0][1] == pytest.approx(14 / 250**0.5, abs=5e-4)


def test_a_blind_choice_by_hand():
    """Of three tokens two are the same: 2/3, 2/3 and 1/3 of the states are right."""
    one = known()._replace(
        targets=torch.tensor([[7, 7, 8]]),
        embeddings=torch.ones(1, 3, 4),
        teacher=torch.ones(1, 3, 3),
    )
    assert blind_top_1([one]) == pytest.approx(5 / 9)


def test_a_geometry_that_is_turned_is_the_same():
    one = known()
    turn, _ = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=torch.manual_seed(1)))
    turned = one._replace(embeddings=3 * one.teacher @ turn)
    assert shared_geometry([turned]) == pytest.approx(1.0, abs=1e-5)
    other = one._replace(embeddings=torch.randn(3, 5, 4, generator=torch.manual_seed(2)))
    assert abs(shared_geometry([other])) < 0.5
    alone = one._replace(targets=torch.full((3, 5), -1))
    with pytest.raises(DataError, match="two different tokens"):
        shared_geometry([alone])


def test_without_runs_there_is_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(study.piece_speech, "kept_out", lambda name: [])
    monkeypatch.setattr(study.piece_speech, "taught", lambda utterances, name: utterances)
    monkeypatch.setattr(study, "recordings", lambda *args: [])
    with pytest.raises(DataError, match="no finished run of 'hieradist'"):
        study.run(runs=tmp_path, data=tmp_path)


def test_the_tables_of_what_was_published(tmp_path):
    names = {name: {} for name in ("fit", "recordings", "versions", "history", "command")}
    for one in results("hieradist", _=0.3, none=0.3):
        name = f"hieradist-{one['variant']}-{one['seed']}.json"
        (tmp_path / name).write_text(json.dumps({**names, **one}), "utf-8")
    path = study_path(tmp_path, study.NAME)
    path.parent.mkdir()
    ranks = {"top_1": 0.5, "reciprocal_rank": 0.75}
    measured = [
        {"variant": "none", "seed": 0, "geometry": 0.25, "fitted": ranks},
        {"variant": "", "seed": 0, "geometry": 0.5, "fitted": ranks, ACOUSTIC: ranks},
    ]
    found = {"chance": 0.02, "retrieval": measured, "similarities": {}}
    path.write_text(json.dumps(found), "utf-8")
    printed = study.table(study.read(tmp_path))
    assert "| none | 1 of 3 | 50.0 | 0.75 | – | – | – | – | 0.25 |" in printed
    assert "would be right in 2.0 %" in printed
    assert "| none | 3 | 31.0 ± 1.0 |" in printed
    assert "+0.00 ± 0.00, no difference | not reproduced: no difference |" in printed
