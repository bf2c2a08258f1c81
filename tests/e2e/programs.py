"""Programs of the machine's own that the end-to-end tests need."""

from collections.abc import Callable
from pathlib import Path
import sys


class ProgramMissingError(Exception):
    """There is no such program; the message says what to do."""


def print_path(find: Callable[[], Path | str]) -> int:
    """Print what a function finds, or why there is none; return the exit code."""
    try:
        sys.stdout.write(f"{find()}\n")
    except ProgramMissingError as err:
        sys.stderr.write(f"{err}\n")
        return 1
    return 0
