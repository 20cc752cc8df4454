"""Contract of avgen.runs.files: a reader that follows a growing file."""

import os

from avgen.runs.files import JsonlTail


def test_tail_reads_what_is_new(tmp_path):
    path = tmp_path / "metrics.jsonl"
    tail = JsonlTail(path)
    assert tail.read() == ([], False)
    path.write_text('{"step": 1}\n{"step": 2}\n{"ste')
    assert tail.read() == ([{"step": 1}, {"step": 2}], False)
    with open(path, "a") as file:
        file.write('p": 3}\n[]\n')
    assert tail.read() == ([{"step": 3}], False)
    (tmp_path / "new").write_text('{"step": 1}\n')
    os.replace(tmp_path / "new", path)
    assert tail.read() == ([{"step": 1}], True) and JsonlTail(path, end=True).read() == ([], False)
