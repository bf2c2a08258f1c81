"""Tests of the merge of live and caught-up logs."""

from collections import Counter
import json

from hypothesis import given, strategies as st
import pytest

from custom_components.golioth.client.delivered import DeliveredLogs
from custom_components.golioth.client.models import LogEntry, format_timestamp

NOW = 1_795_000_000


def log(text: str, second: int = NOW, nanosecond: int = 0) -> LogEntry:
    """Return a log."""
    time_ns = second * 1_000_000_000 + nanosecond
    return LogEntry(
        format_timestamp(time_ns),
        time_ns,
        "LOGGING",
        "info",
        "",
        "",
        text,
        {},
        "device",
    )


def delivered_by(logs: DeliveredLogs, streamed: list[LogEntry]) -> list[LogEntry]:
    """Return what is new of the stream."""
    return [entry for entry in streamed if logs.add_streamed(entry)]


TEXTS = st.lists(st.sampled_from("abc"), max_size=12)


@given(data=st.data(), sent=TEXTS)
def test_every_log_once(data: st.DataObject, sent: list[str]) -> None:
    """Whatever part the stream had, and however often REST is read in between, each log is delivered once."""
    logs = DeliveredLogs(1000)
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


@given(texts=TEXTS, seconds=st.lists(st.integers(-5, 5), min_size=12, max_size=12))
def test_storage(texts: list[str], seconds: list[int]) -> None:
    """What was stored is known again."""
    entries = [
        log(text, NOW + second) for text, second in zip(texts, seconds, strict=False)
    ]
    logs = DeliveredLogs(1000)
    logs.forget(NOW - 10, NOW, NOW)
    delivered_by(logs, entries)
    again = DeliveredLogs(1000)
    again.restore(json.loads(json.dumps(logs.freeze()())))
    assert not list(again.add_read(entries))
    assert again.count(NOW - 10, NOW + 10) == len(entries)
    assert len(list(again.add_read([*entries, log("new")]))) == 1


def test_what_is_stored_while_logs_come() -> None:
    """What comes after a moment is not stored with it, and what is forgotten then still is."""
    logs = DeliveredLogs(1000)
    before = [log("a", NOW), log("b", NOW + 1)]
    delivered_by(logs, before)
    as_dict = logs.freeze()
    after = [log("c", NOW + 1), log("d", NOW + 2)]
    delivered_by(logs, after)
    logs.forget(NOW + 1, NOW + 2, NOW + 2)
    again = DeliveredLogs(1000)
    again.restore(json.loads(json.dumps(as_dict())))
    assert list(again.add_read([*before, *after])) == after
    # What goes on is as it was.
    assert not list(logs.add_read([*before, *after]))


def test_two_equal_logs_of_the_stream_are_two() -> None:
    """Nothing of the stream is taken for a repetition, if REST has not given it."""
    logs = DeliveredLogs(1000)
    assert len(delivered_by(logs, [log("a"), log("a")])) == 2
    assert len(list(logs.add_read([log("a"), log("a"), log("a")]))) == 1
    assert len(delivered_by(logs, [log("a"), log("a")])) == 1


def test_time_counts_in_milliseconds() -> None:
    """A time that REST has cut is still that of the same log."""
    logs = DeliveredLogs(1000)
    delivered_by(logs, [log("a", nanosecond=123_456_789)])
    assert not list(logs.add_read([log("a", nanosecond=123_000_000)]))
    assert list(logs.add_read([log("a", nanosecond=124_000_000)]))


@pytest.mark.parametrize("field", ["level", "type", "module", "module_id", "device_id"])
def test_every_field_counts(field: str) -> None:
    """Logs that differ in any field are different logs."""
    logs = DeliveredLogs(1000)
    delivered_by(logs, [log("a")])
    other = LogEntry(**{**log("a")._asdict(), field: "other"})
    assert list(logs.add_read([other])) == [other]


def test_streamed_while_it_is_read() -> None:
    """What the stream delivers while others of an answer are delivered is not delivered again."""
    logs = DeliveredLogs(1000)
    read = logs.add_read([log("a"), log("b"), log("c")])
    assert next(read) == log("a")
    assert len(delivered_by(logs, [log("b"), log("a")])) == 1
    assert list(read) == [log("c")]


def test_cleared() -> None:
    """Nothing that was delivered before is known any more."""
    logs = DeliveredLogs(1000)
    delivered_by(logs, [log("a")])
    logs.clear(NOW)
    assert len(list(logs.add_read([log("a")]))) == 1
    assert logs.count(NOW, NOW + 1) == 1


def test_order_of_metadata_does_not_count() -> None:
    """The same metadata in another order are the same."""
    logs = DeliveredLogs(1000)
    delivered_by(logs, [log("a")._replace(metadata={"x": 1, "y": {"z": 2, "w": 3}})])
    again = log("a")._replace(metadata={"y": {"w": 3, "z": 2}, "x": 1})
    assert not list(logs.add_read([again]))
    assert list(logs.add_read([again, again._replace(metadata={"x": 1})]))


def test_log_without_a_time() -> None:
    """A log that REST cannot be asked for is delivered by the stream, and not remembered."""
    logs = DeliveredLogs(1000)
    entry = log("a")._replace(timestamp="", timestamp_ns=None)
    assert len(delivered_by(logs, [entry, entry])) == 2
    assert not list(logs.add_read([entry]))


def test_history() -> None:
    """What was there before is given by the stream alone, and counts once."""
    logs = DeliveredLogs(1000)
    logs.add_history([log("a"), log("a")])
    assert logs.count(NOW, NOW + 1) == 2
    assert not list(logs.add_read([log("a"), log("a")]))
    assert len(delivered_by(logs, [log("a"), log("a")])) == 2
    assert logs.count(NOW, NOW + 1) == 2
    assert len(delivered_by(logs, [log("a")])) == 1
    assert logs.count(NOW, NOW + 1) == 3


def test_history_that_was_streamed_before_it_was_read() -> None:
    """What the stream has delivered before counts once as well."""
    logs = DeliveredLogs(1000)
    delivered_by(logs, [log("a")])
    logs.add_history([log("a"), log("b")])
    assert logs.count(NOW, NOW + 1) == 2
    assert len(delivered_by(logs, [log("a")])) == 1
    assert logs.count(NOW, NOW + 1) == 3


def test_bounds() -> None:
    """No more is remembered than agreed, and what is not is not taken for known."""
    logs = DeliveredLogs(100)
    for second in range(50):
        delivered_by(logs, [log(str(n), NOW + second) for n in range(10)])
        logs.forget(NOW - 300, NOW + second, NOW + second)
    # And a second of which logs are still coming.
    assert logs.floor == NOW + 39
    assert logs.count(NOW, NOW + 50) == 110
    # Whether these were delivered cannot be told: they are not delivered again.
    assert not list(logs.add_read([log("other", NOW + 38)]))
    assert len(list(logs.add_read([log("other", NOW + 39)]))) == 1


def test_what_is_not_settled_is_not_given_up() -> None:
    """The floor does not rise above what is still to be read, whatever the limit."""
    logs = DeliveredLogs(100)
    delivered_by(logs, [log(str(n), NOW + n // 200) for n in range(400)])
    logs.forget(NOW - 300, NOW + 10, NOW + 1)
    assert logs.floor == NOW + 1
    assert len(list(logs.add_read([log("new", NOW + 1)]))) == 1


def test_hole() -> None:
    """Of what was streamed after what is still to be read, the middle is given up: the rest tells early and late logs apart."""
    logs = DeliveredLogs(100)
    delivered_by(logs, [log(str(n), NOW) for n in range(20)])
    for second in range(10, 60):
        delivered_by(logs, [log(str(n), NOW + second) for n in range(10)])
        logs.forget(NOW - 300, NOW + second, NOW, [(NOW + 5, NOW + second)])
    assert logs.holes == [(NOW + 20, NOW + 50)]
    assert logs.count(NOW, NOW + 5) == 20
    streamed = [log("1", NOW + second) for second in (15, 20, 49, 55)]
    assert not list(logs.add_read([log("0", NOW), *streamed]))
    new = [log("new", NOW + second) for second in (2, 19, 50)]
    assert list(logs.add_read([log("0", NOW), *new])) == new
    logs.forget(NOW + 52, NOW + 60, NOW + 60)
    assert not logs.holes


def test_two_holes() -> None:
    """Between two streams everything is known, so that what neither gave can be read."""
    logs = DeliveredLogs(100)
    delivered_by(logs, [log(str(n), NOW + n) for n in range(500)])
    spans = [(NOW + 10, NOW + 200), (NOW + 220, NOW + 500)]
    logs.forget(NOW, NOW + 500, NOW, spans)
    assert logs.holes == [(NOW + 110, NOW + 200), (NOW + 220, NOW + 400)]
    missed = [log("missed", NOW + second) for second in (9, 109, 200, 219, 400)]
    streamed = [log("streamed", NOW + second) for second in (110, 199, 220, 399)]
    assert list(logs.add_read([*missed, *streamed])) == missed
    logs.forget(NOW + 205, NOW + 500, NOW + 205, spans)
    assert logs.holes == [(NOW + 220, NOW + 400)]


def test_holes_in_the_storage() -> None:
    """What is stored has no more than the limit: rather than that anything is repeated, more is given up of what was streamed."""
    logs = DeliveredLogs(100)
    delivered_by(logs, [log(str(n), NOW + n) for n in range(500)])
    spans = [(NOW + 10, NOW + 200), (NOW + 220, NOW + 500)]
    logs.forget(NOW, NOW + 500, NOW, spans)
    again = DeliveredLogs(100)
    again.restore(json.loads(json.dumps(logs.freeze()())))
    assert again.holes == [(NOW + 10, NOW + 200), (NOW + 220, NOW + 430)]
    assert not list(again.add_read([log(str(n), NOW + n) for n in range(500)]))
    # What goes on is as it was.
    assert logs.holes == [(NOW + 110, NOW + 200), (NOW + 220, NOW + 400)]
    assert logs.count(NOW, NOW + 500) == 230


def test_settled_logs_in_the_storage() -> None:
    """Where nothing was streamed ahead, the oldest are given up, and nothing is repeated."""
    logs = DeliveredLogs(100)
    delivered_by(logs, [log(str(n), NOW + n // 10) for n in range(150)])
    logs.forget(NOW, NOW + 15, NOW + 10)
    assert logs.floor == NOW
    again = DeliveredLogs(100)
    again.restore(json.loads(json.dumps(logs.freeze()())))
    assert again.floor == NOW + 5
    assert not list(again.add_read([log(str(n), NOW + n // 10) for n in range(150)]))


def test_no_hole_where_everything_was_read() -> None:
    """Once nothing before a stream is still to be read, the oldest is given up first, so that late logs are told apart."""
    logs = DeliveredLogs(100)
    delivered_by(logs, [log(str(n), NOW + n) for n in range(500)])
    logs.forget(
        NOW, NOW + 500, NOW + 490, [(NOW + 10, NOW + 200), (NOW + 220, NOW + 500)]
    )
    assert not logs.holes
    assert logs.floor == NOW + 390
    assert list(logs.add_read([log("late", NOW + 390)]))


def test_what_is_still_needed_is_bounded() -> None:
    """Whatever the service makes up, no more than four times the limit is remembered."""
    logs = DeliveredLogs(100)
    for number in range(1000):
        delivered_by(logs, [log(str(number), NOW + number % 3)])
        logs.forget(NOW - 300, NOW, NOW)
    assert logs.count(NOW, NOW + 3) <= 400


def test_clocks_that_are_years_ahead() -> None:
    """Devices from the future push out nothing that is needed now."""
    logs = DeliveredLogs(100)
    delivered_by(logs, [log(str(n), NOW) for n in range(50)])
    delivered_by(logs, [log(str(n), NOW + 10_000_000 + n) for n in range(5000)])
    logs.forget(NOW - 300, NOW, NOW)
    assert logs.count(NOW, NOW + 1) == 50
    assert logs.count(NOW, NOW + 20_000_000) == 100
    assert len(json.dumps(logs.freeze()())) < 10_000


def test_what_the_stream_may_still_give_is_forgotten_with_the_rest() -> None:
    """What is not remembered any more takes no memory."""
    logs = DeliveredLogs(100)
    logs.add_history([log(str(n), NOW) for n in range(20)])
    list(logs.add_read([log(str(n), NOW) for n in range(50)]))
    assert len(logs._history) == 20
    assert len(logs._ahead_of_stream) == 30
    logs.forget(NOW + 1, NOW + 1, NOW + 1)
    assert not logs._history
    assert not logs._ahead_of_stream
    # Nor does what was forgotten before.
    logs.add_history([log("late", NOW)])
    assert not logs._history
    assert len(delivered_by(logs, [log("late", NOW)])) == 1


def test_size_in_storage() -> None:
    """The most that is remembered takes less than 256 KiB."""
    logs = DeliveredLogs(30_000)
    for number in range(33_000):
        logs.add_streamed(log(str(number), NOW - 600 + number // 50))
    logs.forget(NOW - 600, NOW, NOW)
    assert len(json.dumps({"time_ns": 1, "delivered": logs.freeze()()})) < 256 * 1024


def test_more_than_the_storage_may_hold() -> None:
    """What is kept beyond the limit is not stored: the fullest seconds are repeated after a restart."""
    logs = DeliveredLogs(100)
    for second, number in enumerate((90, 80, 10)):
        delivered_by(logs, [log(str(n), NOW + second) for n in range(number)])
    again = DeliveredLogs(100)
    again.restore(json.loads(json.dumps(logs.freeze()())))
    assert again.count(NOW, NOW + 3) == 90
    assert len(list(again.add_read([log("0", NOW), log("0", NOW + 1)]))) == 1
    assert not list(again.add_read([log("0", NOW + 2)]))
