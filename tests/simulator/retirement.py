"""Ways in which the service can retire its WebSocket."""

from enum import Enum
from http import HTTPStatus

from .errors import GrpcCode, grpc_error_v1
from .refusal import Refusal


class Retirement(Enum):
    """The answer to every handshake once the WebSocket is retired.

    REST works as before.
    """

    HTTP_404 = Refusal(status=HTTPStatus.NOT_FOUND)
    HTTP_405 = Refusal(status=HTTPStatus.METHOD_NOT_ALLOWED)
    HTTP_410 = Refusal(status=HTTPStatus.GONE)
    HTTP_426 = Refusal(status=HTTPStatus.UPGRADE_REQUIRED)
    HTTP_501 = Refusal(status=HTTPStatus.NOT_IMPLEMENTED)
    PLAIN_200 = Refusal(status=HTTPStatus.OK, body="OK")
    NOT_FOUND_AFTER_101 = Refusal(frame="Not Found")
    GRPC_UNIMPLEMENTED = Refusal(
        frame=grpc_error_v1(
            GrpcCode.UNIMPLEMENTED, HTTPStatus.NOT_IMPLEMENTED, "Method not implemented"
        )
    )
    REJECTED_AT_HANDSHAKE = Refusal(status=HTTPStatus.UNAUTHORIZED)
    REJECTED_AFTER_101 = Refusal(
        frame=grpc_error_v1(
            GrpcCode.UNAUTHENTICATED, HTTPStatus.UNAUTHORIZED, "Invalid credentials"
        )
    )
