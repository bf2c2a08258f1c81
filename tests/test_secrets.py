"""Tests that the credential appears in no output."""

from collections.abc import Callable, Iterator
import gc
import logging
from typing import Any
from urllib.parse import quote
import warnings

import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.golioth.const import DOMAIN
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.json import json_dumps

from . import GREENHOUSE_NODE
from .events import LogEvents, wait_for_state
from .health import download_diagnostics, read_system_health
from .simulator import (
    GARBAGE_FRAMES,
    GoliothSimulator,
    Retirement,
    grpc_error_v1,
    grpc_error_v2,
)

CONNECTION = "binary_sensor.demo_project_connection"

pytestmark = pytest.mark.usefixtures("enable_custom_integrations", "impatient")


def traces_of(secret: str) -> set[str]:
    """Return every form in which a credential may appear."""
    return {secret, quote(secret), quote(secret, safe=""), secret.rstrip("=")}


@pytest.fixture(params=["api_key", "jwt"])
def secret(request: pytest.FixtureRequest, simulator: GoliothSimulator) -> str:
    """Return a valid credential of either kind."""
    return simulator.api_key if request.param == "api_key" else simulator.jwt()


@pytest.fixture
def everything_logged(
    caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> Iterator[Callable[[], str]]:
    """Capture all loggers at DEBUG, and return their output.

    Tracebacks and warnings are included.
    """
    logging.captureWarnings(capture=True)
    warnings.simplefilter("always")
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name)
    yield lambda: "\n".join([caplog.text, *(str(each.message) for each in recwarn)])
    logging.captureWarnings(capture=False)


async def test_full_run(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    secret: str,
    everything_logged: Callable[[], str],
    log_events: LogEvents,
    device_registry: dr.DeviceRegistry,
    hass_client: ClientSessionGenerator,
) -> None:
    """Nothing shows the credential, from set-up to removal.

    In between are faults of every kind.
    """
    form = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    shown = [json_dumps(form["errors"])]
    user_input = {
        "project_id": simulator.project_id,
        "api_key": secret,
        "advanced": {"api_url": simulator.url},
    }
    for address in ("http://example.com", "https://[", simulator.url):
        simulator.faults.rest_status = 500
        form = await hass.config_entries.flow.async_configure(
            form["flow_id"],
            {**user_input, "advanced": {"api_url": address}},
        )
        assert form["type"] is FlowResultType.FORM
        shown.append(repr(form["errors"]))
    simulator.faults.clear()
    result = await hass.config_entries.flow.async_configure(form["flow_id"], user_input)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = result["result"]
    await simulator.wait_for_streams(1)
    simulator.replay()
    for frame in GARBAGE_FRAMES:
        simulator.send_frame(frame)
    await log_events.wait_for(6)

    feed = entry.runtime_data.feed
    # The service echoes what it was sent wherever an answer can hold text.
    echo = f"rejected: {secret}"
    async with GoliothSimulator() as other:
        faults: list[dict[str, Any]] = [
            {"redirect_to": other.url},
            {"handshake_status": 503, "handshake_body": echo},
            {"handshake_status": 429, "handshake_headers": {"Retry-After": echo}},
            {"handshake_status": 403, "handshake_body": echo},
            # More than is read: an unread body would be reported with its address.
            {"handshake_status": 403, "handshake_body": echo * 20_000},
            {"handshake_status": 403, "handshake_html": True},
            {"handshake_status": 404, "handshake_headers": {"X-Echo": echo}},
            {"handshake_never": True},
            {"in_band_error": grpc_error_v1(14, 503, echo)},
            {"in_band_error": grpc_error_v2(16, echo)},
            {"not_found_after_101": True},
            {"rest_status": 500, "rest_headers": {"X-Echo": echo}},
            {"rest_status": 429, "rest_headers": {"Retry-After": echo}},
            {"rest_html": True},
            {"rest_delay": 0.5},
        ]
        for fault in faults:
            for name, value in fault.items():
                setattr(simulator.faults, name, value)
            handshakes, requests = len(simulator.handshakes), len(simulator.requests)
            await simulator.drop(None)
            await simulator.wait_until(
                lambda: (
                    len(simulator.handshakes) > handshakes  # noqa: B023
                    and len(simulator.requests) > requests  # noqa: B023
                )
            )
            shown.append(repr(feed.last_error))
            shown.append(await download_diagnostics(hass, hass_client, entry))
            shown.append(repr(await read_system_health(hass)))
            simulator.faults.clear()
            await simulator.wait_for_streams(1)
            await wait_for_state(hass, CONNECTION, "on")
        assert not other.handshakes
        # The system health checks that the server answers, without the credential.
        assert {request.path for request in other.requests} == {"/"}
    for form_of_end in Retirement:
        handshakes = len(simulator.handshakes)
        simulator.retire(form_of_end)
        await simulator.wait_until(
            lambda: len(simulator.handshakes) > handshakes  # noqa: B023
        )
        shown.append(repr(feed.last_error))
        shown.append(await download_diagnostics(hass, hass_client, entry))
        simulator.unretire()
        await simulator.wait_for_streams(1)
    for end in (simulator.reset, simulator.reset_mid_frame, simulator.stall):
        end()
        await simulator.wait_for_streams(0)
        simulator.resume()
        await simulator.wait_for_streams(1)
    await simulator.stop()
    await wait_for_state(hass, CONNECTION, "off")
    shown.append(await download_diagnostics(hass, hass_client, entry))
    shown.append(repr(await read_system_health(hass)))
    await simulator.start()
    await wait_for_state(hass, CONNECTION, "on")

    device = device_registry.async_get_device_by_identifier(
        (DOMAIN, GREENHOUSE_NODE), entry.entry_id
    )
    assert device is not None
    simulator.on_rpc = lambda _call: {"statusCode": 13, "detail": echo}
    for fault in (
        {},
        {"rest_status": 500, "rest_headers": {"X-Echo": echo}},
        {"rest_status": 400},
        {"rest_html": True},
        {"rest_cut": True},
    ):
        for name, value in fault.items():
            setattr(simulator.faults, name, value)
        for action, data in (("get_logs", {}), ("call_rpc", {"method": "reboot"})):
            try:
                response = await hass.services.async_call(
                    DOMAIN,
                    action,
                    {"device_id": device.id, **data},
                    blocking=True,
                    return_response=True,
                )
            except HomeAssistantError as err:
                shown.append(f"{err} {err.translation_placeholders}")
            else:
                shown.append(json_dumps(response))
        simulator.faults.clear()
    assert len(simulator.rpc_calls) == 2

    simulator.revoke()
    await simulator.drop()
    await wait_for_state(hass, CONNECTION, "off")
    await hass.async_block_till_done(wait_background_tasks=True)
    shown.extend(json_dumps(flow) for flow in hass.config_entries.flow.async_progress())
    shown.append(repr(feed.last_error))
    shown.append(await download_diagnostics(hass, hass_client, entry))
    shown.append(await download_diagnostics(hass, hass_client, entry, device))
    shown.append(repr(await read_system_health(hass)))
    shown.extend(json_dumps(state.as_dict()) for state in hass.states.async_all())
    shown.extend(json_dumps(event) for event in log_events)
    shown.extend([repr(entry), entry.title, str(entry.reason)])
    assert await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()

    # aiohttp and asyncio report open objects when these are collected.
    gc.collect()
    logged = everything_logged()
    assert "custom_components.golioth" in logged
    assert GREENHOUSE_NODE in "".join(shown)
    for trace in traces_of(secret):
        assert trace not in logged
        assert trace not in "".join(shown)
