"The game in the page: alive from disk, the same arithmetic as torch, collapse and cure, a target drawn by hand."

import numpy as np
import pytest
import torch
from chrome import opened_offline, shoot

from avgen.core import InputError
from avgen.lessons.game import ToyGame, ring
from avgen.lessons.slow_motion import SlowMotion, flat_weights


def flat(page, player):
    return np.array(page.evaluate(f"Array.from(document.querySelector('.avgen-toy').engine().{player}.w)"))


def test_it_refuses_what_is_no_target():
    with pytest.raises(InputError, match=r"\(m, 2\)"):
        SlowMotion(torch.zeros(4, 3))
    with pytest.raises(InputError, match="within"):
        SlowMotion(torch.full((4, 2), 3.0))
    with pytest.raises(InputError, match="one a group"):
        SlowMotion(torch.zeros(4, 2), torch.tensor([0, 0, 1, 1]), ["only one"])


def test_the_view_carries_the_weights_of_torch():
    view, game = SlowMotion(seed=3), ToyGame(seed=3)
    assert view.discriminator == flat_weights(game.D) and view.generator == flat_weights(game.G)
    assert set(view.recipes) == {"balanced", "collapse", "cure"} and len(view.names) == 8
    assert view._still_().startswith(b"\x89PNG")


@pytest.mark.browser
def test_a_step_in_the_page_is_a_step_in_torch(browser, tmp_path):
    page = opened_offline(browser, SlowMotion().save_html(tmp_path / "game.html"))
    game, draw = ToyGame(), torch.Generator().manual_seed(0)
    points = ring()[0]
    for _ in range(5):
        real, noise, other = points[torch.randperm(640, generator=draw)[:64]], *torch.randn(2, 64, 2, generator=draw)
        found = game.d_step(real, noise), game.g_step(other)
        lists = [x.flatten().tolist() for x in (real, noise, other)]
        said = page.evaluate(
            """([real, noise, other]) => {
              const game = document.querySelector(".avgen-toy").engine(), f = (x) => Float64Array.from(x);
              return [game.dStep(f(real), f(noise), 2e-3), game.gStep(f(other), 2e-3)];
            }""",
            lists,
        )
        assert said[0]["loss"] == pytest.approx(found[0]["loss"], abs=1e-4)
        assert said[0]["real"] == pytest.approx(found[0]["real"], abs=1e-4)
        assert said[1]["loss"] == pytest.approx(found[1]["loss"], abs=1e-4)
    for player, network in (("D", game.D), ("G", game.G)):
        torchs = np.frombuffer(flat_weights(network), "<f4")
        assert np.abs(flat(page, player) - torchs).max() < 2e-3, player
    pull = page.evaluate(
        "Array.from(document.querySelector('.avgen-toy').engine().pull(Float64Array.from([0.2, -0.5])))"
    )
    assert pull == pytest.approx(game.pull(torch.tensor([[0.2, -0.5]]))[0].tolist(), abs=1e-2)
    page.context.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme, width", [("light", 1280), ("dark", 600)])
def test_buttons_collapse_and_a_drawn_target(browser, tmp_path, scheme, width):
    path = SlowMotion().save_html(tmp_path / "game.html")
    page = opened_offline(browser, path, color_scheme=scheme, viewport={"width": width, "height": 900})
    root = page.locator(".avgen-toy")
    before = flat(page, "D"), flat(page, "G")
    page.get_by_role("button", name="D step").click()
    assert root.get_attribute("data-steps") == "1,0" and (flat(page, "G") == before[1]).all()
    page.get_by_role("button", name="G step").click()
    assert root.get_attribute("data-steps") == "1,1" and not (flat(page, "G") == before[1]).all()

    def rounds(count, recipe):
        page.evaluate(
            f"() => {{ const r = document.querySelector('.avgen-toy'); r.choose('{recipe}'); r.rounds({count}); }}"
        )
        return int(root.get_attribute("data-reached"))

    page.get_by_role("button", name="Start again").click()
    assert rounds(300, "balanced") >= 6
    shoot(page, f"slow-motion-{scheme}")
    page.get_by_role("button", name="Start again").click()
    collapsed = rounds(300, "collapse")
    assert collapsed <= 3 and rounds(400, "cure") > collapsed
    page.get_by_text("draw the target").click()
    box = page.locator(".avgen-toy-plane").bounding_box()
    page.mouse.move(box["x"] + 80, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 120, steps=8)
    page.mouse.up()
    page.evaluate("document.querySelector('.avgen-toy').rounds(20)")
    assert root.get_attribute("data-reached") is None, "a drawn target has no clusters to count"
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide and not page.errors and not page.outside
    page.context.close()
