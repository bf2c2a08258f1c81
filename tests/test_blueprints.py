"""Tests of the blueprints, in automations that run."""

from datetime import timedelta
import json
from pathlib import Path
import shutil
from typing import Any
from urllib.parse import quote

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.golioth.const import EVENT_GOLIOTH_LOG
from homeassistant.components import persistent_notification
from homeassistant.components.automation import automations_with_blueprint
from homeassistant.components.automation.helpers import async_get_blueprints
from homeassistant.core import HomeAssistant, callback
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from . import GREENHOUSE_NODE, WATER_METER
from .documents import read
from .events import LogEvents, wait_for_live_logs
from .simulator import GoliothSimulator, RpcCall
from .triggers.test_log_received import wait_for_runs

ROOT = Path(__file__).parents[1]
MANIFEST = json.loads(
    (ROOT / "custom_components" / "golioth" / "manifest.json").read_text("utf-8")
)
FOLDER = ROOT / "blueprints" / "automation" / "golioth"
BLUEPRINTS = sorted(path.name for path in FOLDER.iterdir())

COOL_DOWN = {"hours": 0, "minutes": 10, "seconds": 0}
# Every form in which Home Assistant accepts ten minutes, and then one second.
every_form = pytest.mark.parametrize(
    "duration",
    [
        "00:10:00",
        "+0:10",
        600,
        600.0,
        "600",
        {"minutes": "10"},
        {"minutes": 10},
        {"days": 0, "hours": "0", "minutes": 9, "seconds": 59, "milliseconds": 1000},
    ],
    ids=str,
)
every_short_form = pytest.mark.parametrize(
    "duration",
    ["00:00:01", 1, 1.0, "1", {"seconds": "1"}, {"milliseconds": 1000}],
    ids=str,
)
AUTOMATION = "automation.from_blueprint"


class Notifications(LogEvents):
    """Every persistent notification that was created, in order."""

    @callback
    def async_handle_update(
        self,
        update_type: persistent_notification.UpdateType,
        notifications: dict[str, persistent_notification.Notification],
    ) -> None:
        """Add new notifications."""
        if update_type is persistent_notification.UpdateType.ADDED:
            self.extend(
                {"title": notification["title"], "message": notification["message"]}
                for notification in notifications.values()
            )
            self._arrived.set()


@pytest.fixture
async def notifications(hass: HomeAssistant) -> Notifications:
    """Capture persistent notifications.

    Home Assistant itself sets them up when it starts; a test has to.
    """
    assert await async_setup_component(hass, persistent_notification.DOMAIN, {})
    notifications = Notifications()
    persistent_notification.async_register_callback(
        hass, notifications.async_handle_update
    )
    return notifications


@pytest.fixture(autouse=True)
def imported(hass: HomeAssistant) -> None:
    """Copy the blueprints to where Home Assistant imports them."""
    shutil.copytree(FOLDER, hass.config.path("blueprints", "automation", "golioth"))


async def automate(hass: HomeAssistant, blueprint: str, **inputs: Any) -> None:
    """Set up an automation from a blueprint."""
    path = f"golioth/{blueprint}"
    assert await async_setup_component(
        hass,
        "automation",
        {
            "automation": [
                {
                    "id": "from_blueprint",
                    "alias": "From blueprint",
                    "use_blueprint": {"path": path, "input": inputs},
                }
            ]
        },
    )
    await hass.async_block_till_done(wait_background_tasks=False)
    state = hass.states.get(AUTOMATION)
    assert state is not None
    assert state.state == "on"
    assert automations_with_blueprint(hass, path) == [AUTOMATION]


@pytest.mark.parametrize("name", BLUEPRINTS)
async def test_blueprint(hass: HomeAssistant, name: str) -> None:
    """Home Assistant accepts each blueprint.

    It has the metadata that users need, and says what happens to runs that overlap.
    """
    blueprint = await async_get_blueprints(hass).async_get_blueprint(f"golioth/{name}")
    assert blueprint.validate() is None
    assert blueprint.data["mode"] in ("single", "queued", "parallel", "restart")
    assert ("max" in blueprint.data) is (blueprint.data["mode"] == "queued")
    assert "max_exceeded" in blueprint.data
    metadata = blueprint.metadata
    assert set(metadata) == {
        "name",
        "description",
        "domain",
        "source_url",
        "homeassistant",
        "input",
    }
    assert metadata["source_url"] == (
        f"{MANIFEST['documentation']}/blob/main/blueprints/automation/golioth/{name}"
    )
    assert metadata["homeassistant"] == {"min_version": "2026.10.0"}
    for field in blueprint.inputs.values():
        assert set(field) >= {"name", "description", "selector"}


async def test_documents_have_every_blueprint() -> None:
    """The page of automations links each blueprint.

    A button imports it.
    """
    page = read("docs/automations.md")
    for name in BLUEPRINTS:
        address = f"{MANIFEST['documentation']}/blob/main/blueprints/automation/golioth/{name}"
        assert f"]: {address}\n" in page
        # The button opens the import with this address.
        button = (
            "https://my.home-assistant.io/redirect/blueprint_import/?blueprint_url="
        )
        assert f"]: {button}{quote(address, safe='')}\n" in page


async def test_notify_on_log(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    notifications: Notifications,
    greenhouse: str,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A log of the level notifies, once per cool-down."""
    await automate(
        hass,
        "notify_on_log.yaml",
        devices={"device_id": greenhouse},
        level="warn",
        cool_down=COOL_DOWN,
    )
    simulator.log("lower", device=GREENHOUSE_NODE, level="INFO")
    simulator.log("other device", device=WATER_METER, level="ERROR")
    await wait_for_runs(hass, log_events, 2)
    assert notifications == []

    for number in range(10):
        simulator.log(f"[{number}]", device=GREENHOUSE_NODE, level="WARN")
    await wait_for_runs(hass, log_events, 12)
    first = {"title": "Log from greenhouse-node", "message": "warn:\n\n    [0]"}
    assert notifications == [first]

    freezer.tick(9 * 60)
    simulator.log("too early", device=GREENHOUSE_NODE, level="ERROR")
    await wait_for_runs(hass, log_events, 13)
    assert notifications == [first]

    freezer.tick(2 * 60)
    simulator.log("again", device=GREENHOUSE_NODE, level="ERROR")
    await wait_for_runs(hass, log_events, 14)
    assert notifications[1:] == [{**first, "message": "error:\n\n    again"}]


@every_form
async def test_notify_of_each_device(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    notifications: Notifications,
    greenhouse: str,
    water_meter: str,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    duration: Any,
) -> None:
    """Each device has a cool-down of its own.

    This holds for logs at the same time as well.
    """
    await automate(
        hass,
        "notify_on_log.yaml",
        devices={"device_id": [greenhouse, water_meter]},
        cool_down=duration,
    )
    for _ in range(2):
        for message in ("one", "two"):
            simulator.log(message, device=GREENHOUSE_NODE, level="ERROR")
            simulator.log(message, device=WATER_METER, level="ERROR")
        await wait_for_runs(hass, log_events, 4)
        freezer.tick(599)
        simulator.log("too early", device=GREENHOUSE_NODE, level="ERROR")
        await wait_for_runs(hass, log_events, 5)
        freezer.tick(1)
        assert notifications == [
            {"title": f"Log from {device}", "message": "error:\n\n    one"}
            for device in ("greenhouse-node", "water-meter")
        ]
        log_events.clear()
        notifications.clear()
    assert "Error evaluating" not in caplog.text
    assert "rendering" not in caplog.text


async def test_notify_with_other_actions(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    notifications: Notifications,
    greenhouse: str,
) -> None:
    """Actions of the user replace the notification.

    They get the texts and the log.
    """
    notified = LogEvents()
    hass.bus.async_listen("test_notified", notified.async_handle_event)
    await automate(
        hass,
        "notify_on_log.yaml",
        devices={"device_id": [greenhouse]},
        actions=[
            {
                "event": "test_notified",
                "event_data": {
                    "title": "{{ title }}",
                    "message": "{{ message }}",
                    "module": "{{ trigger.module }}",
                },
            }
        ],
    )
    # Level and cool-down are the defaults of the blueprint.
    simulator.log("lower", device=GREENHOUSE_NODE, level="WARN")
    simulator.log("low", device=GREENHOUSE_NODE, level="ERROR", module="power")
    simulator.log("too early", device=GREENHOUSE_NODE, level="ERROR", module="power")
    await wait_for_runs(hass, log_events, 3)
    assert notified == [
        {
            "title": "Log from greenhouse-node",
            "message": "error:\n\n    low",
            "module": "power",
        }
    ]
    assert notifications == []


async def test_restart_device(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    greenhouse: str,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A matching log restarts its device.

    The device may log the same again when it starts.
    """

    def restart(call: RpcCall) -> dict[str, Any]:
        simulator.log("Out of memory", device=GREENHOUSE_NODE)
        return {"statusCode": 0}

    simulator.on_rpc = restart
    await automate(
        hass,
        "restart_device.yaml",
        device=greenhouse,
        message="out of MEMORY",
        cool_down=COOL_DOWN,
    )
    simulator.log("memory is fine", device=GREENHOUSE_NODE, level="ERROR")
    simulator.log("Out of memory", device=WATER_METER)
    await wait_for_runs(hass, log_events, 2)
    # Logs that were caught up or have no time may be old news.
    event = log_events[1] | {
        "device_id": greenhouse,
        "timestamp": dt_util.utcnow().isoformat(),
    }
    for changes in ({"source": "catch_up"}, {"timestamp": ""}):
        hass.bus.async_fire(EVENT_GOLIOTH_LOG, event | changes)
    await wait_for_runs(hass, log_events, 4)
    assert simulator.rpc_calls == []

    simulator.log("Out of memory!", device=GREENHOUSE_NODE)
    await wait_for_runs(hass, log_events, 6)
    simulator.log("Out of memory, still", device=GREENHOUSE_NODE)
    await wait_for_runs(hass, log_events, 7)
    assert [
        (call.device.id, call.method, call.params) for call in simulator.rpc_calls
    ] == [(GREENHOUSE_NODE, "reboot", [])]

    freezer.tick(11 * 60)
    simulator.log(
        "Out of memory once more",
        device=GREENHOUSE_NODE,
        timestamp=dt_util.utcnow().isoformat(),
    )
    await wait_for_runs(hass, log_events, 9)
    assert len(simulator.rpc_calls) == 2


@every_form
async def test_durations_of_a_restart(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    greenhouse: str,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    duration: Any,
) -> None:
    """Cool-down and age work in every form of a duration."""
    await automate(
        hass,
        "restart_device.yaml",
        device=greenhouse,
        message="stuck",
        cool_down=duration,
        maximum_age=duration,
    )

    async def restarts(age: int = 0) -> int:
        simulator.log(
            "stuck",
            device=GREENHOUSE_NODE,
            timestamp=(dt_util.utcnow() - timedelta(seconds=age)).isoformat(),
        )
        await wait_for_runs(hass, log_events, len(log_events) + 1)
        return len(simulator.rpc_calls)

    assert await restarts(601) == 0
    assert await restarts(599) == 1
    freezer.tick(590)
    assert await restarts() == 1
    freezer.tick(20)
    assert await restarts() == 2
    assert "Error evaluating" not in caplog.text
    assert "rendering" not in caplog.text


async def test_restart_on_old_logs(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    greenhouse: str,
) -> None:
    """A log from before a restart causes no other one.

    This holds for streamed and caught-up logs. A fresh log does restart the device.
    """
    await automate(
        hass, "restart_device.yaml", device=greenhouse, message="Out of memory"
    )
    await wait_for_live_logs(streaming)
    now = dt_util.utcnow()

    def log(message: str, age: timedelta) -> None:
        # As precise as Golioth's timestamps.
        timestamp = (now - age).strftime("%Y-%m-%dT%H:%M:%S.%f789Z")
        simulator.log(message, device=GREENHOUSE_NODE, timestamp=timestamp)

    # Delayed by the device.
    log("Out of memory, long ago", timedelta(minutes=6))
    await wait_for_runs(hass, log_events, 1)
    assert log_events[-1]["source"] == "stream"
    # Caught up after a reload.
    assert await hass.config_entries.async_unload(streaming.entry_id)
    log("Out of memory, before the reload", timedelta(minutes=1))
    assert await hass.config_entries.async_setup(streaming.entry_id)
    await wait_for_runs(hass, log_events, 2)
    assert log_events[-1]["source"] == "catch_up"
    await wait_for_live_logs(streaming)
    assert simulator.rpc_calls == []

    log("Out of memory", timedelta(minutes=4))
    await wait_for_runs(hass, log_events, 3)
    assert [call.method for call in simulator.rpc_calls] == ["reboot"]


async def test_restart_on_logs_of_another_age(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    greenhouse: str,
) -> None:
    """The user chooses the age of logs that are ignored."""
    await automate(
        hass,
        "restart_device.yaml",
        device=greenhouse,
        message="stuck",
        maximum_age={"hours": 1, "minutes": 0, "seconds": 0},
    )
    for minutes in (61, 59):
        simulator.log(
            f"stuck {minutes}",
            device=GREENHOUSE_NODE,
            timestamp=(dt_util.utcnow() - timedelta(minutes=minutes)).isoformat(),
        )
        await wait_for_runs(hass, log_events, 1 if minutes == 61 else 2)
        assert len(simulator.rpc_calls) == (0 if minutes == 61 else 1)


async def test_restart_by_another_method(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    log_events: LogEvents,
    greenhouse: str,
) -> None:
    """Firmware may have another name for the method."""
    await automate(
        hass,
        "restart_device.yaml",
        device=greenhouse,
        message="stuck",
        method="reset",
    )
    simulator.log("I am stuck", device=GREENHOUSE_NODE)
    simulator.log("I am stuck", device=GREENHOUSE_NODE)
    await wait_for_runs(hass, log_events, 2)
    assert [call.method for call in simulator.rpc_calls] == ["reset"]


@every_short_form
async def test_alert_on_silence(
    hass: HomeAssistant,
    simulator: GoliothSimulator,
    notifications: Notifications,
    greenhouse: str,
    duration: Any,
) -> None:
    """Each silence of a device is reported once."""
    await automate(
        hass,
        "alert_on_silence.yaml",
        devices={"device_id": greenhouse},
        duration=duration,
    )
    alert = {
        "title": "No log from greenhouse-node",
        "message": "It has logged nothing for 0:00:01",
    }
    await notifications.wait_for(1)
    assert notifications == [alert]
    simulator.log("back", device=GREENHOUSE_NODE)
    await notifications.wait_for(2)
    assert notifications == [alert, alert]
