"""A real Home Assistant beside the simulator: the demo, and the ground for end-to-end tests."""

from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[2]


class DemoError(Exception):
    """Something went wrong that one message explains; no traceback is needed."""
