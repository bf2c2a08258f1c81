"""The demo's dashboard: live logs and their statistics."""

from typing import Final

from .api import HomeAssistantApi, Json
from .devices import read_devices
from .past import add_past

PATH: Final = "golioth-logs"
TITLE: Final = "Logs"

# Sensors of the project by translation key, each counting the logs of a level, in the
# card's colours.
_COUNTERS: Final = {
    "error_logs": "var(--error-color)",
    "warn_logs": "var(--warning-color)",
    "info_logs": "var(--info-color)",
    "debug_logs": "var(--secondary-text-color)",
}


async def add_dashboard(api: HomeAssistantApi, entry: Json) -> str:
    """Make a project's dashboard the default, and return its ID.

    Its graph begins with a made-up day.

    Args:
        api: The API of an administrator.
        entry: The config entry of the project.
    """
    project, *_ = await read_devices(api, entry["entry_id"])
    counters = {entity.translation_key: entity.entity_id for entity in project.entities}
    await add_past(api, {key: counters[key] for key in _COUNTERS})
    log_card = {
        "type": "custom:golioth-log-card",
        "title": entry["title"],
        "config_entry_id": entry["entry_id"],
        "grid_options": {"columns": "full", "rows": 9},
    }
    graph = {
        "type": "statistics-graph",
        "title": "Logs by level",
        "chart_type": "bar",
        "period": "hour",
        "days_to_show": 1,
        "stat_types": ["change"],
        "entities": [
            {"entity": counters[key], "color": colour}
            for key, colour in _COUNTERS.items()
        ],
        "grid_options": {"columns": "full", "rows": 9},
    }
    view = {
        "type": "sections",
        "title": TITLE,
        "max_columns": 2,
        "sections": [{"type": "grid", "cards": [card]} for card in (log_card, graph)],
    }
    dashboard = await api.command(
        "lovelace/dashboards/create",
        url_path=PATH,
        title=TITLE,
        icon="mdi:text-box-outline",
        mode="storage",
    )
    await api.command("lovelace/config/save", url_path=PATH, config={"views": [view]})
    await api.command(
        "frontend/set_system_data", key="core", value={"default_panel": PATH}
    )
    return str(dashboard["id"])
