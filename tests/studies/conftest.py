"""Two small orchestras and a hasty judge of toys for all tests of this folder."""

import shutil

import pytest
from avgen.data.corpora import open_pairs
from avgen.data.pairs import toy_pairs
from avgen.orchestra.dataset import build as build_orchestra
from avgen.studies.workplace import StudySettings, Workplace


@pytest.fixture(scope="session")
def orchestra(small_orchestra):
    return open_pairs(small_orchestra)


@pytest.fixture(scope="session")
def chamber_orchestra(tmp_path_factory):
    """Three clips of each instrument, for what is slow in proportion to them."""
    return build_orchestra(tmp_path_factory.mktemp("data") / "chamber", train=2, validation=1, seed=0, workers=1)


@pytest.fixture(scope="session")
def judge_of_toys(once):
    """The folder of a study whose hasty judge has learned from `toy_pairs(n=8)` already."""

    def judge(folder):
        settings = StudySettings(toy_pairs(n=8), folder, "toy", quick=True, quiet=True, device="cpu")
        assert Workplace(settings).judge.evaluator

    return once("judge-of-toys", judge)


@pytest.fixture
def judged(judge_of_toys):
    """Give a folder the judge of toys, so that a quick study of `toy_pairs(n=8)` need not train one."""

    def judged(folder):
        shutil.copytree(judge_of_toys / "judge", folder / "judge")
        return folder

    return judged
