"""Names of the kinds of output that are treated in a way of their own."""

WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
"""In the metadata of a notebook: the models of its live controls."""
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
"""An output that shows a live control."""
RECORD = "application/vnd.cifviz.record+json"
"""An output that holds named numbers, see `cifviz.notebooks.records`."""
EXPLORER = "application/vnd.cifviz.explorer"
"""Of an output that shows an explorer: what a page of it needs, as JSON in a text. Its name has no
``+json``, so that it is not compared: it holds sounds and pictures."""
