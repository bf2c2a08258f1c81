"""The files of the log card, for browsers."""

from collections.abc import Mapping
from hashlib import sha256
import json
from pathlib import Path
import re
from typing import Final

from aiohttp import web
from aiohttp.hdrs import CACHE_CONTROL

from homeassistant.components.frontend import add_extra_js_url
from homeassistant.components.http import HomeAssistantView
from homeassistant.components.http.static import CACHE_HEADERS
from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from .const import DOMAIN

FOLDER: Final = Path(__file__).parent / "frontend"
ADDRESS: Final = f"/{DOMAIN}/frontend"
MODULE: Final = "golioth-log-card.js"
# Modules that it loads. A retry after a failure needs another address, with a folder of
# its own.
_LOADED: Final = ("define-card.js", "too-old.js")
_TRY: Final = re.compile(r"[0-9]{1,16}")
# Loaded by Home Assistant's build for older browsers.
LEGACY_SCRIPT: Final = "legacy.js"
# Made from the translations: the texts of the card until it has those of the user's
# language.
ENGLISH: Final = "english.js"


async def async_setup_log_card(hass: HomeAssistant) -> None:
    """Serve the card, and load it on every page.

    Without a user interface, there is no card.
    """
    if "frontend" not in hass.config.components:
        return
    files = await hass.async_add_executor_job(_read_files)
    texts = await async_get_translations(hass, "en", "config_panel", {DOMAIN})
    files[ENGLISH] = f"export const ENGLISH = {json.dumps(texts)};\n".encode()
    version = _version(files)
    hass.http.register_view(LogCardView(version, files))
    # Twice: a page requests each address only once, and nothing else would retry.
    for query in ("", "?again"):
        add_extra_js_url(hass, f"{ADDRESS}/{version}/{MODULE}{query}")
        add_extra_js_url(hass, f"{ADDRESS}/{version}/{LEGACY_SCRIPT}{query}", es5=True)


def _read_files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(FOLDER.glob("*.js"))}


def _version(files: Mapping[str, bytes]) -> str:
    """Return a hash of all files."""
    digest = sha256()
    for name, body in files.items():
        digest.update(b"%b\0%d\0%b" % (name.encode(), len(body), body))
    return digest.hexdigest()[:16]


class LogCardView(HomeAssistantView):
    """Serves the card's files as of Home Assistant's start.

    Browsers cache the files of a version's address, and an update changes the files on
    the disk before the restart that gives it another address.
    """

    url = f"{ADDRESS}/{{version}}/{{file_name}}"
    extra_urls = [f"{ADDRESS}/{{file_name}}"]  # noqa: RUF012
    name = f"{DOMAIN}:frontend"
    requires_auth = False

    def __init__(self, version: str, files: Mapping[str, bytes]) -> None:
        """Take the files, and their version."""
        self._version = version
        self._files = files

    async def get(
        self, request: web.Request, file_name: str, version: str | None = None
    ) -> web.Response:
        """Return a file of a version.

        Without a version, it is a module that loads the file, and whose address never
        changes.
        """
        if version is None and file_name in (MODULE, *_LOADED):
            folder = self._version
            if _TRY.fullmatch(number := request.query.get("try", "")):
                folder += f".{number}"
            return web.Response(
                text=f'export * from "./{folder}/{file_name}";\n',
                content_type="text/javascript",
                headers={CACHE_CONTROL: "no-cache"},
            )
        body = self._files.get(file_name)
        if (
            version is None
            or version.partition(".")[0] != self._version
            or body is None
        ):
            raise web.HTTPNotFound
        return web.Response(
            body=body,
            content_type="text/javascript",
            charset="utf-8",
            headers=CACHE_HEADERS,
        )
