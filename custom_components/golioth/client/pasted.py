"""Finds project IDs, credentials and addresses in pasted text."""

import re
from typing import Final
from urllib.parse import unquote

# Characters; a command that a browser copies has some thousand. Longer text is not
# searched.
_MAX_LENGTH: Final = 16_000

# Characters around a value in prose, a file or a command; the invisible ones are a
# zero-width space, a word joiner and a byte order mark.
_AROUND: Final = " \t\r\n\xa0\u200b\u2060\ufeff\"'`<>(),;"

# Characters that end a value in a command or in JSON.
_END: Final = r"\s\"'`<>\\^,;"

_ADDRESS: Final = re.compile(rf"(?:https?|wss?)://[^{_END}]+", re.IGNORECASE)
_CONSOLE: Final = re.compile(r"(?:\w+://)?console\.", re.IGNORECASE)

# The path of a request after the address of the API.
_API_PATH: Final = re.compile(
    r"/v1(?:/(?:projects|organizations|ws)\b.*|/?(?:[?#].*)?)$",
    re.IGNORECASE | re.DOTALL,
)

_PROJECT: Final = re.compile(
    rf"(?:^|/)projects?/([^{_END}/?#&]+)|[?&]project(?:_?id)?=([^{_END}#&]+)",
    re.IGNORECASE,
)
# An address or a command without a project holds other things, perhaps a credential.
_NO_PROJECT: Final = re.compile(
    r"://|^curl\s|x-api-key|\bbearer\s|\b(?:api|console)\.golioth\.", re.IGNORECASE
)

# The first match counts: an address holds it percent-encoded.
_QUERY: Final = re.compile(rf"[?&](?:x-api-key|jwt)=([^{_END}#&]+)", re.IGNORECASE)
_CREDENTIALS: Final = (
    re.compile(rf"\bx-api-key[\"']?\s*[:=]\s*[\"']?([^{_END}}}]+)", re.IGNORECASE),
    re.compile(rf"\bbearer\s+([^{_END}}}]+)", re.IGNORECASE),
    re.compile(rf"\s--api-?key[\s=]+[\"']?([^{_END}]+)", re.IGNORECASE),
)

# A line of a file, such as `GOLIOTH_API_KEY=…` or `"projectId": "…"`. A credential may
# itself end with such a word and equals signs.
_LABELLED: Final = (
    r"^[\w \t\"'-]{{0,40}}(?:{names})[\"']?[ \t]*[:=][ \t]*[\"']?"
    r"([^{end}=][^{end}]*)"
)
_LABELLED_ID: Final = re.compile(
    _LABELLED.format(names="project|id", end=_END), re.IGNORECASE
)
_LABELLED_CREDENTIAL: Final = re.compile(
    _LABELLED.format(names="key|token|jwt", end=_END), re.IGNORECASE
)


def find_project_id(text: str) -> str | None:
    """Return the project ID in a text.

    Returns:
        The text itself where it has no known form; None where it is an address or a
        command without a project.
    """
    text = text.strip(_AROUND)
    if len(text) > _MAX_LENGTH:
        return text
    if found := _PROJECT.search(text):
        return unquote(found[1] or found[2])
    if _NO_PROJECT.search(text):
        return None
    found = _LABELLED_ID.match(text)
    return found[1] if found else text.rstrip("/")


def find_credential(text: str) -> str:
    """Return the API key or JWT in a text.

    Text of no known form is returned as it is.
    """
    text = text.strip(_AROUND)
    if len(text) > _MAX_LENGTH:
        return text
    if found := _QUERY.search(text):
        return unquote(found[1])
    for pattern in (*_CREDENTIALS, _LABELLED_CREDENTIAL):
        if found := pattern.search(text):
            return found[1]
    return text


def find_api_url(text: str) -> str:
    """Return the API address in a text, without request paths."""
    text = text.strip(_AROUND)
    if len(text) > _MAX_LENGTH:
        return text
    # A command may hold other addresses as well, such as a proxy's.
    if not _ADDRESS.match(text) and (found := _ADDRESS.findall(text)):
        text = next((each for each in found if _API_PATH.search(each)), found[0])
    return _API_PATH.sub("", text)


def is_console_address(text: str) -> bool:
    """Return whether an address is Golioth's console.

    The console has no API.
    """
    return _CONSOLE.match(text) is not None
