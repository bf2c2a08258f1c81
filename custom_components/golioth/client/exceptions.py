"""What can go wrong between us and Golioth."""

import math


class GoliothError(Exception):
    """Anything that Golioth, or the way to it, refuses us.

    The text is our own: it never holds an address, a header or words of the server,
    because each of these can hold the credential.
    """


class GoliothConnectionError(GoliothError):
    """Trouble on the way: worth another try.

    Attributes:
        retry_after: Seconds that the service asked us to wait, where it did.
        nothing_done: Whether it is certain that the service has not done what was asked.
        status: The HTTP status of the answer, where that is the trouble.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        nothing_done: bool = False,
        status: int | None = None,
    ) -> None:
        """Keep what the service asked for, and whether it has done anything."""
        super().__init__(message)
        self.retry_after = retry_after
        self.nothing_done = nothing_done
        self.status = status


class GoliothUnreachableError(GoliothConnectionError):
    """There was no connection to send anything on."""

    def __init__(self, message: str) -> None:
        """Report that nothing was done."""
        super().__init__(message, nothing_done=True)


class GoliothTimeoutError(GoliothConnectionError):
    """No answer in time."""


class GoliothStatusError(GoliothConnectionError):
    """An answer of the service that it has trouble, or refuses: it has a status."""


class GoliothTooManyRequestsError(GoliothStatusError):
    """The service is asked too often."""


class GoliothWaitError(GoliothConnectionError):
    """The service asked us to wait, and that time is not over: nothing was sent."""

    def __init__(self, seconds: float) -> None:
        """Keep the seconds that are left."""
        super().__init__(
            f"Golioth asks to wait another {math.ceil(seconds)} s",
            retry_after=seconds,
            nothing_done=True,
        )


class GoliothClosedError(GoliothConnectionError):
    """The project is not loaded any more: nothing is sent for it."""

    def __init__(self, *, nothing_done: bool = False) -> None:
        """Keep whether it is certain that nothing was sent before."""
        super().__init__("the project was unloaded", nothing_done=nothing_done)


class GoliothBusyError(GoliothError):
    """Too many ask for the same: nothing was sent."""


class GoliothResponseError(GoliothConnectionError):
    """An answer that the API does not give, such as a web page or a redirect."""


class GoliothUnreadableError(GoliothResponseError):
    """An answer that is too long, or that nothing can parse: ask for less."""


class GoliothStreamMissingError(GoliothConnectionError):
    """The WebSocket endpoint says that it is not there: it may have been retired."""


class GoliothAuthenticationError(GoliothError):
    """The credential was rejected: another try with the same one is pointless."""


class GoliothNotFoundError(GoliothError):
    """The project, or what was asked of it, does not exist."""


class GoliothAddressError(GoliothError):
    """The address of the API cannot be used."""


class GoliothInsecureAddressError(GoliothAddressError):
    """The address, neither https nor loopback, would show the credential."""
