"""Results of runs of recipes in word pieces, made up."""


def result(recipe, variant, seed, *, rate=0.5, **measured):
    """Of 200 words and 300 pieces; `rate` is the share of errors in both."""
    edges = {"both": {"mean_absolute": 0.1}}
    dev = {
        "words": {"rate": rate},
        "token_error_rate": rate,
        "count_accuracy": 1 - rate,
        "weight_sum_error": {"mean_absolute": 2 * rate},
        "edges": {"fire": edges, "valleys, quantiles": edges},
        **measured,
    }
    return {"recipe": recipe, "variant": variant, "seed": seed, "leave_out": None, "dev": dev}


def results(recipe, **rates):
    """Three seeds of each variant, around its rate; "_" stands for the recipe itself."""
    return [
        result(recipe, "" if name == "_" else name.replace("_", "-"), seed, rate=rate + 0.01 * seed)
        for name, rate in rates.items()
        for seed in range(3)
    ]
