"""Made-up robustness comparisons."""

from cifviz.published import LONGER


def counts(deleted=0, inserted=0, substituted=0, *, seconds=0.01, threads=1, tokens=100):
    return {
        "tokens": tokens,
        "token_error_rate": (deleted + inserted + substituted) / tokens,
        "deletions": deleted,
        "insertions": inserted,
        "substitutions": substituted,
        "length_ratio": 1 + (inserted - deleted) / tokens,
        "seconds_per_utterance": seconds,
        "threads": threads,
    }


def runs(system, jitter=(0, 1, 2), **errors):
    """Runs of a system with so many substitutions, in % of the tokens, in each condition."""
    kinds = {"in_domain": 2, "longer": 2, "repeated": 2, "noise_gap": 2, "truncated": 2, **errors}
    longer_, seconds = kinds.pop("longer"), kinds.pop("seconds", 0.01)
    return [
        {
            "system": system,
            "seed": seed,
            "conditions": {
                **{
                    name.replace("_", " "): counts(
                        *(errors if isinstance(errors, tuple) else (0, 0, errors + more)),
                        seconds=seconds,
                    )
                    for name, errors in kinds.items()
                },
                **{name: counts(0, 0, longer_ + more) for name in LONGER.values()},
            },
        }
        for seed, more in enumerate(jitter)
    ]
