"""Dashboards with log cards."""

from typing import Any, Final

from tests.demo.api import HomeAssistantApi
from tests.demo.home_assistant import DOMAIN

PATH: Final = "golioth-logs"


async def make_dashboard(api: HomeAssistantApi, *cards: dict[str, Any]) -> None:
    """Create a dashboard with cards of the only project.

    Args:
        api: Home Assistant.
        cards: The settings of each card; without any, there is one card.
    """
    (entry,) = await api.command("config_entries/get", domain=DOMAIN)
    await api.command(
        "lovelace/dashboards/create", url_path=PATH, title="Logs", mode="storage"
    )
    card = {
        "type": "custom:golioth-log-card",
        "title": "Allotment",
        "config_entry_id": entry["entry_id"],
    }
    section = {
        "type": "grid",
        "column_span": 2,
        "cards": [card | settings for settings in cards or ({},)],
    }
    view = {"type": "sections", "max_columns": 2, "sections": [section]}
    await api.command("lovelace/config/save", url_path=PATH, config={"views": [view]})


async def remove_dashboards(api: HomeAssistantApi) -> None:
    """Remove all created dashboards."""
    for dashboard in await api.command("lovelace/dashboards/list"):
        await api.command("lovelace/dashboards/delete", dashboard_id=dashboard["id"])
    await api.command("frontend/set_system_data", key="core", value=None)
