"""Contract of avgen.report.demo: what is done is remembered, and a demo goes on where it stopped."""

import json
import subprocess
from types import SimpleNamespace

import pytest
from report_examples import evaluation

from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.judge.evaluation import write_evaluations
from avgen.report import demo
from avgen.runs.run import Run
from avgen.runs.weights import ship
from avgen.training.runner import train


def test_a_task_is_remembered_only_when_it_ends_well(tmp_path):
    work = demo.Demo(tmp_path / "d", tmp_path / "data", quick=True, seed=0, device="cpu")
    with work.task("data", "making data"):
        assert work.tasks["data"].state == "running" and 'class="running"' in work.page.path.read_text()
    with pytest.raises(ValueError, match="torn"), work.task("evaluator", "training"):
        raise ValueError("the file is torn")
    again = demo.Demo(tmp_path / "d", tmp_path / "data", quick=True, seed=0, device="cpu")
    assert (
        again.tasks["data"].state == "done"
        and again.tasks["evaluator"].state == "waiting"
        and "torn" in again.tasks["evaluator"].note
    )


def test_demo_refuses_other_arguments_and_broken_memory(tmp_path):
    with demo.Demo(tmp_path / "d", "data/x", quick=True, seed=0, device="cpu").task("data", "making data"):
        pass
    with pytest.raises(InputError, match="seed was 0, is 1 now"):
        demo.demo(tmp_path / "d", data="data/x", quick=True, seed=1)
    with pytest.raises(InputError, match="quick"):
        demo.demo(tmp_path / "e", quick="yes")
    (tmp_path / "d" / "demo.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        demo.demo(tmp_path / "d", data="data/x", quick=True)


@pytest.mark.slow
def test_demo_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys):
    from avgen.orchestra import dataset as orchestra

    orchestra.build(tmp_path / "few", train=2, validation=1, workers=1, quiet=True)
    settings = demo.EvaluatorSettings(image_steps=2, sound_steps=2)
    monkeypatch.setattr(demo, "EvaluatorSettings", lambda **_: settings)
    trained, first = [], demo.train

    def stops(*args, **more):
        if len(trained) == 1:
            raise KeyboardInterrupt
        trained.append(more["run"])
        return first(*args, **more)

    monkeypatch.setattr(demo, "train", stops)
    page = demo.demo(tmp_path / "demo", data=tmp_path / "few", quick=True, device="cpu")
    assert "the same command goes on from here" in capsys.readouterr().out and "location.reload" in page.read_text()
    monkeypatch.setattr(demo, "train", first)
    before = (tmp_path / "demo" / "S2I" / "metrics.jsonl").read_bytes()
    page = demo.demo(tmp_path / "demo", data=tmp_path / "few", quick=True, device="cpu")
    told = json.loads((tmp_path / "demo" / "demo.json").read_text())
    assert [p["state"] for p in told["parts"]] == ["done"] * 5 and all(p["seconds"] >= 0 for p in told["parts"])
    assert (tmp_path / "demo" / "S2I" / "metrics.jsonl").read_bytes() == before
    text = page.read_text()
    assert "location.reload" not in text and text.count('class="result"') == 2 and len(text) < 6 * 2**20
    assert set(json.loads((tmp_path / "demo" / "evaluation.json").read_text())) == {"S2I", "I2S"}
    assert "runs" not in {p.name for p in tmp_path.iterdir()}


def test_a_training_in_the_background_is_interrupted_with_its_block(tmp_path, monkeypatch):
    command = []
    real = subprocess.Popen

    def sleeper(words, **options):
        command.extend(words)
        return real([words[0], "-c", "import time; print('sleeping', flush=True); time.sleep(600)"], **options)

    monkeypatch.setattr(demo.subprocess, "Popen", sleeper)
    options = dict(settings={"width": 8}, system="sa-cmgan", seed=3)
    with demo.BackgroundTraining(tmp_path / "x.log", threads=1, **options) as training:
        process = training._process
    assert process.poll() is not None and command[1:4] == ["-m", "avgen.cli", "train"]
    assert command[4:] == ["--system", "sa-cmgan", "--seed", "3", "--set", "width=8", "--threads", "1"]


def test_it_does_not_pay_on_one_thread_or_for_a_run_that_has_begun(tmp_path):
    work = demo.Demo(tmp_path / "d", tmp_path / "data", quick=False, seed=0, device="cpu")
    work.findings.pairs = toy_pairs(n=4)
    assert demo.background_training(work, "I2S", 2) is None  # pairs without a folder
    object.__setattr__(work.findings.pairs, "root", str(tmp_path))
    assert demo.background_training(work, "I2S", 2).threads == 1
    (tmp_path / "d" / "I2S").mkdir(parents=True)
    (tmp_path / "d" / "I2S" / "config.json").write_text("{}")
    assert demo.background_training(work, "I2S", 2) is None
    assert demo.background_training(work, "S2I", 1) is None


@pytest.mark.parametrize("free, expected", [(1, [None, None]), (2, [1]), (3, [2]), (8, [4])])
def test_side_by_side_they_have_no_more_threads_than_cores_are_free(tmp_path, monkeypatch, free, expected):
    "Beside a busy program they are trained one after the other; else they share what was free before both began."
    asked, beside = [], []
    monkeypatch.setattr(demo, "default_threads", lambda: free if not asked else pytest.fail("asked twice"))
    monkeypatch.setattr(demo.BackgroundTraining, "__enter__", lambda self: beside.append(self.threads) or self)
    monkeypatch.setattr(demo.BackgroundTraining, "__exit__", lambda self, *error: None)
    for name in ("teach_evaluator", "judge_runs", "look_first"):
        monkeypatch.setattr(demo, name, lambda *_: [])

    def make_data(work):
        work.findings.pairs = toy_pairs(n=4)
        object.__setattr__(work.findings.pairs, "root", str(tmp_path))

    def train_direction(work, direction, background=None, threads=None):
        if background is None:
            asked.append(threads)

    monkeypatch.setattr(demo, "make_data", make_data)
    monkeypatch.setattr(demo, "train_direction", train_direction)
    demo.demo(tmp_path / "d", tmp_path / "data", device="cpu")
    assert asked == expected and sum(beside) + sum(t or 1 for t in asked[:1]) == free


@pytest.fixture(scope="module")
def came(tmp_path_factory):
    "A toy pair of duet, shipped."
    pairs, folder, found = toy_pairs(n=4), tmp_path_factory.mktemp("came"), {}
    for direction in ("S2I", "I2S"):
        run = train("duet", pairs, direction, "toy", run=folder / direction, quiet=True, device="cpu", steps=2)
        found[direction] = str(ship(run.folder, folder / f"small-{direction}"))
    return pairs, found


def test_the_page_opens_with_the_pair_that_came_with_the_kit(came, tmp_path):
    pairs, folders = came
    work = demo.Demo(tmp_path / "d", tmp_path / "data", quick=False, seed=0, device="cpu")
    work.findings.shipped = {d: Run.open(folder, pairs, "cpu") for d, folder in folders.items()}
    work.findings.shipped_pairs = [pairs.validation[0], pairs.validation[5]]
    work.page.write()
    text = work.page.path.read_text()
    assert text.index('id="shipped"') < text.index('id="how"') and text.count('class="stacked noises"') == 2
    assert "came with the kit" in text and "each from another noise" in text and 'href="#shipped"' in text
    cards = work.page._openings["S2I"].grid.cards
    assert [len(card["tiles"]) for card in cards] == [5, 5] and all(card["title"] for card in cards)
    assert all(tile["audio"] >= 0 for card in work.page._openings["I2S"].grid.cards for tile in card["tiles"][1:])
    assert ".stacked canvas { image-rendering: pixelated; }" in text


def test_without_the_pair_a_sentence_stands_in_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr("avgen.runs.run.SHIPPED", {"S2I": "systems/nowhere", "I2S": "systems/nowhere"})
    monkeypatch.setattr(demo, "SHIPPED", {"S2I": "systems/nowhere", "I2S": "systems/nowhere"})
    monkeypatch.setattr(demo, "attention_figures", lambda *_: [])
    work = demo.Demo(tmp_path / "d", tmp_path / "data", quick=True, seed=0, device="cpu")
    assert set(demo.look_first(work.findings)) >= {"data/systems/nowhere"} and work.findings.shipped == {}
    work.page.write()
    assert "No trained pair came with this installation" in work.page.path.read_text()


def test_its_own_report_is_taken_where_there_is_one(came, tmp_path, monkeypatch):
    pairs, folders = came
    runs = {d: Run.open(folder, pairs, "cpu") for d, folder in folders.items()}
    write_evaluations(runs["S2I"].folder / "report.json", evaluation(pairs.instruments))
    asked = []
    monkeypatch.setattr(
        demo, "evaluate", lambda run, *_, **__: asked.append(run.direction) or evaluation(pairs.instruments, "I2S")
    )
    found = demo.judge_shipped(demo.Findings(pairs, shipped=runs), tmp_path / "shipped.json")
    assert asked == ["I2S"] and set(found) == {"S2I", "I2S"}
    demo.judge_shipped(demo.Findings(pairs, shipped=runs), tmp_path / "shipped.json")
    assert asked == ["I2S"]  # remembered


def test_a_shipped_pair_is_not_judged_on_instruments_that_it_does_not_know(came, tmp_path, monkeypatch):
    pairs, folders = came
    run = Run.open(folders["I2S"], pairs, "cpu")
    monkeypatch.setattr(demo, "evaluate", lambda *_, **__: pytest.fail("asked"))
    few = SimpleNamespace(instruments=pairs.instruments[:1])
    assert demo.judge_shipped(demo.Findings(few, shipped={"I2S": run}), tmp_path / "shipped.json") == {}


@pytest.mark.parametrize("level, preset", [("etude", "etude"), ("orchestra", "small")])
def test_the_level_chooses_data_and_preset(tmp_path, level, preset):
    work = demo.Demo(tmp_path / level, None, quick=False, seed=0, device="cpu", level=level)
    assert (str(work.data), work.preset) == (f"data/{level}", preset)
    with pytest.raises(InputError, match="level"):
        demo.Demo(tmp_path / level, None, quick=False, seed=0, device="cpu", level="sonata")


def test_an_older_demo_trained_another_system(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    old = {"arguments": {"data": "data/x", "quick": True, "seed": 0}, "parts": [{"name": n} for n in demo.TASKS]}
    (folder / "demo.json").write_text(json.dumps({**old, "parts": [{**p, "state": "done"} for p in old["parts"]]}))
    with pytest.raises(InputError, match="system was .sa-cmgan., is .duet. now"):
        demo.Demo(folder, "data/x", quick=True, seed=0, device="cpu")
    assert (
        demo.Demo(folder, "data/x", quick=True, seed=0, device="cpu", system="sa-cmgan", level="orchestra")
        .tasks["data"]
        .over
    )
    with pytest.raises(InputError, match="system"):
        demo.Demo(tmp_path / "e", "data/x", quick=True, seed=0, device="cpu", system="cmcgan")


def test_the_page_says_how_far_the_evaluator_has_come(tmp_path, capsys):
    work = demo.Demo(tmp_path / "d", tmp_path / "data", quick=True, seed=0, device="cpu")
    with work.task("evaluator", "training") as task:
        told = work.progress_of(task, every=0)
        told(0.4)
        assert "evaluator, 40\u00a0% of its steps" in work.page.path.read_text()
        task.note = "done"
    assert "evaluator: 40 % of its steps" in capsys.readouterr().out
