"""Draw the diagrams of the pages that have nothing else to show: nbs/images/*.svg.

    python tests/make_diagrams.py [FOLDER]     write them all (committed; drawn again only when a page changes)

Boxes, arrows and words on a white card, so that they read on a dark page too.
"""

import sys
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLUE, GREEN, ORANGE, RED, GREY, PAPER = "#dbe9f6", "#dff0d8", "#fde8cf", "#f9dcdc", "#eceff3", "#ffffff"
INK, SOFT = "#24303c", "#667481"


class Card:
    """A white card of a size in pixels, on which boxes, arrows and words are put."""

    def __init__(self, width: int, height: int):
        self.width, self.height, self.parts = width, height, []

    def words(self, x, y, text, size=13, colour=INK, anchor="middle", weight="normal", family="sans-serif"):
        """Write lines of text, the first at height y."""
        for i, line in enumerate(text.split("\n")):
            self.parts.append(
                f'<text x="{x}" y="{y + i * (size + 4)}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" '
                f'font-weight="{weight}" font-family="{family}">{escape(line)}</text>'
            )

    def box(self, x, y, w, h, text="", fill=BLUE, size=13, dashed=False, weight="normal", family="sans-serif"):
        """A box with lines of text in its middle."""
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="7" fill="{fill}" stroke="#8a97a5"{dash}/>'
        )
        lines = text.count("\n") + 1
        top = y + h / 2 - (lines - 1) * (size + 4) / 2 + size * 0.36
        if text:
            self.words(x + w / 2, top, text, size, weight=weight, family=family)

    def arrow(self, *points, colour=INK, dashed=False, text="", at=None, both=False, anchor="middle"):
        """An arrow along points (x, y); `text` stands at `at`, or above its middle."""
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        start = ' marker-start="url(#tip)"' if both else ""
        route = " ".join(f"{x},{y}" for x, y in points)
        self.parts.append(
            f'<polyline points="{route}" fill="none" stroke="{colour}" stroke-width="1.5"{dash}{start} '
            'marker-end="url(#tip)"/>'
        )
        if text:
            (a, b), (c, d) = points[0], points[-1]
            x, y = at or ((a + c) / 2, (b + d) / 2 - 7)
            self.words(x, y, text, 12, SOFT, anchor)

    def line(self, a, b, colour="#8a97a5", width=1.5, dashed=False):
        """A line from a to b."""
        dash = ' stroke-dasharray="4 4"' if dashed else ""
        self.parts.append(
            f'<line x1="{a[0]}" y1="{a[1]}" x2="{b[0]}" y2="{b[1]}" stroke="{colour}" stroke-width="{width}"{dash}/>'
        )

    def svg(self, title: str) -> str:
        """The whole as SVG."""
        tip = '<marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        tip += f'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="{INK}"/></marker>'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
        head += f'viewBox="0 0 {self.width} {self.height}" role="img"><title>{escape(title)}</title><defs>{tip}</defs>'
        back = f'<rect width="{self.width}" height="{self.height}" rx="10" fill="{PAPER}"/>'
        return "\n".join([head, back, *self.parts, "</svg>"]) + "\n"


def run_files() -> Card:
    card = Card(720, 230)
    card.box(16, 84, 130, 62, "one process\ntrains", GREEN)
    card.box(196, 16, 330, 198, "", PAPER)
    rows = [
        ("config.json", "written once", GREY),
        ("metrics.jsonl", "a line is appended", BLUE),
        ("samples/", "pictures are added", BLUE),
        ("checkpoints/", "added, old ones removed", BLUE),
        ("state.json", "replaced as a whole", ORANGE),
        ("report.json", "replaced as a whole", ORANGE),
    ]
    for i, (name, how, fill) in enumerate(rows):
        y = 27 + i * 30
        card.box(208, y, 132, 25, name, fill, 12, family="monospace")
        card.words(352, y + 17, how, 12, SOFT, "start")
    card.box(576, 34, 128, 38, "a dashboard", GREY)
    card.box(576, 96, 128, 38, "another notebook", GREY)
    card.box(576, 158, 128, 38, "a report", GREY)
    card.arrow((146, 115), (194, 115), text="writes", at=(170, 106))
    for y in (53, 115, 177):
        card.arrow((528, 115), (574, y))
    card.words(704, 226, "any number read, at any moment", 11, SOFT, "end")
    return card


def one_config() -> Card:
    card = Card(720, 236)
    given = [
        ("RunOptions: steps, device, seed", BLUE),
        ("settings of the system", BLUE),
        ("the data: path, hash, splits", GREY),
        ("the machine: versions, commit", GREY),
    ]
    for i, (text, fill) in enumerate(given):
        card.box(16, 26 + i * 47, 216, 36, text, fill, 12)
        card.arrow((232, 44 + i * 47), (294, 115 if i < 2 else 127))
    card.words(124, 226, "blue: chosen by a person; grey: found", 11, SOFT)
    card.box(296, 82, 130, 78, "RunConfig\nfrozen", GREEN, weight="bold")
    for i, text in enumerate(("train", "resume, fork", "the command line", "Run.open", "config.json")):
        card.box(530, 14 + i * 42, 174, 32, text, ORANGE if i == 4 else GREY, 12)
        card.arrow((426, 121), (528, 30 + i * 42))
    card.words(478, 226, "travels as one object", 11, SOFT)
    return card


def one_trainer() -> Card:
    card = Card(720, 216)
    card.box(16, 24, 190, 54, "process 4711\nholds the lock, trains", GREEN)
    card.box(16, 134, 190, 54, "process 4712\nis refused", RED)
    card.box(270, 74, 190, 66, "training.lock\nprocess 4711 on host a", ORANGE, 12, family="monospace")
    card.box(528, 24, 176, 54, "a watcher: held?\nyes, by 4711", GREY)
    card.box(528, 134, 176, 54, "another watcher:\nthe same answer", GREY)
    card.arrow((206, 51), (268, 92), text="exclusive", at=(262, 62))
    card.arrow((206, 161), (268, 122), colour="#b03030", dashed=True, text="taken already", at=(272, 166))
    card.arrow((526, 51), (462, 92), dashed=True, text="looks", at=(478, 66))
    card.arrow((526, 161), (462, 122), dashed=True)
    card.words(367, 205, "killed? The system frees the lock, the name stays: the next one says so", 11, SOFT)
    return card


def run_states() -> Card:
    card = Card(720, 232)
    card.box(24, 88, 110, 42, "starting", BLUE)
    card.box(226, 88, 110, 42, "running", GREEN)
    card.box(226, 16, 110, 38, "paused", ORANGE)
    card.box(456, 16, 110, 38, "finished", GREEN)
    card.box(456, 64, 110, 38, "stopped", ORANGE)
    card.box(456, 112, 110, 38, "failed", RED)
    card.box(456, 160, 110, 38, "gone", RED, dashed=True)
    card.arrow((134, 109), (224, 109))
    card.arrow((281, 86), (281, 56), both=True)
    for y, text in (
        (35, "all steps done"),
        (83, "asked to, or a signal"),
        (131, "an error"),
        (179, "kill -9: no word"),
    ):
        card.arrow((336, 109), (454, y), dashed=y == 179)
        card.words(578, y + 4, text, 12, SOFT, "start")
    card.arrow((456, 190), (420, 214), (79, 214), (79, 132), text="resume, after any of these three", at=(250, 207))
    card.words(708, 222, "dashed: never written, found out by the free lock", 11, SOFT, "end")
    return card


def one_door() -> Card:
    card = Card(720, 226)
    for i, text in enumerate(("a Sound", "a Pair, or many", "a PairSet", "a tensor or array")):
        card.box(16, 14 + i * 42, 150, 32, text, BLUE)
        card.arrow((166, 30 + i * 42), (258, 88 + i * 6))
    card.box(260, 62, 150, 72, "source_tensor", GREEN, weight="bold", family="monospace")
    card.arrow((410, 98), (466, 98))
    card.box(468, 70, 132, 56, "(B, C, H, W)\nin [-1, 1]", ORANGE)
    card.arrow((600, 98), (632, 98))
    card.box(634, 74, 72, 48, "network", GREY)
    card.box(16, 184, 150, 32, "a Picture", RED)
    card.arrow((166, 200), (335, 200), (335, 136), dashed=True, colour="#b03030")
    card.words(350, 196, "refused by a network that reads sounds:", 12, SOFT, "start")
    card.words(350, 212, "it would paint something, and nobody would notice", 12, SOFT, "start")
    return card


def which_weights() -> Card:
    card = Card(720, 236)
    card.words(66, 84, "averaged", 12, SOFT)
    card.words(66, 122, "as left by\nthe optimiser", 12, SOFT)
    for i, step in enumerate((500, 1000, 1500, 2000)):
        x = 130 + i * 96
        card.box(x, 62, 78, 34, "average", GREEN if i in (1, 3) else GREY, 12)
        card.box(x, 100, 78, 34, "raw", GREY, 12)
        card.words(x + 39, 156, f"step {step}", 12)
    card.box(576, 62, 124, 72, "in the hands of\na trainer", ORANGE, 12, dashed=True)
    card.words(638, 156, "LiveWeights", 12, family="monospace")
    card.words(315, 208, "SavedWeights: on disk, loaded when they are first needed", 12, SOFT)
    card.line((130, 180), (500, 180))
    card.arrow((265, 34), (265, 60), text='run.at("best")', at=(265, 26))
    card.arrow((457, 34), (457, 60), text="run", at=(457, 26))
    card.arrow((540, 196), (520, 117), (498, 117), text="run.raw()", at=(560, 212))
    return card


def one_run() -> Card:
    card = Card(720, 236)
    card.words(104, 24, "stage: classifier", 13, weight="bold")
    card.words(462, 24, "stage: adversarial", 13, weight="bold")
    for i in range(12):
        x = 16 + i * 57 + (12 if i > 3 else 0)
        done = i < 6
        card.box(x, 38, 50, 66, "", GREEN if done else ORANGE if i == 6 else GREY)
        if i < 4:
            card.words(x + 25, 76, "C", 13)
        else:
            card.words(x + 25, 64, "D", 13)
            card.words(x + 25, 90, "G", 13)
    card.arrow((16 + 6 * 57 + 37, 134), (16 + 6 * 57 + 37, 107))
    card.words(395, 150, "the position: two of the eight steps of stage 2 are done", 13, weight="bold")
    card.words(395, 168, "a step is one batch; each letter in it is a phase, one update", 12, SOFT)
    for i, text in enumerate(("weights", "optimisers", "averages", "guards", "step")):
        card.box(88 + i * 112, 188, 100, 32, text, BLUE, 12)
    card.words(44, 208, "saved:", 12, SOFT)
    return card


def ticks() -> Card:
    card = Card(720, 196)
    left, wide = 110, 580

    def at(step):
        return left + wide * step / 100

    for y, text in ((52, "a line"), (92, "a picture"), (132, "a checkpoint")):
        card.words(96, y + 4, text, 13, anchor="end")
        card.line((left, y), (left + wide, y), "#d5dbe1", 1)
    for step in (20, 40, 60, 80, 100):
        card.box(at(step) - 7, 42, 14, 20, "", BLUE)
    for step in (0, 50, 100):
        card.box(at(step) - 9, 82, 18, 20, "", GREEN)
    for step in (40, 67, 80, 100):
        card.box(at(step) - 8, 122, 16, 20, "", RED if step == 67 else ORANGE)
    card.line((at(67), 26), (at(67), 144), "#b03030", 1.5, True)
    card.words(at(67), 20, "stopped after step 67, resumed later", 12, "#b03030")
    card.arrow((left, 160), (left + wide, 160))
    for step in (0, 20, 40, 60, 80, 100):
        card.words(at(step), 178, str(step), 11, SOFT)
    return card


def checkpoints_kept() -> Card:
    card = Card(720, 190)
    card.arrow((30, 122), (700, 122))
    for i in range(8):
        x, step = 62 + i * 78, 500 * (i + 1)
        best, kept, bad = i == 2, i in (5, 6), i == 7
        card.box(
            x - 27,
            66,
            54,
            44,
            "",
            RED if bad else GREEN if best else BLUE if kept else PAPER,
            dashed=not (best or kept),
        )
        card.words(x, 93, "NaN" if bad else "kept" if best or kept else "", 12)
        card.words(x, 142, str(step), 11, SOFT)
    card.words(62 + 2 * 78, 50, "the best on tune", 12)
    card.words(62 + 5.5 * 78, 50, "the two newest", 12)
    card.words(62 + 7 * 78 - 6, 50, "never written", 12, "#b03030")
    card.words(62 + 0.5 * 78, 50, "removed again", 12, SOFT)
    card.words(360, 172, "step", 12, SOFT)
    return card


def two_processes_talk() -> Card:
    card = Card(720, 200)
    card.box(16, 60, 150, 80, "your notebook\nRemoteRun", BLUE)
    card.box(286, 20, 150, 160, "", PAPER)
    card.words(361, 42, "the run's folder", 13, weight="bold")
    for i, (text, fill) in enumerate((("commands", ORANGE), ("state", GREY), ("metrics", GREY), ("checkpoints", GREY))):
        card.box(300, 54 + i * 30, 122, 25, text, fill, 12)
    card.box(556, 60, 148, 80, "a process\nthat trains", GREEN)
    card.arrow((166, 76), (298, 66), text="pause, stop", at=(226, 60))
    card.arrow((424, 66), (554, 84), text="looks", at=(496, 62))
    card.arrow((554, 118), (424, 126), text="writes", at=(492, 142))
    card.arrow((298, 126), (166, 120), text="reads", at=(232, 142))
    card.words(360, 195, "no terminal, no kernel: either side may end and begin again", 11, SOFT)
    return card


def pairs_examined() -> Card:
    card = Card(720, 206)
    for i in range(4):
        card.box(16, 18 + i * 44, 128, 34, ("cello00_500", "cello00_1000", "flute00_500", "tuba03_1500")[i], GREY, 12)
        card.arrow((144, 35 + i * 44), (218, 35 + i * 44))
        died = i == 2
        card.box(220, 18 + i * 44, 120, 34, "reader died" if died else f"reader {i + 1}", RED if died else BLUE, 12)
        card.arrow((340, 35 + i * 44), (412, 101), dashed=died)
    card.box(414, 68, 96, 66, "one report", GREEN, weight="bold")
    told = [("as it should be", GREEN), ("repaired, or doubtful", ORANGE), ("unreadable", RED), ("half a pair", RED)]
    for i, (text, fill) in enumerate(told):
        card.box(560, 18 + i * 44, 144, 34, text, fill, 12)
        card.arrow((510, 101), (558, 35 + i * 44))
    card.words(280, 200, "a reader that dies costs one pair", 11, SOFT)
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


# page: drawing, and the picture in words
DIAGRAMS = {
    "02_data/08_loading": (pairs_examined, "each pair goes to a reader of its own, all end in one report"),
    "06_systems/09_duet": (duet_parts, "what duet is made of: the pairs as latents, three ways to paint, a game"),
    "07_runs/01_files": (run_files, "one process writes six kinds of files, any number of others read them"),
    "07_runs/03_config": (
        one_config,
        "what was chosen and what was found go into one RunConfig, which everything takes",
    ),
    "07_runs/04_lock": (one_trainer, "one process holds the lock, a second is refused, watchers only look"),
    "07_runs/05_status": (run_states, "the states of a run, and what leads from one to the next"),
    "07_runs/06_sources": (one_door, "sounds, pairs and arrays become one tensor; a picture is refused"),
    "07_runs/10_weights": (which_weights, "four checkpoints with two sets of weights each, and those of a trainer"),
    "08_training/04_position": (one_run, "twelve steps in two stages, the position after six, and what is saved"),
    "08_training/06_recording": (ticks, "lines every twenty steps, pictures more rarely, a stop that writes no line"),
    "08_training/07_checkpointer": (checkpoints_kept, "of eight checkpoints the two newest and the best are kept"),
    "08_training/10_remote": (two_processes_talk, "a notebook and a process that meet only in the run's folder"),
}


def main(folder: Path) -> None:
    """Write every diagram."""
    folder.mkdir(parents=True, exist_ok=True)
    for draw, title in DIAGRAMS.values():
        (folder / f"{draw.__name__}.svg").write_text(draw().svg(title))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "nbs/images")
