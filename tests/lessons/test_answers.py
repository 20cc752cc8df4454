"Verdicts, exercises that hint before they tell, and figures side by side."

import json

import pytest

from avgen.core import InputError
from avgen.lessons import answers
from avgen.lessons.answers import Beside, Exercise, Verdict, beside, near, same


def exercise(**more):
    given = dict(hints=("first hint", "second hint"), slips=((near(2, 0), "wrong way round"),))
    return Exercise("half", "a number", near(0.5, 0.01), "half of them", **(given | more))


def test_a_wrong_answer_is_told_what_is_wrong_then_hinted_then_sent_to_the_solution():
    check = exercise()
    first, second, third, fourth = (check(2) for _ in range(4))
    assert first.says == "wrong way round" and not first.hint
    assert second.hint == "first hint" and third.hint == "second hint"
    assert "solution" in fourth.hint and "second hint" in fourth.hint
    assert check(0.5) and check(7).hint == "", "a right answer begins anew"


def test_the_open_answer_counts_as_no_attempt():
    check = exercise()
    assert not check(...) and "a number" in check(...).says
    assert check(7).hint == ""


@pytest.mark.parametrize("answer", [None, "half", [], {}, object(), float("nan"), (1, 2)])
def test_an_answer_of_another_kind_is_wrong_and_told_what_is_expected(answer):
    verdict = exercise()(answer)
    assert not verdict and "expected is a number" in verdict.says and len(verdict.says) < 140


def test_an_exercise_without_a_hint_is_refused():
    with pytest.raises(InputError, match="at least one"):
        exercise(hints=())


def test_tests_of_answers():
    assert near(1, 0.1)(1.05) and not near(1, 0.1)(1.2) and not near(1, 0.1)(float("inf"))
    assert same("as loud")(" As_Loud ") and not same("a")("b") and not same(44)(True) and not same(1)(1.0)


def test_a_verdict_shows_itself_without_letting_markup_through():
    shown = Verdict(False, "<b>2 & 3</b>", "look <i>")._repr_html_()
    assert "&lt;b&gt;2 &amp; 3" in shown and "look &lt;i&gt;" in shown
    assert repr(Verdict(True, "Yes.")) == "✓ Right. Yes." and "Hint: h" in repr(Verdict(False, "No.", "h"))


def test_our_figures_are_written_on_request_only(tmp_path, monkeypatch):
    path = tmp_path / "lessons.json"
    monkeypatch.setattr(answers, "figures_file", lambda: path)
    assert beside("x", a=1.0).rows() == [("a", "1", "–")] and not path.exists()
    monkeypatch.setenv("AVGEN_EXPECTED", "1")
    beside("x", a=1.0)
    beside("x", b="[0, 1]")
    monkeypatch.setenv("AVGEN_QUICK", "1")
    beside("x", a=9.0)
    assert json.loads(path.read_text()) == {"x": {"a": 1.0, "b": "[0, 1]"}}
    monkeypatch.delenv("AVGEN_EXPECTED")
    shown = beside("x", a=0.5)
    assert shown.rows() == [("a", "0.5", "1")] and "<td>0.5</td><td>1</td>" in shown._repr_html_()
    assert "yours" in repr(Beside({}, {}))
