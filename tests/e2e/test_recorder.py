"""The recorder stores text that a database cannot hold.

In SQLite and PostgreSQL.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
import json
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import create_engine, text

from tests import GREENHOUSE_NODE, WATER_METER
from tests.demo.api import HomeAssistantApi
from tests.demo.home_assistant import HomeAssistantProcess, Login
from tests.simulator import GoliothSimulator

from .postgresql import PostgresqlServer

OTHER_SENSOR: Final = "sensor.others"
END: Final = "sensor.end"
LOGS: Final = 20
BAD: Final = ("\0", "\ud800", "\0\udfff\0")

# Seconds to wait for the recorder. Only a failure takes so long.
PATIENCE: Final = 30

STATES: Final = text(
    "SELECT states_meta.entity_id, states.state FROM states"
    " JOIN states_meta ON states.metadata_id = states_meta.metadata_id"
    " ORDER BY states.last_updated_ts, states.state_id"
)
ATTRIBUTES: Final = text("SELECT shared_attrs FROM state_attributes")
EVENTS: Final = text(
    "SELECT event_data.shared_data FROM events"
    " JOIN event_types ON events.event_type_id = event_types.event_type_id"
    " JOIN event_data ON events.data_id = event_data.data_id"
    " WHERE event_types.event_type = 'golioth_log'"
    " ORDER BY events.time_fired_ts, events.event_id"
)
AS_JSON: Final = (
    text("SELECT CAST(shared_data AS jsonb) FROM event_data"),
    text("SELECT CAST(shared_attrs AS jsonb) FROM state_attributes"),
)


class Database:
    """The recorder's database."""

    def __init__(self, url: str) -> None:
        """Store the address, without a connection."""
        self._url = url

    async def read(self, query: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""

        def read() -> list[tuple[Any, ...]]:
            engine = create_engine(self._url)
            try:
                with engine.connect() as connection:
                    return [tuple(row) for row in connection.execute(query)]
            finally:
                engine.dispose()

        return await asyncio.to_thread(read)

    async def states(self, entity_id: str) -> list[str]:
        """Return the states of an entity, in order."""
        return [state for of, state in await self.read(STATES) if of == entity_id]


@pytest.fixture(params=["sqlite", "postgresql"])
async def recorder_url(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[str | None]:
    """Return the default database, or run a PostgreSQL."""
    if request.param == "sqlite":
        yield None
        return
    async with PostgresqlServer(tmp_path / "postgresql.log") as server:
        yield server.url


@pytest.fixture
def database(
    recorder_url: str | None, own_home_assistant: HomeAssistantProcess
) -> Database:
    """Return the database of the test's own Home Assistant."""
    path = own_home_assistant.config_dir / "home-assistant_v2.db"
    return Database(recorder_url or f"sqlite:///{path}")


@pytest.fixture
async def own_api(
    own_home_assistant: HomeAssistantProcess, own_login: Login
) -> AsyncIterator[HomeAssistantApi]:
    """Open the API of the test's own Home Assistant."""
    async with HomeAssistantApi(
        own_home_assistant.url, own_login.access_token
    ) as own_api:
        await own_api.wait_until_running()
        yield own_api


async def test_text_that_a_database_cannot_hold(
    own_home_assistant: HomeAssistantProcess,
    own_api: HomeAssistantApi,
    database: Database,
    recorder_url: str | None,
) -> None:
    """Each log with such text is recorded.

    And so is what others record at the same time.
    """
    start = datetime.now(UTC)
    async with GoliothSimulator("allotment", "Allot\0ment") as simulator:
        simulator.add_device("greenhouse\0", device_id=GREENHOUSE_NODE)
        simulator.add_device("water\ud800", device_id=WATER_METER)
        await own_api.add_project(
            simulator.project_id, simulator.api_key, simulator.url
        )
        await simulator.wait_for_streams(1)
        events = await own_api.subscribe("golioth_log")
        for number in range(LOGS):
            # The recorder commits once a second, so both are in one commit.
            await own_api.post(f"/api/states/{OTHER_SENSOR}", {"state": str(number)})
            bad = BAD[number % len(BAD)]
            simulator.log(
                f"v1.2.{number}{bad}{bad}",
                device=WATER_METER if number % 2 else GREENHOUSE_NODE,
                level=f"TRACE{bad}" if number % 4 else "ERROR",
                module=f"net{bad}work",
                type=f"LOGGING{bad}",
                metadata={f"key{bad}": f"{bad}value{bad}", "a": [{bad: [bad]}]},
            )
            await anext(events)
        async with asyncio.timeout(PATIENCE):
            # Once this row is written, those before it are written or lost.
            for number in count():
                await own_api.post(f"/api/states/{END}", {"state": str(number)})
                if await database.states(END):
                    break
                await asyncio.sleep(0.1)

        assert await database.states(OTHER_SENSOR) == [
            str(each) for each in range(LOGS)
        ]
        recorded = [json.loads(data) for (data,) in await database.read(EVENTS)]
        assert len(recorded) == LOGS
        for number, event in enumerate(recorded):
            # For PostgreSQL, the recorder cuts an event's texts at the first U+0000.
            assert event["message"].startswith(f"v1.2.{number}")
            assert len(event["metadata"]) == 2
        for device, first in (("greenhouse", "v1.2.0"), ("water", "v1.2.1")):
            states = await database.states(f"sensor.{device}_last_log")
            assert first in [state.rstrip("\ufffd") for state in states]
            assert len(await database.states(f"event.{device}_log")) >= LOGS // 2
        assert not [state for _, state in await database.read(STATES) if "\0" in state]
        attributes = [each for (each,) in await database.read(ATTRIBUTES) if each]
        assert attributes
        assert not [each for each in attributes if "\\u0000" in each]
        # Activity casts to JSON too, and shows nothing where one row is invalid.
        for query in AS_JSON if recorder_url is not None else ():
            assert await database.read(query)

        devices = await own_api.command("config/device_registry/list")
        entities = await own_api.command("config/entity_registry/list")
        assert "\\u0000" not in json.dumps([devices, entities])
        rows = await own_api.command(
            "logbook/get_events",
            start_time=start.isoformat(),
            device_ids=[each["id"] for each in devices],
            entity_ids=[each["entity_id"] for each in entities],
        )
        assert len(rows) >= LOGS
    log = own_home_assistant.log_path.read_text("utf-8", errors="replace")
    errors = [line for line in log.splitlines() if " ERROR " in line]
    assert not [line for line in errors if "recorder" in line or "logbook" in line]
