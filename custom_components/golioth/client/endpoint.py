"""Holds a project's address and credential."""

from base64 import urlsafe_b64decode
from ipaddress import ip_address
import re
from typing import Final, override
from urllib.parse import quote

import orjson
from yarl import URL

from .exceptions import GoliothAddressError, GoliothInsecureAddressError

DEFAULT_API_URL: Final = "https://api.golioth.io"

_HOST: Final = re.compile(
    r"[a-z0-9._-]+|[0-9a-f:.]+(%[\w.-]+)?", re.ASCII | re.IGNORECASE
)

_JWT: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


class Credential:
    """An API key or a JWT, distinguished by its shape.

    It has no text form, so that it cannot end up in a log line or an exception by
    accident.
    """

    __slots__ = ("_is_jwt", "_secret")

    def __init__(self, secret: str) -> None:
        """Store the credential as the user pasted it."""
        self._secret = secret.strip()
        self._is_jwt = _looks_like_jwt(self._secret)

    @property
    def headers(self) -> dict[str, str]:
        """Return the header that authenticates a REST request."""
        if self._is_jwt:
            return {"Authorization": f"Bearer {self._secret}"}
        return {"x-api-key": self._secret}

    @property
    def query(self) -> str:
        """Return the query that authenticates a WebSocket.

        It is percent-encoded: keys end in `==` and may hold `+` and `/`.
        """
        return (
            f"{'jwt' if self._is_jwt else 'x-api-key'}={quote(self._secret, safe='')}"
        )

    def is_in(self, text: str) -> bool:
        """Return whether a text contains the credential."""
        return self._secret in text

    @property
    def is_usable(self) -> bool:
        """Return whether it is printable ASCII without blanks."""
        return (
            self._secret.isascii()
            and self._secret.isprintable()
            and " " not in self._secret
            and bool(self._secret)
        )

    @override
    def __repr__(self) -> str:
        """Return the kind of credential, without the secret."""
        return "<JWT>" if self._is_jwt else "<API key>"


class Endpoint:
    """A project of a Golioth service, with its credential.

    Raises:
        GoliothInsecureAddressError: The address would send the credential in the clear.
        GoliothAddressError: The address is invalid.
    """

    def __init__(self, api_url: str, project_id: str, credential: Credential) -> None:
        """Check the address before anything is sent to it."""
        self._base = parse_api_url(api_url)
        self.project_id = project_id
        self.credential = credential

    @property
    def project_path(self) -> str:
        """Return the path of the project in the REST API."""
        return f"/v1/projects/{quote(self.project_id, safe='')}"

    @property
    def logs_stream_url(self) -> URL:
        """Return the address of the project's log stream.

        It holds the credential: never show it.
        """
        url = self.url(
            f"/v1/ws/projects/{quote(self.project_id, safe='')}/logs",
            self.credential.query,
        )
        return url.with_scheme("wss" if self._base.scheme == "https" else "ws")

    def url(self, path: str, query: str = "") -> URL:
        """Return the address of a path with a query.

        Args:
            path: The path, already percent-encoded.
            query: The query without its question mark, the same.
        """
        # Encoding it again would change the credential.
        return URL(f"{self._base}{path}{f'?{query}' if query else ''}", encoded=True)


def parse_api_url(text: str) -> URL:
    """Return an API address without a trailing slash.

    Args:
        text: The user's input; a host alone means https.

    Raises:
        GoliothInsecureAddressError: It is neither https nor loopback.
        GoliothAddressError: It is no address, or holds more than scheme, host, port and
            path.
    """
    text = text.strip()
    if "://" not in text:
        text = f"https://{text}"
    try:
        url = URL(text)
        host, _port = url.raw_host, url.port
    except ValueError:
        url, host = URL(), None
    if url.scheme in {"ws", "wss"}:
        url = url.with_scheme("https" if url.scheme == "wss" else "http")
    if (
        not host
        or not _HOST.fullmatch(host)
        or url.scheme not in {"http", "https"}
        or url.user
        or url.password
        or url.query_string
        or url.fragment
    ):
        raise GoliothAddressError("This is not the address of an API")
    if url.scheme == "http" and not _is_loopback(host):
        raise GoliothInsecureAddressError(
            "Only an https address keeps the credential secret"
        )
    return URL(str(url).rstrip("/"), encoded=True)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _looks_like_jwt(secret: str) -> bool:
    """Return whether a credential is a JWT.

    A JWT has three base64url parts, the first one a JSON object with `alg`.
    """
    if not _JWT.fullmatch(secret):
        return False
    header = secret.partition(".")[0]
    try:
        decoded = orjson.loads(urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except ValueError:
        return False
    return isinstance(decoded, dict) and "alg" in decoded
