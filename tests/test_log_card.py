"""Tests of the card that shows logs: how it comes to a browser, and what it says. tests/e2e/test_log_card.py looks at it."""

from http import HTTPStatus
import json
from pathlib import Path
import re
import shutil
from typing import Any, Final

import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.golioth.const import DOMAIN
from custom_components.golioth.log_card import FOLDER, MODULE
from homeassistant.components.frontend import DATA_EXTRA_MODULE_URL
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")

PLACEHOLDER: Final = re.compile(r"\{\w+\}")
# A text that has a number has a form for each.
FORMS: Final = ("_one", "_other")


def texts() -> dict[str, dict[str, str]]:
    """Return the texts of the card, by language."""
    module = (FOLDER / "texts.js").read_text("utf-8")
    _, _, assigned = module.partition("export const TEXTS = ")
    parsed: dict[str, dict[str, str]] = json.loads(assigned.rstrip().removesuffix(";"))
    return parsed


def translation(language: str) -> dict[str, Any]:
    """Return the texts of the integration in a language."""
    path = FOLDER.parent / "translations" / f"{language}.json"
    parsed: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return parsed


def languages() -> list[str]:
    """Return the languages of the integration."""
    return sorted(path.stem for path in (FOLDER.parent / "translations").glob("*.json"))


def modules() -> list[str]:
    """Return the names of the card's modules."""
    return sorted(path.name for path in FOLDER.iterdir())


async def test_card_is_served(
    hass: HomeAssistant, hass_client: ClientSessionGenerator
) -> None:
    """Every page of the user interface loads the card, from an address that changes with it."""
    assert await async_setup_component(hass, "frontend", {})
    assert await async_setup_component(hass, DOMAIN, {})
    (url,) = hass.data[DATA_EXTRA_MODULE_URL].urls
    folder, _, name = url.rpartition("/")
    assert name == MODULE
    assert re.fullmatch(r"/golioth/frontend/[0-9a-f]{16}", folder)
    client = await hass_client()
    for module in modules():
        response = await client.get(f"{folder}/{module}")
        assert response.status == HTTPStatus.OK
        assert response.content_type == "text/javascript"
        assert "max-age" in response.headers["Cache-Control"]
        assert await response.text() == (FOLDER / module).read_text("utf-8")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Serve a copy of the card's files, which a test may change as an update does."""
    folder = tmp_path / "frontend"
    shutil.copytree(FOLDER, folder)
    monkeypatch.setattr("custom_components.golioth.log_card.FOLDER", folder)
    return folder


def update(folder: Path) -> dict[str, bytes]:
    """Change, add and remove files, as an update does, and return those that were there."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.write_text("// another release")
    (folder / "new.js").write_text("// new")
    (folder / "logs.js").unlink()
    return before


async def test_update_before_restart(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, installed: Path
) -> None:
    """An address never serves other files than those that it is made of, whatever comes to the disk."""
    assert await async_setup_component(hass, "frontend", {})
    assert await async_setup_component(hass, DOMAIN, {})
    (url,) = hass.data[DATA_EXTRA_MODULE_URL].urls
    folder, _, _ = url.rpartition("/")
    before = update(installed)
    client = await hass_client()
    for module, body in before.items():
        response = await client.get(f"{folder}/{module}")
        assert await response.read() == body
    assert (await client.get(f"{folder}/new.js")).status == HTTPStatus.NOT_FOUND


async def test_address_that_stays(
    hass: HomeAssistant, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """A dashboard resource has an address that stays, is never kept, and loads the present version; also for Google Cast."""
    assert await async_setup_component(hass, "frontend", {})
    assert await async_setup_component(hass, DOMAIN, {})
    (url,) = hass.data[DATA_EXTRA_MODULE_URL].urls
    client = await hass_client_no_auth()
    cast = {"Origin": "https://cast.home-assistant.io"}
    response = await client.get(f"/golioth/frontend/{MODULE}", headers=cast)
    assert response.content_type == "text/javascript"
    assert response.headers["Cache-Control"] == "no-cache"
    assert (
        await response.text() == f'import ".{url.removeprefix("/golioth/frontend")}";\n'
    )
    for answer in (response, await client.get(url, headers=cast)):
        assert answer.headers["Access-Control-Allow-Origin"] == cast["Origin"]


@pytest.mark.parametrize(
    "path", ["texts.js", f"0123456789abcdef/{MODULE}", "..%2Fconst.py", "%00/a", ""]
)
async def test_no_other_address(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, path: str
) -> None:
    """There is nothing at any other address."""
    assert await async_setup_component(hass, "frontend", {})
    assert await async_setup_component(hass, DOMAIN, {})
    client = await hass_client()
    response = await client.get(f"/golioth/frontend/{path}")
    # Home Assistant refuses some by itself.
    assert response.status in (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST)


async def test_no_user_interface(hass: HomeAssistant) -> None:
    """Without Home Assistant's user interface, the integration works as well."""
    assert await async_setup_component(hass, DOMAIN, {})
    assert "frontend" not in hass.config.components


@pytest.mark.parametrize("module", modules())
def test_nothing_is_parsed(module: str) -> None:
    """No module has a browser parse HTML or run a text: what devices send is only ever text."""
    code = (FOLDER / module).read_text("utf-8")
    for name in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "setHTMLUnsafe",
        "DOMParser",
        "document.write",
        "createContextualFragment",
        "unsafeHTML",
        "srcdoc",
        "document.title",
        "href",
        "cssText",
        "insertRule",
        "location",
        "window.open",
        "eval(",
        "Function(",
    ):
        assert name not in code


def test_languages() -> None:
    """The card speaks the languages of the integration."""
    assert sorted(texts()) == languages()


@pytest.mark.parametrize("language", languages())
def test_texts_are_complete(language: str) -> None:
    """Each language has all texts of the English ones, with the same placeholders."""
    found, english = texts()[language], texts()["en"]
    assert list(found) == list(english)
    for key, text in found.items():
        assert text.strip() == text != ""
        assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(english[key]))


@pytest.mark.parametrize("language", languages())
def test_levels_are_called_the_same(language: str) -> None:
    """Levels and fields are called as everywhere in the integration."""
    found, translated = texts()[language], translation(language)
    for level, name in translated["selector"]["level"]["options"].items():
        assert found[level] == name
    options = translated["options"]["step"]["init"]["data"]
    assert found["minimum_level"] == options["minimum_level"]


def test_every_text_is_used() -> None:
    """The modules ask for every text, and for no other."""
    code = "".join(
        (FOLDER / module).read_text("utf-8")
        for module in modules()
        if module != "texts.js"
    )
    keys = set(texts()["en"])
    for key in keys:
        name = next(
            (key.removesuffix(form) for form in FORMS if key.endswith(form)), key
        )
        assert re.search(rf'"{name}"', code), key
    for asked in re.findall(r'\.text\(\s*"(\w+)"', code):
        assert asked in keys
    for asked in re.findall(r'\.count\(\s*"(\w+)"', code):
        assert {f"{asked}{form}" for form in FORMS} <= keys
