"""Test the values for what Golioth sends."""

import orjson
import pytest

from custom_components.golioth.client.models import (
    DeepMetadata,
    LongInteger,
    exact_json,
)

from .frames import LOG, frame, only_log


def test_bounded_keeps_what_fits() -> None:
    """A log below the limit is unchanged."""
    entry = only_log(frame({**LOG, "metadata": {"a": 1}}))
    assert entry.bounded(1000) == (entry, False)


@pytest.mark.parametrize("character", ["x", "é", "😀", "\0", '"'])
@pytest.mark.parametrize("limit", [100, 4096, 20480])
def test_bounded_cuts(character: str, limit: int) -> None:
    """Message and metadata share the limit, in bytes of JSON.

    The message is cut no more than necessary.
    """
    metadata = {f"key {n}": character * 100 for n in range(500)}
    entry = only_log(frame({"message": character * 50_000, "metadata": metadata}))
    bounded, truncated = entry.bounded(limit)
    assert truncated
    size = len(orjson.dumps(bounded.message)) + len(orjson.dumps(bounded.metadata))
    assert limit * 0.4 < size <= limit
    assert bounded.message.endswith("…")
    assert bounded.metadata.items() <= metadata.items()


def test_bounded_leaves_a_short_message_whole() -> None:
    """Large metadata do not cut a message that fits."""
    entry = only_log(frame({"message": "short", "metadata": {"a": 1, "b": "x" * 9999}}))
    bounded, truncated = entry.bounded(1000)
    assert truncated
    assert bounded.message == "short"
    assert bounded.metadata == {"a": 1}


def test_exact_json() -> None:
    """Long integers become numbers, and invalid values raise."""
    digits = "9" * 30
    value = {"number": LongInteger(digits), "deep": DeepMetadata(json="[]")}
    assert exact_json(value) == b'{"number":%s,"deep":{"json":"[]"}}' % digits.encode()
    with pytest.raises(TypeError):
        exact_json(object())
