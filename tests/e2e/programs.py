"""The machine's programs that the end-to-end tests need."""

from collections.abc import Callable
from pathlib import Path
import sys


class ProgramMissingError(Exception):
    """A program is missing; the message says what to do."""


def print_path(find: Callable[[], Path | str]) -> int:
    """Print a program's path, and return the exit code.

    Prints why where it is missing.
    """
    try:
        sys.stdout.write(f"{find()}\n")
    except ProgramMissingError as err:
        sys.stderr.write(f"{err}\n")
        return 1
    return 0
