"""Contract of avgen.studies.representations: a representation is made once for all that read it."""

from avgen.studies import representations
from avgen.studies.published import REPRESENTATION_ACCURACY
from avgen.studies.study import run_study


def test_a_representation_is_made_once_for_all_that_read_it(orchestra, tmp_path, monkeypatch):
    made, real = [], representations.represent_split

    def counted(split, kind, quiet):
        made.append(kind)
        return real(split, kind, quiet)

    monkeypatch.setattr("avgen.studies.representations.represent_split", counted)
    run_study("representations", orchestra, folder=tmp_path, quick=True, quiet=True, device="cpu", seeds=2)
    kinds = dict.fromkeys(kind for kind, _ in REPRESENTATION_ACCURACY)
    assert made == [kind for kind in kinds for _ in range(2)]  # train and validation, for 3 and 4 layers and both seeds
