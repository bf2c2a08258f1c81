"""Compact JSON, as the service writes it."""

import json

import orjson


def encode_json(value: object) -> bytes:
    """Return compact JSON.

    Integers over 64 bits and lone surrogates, which orjson refuses, go through the
    standard library: JSON can hold both, so a device can send both. Raises TypeError
    for a value that JSON does not have.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()
