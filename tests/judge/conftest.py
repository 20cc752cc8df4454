"""One small judge for all tests of this folder."""

import pytest
from avgen.judge.evaluator import train_evaluator
from judging import QUICK, easy_pairs


@pytest.fixture(scope="session")
def pairs():
    return easy_pairs()


@pytest.fixture(scope="session")
def evaluator(pairs, once):
    def trained(folder):
        return train_evaluator(pairs, device="cpu", cache=folder, settings=QUICK, quiet=True)

    return trained(once("evaluators", trained))  # the second time it is read
