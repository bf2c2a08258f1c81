"""Run the machine's PostgreSQL, as a recorder database.

`python -m tests.e2e.postgresql` prints the folder of its programs.
"""

import asyncio
import os
from pathlib import Path
import pwd
import secrets
import shutil
import sys
import tempfile
import time
from typing import Final, Self, override

from tests.demo import DemoError
from tests.demo.home_assistant import HOST, free_port
from tests.demo.process import ChildProcess

from .programs import ProgramMissingError, print_path

# Debian has a folder for each version, and none is in PATH; elsewhere they are.
DEBIAN: Final = Path("/usr/lib/postgresql")

# PostgreSQL refuses to run as root.
USERS: Final = ("postgres", "nobody")

START_TIMEOUT: Final = 30
STOP_TIMEOUT: Final = 20
POLL_INTERVAL: Final = 0.1


def find_postgresql() -> Path:
    """Return the program folder of the newest installed version.

    Raises:
        ProgramMissingError: There is none.
    """
    versions = [path for path in DEBIAN.glob("*/bin") if (path / "initdb").is_file()]
    if versions:
        return max(versions, key=lambda path: float(path.parent.name))
    if path := shutil.which("initdb"):
        return Path(path).resolve().parent
    raise ProgramMissingError(
        "The end-to-end tests need PostgreSQL: run scripts/setup-e2e, which installs it on Debian and its like, or install"
        " its server yourself"
    )


class PostgresqlServer(ChildProcess):
    """A PostgreSQL server on a free port of 127.0.0.1.

    Its own folder is removed when it stops.
    """

    def __init__(self, log_path: Path) -> None:
        """Prepare the server.

        Args:
            log_path: The file that its output is appended to.
        """
        super().__init__("PostgreSQL", log_path, stop_timeout=STOP_TIMEOUT)
        self._programs = find_postgresql()
        self._port = free_port()
        self._password = secrets.token_hex(8)
        self._user = _unprivileged_user()
        self._folder: Path | None = None

    @property
    def url(self) -> str:
        """The address of its database, in the recorder's format."""
        return f"postgresql://tests:{self._password}@{HOST}:{self._port}/postgres"

    @override
    async def __aenter__(self) -> Self:
        """Start with an empty database, and wait until ready.

        Raises:
            DemoError: It ended, or did not answer in time.
        """
        # Not below the tests' folder, which the unprivileged user cannot enter.
        self._folder = Path(tempfile.mkdtemp(prefix="golioth-postgresql-"))
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        try:
            await self._start(self._folder)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    @override
    async def __aexit__(self, *_: object) -> None:
        """Stop, and remove the database."""
        await self.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder)

    async def _start(self, folder: Path) -> None:
        data, password = folder / "data", folder / "password"
        password.write_text(self._password)
        password.chmod(0o600)
        if self._user is not None:
            shutil.chown(password, self._user)
        process = await self.spawn(
            *(str(self._programs / "initdb"), "--pgdata", str(data)),
            *("--encoding", "UTF8", "--no-locale", "--no-sync"),
            *("--username", "tests", "--pwfile", str(password)),
            *("--auth", "scram-sha-256"),
            cwd=folder,
            user=self._user,
        )
        if await process.wait() != 0:
            raise self.ended()
        process = await self.spawn(
            *(str(self._programs / "postgres"), "-D", str(data)),
            *("-c", f"listen_addresses={HOST}", "-c", f"port={self._port}"),
            *("-c", "unix_socket_directories=", "-c", "fsync=off"),
            cwd=folder,
            user=self._user,
        )
        deadline = time.monotonic() + START_TIMEOUT
        while not await self._is_ready():
            if process.returncode is not None:
                raise self.ended()
            if time.monotonic() > deadline:
                raise DemoError(
                    f"PostgreSQL did not answer within {START_TIMEOUT} s: see {self.log_path}"
                )
            await asyncio.sleep(POLL_INTERVAL)

    async def _is_ready(self) -> bool:
        process = await asyncio.create_subprocess_exec(
            *(str(self._programs / "pg_isready"), "--quiet"),
            *("--host", HOST, "--port", str(self._port)),
        )
        return await process.wait() == 0


def _unprivileged_user() -> str | None:
    """Return the user that runs it, where we are root."""
    if os.geteuid() != 0:
        return None
    known = {each.pw_name for each in pwd.getpwall()}
    return next(name for name in USERS if name in known)


if __name__ == "__main__":
    sys.exit(print_path(find_postgresql))
