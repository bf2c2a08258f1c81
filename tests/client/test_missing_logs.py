"""Test how missing logs are remembered."""

import pytest

from custom_components.golioth.client.delivered import DeliveredLogs
from custom_components.golioth.client.missing_logs import MissingLogs
from custom_components.golioth.client.same_time import Moment
from custom_components.golioth.client.timestamps import MILLISECOND, SECOND

from .logs import NOW, log

START = NOW * SECOND


def test_each_missing_log_is_reported_once() -> None:
    """Each missing log is reported once."""
    reported: list[int] = []
    missing = MissingLogs(DeliveredLogs(), reported.append)
    for number in (0, 2, 2, 1, 5):
        missing.note(START, Moment([], number), is_final=False)
    assert reported == [2, 3]
    assert missing.count(NOW, NOW + 1) == 5
    assert missing.count(NOW + 1, NOW + 2) == 0


def test_logs_next_to_missing_ones_are_kept() -> None:
    """Logs found next to missing ones survive a failed read."""
    logs = DeliveredLogs()
    missing = MissingLogs(logs, lambda _number: None)
    beside = [log("one"), log("two")]
    missing.note(START, Moment(beside, 1), is_final=False)
    assert missing.take_beside(START) == beside
    assert missing.take_beside(START) == beside
    assert list(logs.add_read(beside)) == beside
    assert missing.take_beside(START) == []


def test_milliseconds_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest noted millisecond is forgotten first."""
    monkeypatch.setattr(
        "custom_components.golioth.client.missing_logs._MAX_MILLISECONDS", 2
    )
    missing = MissingLogs(DeliveredLogs(), lambda _number: None)
    milliseconds = [START + number * MILLISECOND for number in range(3)]
    for number, each in enumerate(milliseconds):
        moment = Moment([log(str(number), NOW, number * MILLISECOND)], 1)
        missing.note(each, moment, is_final=False)
    assert missing.milliseconds(START, START + SECOND, START) == dict.fromkeys(
        milliseconds[1:], True
    )
    assert missing.take_beside(START) == []
    assert missing.take_beside(milliseconds[1])


def test_milliseconds_that_are_read_again() -> None:
    """Each millisecond is read again once, when complete."""
    missing = MissingLogs(DeliveredLogs(), lambda _number: None)
    end = START + MILLISECOND
    missing.note(START, Moment([], 1), is_final=False)
    assert missing.milliseconds(START, end, START) == {START: True}
    assert missing.milliseconds(START, end, end) == {START: False}
    missing.note(START, Moment([], 1), is_final=True)
    assert missing.milliseconds(START, end, end) == {START: True}
    assert missing.milliseconds(START - SECOND, START, end) == {}
