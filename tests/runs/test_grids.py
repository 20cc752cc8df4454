"""Contract of avgen.runs.grids: samples of every instrument, the same every time, laid out as one picture."""

import copy
import io
import pickle

import torch
from PIL import Image
from small_data import plain

from avgen.runs import grids
from avgen.runs.grids import BothGrids, Generated, Naming, SampleGrid, fixed_samples, mosaic
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig


def test_every_instrument_is_among_the_samples():
    pairs = plain([0] * 20 + [1] * 2 + [2] * 7)
    chosen = fixed_samples(pairs, seed=3, n=6)
    counts = torch.as_tensor(pairs.instrument)[chosen].bincount().tolist()
    assert counts == [2, 2, 2] and chosen == fixed_samples(pairs, seed=3, n=6)
    assert len({tuple(fixed_samples(pairs, seed=s, n=6)) for s in range(5)}) > 1
    assert sorted(fixed_samples(pairs, n=100)) == list(range(len(pairs)))


def test_pictures_and_sounds_stand_in_rows_on_white():
    pictures, sounds = torch.full((3, 3, 8, 8), -1.0), torch.full((3, 1, 8, 8), -1.0)
    sounds[1, 0, 0] = 1.0  # the lowest band of the second sound
    canvas = mosaic([pictures, sounds], gap=2)
    assert canvas.shape == (18, 28, 3) and (canvas[8:10] == 1).all() and (canvas[:8, :8] == 0).all()
    assert canvas[-1, 10:18].mean() > 0.7 > 0.3 > canvas[10, 10:18].mean()  # low bands lie at the bottom


def grid(direction):
    pictures, sounds = torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 8, 8)
    source, target = (sounds, pictures) if direction == "S2I" else (pictures, sounds)
    return SampleGrid(source, target, target, ["flute", "tuba"], direction, SpectrogramConfig(), title=direction)


def test_both_directions_stand_below_each_other():
    one, other = grid("S2I"), grid("I2S")
    both = BothGrids([one, other])
    sizes = [Image.open(io.BytesIO(g._still_())).size for g in (one, other, both)]
    assert sizes[2] == (max(sizes[0][0], sizes[1][0]), sizes[0][1] + sizes[1][1])
    assert len(both) == 2 and both[1] is other and "S2I" in repr(both) and "I2S" in repr(both)
    named = [text.get_text() for text in one.figure().axes[0].texts]
    assert {"flute", "tuba", "given\nsound", "generated\nimage", "real\nimage"} <= set(named)


class Judge:
    """Says "tuba" of the first half of whatever it is given, "garbage" of the rest."""

    answers, accuracy = ("tuba", "garbage"), {"image": 0.75, "sound": 1.0}

    def classify(self, modality, x):
        return torch.eye(2)[[0 if i < (len(x) + 1) // 2 else 1 for i in range(len(x))]]


def generated(count=3, direction="S2I", **more):
    made, source = torch.rand(count, 3, 16, 16) * 2 - 1, torch.rand(count, 1, 16, 16) * 2 - 1
    if direction == "I2S":
        made, source = source, made
    return Generated.of(made, source, direction, SpectrogramConfig(), **more), made


def test_what_was_generated_is_a_tensor_like_any_other():
    for direction in ("S2I", "I2S"):
        made, plain_tensor = generated(direction=direction)
        assert torch.equal(made, plain_tensor) and isinstance(made, torch.Tensor)
        others = (made[0], made * 2, torch.cat([made, made]), made.mean(), made.float().cpu() + 0, made.clamp(-1, 1))
        assert all(type(other) is torch.Tensor for other in others)
        buffer = io.BytesIO()
        torch.save(made, buffer)
        buffer.seek(0)
        for copied in (copy.deepcopy(made), pickle.loads(pickle.dumps(made)), torch.load(buffer)):
            assert type(copied) is torch.Tensor and torch.equal(copied, plain_tensor)
        assert made.numpy().shape == made.shape and len(made.samples) == 3


def test_it_is_named_where_a_judge_is_given_and_says_how_to_get_one_where_not():
    made, _ = generated(4)
    assert made.judge is None and made.answers() == () and "train_evaluator" in made.note
    named = made.judged(Judge())
    assert named.answers() == ("tuba", "tuba", "garbage", "garbage") and named.answers(1) == ("tuba",)
    assert "75%" in named.note and "seen as tuba" in repr(named) and torch.equal(named, made)
    heard = generated(1, "I2S")[0].judged(Judge())
    assert repr(heard) == "Generated(1 sound, 16 x 16; heard as tuba)"


def test_it_shows_moments_names_and_no_more_than_twelve():
    made, _ = generated(3, starts=[0.0, 0.5, 1.25])
    assert made.titles(3) == ["0.00 s", "0.50 s", "1.25 s"]
    tone = Sound(torch.zeros(1, 64, 64), name="a_tone")
    one, _ = generated(1, given=tone)
    assert one.given(1) == [tone] and one.titles(1) == ["a tone"]
    many, _ = generated(30)
    figure = many.judged(Judge()).figure()
    titles = [ax.get_title() for ax in figure.axes]
    assert sum(title.startswith("seen as") for title in titles) == 12 and "12 of 30" in many.note
    for shown in (one, many, generated(2, "I2S")[0]):
        data, _ = shown._repr_mimebundle_()
        assert data["image/png"][:4] == b"\x89PNG" and "Generated(" in data["text/plain"]


def test_an_evaluator_at_hand_is_found_once_and_by_what_the_run_knows(monkeypatch):
    asked = []
    monkeypatch.setattr(grids, "_namers", [lambda **known: None, lambda **known: asked.append(known) or Judge()])
    naming = Naming("I2S", SpectrogramConfig(), ("flute", "tuba"), data="abc")
    assert naming.names(torch.zeros(2, 1, 8, 8)) == ("tuba", "garbage") and "Heard" in naming.note
    assert asked == [dict(instruments=("flute", "tuba"), data="abc", config=SpectrogramConfig())]
    assert naming.by(None).judge is not naming.judge and len(asked) == 2
