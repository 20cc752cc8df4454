"""Make nbs/images/first_light.png, the picture of the README, from two runs.

python tests/first_light_picture.py runs/demo/S2I runs/demo/I2S data/orchestra
"""

import io
import sys
from pathlib import Path

from PIL import Image

from avgen.data import corpora
from avgen.runs.run import Run

OUT = Path(__file__).resolve().parent.parent / "nbs/images/first_light.png"


def choosy_points(found, count: int = 3) -> list[tuple[float, float]]:
    "Points (seconds, hertz) whose attention is furthest from uniform, no two of them close."
    (h, w), chosen = found.query_grid, []
    for q in found.entropy()[0].argsort().tolist():
        row, column = divmod(q, w)
        if all(abs(row - r) > 2 and abs(column - c) > w // 5 for r, c in chosen):
            chosen.append((row, column))
        if len(chosen) == count:
            break
    return [(float(found.config.times(w)[c]), float(found.config.frequencies(h)[r])) for r, c in chosen]


def main(s2i: str, i2s: str, data: str, index: str = "450") -> None:
    pairs = corpora.open_pairs(data)
    painter, player, sound = Run.open(s2i), Run.open(i2s), pairs.validation[int(index)].sound
    shown = [painter.samples(), player.samples(), painter.attend(sound, at=choosy_points(painter.attend(sound)))]
    pictures = [Image.open(io.BytesIO(x._still_())).convert("RGB") for x in shown]
    width = max(p.width for p in pictures)
    sheet = Image.new("RGB", (width, sum(p.height for p in pictures) + 12 * (len(pictures) - 1)), "white")
    top = 0
    for p in pictures:
        sheet.paste(p, ((width - p.width) // 2, top))
        top += p.height + 12
    OUT.parent.mkdir(exist_ok=True)
    sheet.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(OUT, optimize=True)
    print(f"{OUT}: {OUT.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main(*sys.argv[1:])
