"""JSON as the service writes it: compact, one document."""

import json

import orjson


def encode_json(value: object) -> bytes:
    """Return compact JSON.

    Integers over 64 bits and lone surrogates, which orjson refuses, are written as the
    standard library does: JSON can hold both, so a device can send both. Raises
    TypeError for what is no JSON value.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()
