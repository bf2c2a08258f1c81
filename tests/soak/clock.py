"""The wall clock of this process, which a soak shifts.

Clocks for elapsed time stay right.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
import sys
import time
from typing import Any, Final, override

from homeassistant.util import dt as dt_util

# The machine's clock, for code that must not see the shifted one.
true_time_ns: Final = time.time_ns
_true_time: Final = time.time

# Home Assistant reads the time from `time` and `homeassistant.util.dt`. `datetime`
# itself is replaced in the integration's modules only, as the class has to stay the
# same elsewhere.
_PACKAGES: Final = ("homeassistant", "custom_components")
_INTEGRATION: Final = "custom_components.golioth"


class _Kind(type(datetime)):  # type: ignore[misc]
    """Makes plain datetimes instances of the class that replaces it."""

    @override
    def __instancecheck__(cls, instance: object) -> bool:
        """Return whether the instance is a datetime."""
        return isinstance(instance, datetime)


class WallClock:
    """The wall clock of Home Assistant and the integration.

    Attributes:
        offset: Seconds ahead of the machine's clock; negative for behind.
    """

    def __init__(self) -> None:
        """Start without an offset."""
        self.offset = 0.0
        self._replacements = self._make_replacements()

    def time(self) -> float:
        """Return the seconds since 1970 UTC."""
        return _true_time() + self.offset

    def time_ns(self) -> int:
        """Return the nanoseconds since 1970 UTC."""
        return true_time_ns() + int(self.offset * 1e9)

    def shifted(self, tz: tzinfo | None = None) -> datetime:
        """Return `datetime.now` on this clock."""
        return datetime.now(tz) + timedelta(seconds=self.offset)

    def utcnow(self) -> datetime:
        """Return the time in UTC."""
        return self.shifted(UTC)

    def now(self, time_zone: tzinfo | None = None) -> datetime:
        """Return the time in a zone, by default Home Assistant's."""
        return self.utcnow().astimezone(time_zone or dt_util.get_default_time_zone())

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Install this clock for the process during the context."""
        time.time, time.time_ns = self.time, self.time_ns
        self.spread()
        try:
            yield
        finally:
            self._replace({id(new): old for old, new in self._replacements})
            time.time, time.time_ns = _true_time, true_time_ns

    def spread(self) -> None:
        """Install this clock in newly imported modules.

        Also where they keep functions of `time` under a name.
        """
        self._replace({id(old): new for old, new in self._replacements})

    def _make_replacements(self) -> list[tuple[Any, Any]]:
        """Return pairs of the original and its replacement."""
        clock = self

        class ShiftedDatetime(datetime, metaclass=_Kind):
            """A `datetime` with a shifted now; creates plain datetimes."""

            __slots__ = ()

            def __new__(cls, *args: Any, **kwargs: Any) -> Any:
                """Return a plain datetime."""
                return datetime(*args, **kwargs)  # noqa: DTZ001

            now = staticmethod(clock.shifted)  # type: ignore[assignment]
            fromisoformat = staticmethod(datetime.fromisoformat)  # type: ignore[assignment]
            fromtimestamp = staticmethod(datetime.fromtimestamp)  # type: ignore[assignment]
            strptime = staticmethod(datetime.strptime)  # type: ignore[assignment]
            combine = staticmethod(datetime.combine)  # type: ignore[assignment]

        return [
            (_true_time, self.time),
            (true_time_ns, self.time_ns),
            (dt_util.utcnow, self.utcnow),
            (dt_util.now, self.now),
            (datetime, ShiftedDatetime),
        ]

    @staticmethod
    def _replace(replacements: dict[int, Any]) -> None:
        """Replace values in the modules of both packages."""
        for name, module in list(sys.modules.items()):
            if not name.startswith(_PACKAGES):
                continue
            ours = name.startswith(_INTEGRATION)
            for attribute, value in list(vars(module).items()):
                new = replacements.get(id(value))
                if new is None or (isinstance(value, type) and not ours):
                    continue
                setattr(module, attribute, new)
