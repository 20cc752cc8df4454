"""Contract of avgen.systems.matching, and of every row of the papers' table.

Each row trains, each phase moves its own networks and no others, gradients reach what they should, and a resumed run
equals one that was never interrupted.
"""

import signal

import pytest
import torch

from avgen.training.trainer import Trainer
from avgen.runs.checkpoints import list_checkpoints, read_checkpoint
from avgen.core import InputError
from avgen.data.batches import Batches
from avgen.data.pairs import toy_pairs
from avgen.runs.run import Run
from avgen.systems import StepContext, build_system, settings_of, systems
from avgen.systems.cmcgan import ABLATIONS
from avgen.systems.matching import (
    RECIPE_SETTINGS,
    GANSettings,
    MatchingSystem,
    cosine_decay,
    game_phase,
    gan_stage,
    generation_noise,
    training_recipe,
)
from avgen.training.runner import resume, train

CPU = torch.device("cpu")
ROWS = [
    ("cmav-s2i-c", "S2I", {}),
    ("cmav-s2i-n", "S2I", {}),
    ("cmav-s2i-a", "S2I", {}),
    ("cmav-i2s", "I2S", {}),
    ("cmav-s2i-c", "S2I", {"mismatched": "pose"}),
    ("cmav-i2s", "I2S", {"mismatched": "pose"}),
    *[("cmcgan", "both", changes) for changes in ABLATIONS.values()],
    ("cmcgan", "both", {"mismatched": "pose", "discriminator_every": 2}),
    ("missing-modality", "both", {}),
    ("missing-modality", "both", {"train_on_generated": False}),
]
ROWS += [
    ("sa-cmgan", d, {"attention": g, "game_attention": "same", "form": f})
    for d, g, f in (("S2I", 32, "sagan"), ("I2S", 16, "sa-cmgan"), ("S2I", 8, "sa-cmgan"), ("I2S", 4, "sagan"))
]
REGULARISED = {"pairing": True, "r1": 1.0, "r2": 0.5, "penalty_every": 2, "conditioning": "projection"}
ROWS += [("sa-cmgan", d, {**REGULARISED, "upsampling": "nearest", "modulate": True}) for d in ("S2I", "I2S")]
ROWS += [("cmav-s2i-c", "S2I", {"pairing": True, "r1": 1.0})]
ROWS += [("sa-cmgan", "S2I", {"attend_in": places}) for places in (("encoder",), ("generator", "discriminator"))]


def name_of(row):
    return " ".join([row[0], row[1], *(f"{k}={v}" for k, v in row[2].items())])


@pytest.fixture(scope="module")
def pairs():
    return toy_pairs(n=8)


def weights(system):
    return {n: p.detach().clone() for n, p in system.named_parameters()}


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_every_phase_of_every_row(pairs, row):
    "One step of each phase: loss finite, its networks all get gradients and move, nothing else does."
    name, direction, changes = row
    system = build_system(name, direction, pairs.instruments, pairs.config, preset="toy", seed=1, **changes)
    frozen = set()
    for stage in system.stages():
        system.eval()
        for m in {m for p in stage.phases for m in p.modules}:
            getattr(system, m).train()
        if stage.begin:
            stage.begin(pairs.train, CPU)
        assert not any(p.requires_grad for m in frozen for p in getattr(system, m).parameters()), (
            "what earlier stages trained is at rest"
        )
        batch, context = (
            Batches(pairs.train, stage.batch_size, stage.mismatched, balanced=stage.balanced).at(0),
            StepContext(0, stage.name, 0, CPU),
        )
        for phase in stage.phases:
            before, statistics = (
                weights(system),
                {n: b.clone() for n, b in system.named_buffers() if n.split(".")[0] in frozen},
            )
            for m in phase.modules:
                getattr(system, m).requires_grad_(
                    True
                )  # as training finds them: a player that judged a moment ago is cold
            out = phase.loss(batch, context)
            assert all(v.ndim == 0 and torch.isfinite(v) for v in out.values())
            own = {f"{m}.{n}": p for m in phase.modules for n, p in getattr(system, m).named_parameters()}
            adam = torch.optim.Adam(own.values(), 1e-2)
            adam.zero_grad()
            out["loss"].backward()
            reached = {
                n for n, p in own.items() if p.grad is not None and (p.grad.any() or n.endswith("score.bias"))
            }  # the hinge of both sides may cancel there
            if changes.get("pairing"):  # only differences of scores count
                reached |= {n for n in own if ".real." in n and n.endswith("bias")}
            silent = {n for n in own if n not in reached and not n.endswith("gamma") and "attention" not in n}
            if name == "sa-cmgan" or name == "cmav-s2i-a":
                silent = {n for n in silent if "code" not in n}
            assert not silent, f"no gradient reaches {sorted(silent)[:4]}"
            adam.step()
            moved = {n.split(".")[0] for n, p in system.named_parameters() if not torch.equal(p, before[n])}
            assert moved == set(phase.modules)
            assert all(torch.equal(b, statistics[n]) for n, b in system.named_buffers() if n in statistics), (
                "statistics of what is frozen stay"
            )
            for p in system.parameters():
                p.grad = None
        frozen |= {m for p in stage.phases for m in p.modules}


@pytest.mark.parametrize("row", ROWS[:7] + ROWS[10:12], ids=name_of)
def test_toy_training_and_resume_to_the_bit(pairs, row, tmp_path, monkeypatch):
    name, direction, changes = row
    more = dict(
        preset="toy",
        direction=direction,
        quiet=True,
        device="cpu",
        sample_every=1000,
        checkpoint_every=1000,
        classifier_steps=3,
        adversarial_steps=4,
        **changes,
    )
    whole = train(name, pairs, run=tmp_path / "whole", **more)
    assert whole.finished and all(isinstance(v, (int, float, str)) for row in whole.metrics for v in row.values())
    for at in sorted({1, whole.step - 2}):
        original = Trainer.one_step

        def one_step(self, at=at, original=original):
            if self.position.step == at:
                signal.raise_signal(signal.SIGINT)
            original(self)

        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "one_step", one_step)
            assert train(name, pairs, run=tmp_path / f"cut{at}", **more).interrupted
        again = resume(tmp_path / f"cut{at}", pairs, quiet=True)
        mine, its = (read_checkpoint(list_checkpoints(r.folder / "checkpoints")[-1]).tensors for r in (again, whole))
        assert mine.keys() == its.keys() and all(torch.equal(mine[k], its[k]) for k in mine)
        for a, b in zip(again.each_direction(), whole.each_direction()):
            assert torch.equal(a.generate(pairs.validation), b.generate(pairs.validation))


@pytest.mark.parametrize("name", ["cmav-s2i-c", "cmav-s2i-n", "cmav-s2i-a", "cmav-i2s", "cmcgan", "missing-modality"])
def test_samples_follow_from_their_seed_and_not_from_their_batch(pairs, name):
    system = build_system(name, None, pairs.instruments, preset="toy").eval()
    image, sound = pairs.validation.tensors()
    for direction in ("S2I", "I2S") if system.direction == "both" else (system.direction,):
        one, source = system.towards(direction), sound if direction == "S2I" else image
        made = one.generate(source[:3], seed=1)
        assert made.shape == (3, 3 if direction == "S2I" else 1, 64, 64) and made.abs().max() <= 1
        torch.testing.assert_close(made, one.generate(source[:6], seed=1)[:3], atol=1e-5, rtol=1e-4)
        assert not torch.allclose(made, one.generate(source[:3], seed=2), atol=1e-5)


def test_all_rows_are_registered_under_the_papers_names():
    assert {"cmav-s2i-c", "cmav-s2i-n", "cmav-s2i-a", "cmav-i2s", "cmcgan", "missing-modality", "sa-cmgan"} <= set(
        systems()
    )


@pytest.mark.parametrize("name", ["cmav-s2i-c", "cmav-s2i-n", "cmav-s2i-a", "cmav-i2s", "cmcgan", "missing-modality"])
def test_small_has_the_recipe_of_sa_cmgan(name):
    "A comparison holds everything fixed that is not a paper's own."
    ours, its = settings_of(name, "small"), settings_of("sa-cmgan", "small")
    own = (
        {"classifier_steps": 4000, "classifier_learning_rate": 1e-3} if name.startswith("cmav") else {}
    )  # its classifier is slower to learn; the game is the same
    assert {n: getattr(ours, n) for n in RECIPE_SETTINGS} == {n: getattr(its, n) for n in RECIPE_SETTINGS} | own
    assert ours.loss == "bce" and ours.mismatched == (None if name == "cmav-s2i-n" else "instrument")


def test_the_recipe_leaves_out_what_is_a_papers_own():
    assert not {"mismatched", "loss", "noise_size", "code_size"} & set(RECIPE_SETTINGS)
    assert training_recipe({"width": 3, "attention": 32, "loss": "bce"}) == {"width": 3}


def test_the_stage_of_the_game_follows_the_settings():
    s = GANSettings(anneal=True, balanced=True, batch_size=4)
    d = game_phase(s, "discriminator", ("discriminator",), None)
    g = game_phase(s, "generator", ("generator",), None)
    assert (d.name, d.learning_rate, d.every, d.betas) == ("D", 1e-4, 2, (0.5, 0.999))
    assert (g.name, g.learning_rate, g.every) == ("G", 5e-4, 1)
    stage = gan_stage(s, "adversarial", 10, (d, g), mismatched="pose")
    assert (stage.batch_size, stage.balanced, stage.mismatched, stage.schedule) == (4, True, "pose", cosine_decay)
    assert gan_stage(GANSettings(), "adversarial", 10, (d, g)).schedule is None
    assert [cosine_decay(f) for f in (-1, 0, 0.5, 1, 2)] == [1, 1, 0.5, 0, 0]


def test_noise_of_a_sample_does_not_depend_on_its_batch():
    assert torch.equal(generation_noise(2, 10, 5), generation_noise(33, 10, 5)[:2]) and generation_noise(
        4, 0, 5
    ).shape == (4, 0)


def test_codes_are_those_of_the_frozen_encoder(pairs):
    system = build_system("cmav-s2i-c", "S2I", pairs.instruments, preset="toy")
    assert isinstance(system, MatchingSystem) and isinstance(system.settings, GANSettings)
    system.freeze_encoder(pairs.train, CPU)
    torch.testing.assert_close(system.codes, system.encoder(pairs.train.tensors()[1])[1].detach())


@pytest.mark.parametrize("system, settings, words", [
    (("cmav-s2i-c", "I2S"), {}, ["'cmav-s2i-c'", "'I2S'", "cmav-i2s", "cmcgan"]),
    (("cmav-i2s", "S2I"), {}, ["'S2I'", "cmav-s2i-c"]),
    (("cmcgan", "S2I"), {}, ["'cmcgan'", "'both'", "towards"]),
    (("cmav",), {}, ["'cmav'", "did you mean", "'cmav-i2s'"]),
    (("cmcgen",), {}, ["did you mean 'cmcgan'"]),
    (("cmcgan", "both"), {"cycle_weight": -1.0}, ["cycle_weight", "from 0"]),
    (("cmav-i2s", None), {"dropout": (1, 2, 3)}, ["dropout", "two shares"]),
    (("missing-modality", None), {"classifier_width": 0}, ["classifier_width"]),
])  # fmt: skip
def test_wrong_names_directions_and_settings_are_refused(system, settings, words):
    with pytest.raises(InputError) as e:
        build_system(*system, **settings)
    assert all(w in str(e.value) for w in words), str(e.value)


def test_a_run_of_both_is_asked_for_one(pairs, tmp_path):
    from avgen.judge.evaluation import evaluate
    from avgen.runs.grids import BothGrids

    run = train("cmcgan", pairs, run=tmp_path / "both", preset="toy", adversarial_steps=2, quiet=True, device="cpu")
    assert run.direction == "both" and [r.direction for r in run.each_direction()] == ["S2I", "I2S"]
    grids = run.samples()
    assert (
        isinstance(grids, BothGrids)
        and [g.direction for g in grids] == ["S2I", "I2S"]
        and (run.folder / "samples" / "step_00000002.png").exists()
    )
    assert (
        run.towards("S2I").generate(pairs.validation[0]).shape == (1, 3, 64, 64)
        and run.towards("I2S").samples().direction == "I2S"
    )
    for call in (
        lambda: run.generate(pairs.validation),
        lambda: evaluate(run, pairs, quiet=True, evaluator=object()),
        lambda: run.attend(pairs.validation[0]),
    ):
        with pytest.raises(InputError, match="both directions|towards"):
            call()
    with pytest.raises(InputError, match="no attention"):
        run.towards("S2I").attend(pairs.validation[0])
    with pytest.raises(InputError, match="trained for"):
        Run.open(run.folder, pairs).towards("A2V")


def test_a_penalty_counts_at_every_so_many_steps_only(pairs):
    losses = {}
    for r1 in (0.0, 50.0):
        changes = dict(game_attention=None, r1=r1, penalty_every=3)
        system = build_system("sa-cmgan", "S2I", pairs.instruments, pairs.config, preset="toy", seed=1, **changes)
        system.freeze_encoder(pairs.train, CPU)
        batch = Batches(pairs.train, 4, "instrument").at(0)
        for step in (0, 1, 3):
            torch.manual_seed(0)
            found = system.discriminator_step(batch, StepContext(0, "adversarial", step, CPU))
            losses[r1, step] = found["loss"].item()
    assert losses[0.0, 1] == pytest.approx(losses[50.0, 1], rel=1e-4)
    assert all(losses[50.0, step] > losses[0.0, step] for step in (0, 3))


@pytest.mark.parametrize("setting", [{"pairing": True}, {"r1": 1.0}, {"r2": 1.0}])
def test_cmcgan_refuses_what_its_losses_do_not_have(setting):
    with pytest.raises(InputError, match="CMCGAN"):
        settings_of("cmcgan", "toy", **setting)


def test_the_etude_preset_is_built_for_four_instruments():
    system = build_system("sa-cmgan", "S2I", ("double_bass", "flute", "trombone", "violin"), preset="etude")
    counts = system.parameter_counts()
    assert counts["generator"] < 1_000_000 and counts["discriminator"] < 1_000_000
    assert system.settings.upsampling == "nearest" and system.settings.pairing and system.settings.r1 > 0
