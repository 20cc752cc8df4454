"Every exercise of the lessons: three wrong answers fail, each with something to say; the right one passes."

import json
import re

import pytest

from avgen.lessons import exercises
from avgen.lessons.answers import Exercise
from avgen.lessons.editions import lessons_folder

INFINITY = float("inf")
CAUGHT = {"the mean": "recall", "one memorised": "spread", "shuffled": "precision"}
CASES = {  # name: (right answers, wrong answers)
    "check_pitch": ([220, 220.5, 226], [440, 110, 4.5]),
    "check_columns": ([44], [43, 10, 64]),
    "check_decibels": ([30, 30.0], [60, -30, 1000]),
    "check_vibrato": (["B", "b "], ["A", "C", 2]),
    "check_d_loss": ([0.625], [1.0, 0.5, 0.25]),
    "check_g_loss": ([1.25], [-1.25, 0.25, 2.5]),
    "check_missing": (["mismatched"], ["real", "painted", "all"]),
    "check_move": ([(0.15, -0.2), [0.15, -0.2]], [(-0.15, 0.2), (0.3, -0.4), 0.15]),
    "check_floor": ([-INFINITY], [0, -1, INFINITY]),
    "check_cure": (["discriminator"], ["generator", "noise", True]),
    "check_weights": ([(0.25, 0.75)], [(0.75, 0.25), (0, 1), (1, 3)]),
    "check_output": ([3.5], [1.5, 5, 2]),
    "check_pooled": ([256], [1024, 512, 16]),
    "check_equal_share": ([1 / 1024, 0.000977], [1 / 32, 1, 1024]),
    "check_control": (["as loud"], ["uniform", "shifted comb", "none"]),
    "check_empty_map": (["both"], ["gamma", "entropy", "neither"]),
    "check_batch": ([0.05], [0.4, 0.0025, 0.00625]),
    "check_witnesses": ([325], [650, 13, 64]),
    "check_cheats": (
        [CAUGHT, {"the mean": "precision", "one memorised": "copies", "shuffled": "distance"}],
        [CAUGHT | {"the mean": "accuracy"}, CAUGHT | {"shuffled": "recall"}, CAUGHT | {"one memorised": "precision"}],
    ),
    "check_split": (["films", "takes"], ["clips", "frames", "players"]),
    "check_consent": (["both"], ["player", "owner", "nobody"]),
    "check_share": ([16], [64, 256, 4]),
    "check_hours": ([3, 3.0], [10800, 180, 0.54]),
    "check_file": ([".svg", "pdf"], [".png", ".jpg", ".html"]),
}


def test_no_exercise_is_without_a_case():
    known = {name for name, thing in vars(exercises).items() if isinstance(thing, Exercise)}
    assert known == set(CASES) and all(len(wrong) >= 3 for _, wrong in CASES.values())


@pytest.mark.parametrize("name", CASES)
def test_wrong_answers_fail_with_a_word_and_the_right_one_passes(name):
    check, (right, wrong) = getattr(exercises, name), CASES[name]
    for answer in wrong:
        check.wrong = 0
        verdict = check(answer)
        assert not verdict and verdict.says and not verdict.hint, answer
        assert check(answer).hint, "the second time there is a hint"
    for answer in right:
        verdict = check(answer)
        assert verdict and verdict.says, answer
    told = [check(answer).says for answer in wrong]
    assert len(set(told)) == len(told), f"{name}: the same words for different slips"
    check.wrong = 0


def test_every_exercise_of_a_lesson_has_a_check_and_a_solution():
    used = set()
    for path in sorted(lessons_folder().glob("[0-9]*.ipynb")):
        cells = [(c["cell_type"], "".join(c["source"])) for c in json.loads(path.read_text())["cells"]]
        prose = "\n".join(text for kind, text in cells if kind == "markdown")
        asked = len(re.findall(r"\*\*(?:Exercise\.|练习。|演習。)\*\*", prose))
        answered = 0
        for (_, before), (kind, text), (_, after) in zip(cells, cells[1:], cells[2:]):
            if kind == "code" and (found := re.search(r"^(check_\w+)\(answer\)", text, re.M)):
                used.add(found[1])
                answered += 1
                assert re.search(r"\*\*(?:Exercise\.|练习。|演習。)\*\*", before), f"{path.name}: {found[1]}"
                assert after.startswith("<details><summary>"), f"{path.name}: {found[1]} has no solution below it"
                assert text.startswith("answer = ..."), f"{path.name}: {found[1]} begins with an answer"
        assert asked == answered and asked >= 2, f"{path.name}: {asked} exercises, {answered} checks"
    waiting = set() if (lessons_folder() / "07_your_own_band.ipynb").exists() else {"check_split", "check_consent"}
    assert used | waiting >= set(CASES)
