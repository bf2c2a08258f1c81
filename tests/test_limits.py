"""Tests that every input field has a limit.

Fields are those of commands, actions, triggers, and forms. A new field without a limit
fails here.
"""

from collections.abc import Iterator
from datetime import timedelta
import math
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
import voluptuous as vol

from custom_components import golioth
from custom_components.golioth import services, trigger, websocket_api
from custom_components.golioth.const import DOMAIN
from custom_components.golioth.limits import (
    MAX_PARAMETERS_DEPTH,
    MAX_PARAMETERS_SIZE,
    parameters,
)
from custom_components.golioth.triggers import device_silent, log_received
from homeassistant.components.websocket_api import DOMAIN as WEBSOCKET_API
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData, section
from homeassistant.util.yaml import load_yaml_dict

from .simulator import GoliothSimulator
from .test_websocket_api import Browser, at

pytestmark = pytest.mark.usefixtures("impatient")

# More than any reasonable input, in characters and in items.
HUGE: Final = 1_000_000
MANY: Final = 10_000

# Fields that Home Assistant validates: the number of a command and the target.
THEIRS: Final = {"id", "target"}


def nested(depth: int) -> Any:
    """Return a list nested to a depth."""
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


def hostile_values() -> dict[str, Any]:
    """Return values too large for any field, by their kind."""
    return {
        "text": "x" * HUGE,
        "digits": "9" * 5_000,
        "name": "1" + "0" * 1_000,
        "wide characters": "\U0001f600" * HUGE,
        "number": 10**30,
        "longest number": 10**5_000,
        "negative number": -(10**30),
        "infinity": math.inf,
        "no number": math.nan,
        "text that is no number": "nan",
        "text of infinity": "-inf",
        "texts": [f"x{number}" for number in range(MANY)],
        "levels": ["error"] * MANY,
        "numbers": [1] * MANY,
        "long texts": ["x" * HUGE],
        "object": {str(number): number for number in range(MANY)},
        "long key": {"x" * HUGE: 1},
        "depth": nested(200),
        "more depth": nested(5_000),
        "time": "2026-01-01T00:00:00" + "0" * HUGE,
        "years": timedelta(days=999_999_999),
        "duration": {"days": 10**9},
        "long duration": "99999999999:00:00",
    }


def is_bounded(value: Any, depth: int = 0) -> bool:
    """Return whether an accepted value is small."""
    if isinstance(value, str):
        return len(value) <= 1_000
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int | float):
        return math.isfinite(value) and abs(value) <= 10_000
    if isinstance(value, timedelta):
        return value <= timedelta(days=366)
    if isinstance(value, list | tuple):
        return (
            depth <= MAX_PARAMETERS_DEPTH
            and len(value) <= 500
            and all(is_bounded(each, depth + 1) for each in value)
        )
    if isinstance(value, dict):
        return len(value) <= 100 and is_bounded([*value, *value.values()], depth)
    return False


def inner_schemas(validator: Any) -> Iterator[dict[Any, Any]]:
    """Yield the schemas of objects within a validator."""
    if isinstance(validator, dict):
        yield validator
    elif isinstance(validator, vol.Schema):
        yield from inner_schemas(validator.schema)
    elif isinstance(validator, vol.All):
        for each in validator.validators:
            yield from inner_schemas(each)


def fields(name: str, validator: Any) -> Iterator[Any]:
    """Yield each nested field of a schema as test parameter."""
    for schema in inner_schemas(validator):
        for key, value in schema.items():
            # The type of a command is fixed, and that of a log is a choice.
            is_type = str(key) == "type" and not isinstance(value, vol.All)
            if is_type or str(key) in THEIRS:
                continue
            path = f"{name}.{key}"
            if any(inner_schemas(value)):
                yield from fields(path, value)
            else:
                yield pytest.param(str(key), value, id=path)


def all_fields() -> list[Any]:
    """Return every field except those of forms."""
    commands = [
        getattr(command, "_ws_schema", None)
        for command in vars(websocket_api).values()
        if hasattr(command, "_ws_schema")
    ]
    assert len(commands) == 2
    schemas = {
        "subscribe": commands[0],
        "history": commands[1],
        "get_logs": services.GET_LOGS_SCHEMA,
        "call_rpc": services.CALL_RPC_SCHEMA,
        "device_went_silent": device_silent._SCHEMA,
        "log_received": log_received._LOG_RECEIVED_SCHEMA,
        "project_log_received": log_received._PROJECT_LOG_RECEIVED_SCHEMA,
    }
    return [param for name, schema in schemas.items() for param in fields(name, schema)]


@pytest.mark.parametrize(("key", "validator"), all_fields())
def test_field(key: str, validator: Any) -> None:
    """Excessive values are refused or become small."""
    schema = vol.Schema({vol.Required(key): validator})
    for what, value in hostile_values().items():
        text = ""
        try:
            taken = schema({key: value})[key]
        except vol.Invalid as err:
            text = str(err)
        else:
            if key == "parameters":
                assert len(orjson.dumps(taken)) <= MAX_PARAMETERS_SIZE, what
            else:
                assert is_bounded(taken), what
        # The user sees the text, and the log has it.
        assert len(text) < 2_000, what


def test_every_schema_is_walked(hass: HomeAssistant) -> None:
    """The tests above cover each command, action, and trigger."""
    ids = {param.id for param in all_fields()}
    websocket_api.async_setup_websocket_api(hass)
    commands = {
        name.rpartition("/")[2]
        for name in hass.data[WEBSOCKET_API]
        if name.startswith(f"{DOMAIN}/")
    }
    services.async_setup_services(hass)
    actions = set(hass.services.async_services_for_domain(DOMAIN))
    names = {name.partition(".")[0] for name in ids}
    assert names == commands | actions | trigger.TRIGGERS.keys()
    # The editor offers no other fields, apart from Home Assistant's own.
    folder = Path(golioth.__file__).parent
    for file in ("services.yaml", "triggers.yaml"):
        for name, described in load_yaml_dict(folder / file).items():
            offered = set(described["fields"])
            walked = {
                path.rpartition(".")[2] for path in ids if path.startswith(f"{name}.")
            }
            assert walked == offered, name


def test_one_thing_many_times() -> None:
    """YAML aliases are not expanded without limit."""
    value: Any = "x"
    for _ in range(30):
        value = [value, value]
    with pytest.raises(vol.Invalid):
        parameters([value])
    assert parameters([{"a": [1, 2.5, None]}]) == [{"a": [1, 2.5, None]}]
    assert parameters("x" * (MAX_PARAMETERS_SIZE - 10))
    with pytest.raises(vol.Invalid):
        parameters("x" * MAX_PARAMETERS_SIZE)
    assert parameters(nested(MAX_PARAMETERS_DEPTH))
    with pytest.raises(vol.Invalid):
        parameters(nested(MAX_PARAMETERS_DEPTH + 2))


@pytest.mark.parametrize("text", ["x\nERROR", "x\x1b[2J", "x\u2028", "x\u202e", "x\0"])
def test_text_that_home_assistant_repeats(text: str) -> None:
    """Text in errors forges no line of the log.

    This holds for Home Assistant's errors as well.
    """
    for schema, data in (
        (services.GET_LOGS_SCHEMA, {"device_id": text}),
        (services.GET_LOGS_SCHEMA, {"config_entry_id": text}),
        (services.CALL_RPC_SCHEMA, {"device_id": text, "method": "reboot"}),
        (services.CALL_RPC_SCHEMA, {"device_id": "x", "method": text}),
    ):
        with pytest.raises(vol.Invalid) as error:
            schema(data)
        assert str(error.value).isprintable()
    assert services.CALL_RPC_SCHEMA({"device_id": "x", "method": "größe setzen"})


def form_fields(form: Any) -> Iterator[tuple[str, ...]]:
    """Yield the path of each field of a form."""
    for key, value in form["data_schema"].schema.items():
        if isinstance(value, section):
            for inner in value.schema.schema:
                yield str(key), str(inner)
        else:
            yield (str(key),)


async def open_form(hass: HomeAssistant, entry: MockConfigEntry, name: str) -> Any:
    """Open a new form."""
    match name:
        case "user":
            return await hass.config_entries.flow.async_init(
                DOMAIN, context={"source": SOURCE_USER}
            )
        case "reauth":
            return await entry.start_reauth_flow(hass)
        case "reconfigure":
            return await entry.start_reconfigure_flow(hass)
    return await hass.config_entries.options.async_init(entry.entry_id)


@pytest.mark.parametrize("name", ["user", "reauth", "reconfigure", "options"])
async def test_forms(
    hass: HomeAssistant,
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    name: str,
) -> None:
    """Excessive input is reported at its field.

    Nothing is stored, and Golioth is not asked.
    """
    flows = (
        hass.config_entries.options if name == "options" else hass.config_entries.flow
    )
    before = (dict(streaming.data), dict(streaming.options))
    forms: dict[str, dict[str, Any]] = {
        "user": {
            "project_id": "other",
            "api_key": simulator.api_key,
            "advanced": {"api_url": simulator.url},
        },
        "reauth": {"api_key": simulator.api_key},
        "reconfigure": {"api_key": simulator.api_key, "api_url": simulator.url},
        "options": {
            "minimum_level": "debug",
            "include_modules": [],
            "exclude_modules": [],
            "poll_interval": 30,
            "catch_up_window": 1,
        },
    }
    filled = forms[name]
    form = await open_form(hass, streaming, name)
    paths = list(form_fields(form))
    assert {path[0] for path in paths} == filled.keys()
    told: dict[str, set[str]] = {}
    requests = len(simulator.requests)
    for path in paths:
        for what, value in hostile_values().items():
            user_input = {
                key: dict(each) if isinstance(each, dict) else each
                for key, each in filled.items()
            }
            at_field = user_input if len(path) == 1 else user_input[path[0]]
            at_field[path[-1]] = value
            # Short texts are merely wrong, and Golioth may be asked about them. Equal
            # names count once.
            if what == "levels" or (isinstance(value, str) and len(value) < 10_000):
                continue
            try:
                result = await flows.async_configure(form["flow_id"], user_input)
            except InvalidData:
                continue
            assert result["type"] is FlowResultType.FORM, (path, what)
            errors = result["errors"] or {}
            assert errors.keys() == {path[0]}, (path, what)
            told.setdefault(path[-1], set()).update(errors.values())
    assert len(simulator.requests) == requests
    assert (dict(streaming.data), dict(streaming.options)) == before
    texts = {"project_id", "api_key", "api_url"}
    for field, keys in told.items():
        assert keys <= (
            {"too_long", "invalid_auth"}
            if field in texts
            else {"too_many_modules", "module_too_long"}
        ), field
    if name == "options":
        for value in ("nan", "inf", "-1", "1e9"):
            for field in ("poll_interval", "catch_up_window"):
                with pytest.raises(InvalidData):
                    await flows.async_configure(
                        form["flow_id"], {**filled, field: value}
                    )


async def test_commands(
    streaming: MockConfigEntry,
    simulator: GoliothSimulator,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Excessive data in a command is an error.

    Golioth is not asked.
    """
    browser = Browser(await hass_ws_client())
    requests = len(simulator.requests)
    for data in (
        {"search": "x" * 3_800_000},
        {"module": "x" * 256},
        {"levels": ["error"] * 1_000},
        # Home Assistant's error names each wrong item.
        {"levels": ["x"] * 100_000},
        {"device_ids": [1] * 100_000},
        {"device_ids": ["x"] * 1_000},
        {"device_ids": ["x" * 100_000]},
        {"before": "2" * 100_000},
        {"before": "9999-12-31T23:59:59.999999999+23:59"},
        {"before": "-1"},
        {"limit": 10**18},
        {"limit": 1.5},
        {"config_entry_id": "x" * 1_000_000},
    ):
        error = await browser.error(
            "golioth/logs/history",
            **{"config_entry_id": streaming.entry_id, "before": at(), **data},
        )
        assert error["code"] == "invalid_format"
        assert len(error["message"]) < 2_000
    assert len(simulator.requests) == requests
