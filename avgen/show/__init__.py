"""Play, look and inspect: widgets for JupyterLab that work without a kernel too.

Each widget is a small Python class with typed traits and one ES module in `static/`. Nothing is fetched from the network. The
lower floors do not import this one: they show still pictures until it is loaded.
"""
