"""The course: exercises that answer back, quizzes, a game in slow motion, and editions of the lessons.

`answers` checks what a reader worked out and hints before it tells; `exercises` and `later_exercises` hold the
checks; `quiz` asks ten questions; `game` and `slow_motion` play a GAN in the plane; `editions` makes students'
notebooks, slides and pages of the lessons, and `python -m avgen.lessons` calls it.
"""
