"""Widgets to play, look and inspect, in JupyterLab and on saved pages that work without a kernel.

Each widget is a Python class with typed traits and one ES module in `static/`; nothing is fetched from the network.
The lower floors do not import this one: importing a module here makes the objects that it shows alive (a `Sound`, a
pair, an `AttentionMap`, a run); until then they show still pictures. Add a widget as a page of its own on `live.Live`;
change what a widget draws in its module in `static/`, and never a file of `avgen/` that a notebook writes.
"""
