"""Recipes, measurements and studies behind the published results; not part of the wheel."""
