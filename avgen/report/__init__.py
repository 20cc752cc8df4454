"""Pages to keep and to hand on: the report of a run or demo, and the human rating study.

A `story` holds the facts, `pages` renders it as one HTML file that needs no kernel and no network, `report` writes the
story of runs, and `demo` makes everything from the data on. `rating_study` keeps what people say of pictures,
`rating_widget` asks them, `rating_analysis` reads their votes. What a study's file holds may not change.
"""
