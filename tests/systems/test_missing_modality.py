"Contract of avgen.systems.missing_modality: five inputs, generators at rest, what is refused."

import pytest
import torch

from avgen.core import InputError
from avgen.data.batches import Batches
from avgen.data.pairs import toy_pairs
from avgen.systems import StepContext, build_system
from avgen.systems.missing_modality import INPUTS, MultimodalClassifier

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs(n=16)


def test_five_inputs_and_only_what_each_needs(pairs):
    system = build_system("missing-modality", None, pairs.instruments, preset="toy")
    image, sound = (x[:4] for x in pairs.validation.tensors())
    needs = {
        "V": (image, None),
        "A": (None, sound),
        "V+A": (image, sound),
        "generated V + A": (None, sound),
        "generated A + V": (image, None),
    }
    assert tuple(needs) == INPUTS
    for inputs, (v, a) in needs.items():
        said = system.predict(inputs, v, a, seed=3)
        assert said.shape == (4, 3) and torch.equal(said, system.predict(inputs, v, a, seed=3))
        if inputs.startswith("generated"):
            assert torch.equal(said, system.predict(inputs, image, sound, seed=3))  # what is missing is not looked at
    assert torch.equal(
        system.towards("S2I").predict("generated A + V", image), system.predict("generated A + V", image)
    )


def test_classifiers_learn_and_the_generators_rest(pairs):
    system = build_system("missing-modality", None, pairs.instruments, preset="toy", seed=0, augment=False)
    stage = system.stages()[1]
    system.eval()
    for m in stage.phases[0].modules:
        getattr(system, m).train()
    stage.begin(pairs.train, CPU)
    before = {n: t.clone() for n, t in system.state_dict().items() if "classifier" not in n}
    adam, losses = (
        torch.optim.Adam([w for m in stage.phases[0].modules for w in getattr(system, m).parameters()], 2e-3),
        [],
    )
    for step in range(12):
        out = stage.phases[0].loss(Batches(pairs.train, 16, None).at(step), StepContext(0, stage.name, step, CPU))
        adam.zero_grad()
        out["loss"].backward()
        adam.step()
        losses.append(out["loss"].item())
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])
    assert all(torch.equal(t, before[n]) for n, t in system.state_dict().items() if n in before)


def test_without_generated_pairs_nothing_is_imagined(pairs, monkeypatch):
    system = build_system("missing-modality", None, pairs.instruments, preset="toy", train_on_generated=False)
    monkeypatch.setattr(type(system), "imagined", lambda *a: pytest.fail("imagined"))
    loss = system.classifiers_loss(Batches(pairs.train, 8, None).at(0), StepContext(0, "classifiers", 0, CPU))["loss"]
    loss.backward()
    assert loss.isfinite() and all(
        p.grad is not None for n, p in system.named_parameters() if "classifier" in n and p.requires_grad
    )


@pytest.mark.parametrize("call, words", [
    (lambda s, v, a: s.predict("V+A", v), ["'V+A'", "no sound"]),
    (lambda s, v, a: s.predict("generated V + A", v), ["no sound"]),
    (lambda s, v, a: s.predict("touch", v, a), ["'touch'", "'V'"]),
    (lambda s, v, a: MultimodalClassifier(("sound",), 3, 2)(image=v), ["takes sound", "found image"]),
])  # fmt: skip
def test_what_is_refused(pairs, call, words):
    system = build_system("missing-modality", None, pairs.instruments, preset="toy")
    with pytest.raises(InputError) as e:
        call(system, *(x[:2] for x in pairs.validation.tensors()))
    assert all(w in str(e.value) for w in words), str(e.value)
