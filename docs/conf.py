"""Settings of the site for Sphinx; `docs/build.py` lays out its sources and calls it. Nothing comes from a network."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

project, author = "avgen", "the avgen developers"
copyright = "the avgen developers; Apache-2.0"
extensions = ["myst_nb", "sphinx_design", "mathml"]
exclude_patterns = ["**/.ipynb_checkpoints"]
root_doc = "index"

myst_enable_extensions = ["dollarmath", "amsmath", "html_image", "fieldlist", "colon_fence"]
myst_heading_anchors = 4
myst_dmath_double_inline = True
# pages for JupyterLab may begin a section one level deeper, and hold lines for the shell
suppress_warnings = ["myst.header", "misc.highlighting_failure"]

nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js = {}
nb_mime_priority_overrides = [
    ("html", kind, place)
    for place, kind in enumerate(
        ("image/svg+xml", "image/png", "image/jpeg", "text/html", "text/markdown", "text/plain")
    )
]

html_theme = "furo"
html_title = "avgen"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_extra"]  # pages that are alive without a kernel
html_show_search_summary = False  # it would fetch pages, which a site opened from disk may not
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
python_maximum_signature_line_length = 90
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"
pygments_style, pygments_dark_style = "a11y-light", "a11y-dark"
html_theme_options = {"navigation_with_keys": True}
