"""A Golioth service on loopback.

For the tests, the soak and the demo.
"""

from .device import Device
from .errors import GrpcCode, grpc_error_v1, grpc_error_v2
from .faults import Faults
from .garbage import GARBAGE_FRAMES
from .log_store import Log
from .options import RpcCall
from .records import Handshake, RestRequest
from .retirement import Retirement
from .simulator import GoliothSimulator

__all__ = [
    "GARBAGE_FRAMES",
    "Device",
    "Faults",
    "GoliothSimulator",
    "GrpcCode",
    "Handshake",
    "Log",
    "RestRequest",
    "Retirement",
    "RpcCall",
    "grpc_error_v1",
    "grpc_error_v2",
]
