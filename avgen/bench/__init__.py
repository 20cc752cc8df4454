"""How fast it is, measured on this machine: `make bench`, or `python -m avgen.bench`.

`timing` measures fairly; `steps`, `attention`, `logmel` and `data` each hold one comparison; `report` runs them and
reads the result. Each measurement is made in a process of its own. Nothing else in the package imports this folder.
"""
