"""Algorithm 1 of the CIF paper for one utterance, in plain Python floats.

This file imports nothing. It is the oracle that everything faster is held to, and it is what
notebook 01 teaches. Frames and tokens count from 0; ``mass`` is the running sum of the weights,
the position on the *mass axis*.

It is Algorithm 1 to the letter for a threshold β = 1 and weights up to 1: in the paper a token
fires at β but is charged 1, whereas here it takes β, and a frame may fire several times.
"""


def integrate_and_fire(alpha, threshold=1.0, slack=0.0):
    """Integrate frame weights and fire a token each time the threshold is reached.

    Parameters
    ----------
    alpha : sequence of float >= 0
        Weight of each frame. A weight above `threshold` fires several times.
    threshold : float > 0
        β, the mass that a token takes.
    slack : float, 0 <= slack < threshold
        δ: a token fires already within δ of full and borrows what it lacks from the next.

    Returns
    -------
    contributions : list of list of float
        ``contributions[i][t]`` is the weight that frame t gives to token i; one list for each fire.
    fire_positions : list of float
        Ends of the tokens in fractional frames: ``t + ((i+1)β − S_t) / α_t``, at most ``t + 1``.
    residual : float
        Weight left after the last fire (negative if the last token borrowed).

    Examples
    --------
    The example of the paper (section 2): token 0 takes 0.2 of frame 0 and 0.8 of frame 1; the
    remaining 0.1 of frame 1 opens token 1, which frame 3 completes with 0.3 of its 0.6.

    >>> contributions, positions, residual = integrate_and_fire([0.2, 0.9, 0.6, 0.6])
    >>> [[round(w, 6) for w in token] for token in contributions]
    [[0.2, 0.8, 0.0, 0.0], [0.0, 0.1, 0.6, 0.3]]
    >>> [round(p, 3) for p in positions], round(residual, 6)
    ([1.889, 3.5], 0.3)

    Notes
    -----
    Notebook: notebooks/01_integrate_and_fire.ipynb · Paper: Dong & Xu (2020), Algorithm 1
    """
    contributions, fire_positions = [], []
    token = [0.0] * len(alpha)  # what the token being filled has received from each frame
    mass = 0.0  # S: sum of all weights so far
    given = 0.0  # how much of it the tokens have received
    for frame, weight in enumerate(alpha):
        before, mass = mass, mass + weight
        while mass >= (len(contributions) + 1) * threshold - slack:
            full = (len(contributions) + 1) * threshold
            token[frame] += full - given
            given = full
            contributions.append(token)
            fire_positions.append(frame + min(1.0, (full - before) / weight))
            token = [0.0] * len(alpha)
        token[frame] += mass - given
        given = mass
    return contributions, fire_positions, mass - len(contributions) * threshold
