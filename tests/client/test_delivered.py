"""Tests of the merge of live and caught-up logs."""

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
    """Return a log whose timestamp is no time."""
    return log(text)._replace(timestamp="soon", timestamp_ns=None)


@given(data=st.data(), sent=TEXTS)
def test_every_log_once(data: st.DataObject, sent: list[str]) -> None:
    """Whatever the stream had and whenever REST is read, each log comes once."""
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
    """Nothing of the stream is taken for a repetition, if REST has not given it."""
    logs = DeliveredLogs()
    assert len(delivered_by(logs, [log("a"), log("a")])) == 2
    assert len(list(logs.add_read([log("a"), log("a"), log("a")]))) == 1
    assert len(delivered_by(logs, [log("a"), log("a")])) == 1


def test_time_counts_in_milliseconds() -> None:
    """A time that REST has cut is still that of the same log."""
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
        # What a float cannot hold.
        (2**60 + 1, float(2**60 + 1)),
        (LongInteger(2**64 + 1), float(2**64)),
        ([LongInteger(-(10**30))], [-1e30]),
        ([1, {"x": 2.0}], [1.0, {"x": 2}]),
    ],
)
def test_numbers_count_by_their_value(written: Any, again: Any) -> None:
    """A number that REST writes in another way is still the same."""
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
    """Not everything that Python calls equal is the same."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a")._replace(metadata={"value": written})])
    assert list(logs.add_read([log("a")._replace(metadata={"value": other})]))


def test_deep_metadata_do_not_count() -> None:
    """What stands for metadata that nobody can nest depends on the way they came."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a")._replace(metadata=DeepMetadata(json="[[[stream]]]"))])
    deep = log("a")._replace(metadata=DeepMetadata(json="[[[rest]]]"))
    assert not list(logs.add_read([deep]))


def test_streamed_while_it_is_read() -> None:
    """What the stream gives while an answer is delivered is not delivered again."""
    logs = DeliveredLogs()
    read = logs.add_read([log("a"), log("b"), log("c")])
    assert next(read) == log("a")
    assert len(delivered_by(logs, [log("b"), log("a")])) == 1
    assert list(read) == [log("c")]


def test_order_of_metadata_does_not_count() -> None:
    """The same metadata in another order are the same."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a")._replace(metadata={"x": 1, "y": {"z": 2, "w": 3}})])
    again = log("a")._replace(metadata={"y": {"w": 3, "z": 2}, "x": 1})
    assert not list(logs.add_read([again]))
    assert list(logs.add_read([again, again._replace(metadata={"x": 1})]))


def test_log_without_a_time() -> None:
    """A log that REST cannot be asked for is delivered by the stream alone."""
    logs = DeliveredLogs()
    entry = untimed("a")
    assert len(delivered_by(logs, [entry, entry])) == 2
    assert not list(logs.add_read([entry]))
    assert not logs.size


def test_log_without_a_time_that_rest_gives() -> None:
    """It is new once, and not at all where the stream has delivered it."""
    logs = DeliveredLogs()
    delivered_by(logs, [untimed("streamed")])
    assert not logs.add_untimed(untimed("streamed"))
    assert logs.add_untimed(untimed("read"))
    assert not logs.add_untimed(untimed("read"))


def test_logs_without_a_time_are_bounded() -> None:
    """The last thousand of them are remembered."""
    logs = DeliveredLogs()
    for number in range(5_000):
        assert logs.add_untimed(untimed(str(number)))
    assert len(logs._untimed) == 1_000
    assert not logs.add_untimed(untimed("4999"))
    assert logs.add_untimed(untimed("0"))


def test_history() -> None:
    """What was there before is given by the stream alone, and counts once."""
    logs = DeliveredLogs()
    logs.add_history([log("a"), log("a")])
    assert logs.count(NOW, NOW + 1) == 2
    assert not list(logs.add_read([log("a"), log("a")]))
    assert len(delivered_by(logs, [log("a"), log("a")])) == 2
    assert logs.count(NOW, NOW + 1) == 2
    assert len(delivered_by(logs, [log("a")])) == 1
    assert logs.count(NOW, NOW + 1) == 3


def test_history_that_was_streamed_before_it_was_read() -> None:
    """What the stream has delivered before counts once as well."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a")])
    logs.add_history([log("a"), log("b")])
    assert logs.count(NOW, NOW + 1) == 2
    assert len(delivered_by(logs, [log("a")])) == 1
    assert logs.count(NOW, NOW + 1) == 3


def test_counting_changes_nothing() -> None:
    """What is counted as new is still new."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a")])
    entries = [log("a"), log("a"), log("b")]
    assert logs.count_new(entries) == logs.count_new(entries) == 2
    assert list(logs.add_read(entries)) == entries[1:]


def test_seconds_that_have_logs() -> None:
    """The seconds of a span that have logs are known, those around it left out."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a", NOW + second) for second in (-1, 0, 3, 3, 7)])
    start, end = NOW * 1_000_000_000, (NOW + 7) * 1_000_000_000
    assert logs.seconds_between(start, end) == [NOW, NOW + 3]
    # A span that ends within a second has that second.
    assert logs.seconds_between(start, end + 1) == [NOW, NOW + 3, NOW + 7]


def test_floor() -> None:
    """What is before the floor is neither counted nor delivered by REST."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a", NOW + second) for second in range(10)])
    logs.write()
    logs.raise_floor(NOW + 5)
    logs.raise_floor(NOW + 3)
    assert logs.floor == NOW + 5
    assert logs.size == logs.count(NOW, NOW + 10) == 5
    assert not list(logs.add_read([log(text, NOW + 4) for text in ("a", "b")]))
    assert list(logs.add_read([log("b", NOW + 5)]))
    # The stream still delivers what is from before, and nobody counts it.
    assert len(delivered_by(logs, [log("b", NOW + 1)])) == 1
    assert logs.count(NOW, NOW + 5) == 0


def test_lower_floor() -> None:
    """A clock that was ahead lowers the floor, but not to what was forgotten."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a", NOW)])
    logs.write()
    logs.raise_floor(NOW + 600)
    logs.lower_floor(NOW - 100)
    assert logs.floor == NOW + 1
    assert not list(logs.add_read([log("a", NOW)]))
    assert list(logs.add_read([log("b", NOW + 1)]))
    # Nor does it raise it.
    logs.lower_floor(NOW + 300)
    assert logs.floor == NOW + 1


@pytest.mark.parametrize("is_written", [False, True])
def test_lower_floor_below_what_was_streamed(is_written: bool) -> None:
    """What the stream gave from before the floor is not delivered again, either."""
    logs = DeliveredLogs()
    logs.raise_floor(NOW + 600)
    delivered_by(logs, [log("a", NOW)])
    if is_written:
        logs.write()
    logs.lower_floor(NOW - 100)
    assert not list(logs.add_read([log("a", NOW)]))


def test_floor_from_the_future() -> None:
    """A stored floor counts as certain only once time shows that it may be right."""
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
    """Of an untracked range, REST delivers nothing, and the stream's are counted."""
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
    """Ranges that touch become one, whose number is that of both, if it is known."""
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
    """Seconds without a log stay tracked: a log of them is new."""
    logs = DeliveredLogs()
    logs.untrack(NOW, NOW + 100)
    assert not logs.untracked
    assert list(logs.add_read([log("a", NOW + 50)]))


def test_floor_within_an_untracked_range() -> None:
    """The floor cuts an untracked range, and takes it away in the end."""
    logs = DeliveredLogs()
    delivered_by(logs, [log("a", NOW + second) for second in range(10)])
    logs.untrack(NOW + 2, NOW + 5)
    logs.raise_floor(NOW + 4)
    ((start, end, _number),) = logs.untracked
    assert (start, end) == (NOW + 4, NOW + 5)
    logs.raise_floor(NOW + 5)
    assert not logs.untracked


def test_log_that_waits_while_much_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that the stream has given, and that waits, is not forgotten."""
    monkeypatch.setattr(delivered, "_MAX_EXPECTED", 10)
    waiting = [log("early"), log("twice"), log("twice"), log("new")]
    logs = DeliveredLogs(lambda: waiting)
    logs.add_history([log("early")])
    assert len(list(logs.add_read([log("twice"), log("twice")]))) == 2
    for number in range(100):
        list(logs.add_read([log(str(number))]))
    # It was recorded, but it was not delivered.
    assert logs.add_streamed(waiting[0])
    assert [logs.add_streamed(each) for each in waiting[1:]] == [False, False, True]
    assert logs.add_streamed(log("twice"))


def test_what_the_stream_may_still_give_is_forgotten() -> None:
    """What the stream did not give in a while takes no memory any more."""
    logs = DeliveredLogs()
    logs.add_history([log(str(n)) for n in range(20)])
    list(logs.add_read([log(str(n)) for n in range(50)]))
    logs.age()
    # Once is not enough: some of them may have come a moment ago.
    assert not delivered_by(logs, [log("49")])
    assert len(delivered_by(logs, [log("19")])) == 1
    assert logs.size == 50
    logs.age()
    assert logs._expected_new.is_empty
    assert logs._expected_again.is_empty
    # What it gives nevertheless is another one.
    assert len(delivered_by(logs, [log("48")])) == 1
    assert logs.count(NOW, NOW + 1) == 51


def test_log_that_cannot_be_taken_in() -> None:
    """One that fails does not fail again with all that follow."""
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
    """However long a log is, it is told from others and found again."""
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
    """It lacks them whatever is delivered of it later, or becomes one with it."""
    logs = DeliveredLogs()
    assert list(logs.add_read([log("one", NOW)]))
    logs.give_up(NOW, NOW + 1)
    assert not list(logs.add_read([log("two", NOW)]))
    assert logs.add_streamed(log("three", NOW))
    assert list(logs.add_read([log("four", NOW + 1)]))
    logs.untrack(NOW + 1, NOW + 2)
    logs.give_up(NOW + 5, NOW + 6)
    assert logs.untracked == [
        UntrackedRange(NOW, NOW + 2, LACKING),
        UntrackedRange(NOW + 5, NOW + 6, LACKING),
    ]
    assert logs.size == 0
