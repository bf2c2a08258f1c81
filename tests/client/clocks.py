"""Provide clocks that a test can step."""

import time

from custom_components.golioth.client import Clocks


class SteppedClocks:
    """The clocks of the service and the host.

    Attributes:
        service: Seconds by which the service's clock is ahead of this machine's.
        elapsed: Seconds by which the host's elapsed clock is ahead of the loop's.
    """

    def __init__(self) -> None:
        """Start with correct clocks."""
        self.service = 0.0
        self.elapsed = 0.0

    @property
    def host(self) -> Clocks:
        """Return the clocks of the host."""
        return Clocks(
            elapsed=lambda: time.monotonic() + self.elapsed,
            wall=lambda: time.time() + self.service,
        )

    def service_ns(self) -> int:
        """Return the service's time in nanoseconds since 1970."""
        return time.time_ns() + int(self.service * 1e9)

    def sleep(self, seconds: float, *, is_counted: bool = True) -> None:
        """Put the host to sleep.

        Nothing runs meanwhile, and the loop's clock stands still.

        Args:
            seconds: For how long.
            is_counted: Whether the host has a clock that goes on meanwhile.
        """
        self.service += seconds
        if is_counted:
            self.elapsed += seconds
