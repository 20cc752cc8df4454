"""Contract of avgen.studies.shared_folder: every task is made once, and nobody waits for ever."""

import threading
import time

import pytest
from avgen.core import InputError
from avgen.studies.shared_folder import SharedFolder
from avgen.runs.lock import RunLock, RunLocked


def share(folder, make, count: int = 8, **more):
    """`make` of every task, by a worker in `folder`."""
    shared = SharedFolder(folder, quiet=True, every=0.01, **more)
    shared.share({folder / str(i): i for i in range(count)}, lambda i: (folder / str(i) / "done").exists(), make)


def under_a_lock(folder, i, then):
    """Make task i as a run is made: under a lock, looked at again once it is ours."""
    (folder / str(i)).mkdir(parents=True, exist_ok=True)
    lock = RunLock(folder / str(i)).acquire(say=lambda text: None)
    try:
        if not (folder / str(i) / "done").exists():
            then(i)
    finally:
        lock.release()


def test_workers_make_every_task_once(tmp_path):
    made = []

    def then(i):
        time.sleep(0.01)
        made.append((i, threading.get_ident()))
        (tmp_path / str(i) / "done").write_text("")

    workers = [
        threading.Thread(target=share, args=(tmp_path, lambda i: under_a_lock(tmp_path, i, then))) for _ in range(4)
    ]
    for w in workers:
        w.start()
    for w in workers:
        w.join(60)
    assert sorted(i for i, _ in made) == list(range(8)) and len({w for _, w in made}) > 1


def test_whoever_was_slower_goes_on_and_what_is_really_wrong_is_said_at_once(tmp_path):
    calls = []

    def slower(i):
        calls.append(i)
        (tmp_path / str(i)).mkdir(exist_ok=True)
        (tmp_path / str(i) / "done").write_text("")
        raise RunLocked("somebody was faster")

    share(tmp_path, slower, 3)
    assert calls == [0, 1, 2]

    def wrong(i):
        calls.append(i)
        raise InputError("the data are gone")

    with pytest.raises(InputError, match="data are gone"):
        share(tmp_path / "other", wrong)
    assert calls == [0, 1, 2, 0]


def test_a_holder_that_does_nothing_is_not_waited_for_for_ever(tmp_path):
    (tmp_path / "0").mkdir()
    lock = RunLock(tmp_path / "0").acquire()
    try:
        with pytest.raises(InputError, match="is held by process .* delete .*training.lock"):
            share(tmp_path, lambda i: pytest.fail("it is held"), 1, patience=-1.0)
    finally:
        lock.release()


def test_alone_keeps_others_out_and_may_be_nested(tmp_path):
    ours, theirs = SharedFolder(tmp_path), SharedFolder(tmp_path, patience=-1.0)
    with ours.alone(), ours.alone():
        with pytest.raises(InputError, match="is held by process"):
            theirs.alone().__enter__()
    with theirs.alone():
        pass
