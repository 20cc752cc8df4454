"""Films are written whole or not at all, in a form that others play."""

import numpy as np
import pytest

from avgen.core import InputError
from avgen.prepare.films import a_band, film_a_take, write_film
from avgen.prepare.video import probe


def test_the_same_seed_films_the_same_take(tmp_path):
    films = [film_a_take(tmp_path / f"{k}.mp4", "oboe", 0.4, seed=s, rate=5, size=64) for k, s in enumerate((1, 1, 2))]
    one, same, other = (film.read_bytes() for film in films)
    assert one == same != other


def test_a_band_lies_in_folders(tmp_path):
    films = a_band(tmp_path, ("horn", "viola"), films=2, seconds=0.3, rate=10, size=64)
    assert [film.parent.name for film in films] == ["horn", "horn", "viola", "viola"]
    facts = probe(films[0])
    assert facts.codec == "h264" and facts.tracks[0][0] == "aac" and len({f.stem for f in films[:2]}) == 2


def test_an_error_leaves_nothing_behind(tmp_path):
    sizes = [np.zeros((32, 32, 3), np.uint8), np.zeros((32, 64, 3), np.uint8)]
    for pictures, reason in ((sizes, "shape"), ([], "no pictures"), ([np.zeros((31, 32, 3), np.uint8)], "even")):
        with pytest.raises(InputError, match=reason):
            write_film(tmp_path / "film.mp4", pictures)
    assert not list(tmp_path.iterdir())
