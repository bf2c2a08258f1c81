"""A real Home Assistant beside the simulator.

The demo, and the base of the end-to-end tests.
"""

from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[2]


class DemoError(Exception):
    """An error that its message explains without a traceback."""
