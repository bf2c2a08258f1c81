"""Test finding project IDs, credentials and addresses in text."""

from time import perf_counter

import pytest

from custom_components.golioth.client import (
    find_api_url,
    find_credential,
    find_project_id,
    is_console_address,
)

KEY = "a+b/c=="
JWT = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJrZXkifQ.c2lnbmF0dXJl"
API = "https://api.golioth.io"
CONSOLE = "https://console.golioth.io"

CURL = f"curl -H 'x-api-key: {KEY}' {API}/v1/projects/demo/devices"
CURL_OF_A_BROWSER = (
    f"curl '{API}/v1/projects/demo/logs?start=2026-11-30T00%3A00%3A00Z' \\\n"
    f"  -H 'accept: application/json' \\\n  -H 'X-API-Key: {KEY}' \\\n  --compressed"
)
CURL_OF_WINDOWS = f'curl ^"{API}/v1/projects/demo^" ^\n -H ^"x-api-key: {KEY}^" ^\n -H ^"accept: */*^"'
STREAM = "wss://api.golioth.io/v1/ws/projects/demo/logs?x-api-key=a%2Bb%2Fc%3D%3D"
COMMANDS = (CURL, CURL_OF_A_BROWSER, CURL_OF_WINDOWS, STREAM)


@pytest.mark.parametrize(
    "text",
    [
        "demo",
        " demo\n",
        "\u200bdemo\ufeff",
        "`demo`",
        '"demo",',
        "Project ID: demo",
        "GOLIOTH_PROJECT_ID=demo",
        '"projectId": "demo",',
        f"{CONSOLE}/org/acme/project/demo",
        f"{CONSOLE}/org/acme/project/demo/devices?page=1#top",
        "console.golioth.io/org/acme/project/demo/",
        f"{CONSOLE}/devices?projectId=demo",
        f"{API}/v1/projects/demo",
        f"{API}/v1/organizations/acme/projects/demo/pipelines",
        "projects/demo",
        "demo/",
        *COMMANDS,
    ],
)
def test_project_id(text: str) -> None:
    """A project ID is found in any known form."""
    assert find_project_id(text) == "demo"


@pytest.mark.parametrize(
    "text",
    [
        CONSOLE,
        f"{CONSOLE}/devices",
        f"{CONSOLE}/project-settings/api-keys",
        "console.golioth.io/org/acme",
        f"{API}/v1/projects",
        f"curl -H 'x-api-key: {KEY}' {API}/v1/projects",
        "curl api.golioth.io/v1/projects",
        f"x-api-key: {KEY}",
        f"Authorization: Bearer {JWT}",
    ],
)
def test_no_project_id(text: str) -> None:
    """Text without a project ID is not used as one.

    It may hold a credential.
    """
    assert find_project_id(text) is None


@pytest.mark.parametrize("text", ["", "my project", "../projects", "project", "id"])
def test_anything_else(text: str) -> None:
    """Other text is returned unchanged, as a possible ID."""
    assert find_project_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f" {KEY}\n",
        f'"{KEY}"',
        f"x-api-key: {KEY}",
        f"X-API-Key:{KEY}",
        f'{{"x-api-key": "{KEY}"}}',
        f"Bearer {KEY}",
        f"Authorization: Bearer {KEY}",
        f"GOLIOTH_API_KEY={KEY}",
        f'export GOLIOTH_API_KEY="{KEY}"',
        f'"apiKey": "{KEY}",',
        f"API key: {KEY}",
        f"golioth --api-key {KEY} logs",
        *COMMANDS,
    ],
)
def test_api_key(text: str) -> None:
    """An API key is found exactly, in any known form."""
    assert find_credential(text) == KEY


@pytest.mark.parametrize(
    "text",
    [
        JWT,
        f"Bearer {JWT}",
        f"curl -H 'Authorization: Bearer {JWT}' {API}/v1/projects",
        f"wss://api.golioth.io/v1/ws/projects/demo/logs?level=ERROR&jwt={JWT}",
        f"jwt={JWT}",
    ],
)
def test_jwt(text: str) -> None:
    """A JWT is found in any known form."""
    assert find_credential(text) == JWT


@pytest.mark.parametrize(
    "key", ["", "mykey==", "abctoken=", "jwt==", "key", "x-api-key", "Bearer"]
)
def test_key_that_looks_like_something_else(key: str) -> None:
    """A key that resembles a label is still a key."""
    assert find_credential(key) == key


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (API, API),
        (f"{API}/v1", API),
        (f"{API}/v1/", API),
        (f"{API}/V1/?x=1#y", API),
        (f"{API}/v1/projects", API),
        (f"{API}/v1/projects/demo/logs?start=x", API),
        (f"{API}/v1/organizations/acme/projects/demo/pipelines", API),
        (f"<{API}/v1>", API),
        (f'{API}/v1/projects -H "x-api-key: {KEY}"', API),
        ("api.golioth.io/v1", "api.golioth.io"),
        (CURL, API),
        (CURL_OF_A_BROWSER, API),
        (CURL_OF_WINDOWS, API),
        (STREAM, "wss://api.golioth.io"),
        (f"curl -x http://proxy:3128 {API}/v1/projects", API),
        ("https://example.com/golioth/v1/projects", "https://example.com/golioth"),
    ],
)
def test_api_url(text: str, address: str) -> None:
    """Request paths are removed from an API address."""
    assert find_api_url(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing here",
        "https://exa mple.com",
        "ftp://example.com",
        "https://example.com/?x=1",
        "https://example.com/v1/golioth",
        "https://example.com/v10",
    ],
)
def test_other_address(text: str) -> None:
    """Other text is returned unchanged, and refused later."""
    assert find_api_url(text) == text


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (CONSOLE, True),
        ("console.golioth.io", True),
        (f"{CONSOLE}/org/acme/project/demo", True),
        (API, False),
        ("https://example.com/console.html", False),
        ("", False),
    ],
)
def test_console(address: str, expected: bool) -> None:
    """The console's address is recognized."""
    assert is_console_address(address) is expected


@pytest.mark.parametrize("find", [find_project_id, find_credential, find_api_url])
@pytest.mark.parametrize(
    "piece",
    [
        "x",
        " ",
        "/v1",
        "/v1/projects",
        "projects/",
        "x-api-key",
        "x-api-key :",
        "bearer ",
        "https://",
        "key=",
        "id:",
        "&jwt=",
        " --api-key",
        "=",
    ],
)
def test_long_text(find: object, piece: str) -> None:
    """Long text is searched quickly."""
    assert callable(find)
    for size in (16_000, 1_000_000):
        started = perf_counter()
        find(f"-{piece * (size // len(piece))}-")
        assert perf_counter() - started < 0.5
