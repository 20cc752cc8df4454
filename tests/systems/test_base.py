"""Contract of avgen.systems.base: the registry, and settings that are refused."""

import pytest
import torch

from avgen.core import InputError
from avgen.data.pairs import toy_pairs
from avgen.systems import (
    System,
    build_system,
    register,
    registered_system,
    system_class,
    systems,
)

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs()


def test_same_seed_same_weights():
    def weights(seed):
        system = build_system("sa-cmgan", preset="toy", seed=seed)
        return torch.cat([p.flatten() for p in system.parameters()])

    assert torch.equal(weights(1), weights(1)) and not torch.equal(weights(1), weights(2))


@pytest.mark.parametrize("settings, words", [
    (dict(name="sa-gan"), ["'sa-gan'", "'sa-cmgan'"]),
    (dict(preset="huge"), ["'huge'", "'paper', 'small', 'etude', 'toy'"]),
    (dict(direction="A2V"), ["'A2V'", "'S2I', 'I2S'"]),
    (dict(widht=3), ["'widht'", "width"]),
    (dict(width=0), ["'width'", "from 1"]),
    (dict(augment="False"), ["'augment'", "bool"]),
    (dict(attend_in=("decoder",)), ["'decoder'", "'encoder'"]),
    (dict(mismatched="other"), ["'other'", "'pose'"]),
])  # fmt: skip
def test_wrong_names_and_settings_are_refused(settings, words):
    with pytest.raises(InputError) as e:
        build_system(**{"name": "sa-cmgan", **settings})
    assert all(w in str(e.value) for w in words), str(e.value)


def test_a_name_is_registered_once():
    assert "sa-cmgan" in systems()
    with pytest.raises(InputError, match="sa-cmgan"):
        register("sa-cmgan")(type("Other", (System,), {}))


def test_one_class_may_have_several_names_each_with_its_directions_and_presets():
    one = registered_system("cmav-s2i-n")
    assert one.cls is system_class("cmav-s2i-c") is system_class("cmav-i2s")
    assert one.directions == ("S2I",) and registered_system("cmav-i2s").directions == ("I2S",)
    assert one.presets["small"]["mismatched"] is None
    for name, direction in (("cmav-s2i-n", "S2I"), ("cmav-i2s", "I2S")):
        assert build_system(name, None, preset="toy").name == name
        assert build_system(name, None, preset="toy").direction == direction
