"The dashboard's Python half: what it shows, that two show the same, that closing frees it, and what bad input gets."

import gc
import json
import threading
import time
import weakref

import numpy as np
import pytest

from avgen import core
from avgen.core import InputError
from avgen.runs.files import write_json
from avgen.show import live
from avgen.show.dashboard import FolderReader, RunButtons, TrainingDashboard, pack_curves, run_facts
from avgen.runs.files import JsonlTail
from avgen.training.remote import RemoteRun
from avgen.runs.film import read_film
from avgen.training.runner import train

HOSTILE = "</script><script>alert('x')</script>"


@pytest.fixture(scope="module")
def run(toys, tmp_path_factory):
    return train(
        "sa-cmgan",
        toys,
        preset="toy",
        steps=12,
        run=tmp_path_factory.mktemp("runs") / "run",
        device="cpu",
        quiet=True,
        tick_every=2,
        sample_every=4,
    )


@pytest.fixture
def board(run):
    board = TrainingDashboard(run)
    yield board
    board.close()


def test_it_shows_what_the_folder_holds(run, board):
    assert (
        board.facts["state"] == "finished"
        and board.facts["step"] == board.step == run.step
        and not board.facts["can_resume"]
    )
    points, at = np.frombuffer(board.points, "<f4").reshape(-1, 2), 0
    for curve in board.curves:
        mine, at = points[at : at + curve["count"]], at + curve["count"]
        if curve["panel"] == "Losses" and curve["name"] == "discriminator":
            assert np.allclose(mine, [(m["step"], m["D/loss"]) for m in run.metrics if "D/loss" in m])
    assert {"Losses", "What the discriminator says", "Accuracy on training batches"} <= {
        c["panel"] for c in board.curves
    } and any("γ" in c["panel"] for c in board.curves)
    assert {"of real", "of generated", "of mismatched"} <= {c["name"] for c in board.curves}
    assert board.sample_step == run.step and len(board.sample_names) == 8 and board.samples[:4] == b"\x89PNG"
    assert board._still_()[:4] == b"\x89PNG" and "sa-cmgan" in repr(board)


def test_two_dashboards_on_one_run_show_the_same(run, board):
    other = TrainingDashboard(str(run.folder))
    assert other.payload() == board.payload()
    other.close()


def test_it_follows_a_run_that_goes_on(run, tmp_path):
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(run.folder, folder)
    lines = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
    (folder / "metrics.jsonl").write_text("".join(lines[:3]))
    board = TrainingDashboard(folder)
    before = len(board.points)
    with open(folder / "metrics.jsonl", "a") as file:
        file.writelines(lines[3:])
    board.refresh()
    assert len(board.points) > before and board.reader.metrics == run.metrics
    (folder / "new").write_text("".join(lines[:2]))  # a resume from an earlier checkpoint
    (folder / "new").replace(folder / "metrics.jsonl")
    board.refresh()
    assert board.reader.metrics == run.metrics[:2] and len(board.points) < before
    board.close()


def test_a_long_run_costs_no_more_than_a_short_one():
    rows = [{"step": i, "D/loss": 1.0, "G/loss": None, "gamma/a": 0.1} for i in range(30_000)]
    packed = pack_curves(rows)
    assert len(packed["points"]) <= 2 * 300 * 8 and {c["name"] for c in packed["curves"]} == {"discriminator", "a"}
    assert pack_curves([]) == {"curves": [], "points": b""}


def test_a_reader_says_what_is_new(run, tmp_path):
    reader = FolderReader(run.folder)
    assert reader.read() == {"metrics", "film"} and reader.read() == set()
    assert FolderReader(tmp_path).read() == set()  # a folder that holds nothing yet


@pytest.mark.parametrize(("status", "state", "words"), [
    ({"state": "paused", "alive": True, "step": 12}, "paused", "Paused after step 16"),
    ({"state": "starting", "alive": True}, "starting", "builds the networks"),
    ({"state": "stopped", "alive": False, "taken": 2}, "stopped", "2 single steps by hand"),
    ({"state": "failed", "alive": False, "message": "no memory"}, "failed", "no memory"),
    ({"state": "gone", "alive": False}, "gone", "ended without a word"),
    ({"state": "unknown", "alive": False}, "finished", ""),
])  # fmt: skip
def test_every_state_is_said(run, status, state, words):
    facts = run_facts(run.folder, run.config, run.metrics, status)
    assert facts["state"] == state and words in facts["message"]
    assert facts["trouble"] == (state in ("failed", "gone")) and facts["step"] == run.step


def test_buttons_write_commands_and_say_what_goes_wrong(run, board):
    tail = JsonlTail(run.folder / "commands.jsonl", end=True)
    for act in ("pause", "stop"):
        board.command({"act": act})
    board.command({"act": "step", "phase": "D"})
    assert [r["act"] for r in tail.read()[0]] == ["pause", "stop", "step"] and board.facts["message"] == ""
    board.command({"act": HOSTILE})
    assert "expected one of 'pause'" in board.facts["message"] and board.facts["trouble"]


def test_closing_frees_it_and_ends_its_thread(run):
    before, boards = set(threading.enumerate()), [TrainingDashboard(run, every=0.1) for _ in range(20)]
    threads = set(threading.enumerate()) - before
    references = [weakref.ref(b) for b in boards]
    assert len(threads) == 20
    for b in boards:
        b.close()
    del boards, b
    deadline = time.monotonic() + 60
    while any(thread.is_alive() for thread in threads) and time.monotonic() < deadline:
        time.sleep(0.05)
    gc.collect()
    assert not any(thread.is_alive() for thread in threads) and not [r for r in references if r() is not None]


def test_hostile_names_stay_text(run, tmp_path):
    folder = tmp_path / "hostile"
    (folder / "samples").mkdir(parents=True)
    write_json(folder / "config.json", {**run.config.to_dict(), "system": HOSTILE, "preset": "a'\"\u202eb\U0001f3bb"})
    (folder / "metrics.jsonl").write_text(
        json.dumps(
            {
                "step": 1,
                "stage": HOSTILE,
                f"gamma/{HOSTILE}": 0.1,
                f"{HOSTILE}/loss": 1.0,
                "pairs_per_second": 1.0,
                "seconds": 1.0,
            }
        )
        + "\n"
    )
    film = read_film(run.folder)
    np.savez(
        folder / "samples" / "fixed.npz",
        source=np.zeros(film.source.shape, np.uint8),
        real=np.zeros(film.real.shape, np.uint8),
        instruments=np.array([HOSTILE] * 8),
    )
    np.save(folder / "samples" / "step_00000001.npy", np.zeros(film.real.shape, np.uint8))
    board = TrainingDashboard(folder)
    page = live.page([board], HOSTILE)
    assert HOSTILE not in page and page.count("<script") == 2 and board.sample_names[0] == HOSTILE.replace("_", " ")
    board.close()


def test_bad_input_is_named(run, tmp_path):
    for wrong, word in (
        (lambda: TrainingDashboard(3), "int"),
        (lambda: TrainingDashboard(tmp_path), "no config.json"),
        (lambda: TrainingDashboard(run, every=0), "every"),
    ):
        with pytest.raises(InputError, match=word):
            wrong()


def test_a_folder_that_breaks_while_it_is_watched_says_so(run, tmp_path, monkeypatch):
    import avgen.show.dashboard as module

    board = TrainingDashboard(run, every=0.1)
    monkeypatch.setattr(module, "run_status", lambda folder: 1 / 0)
    deadline = time.monotonic() + 60
    while "cannot be read" not in board.facts["message"] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "ZeroDivisionError" in board.facts["message"]
    board.close()


def test_a_remote_run_shows_itself_as_a_dashboard():
    assert core._displays[RemoteRun] is TrainingDashboard


def test_a_button_is_answered_once(run):
    buttons, facts = RunButtons(run), {"state": "finished", "message": "", "trouble": False}
    assert buttons.answer(facts, 3) == {**facts, "told": "3 0"}
    buttons.press({"act": "explode"})
    told = buttons.answer(facts, 3)
    assert told["trouble"] and told["message"] == buttons.problem and "'pause'" in told["message"]
    assert told["told"] == "3 1" and facts["message"] == ""
    buttons.fail("no folder")
    assert buttons.answer(facts, 3)["message"] == "no folder" and buttons.answer(facts, 3)["told"] == "3 1"
