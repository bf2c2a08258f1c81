"""Chance that a seed decides."""

import random


def chance(*seeds: object) -> random.Random:
    """Return a generator of random numbers that depends on nothing but its seeds."""
    return random.Random(":".join(map(str, seeds)))  # noqa: S311
