"""Runs simulations: python -m tests.simulate [--hours N] [--seed S] [--seeds N] [--jobs J]."""

import sys

from .alone import import_client_alone

# Before anything imports the client, in each process.
import_client_alone()

from .cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
