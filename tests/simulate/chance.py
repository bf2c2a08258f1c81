"""Random numbers that depend on seeds only."""

import random


def chance(*seeds: object) -> random.Random:
    """Return a random number generator for these seeds."""
    return random.Random(":".join(map(str, seeds)))  # noqa: S311
