"""Contract of avgen.studies.tables: other people in the same orchestra, a control where recipes differ."""

import torch
from avgen.judge.poses import orchestra_seed
from avgen.studies.study import STUDIES
from avgen.studies.tables import other_people, shuffled_within_instrument
from avgen.studies.workplace import StudySettings, Workplace


def test_other_people_play_in_the_same_orchestra(orchestra, tmp_path):
    others = other_people(Workplace(StudySettings(orchestra, tmp_path, "toy", quick=True)))
    assert orchestra_seed(others) == orchestra_seed(orchestra) and len(others.validation) == len(orchestra.validation)
    assert not set(others.validation.performers) & set(orchestra.all_train.performers)


def test_the_control_stands_where_recipes_differ(orchestra, tmp_path):
    def jobs(preset):
        return STUDIES["poster-1"].jobs(Workplace(StudySettings(orchestra, tmp_path, preset)))

    (control,) = [j for j in jobs("small") if "stage" in j.label]
    assert (control.system, control.direction, dict(control.changes)) == (
        "sa-cmgan",
        "S2I",
        {"classifier_steps": 4000, "classifier_learning_rate": 1e-3},
    )
    assert not [j for j in jobs("toy") if "stage" in j.label]


def test_every_picture_goes_to_another_sound_of_its_instrument(orchestra):
    split = orchestra.validation
    order = shuffled_within_instrument(split)
    assert sorted(order.tolist()) == list(range(len(split))) and (order != torch.arange(len(split))).all()
    assert torch.equal(split.instrument[order], split.instrument)
