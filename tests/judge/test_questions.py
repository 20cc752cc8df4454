"""Contract of avgen.judge.questions: notes are read, partials resolved, questions point at them, rivals are fair."""

import numpy as np
import pytest
import torch
from avgen.core import InputError
from avgen.judge.questions import (
    SHARE_TITLES,
    HeardNote,
    energy_weighted,
    equally_loud,
    find_questions,
    group_by_pitch,
    occlude,
    occlusion_masks,
    read_notes,
    resolved_partials,
    rows_between,
)
from avgen.signal.spectrogram import SpectrogramConfig

CONFIG = SpectrogramConfig()


def test_questions_point_at_partials_and_nowhere_else():
    sound = torch.full((1, 64, 64), -1.0)
    for k in range(1, 6):
        sound[0, CONFIG.row_of(660 * k, 64), 8:56] = 0.5
    start, end = (float(CONFIG.times(64)[c]) for c in (8, 55))
    asked = find_questions([HeardNote(start, end, 660)], sound, CONFIG, (32, 32), (32, 32))
    partials, between = set(resolved_partials(660, CONFIG, 32).values()), set(rows_between(660, CONFIG, 32).values())
    assert {int(q) // 32 for q in asked.queries} <= partials and {int(q) % 32 for q in asked.queries} <= set(
        range(4, 28)
    )
    for i, query in enumerate(asked.queries.tolist()):
        row, column = divmod(query, 32)
        for name in SHARE_TITLES:
            rows, columns = np.divmod(asked.good[name][i].nonzero().flatten().numpy(), 32)
            assert set(rows) == (partials if name == "other_times" else partials - {row})
            assert set(columns) <= set(range(4, 28)) and (abs(columns - column) >= 2).all() == (name == "other_times")
            assert (columns == column).all() == (name == "partials_now")
            assert set(asked.shifted[name][i].nonzero().flatten().numpy() // 32) == between
    assert not partials & between


def test_coarse_keys_decide_what_is_resolved():
    assert len(resolved_partials(440, CONFIG, 32)) > len(resolved_partials(440, CONFIG, 16)) and not resolved_partials(
        60, CONFIG, 32
    )
    rows = resolved_partials(900, CONFIG, 32)
    assert all(b - a >= 2 for a, b in zip(rows.values(), list(rows.values())[1:]))


def test_notes_and_pitches():
    notes = read_notes("0.000-0.100:440.0;0.100-0.200:660.0;0.200-0.300:441.0")
    assert [len(g) for g in group_by_pitch(notes)] == [2, 1] and read_notes("") == []
    for text in ("x", "0-1", "0.2-0.1:440", "0-1:-3", "0-1:nan"):
        with pytest.raises(InputError, match="start-end:hertz"):
            read_notes(text)


def test_rivals_are_weightings():
    generator = torch.Generator().manual_seed(0)
    weights, level = torch.rand(5, 256, generator=generator).softmax(1), torch.randn(256, generator=generator)
    for rival in (energy_weighted(weights, level), equally_loud(weights, level)):
        torch.testing.assert_close(rival.sum(1), torch.ones(5))
        assert torch.allclose(rival @ level, weights @ level, atol=0.02)
    quiet = (-3 * level).softmax(0)[None]
    torch.testing.assert_close(energy_weighted(quiet, level), quiet, atol=1e-5, rtol=1e-3)  # it may prefer silence
    assert energy_weighted(weights, torch.zeros(256)).std() < 1e-6  # all alike: uniform


def test_occlusion_is_matched_in_number_and_loudness():
    generator = torch.Generator().manual_seed(0)
    level, received = torch.randn(256, generator=generator), torch.rand(256, generator=generator)
    attended, random = occlusion_masks(received, level, 0.1, draws=4, generator=np.random.default_rng(0))
    assert attended.sum() == 26 and random.sum(1).eq(26).all() and not (random & attended).any()
    assert all(abs(level[r].mean() - level[attended].mean()) < 0.15 for r in random)
    silenced = occlude(torch.zeros(1, 64, 64), attended[None], (16, 16))
    assert silenced.shape == (1, 1, 64, 64) and (silenced == -1).sum() == 26 * 16
