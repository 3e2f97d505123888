"""Lets nbconvert show the static fallback of an explorer, not a widget that needs a network.

    jupyter nbconvert --to html --config docs/nbconvert_static.py notebook.ipynb

By default nbconvert prefers widgets, and an HTML page loads these from the web. Here only plain
text comes after them: a picture is preferred to its widget; one without a picture does not change.
"""

c = get_config()  # noqa: F821 (nbconvert provides it)

# For pages only: a PDF always has the picture.
c.HTMLExporter.NbConvertBase.display_data_priority = [
    "application/javascript",
    "text/html",
    "text/markdown",
    "image/svg+xml",
    "text/vnd.mermaid",
    "text/latex",
    "image/png",
    "image/jpeg",
    "application/vnd.jupyter.widget-view+json",
    "text/plain",
]
