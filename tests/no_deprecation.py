"""A pytest plugin: a test fails when Home Assistant says that the integration uses what is deprecated."""

from collections.abc import Iterator
import logging
from typing import override

import pytest

from .deprecations import is_deprecation


class _Deprecations(logging.Handler):
    """Keeps what is said of the integration."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record that warns."""
        if is_deprecation(text := record.getMessage()):
            self.found.append(text)


@pytest.fixture(autouse=True)
def no_deprecation() -> Iterator[None]:
    """Fail when the integration used what is deprecated; what Python itself warns of raises where it happens."""
    deprecations = _Deprecations()
    root = logging.getLogger()
    root.addHandler(deprecations)
    yield
    root.removeHandler(deprecations)
    if deprecations.found:
        pytest.fail("\n".join(deprecations.found))
