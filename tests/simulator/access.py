"""Authentication and access to the project."""

from collections.abc import Mapping

from .credentials import Credentials
from .device import Device
from .errors import GrpcCode, ServiceError
from .options import ServiceOptions
from .project import Project

_NO_QUERY: Mapping[str, str] = {}


class Access:
    """Gives requests with an accepted credential access to the project."""

    def __init__(
        self, project: Project, credentials: Credentials, options: ServiceOptions
    ) -> None:
        """Guard a project."""
        self._project = project
        self._credentials = credentials
        self._options = options

    def authenticate(
        self, headers: Mapping[str, str], query: Mapping[str, str] = _NO_QUERY
    ) -> None:
        """Check the credential in the headers, or in the query.

        The query is empty where the service takes none from it.

        Raises:
            ServiceError: There is none, or it is not accepted.

        """
        if not self._credentials.accepts(headers, query):
            raise ServiceError(GrpcCode.UNAUTHENTICATED, "Invalid credentials")

    def open_project(self, project_id: str) -> None:
        """Raise ServiceError unless the credential opens this project."""
        if project_id != self._project.id:
            if (
                self._options.unknown_project_status
                == GrpcCode.PERMISSION_DENIED.http_status
            ):
                raise ServiceError(GrpcCode.PERMISSION_DENIED, "Permission denied")
            raise ServiceError(GrpcCode.NOT_FOUND, "Project not found")

    def open_device(self, project_id: str, device_id: str) -> Device:
        """Return a device of the project.

        Raises ServiceError if there is none.
        """
        self.open_project(project_id)
        if (device := self._project.devices.get(device_id)) is None:
            raise ServiceError(GrpcCode.NOT_FOUND, "Device not found")
        return device
