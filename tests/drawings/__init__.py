"""The drawings of the pages, a module a part of the house; tests/make_diagrams.py writes them."""
