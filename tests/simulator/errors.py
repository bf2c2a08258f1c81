"""Errors in the formats of gRPC-Gateway."""

from enum import IntEnum
from http import HTTPStatus
from typing import Any, override


class GrpcCode(IntEnum):
    """A gRPC status code of the service."""

    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16

    @property
    def http_status(self) -> HTTPStatus:
        """The HTTP status of this code at the gateway."""
        return _HTTP_STATUSES[self]

    @classmethod
    def of_http_status(cls, status: int) -> GrpcCode:
        """Return the code of an HTTP status, or UNKNOWN."""
        return next(
            (
                code
                for code, http_status in _HTTP_STATUSES.items()
                if http_status == status
            ),
            cls.UNKNOWN,
        )


_HTTP_STATUSES = {
    GrpcCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    GrpcCode.UNKNOWN: HTTPStatus.INTERNAL_SERVER_ERROR,
    GrpcCode.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    GrpcCode.DEADLINE_EXCEEDED: HTTPStatus.GATEWAY_TIMEOUT,
    GrpcCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    GrpcCode.PERMISSION_DENIED: HTTPStatus.FORBIDDEN,
    GrpcCode.RESOURCE_EXHAUSTED: HTTPStatus.TOO_MANY_REQUESTS,
    GrpcCode.UNIMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
    GrpcCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    GrpcCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
}


class ServiceError(Exception):
    """The service rejects a request."""

    def __init__(self, code: GrpcCode, message: str) -> None:
        """Keep the gRPC code and the client's message."""
        super().__init__(message)
        self.code = code
        self.message = message

    @override
    def __str__(self) -> str:
        """Return the name of the gRPC code, and the message."""
        return f"{self.code.name}: {self.message}"


def error_body(code: int, message: str) -> dict[str, Any]:
    """Return the JSON body of an HTTP error answer."""
    return {"code": code, "message": message, "details": []}


def grpc_error_v1(code: int, http: int, message: str) -> dict[str, Any]:
    """Return the envelope that ends a stream in gateway 1.x."""
    return {
        "error": {
            "grpcCode": code,
            "httpCode": http,
            "message": message,
            "httpStatus": HTTPStatus(http).phrase,
            "details": [],
        }
    }


def grpc_error_v2(code: int, message: str) -> dict[str, Any]:
    """Return the envelope that ends a stream in gateway 2.x.

    It holds the gRPC code and the message only.
    """
    return {"error": error_body(code, message)}
