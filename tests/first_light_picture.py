"""Make nbs/images/first_light.png, the picture of the README, from the pair that came with the kit.

python tests/first_light_picture.py [the sound-to-picture run, the picture-to-sound run [where to write it]]

Every pixel that was generated is drawn as a square of whole size, and the sheet is narrow enough that no page shrinks
it. The sources are those of data/sample, one of each instrument, and the noises are the first four of seed 0.
"""

import io
import sys
from pathlib import Path

from PIL import Image

from avgen.data import corpora
from avgen.runs.run import Run, shipped
from avgen.runs.sources import shipped_folder

OUT = Path(__file__).resolve().parent.parent / "nbs/images/first_light.png"
LARGE = ("bassoon", "cello", "flute", "horn", "trumpet", "violin")  # one or two of each family
WIDEST = 830  # screen pixels


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


def attention_picture(pair) -> Image.Image:
    "Where the toy that came with the kit looks from three points of a sound."
    toy = Run.open(shipped_folder("toy"), device="cpu")
    drawn = toy.attend(pair.sound, at=choosy_points(toy.attend(pair.sound)))._still_()
    picture = Image.open(io.BytesIO(drawn)).convert("RGB")
    return picture.resize((WIDEST, round(picture.height * WIDEST / picture.width)), Image.Resampling.LANCZOS)


def sheet_of(painter: Run, player: Run, pairs: list) -> Image.Image:
    "Six sounds with what was painted from them, twelve pictures with what was played from them, and the attention."
    large = [pair for pair in pairs if pair.instrument in LARGE] or pairs[:6]
    parts = [
        painter.variations(large).picture(scale=2, across=6, gap=2),
        player.variations(pairs[:12]).picture(scale=1, across=12, gap=1),
        attention_picture(next((pair for pair in pairs if pair.instrument == "trumpet"), pairs[0])),
    ]
    sheet = Image.new("RGB", (max(p.width for p in parts), sum(p.height + 16 for p in parts) - 16), "white")
    top = 0
    for part in parts:
        sheet.paste(part, (0, top))
        top += part.height + 16
    return sheet


def main(s2i: str | None = None, i2s: str | None = None, out=OUT) -> None:
    sample = corpora.open_pairs(shipped_folder("sample"), tune_share=0.0).validation
    painter = Run.open(s2i, device="cpu") if s2i else shipped("S2I", device="cpu")
    player = Run.open(i2s, device="cpu") if i2s else shipped("I2S", device="cpu")
    sheet = sheet_of(painter, player, list(sample))
    Path(out).parent.mkdir(exist_ok=True)
    sheet.quantize(256, dither=Image.Dither.NONE).save(out, optimize=True)
    print(f"{out}: {sheet.width} x {sheet.height}, {Path(out).stat().st_size // 1024} KB")


if __name__ == "__main__":
    main(*sys.argv[1:])
