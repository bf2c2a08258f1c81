"""WebSocket frames as a server writes them (RFC 6455)."""

import struct
from typing import Final

from aiohttp import WSMsgType

_FINAL = 0x80
_LENGTH_16_BITS: Final = 126
_LENGTH_64_BITS: Final = 127


def encode_frame(payload: str | bytes) -> bytes:
    """Return a message in one frame.

    A str becomes a text frame, bytes a binary one.
    """
    if isinstance(payload, str):
        return encode_text_frame(payload.encode())
    return _encode(WSMsgType.BINARY, payload)


def encode_text_frame(payload: bytes) -> bytes:
    """Return a text frame of encoded text."""
    return _encode(WSMsgType.TEXT, payload)


def encode_close_frame(code: int) -> bytes:
    """Return a close frame without a reason."""
    return _encode(WSMsgType.CLOSE, struct.pack("!H", code))


PING_FRAME = bytes((_FINAL | WSMsgType.PING, 0))

# The header announces 400 bytes; the connection ends before they have come.
HALF_FRAME = (
    struct.pack("!BBH", _FINAL | WSMsgType.TEXT, _LENGTH_16_BITS, 400)
    + b'{"result":{"data":{"timestamp":"20'
)


def _encode(opcode: WSMsgType, payload: bytes) -> bytes:
    """Return a frame without a mask, as servers send them."""
    first = _FINAL | opcode
    length = len(payload)
    if length < _LENGTH_16_BITS:
        return struct.pack("!BB", first, length) + payload
    if length < 1 << 16:
        return struct.pack("!BBH", first, _LENGTH_16_BITS, length) + payload
    return struct.pack("!BBQ", first, _LENGTH_64_BITS, length) + payload
