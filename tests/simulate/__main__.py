"""Run simulations: `python -m tests.simulate`."""

import sys

from .alone import import_client_alone

# Before anything imports the client, in each process.
import_client_alone()

from .cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
