"""Errors in the forms that gRPC-Gateway gives them."""

from enum import IntEnum
from http import HTTPStatus
from typing import Any, override


class GrpcCode(IntEnum):
    """The gRPC status codes that the service answers with."""

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
        """The HTTP status that the gateway answers with for this code."""
        return _HTTP_STATUSES[self]

    @classmethod
    def of_http_status(cls, status: int) -> GrpcCode:
        """Return the code that has this HTTP status at the gateway, or UNKNOWN."""
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
    """The service turns a request down."""

    def __init__(self, code: GrpcCode, message: str) -> None:
        """Keep the gRPC code and the text that the client is told."""
        super().__init__(message)
        self.code = code
        self.message = message

    @override
    def __str__(self) -> str:
        """Return the gRPC code by name, and the text."""
        return f"{self.code.name}: {self.message}"


def error_body(code: int, message: str) -> dict[str, Any]:
    """Return the JSON body of an HTTP error answer."""
    return {"code": code, "message": message, "details": []}


def grpc_error_v1(code: int, http: int, message: str) -> dict[str, Any]:
    """Return the envelope with which gateway 1.x ends a stream."""
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
    """Return the envelope with which gateway 2.x ends a stream: gRPC code and text."""
    return {"error": error_body(code, message)}
