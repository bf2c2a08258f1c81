"""The credentials that open the project.

They are one API key, and the JWTs of one JWT key.
"""

import base64
from collections.abc import Mapping
import hashlib
import hmac

import orjson

_HEADER = {"typ": "JWT", "alg": "HS256"}


class Credentials:
    """Checks API keys and JWTs."""

    def __init__(self, api_key: str, jwt_key: str, jwt_secret: str) -> None:
        """Accept the API key and the JWTs of `jwt_key`.

        The JWTs are signed with `jwt_secret`.
        """
        self.api_key = api_key
        self._jwt_key = jwt_key
        self._jwt_secret = jwt_secret.encode()
        self._revoked = False

    def revoke(self) -> None:
        """Reject every credential from now on."""
        self._revoked = True

    def restore(self, api_key: str | None) -> None:
        """Accept credentials again, with a new API key if given."""
        self._revoked = False
        if api_key is not None:
            self.api_key = api_key

    def jwt(self) -> str:
        """Return an accepted JWT."""
        signed = b".".join(
            _encode_segment(orjson.dumps(part))
            for part in (_HEADER, {"iss": self._jwt_key})
        )
        return b".".join((signed, _encode_segment(self._signature(signed)))).decode()

    def accepts(self, headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
        """Return whether a request carries an accepted credential.

        Args:
            headers: The request's headers, of any case.
            query: The percent-decoded query parameters that may hold a credential:
                empty where only headers may.

        """
        if self._revoked:
            return False
        api_key = query.get("x-api-key") or headers.get("x-api-key")
        if api_key is not None:
            return hmac.compare_digest(api_key.encode(), self.api_key.encode())
        scheme, _, bearer = headers.get("Authorization", "").partition(" ")
        jwt = query.get("jwt") or (bearer if scheme == "Bearer" else "")
        return self._accepts_jwt(jwt.encode())

    def _accepts_jwt(self, jwt: bytes) -> bool:
        """Return whether signature and issuer of a JWT are right."""
        signed, _, signature = jwt.rpartition(b".")
        try:
            if not hmac.compare_digest(
                _decode_segment(signature), self._signature(signed)
            ):
                return False
            claims = orjson.loads(_decode_segment(signed.partition(b".")[2]))
        except ValueError:
            return False
        return isinstance(claims, dict) and claims.get("iss") == self._jwt_key

    def _signature(self, signed: bytes) -> bytes:
        """Return the HS256 signature of a JWT's header and claims."""
        return hmac.digest(self._jwt_secret, signed, hashlib.sha256)


def _encode_segment(data: bytes) -> bytes:
    """Return base64url text without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decode_segment(text: bytes) -> bytes:
    """Return the bytes of base64url text without padding.

    Raises ValueError if it is malformed.
    """
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
