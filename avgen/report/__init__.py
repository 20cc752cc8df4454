"""Pages to keep and to hand on: the report of a run or demo, and the human rating study.

`pages` renders a story as one HTML file that needs no kernel and no network; `report` writes the story of a run.
"""
