"""Contract of avgen.report.report: a page about a run, from its folder alone."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from report_examples import HOSTILE, Outline, evaluation

from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.judge.evaluation import write_evaluations
from avgen.report.report import PAGE_RATE, facts_of, fewer_queries, write_report
from avgen.training.runner import train


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs(n=4)


@pytest.fixture(scope="module")
def run(pairs, tmp_path_factory):
    return train(
        "sa-cmgan", pairs, "S2I", preset="toy", run=tmp_path_factory.mktemp("runs") / "S2I", steps=4, quiet=True
    )


def test_report_of_a_run(run, pairs, tmp_path):
    judged = evaluation(pairs.instruments)
    write_evaluations(tmp_path / "e.json", judged)
    path = write_report(tmp_path / "report.html", [run.folder], tmp_path / "e.json", pairs, commands=[HOSTILE])
    text = path.read_text()
    page = Outline(text)
    assert len(text) < 6 * 2**20 and HOSTILE not in text and "alert('x')" in " ".join(page.text)
    assert [a["data-widget"] for _, a in page.found if "data-widget" in a].count("AttentionInspector") == 2
    links = [v for t, a in page.found for k, v in a.items() if k in ("src", "href")]
    assert links and all(v.startswith(("data:image/", "#")) for v in links) and not re.search(r"@import|url\(", text)
    assert "fixed samples of the run while it learned" in text and run.config.data["hash"] in text
    states = [json.loads(s) for s in re.findall(r'<script type="application/json">(.*?)</script>', text)]
    assert all(s["sample_rate"] == PAGE_RATE for s in states if s.get("audio", {}).get("bytes"))


def test_report_refuses_data_of_another_configuration(run, tmp_path):
    with pytest.raises(InputError, match="size"):
        write_report(tmp_path / "report.html", [run], pairs=toy_pairs(n=4, size=32))
    assert not list(tmp_path.iterdir())


def test_fewer_queries_are_still_the_same_map(run, pairs):
    whole = run.attend(pairs.validation[0].sound)
    small, points = fewer_queries(whole)
    assert small.weights.shape[1] * 4 == whole.weights.shape[1] and len(points) == 3
    for point in points:
        assert torch.equal(small.at(*point), whole.at(*point))


def test_a_report_names_the_processor(run, pairs):
    facts = facts_of([run], pairs, seed=0)
    assert facts["processor"] == run.config.hardware and facts_of([], None, 0)["processor"]
    before = SimpleNamespace(config=replace(run.config, hardware=None))  # as runs were before it was recorded
    assert facts_of([before], pairs, seed=0)["processor"] == "not recorded"
