"""Tracks the read and unread parts of a span."""

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

# Bytes of answers whose logs may be in memory together.
_MAX_BYTES: Final = 16 * 1024 * 1024


class Reading(NamedTuple):
    """The result of reading a span."""

    entries: list[LogEntry]
    """Oldest first: each that may be new, with all others of its millisecond."""
    untimed: list[LogEntry]
    """Logs among these without a time."""
    given_up: Sequence[tuple[int, int]] = ()
    """Starts and ends of parts that were not read, so that the rest could be."""


class TooManyLogsError(Exception):
    """A span has more logs than may be in memory.

    Attributes:
        seen_width: The nanoseconds of the span that have as many as may be.
    """

    def __init__(self, seen_width: int) -> None:
        """Store the width."""
        super().__init__()
        self.seen_width = seen_width


class Part(NamedTuple):
    """An unread part of a span, in whole milliseconds."""

    start: int
    end: int
    total: int | None = None
    """How many logs the service has of it: its claim for a longer part, less what it
    returned of the rest. None where no claim is believed."""
    was_read: bool = False
    """Whether it is a millisecond with missing logs that needs no request now."""

    @property
    def is_whole(self) -> bool:
        """Return whether it has whole seconds, which can be counted."""
        return not self.start % SECOND and not self.end % SECOND

    @property
    def is_millisecond(self) -> bool:
        """Return whether it can no longer be halved."""
        return self.end - self.start <= MILLISECOND

    def halves(self) -> tuple[Part, Part]:
        """Return both halves, the older one first.

        The part must be longer than a millisecond.
        """
        middle = middle_millisecond(self.start, self.end)
        middle = max(middle, self.start + MILLISECOND)
        return Part(self.start, middle), Part(middle, self.end)


class ReadingUnderWay:
    """Collects the logs of a span, from end to start.

    Attributes:
        parts: The unread parts; the last one is read next.
        pieces: The logs found in each part, the newest first.
        untimed: The logs found without a time.
        given_up: The starts and ends of parts that are not read.
        complete_before: As for `SpanReader.read`.
    """

    def __init__(
        self,
        start: int,
        end: int,
        max_logs: int,
        missing: Mapping[int, bool],
        complete_before: int,
        counted_before: int | None,
        skipped: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Start with the whole span unread.

        Args:
            start: Where the span starts: a whole second or millisecond.
            end: Where it ends; the same.
            max_logs: How many logs may be in memory.
            missing: The starts of the span's milliseconds with missing logs, and
                whether each needs no request now.
            complete_before: As the attribute.
            counted_before: As for `SpanReader.read`.
            skipped: As for `SpanReader.read`.
        """
        self.complete_before = complete_before
        self._counted_before = counted_before
        self.parts = _divide(start, end, missing, skipped)
        self.pieces: list[list[LogEntry]] = []
        self.untimed: list[LogEntry] = []
        self.given_up: list[tuple[int, int]] = []
        self._start = start
        self._end = end
        self._max_logs = max_logs
        self._number = 0
        self._size = 0

    def keep(self, entries: list[LogEntry]) -> None:
        """Keep logs, some of which may be new."""
        self.pieces.append(entries)
        self._number += len(entries)

    def count_bytes(self, body_size: int) -> None:
        """Count the bytes of an answer with kept logs."""
        self._size += body_size

    def is_counted(self, part: Part) -> bool:
        """Return whether counting finds new logs of a part."""
        before = self._counted_before
        return part.is_whole and (before is None or part.end <= before)

    def leave(self, rest: Part, expected: int) -> None:
        """Leave a part to be read next.

        Args:
            rest: The part, which may be empty.
            expected: About how many of its logs are new; 0 where unknown.

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
        """Return the collected logs."""
        return Reading(
            [entry for piece in reversed(self.pieces) for entry in piece],
            self.untimed,
            self.given_up,
        )


def _divide(
    start: int,
    end: int,
    missing: Mapping[int, bool],
    skipped: Sequence[tuple[int, int]],
) -> list[Part]:
    """Return the parts of a span to read, oldest first.

    Milliseconds with missing logs are parts of their own, and so are the rests of their
    seconds, so that all other seconds can be compared by number.
    """
    cuts = {start, end, *(bound for each in skipped for bound in each)}
    for each in missing:
        after = each + MILLISECOND
        cuts |= {start_of_second(each), each, after, align_up(after)}
    inside = sorted(each for each in cuts if start <= each <= end)
    return [
        Part(first, last, was_read=missing.get(first, False))
        for first, last in pairwise(inside)
        if not any(skip <= first < skip_end for skip, skip_end in skipped)
    ]
