"""A format that the library does not have: NIST's CTM, a line for each timed token."""

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.resources import write_atomically


def write(path, tiers, duration, *, details=None, overwrite=False):
    given = {"words": tiers} if isinstance(tiers, Alignment) else tiers
    lines = [
        f"{name} 1 {token.start} {token.end - token.start} {token.token}"
        for name, tier in given.items()
        for token in tier.timed
    ]
    text = "\n".join([f";; {details}", *lines])
    return write_atomically(path, lambda part: part.write_text(text, "utf-8"), overwrite=overwrite)


def read(path):
    tiers = {}
    for line in path.read_text("utf-8").splitlines():
        if not line.startswith(";;"):
            name, _, start, length, token = line.split()
            end = float(start) + float(length)
            tiers.setdefault(name, []).append(TimedToken(token, float(start), end))
    return {name: Alignment(tuple(tokens)) for name, tokens in tiers.items()}
