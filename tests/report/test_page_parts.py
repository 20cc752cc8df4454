"""Contract of avgen.report.page_parts: escaping, and results on top with their intervals."""

from report_examples import HOSTILE, Outline, evaluation
from small_data import run_config

from avgen.report.page_parts import across, hero, results_list, html_table, inline_image, page_header, progress_list
from avgen.report.story import Chapter, Story, Task


def test_tables_and_pictures_escape_too():
    assert HOSTILE not in html_table(["name"], [[HOSTILE]]) and HOSTILE not in inline_image(b"RIFF", HOSTILE)
    assert "data:image/webp;base64," in inline_image(b"RIFF", "x")
    running = progress_list(Story(tasks=[Task(HOSTILE, "running", note=HOSTILE)]))
    assert HOSTILE not in running and 'class="running"' in running


def test_results_are_on_top_with_their_intervals():
    names = ("flute", "tuba")
    config = run_config(data=dict(train=1234), instruments=list(names))
    judged = Chapter("S2I", config, evaluation=evaluation(names))
    stopped = Chapter("I2S", config, reason="the loss became nan")
    head = " ".join(Outline(page_header(Story(chapters={"S2I": judged, "I2S": stopped}))).text)
    expected = (
        "1,234 pairs of 2 instruments",
        "50.0 % of the pictures",
        "41.0 to 62.0 %",
        "stopped: the loss became nan",
    )
    for words in expected:
        assert words in head


def test_no_card_stands_alone_and_nothing_is_an_empty_box():
    assert across(13, 7) == 7 and across(13, 4) == 5 and across(1, 7) == 1
    assert all(n % across(n, most) != 1 for n in range(2, 80) for most in (4, 7) if n != across(n, most) and n > 1)
    chapters = {"S2I": Chapter("S2I"), "I2S": Chapter("I2S")}
    told = results_list(Story(chapters=chapters))
    assert 'class="result"' not in told and told.count("not trained yet") == 2
    assert hero(Story(chapters=chapters)) is None
