"""Conditions that faults change.

Several faults may set the same condition at once.
"""

from typing import Any, Final

# The values while no fault is active.
USUAL: Final[dict[str, Any]] = {
    # REST
    "refused": False,
    "rest_status": None,
    "rest_html": False,
    "rest_never": False,
    "rest_broken": False,
    "rest_delay": None,
    "retry_after": None,
    "redirect": None,
    "logs_never": False,
    "key_revoked": False,
    "total": None,
    "milliseconds": False,
    "start_inclusive": None,
    "end_inclusive": None,
    # The service's clock
    "no_date": False,
    "date_offset": 0.0,
    "wrong_dates": None,
    # Handshakes
    "handshake": None,
    "handshake_never": False,
    "first_frame": None,
    # The stream
    "garbage": None,
    "loss": 0.0,
    "joined": False,
    "binary": False,
    "latency": 0.0,
    "never_closes": False,
    "pinging": False,
    # The index
    "replica_lag": None,
    "unindexed": None,
    # What devices send
    "late": 0.0,
    "early": 0.0,
    "strange": 0.0,
    "twins": 0.0,
    "odd": 0.0,
    "big": 0.0,
    "spelled": 0.0,
    "short_times": 0.0,
    "leap_seconds": 0.0,
    "stamp_offset": 0.0,
    # The host
    "wall_offset": 0.0,
    "disk_full": False,
}

_IRREGULAR: Final = (
    "late",
    "early",
    "strange",
    "twins",
    "odd",
    "big",
    "spelled",
    "short_times",
    "leap_seconds",
)


class Conditions:
    """The current values of all conditions.

    Where several faults set one, the fault that began last wins.
    """

    def __init__(self) -> None:
        """Start with the usual values."""
        self._set: dict[str, list[tuple[int, Any]]] = {}
        self._token = 0
        self._is_irregular = False
        for name, value in USUAL.items():
            setattr(self, name, value)

    def begin(self, **values: Any) -> int:
        """Set some conditions; return the token that ends this."""
        self._token += 1
        for name, value in values.items():
            if name not in USUAL:
                raise KeyError(name)
            self._set.setdefault(name, []).append((self._token, value))
            setattr(self, name, value)
        self._look()
        return self._token

    def end(self, token: int) -> None:
        """End the change of a token."""
        for name, entries in self._set.items():
            kept = [each for each in entries if each[0] != token]
            if len(kept) != len(entries):
                self._set[name] = kept
                setattr(self, name, kept[-1][1] if kept else USUAL[name])
        self._look()

    @property
    def is_irregular(self) -> bool:
        """Whether devices send irregular logs at present."""
        return self._is_irregular

    def end_all(self) -> None:
        """Restore all usual values."""
        self._set.clear()
        for name, value in USUAL.items():
            setattr(self, name, value)
        self._look()

    def _look(self) -> None:
        """Cache whether any log is irregular, which each log reads."""
        self._is_irregular = any(getattr(self, name) for name in _IRREGULAR)

    def __getattr__(self, name: str) -> Any:
        """Tell the type checker that conditions are attributes."""
        raise AttributeError(name)
