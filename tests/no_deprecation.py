"""Fail tests in which the integration uses deprecated code.

This is a plugin of pytest: Home Assistant reports the use.
"""

from collections.abc import Iterator
import logging
from typing import override

import pytest

from .deprecations import is_deprecation


class _Deprecations(logging.Handler):
    """Keeps the reports about the integration."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record that reports deprecated use."""
        if is_deprecation(text := record.getMessage()):
            self.found.append(text)


@pytest.fixture(autouse=True)
def no_deprecation() -> Iterator[None]:
    """Fail when Home Assistant has reported deprecated use.

    Python's own warnings raise where they happen.
    """
    deprecations = _Deprecations()
    root = logging.getLogger()
    root.addHandler(deprecations)
    yield
    root.removeHandler(deprecations)
    if deprecations.found:
        pytest.fail("\n".join(deprecations.found))
