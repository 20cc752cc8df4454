"""One small orchestra for all tests of this folder."""

import pytest
from avgen.orchestra.dataset import build as build_orchestra


@pytest.fixture(scope="session")
def orchestra(tmp_path_factory):
    return build_orchestra(tmp_path_factory.mktemp("data") / "orchestra", train=9, validation=5, seed=0, workers=1)
