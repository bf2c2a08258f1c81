"""Test the merge of live and caught-up logs."""

from collections import Counter
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.golioth.client import delivered
from custom_components.golioth.client.delivered import (
    LACKING,
    DeliveredLogs,
    UntrackedRange,
)
from custom_components.golioth.client.models import DeepMetadata, LogEntry, LongInteger

from .logs import NOW, delivered_by, log

TEXTS = st.lists(st.sampled_from("abc"), max_size=12)


def untimed(text: str) -> LogEntry:
    """Return a log with an invalid timestamp."""
    return log(text)._replace(timestamp="soon", timestamp_ns=None)


@given(data=st.data(), sent=TEXTS)
def test_every_log_once(data: st.DataObject, sent: list[str]) -> None:
    """Stream and REST together deliver each log once."""
    logs = DeliveredLogs()
    delivered: Counter[str] = Counter()
    stored: list[LogEntry] = []
    for text in sent:
        entry = log(text)
        stored.append(entry)
        is_read_first = data.draw(st.booleans())
        if is_read_first:
            delivered.update(each.message for each in logs.add_read(stored))
        if data.draw(st.booleans()):
            delivered.update(each.message for each in delivered_by(logs, [entry]))
        if data.draw(st.booleans()):
            delivered.update(each.message for each in logs.add_read(stored))
        assert delivered <= Counter(each.message for each in stored)
    delivered.update(each.message for each in logs.add_read(stored))
    assert delivered == Counter(sent)
    assert not list(logs.add_read(stored))
    assert not logs.count_new(stored)
    assert logs.size == logs.count(NOW, NOW + 1) == len(sent)


def test_two_equal_logs_of_the_stream_are_two() -> None:
    """Equal logs of the stream are separate, unless from REST."""
    logs = DeliveredLogs()
    assert len(delivered_by(logs, [log("a"), log("a")])) == 2
    assert len(list(logs.add_read([log("a"), log("a"), log("a")]))) == 1
    assert len(delivered_by(logs, [log("a"), log("a")])) == 1


def test_time_counts_in_milliseconds() -> None:
    """Logs are equal by milliseconds, to which REST may cut."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a", nanosecond=123_456_789)])
    assert not list(logs.add_read([log("a", nanosecond=123_000_000)]))
    assert list(logs.add_read([log("a", nanosecond=124_000_000)]))


@pytest.mark.parametrize("field", ["level", "type", "module", "module_id", "device_id"])
def test_every_field_counts(field: str) -> None:
    """Logs that differ in any field are different logs."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a")])
    other = LogEntry(**{**log("a")._asdict(), field: "other"})
    assert list(logs.add_read([other])) == [other]


@pytest.mark.parametrize(
    ("written", "again"),
    [
        (1, 1.0),
        (-3.0, -3),
        (1e15, 10**15),
        (0, -0.0),
        # Integers that a float cannot hold.
        (2**60 + 1, float(2**60 + 1)),
        (LongInteger(2**64 + 1), float(2**64)),
        ([LongInteger(-(10**30))], [-1e30]),
        ([1, {"x": 2.0}], [1.0, {"x": 2}]),
    ],
)
def test_numbers_count_by_their_value(written: Any, again: Any) -> None:
    """Numbers are equal by value, however REST writes them."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a")._replace(metadata={"value": written})])
    assert not list(logs.add_read([log("a")._replace(metadata={"value": again})]))


@pytest.mark.parametrize(
    ("written", "other"),
    [
        (1, 2),
        (1, True),
        (1, "1"),
        (1.5, 1),
        (0, False),
        (0, None),
        (LongInteger(2**64), str(2**64)),
        # Beyond any float.
        (LongInteger(10**400), LongInteger(10**400 + 1)),
    ],
)
def test_values_that_differ(written: Any, other: Any) -> None:
    """Values that differ in JSON are different.

    Even if Python calls them equal.
    """
    logs = DeliveredLogs()
    delivered_by(logs, [log("a")._replace(metadata={"value": written})])
    assert list(logs.add_read([log("a")._replace(metadata={"value": other})]))


def test_deep_metadata_do_not_count() -> None:
    """Deep metadata are ignored, because their text differs by source."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a")._replace(metadata=DeepMetadata(json="[[[stream]]]"))])
    deep = log("a")._replace(metadata=DeepMetadata(json="[[[rest]]]"))
    assert not list(logs.add_read([deep]))


def test_streamed_while_it_is_read() -> None:
    """Logs streamed while an answer is delivered are not repeated."""
    logs = DeliveredLogs()
    read = logs.add_read([log("a"), log("b"), log("c")])
    assert next(read) == log("a")
    assert len(delivered_by(logs, [log("b"), log("a")])) == 1
    assert list(read) == [log("c")]


def test_order_of_metadata_does_not_count() -> None:
    """The order of metadata does not matter."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a")._replace(metadata={"x": 1, "y": {"z": 2, "w": 3}})])
    again = log("a")._replace(metadata={"y": {"w": 3, "z": 2}, "x": 1})
    assert not list(logs.add_read([again]))
    assert list(logs.add_read([again, again._replace(metadata={"x": 1})]))


def test_log_without_a_time() -> None:
    """Only the stream delivers logs without a time."""
    logs = DeliveredLogs()
    entry = untimed("a")
    assert len(delivered_by(logs, [entry, entry])) == 2
    assert not list(logs.add_read([entry]))
    assert not logs.size


def test_log_without_a_time_that_rest_gives() -> None:
    """An untimed log of REST is new once, unless streamed."""
    logs = DeliveredLogs()
    delivered_by(logs, [untimed("streamed")])
    assert not logs.add_untimed(untimed("streamed"))
    assert logs.add_untimed(untimed("read"))
    assert not logs.add_untimed(untimed("read"))


def test_logs_without_a_time_are_bounded() -> None:
    """The last thousand untimed logs are remembered."""
    logs = DeliveredLogs()
    for number in range(5_000):
        assert logs.add_untimed(untimed(str(number)))
    assert len(logs._untimed) == 1_000
    assert not logs.add_untimed(untimed("4999"))
    assert logs.add_untimed(untimed("0"))


def test_history() -> None:
    """History is delivered only by the stream, and counts once."""
    logs = DeliveredLogs()
    logs.add_history([log("a"), log("a")])
    assert logs.count(NOW, NOW + 1) == 2
    assert not list(logs.add_read([log("a"), log("a")]))
    assert len(delivered_by(logs, [log("a"), log("a")])) == 2
    assert logs.count(NOW, NOW + 1) == 2
    assert len(delivered_by(logs, [log("a")])) == 1
    assert logs.count(NOW, NOW + 1) == 3


def test_history_that_was_streamed_before_it_was_read() -> None:
    """History that was streamed before counts once."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a")])
    logs.add_history([log("a"), log("b")])
    assert logs.count(NOW, NOW + 1) == 2
    assert len(delivered_by(logs, [log("a")])) == 1
    assert logs.count(NOW, NOW + 1) == 3


def test_counting_changes_nothing() -> None:
    """Counting new logs does not record them."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a")])
    entries = [log("a"), log("a"), log("b")]
    assert logs.count_new(entries) == logs.count_new(entries) == 2
    assert list(logs.add_read(entries)) == entries[1:]


def test_seconds_that_have_logs() -> None:
    """Only seconds of the span with logs are returned."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a", NOW + second) for second in (-1, 0, 3, 3, 7)])
    start, end = NOW * 1_000_000_000, (NOW + 7) * 1_000_000_000
    assert logs.seconds_between(start, end) == [NOW, NOW + 3]
    # A span that ends within a second includes it.
    assert logs.seconds_between(start, end + 1) == [NOW, NOW + 3, NOW + 7]


def test_floor() -> None:
    """Logs before the floor are neither counted nor read."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a", NOW + second) for second in range(10)])
    logs.write()
    logs.raise_floor(NOW + 5)
    logs.raise_floor(NOW + 3)
    assert logs.floor == NOW + 5
    assert logs.size == logs.count(NOW, NOW + 10) == 5
    assert not list(logs.add_read([log(text, NOW + 4) for text in ("a", "b")]))
    assert list(logs.add_read([log("b", NOW + 5)]))
    # The stream still delivers older logs, which are not counted.
    assert len(delivered_by(logs, [log("b", NOW + 1)])) == 1
    assert logs.count(NOW, NOW + 5) == 0


def test_lower_floor() -> None:
    """The floor is never lowered to forgotten logs."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a", NOW)])
    logs.write()
    logs.raise_floor(NOW + 600)
    logs.lower_floor(NOW - 100)
    assert logs.floor == NOW + 1
    assert not list(logs.add_read([log("a", NOW)]))
    assert list(logs.add_read([log("b", NOW + 1)]))
    # Nor is it raised.
    logs.lower_floor(NOW + 300)
    assert logs.floor == NOW + 1


@pytest.mark.parametrize("is_written", [False, True])
def test_lower_floor_below_what_was_streamed(is_written: bool) -> None:
    """Logs streamed from before the floor are not repeated."""
    logs = DeliveredLogs()
    logs.raise_floor(NOW + 600)
    delivered_by(logs, [log("a", NOW)])
    if is_written:
        logs.write()
    logs.lower_floor(NOW - 100)
    assert not list(logs.add_read([log("a", NOW)]))


def test_floor_from_the_future() -> None:
    """A stored floor is confirmed by the service's clock."""
    logs = DeliveredLogs()
    logs.restore(NOW + 1_000, [], {})
    logs.lower_floor(NOW)
    assert logs.floor == NOW
    logs.restore(NOW + 1_000, [], {})
    logs.confirm_stored(NOW + 2_000, NOW)
    logs.lower_floor(NOW)
    assert logs.floor == NOW + 1_000
    logs.restore(NOW + 1_000, [], {})
    logs.confirm_stored(NOW + 10, NOW - 360)
    assert logs.floor == NOW - 360


def test_untracked_range() -> None:
    """REST delivers nothing untracked; the stream's logs are counted."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a", NOW + second) for second in range(10)])
    logs.untrack(NOW + 2, NOW + 5)
    assert logs.untracked == [UntrackedRange(NOW + 2, NOW + 5, 3)]
    assert [logs.is_tracked(NOW + second) for second in (1, 2, 4, 5)] == [
        True,
        False,
        False,
        True,
    ]
    assert not list(logs.add_read([log(text, NOW + 3) for text in ("a", "b")]))
    assert len(delivered_by(logs, [log("b", NOW + 3), log("b", NOW + 5)])) == 2
    assert logs.count(NOW, NOW + 10) == 8
    assert logs.untracked == [UntrackedRange(NOW + 2, NOW + 5, 4)]


def test_untracked_ranges_that_touch() -> None:
    """Ranges that touch are merged, and their numbers added."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a", NOW + second) for second in range(20)])
    logs.untrack(NOW + 2, NOW + 5)
    logs.untrack(NOW + 9, NOW + 12)
    assert logs.untracked == [
        UntrackedRange(NOW + 2, NOW + 5, 3),
        UntrackedRange(NOW + 9, NOW + 12, 3),
    ]
    logs.untrack(NOW + 5, NOW + 9)
    assert logs.untracked == [UntrackedRange(NOW + 2, NOW + 12, 10)]
    logs.restore(
        NOW, [UntrackedRange(NOW + 2, NOW + 5, None)], dict(logs.seconds.items())
    )
    logs.untrack(NOW + 1, NOW + 15)
    assert logs.untracked == [UntrackedRange(NOW + 1, NOW + 15, None)]


def test_nothing_to_untrack() -> None:
    """Seconds without logs stay tracked."""
    logs = DeliveredLogs()
    logs.untrack(NOW, NOW + 100)
    assert not logs.untracked
    assert list(logs.add_read([log("a", NOW + 50)]))


def test_floor_within_an_untracked_range() -> None:
    """The floor cuts and finally removes an untracked range."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a", NOW + second) for second in range(10)])
    logs.untrack(NOW + 2, NOW + 5)
    logs.raise_floor(NOW + 4)
    ((start, end, _number),) = logs.untracked
    assert (start, end) == (NOW + 4, NOW + 5)
    logs.raise_floor(NOW + 5)
    assert not logs.untracked


def test_log_that_waits_while_much_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A waiting log of the stream is not forgotten."""
    monkeypatch.setattr(delivered, "_MAX_EXPECTED", 10)
    waiting = [log("early"), log("twice"), log("twice"), log("new")]
    logs = DeliveredLogs(lambda: waiting)
    logs.add_history([log("early")])
    assert len(list(logs.add_read([log("twice"), log("twice")]))) == 2
    for number in range(100):
        list(logs.add_read([log(str(number))]))
    # It was recorded as history, but not delivered.
    assert logs.add_streamed(waiting[0])
    assert [logs.add_streamed(each) for each in waiting[1:]] == [False, False, True]
    assert logs.add_streamed(log("twice"))


def test_expected_logs_are_forgotten() -> None:
    """Logs that the stream does not deliver are forgotten."""
    logs = DeliveredLogs()
    logs.add_history([log(str(n)) for n in range(20)])
    list(logs.add_read([log(str(n)) for n in range(50)]))
    logs.age()
    # Once is not enough: some may have been added just before.
    assert not delivered_by(logs, [log("49")])
    assert len(delivered_by(logs, [log("19")])) == 1
    assert logs.size == 50
    logs.age()
    assert logs._expected_new.is_empty
    assert logs._expected_again.is_empty
    # If the stream delivers one later, it counts as another one.
    assert len(delivered_by(logs, [log("48")])) == 1
    assert logs.count(NOW, NOW + 1) == 51


def test_log_that_cannot_be_recorded() -> None:
    """A log that fails does not affect later ones."""
    logs = DeliveredLogs()
    broken = log("a")._replace(metadata={"value": object()})
    assert logs.add_streamed(broken)
    with pytest.raises(TypeError):
        logs.write()
    assert len(delivered_by(logs, [log("b")])) == 1
    assert not list(logs.add_read([log("b")]))


@given(
    texts=st.lists(st.text(max_size=300), max_size=20),
    seconds=st.lists(st.integers(0, 3), min_size=20, max_size=20),
)
def test_long_and_short_texts(texts: list[str], seconds: list[int]) -> None:
    """Logs of any length are distinguished and recognized."""
    logs = DeliveredLogs()
    entries = [
        log(text, NOW + second) for text, second in zip(texts, seconds, strict=False)
    ]
    half = entries[: len(entries) // 2]
    delivered_by(logs, half)
    logs.write()
    assert sorted(logs.add_read(sorted(entries))) == sorted(entries[len(half) :])
    assert logs.size == len(entries)


def test_range_that_surely_lacks_logs() -> None:
    """A range lacks logs despite later deliveries and merges."""
    logs = DeliveredLogs()
    assert list(logs.add_read([log("one", NOW)]))
    logs.untrack(NOW, NOW + 1, is_lacking=True)
    assert not list(logs.add_read([log("two", NOW)]))
    assert logs.add_streamed(log("three", NOW))
    assert list(logs.add_read([log("four", NOW + 1)]))
    logs.untrack(NOW + 1, NOW + 2)
    logs.untrack(NOW + 5, NOW + 6, is_lacking=True)
    assert logs.untracked == [
        UntrackedRange(NOW, NOW + 2, LACKING),
        UntrackedRange(NOW + 5, NOW + 6, LACKING),
    ]
    assert logs.size == 0
