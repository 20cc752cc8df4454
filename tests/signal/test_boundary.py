"""The contract of avgen.signal.boundary: whatever a decoder does costs one file, with its name and the reason."""

import os
import signal
import struct
import time
import unicodedata

import pytest

from avgen.core import InputError
from avgen.signal.boundary import Lost, decode_text, decoded, in_workers, open_file, read_bytes, same_text, shown


class Panic(BaseException):
    """What a library written in Rust raises."""


@pytest.mark.parametrize(
    "error",
    [ValueError("odd"), struct.error("odd"), RecursionError("odd"), Panic("odd"), MemoryError(), KeyError("odd")],
)
def test_whatever_is_raised_is_one_sentence_with_the_name(error):
    def decode(data):
        raise error

    with pytest.raises(InputError, match="a.wav: found a file that cannot be decoded .*; expected .*; fetch") as e:
        decoded("a.wav", decode, b"")
    assert "\n" not in str(e.value)


def test_the_keyboard_passes_and_a_name_is_given_once():
    def interrupt():
        raise KeyboardInterrupt

    def refuse(text):
        raise InputError(text)

    with pytest.raises(KeyboardInterrupt):
        decoded("a.wav", interrupt)
    for text in ("found nothing", "a.wav: found nothing"):
        with pytest.raises(InputError, match="^a.wav: found nothing$"):
            decoded("a.wav", refuse, text)


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "link.wav").symlink_to("nowhere")
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    (tmp_path / "zero.wav").symlink_to("/dev/zero")
    (tmp_path / "folder.wav").mkdir()
    for name in ("pipe", "link", "loop", "zero", "folder", "missing", "nul\0", "long" * 99):
        with pytest.raises(InputError, match="expected a file"):
            open_file(tmp_path / f"{name}.wav")
    (tmp_path / "big.wav").write_bytes(bytes(100))
    with pytest.raises(InputError, match="expected at most"):
        read_bytes(tmp_path / "big.wav", limit=99)


def test_text_is_one_text_whatever_its_bytes():
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "latin-1"):
        assert decode_text("flöte, ñ".encode(encoding))[0] == "flöte, ñ"
    assert decode_text(unicodedata.normalize("NFD", "flöte").encode())[0] == "flöte"
    assert same_text(unicodedata.normalize("NFD", "フルート・が")) == "フルート・が"
    assert decode_text(b"\xff\xfe\x00")[0] is not None and decode_text(b"\x81\x00")[0] is not None
    assert shown(os.fsdecode(b"fl\xf6te.wav")) == "fl\\xf6te.wav"


def misbehave(n):
    """Die, hang, swell or fail at some numbers."""
    if n == 10:
        os.kill(os.getpid(), signal.SIGSEGV)
    if n == 20:
        time.sleep(99)
    if n == 30:
        return len(bytearray(2**34))
    if n == 40:
        raise Panic("odd")
    if n == 50:
        os._exit(3)
    return bytes(1000 * n)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked")
@pytest.mark.parametrize("workers", [1, 3])
def test_a_worker_may_die_and_the_rest_goes_on(workers):
    results = list(in_workers(misbehave, list(range(60)), seconds=1.0, workers=workers))
    lost = {n: r.reason for n, r in enumerate(results) if isinstance(r, Lost)}
    assert sorted(lost) == [10, 20, 30, 40, 50]
    assert "SIGSEGV" in lost[10] and "longer than 1 s" in lost[20] and "MemoryError" in lost[30]
    assert "odd" in lost[40] and "exit code 3" in lost[50]
    assert all(r == bytes(1000 * n) for n, r in enumerate(results) if n not in lost)


def test_no_item_no_worker_and_a_caller_that_stops_early():
    assert list(in_workers(misbehave, [])) == []
    results = in_workers(misbehave, list(range(9)))
    assert next(results) == b""
    results.close()  # ends the workers
