"""Tests of setting up a project in the UI."""

from collections.abc import Callable
from typing import Any

from aiohttp import web
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.golioth.const import DOMAIN
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .simulator import GoliothSimulator

pytestmark = pytest.mark.usefixtures("enable_custom_integrations")


async def submit(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    *,
    project_id: str | None = None,
    api_key: str | None = None,
    api_url: str | None = None,
    flow_id: str | None = None,
) -> dict[str, Any]:
    """Submit the form, by default with what the simulator accepts."""
    if flow_id is None:
        form = await hass.config_entries.flow.async_init(
            DOMAIN, context={"source": SOURCE_USER}
        )
        assert form["type"] is FlowResultType.FORM
        assert form["errors"] == {}
        flow_id = form["flow_id"]
    return dict(
        await hass.config_entries.flow.async_configure(
            flow_id,
            {
                "project_id": simulator.project_id
                if project_id is None
                else project_id,
                "api_key": simulator.api_key if api_key is None else api_key,
                "advanced": {"api_url": simulator.url if api_url is None else api_url},
            },
        )
    )


def suggested(form: Any) -> dict[str, Any]:
    """Return the suggested values of a form.

    Those of sections are left out.
    """
    return {
        str(key): key.description["suggested_value"]
        for key in form["data_schema"].schema
        if key.description
    }


@pytest.mark.parametrize("kind", ["api_key", "jwt"])
async def test_user(
    hass: HomeAssistant, simulator: GoliothSimulator, kind: str
) -> None:
    """API keys and JWTs can set up a project.

    Blanks around the pasted values are removed.
    """
    secret = simulator.api_key if kind == "api_key" else simulator.jwt()
    result = await submit(
        hass,
        simulator,
        project_id=f" {simulator.project_id} ",
        api_key=f"{secret}\n",
        api_url=f"{simulator.url}/",
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Demo project"
    entry = result["result"]
    assert entry.unique_id == simulator.project_id
    assert entry.data == {
        "project_id": simulator.project_id,
        "api_key": secret,
        "api_url": simulator.url,
    }
    assert (entry.version, entry.minor_version) == (1, 1)
    await simulator.wait_for_streams(1)


@pytest.mark.parametrize(
    ("project_id", "api_key", "api_url"),
    [
        (
            "https://console.golioth.io/org/acme/project/{id}/devices",
            "x-api-key: {key}",
            "{url}/v1",
        ),
        (
            "https://api.golioth.io/v1/projects/{id}/logs?level=ERROR",
            "Authorization: Bearer {key}",
            "{url}/v1/projects",
        ),
        (
            "curl -H 'x-api-key: a+b==' https://api.golioth.io/v1/projects/{id}",
            'curl -H "x-api-key: {key}" https://api.golioth.io/v1/projects',
            "curl -H 'x-api-key: a+b==' {url}/v1/projects",
        ),
        (
            "GOLIOTH_PROJECT_ID={id}",
            'export GOLIOTH_API_KEY="{key}"',
            "{url}/v1/projects/demo/logs?level=ERROR",
        ),
    ],
)
async def test_pasted_text(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    project_id: str,
    api_key: str,
    api_url: str,
) -> None:
    """Pasted addresses and commands work as input.

    Only the value that the field asks for is stored.
    """
    result = await submit(
        hass,
        simulator,
        project_id=project_id.format(id=simulator.project_id),
        api_key=api_key.format(key=simulator.api_key),
        api_url=api_url.format(url=simulator.url),
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = result["result"]
    assert entry.unique_id == simulator.project_id
    assert entry.data == {
        "project_id": simulator.project_id,
        "api_key": simulator.api_key,
        "api_url": simulator.url,
    }


async def test_known_project_that_is_pasted_as_an_address(
    hass: HomeAssistant, simulator: GoliothSimulator, config_entry: MockConfigEntry
) -> None:
    """A project is set up once, however its ID looks."""
    result = await submit(
        hass, simulator, project_id="https://console.golioth.io/org/a/project/demo"
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert not simulator.requests


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        (
            {"project_id": "https://console.golioth.io/project-settings/api-keys"},
            {"project_id": "no_project_id"},
        ),
        (
            {"project_id": "curl -H 'x-api-key: a+b==' https://api.golioth.io/v1/"},
            {"project_id": "no_project_id"},
        ),
        ({"project_id": "x-api-key: a+b=="}, {"project_id": "no_project_id"}),
        (
            {"api_url": "https://console.golioth.io/org/acme/project/demo"},
            {"advanced": "console_address"},
        ),
        ({"api_url": "console.golioth.io"}, {"advanced": "console_address"}),
        (
            {"api_key": "curl https://api.golioth.io/v1/projects"},
            {"api_key": "invalid_auth"},
        ),
    ],
)
async def test_paste_without_the_value(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    given: dict[str, str],
    errors: dict[str, str],
) -> None:
    """A paste without the value is reported at its field.

    Nothing of it is sent, or kept as the flow's ID.
    """
    result = await submit(hass, simulator, **given)
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == errors
    assert not simulator.requests
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"].get("unique_id") in {None, simulator.project_id}
    result = await submit(hass, simulator, flow_id=result["flow_id"])
    assert result["type"] is FlowResultType.CREATE_ENTRY


def _revoke(simulator: GoliothSimulator) -> None:
    simulator.revoke()


def _html(simulator: GoliothSimulator) -> None:
    simulator.faults.rest_html = True


def _html_404(simulator: GoliothSimulator) -> None:
    simulator.faults.rest_html = True
    simulator.faults.rest_status = 404


def _redirect(simulator: GoliothSimulator) -> None:
    simulator.faults.redirect_to = "http://localhost:1"


def _error(simulator: GoliothSimulator) -> None:
    simulator.faults.rest_status = 500


def _forbidden_by_a_proxy(simulator: GoliothSimulator) -> None:
    simulator.faults.rest_html = True
    simulator.faults.rest_status = 403


@pytest.mark.parametrize(
    ("fault", "errors"),
    [
        (_revoke, {"api_key": "invalid_auth"}),
        (_html, {"advanced": "not_golioth"}),
        (_html_404, {"advanced": "not_golioth"}),
        (_redirect, {"advanced": "not_golioth"}),
        (_forbidden_by_a_proxy, {"advanced": "not_golioth"}),
        (_error, {"advanced": "cannot_connect"}),
    ],
)
async def test_service_that_does_not_take_it(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    fault: Callable[[GoliothSimulator], None],
    errors: dict[str, str],
) -> None:
    """Each fault is reported at its field.

    Nothing is saved, and the form can be sent again.
    """
    fault(simulator)
    result = await submit(hass, simulator)
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == errors
    assert suggested(result) == {
        "project_id": simulator.project_id,
        "api_key": simulator.api_key,
    }
    assert not hass.config_entries.async_entries(DOMAIN)

    simulator.faults.clear()
    simulator.restore()
    result = await submit(hass, simulator, flow_id=result["flow_id"])
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        ({"api_key": "wrong"}, {"api_key": "invalid_auth"}),
        ({"api_key": ""}, {"api_key": "invalid_auth"}),
        ({"api_key": "two words"}, {"api_key": "invalid_auth"}),
        ({"api_key": "line\r\nx-other: 1"}, {"api_key": "invalid_auth"}),
        ({"project_id": "wrong"}, {"project_id": "project_not_found"}),
        ({"project_id": ""}, {"project_id": "project_not_found"}),
        ({"project_id": "../projects"}, {"project_id": "project_not_found"}),
        ({"api_url": "http://example.com"}, {"advanced": "insecure_address"}),
        ({"api_url": "http://192.168.1.1:8080"}, {"advanced": "insecure_address"}),
        ({"api_url": "ftp://example.com"}, {"advanced": "invalid_address"}),
        ({"api_url": "https://exa mple.com"}, {"advanced": "invalid_address"}),
        ({"api_url": ""}, {"advanced": "invalid_address"}),
    ],
    ids=str,
)
async def test_wrong_input(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    given: dict[str, str],
    errors: dict[str, str],
) -> None:
    """Invalid input is reported at its field, and not saved."""
    result = await submit(hass, simulator, **given)
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == errors
    assert not hass.config_entries.async_entries(DOMAIN)
    result = await submit(hass, simulator, flow_id=result["flow_id"])
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_project_that_the_key_is_forbidden(
    hass: HomeAssistant, simulator: GoliothSimulator
) -> None:
    """A key for another project is not called invalid.

    This holds even if the service answers both with the same status.
    """
    simulator.unknown_project_status = 403
    result = await submit(hass, simulator, project_id="other")
    assert result["errors"] == {"project_id": "project_not_found"}
    result = await submit(
        hass,
        simulator,
        project_id="other",
        api_key="wrong",
        flow_id=result["flow_id"],
    )
    assert result["errors"] == {"api_key": "invalid_auth"}


async def test_host_that_refuses(
    hass: HomeAssistant, simulator: GoliothSimulator
) -> None:
    """An unreachable host is reported at the address."""
    await simulator.refuse()
    result = await submit(hass, simulator)
    assert result["errors"] == {"advanced": "cannot_connect"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"[]",
        b"{}",
        b'{"data":null}',
        b'{"data":{}}',
        b"x" * 9_000_000,
    ],
    ids=lambda body: repr(body[:20]),
)
async def test_host_that_is_not_golioth(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    aiohttp_server: Any,
    body: bytes,
) -> None:
    """A service other than Golioth is reported at the address."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    server = await aiohttp_server(application)
    result = await submit(
        hass, simulator, api_url=f"http://{server.host}:{server.port}"
    )
    assert result["errors"] == {"advanced": "not_golioth"}


async def test_answer_of_another_project(
    hass: HomeAssistant, simulator: GoliothSimulator, aiohttp_server: Any
) -> None:
    """An answer about another project is not accepted."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"data": {"id": "other", "name": "Other project"}})

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    server = await aiohttp_server(application)
    result = await submit(
        hass, simulator, api_url=f"http://{server.host}:{server.port}"
    )
    assert result["errors"] == {"project_id": "project_not_found"}


async def test_project_that_is_set_up_already(
    hass: HomeAssistant, simulator: GoliothSimulator, config_entry: MockConfigEntry
) -> None:
    """A project is set up once."""
    result = await submit(hass, simulator)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert not simulator.requests


async def test_form_that_was_left_open(
    hass: HomeAssistant, simulator: GoliothSimulator
) -> None:
    """A form left open does not block a second one."""
    await submit(hass, simulator, api_key="wrong")
    result = await submit(hass, simulator)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert not hass.config_entries.flow.async_progress_by_handler(DOMAIN)


async def test_error_in_the_advanced_section_is_not_hidden(
    hass: HomeAssistant, simulator: GoliothSimulator
) -> None:
    """The section opens when it has an error.

    It is closed at first.
    """

    def is_collapsed(form: Any) -> bool:
        section = form["data_schema"].schema["advanced"]
        collapsed: bool = section.options["collapsed"]
        return collapsed

    form = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    assert is_collapsed(form)
    form_id = form["flow_id"]
    assert is_collapsed(await submit(hass, simulator, api_key="wrong", flow_id=form_id))
    assert not is_collapsed(
        await submit(hass, simulator, api_url="nothing here", flow_id=form_id)
    )


@pytest.mark.parametrize("pasted", [" bmV3 ", "x-api-key: bmV3"])
async def test_reauthentication(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    pasted: str,
) -> None:
    """A new key is checked, and then used at once."""
    simulator.restore(api_key="bmV3")
    form = await streaming.start_reauth_flow(hass)
    assert form["step_id"] == "reauth_confirm"
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"api_key": "wrong"}
    )
    assert result["errors"] == {"api_key": "invalid_auth"}
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"api_key": pasted}
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    assert streaming.data["api_key"] == "bmV3"
    await hass.async_block_till_done()
    await simulator.wait_for_streams(1)


def _another_project(simulator: GoliothSimulator) -> None:
    simulator.unknown_project_status = 403


@pytest.mark.parametrize(
    ("fault", "project_id", "errors"),
    [
        (_html, "demo", {"base": "not_golioth"}),
        (_error, "demo", {"base": "cannot_connect"}),
        (_revoke, "demo", {"api_key": "invalid_auth"}),
        (_another_project, "other", {"api_key": "wrong_project"}),
    ],
)
async def test_reauthentication_that_fails(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    fault: Callable[[GoliothSimulator], None],
    project_id: str,
    errors: dict[str, str],
) -> None:
    """Each fault is reported at its field.

    The form can be sent again.
    """
    fault(simulator)
    hass.config_entries.async_update_entry(
        config_entry, data={**config_entry.data, "project_id": project_id}
    )
    form = await config_entry.start_reauth_flow(hass)
    assert suggested(form) == {}
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"api_key": simulator.api_key}
    )
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == errors
    assert suggested(result) == {"api_key": simulator.api_key}

    simulator.faults.clear()
    simulator.restore()
    hass.config_entries.async_update_entry(
        config_entry, data={**config_entry.data, "project_id": "demo"}
    )
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"api_key": simulator.api_key}
    )
    assert result["reason"] == "reauth_successful"
    await simulator.wait_for_streams(1)


@pytest.mark.parametrize("pasted", [" {url}/ ", "{url}/v1/projects"])
async def test_another_address(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    pasted: str,
) -> None:
    """The address can be changed without knowing the key.

    The key is not shown.
    """
    api_key = simulator.api_key
    form = await streaming.start_reconfigure_flow(hass)
    assert form["step_id"] == "reconfigure"
    assert form["errors"] == {}
    assert suggested(form) == {"api_url": simulator.url}
    async with GoliothSimulator(api_key=api_key) as other:
        result = await hass.config_entries.flow.async_configure(
            form["flow_id"], {"api_url": pasted.format(url=other.url)}
        )
        assert result["type"] is FlowResultType.ABORT
        assert result["reason"] == "reconfigure_successful"
        assert streaming.data == {
            "project_id": "demo",
            "api_key": api_key,
            "api_url": other.url,
        }
        await other.wait_for_streams(1)
        await simulator.wait_for_streams(0)
        assert await hass.config_entries.async_unload(streaming.entry_id)


@pytest.mark.parametrize(
    "api_key", [" bmV3 ", "curl -H 'x-api-key: bmV3'", "", " "], ids=repr
)
async def test_another_key(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    api_key: str,
) -> None:
    """A new key is checked, and then used at once.

    An empty field keeps the old key.
    """
    if api_key.strip():
        simulator.restore(api_key="bmV3")
    form = await streaming.start_reconfigure_flow(hass)
    handshakes = len(simulator.handshakes)
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"api_key": api_key, "api_url": simulator.url}
    )
    assert result["reason"] == "reconfigure_successful"
    assert streaming.data["api_key"] == simulator.api_key
    await simulator.wait_until(lambda: len(simulator.handshakes) > handshakes)
    await simulator.wait_for_streams(1)


@pytest.mark.parametrize(
    ("fault", "given", "errors"),
    [
        (None, {"api_key": "wrong"}, {"api_key": "invalid_auth"}),
        (None, {"api_key": "two words"}, {"api_key": "invalid_auth"}),
        (_revoke, {}, {"api_key": "invalid_auth"}),
        (None, {"api_url": "http://example.com"}, {"api_url": "insecure_address"}),
        (None, {"api_url": "ftp://example.com"}, {"api_url": "invalid_address"}),
        (
            None,
            {"api_url": "https://console.golioth.io"},
            {"api_url": "console_address"},
        ),
        (_html, {}, {"api_url": "not_golioth"}),
        (_redirect, {}, {"api_url": "not_golioth"}),
        (_error, {}, {"api_url": "cannot_connect"}),
    ],
)
async def test_reconfiguration_that_fails(
    hass: HomeAssistant,
    config_entry: MockConfigEntry,
    simulator: GoliothSimulator,
    fault: Callable[[GoliothSimulator], None] | None,
    given: dict[str, str],
    errors: dict[str, str],
) -> None:
    """Each fault is reported at its field.

    Nothing is changed, and the form can be sent again.
    """
    before = dict(config_entry.data)
    if fault is not None:
        fault(simulator)
    form = await config_entry.start_reconfigure_flow(hass)
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"api_url": simulator.url, **given}
    )
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == errors
    assert dict(config_entry.data) == before
    assert suggested(result) == {"api_url": simulator.url, **given}

    simulator.faults.clear()
    simulator.restore()
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"api_url": simulator.url}
    )
    assert result["reason"] == "reconfigure_successful"
    assert dict(config_entry.data) == before
    await simulator.wait_for_streams(1)


async def test_reconfiguration_with_the_key_of_another_project(
    hass: HomeAssistant, config_entry: MockConfigEntry, simulator: GoliothSimulator
) -> None:
    """A key for another project is reported at the key."""
    async with GoliothSimulator("other", api_key="b3RoZXI=") as other:
        form = await config_entry.start_reconfigure_flow(hass)
        result = await hass.config_entries.flow.async_configure(
            form["flow_id"], {"api_key": "b3RoZXI=", "api_url": other.url}
        )
        assert result["errors"] == {"api_key": "wrong_project"}


async def test_unexpected_error_is_not_hidden(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Bugs of ours are logged, and the form reports them."""
    monkeypatch.delattr(
        "custom_components.golioth.client.GoliothRest.project", raising=True
    )
    result = await submit(hass, simulator)
    assert result["errors"] == {"base": "unknown"}
    assert "Unexpected exception" in caplog.text
