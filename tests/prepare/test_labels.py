"""Labels from folders, tables and names, in any script."""

import pytest

from avgen.core import InputError
from avgen.prepare.films import film_a_take
from avgen.prepare.labels import class_name, find_films, label_films, read_labels, seconds_of


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return film_a_take(tmp_path_factory.mktemp("film") / "duo.mp4", "viola", 0.3, rate=10, size=64)


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_folders_name_class_and_performer(tmp_path):
    touch(
        tmp_path,
        "Drum Kit/Ada/1.mp4",
        "Drum Kit/2.MOV",
        "大提琴/a.mkv",
        "🎻/b.webm",
        "bird_song 3.mp4",
        ".hidden/c.mp4",
        "x.txt",
    )
    parts, problems = label_films([tmp_path])
    assert {(p.instrument, p.performer) for p in parts} == {
        *(("Drum Kit", "Ada"), ("Drum Kit", "2"), ("大提琴", "a"), ("🎻", "b"), ("bird_song", "bird_song 3")),
    }
    assert not problems and len(find_films([tmp_path, tmp_path / "🎻"])) == 5


def test_class_names_are_composed_and_bounded():
    assert class_name("Flo\u0308te") == "Fl\u00f6te"
    for name in ("", "  ", ".hidden", "a/b", "a:b", "x" * 151, "笛" * 51):
        with pytest.raises(InputError, match="class"):
            class_name(name)


@pytest.mark.parametrize("form", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_tables_as_spreadsheets_save_them(film, tmp_path, form, mark):
    lines = (("File", "Instrument", "Performer", "Start", "End"), ("duo.mp4", "Flöte", "Jörg", "0", "0:00.3"))
    (tmp_path / "t.csv").write_bytes("\r\n".join(mark.join(line) for line in lines).encode(form))
    parts, problems = read_labels(tmp_path / "t.csv", film.parent)
    assert not problems and (parts[0].instrument, parts[0].performer, parts[0].end) == ("Flöte", "Jörg", 0.3)


def test_rows_that_make_no_sense_are_named(film, tmp_path):
    rows = ("gone.mp4,a,,", "duo.mp4,,,", "duo.mp4,a,5,2", "duo.mp4,a,soon,", "duo.mp4,good,,")
    (tmp_path / "t.csv").write_text("file,instrument,start,end\n" + "\n".join(rows) + "\n")
    parts, problems = read_labels(tmp_path / "t.csv", film.parent)
    assert [p.instrument for p in parts] == ["good"] and [where[-1] for where, _ in problems] == ["2", "3", "4", "5"]
    (tmp_path / "u.csv").write_text('file,instrument\n"duo.mp4,a\n')
    for name, text in (("u.csv", "cannot be read|instrument"), ("none.csv", "cannot be read")):
        with pytest.raises(InputError, match=text):
            read_labels(tmp_path / name, film.parent)


def test_times():
    assert seconds_of("1:02:03.5") == 3723.5 and seconds_of(" 7 ") == 7
    for text in ("", "a", "-1", "1:2:3:4", "nan"):
        with pytest.raises(InputError):
            seconds_of(text)
