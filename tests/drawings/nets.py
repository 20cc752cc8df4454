"""Networks, what an inspector is told, what a diagnosis sees, and what a label is made of."""

import math

from drawings.card import (
    BLUE,
    DEEP_BLUE,
    DEEP_GREEN,
    DEEP_ORANGE,
    DEEP_RED,
    EDGE,
    GREEN,
    GREY,
    INK,
    MONO,
    ORANGE,
    PAPER,
    RED,
    SOFT,
    Card,
)


def _heat(column: int, row: int) -> str:
    """The colour of a token: the harmonics of a note are looked at, most of all where it begins."""
    weight = (1.0 if row in (13, 10, 8) else 0.12) * (1.0 if 2 <= column <= 5 else 0.35)
    mix = [round(255 + weight * (full - 255)) for full in (217, 119, 6)]
    return "#{:02x}{:02x}{:02x}".format(*mix)


def grid_transformer() -> Card:
    card = Card(640, 452)
    card.words(16, 26, "what is heard: 16 x 8 tokens of the sound", 13, INK, "start", "bold")
    card.mesh(60, 38, 8, 16, 8, _heat)
    card.arrow((124, 66), (214, 66), text="summed up")
    card.box(216, 46, 96, 40, "one vector", ORANGE)
    card.arrow((312, 66), (366, 66))
    card.box(368, 46, 116, 40, "condition", GREY, 14, weight="bold")
    card.arrow((534, 66), (486, 66))
    card.box(536, 42, 88, 48, "time t\n0 to 1", GREY)
    rail, layers = 140, ((136, "cross-\nattention", ORANGE), (228, "3 x 3\nconvolution", GREEN))
    layers += ((340, "self-\nattention", BLUE), (432, "3 x 3\nconvolution", GREEN))
    card.line((426, 86), (426, rail), INK, 1.5, True)
    card.line((204, rail), (474, rail), INK, 1.5, True)
    card.words(436, 114, "scale, shift, gate", 13, SOFT, "start")
    for x, text in ((130, "even: looks at the sound"), (334, "odd: looks at the picture")):
        card.box(x, 176, 188, 122, "", PAPER)
        card.words(x + 94, 286, text, 13)
    for x, text, fill in layers:
        card.box(x, 188, 86 if "conv" in text else 84, 72, text, fill)
        card.arrow((x + (68 if x == 136 else 42), rail), (x + (68 if x == 136 else 42), 186), dashed=True)
    card.arrow((124, 152), (150, 152), (150, 186))
    card.mesh(16, 190, 8, 8, 9, lambda c, r: DEEP_BLUE if (c, r) == (5, 3) else BLUE)
    card.words(52, 282, "8 x 8 latents", 13, INK)
    card.words(52, 300, "one asks", 13, DEEP_BLUE)
    card.arrow((90, 226), (128, 226))
    card.arrow((318, 226), (332, 226))
    card.arrow((522, 226), (546, 226))
    card.mesh(550, 190, 8, 8, 9, lambda c, r: GREEN)
    card.words(586, 282, "8 x 8 answers", 13, INK)
    card.arrow((428, 300), (428, 330), (224, 330), (224, 300))
    card.words(326, 350, "three times each: six blocks", 13)
    card.line((16, 374), (624, 374), "#d5dbe1", 1)
    card.words(16, 400, "painter", 13, INK, "start", "bold")
    card.words(90, 400, "an answer is a velocity: which way each latent should move", 13, INK, "start")
    card.words(16, 422, "critic", 13, INK, "start", "bold")
    card.words(90, 422, "an answer is one score: does this place fit what is heard?", 13, INK, "start")
    card.words(16, 442, "Orange tokens: where the dark position looks, in one cross-attention.", 13, SOFT, "start")
    return card


def rulers() -> Card:
    card = Card(640, 300)
    flat = [0.97 + 0.02 * (0.5 + 0.5 * math.sin(1.9 * i)) * (0.4 + 0.6 * (i % 3 == 0)) for i in range(12)]
    flat = [w / 1000 for w in flat]
    peak = [0.02, 0.03, 0.02, 0.05, 0.12, 1.0, 0.3, 0.06, 0.03, 0.08, 0.03, 0.02]
    heads = ("the weights", "a ruler for the map", "a ruler for each row")
    for j, head in enumerate(heads):
        card.words(205 + 174 * j, 28, head, 13, INK, weight="bold")
    told = ("each on its own scale", "8 bits from 0 to 1", "8 bits, floor and step")
    for j, text in enumerate(told):
        card.words(205 + 174 * j, 48, text, 13, DEEP_RED if j == 1 else SOFT)
    for i, (row, name) in enumerate(
        ((flat, "a row that is\nnearly uniform"), (peak, "a row that looks\nat one place"))
    ):
        base = 152 + 112 * i
        card.words(14, base - 44, name, 13, INK, "start")
        low, high = min(row), max(row)
        shared = [round(255 * w) for w in row]
        own = [round(239 * (w - low) / (high - low)) for w in row]
        for j, values in enumerate((row, shared, own)):
            x = 129 + 174 * j
            card.box(x, base - 84, 152, 88, "", PAPER)
            bottom, top = (min(values), max(values)) if j != 1 else (0, 255)
            for k, value in enumerate(values):
                share = (value - bottom) / (top - bottom) if top > bottom else 0
                card.bar(
                    x + 7 + 11.6 * k, base - 2 - (2 + 76 * share), 9, 2 + 76 * share, DEEP_RED if j == 1 else DEEP_BLUE
                )
            if j == 1 and len(set(values)) == 1:
                card.words(x + 76, base - 44, f"every byte is {values[0]}", 13, DEEP_RED)
        text = f"{low:.5f} to {high:.5f}" if i == 0 else f"{low:.2f} to {high:.2f}"
        card.words(205, base + 20, text, 12, SOFT)
        card.words(553, base + 20, f"{len(set(own))} different bytes", 12, SOFT)
        card.words(379, base + 20, "the shape is lost" if i == 0 else "fine", 12, SOFT)
    return card


def _face(card: Card, x, y, body, arm) -> None:
    """A player of a few strokes: head, body, and an instrument held at an angle."""
    card.bar(x, y, 32, 32, "#eef2f6", EDGE)
    card.dot(x + 16, y + 10, 5, "#c99a74")
    card.area([(x + 8, y + 31), (x + 11, y + 17), (x + 21, y + 17), (x + 24, y + 31)], body)
    dx, dy = 11 * math.cos(arm), 11 * math.sin(arm)
    card.curve([(x + 16 - dx, y + 22 - dy), (x + 16 + dx, y + 22 + dy)], DEEP_ORANGE, 3)


def four_signs() -> Card:
    card = Card(640, 318)
    signs = (
        ("Too strong", "it is always sure:\nits loss is near 0", "augment, a lower\nrate for D"),
        ("Has given up", "real and generated\nget the same score", "look at the\nsamples first"),
        ("Does not mind", "wrong pairs score\nlike right ones", "mismatched pairs,\nbetter codes"),
        ("Collapse", "different sources,\nthe same picture", "lower rates for\nboth players"),
    )
    for i, (name, sign, advice) in enumerate(signs):
        x = 14 + 156 * i
        card.box(x, 14, 144, 224, "", PAPER)
        card.words(x + 72, 138, name, 14, DEEP_RED if i in (0, 3) else DEEP_ORANGE, weight="bold")
        card.words(x + 72, 160, sign, 12)
        card.words(x + 72, 204, advice, 12, SOFT)
        if i < 3:
            ends = ((0.9, -0.9, -0.7), (0.03, -0.03, -0.05), (0.75, -0.75, 0.66))[i]
            card.line((x + 10, 70), (x + 134, 70), "#d5dbe1", 1)
            for k, (end, colour) in enumerate(zip(ends, (DEEP_BLUE, DEEP_ORANGE, DEEP_GREEN))):
                begin = (0.30, -0.32, -0.26)[k] if i == 1 else 0.05 * (1 - k)
                course = []
                for t in range(63):
                    share = 1 - math.exp(-t / 17)
                    wave = 0.05 * math.sin(0.7 * t + 2 * k) + 0.03 * math.sin(1.9 * t + k)
                    course.append((x + 10 + 2 * t, 70 - 46 * (begin + (end - begin) * share + wave)))
                card.curve(course, colour, 2, dashed=k == 2)
        else:
            colours = ("#5b7db1", "#9b5f6c", "#5f8f6a", "#7a6aa5")
            card.words(x + 10, 30, "real", 12, SOFT, "start")
            card.words(x + 10, 83, "generated", 12, SOFT, "start")
            for k in range(4):
                _face(card, x + 3 + 35 * k, 36, colours[k], (0.2, 1.2, -0.9, 2.2)[k])
                _face(card, x + 3 + 35 * k, 88, colours[1], 1.2)
    card.words(16, 266, "scores of the discriminator:", 13, SOFT, "start")
    for k, (text, colour) in enumerate((("real", DEEP_BLUE), ("generated", DEEP_ORANGE), ("mismatched", DEEP_GREEN))):
        x = 230 + (0, 78, 196)[k]
        card.curve([(x, 262), (x + 26, 262)], colour, 2.5, dashed=k == 2)
        card.words(x + 32, 266, text, 13, INK, "start")
    card.words(
        16,
        298,
        "Each panel: what is seen in the course of a training, its name, its sign, what to try.",
        12,
        SOFT,
        "start",
    )
    return card


def path_to_label() -> Card:
    card = Card(640, 322)
    parts = {"films/": SOFT, "cello/": DEEP_BLUE, "Ada/": DEEP_GREEN, "flute/": DEEP_BLUE}
    rows = (
        (("films/", "cello/", "Ada/", "monday.mp4"), "cello", "Ada"),
        (("films/", "flute/", "take 1.mov"), "flute", "take 1"),
        (("films/", "flute_2.mp4"), "flute", "flute_2"),
    )
    card.words(16, 28, "where a film lies", 14, INK, "start", "bold")
    card.words(412, 28, "instrument", 14, DEEP_BLUE, "middle", "bold")
    card.words(560, 28, "performer", 14, DEEP_GREEN, "middle", "bold")
    for i, (path, instrument, performer) in enumerate(rows):
        y = 42 + 44 * i
        card.box(16, y, 290, 34, "", GREY)
        x = 28
        for part in path:
            card.words(x, y + 22, part, 14, parts.get(part, INK), "start", "bold" if part in parts else "normal", MONO)
            x += 8.6 * len(part)
        card.arrow((306, y + 17), (352, y + 17))
        card.box(354, y, 116, 34, instrument, BLUE, 14)
        card.box(502, y, 116, 34, performer, GREEN, 14)
    card.line((16, 184), (624, 184), "#d5dbe1", 1)
    card.words(16, 208, "a film of several players: a table beside it, labels.csv", 14, INK, "start", "bold")
    card.box(16, 222, 290, 84, "", GREY)
    lines = ("file;    instrument; box", "duo.mp4; violin;     0,0,0.5,1", "duo.mp4; cello;      0.5,0,0.5,1")
    for i, line in enumerate(lines):
        card.words(28, 244 + 24 * i, line, 13, INK, "start", "bold" if i == 0 else "normal", MONO)
    card.arrow((306, 264), (352, 264))
    card.box(354, 222, 116, 84, "", PAPER)
    card.box(356, 224, 55, 80, "violin", BLUE, 13)
    card.box(413, 224, 55, 80, "cello", ORANGE, 13)
    card.words(486, 252, "two pairs from\neach moment of\nthe same film", 13, SOFT, "start")
    return card


def _maps(card: Card, x: float, base: float, plan) -> None:
    """Stacks of feature maps about a centre each, as tall as their grid and as deep as their channels."""
    for i, (grid, channels, fill) in enumerate(plan):
        tall, deep, centre = 18 + 1.7 * grid, max(8, 4.4 * math.log2(max(2, channels))), x + 64 * i
        card.box(round(centre - deep / 2), round(base - tall), round(deep), round(tall), "", fill)
        card.words(centre, base + 20, f"{grid} x {grid}", 12)
        card.words(centre, base + 36, f"{channels}", 12, SOFT)


def into_a_code() -> Card:
    card = Card(640, 258)
    plan = ((64, 1, PAPER), (32, 64, BLUE), (16, 128, BLUE), (8, 256, BLUE), (8, 256, BLUE), (4, 512, BLUE))
    _maps(card, 42, 176, plan)
    card.words(14, 32, "spectrogram", 13, INK, "start", "bold")
    card.words(130, 32, "grids shrink, maps become more", 13, SOFT, "start")
    card.arrow((392, 160), (430, 160))
    card.box(432, 84, 30, 92, "", GREY)
    card.box(480, 104, 30, 72, "", GREY)
    card.words(447, 196, "1024", 12)
    card.words(495, 196, "128", 12)
    card.arrow((510, 120), (538, 96))
    card.arrow((510, 150), (538, 166))
    card.box(540, 72, 88, 46, "which\ninstrument?", ORANGE, 12)
    card.box(540, 144, 88, 46, "the code:\n64 numbers", GREEN, 12)
    card.line((14, 224), (626, 224), "#d5dbe1", 1)
    card.words(14, 246, "It learns by naming; then it is frozen, and only the code goes on.", 13, SOFT, "start")
    return card


def out_of_a_code() -> Card:
    card = Card(640, 258)
    card.box(14, 72, 88, 46, "the code:\n64 numbers", GREEN, 12)
    card.box(14, 134, 88, 46, "noise:\n62 numbers", ORANGE, 12)
    card.arrow((102, 96), (138, 132))
    card.arrow((102, 156), (138, 140))
    plan = ((4, 512, BLUE), (8, 256, BLUE), (8, 256, BLUE), (16, 128, BLUE), (32, 64, BLUE), (64, 3, PAPER))
    _maps(card, 170, 176, plan)
    card.arrow((458, 46), (458, 96))
    card.words(458, 38, "attention", 13, SOFT)
    card.words(626, 110, "a picture,\nor a sound", 13, INK, "end", "bold")
    card.words(14, 36, "what is played", 13, SOFT, "start")
    card.words(14, 54, "and all the rest", 13, SOFT, "start")
    card.line((14, 224), (626, 224), "#d5dbe1", 1)
    card.words(14, 246, "The encoder's shape, backwards: grids grow, maps become fewer.", 13, SOFT, "start")
    return card


def cut_and_compressed() -> Card:
    card = Card(640, 252)
    card.player(20, 44, 152, "#a9bfd6")
    for i in range(9):
        card.line((20 + 19 * i, 44), (20 + 19 * i, 196), PAPER, 1)
        card.line((20, 44 + 19 * i), (172, 44 + 19 * i), PAPER, 1)
    card.bar(96, 82, 19, 19, "none", DEEP_RED)
    card.words(96, 28, "64 x 64, in patches", 13, INK, weight="bold")
    card.words(96, 220, "12,288 numbers", 13, SOFT)
    card.arrow((116, 92), (214, 92), colour=DEEP_RED)
    card.words(262, 28, "one patch", 13, INK, weight="bold")
    for k in range(9):
        card.bar(232 + 20 * (k % 3), 62 + 20 * (k // 3), 20, 20, ("#6b4a35", "#7d5b44", "#a9bfd6")[(k + k // 3) % 3])
    card.words(262, 144, "= mean", 13)
    for i, (share, name) in enumerate(((1.0, "v1"), (0.55, "v2"), (0.3, "v3"), (0.12, "..."))):
        card.words(222, 168 + 18 * i, f"+ z{i + 1} {name}" if i < 3 else "+ ...", 12, INK, "start")
        card.bar(282, 158 + 18 * i, 60 * share, 12, DEEP_BLUE)
    card.arrow((350, 120), (404, 120))
    card.words(508, 28, "8 x 8 places, 32 numbers each", 13, INK, weight="bold")
    for k in range(3):
        card.bar(436 + 8 * k, 52 + 8 * k, 136, 136, GREY, EDGE)
    card.mesh(452, 68, 8, 8, 17, lambda c, r: RED if (c, r) == (4, 2) else (BLUE if (c * 3 + r * 5) % 4 else GREEN))
    card.words(508, 226, "2,048 numbers: a sixth", 13, SOFT)
    return card


def duet_parts() -> Card:
    card = Card(720, 300)
    card.words(84, 24, "a pair", 13, weight="bold")
    card.box(16, 36, 136, 44, "source", BLUE)
    card.box(16, 214, 136, 44, "target", BLUE)
    card.words(262, 24, "LatentPairs", 13, weight="bold")
    card.box(200, 36, 124, 44, "SourceEncoder", GREEN)
    card.box(200, 214, 124, 44, "PatchLatents", GREEN)
    card.arrow((152, 58), (198, 58))
    card.arrow((152, 236), (198, 236), both=True)
    card.words(440, 24, "a way to paint", 13, weight="bold")
    for i, (name, how) in enumerate((("Flow", "walks"), ("Jump", "jumps"), ("LastStretch", "walks, then jumps"))):
        y = 84 + i * 38
        card.box(374, y, 132, 30, name, ORANGE)
        card.words(516, y + 20, how, 12, SOFT, "start")
    card.arrow((324, 58), (440, 58), (440, 82), text="heard", at=(366, 51))
    card.arrow((440, 192), (440, 236), (326, 236), text="latents", at=(384, 229))
    card.words(652, 24, "LatentGame", 13, weight="bold")
    card.box(598, 36, 108, 44, "critic", RED)
    card.arrow((440, 58), (596, 58))
    card.arrow((440, 236), (672, 236), (672, 82), text="real, painted, mismatched", at=(556, 229))
    card.words(360, 286, "Duet hands them to each other; a flow alone needs no critic", 12, SOFT)
    return card
