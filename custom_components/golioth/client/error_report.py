"""Log unexpected errors without their text.

The text of an HTTP client's exception holds the address, and with it the credential. It
may be in the chain of any other exception, so tracebacks are logged only here.
"""

from collections.abc import Iterator
import logging
from pathlib import PurePath
import traceback
from typing import Final

# The folder that holds the integration.
_ROOT: Final = PurePath(__file__).parents[1]

# The first errors of a long chain, and the innermost places of a deep traceback.
_MAX_ERRORS: Final = 10
_MAX_PLACES: Final = 20


def log_unexpected(logger: logging.Logger, message: str, err: BaseException) -> None:
    """Log an error's chain by type and place.

    No text of an exception, no value and no line of source is logged.

    Args:
        logger: The logger to use.
        message: What failed, without text of the exception.
        err: The error.
    """
    logger.error("%s: %s", message, "\n".join(_describe(err)))


def _describe(err: BaseException) -> Iterator[str]:
    """Yield a line for each error and place."""
    waiting = [("", err)]
    seen: set[int] = set()
    while waiting and len(seen) < _MAX_ERRORS:
        relation, err = waiting.pop(0)
        if id(err) in seen:
            continue
        seen.add(id(err))
        yield f"{relation}{type(err).__name__}"
        frames = list(traceback.walk_tb(err.__traceback__))
        for frame, line in frames[-_MAX_PLACES:]:
            code = frame.f_code
            yield f"  {_relative(code.co_filename)}:{line} in {code.co_qualname}"
        if isinstance(err, BaseExceptionGroup):
            waiting.extend(("with ", each) for each in err.exceptions)
        if err.__cause__ is not None:
            waiting.append(("caused by ", err.__cause__))
        elif err.__context__ is not None:
            waiting.append(("while handling ", err.__context__))


def _relative(file: str) -> str:
    """Return a file's path in its package.

    It does not reveal the host's folders.
    """
    path = PurePath(file)
    if path.is_relative_to(_ROOT):
        return path.relative_to(_ROOT).as_posix()
    parts = path.parts
    if "site-packages" in parts:
        return "/".join(parts[parts.index("site-packages") + 1 :])
    return "/".join(parts[-2:])
