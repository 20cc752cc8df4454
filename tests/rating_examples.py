"""Pictures and votes that the tests of the rating study share."""

import io

import numpy as np
from PIL import Image

from avgen.report.rating_study import Item


def pictures(n=4, systems=("real", "secret-a", "secret-b"), audio=b"\x01\x00" * 400) -> list[Item]:
    def png(seed):
        buffer = io.BytesIO()
        Image.fromarray(np.random.default_rng(seed).integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(buffer, "PNG")
        return buffer.getvalue()

    return [
        Item(s, "double_bass", f"validation/double_bass/double_bass{i:02d}_500", png((k, i)), audio)
        for k, s in enumerate(systems)
        for i in range(n)
    ]


def made_up(means, n, raters, seed=0):
    rng = np.random.default_rng(seed)
    return [
        dict(
            rater=f"r{r}",
            item=f"{s}{i}",
            source=f"p{i}",
            system=s,
            score=int(np.clip(round(m + rng.normal(0, 0.7)), 0, 3)),
        )
        for s, m in means.items()
        for i in range(n)
        for r in range(raters)
    ]
