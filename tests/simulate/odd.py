"""Log contents that not every parser reads."""

from typing import Final

ODD_METADATA: Final = (
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"1e400",
    b"-1e400",
    b"123456789012345678901234567890",
    b"1" * 5000,
    b'"\\ud800"',
    b'{"\\udc00":1}',
    b'"\xff\xfe"',
    b'"\xc3\x28"',
    b'"\\u0000"',
    b"[" * 200 + b"]" * 200,
    b"[" * 300 + b"]" * 300,
    b"[" * 3000 + b"]" * 3000,
    b'{"a":' * 300 + b"1" + b"}" * 300,
)


def is_readable(document: bytes, streamed: bytes) -> bool:
    """Return whether REST and stream give a readable log.

    Only then is it promised.
    """
    from custom_components.golioth.client import parsing  # noqa: PLC0415

    answer = parsing.parse_answer(b'{"list":[' + document + b"]}")
    listed = answer and answer.get("list")
    if not listed or parsing.parse_log(listed[0]) is None:
        return False
    return is_frame_readable(streamed)


def is_frame_readable(streamed: bytes) -> bool:
    """Return whether the client reads a log of a stream."""
    from custom_components.golioth.client import parsing  # noqa: PLC0415

    frames = list(parsing.parse_frame(b'{"result":{"data":' + streamed + b"}}"))
    return len(frames) == 1 and isinstance(frames[0], parsing.LogEntry)


def spoils_answer(document: bytes) -> bool:
    """Return whether a log makes its REST answer unreadable."""
    from custom_components.golioth.client import parsing  # noqa: PLC0415

    return parsing.parse_answer(b'{"list":[' + document + b"]}") is None
