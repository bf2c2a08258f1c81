"""Accounts for what was read of a span of time, and what is left of it."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from .models import LogEntry
from .timestamps import (
    MILLISECOND,
    SECOND,
    align_up,
    middle_millisecond,
    start_of_second,
)

# Bytes of answers, whose logs may be in memory together.
_MAX_BYTES: Final = 16 * 1024 * 1024


class Reading(NamedTuple):
    """What was read of a span of time."""

    entries: list[LogEntry]
    """Oldest first: each that may be new, with all others of its millisecond."""
    untimed: list[LogEntry]
    """What was among these, without a time."""
    given_up: Sequence[tuple[int, int]] = ()
    """From when to before when something was not read, for the sake of all the rest."""


class TooManyLogsError(Exception):
    """A span has more logs than may be in memory.

    Attributes:
        seen_width: The part of the span, in nanoseconds, that has as many as may be.
    """

    def __init__(self, seen_width: int) -> None:
        """Keep the width."""
        super().__init__()
        self.seen_width = seen_width


class Part(NamedTuple):
    """A part of a span that is still to be read, in whole milliseconds."""

    start: int
    end: int
    total: int | None = None
    """How many logs the service has of it: what it claimed of a longer part, less what
    it gave of the rest. None where no such claim is believed."""
    was_read: bool = False
    """Whether it is a millisecond with missing logs, which needs no question now."""

    @property
    def is_whole(self) -> bool:
        """Whether it is of whole seconds: by these, what is known is counted."""
        return not self.start % SECOND and not self.end % SECOND

    @property
    def is_millisecond(self) -> bool:
        """Whether it is not to be halved any more."""
        return self.end - self.start <= MILLISECOND

    def halves(self) -> tuple[Part, Part]:
        """Return both halves of what is more than a millisecond, the older one first."""
        middle = middle_millisecond(self.start, self.end)
        middle = max(middle, self.start + MILLISECOND)
        return Part(self.start, middle), Part(middle, self.end)


class ReadingUnderWay:
    """Keeps what was found of a span so far, from its end to its start.

    Attributes:
        parts: What is left, the part to be read next last.
        pieces: What was found of each part, the newest first.
        untimed: What was found without a time.
        given_up: The starts and ends of parts that are not read.
        complete_before: As `SpanReader.read` takes it.
    """

    def __init__(
        self,
        start: int,
        end: int,
        max_logs: int,
        missing: Mapping[int, bool],
        complete_before: int,
        counted_before: int | None,
    ) -> None:
        """Begin with nothing.

        Args:
            start: Where the span starts: a whole second or millisecond.
            end: Where it ends; the same.
            max_logs: How many logs may be in memory.
            missing: Where the milliseconds of the span start that have missing logs, and
                whether each needs no question now.
            complete_before: As the attribute.
            counted_before: As `SpanReader.read` takes it.
        """
        self.complete_before = complete_before
        self._counted_before = counted_before
        self.parts = _divide(start, end, missing)
        self.pieces: list[list[LogEntry]] = []
        self.untimed: list[LogEntry] = []
        self.given_up: list[tuple[int, int]] = []
        self._start = start
        self._end = end
        self._max_logs = max_logs
        self._number = 0
        self._size = 0

    def keep(self, entries: list[LogEntry]) -> None:
        """Keep logs of which some may be new."""
        self.pieces.append(entries)
        self._number += len(entries)

    def count_bytes(self, body_size: int) -> None:
        """Count an answer of which something is kept."""
        self._size += body_size

    def is_counted(self, part: Part) -> bool:
        """Return whether the number of logs shows if a part has new ones."""
        before = self._counted_before
        return part.is_whole and (before is None or part.end <= before)

    def leave(self, rest: Part, expected: int) -> None:
        """Leave a part to be read next.

        Args:
            rest: The part, which may be empty.
            expected: About how many logs of it are new; 0 where that is not known.

        Raises:
            TooManyLogsError: There is no room for it.
        """
        if rest.start >= rest.end:
            return
        if (number := self._number + expected) > self._max_logs:
            raise TooManyLogsError((self._end - self._start) * self._max_logs // number)
        if self._number >= self._max_logs or self._size > _MAX_BYTES:
            raise TooManyLogsError(self._end - rest.end)
        self.parts.append(rest)

    def result(self) -> Reading:
        """Return what was found."""
        return Reading(
            [entry for piece in reversed(self.pieces) for entry in piece],
            self.untimed,
            self.given_up,
        )


def _divide(start: int, end: int, missing: Mapping[int, bool]) -> list[Part]:
    """Return the parts of a span, the last one last.

    Milliseconds with missing logs are parts by themselves. What is beside them in their
    seconds is as well, so that the others can be compared with what is known.
    """
    cuts = {start, end}
    for each in missing:
        after = each + MILLISECOND
        cuts |= {start_of_second(each), each, after, align_up(after)}
    inside = sorted(each for each in cuts if start <= each <= end)
    return [
        Part(first, last, was_read=missing.get(first, False))
        for first, last in pairwise(inside)
    ]
