"""The tables of the papers, run again: systems by data by evaluation.

`study` lists them and runs one; `tables` says which runs each needs and how its rows are made; `workplace` trains and
judges runs that several tables and workers share. A new table belongs in `tables` and in `study.STUDIES`. The numbers
that the papers printed are in `published` and are never edited to fit.
"""
