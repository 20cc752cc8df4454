"""The tables of the papers, run again: systems by data by evaluation.

`study` lists them and runs one; `jobs` lets studies and processes share their runs. A new table belongs here; the numbers that
the papers printed stand beside ours.
"""
