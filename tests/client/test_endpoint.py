"""Test addresses and credentials."""

import pytest
from yarl import URL

from custom_components.golioth.client.endpoint import (
    Credential,
    Endpoint,
    parse_api_url,
)
from custom_components.golioth.client.exceptions import (
    GoliothAddressError,
    GoliothInsecureAddressError,
)

API_KEY = "a+b/c=="
JWT = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJrZXkifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://api.golioth.io", "https://api.golioth.io"),
        (" https://api.golioth.io/ ", "https://api.golioth.io"),
        ("api.golioth.io", "https://api.golioth.io"),
        ("wss://api.golioth.io", "https://api.golioth.io"),
        ("https://example.com:8443/golioth/", "https://example.com:8443/golioth"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("ws://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_address(text: str, expected: str) -> None:
    """An address is accepted as users type it."""
    assert str(parse_api_url(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://",
        "ftp://example.com",
        "https://user:password@example.com",
        "https://example.com/?x=1",
        "https://example.com/#x",
        "https://example.com:port",
        "https://[::1",
    ],
)
def test_no_address(text: str) -> None:
    """Text that is not just an address is refused."""
    with pytest.raises(GoliothAddressError):
        parse_api_url(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://api.golioth.io",
        "ws://api.golioth.io",
        "http://127.0.0.1.example.com",
        "http://192.168.1.1",
        "http://localhost.example.com",
    ],
)
def test_address_in_the_clear(text: str) -> None:
    """Only loopback may be reached without TLS."""
    with pytest.raises(GoliothInsecureAddressError):
        parse_api_url(text)


def test_api_key() -> None:
    """An API key has a header and an encoded query."""
    credential = Credential(f" {API_KEY}\n")
    assert credential.headers == {"x-api-key": API_KEY}
    assert credential.query == "x-api-key=a%2Bb%2Fc%3D%3D"


def test_jwt() -> None:
    """A JWT is recognized by its shape."""
    credential = Credential(JWT)
    assert credential.headers == {"Authorization": f"Bearer {JWT}"}
    assert credential.query == f"jwt={JWT}"


@pytest.mark.parametrize(
    "secret", ["a.b.c", "abc.def", "YWJj.YWJj.YWJj", "W10.W10.W10"]
)
def test_api_key_that_looks_like_a_jwt(secret: str) -> None:
    """Dots alone do not make a JWT."""
    assert Credential(secret).headers == {"x-api-key": secret}


@pytest.mark.parametrize(
    "secret", ["", "  ", "two words", "line\nbreak", "clé", "nul\0"]
)
def test_credential_that_cannot_be_sent(secret: str) -> None:
    """A credential that no header can hold is unusable."""
    assert not Credential(secret).is_usable
    assert Credential(API_KEY).is_usable


@pytest.mark.parametrize("secret", [API_KEY, JWT])
def test_credential_has_no_text(secret: str) -> None:
    """A credential's text form does not show it."""
    credential = Credential(secret)
    assert secret not in f"{credential} {credential!r} {[credential]}"


def test_addresses_of_a_project() -> None:
    """Addresses are fully encoded; the WebSocket's has the credential."""
    endpoint = Endpoint("https://example.com/base", "a/b ?", Credential(API_KEY))
    assert endpoint.logs_stream_url == URL(
        "wss://example.com/base/v1/ws/projects/a%2Fb%20%3F/logs?x-api-key=a%2Bb%2Fc%3D%3D",
        encoded=True,
    )
    assert str(endpoint.url(endpoint.project_path)) == (
        "https://example.com/base/v1/projects/a%2Fb%20%3F"
    )


def test_address_of_a_stream_on_loopback() -> None:
    """Loopback needs no TLS."""
    endpoint = Endpoint("http://127.0.0.1:80", "p", Credential(API_KEY))
    assert endpoint.logs_stream_url.scheme == "ws"
