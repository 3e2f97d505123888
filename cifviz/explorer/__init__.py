"""The explorer: move the threshold, watch the tokens move, hear them."""

from cifviz.explorer.page import to_html

__all__ = ["to_html"]
