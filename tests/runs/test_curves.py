"""Contract of avgen.runs.curves: curves drawn with characters."""

from avgen.runs.curves import text_curves


def test_curves_of_characters():
    lines = text_curves({"up": [(0, 0.0), (10, 1.0)], "down": [(0, 1.0), (10, 0.0)]}, width=11, height=3)
    assert [line.split("|")[1].ljust(11) for line in lines[:3]] == ["b         a", "           ", "a         b"]
    assert lines[0].startswith("        1") and "step 0 to 10: a = up, b = down" in lines[-1]
    assert text_curves({"one": [(5, 2.0)]})[0].endswith("a") and text_curves({"none": []}) == ["(nothing to draw)"]
