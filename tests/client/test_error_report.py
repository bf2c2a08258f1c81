"""Test the logging of unexpected errors."""

import ast
import asyncio
from collections.abc import Iterator
import logging
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from custom_components.golioth.client import error_report
from custom_components.golioth.client.error_report import log_unexpected
from tests.simulator import GoliothSimulator

_LOGGER = logging.getLogger(__name__)

INTEGRATION: Final = Path(error_report.__file__).parents[1]

SECRET: Final = "tHeSeCrEt"


class OddError(Exception):
    """An error with the credential in all of its text."""


def fail(secret: str) -> None:
    """Raise an error with a cause, notes and text."""
    try:
        try:
            raise ValueError(secret)
        except ValueError as err:
            raise OddError(secret, {"secret": secret}) from err
    except OddError as err:
        err.add_note(secret)
        raise OverflowError(secret)  # noqa: B904


def caught(secret: str) -> OverflowError:
    """Return what `fail` raises."""
    try:
        fail(secret)
    except OverflowError as err:
        return err
    raise AssertionError


def test_error_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    """Types and places of errors are logged, without text."""
    log_unexpected(_LOGGER, "It failed", caught(SECRET))
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.name == __name__
    assert record.exc_info is None
    text = caplog.text
    assert "It failed: OverflowError\n" in text
    assert "while handling OddError\n" in text
    assert "caused by ValueError\n" in text
    assert f"client/{Path(__file__).name}:" in text
    assert "in fail\n" in text
    assert SECRET not in text
    assert "raise" not in text
    assert str(Path.home()) not in text


def test_group_of_errors(caplog: pytest.LogCaptureFixture) -> None:
    """A group is logged with its errors."""
    log_unexpected(
        _LOGGER, "It failed", ExceptionGroup(SECRET, [caught(SECRET), KeyError(SECRET)])
    )
    assert "It failed: ExceptionGroup\nwith OverflowError\n" in caplog.text
    assert "with KeyError" in caplog.text
    assert SECRET not in caplog.text


def test_error_without_end(caplog: pytest.LogCaptureFixture) -> None:
    """A circular or deep chain is cut."""

    def recurse(depth: int) -> None:
        if depth:
            recurse(depth - 1)
        raise ValueError(SECRET)

    errors = []
    for _ in range(50):
        try:
            recurse(200)
        except ValueError as err:
            errors.append(err)
    for each, cause in zip(errors, errors[1:] + errors[:1], strict=True):
        each.__cause__ = cause
    log_unexpected(_LOGGER, "It failed", errors[0])
    assert len(caplog.text.splitlines()) <= 1 + 10 * 21
    assert SECRET not in caplog.text


async def test_error_of_the_http_client(
    simulator: GoliothSimulator,
    session: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The address in an HTTP client's error is not logged."""
    address = f"{simulator.url}/v1?x-api-key={SECRET}"
    simulator.faults.rest_status = 500
    with pytest.raises(aiohttp.ClientError) as raised:
        await session.ws_connect(address)
    await asyncio.sleep(0)
    assert SECRET in repr(raised.value)
    caplog.clear()
    log_unexpected(_LOGGER, "It failed", raised.value)
    assert "It failed: WSServerHandshakeError\n" in caplog.text
    assert "aiohttp/client.py:" in caplog.text
    assert SECRET not in caplog.text


def violations(source: str) -> Iterator[int]:
    """Yield lines that could log a traceback or exception text."""
    for node in ast.walk(ast.parse(source)):
        match node:
            # The method of tasks and futures takes no argument.
            case ast.Call(func=ast.Attribute(attr="exception"), args=[_, *_]):
                yield node.lineno
            case ast.Call(keywords=keywords) if any(
                each.arg in {"exc_info", "stack_info"} for each in keywords
            ):
                yield node.lineno
            case ast.Import(names=names) if any(
                each.name == "traceback" for each in names
            ):
                yield node.lineno
            case ast.ImportFrom(module="traceback" | "sys" as module, names=names):
                if module == "traceback" or any(
                    each.name in {"exc_info", "exception"} for each in names
                ):
                    yield node.lineno
            case ast.Attribute(
                value=ast.Name("sys"), attr="exc_info" | "exception" | "excepthook"
            ):
                yield node.lineno


@pytest.mark.parametrize(
    "source",
    [
        "_LOGGER.exception('x')",
        "logging.exception('x %s', err)",
        "_LOGGER.error('x', exc_info=True)",
        "_LOGGER.log(40, 'x', exc_info=err)",
        "import traceback",
        "from traceback import format_exc",
        "from sys import exc_info",
        "sys.exc_info()",
    ],
)
def test_traceback_is_found(source: str) -> None:
    """Violations are found."""
    assert list(violations(source)) == [1]


@pytest.mark.parametrize(
    "source", ["task.exception()", "_LOGGER.error('x')", "err.exceptions[0]"]
)
def test_nothing_else_is_found(source: str) -> None:
    """Similar code is no violation."""
    assert not list(violations(source))


def test_nothing_logs_a_traceback() -> None:
    """Only `error_report` logs unexpected errors."""
    found: list[Any] = [
        f"{path.relative_to(INTEGRATION)}:{line}"
        for path in sorted(INTEGRATION.rglob("*.py"))
        if path != Path(error_report.__file__)
        for line in violations(path.read_text())
    ]
    assert not found
