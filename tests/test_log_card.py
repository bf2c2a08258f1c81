"""Tests of how the card is served, and its texts.

tests/e2e/test_log_card.py tests how it looks.
"""

from http import HTTPStatus
import json
from pathlib import Path
import re
import shutil
import subprocess
from typing import Any, Final

from playwright._impl._driver import compute_driver_executable
import pytest
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.golioth.const import DOMAIN
from custom_components.golioth.log_card import ENGLISH, FOLDER, LEGACY_SCRIPT, MODULE
from homeassistant.components.frontend import (
    DATA_EXTRA_JS_URL_ES5,
    DATA_EXTRA_MODULE_URL,
    UrlManager,
)
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util.hass_dict import HassKey

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")

PLACEHOLDER: Final = re.compile(r"\{\w+\}")
# The scripts for browsers that are too old for the modules.
SCRIPTS: Final = (LEGACY_SCRIPT, "too-old.js")

# The texts that are shown before the card loads, by file.
ALONE: Final = {"too-old.js": "too_old", MODULE: "card_not_loaded"}

# Fails if a program needs a later ECMAScript than the first argument. Node.js has this
# parser for its own use.
PARSE: Final = """
const {parse} = require("internal/deps/acorn/acorn/dist/acorn");
const [ecmaVersion, sourceType] = process.argv.slice(1);
parse(require("fs").readFileSync(0, "utf8"), {ecmaVersion, sourceType});
"""

# Home Assistant's prefix of the keys.
PREFIX: Final = "component.golioth.config_panel.log_card."

# A text with a number has two forms.
FORMS: Final = ("_one", "_other")


def translation(language: str) -> dict[str, Any]:
    """Return the texts of the integration in a language."""
    path = FOLDER.parent / "translations" / f"{language}.json"
    parsed: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return parsed


def texts(language: str) -> dict[str, str]:
    """Return the texts of the card in a language."""
    found: dict[str, str] = translation(language)["config_panel"]["log_card"]
    return found


def languages() -> list[str]:
    """Return the languages of the integration."""
    return sorted(path.stem for path in (FOLDER.parent / "translations").glob("*.json"))


def modules() -> list[str]:
    """Return the names of the card's modules."""
    return sorted(path.name for path in FOLDER.iterdir())


def only_address(hass: HomeAssistant, urls: HassKey[UrlManager]) -> str:
    """Return the card's only address.

    Every page loads it, and once more if the first request fails.
    """
    address, again = sorted(hass.data[urls].urls)
    assert again == f"{address}?again"
    return address


async def test_card_is_served(
    hass: HomeAssistant, hass_client: ClientSessionGenerator
) -> None:
    """Every page loads the card from a versioned address."""
    assert await async_setup_component(hass, "frontend", {})
    assert await async_setup_component(hass, DOMAIN, {})
    url = only_address(hass, DATA_EXTRA_MODULE_URL)
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
    """Serve a copy of the card's files, to be changed."""
    folder = tmp_path / "frontend"
    shutil.copytree(FOLDER, folder)
    monkeypatch.setattr("custom_components.golioth.log_card.FOLDER", folder)
    return folder


def update(folder: Path) -> dict[str, bytes]:
    """Change files as an update does, and return the old.

    Files are changed, added, and removed.
    """
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.write_text("// another release")
    (folder / "new.js").write_text("// new")
    (folder / "logs.js").unlink()
    return before


async def test_update_before_restart(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, installed: Path
) -> None:
    """An address keeps serving the files that it names.

    Changes on disk do not matter.
    """
    assert await async_setup_component(hass, "frontend", {})
    assert await async_setup_component(hass, DOMAIN, {})
    url = only_address(hass, DATA_EXTRA_MODULE_URL)
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
    """The address for dashboards stays and is not cached.

    It loads the present version, also for Google Cast.
    """
    assert await async_setup_component(hass, "frontend", {})
    assert await async_setup_component(hass, DOMAIN, {})
    url = only_address(hass, DATA_EXTRA_MODULE_URL)
    client = await hass_client_no_auth()
    cast = {"Origin": "https://cast.home-assistant.io"}
    response = await client.get(f"/golioth/frontend/{MODULE}", headers=cast)
    assert response.content_type == "text/javascript"
    assert response.headers["Cache-Control"] == "no-cache"
    assert (
        await response.text()
        == f'export * from ".{url.removeprefix("/golioth/frontend")}";\n'
    )
    for answer in (response, await client.get(url, headers=cast)):
        assert answer.headers["Access-Control-Allow-Origin"] == cast["Origin"]


@pytest.mark.parametrize("module", [MODULE, "define-card.js", "too-old.js"])
async def test_further_try(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, module: str
) -> None:
    """Each retry has addresses of its own.

    This includes all imports.
    """
    assert await async_setup_component(hass, "frontend", {})
    assert await async_setup_component(hass, DOMAIN, {})
    folder = only_address(hass, DATA_EXTRA_MODULE_URL).rpartition("/")[0]
    version = folder.rpartition("/")[2]
    client = await hass_client()
    for number in ("1", "1796068800000"):
        response = await client.get(f"/golioth/frontend/{module}?try={number}")
        assert response.headers["Cache-Control"] == "no-cache"
        assert (
            await response.text() == f'export * from "./{version}.{number}/{module}";\n'
        )
        response = await client.get(f"{folder}.{number}/logs.js")
        assert await response.text() == (FOLDER / "logs.js").read_text("utf-8")
    for number in ("", "a", '1"', "1/..", "\u0661", "1" * 17):
        response = await client.get(
            f"/golioth/frontend/{module}", params={"try": number}
        )
        assert await response.text() == f'export * from "./{version}/{module}";\n'


@pytest.mark.parametrize(
    "path", ["logs.js", f"0123456789abcdef/{MODULE}", "..%2Fconst.py", "%00/a", ""]
)
async def test_no_other_address(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, path: str
) -> None:
    """Other addresses serve nothing."""
    assert await async_setup_component(hass, "frontend", {})
    assert await async_setup_component(hass, DOMAIN, {})
    client = await hass_client()
    response = await client.get(f"/golioth/frontend/{path}")
    # Home Assistant itself refuses some of them.
    assert response.status in (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST)


async def test_no_user_interface(hass: HomeAssistant) -> None:
    """The integration works without the user interface."""
    assert await async_setup_component(hass, DOMAIN, {})
    assert "frontend" not in hass.config.components


@pytest.mark.parametrize("module", modules())
def test_nothing_is_parsed(module: str) -> None:
    """Modules never parse HTML or run text.

    What devices send is shown only as text.
    """
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


def parse(code: str, ecma_version: int, source_type: str) -> str:
    """Return the error of a program in an ECMAScript version.

    It is empty if there is none.
    """
    node, _ = compute_driver_executable()
    process = subprocess.run(  # noqa: S603
        [node, "--expose-internals", "-e", PARSE, str(ecma_version), source_type],
        check=False,
        capture_output=True,
        input=code,
        text=True,
    )
    return process.stderr


@pytest.mark.parametrize("module", sorted(set(modules()) - set(SCRIPTS)))
def test_module_is_ecmascript_2020(module: str) -> None:
    """Modules need ECMAScript 2020 only.

    The README names the browsers.
    """
    assert not parse((FOLDER / module).read_text("utf-8"), 2020, "module")


def test_first_module_is_read_by_more() -> None:
    """The first module needs only modules and `import()`.

    It reports browsers that are too old for the others.
    """
    code = (FOLDER / MODULE).read_text("utf-8")
    assert not parse(code.replace("import(", "load("), 2015, "module")


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_is_ecmascript_5(script: str) -> None:
    """Scripts for browsers without modules need ECMAScript 5 only."""
    assert not parse((FOLDER / script).read_text("utf-8"), 5, "script")


@pytest.mark.parametrize(
    "later", ["a ??= 1", "class A { a = 1 }", "a = 1_000", "await a", "/a/v"]
)
def test_later_ecmascript_is_noticed(later: str) -> None:
    """Syntax later than ECMAScript 2020 is noticed."""
    assert "SyntaxError" in parse(later, 2020, "module")


async def test_older_browsers(hass: HomeAssistant) -> None:
    """Older browsers load a script of the same version.

    Home Assistant's build for them does so in place of the module.
    """
    assert await async_setup_component(hass, "frontend", {})
    assert await async_setup_component(hass, DOMAIN, {})
    module = only_address(hass, DATA_EXTRA_MODULE_URL)
    script = only_address(hass, DATA_EXTRA_JS_URL_ES5)
    assert script == f"{module.removesuffix(MODULE)}{LEGACY_SCRIPT}"


async def test_english_is_served(
    hass: HomeAssistant, hass_client: ClientSessionGenerator
) -> None:
    """The card has English texts before it requests any."""
    assert await async_setup_component(hass, "frontend", {})
    assert await async_setup_component(hass, DOMAIN, {})
    url = only_address(hass, DATA_EXTRA_MODULE_URL)
    client = await hass_client()
    response = await client.get(url.replace(MODULE, ENGLISH))
    assert response.content_type == "text/javascript"
    code = await response.text()
    assert not parse(code, 2020, "module")
    json_text = code.removeprefix("export const ENGLISH = ").removesuffix(";\n")
    assert json.loads(json_text) == {
        f"{PREFIX}{key}": text for key, text in texts("en").items()
    }


@pytest.mark.parametrize("language", languages())
async def test_home_assistant_gives_texts(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, language: str
) -> None:
    """Home Assistant serves the card's texts in each language."""
    assert await async_setup_component(hass, "frontend", {})
    assert await async_setup_component(hass, DOMAIN, {})
    client = await hass_ws_client()
    await client.send_json_auto_id(
        {
            "type": "frontend/get_translations",
            "language": language,
            "category": "config_panel",
            "integration": [DOMAIN],
        }
    )
    answer = await client.receive_json()
    assert answer["result"]["resources"] == {
        f"{PREFIX}{key}": text for key, text in texts(language).items()
    }


def test_texts_without_the_card_are_english() -> None:
    """Texts outside the card begin with the English translation."""
    for module, key in ALONE.items():
        code = (FOLDER / module).read_text("utf-8")
        assert f'"{texts("en")[key]}"' in code
        assert f'"{PREFIX}{key}"' in code


@pytest.mark.parametrize("language", languages())
def test_texts_are_complete(language: str) -> None:
    """Each language has all texts and their placeholders."""
    found, english = texts(language), texts("en")
    assert list(found) == list(english)
    for key, text in found.items():
        assert text.strip() == text != ""
        assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(english[key]))


@pytest.mark.parametrize("language", languages())
def test_levels_are_called_the_same(language: str) -> None:
    """The card names levels and fields like the integration."""
    found, translated = texts(language), translation(language)
    for level, name in translated["selector"]["level"]["options"].items():
        assert found[level] == name
    options = translated["options"]["step"]["init"]["data"]
    assert found["minimum_level"] == options["minimum_level"]


def test_every_text_is_used() -> None:
    """The modules use exactly the translated texts."""
    code = "".join((FOLDER / module).read_text("utf-8") for module in modules())
    keys = set(texts("en")) - set(ALONE.values())
    for key in keys:
        name = next(
            (key.removesuffix(form) for form in FORMS if key.endswith(form)), key
        )
        assert re.search(rf'"{name}"', code), key
    for asked in re.findall(r'\.text\(\s*"(\w+)"', code):
        assert asked in keys
    for asked in re.findall(r'\.count\(\s*"(\w+)"', code):
        assert {f"{asked}{form}" for form in FORMS} <= keys
