"""Contract of avgen.studies.representations: a representation is made once for all that read it."""

from types import SimpleNamespace

import pytest
import torch

from avgen.studies.published import REPRESENTATION_ACCURACY
from avgen.studies.study import run_study
from avgen.studies.workplace import StudyJudge

KINDS = list(dict.fromkeys(kind for kind, _ in REPRESENTATION_ACCURACY))


@pytest.fixture
def made(monkeypatch):
    """Put a number in place of each representation, and answers in place of each classifier; what was made is kept.

    That real classifiers learn from real representations is tested with the judge, and all of them together with the
    quick form of the study.
    """
    made, read = [], []

    def represent(split, kind, quiet):
        made.append(kind)
        return torch.full((len(split), 1, 1, 1), float(KINDS.index(kind)))

    def answer(train, labels, test, layers, classes, steps, seed):
        assert len(train) == len(labels) and (train == train[0, 0, 0, 0]).all() and (test == train[0, 0, 0, 0]).all()
        read.append((KINDS[int(train[0, 0, 0, 0])], layers, seed))
        return torch.zeros(len(test), dtype=torch.long)

    monkeypatch.setattr("avgen.studies.representations.represent_split", represent)
    monkeypatch.setattr("avgen.studies.representations.train_and_predict", answer)
    monkeypatch.setattr(StudyJudge, "evaluator", SimpleNamespace(accuracy={}))  # these classifiers need no judge
    return made, read


def test_a_representation_is_made_once_for_all_that_read_it(orchestra, tmp_path, made):
    run_study("representations", orchestra, folder=tmp_path, quick=True, quiet=True, device="cpu", seeds=2)
    kinds, read = made
    assert kinds == [
        kind for kind in KINDS for _ in range(2)
    ]  # train and validation, for 3 and 4 layers and both seeds
    assert sorted(read) == sorted((kind, layers, seed) for kind in KINDS for layers in (3, 4) for seed in (0, 1))
