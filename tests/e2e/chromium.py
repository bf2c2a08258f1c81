"""The machine's own Chromium, of which Playwright is told where it is: python -m tests.e2e.chromium finds it."""

import os
import shutil
import sys
from typing import Final

from .programs import ProgramMissingError, print_path

# What Google calls it, Debian, and others. Google's first: Ubuntu lets that one have a sandbox, but no Chromium that
# was not packaged for it.
NAMES: Final = ("google-chrome", "chromium", "chromium-browser")

# Where macOS has them.
APPLICATIONS: Final = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)

# A name of Home Assistant's that browsers do not trust as they trust loopback: without TLS, they let its pages do less.
PLAIN_HOST: Final = "home-assistant.test"

# It only talks to Home Assistant, on loopback: nothing of its own, and nothing that a page may want from elsewhere.
ARGUMENTS: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    f"--host-resolver-rules=MAP {PLAIN_HOST} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-first-run",
)


def find_chromium() -> str:
    """Return the path of the browser that CHROMIUM names, or else of the first that is installed.

    Raises:
        ProgramMissingError: There is none.
    """
    if named := os.environ.get("CHROMIUM"):
        if path := shutil.which(named):
            return path
        raise ProgramMissingError(
            f"CHROMIUM names {named}, which is not there or cannot be run"
        )
    for name in (*NAMES, *APPLICATIONS):
        if path := shutil.which(name):
            return path
    raise ProgramMissingError(
        "The end-to-end tests need Chromium: run scripts/setup-e2e, which installs it on Debian, Fedora and macOS, install"
        f" one of {', '.join(NAMES)} yourself, or name another one in CHROMIUM"
    )


def may_sandbox() -> bool:
    """Return whether Chromium may have its sandbox, which it refuses to root."""
    return os.geteuid() != 0


if __name__ == "__main__":
    sys.exit(print_path(find_chromium))
