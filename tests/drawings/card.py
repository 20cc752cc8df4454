"""A card on which boxes, arrows, charts and words are put, and which becomes an SVG of a few kilobytes."""

from html import escape

BLUE, GREEN, ORANGE, RED, GREY, PAPER = "#dbe9f6", "#dff0d8", "#fde8cf", "#f9dcdc", "#eceff3", "#ffffff"
INK, SOFT, EDGE = "#24303c", "#55626f", "#8a97a5"
DEEP_BLUE, DEEP_GREEN, DEEP_ORANGE, DEEP_RED = "#1f5f99", "#2b6e35", "#9a5207", "#a82a2a"  # lines and words
NIGHT, DAY, LEAF, ROSE, DIM = "#1e2630", "#e8edf2", "#8fd19e", "#f5a3a3", "#a9b4bf"  # a terminal and its words
MONO = "monospace"


class Card:
    """A white card of a size in pixels, on which boxes, arrows and words are put."""

    def __init__(self, width: int, height: int):
        self.width, self.height, self.parts = width, height, []

    def words(self, x, y, text, size=13, colour=INK, anchor="middle", weight="normal", family="sans-serif"):
        """Write lines of text, the first at height y."""
        for i, line in enumerate(text.split("\n")):
            line = line.replace("  ", "\u00a0\u00a0")  # SVG makes one space of several
            self.parts.append(
                f'<text x="{x}" y="{y + i * (size + 4)}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" '
                f'font-weight="{weight}" font-family="{family}">{escape(line)}</text>'
            )

    def box(self, x, y, w, h, text="", fill=BLUE, size=13, dashed=False, weight="normal", family="sans-serif"):
        """A box with lines of text in its middle."""
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="7" fill="{fill}" stroke="{EDGE}"{dash}/>'
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

    def line(self, a, b, colour=EDGE, width=1.5, dashed=False):
        """A line from a to b."""
        dash = ' stroke-dasharray="4 4"' if dashed else ""
        self.parts.append(
            f'<line x1="{a[0]}" y1="{a[1]}" x2="{b[0]}" y2="{b[1]}" stroke="{colour}" stroke-width="{width}"{dash}/>'
        )

    def curve(self, points, colour=INK, width=2.0, dashed=False):
        """A line through many points."""
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        route = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{route}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>')

    def area(self, points, fill):
        """A filled shape."""
        route = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polygon points="{route}" fill="{fill}"/>')

    def bar(self, x, y, w, h, fill, edge="none"):
        """A rectangle with square corners: a bar of a chart, or a cell."""
        stroke = "" if edge == "none" else f' stroke="{edge}"'
        self.parts.append(f'<rect x="{x:.4g}" y="{y:.4g}" width="{w:.4g}" height="{h:.4g}" fill="{fill}"{stroke}/>')

    def dot(self, x, y, r=4.0, fill=INK, edge="none", width=1.5):
        """A dot, or a ring."""
        stroke = "" if edge == "none" else f' stroke="{edge}" stroke-width="{width}"'
        self.parts.append(f'<circle cx="{x:.4g}" cy="{y:.4g}" r="{r:.4g}" fill="{fill}"{stroke}/>')

    def mesh(self, x, y, columns, rows, side, fills):
        """A grid of cells; `fills` says the colour of (column, row)."""
        cells = {}
        for row in range(rows):
            for column in range(columns):
                corner = f"M{x + column * side} {y + row * side}h{side - 1}v{side - 1}h{1 - side}z"
                cells.setdefault(fills(column, row), []).append(corner)
        for fill, corners in cells.items():
            self.parts.append(f'<path d="{"".join(corners)}" fill="{fill}"/>')

    def player(self, x, y, side, wall, body="#33475b"):
        """A picture in small: a player of two shapes before a wall."""
        self.bar(x, y, side, side, wall)
        self.dot(x + side / 2, y + 0.34 * side, 0.14 * side, "#6b4a35")
        foot, waist = (x + 0.2 * side, x + 0.8 * side), (x + 0.34 * side, x + 0.66 * side)
        floor, neck = y + side, y + 0.56 * side
        self.area([(foot[0], floor), (waist[0], neck), (waist[1], neck), (foot[1], floor)], body)

    def terminal(self, x, y, w, rows, size=13):
        """A window of a terminal; rows of (text, colour) or text, which is a command where it begins with "$ "."""
        step = size + 6
        height = 34 + step * len(rows)
        self.parts.append(f'<rect x="{x}" y="{y}" width="{w}" height="{height}" rx="8" fill="{NIGHT}"/>')
        for i in range(3):
            self.dot(x + 15 + 14 * i, y + 14, 4, ("#e0776b", "#e2b35c", "#78bf80")[i])
        for i, row in enumerate(rows):
            text, colour = row if isinstance(row, tuple) else (row, LEAF if row.startswith("$ ") else DAY)
            if text:
                self.words(x + 16, y + 41 + step * i, text, size, colour, "start", family=MONO)
        return height

    def svg(self, title: str) -> str:
        """The whole as SVG."""
        tip = '<marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        tip += f'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="{INK}"/></marker>'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
        head += f'viewBox="0 0 {self.width} {self.height}" role="img"><title>{escape(title)}</title><defs>{tip}</defs>'
        back = f'<rect width="{self.width}" height="{self.height}" rx="10" fill="{PAPER}"/>'
        return "\n".join([head, back, *self.parts, "</svg>"]) + "\n"
