"""Contract of avgen.runs.curves: curves drawn with characters."""

from avgen.runs.curves import text_curves


def test_curves_of_characters():
    lines = text_curves({"up": [(0, 0.0), (10, 1.0)], "down": [(0, 1.0), (10, 0.0)]}, width=11, height=3)
    assert [line.split("|")[1].ljust(11) for line in lines[:3]] == ["b         a", "           ", "a         b"]
    assert lines[0].startswith("        1") and "step 0 to 10: a = up, b = down" in lines[-1]
    assert text_curves({"one": [(5, 2.0)]})[0].endswith("a") and text_curves({"none": []}) == ["(nothing to draw)"]


def test_curves_that_are_not_drawn_are_counted():
    lines = text_curves({f"loss {i}": [(0, i), (1, i)] for i in range(11)})
    assert "h = loss 7" in lines[-1] and "and 3 more that are not drawn" in lines[-1] and "loss 8" not in lines[-1]
