"""The contract of avgen.prepare.known_corpora: what is said of each corpus, and URMP read off its file names."""

import pytest

from avgen.core import INSTRUMENTS, InputError
from avgen.prepare.known_corpora import KNOWN_CORPORA, URMP_CODES, corpus_named, urmp_labels, urmp_tracks


def test_every_corpus_says_what_a_reader_must_know():
    assert list(KNOWN_CORPORA) == ["sub-urmp", "urmp", "inis", "folders"]
    for corpus in KNOWN_CORPORA.values():
        assert all([corpus.title, corpus.what, corpus.size, corpus.licence, corpus.ask, corpus.layout]), corpus.name
        assert all(word in corpus.text for word in ("licence", "ask", "lies as"))


def test_both_counts_of_sub_urmp():
    corpus = corpus_named("sub-urmp")
    assert all(number in corpus.size for number in ("14,333", "3,502", "71,230", "9,575"))
    assert [sum(corpus.counts[split].values()) for split in ("train", "validation")] == [71230, 9575]
    assert tuple(corpus.counts["train"]) == INSTRUMENTS


@pytest.mark.parametrize("asked", ["Sub-URMP", "sub_urmp", " SUB URMP "])
def test_names_are_found_however_they_are_written(asked):
    assert corpus_named(asked).name == "sub-urmp"


@pytest.mark.parametrize("asked,says", [("urpm", "did you mean 'urmp'"), ("birds", "are called 'folders'")])
def test_unknown_names_get_advice(asked, says):
    with pytest.raises(InputError, match=says):
        corpus_named(asked)


def test_urmp_gives_every_player_a_track_and_a_region(tmp_path):
    for name in ("02_Sonata_vn_vn", "15_Surprise_tpt_tpt_tpt_tbn", "Documentation", "44_K515_vn_vn_va_va_vc"):
        (tmp_path / name).mkdir()
    tracks = urmp_tracks(tmp_path)
    assert len(tracks) == 2 + 4 + 5
    assert [t.instrument for t in tracks if t.piece == "15_Surprise"] == ["trumpet", "trumpet", "trombone", "trombone"]
    assert tracks[2].sound.name == "AuSep_1_tpt_15_Surprise.wav" and tracks[2].video.name == "Vid_15_Surprise.mp4"
    quintet = [t.box for t in tracks if t.piece == "44_K515"]
    assert quintet[0][0] == 0 and quintet[-1][2] == 1 and all(a[2] == b[0] for a, b in zip(quintet, quintet[1:]))
    assert set(URMP_CODES.values()) == set(INSTRUMENTS)


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_is_not_urmp(tmp_path, there):
    with pytest.raises(InputError, match="found no piece of URMP.*01_Jupiter_vn_vc"):
        urmp_tracks(tmp_path if there else tmp_path / "nowhere")


def test_urmp_labels_name_film_box_and_track_of_each_player(tmp_path):
    import csv
    import io

    (tmp_path / "03_Dance_fl_cl").mkdir()
    rows = list(csv.DictReader(io.StringIO(urmp_labels(tmp_path))))
    assert [row["instrument"] for row in rows] == ["flute", "clarinet"]
    assert rows[1]["box"] == "0.5000,0,0.5000,1" and rows[0]["file"] == "03_Dance_fl_cl/Vid_03_Dance.mp4"
    assert rows[1]["sound"] == "03_Dance_fl_cl/AuSep_2_cl_03_Dance.wav" and rows[0]["performer"] != rows[1]["performer"]
