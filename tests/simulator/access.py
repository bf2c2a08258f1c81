"""Who may see what."""

from collections.abc import Mapping

from .credentials import Credentials
from .device import Device
from .errors import GrpcCode, ServiceError
from .options import ServiceOptions
from .project import Project

_NO_QUERY: Mapping[str, str] = {}


class Access:
    """Lets requests with a good credential through to the project and its devices."""

    def __init__(
        self, project: Project, credentials: Credentials, options: ServiceOptions
    ) -> None:
        """Guard the project."""
        self._project = project
        self._credentials = credentials
        self._options = options

    def authenticate(
        self, headers: Mapping[str, str], query: Mapping[str, str] = _NO_QUERY
    ) -> None:
        """Look for a credential in the headers, and in the query if it may be there.

        Raises:
            ServiceError: There is none, or it is not accepted.

        """
        if not self._credentials.accepts(headers, query):
            raise ServiceError(GrpcCode.UNAUTHENTICATED, "Invalid credentials")

    def open_project(self, project_id: str) -> None:
        """Raise ServiceError if it is not the project that the credential is for."""
        if project_id != self._project.id:
            if (
                self._options.unknown_project_status
                == GrpcCode.PERMISSION_DENIED.http_status
            ):
                raise ServiceError(GrpcCode.PERMISSION_DENIED, "Permission denied")
            raise ServiceError(GrpcCode.NOT_FOUND, "Project not found")

    def open_device(self, project_id: str, device_id: str) -> Device:
        """Return a device of the project, or raise ServiceError if there is none."""
        self.open_project(project_id)
        if (device := self._project.devices.get(device_id)) is None:
            raise ServiceError(GrpcCode.NOT_FOUND, "Device not found")
        return device
