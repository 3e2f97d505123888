"""nbconvert shows the explorer's picture and table, not a widget that needs a network.

    jupyter nbconvert --to html --config docs/nbconvert_still.py notebook.ipynb

It prefers widgets to all else, and an HTML page loads these from the web. Here they come last but
for plain text: those that bring a picture give way to it, others are as before.
"""

c = get_config()  # noqa: F821 (nbconvert provides it)

# Code that only draws or keeps records is hidden in lessons; leave it out of exports, too.
c.TagRemovePreprocessor.enabled = True
c.TagRemovePreprocessor.remove_input_tags = {"hide-input"}

# For pages alone: what becomes a PDF takes the picture anyway.
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
