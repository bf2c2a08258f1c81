"""The wall clock of this process, which a soak sets wrong; what measures elapsed time stays right."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
import sys
import time
from typing import Any, Final, override

from homeassistant.util import dt as dt_util

# The clock of the machine, for whoever must not see what the soak does to that of Home Assistant.
true_time_ns: Final = time.time_ns
_true_time: Final = time.time

# Home Assistant asks for the time through `time` and `homeassistant.util.dt`; what the integration asks through
# `datetime` itself is replaced in its own modules alone, because the class has to stay the same for everyone else.
_PACKAGES: Final = ("homeassistant", "custom_components")
_INTEGRATION: Final = "custom_components.golioth"


class _Kind(type(datetime)):  # type: ignore[misc]
    """What makes a plain datetime an instance of the class that stands in for it."""

    @override
    def __instancecheck__(cls, instance: object) -> bool:
        """Return whether it is any datetime."""
        return isinstance(instance, datetime)


class WallClock:
    """The time of day that Home Assistant and the integration see.

    Attributes:
        offset: Seconds that it is ahead of the machine's clock; negative where it is behind.
    """

    def __init__(self) -> None:
        """Start right."""
        self.offset = 0.0
        self._replacements = self._make_replacements()

    def time(self) -> float:
        """Return the seconds since 1970 UTC."""
        return _true_time() + self.offset

    def time_ns(self) -> int:
        """Return the nanoseconds since 1970 UTC."""
        return true_time_ns() + int(self.offset * 1e9)

    def shifted(self, tz: tzinfo | None = None) -> datetime:
        """Return what `datetime.now` returns, as this clock has it."""
        return datetime.now(tz) + timedelta(seconds=self.offset)

    def utcnow(self) -> datetime:
        """Return the time in UTC."""
        return self.shifted(UTC)

    def now(self, time_zone: tzinfo | None = None) -> datetime:
        """Return the time in a zone, Home Assistant's unless given."""
        return self.utcnow().astimezone(time_zone or dt_util.get_default_time_zone())

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Let the process see this clock until the end of the block."""
        time.time, time.time_ns = self.time, self.time_ns
        self.spread()
        try:
            yield
        finally:
            self._replace({id(new): old for old, new in self._replacements})
            time.time, time.time_ns = _true_time, true_time_ns

    def spread(self) -> None:
        """Let modules see this clock that were imported since the last call, and keep functions of `time` under a name."""
        self._replace({id(old): new for old, new in self._replacements})

    def _make_replacements(self) -> list[tuple[Any, Any]]:
        """Return what stands for the time elsewhere, and what is to stand in for it."""
        clock = self

        class ShiftedDatetime(datetime, metaclass=_Kind):
            """`datetime` with another idea of now; whatever it makes is a plain one."""

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
        """Put other values in the place of some that modules hold."""
        for name, module in list(sys.modules.items()):
            if not name.startswith(_PACKAGES):
                continue
            ours = name.startswith(_INTEGRATION)
            for attribute, value in list(vars(module).items()):
                new = replacements.get(id(value))
                if new is None or (isinstance(value, type) and not ours):
                    continue
                setattr(module, attribute, new)
