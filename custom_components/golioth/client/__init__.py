"""A client for Golioth's logs, independent of Home Assistant.

These are its public names.
"""

from .client import GoliothClient
from .endpoint import DEFAULT_API_URL, Credential, Endpoint, parse_api_url
from .error_report import log_unexpected
from .exceptions import (
    GoliothAddressError,
    GoliothAuthenticationError,
    GoliothBusyError,
    GoliothClosedError,
    GoliothConnectionError,
    GoliothError,
    GoliothInsecureAddressError,
    GoliothNotFoundError,
    GoliothResponseError,
    GoliothStatusError,
    GoliothStreamMissingError,
    GoliothTimeoutError,
    GoliothTooManyRequestsError,
    GoliothUnreachableError,
    GoliothUnreadableError,
    GoliothWaitError,
)
from .feed import FeedListener, LogFeed
from .history import FoundLogs, LogFilter, LogHistory
from .models import (
    LEVELS,
    MAX_SHORT_LOG_SIZE,
    Device,
    LogEntry,
    LogSource,
    Project,
    RpcAnswer,
    RpcStatus,
    ShortLogEntry,
    StreamState,
    Transport,
    exact_json,
)
from .pacing import FeedTiming, in_slices
from .pasted import find_api_url, find_credential, find_project_id, is_console_address
from .plain_text import one_line, storable, with_storable_keys
from .rest import MAX_DEVICES, DeviceList, GoliothRest
from .resume_point import ResumePoint
from .service_clock import Clocks
from .timestamps import MILLISECOND, SECOND, format_timestamp, parse_timestamp
from .wire import HttpWire, Wire

__all__ = [
    "DEFAULT_API_URL",
    "LEVELS",
    "MAX_DEVICES",
    "MAX_SHORT_LOG_SIZE",
    "MILLISECOND",
    "SECOND",
    "Clocks",
    "Credential",
    "Device",
    "DeviceList",
    "Endpoint",
    "FeedListener",
    "FeedTiming",
    "FoundLogs",
    "GoliothAddressError",
    "GoliothAuthenticationError",
    "GoliothBusyError",
    "GoliothClient",
    "GoliothClosedError",
    "GoliothConnectionError",
    "GoliothError",
    "GoliothInsecureAddressError",
    "GoliothNotFoundError",
    "GoliothResponseError",
    "GoliothRest",
    "GoliothStatusError",
    "GoliothStreamMissingError",
    "GoliothTimeoutError",
    "GoliothTooManyRequestsError",
    "GoliothUnreachableError",
    "GoliothUnreadableError",
    "GoliothWaitError",
    "HttpWire",
    "LogEntry",
    "LogFeed",
    "LogFilter",
    "LogHistory",
    "LogSource",
    "Project",
    "ResumePoint",
    "RpcAnswer",
    "RpcStatus",
    "ShortLogEntry",
    "StreamState",
    "Transport",
    "Wire",
    "exact_json",
    "find_api_url",
    "find_credential",
    "find_project_id",
    "format_timestamp",
    "in_slices",
    "is_console_address",
    "log_unexpected",
    "one_line",
    "parse_api_url",
    "parse_timestamp",
    "storable",
    "with_storable_keys",
]
