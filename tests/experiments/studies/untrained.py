"""Models of recipes without training, in place of those of finished runs."""

import torch

from cifviz.systems.registry import SYSTEMS


def untrained(recipe, folder):
    """The model of a recipe, whose weights add up to a few tokens a second."""
    torch.manual_seed(0)
    model = SYSTEMS[recipe.system](recipe.config)
    model.start_at(0.1)
    return model.eval()
