"""Contract of avgen.report.pages: what stands on a page, whole or half."""

from report_examples import Outline

from avgen.report.pages import cost_table, render, write_page
from avgen.show.charts import curves_of
from avgen.report.story import Chapter, Story, Task


def test_a_page_without_anything_says_what_it_waits_for():
    text = render(
        Story(chapters={d: Chapter(d) for d in ("S2I", "I2S")}, tasks=[Task("data", "running"), Task("judging")])
    )
    page = Outline(text)
    said = " ".join(page.text)
    waits = (
        "Nothing has been trained yet",
        "not trained yet",
        "no network to look into",
        "Nothing has been judged yet",
        "No step of training",
    )
    for words in waits:
        assert words in said
    assert "location.reload" in text


def test_costs_and_curves():
    table = cost_table(
        Story(tasks=[Task("data", "done", 61, 1024), Task("training", "done", 200, 2048), Task("judging")])
    )
    assert "1 min 01 s" in table and "4 min 21 s" in table and table.count("2.00 GB") == 2 and "judging" not in table
    rows = [{"step": 1, "D/D(fake)": 0.1, "D/loss": None, "gamma/encoder.stack.layers.attention": 0.0, "seconds": 1.0}]
    assert (
        curves_of(rows)["What the discriminator says"] == {"of generated": [(1, 0.1)]}
        and "encoder" in curves_of(rows)["|γ| of each attention layer"]
    )


def test_a_page_is_written_whole(tmp_path):
    write_page(tmp_path / "deep" / "page.html", Story())
    page = Outline((tmp_path / "deep" / "page.html").read_text())
    assert sum(tag == "section" for tag, _ in page.found) == 6
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["page.html"]
