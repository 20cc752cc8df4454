"Quizzes: read, refused with the line, shown without a kernel, answered in the browser."

import pytest
from chrome import opened_offline, shoot

from avgen.core import InputError
from avgen.lessons.editions import lessons_folder
from avgen.lessons.quiz import WORDS, Quiz, read_quiz

TEXT = (
    "## One?\n- [x] yes :: Because.\n- [ ] no :: Not so.\n\n## Two <b>?\n- [ ] a :: A.\n- [x] b :: B.\n- [ ] c :: C.\n"
)


@pytest.fixture
def small(tmp_path):
    (tmp_path / "small.md").write_text(TEXT)
    return tmp_path / "small.md"


def test_questions_are_read(small):
    one, two = read_quiz(small)
    assert one["text"] == "One?" and [o["right"] for o in two["options"]] == [False, True, False]
    assert one["options"][1] == dict(text="no", right=False, why="Not so.")


@pytest.mark.parametrize(
    "text, said",
    [
        ("- [x] yes :: Because.\n", "line 1"),
        ("## One?\n- [x] yes\n", "line 2"),
        ("## One?\n- [ ] a :: A.\n- [ ] b :: B.\n", "one of them right"),
        ("## One?\n- [x] a :: A.\n", "two to four"),
    ],
)
def test_a_broken_quiz_is_refused(tmp_path, text, said):
    (tmp_path / "bad.md").write_text(text)
    with pytest.raises(InputError, match=said):
        read_quiz(tmp_path / "bad.md")


def test_no_file_and_no_language(small, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_quiz(tmp_path / "nothing.md")
    with pytest.raises(InputError, match="en, zh, ja"):
        Quiz(small, "xx")


def test_without_a_kernel_it_is_a_list_with_folded_answers(small, monkeypatch):
    monkeypatch.setenv("AVGEN_STILL", "1")
    still, _ = Quiz(small)._repr_mimebundle_()
    assert set(still) == {"text/plain", "text/html"} and "Two &lt;b&gt;?" in still["text/html"]
    assert "<summary>Answer</summary>A. Because." in still["text/html"]
    assert Quiz(small)._still_().startswith(b"\x89PNG")


def test_every_lesson_has_ten_questions_with_explained_answers():
    files = sorted((lessons_folder() / "quiz").glob("*.md"))
    assert len(files) >= 10
    for path in files:
        questions = read_quiz(path)
        assert len(questions) == 10, path.name
        assert len({q["text"] for q in questions}) == 10
        assert all(len(o["why"]) >= 4 for q in questions for o in q["options"]), path.name


def test_translations_have_the_same_right_answers():
    folder = lessons_folder() / "quiz"
    english = read_quiz(folder / "02_first_light.md")
    for language in sorted(set(WORDS) - {"en"}):
        other = read_quiz(folder / f"02_first_light.{language}.md")
        marks = [[[o["right"] for o in q["options"]] for q in quiz] for quiz in (english, other)]
        assert marks[0] == marks[1], language


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_answers_in_a_page_from_disk(browser, tmp_path, scheme):
    quiz = Quiz(lessons_folder() / "quiz/02_first_light.md")
    page = opened_offline(browser, quiz.save_html(tmp_path / "quiz.html"), color_scheme=scheme)
    options, root = page.locator(".avgen-quiz-option"), page.locator(".avgen-quiz")
    right = [[o["right"] for o in q["options"]].index(True) for q in quiz.questions]
    options.nth((right[0] + 1) % 3).click()
    assert quiz.questions[0]["options"][(right[0] + 1) % 3]["why"] in page.locator(".avgen-quiz-why").inner_text()
    options.nth(right[0]).click()
    shoot(page, f"quiz-{scheme}")
    assert root.get_attribute("data-first") == "0", "only the first choice counts"
    for place in range(1, 10):
        page.get_by_role("button", name="Next").click()
        options.nth(right[place]).click()
    assert root.get_attribute("data-first") == "9" and "9 of 10" in root.inner_text()
    assert not page.errors and not page.outside
    page.context.close()
