"""Contract of avgen.runs.film: the frames of a run are what it generated."""

import shutil

import pytest
from tiny_runs import TOTAL

from avgen.core import InputError
from avgen.runs.film import read_film, save_frame

pytestmark = pytest.mark.usefixtures("tiny")


def test_the_film_is_what_was_generated(whole, toys, tmp_path):
    folder = shutil.copytree(whole.folder, tmp_path / "copy")
    film, grid = read_film(folder), whole.samples()
    assert (
        film.steps[-1] == TOTAL
        and (film.frames[-1] - grid.generated).abs().max() < 0.005
        and film.instruments == grid.instruments
    )
    (folder / "samples" / "step_00000001.npy").write_bytes(b"torn")
    assert read_film(folder).steps == film.steps and read_film(tmp_path / "nothing") is None
    (folder / "samples" / "step_00000001.npy").unlink()
    with pytest.raises(InputError, match="cannot write"):
        save_frame(folder / "config.json", 1, grid)
