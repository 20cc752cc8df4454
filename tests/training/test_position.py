"""Contract of avgen.training.position: stages, phases, schedule and averages in their order."""

import pytest
import torch
from tiny_runs import final, run_tiny

from avgen.systems import StepContext, build_system
from avgen.training import runner
from avgen.training.position import LAYOUT, Position, StageWork, memory_layout, plan
from avgen.training.updates import Update

pytestmark = pytest.mark.usefixtures("tiny")


def test_steps_shortens_the_last_stage_and_caps_the_others(toys):
    system = build_system("tiny", "S2I", toys.instruments)
    assert [s.steps for s in plan(system)] == [6, 12]
    assert [s.steps for s in plan(system, 4)] == [2, 4]
    assert [s.steps for s in plan(system, 24)] == [6, 24]


def test_phases_stages_schedule_and_modes(toys, tmp_path, monkeypatch):
    seen = []
    original = Update.run

    def spy(self, batch, context, dtype, factor=1.0):
        modes = {name: module.training for name, module in system.named_children()}
        seen.append((context.stage, context.step, self.phase.name, round(factor, 3), modes))
        return original(self, batch, context, dtype, factor)

    monkeypatch.setattr(Update, "run", spy)
    system = build_system("tiny", "S2I", toys.instruments)
    monkeypatch.setattr(runner, "build_system", lambda *a, **k: system)
    run_tiny(toys, tmp_path / "run")
    assert [(s, n) for s, n, *_ in seen if s == "classifier"] == [("classifier", n) for n in range(6)]
    assert [n for s, n, phase, *_ in seen if phase == "G"] == [0, 2, 4, 6, 8, 10] and system.begun == 1
    assert {phase: f for s, n, phase, f, _ in seen if s == "adversarial" and n == 6} == {"D": 0.5, "G": 0.5}
    assert seen[0][-1] == {"encoder": True, "generator": False, "discriminator": False}
    assert seen[-1][-1] == {"encoder": False, "generator": True, "discriminator": True}


def test_the_next_stage_starts_from_the_averages(toys, tmp_path, monkeypatch):
    handed = {}
    original = Position.begin_stage

    def begin(self, index, saved=None):
        if index == 1:
            handed["average"] = {k: v.clone() for k, v in self.averaged.refreshed().encoder.state_dict().items()}
        original(self, index, saved)

    monkeypatch.setattr(Position, "begin_stage", begin)
    tensors = final(run_tiny(toys, tmp_path / "run"))
    for name, t in handed["average"].items():
        assert torch.equal(t, tensors[f"model.encoder.{name}"])


def test_asking_for_the_layout_leaves_normed_weights_alone(monkeypatch):
    "Reading the weight of a spectrally normed layer in training takes a step of its power iteration."
    network = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Conv2d(24, 32, 3))
    before = {name: t.clone() for name, t in network.state_dict().items()}
    asked = []
    monkeypatch.setattr(LAYOUT, "choose", lambda *inputs: asked.append(inputs) or "channels first")
    assert memory_layout(network, torch.float32) == torch.contiguous_format and len(asked) == 1
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())
    assert memory_layout(torch.nn.Conv2d(3, 32, 3), torch.float32) == torch.channels_last and len(asked) == 1
    assert memory_layout(torch.nn.Linear(2, 2), torch.float32) == torch.channels_last


def test_a_stage_sets_to_work_what_it_trains_and_remembers_what_its_optimisers_did(toys):
    system, cpu = build_system("tiny", "S2I", toys.instruments), torch.device("cpu")
    first, second = plan(system)
    work = StageWork(first, system, toys.train, 0, cpu)
    assert system.encoder.training and not system.generator.training and not system.begun and not work.tensors()
    for u in work.updates:
        u.run(work.batches.at(0), StepContext(0, first.name, 0, cpu), torch.float32)
    learned = {name: t.clone() for name, t in work.tensors().items()}
    again = StageWork(first, system, toys.train, 0, cpu)
    again.load(learned)
    assert learned and all(torch.equal(again.tensors()[name], t) for name, t in learned.items())
    other = StageWork(second, system, toys.train, 0, cpu)
    assert system.begun == 1 and system.generator.training and not system.encoder.training
    assert set(other.guards) == {phase.name for phase in second.phases}
    assert not torch.equal(other.batches.at(0).index, work.batches.at(0).index)  # each stage draws its own
