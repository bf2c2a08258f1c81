"""Find the machine's Chromium for Playwright.

`python -m tests.e2e.chromium` prints its path.
"""

import os
import shutil
import sys
from typing import Final

from .programs import ProgramMissingError, print_path

# The names in Debian's, Google's and other packages. First the one without windows,
# which is much lighter, then Google's: Ubuntu allows a sandbox to it, but to no
# Chromium that was not packaged for Ubuntu.
NAMES: Final = (
    "chromium-headless-shell",
    "google-chrome",
    "chromium",
    "chromium-browser",
)

# The paths on macOS.
APPLICATIONS: Final = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)

# A host name of Home Assistant that is no loopback for browsers: without TLS, its pages
# are no secure context.
PLAIN_HOST: Final = "home-assistant.test"

# Restrict the network to Home Assistant on loopback: no requests of the browser's own,
# and none of a page to other hosts.
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
    """Return the path of CHROMIUM, or of an installed browser.

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
    """Return whether Chromium can use its sandbox.

    It refuses to as root.
    """
    return os.geteuid() != 0


if __name__ == "__main__":
    sys.exit(print_path(find_chromium))
