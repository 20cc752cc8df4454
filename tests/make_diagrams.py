"""Draw the diagrams with which pages open before their code: nbs/images/*.svg.

    python tests/make_diagrams.py [FOLDER]     write them all (committed; drawn again when what they show changes)

Boxes, arrows, charts and words on a white card, so that they read on a dark page too. What a diagram says of a result,
a command or an exercise it takes from there: nothing is typed twice.
"""

import sys
from pathlib import Path

from drawings import bench, commands, lessons, nets, report, runs, studies

ROOT = Path(__file__).resolve().parent.parent
# page: drawing, and the picture in words
DIAGRAMS = {
    "02_data/08_loading": (runs.pairs_examined, "each pair goes to a reader of its own, all end in one report"),
    "04_prepare/03_labels": (
        nets.path_to_label,
        "folders become instrument and performer; a table tells the players of one film apart",
    ),
    "05_nets/06_encoders": (
        nets.into_a_code,
        "a spectrogram shrinks layer by layer to a name and a code of 64 numbers",
    ),
    "05_nets/07_generators": (nets.out_of_a_code, "a code and noise grow layer by layer to a picture of 64 x 64"),
    "05_nets/10_latents": (
        nets.cut_and_compressed,
        "a picture is cut into patches, and each becomes a few numbers along the directions that matter",
    ),
    "05_nets/12_grid_transformer": (
        nets.grid_transformer,
        "latents pass blocks that look at the sound and at the picture in turn; a condition scales each layer",
    ),
    "06_systems/09_duet": (nets.duet_parts, "what duet is made of: the pairs as latents, three ways to paint, a game"),
    "07_runs/01_files": (runs.run_files, "one process writes six kinds of files, any number of others read them"),
    "07_runs/03_config": (
        runs.one_config,
        "what was chosen and what was found go into one RunConfig, which everything takes",
    ),
    "07_runs/04_lock": (runs.one_trainer, "one process holds the lock, a second is refused, watchers only look"),
    "07_runs/05_status": (runs.run_states, "the states of a run, and what leads from one to the next"),
    "07_runs/06_sources": (runs.one_door, "sounds, pairs and arrays become one tensor; a picture is refused"),
    "07_runs/10_weights": (
        runs.which_weights,
        "four checkpoints with two sets of weights each, and those of a trainer",
    ),
    "08_training/04_position": (
        runs.one_run,
        "twelve steps in two stages, the position after six, and what is saved",
    ),
    "08_training/06_recording": (
        runs.ticks,
        "lines every twenty steps, pictures more rarely, a stop that writes no line",
    ),
    "08_training/07_checkpointer": (
        runs.checkpoints_kept,
        "of eight checkpoints the two newest and the best are kept",
    ),
    "08_training/10_remote": (
        runs.two_processes_talk,
        "a notebook and a process that meet only in the run's folder",
    ),
    "10_studies/01_jobs": (
        studies.shared_runs,
        "jobs become folders named by a digest, and several tables use the same run",
    ),
    "10_studies/03_workplace": (
        studies.one_workplace,
        "several workers share the runs in one folder, one judge counts for all, and a table's line comes out",
    ),
    "11_show/03_pair_grid": (
        studies.cards_with_tiles,
        "two cards with a given sound, a generated and a real picture, and a verdict in words",
    ),
    "11_show/05_attention_state": (
        nets.rulers,
        "one ruler for the whole map makes a nearly uniform row flat, a ruler for each row keeps its shape",
    ),
    "11_show/10_diagnosis": (
        nets.four_signs,
        "scores of a discriminator that is too strong, has given up or does not mind, and samples that are all alike",
    ),
    "12_report/01_story": (
        report.story_so_far,
        "a story with tasks and two chapters, some facts still missing, and the page that is made of it",
    ),
    "12_report/03_accuracy": (
        report.beside_accuracy,
        "accuracy, recall and follows of the trained pair beside those of real ones, in both directions",
    ),
    "12_report/06_memory_meter": (
        report.family_memory,
        "memory of a process and two workers over time, its highest point, and what the process says of itself",
    ),
    "12_report/07_demo": (
        report.the_demo,
        "the tasks of a demo one after the other, the page written between them, an interrupt and where it goes on",
    ),
    "12_report/08_rating_analysis": (
        studies.rated,
        "the published means of real pictures and three systems on a scale of four texts",
    ),
    "12_report/09_rating_study": (
        studies.voted,
        "real and generated pictures are shuffled, shown without their source, and each vote goes to one file",
    ),
    "13_cli/01_base": (commands.exit_codes, "what a command can come to, and the exit code of each"),
    "13_cli/02_training": (
        commands.make_train_resume,
        "avgen orchestra makes data, avgen train a run, an interrupt keeps a checkpoint, avgen resume goes on",
    ),
    "13_cli/03_judging": (commands.five_questions, "five questions, the command that answers each, and what it gives"),
    "13_cli/04_generating": (
        studies.generated_and_asked,
        "one command paints pictures from a sound, another shows where it looked",
    ),
    "13_cli/05_prepare": (commands.films_to_pairs, "a folder of films becomes frames with half a second of sound each"),
    "13_cli/06_corpora": (
        commands.corpus_checked,
        "a check finds a silent sound and a copy across splits, and ends with exit code 1",
    ),
    "13_cli/07_notebooks": (commands.command_map, "all subcommands: make data, train, use, judge; demo and lab"),
    "14_bench/01_timing": (bench.one_sign, "five runs each of three programs: all others are slower than the fastest"),
    "14_bench/02_steps": (bench.step_and_limit, "seconds of a step in three programs, each with the limit of its work"),
    "14_bench/03_attention": (bench.three_maps, "a full map, a pooled one, one in pieces, and what each takes"),
    "14_bench/04_logmel": (bench.five_logmels, "milliseconds and page faults of a batch of sounds in five ways"),
    "14_bench/05_data": (bench.three_speeds, "two files a pair are read once, opened again quickly, and dealt out"),
    "14_bench/07_command": (bench.parts_measured, "make bench measures each part in fresh processes into one report"),
    "15_lessons/01_answers": (
        lessons.answered,
        "four answers to one exercise: three slips are named, two of them with a hint, and the fourth is right",
    ),
    "15_lessons/02_exercises": (lessons.all_exercises, "the exercises of each lesson, and how many slips each knows"),
    "15_lessons/03_quiz": (lessons.quiz_card, "a question with a wrong option chosen, and why it is wrong"),
    "15_lessons/06_editions": (
        lessons.editions,
        "one lesson becomes a students' notebook, slides, a living page and a teacher's page",
    ),
    "15_lessons/07_command": (
        lessons.lesson_command,
        "a terminal: the lessons with their minutes, and one edition made",
    ),
}


def main(folder: Path) -> None:
    """Write every diagram."""
    folder.mkdir(parents=True, exist_ok=True)
    for draw, title in DIAGRAMS.values():
        (folder / f"{draw.__name__}.svg").write_text(draw().svg(title))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "nbs/images")
