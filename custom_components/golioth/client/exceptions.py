"""Defines the errors of the client."""

import math


class GoliothError(Exception):
    """Any error of Golioth or the way to it.

    The text is the client's own: it never holds an address, a header or words of the
    server, because each of these can hold the credential.
    """


class GoliothConnectionError(GoliothError):
    """A failure that may pass: worth another try.

    Attributes:
        retry_after: Seconds that the service asked to wait, if it did.
        nothing_done: Whether the service surely has not carried out the request.
        status: The HTTP status of the answer, where that is the failure.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        nothing_done: bool = False,
        status: int | None = None,
    ) -> None:
        """Store the message and the attributes."""
        super().__init__(message)
        self.retry_after = retry_after
        self.nothing_done = nothing_done
        self.status = status


class GoliothUnreachableError(GoliothConnectionError):
    """No connection could be opened."""

    def __init__(self, message: str) -> None:
        """Store the message; nothing was done."""
        super().__init__(message, nothing_done=True)


class GoliothTimeoutError(GoliothConnectionError):
    """The service did not answer in time."""


class GoliothStatusError(GoliothConnectionError):
    """The service answered with an HTTP status of failure."""


class GoliothTooManyRequestsError(GoliothStatusError):
    """The service received too many requests."""


class GoliothWaitError(GoliothConnectionError):
    """The service asked to wait longer; nothing was sent."""

    def __init__(self, seconds: float) -> None:
        """Store the seconds that are left."""
        super().__init__(
            f"Golioth asks to wait another {math.ceil(seconds)} s",
            retry_after=seconds,
            nothing_done=True,
        )


class GoliothClosedError(GoliothConnectionError):
    """The project is no longer loaded: nothing is sent."""

    def __init__(self, *, nothing_done: bool = False) -> None:
        """Store whether surely nothing was sent before."""
        super().__init__("the project was unloaded", nothing_done=nothing_done)


class GoliothBusyError(GoliothError):
    """Too many callers wait already; nothing was sent."""


class GoliothResponseError(GoliothConnectionError):
    """The answer is not from the Golioth API.

    For example, it is a web page or a redirect.
    """


class GoliothUnreadableError(GoliothResponseError):
    """The answer is too long or malformed: request less."""


class GoliothStreamMissingError(GoliothConnectionError):
    """The WebSocket endpoint is missing, and may be retired."""


class GoliothAuthenticationError(GoliothError):
    """The credential was rejected: do not retry with it."""


class GoliothNotFoundError(GoliothError):
    """The project, or something requested of it, does not exist."""


class GoliothAddressError(GoliothError):
    """The address of the API cannot be used."""


class GoliothInsecureAddressError(GoliothAddressError):
    """The address is neither https nor loopback.

    It would show the credential.
    """
