"""The report: what stands on a page, whole or half, and a demo that goes on where it stopped."""

import json
import re
from html.parser import HTMLParser

import pytest
import torch

from avgen.show import charts
from avgen.report import report
from avgen.show.charts import h
from avgen.core import InputError
from avgen.judge.evaluation import Evaluation, write_evaluations
from avgen.report.pages import Chapter, Part, Story, accuracy_section, cost_table, curves_of, render, top
from avgen.data.pairs import toy_pairs
from avgen.training.runner import train

HOSTILE = "</script><script>alert('x')</script>"


class Outline(HTMLParser):
    "Tags, attributes and text of a page; complains when elements do not close."

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.found, self.text = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"{tag} closes something else"

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs(n=4)


@pytest.fixture(scope="module")
def run(pairs, tmp_path_factory):
    return train(
        "sa-cmgan", pairs, "S2I", preset="toy", run=tmp_path_factory.mktemp("runs") / "S2I", steps=4, quiet=True
    )


def evaluation(names, direction="S2I", correct=40):
    by = {n: dict(n=20, correct=correct // len(names), accuracy=0.6, low=0.5, high=0.7, takes=4) for n in names}
    lottery = dict(size=64, mean=0.6, sd=0.05, low=0.5, high=0.7, draws=100, counts={"38": 60, "40": 40})
    counted = dict(
        n=80,
        takes=12,
        correct=correct,
        accuracy=correct / 80,
        low=0.41,
        high=0.62,
        by_instrument=by,
        one_batch_of_64=lottery,
    )
    confusion = torch.eye(len(names)).int().tolist()
    return Evaluation(
        direction,
        "validation",
        **counted,
        evaluator_accuracy=0.96,
        confusion=confusion,
        data=dict(instruments=list(names)),
    )


def test_elements_escape_what_is_not_markup():
    assert h("p", HOSTILE) == "<p>&lt;/script&gt;&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;</p>"
    assert '"' not in h("p", "x", title='"><b>').removeprefix('<p title="').removesuffix('">x</p>')
    assert h("i", h("b", "x"), None) == "<i><b>x</b></i>"


def test_charts_say_what_they_draw():
    assert 'aria-label="50.0 %, 95 % interval 41.0 to 62.0 %, chance 7.7 %"' in charts.interval_chart(
        0.5, 0.41, 0.62, 1 / 13
    )
    assert "width:40.0%" in charts.bar_chart(
        {"sax": [(0.4, "4 of 10")]}, ["S2I"]
    ) and "not measured" in charts.bar_chart({"sax": [None]}, ["S2I"])
    assert charts.line_chart({"x": [(0, 1.0), (1, float("nan")), (2, 3.0)]}).count("0.0,") >= 1
    assert (
        charts.thin([(i, 1.0) for i in range(10_000)])[-1][1] == 1.0
        and len(charts.thin([(i, 1.0) for i in range(10_000)])) <= 240
    )
    for wrong in (dict(value=50, low=0, high=1), dict(value=0.5, low=-1, high=1)):
        with pytest.raises(InputError, match="share"):
            charts.interval_chart(**wrong)


def test_a_page_without_anything_says_what_it_waits_for():
    text = render(
        Story(chapters={d: Chapter(d) for d in ("S2I", "I2S")}, parts=[Part("data", "running"), Part("judging")])
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


def test_results_are_on_top_with_their_intervals():
    names = ("flute", "tuba")
    config = dict(system="sa-cmgan", preset="small", data=dict(train=1234), instruments=names)
    story = Story(
        chapters={
            "S2I": Chapter("S2I", config, evaluation=evaluation(names)),
            "I2S": Chapter("I2S", config, reason="the loss became nan"),
        }
    )
    head = " ".join(Outline(top(story)).text)
    assert (
        "1,234 pairs of 2 instruments" in head
        and "50.0 % of the pictures" in head
        and "41.0 to 62.0 %" in head
        and "stopped: the loss became nan" in head
    )
    body = " ".join(Outline(accuracy_section(story)).text)
    assert (
        "40" in body
        and "96.0 %" in body
        and "20 of 20" in body
        and "a single batch of 64 says 50.0 % to 70.0 %" in body
    )


def test_costs_and_curves():
    table = cost_table(
        Story(parts=[Part("data", "done", 61, 1024), Part("training", "done", 200, 2048), Part("judging")])
    )
    assert "1 min 01 s" in table and "4 min 21 s" in table and table.count("2.00 GB") == 2 and "judging" not in table
    rows = [{"step": 1, "D/D(fake)": 0.1, "D/loss": None, "gamma/encoder.stack.layers.attention": 0.0, "seconds": 1.0}]
    assert (
        curves_of(rows)["What the discriminator says"] == {"of generated": [(1, 0.1)]}
        and "encoder" in curves_of(rows)["|γ| of each attention layer"]
    )


def test_report_of_a_run(run, pairs, tmp_path):
    judged = evaluation(pairs.instruments)
    write_evaluations(tmp_path / "e.json", judged)
    path = report.write(tmp_path / "report.html", [run.folder], tmp_path / "e.json", pairs, commands=[HOSTILE])
    text = path.read_text()
    page = Outline(text)
    assert len(text) < 6 * 2**20 and HOSTILE not in text and "alert('x')" in " ".join(page.text)
    assert [a["data-widget"] for _, a in page.found if "data-widget" in a].count("AttentionFigure") == 2
    links = [v for t, a in page.found for k, v in a.items() if k in ("src", "href")]
    assert links and all(v.startswith(("data:image/", "#")) for v in links) and not re.search(r"@import|url\(", text)
    assert "fixed samples of the run while it learned" in text and run.config["data"]["hash"] in text
    states = [json.loads(s) for s in re.findall(r'<script type="application/json">(.*?)</script>', text)]
    assert all(s["sample_rate"] == report.RATE for s in states if s.get("audio", {}).get("bytes"))


def test_report_refuses_data_of_another_configuration(run, tmp_path):
    with pytest.raises(InputError, match="size"):
        report.write(tmp_path / "report.html", [run], pairs=toy_pairs(n=4, size=32))
    assert not list(tmp_path.iterdir())


def test_fewer_queries_are_still_the_same_map(run, pairs):
    whole = run.attend(pairs.validation[0].sound)
    small, points = report.fewer_queries(whole)
    assert small.weights.shape[1] * 4 == whole.weights.shape[1] and len(points) == 3
    for point in points:
        assert torch.equal(small.at(*point), whole.at(*point))


def test_a_part_is_remembered_only_when_it_ends_well(tmp_path):
    work = report.Demo(tmp_path / "d", tmp_path / "data", quick=True, seed=0, device="cpu")
    with work.part("data", "making data"):
        assert work.parts["data"].state == "running" and 'class="running"' in work.page.read_text()
    with pytest.raises(ValueError, match="torn"), work.part("evaluator", "training"):
        raise ValueError("the file is torn")
    again = report.Demo(tmp_path / "d", tmp_path / "data", quick=True, seed=0, device="cpu")
    assert (
        again.parts["data"].state == "done"
        and again.parts["evaluator"].state == "waiting"
        and "torn" in again.parts["evaluator"].note
    )


def test_demo_refuses_other_arguments_and_broken_memory(tmp_path):
    with report.Demo(tmp_path / "d", "data/x", quick=True, seed=0, device="cpu").part("data", "making data"):
        pass
    with pytest.raises(InputError, match="seed was 0, is 1 now"):
        report.demo(tmp_path / "d", data="data/x", quick=True, seed=1)
    with pytest.raises(InputError, match="quick"):
        report.demo(tmp_path / "e", quick="yes")
    (tmp_path / "d" / "demo.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        report.demo(tmp_path / "d", data="data/x", quick=True)


@pytest.mark.slow
def test_demo_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys):
    from avgen.orchestra import dataset as orchestra

    orchestra.build(tmp_path / "few", train=2, validation=1, workers=1, quiet=True)
    settings = report.EvaluatorSettings(image_steps=2, sound_steps=2)
    monkeypatch.setattr(report, "EvaluatorSettings", lambda **_: settings)
    trained, first = [], report.train

    def stops(*args, **more):
        if len(trained) == 1:
            raise KeyboardInterrupt
        trained.append(more["run"])
        return first(*args, **more)

    monkeypatch.setattr(report, "train", stops)
    page = report.demo(tmp_path / "demo", data=tmp_path / "few", quick=True, device="cpu")
    assert "the same command goes on from here" in capsys.readouterr().out and "location.reload" in page.read_text()
    monkeypatch.setattr(report, "train", first)
    before = (tmp_path / "demo" / "S2I" / "metrics.jsonl").read_bytes()
    page = report.demo(tmp_path / "demo", data=tmp_path / "few", quick=True, device="cpu")
    told = json.loads((tmp_path / "demo" / "demo.json").read_text())
    assert [p["state"] for p in told["parts"]] == ["done"] * 5 and all(p["seconds"] >= 0 for p in told["parts"])
    assert (tmp_path / "demo" / "S2I" / "metrics.jsonl").read_bytes() == before
    text = page.read_text()
    assert "location.reload" not in text and text.count('class="result"') == 2 and len(text) < 6 * 2**20
    assert set(json.loads((tmp_path / "demo" / "evaluation.json").read_text())) == {"S2I", "I2S"}
    assert "runs" not in {p.name for p in tmp_path.iterdir()}
