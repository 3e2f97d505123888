"""Names of the kinds of output that are treated in a way of their own."""

WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
"""In the metadata of a notebook: the models of its live controls."""
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
"""An output that shows a live control."""
RECORD = "application/vnd.cifviz.record+json"
"""An output that holds named numbers, see `cifviz.notebooks.records`."""
EXPLORED = "application/vnd.cifviz.explored+json"
"""What an explorer shows, without its sound: a title, and a JSON text that the site makes its live
explorer of."""
