"""Fixtures of the data floor: a cache of its own for every test, a folder of pairs, toys."""

import pytest
from small_data import make_folder

from avgen.core import INSTRUMENTS
from avgen.data.pairs import toy_pairs


@pytest.fixture(scope="session")
def toy():
    """Small arrays of four instruments."""
    return toy_pairs(8, INSTRUMENTS[:4])


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """An empty cache, which AVGEN_CACHE names."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("AVGEN_CACHE", str(folder))
    return folder


@pytest.fixture
def band(tmp_path):
    """A folder of flutes and tubas, three takes for training and one for validation."""
    pytest.importorskip("soundfile")
    return make_folder(tmp_path / "band")
