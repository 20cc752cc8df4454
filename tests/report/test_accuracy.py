"""Contract of avgen.report.accuracy: counts, intervals, the evaluator's own accuracy, one batch, confusion."""

from report_examples import Outline, evaluation

from avgen.judge.measures import MEASURES
from avgen.report.accuracy import accuracy_section, confusion_table, one_batch_chart, quality_table
from avgen.report.story import Chapter, Story

NAMES = ("flute", "tuba")


def test_the_section_has_counts_and_the_one_batch_answer():
    story = Story(chapters={"S2I": Chapter("S2I", evaluation=evaluation(NAMES))})
    body = " ".join(Outline(accuracy_section(story)).text)
    for words in ("40", "96.0 %", "20 of 20", "a single batch of 64 says 50.0 % to 70.0 %"):
        assert words in body


def test_what_was_not_measured_says_so():
    table = quality_table([evaluation(NAMES)])
    assert table.count("not measured") == len(MEASURES) - 1 and "nan" not in table and "not hardened" in table


def test_a_split_of_one_batch_needs_no_chart():
    small = evaluation(NAMES)
    small.one_batch_of_64["size"] = small.n
    assert "no larger than one batch" in one_batch_chart(small)


def test_every_cell_of_the_confusion_is_there():
    page = Outline(confusion_table(evaluation(NAMES)))
    assert sum(tag == "td" for tag, _ in page.found) == 4
