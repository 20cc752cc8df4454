"The command of the lessons: lists, makes the four editions, and refuses with one line."

import json

import pytest

from avgen.lessons.__main__ import main, parser


def test_without_a_lesson_it_lists_them(capsys):
    main([])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("01_see_a_sound") and all(" min " in line for line in lines)


def test_editions_are_written(tmp_path, capsys):
    for kind, ending in (("--student", ".student.ipynb"), ("--teacher", ".teacher.md")):
        main(["02_first_light", kind, "--out", str(tmp_path)])
        assert (tmp_path / f"02_first_light{ending}").is_file()
    for kind, ending in (("--page", ".html"), ("--slides", ".slides.html")):
        main(["02_first_light", kind, "--as-it-is", "--out", str(tmp_path)])
        assert "<h1>" in (tmp_path / f"02_first_light{ending}").read_text()
    assert len(capsys.readouterr().out.splitlines()) == 4
    student = json.loads((tmp_path / "02_first_light.student.ipynb").read_text())
    assert not any(cell.get("outputs") for cell in student["cells"])


def test_bad_input_is_one_line(tmp_path):
    with pytest.raises(SystemExit, match="avgen: lesson: found '99'"):
        main(["99", "--student", "--out", str(tmp_path)])
    with pytest.raises(SystemExit):
        parser().parse_args(["x", "--student", "--slides"])
