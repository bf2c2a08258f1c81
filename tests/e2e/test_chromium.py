"""Tests that need no browser."""

import asyncio
import os
import sys

from tests.demo import REPOSITORY


async def test_fails_without_chromium() -> None:
    """Without Chromium, the tests fail and say what to do."""
    environment = {
        name: value for name, value in os.environ.items() if name != "CHROMIUM"
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "tests/e2e"),
        cwd=REPOSITORY,
        env={**environment, "PATH": ""},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert b"need Chromium: run scripts/setup-e2e" in output
    assert process.returncode not in (0, None)
