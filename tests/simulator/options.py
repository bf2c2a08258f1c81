"""Behavior that the contract leaves open."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .device import Device


@dataclass(frozen=True, kw_only=True)
class RpcCall:
    """A remote procedure call to a device."""

    device: Device
    method: str
    params: list[Any]
    timeout: int | None = None


type RpcAnswer = Mapping[str, Any]
type RpcHandler = Callable[[RpcCall], RpcAnswer | Awaitable[RpcAnswer]]


def accept_call(_call: RpcCall) -> RpcAnswer:
    """Answer a call with success and no detail."""
    return {"statusCode": 0, "detail": {}}


class ServiceOptions:
    """Options where the contract allows more than one behavior.

    A test may change any of them at any time.

    Attributes:
        handshake_checks_credential: An error of a handshake is its HTTP answer (401 for
            a bad credential), in place of an error frame after 101.
        unknown_project_status: HTTP status for a project that a good credential does
            not open.
        document_limit: Bytes of one frame at most; a longer one breaks the streams that
            it is for. None for no limit.
        buffer_limit: Bytes that may wait for a slow client before its connection is
            reset.
        log_cap: Number of logs in one REST answer at most.
        start_inclusive: Whether a time range includes logs at exactly its start.
        end_inclusive: Whether a time range includes logs at exactly its end.
        timestamp_digits: Fractional digits of a timestamp in REST at most; ranges and
            order use all nine.
        numbers_as_text: `page`, `perPage` and `total` are text, as gRPC-Gateway prints
            64-bit integers.
        omit_defaults: Fields of a list answer that are 0 or empty are absent.
        rpc_timeout: Seconds for a device to answer a remote procedure call without a
            timeout of its own.
        on_rpc: Answers remote procedure calls: a function or a coroutine function.

    """

    handshake_checks_credential: bool = False
    unknown_project_status: Literal[403, 404] = 404
    document_limit: int | None = 64 * 1024
    buffer_limit: int = 64 * 1024 * 1024
    log_cap: int = 100
    start_inclusive: bool = True
    end_inclusive: bool = False
    timestamp_digits: int = 9
    numbers_as_text: bool = False
    omit_defaults: bool = False
    rpc_timeout: float = 5.0

    def __init__(self) -> None:
        """Start with remote procedure calls that succeed."""
        self.on_rpc: RpcHandler = accept_call
