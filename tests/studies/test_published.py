"""Contract of avgen.studies.published: the papers' figures, and their gaps against the lottery of a batch."""

import pytest
from avgen.studies.published import PUBLISHED_ACCURACY, published_gaps


def test_published_figures_are_those_of_the_papers():
    assert (
        PUBLISHED_ACCURACY["sa-cmgan", "I2S", "validation"] == 0.5937
        and PUBLISHED_ACCURACY["cmav-s2i-c", "S2I", "validation"] == 0.7556
        and PUBLISHED_ACCURACY["without attention", "I2S", "validation"] == 0.23427
    )
    assert (
        PUBLISHED_ACCURACY["cmcgan", "S2I", "train"] == 0.9105
        and PUBLISHED_ACCURACY["cmav-i2s", "I2S", "validation"] == 0.1117
    )


def test_published_gaps_against_the_lottery_of_their_batches():
    gaps = {(g["other"], g["direction"], g["split"]): g for g in published_gaps()}
    assert len(gaps) == 11 and gaps["without attention", "S2I", "validation"]["gap"] == pytest.approx(
        0.8438 - 0.79688, abs=1e-4
    )
    within, beyond = gaps["without attention", "S2I", "validation"], gaps["without attention", "I2S", "validation"]
    assert (
        within["by_chance"] > 0.3
        and within["gap"] < within["error"]
        and beyond["by_chance"] < 0.001
        and beyond["gap"] > 4 * beyond["error"]
    )
    assert gaps["cmcgan", "S2I", "validation"]["error"] == pytest.approx(
        (0.7661 * 0.2339 / 64) ** 0.5, abs=1e-4
    )  # one batch: CMCGAN's figure is of the whole split
