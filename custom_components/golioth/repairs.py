"""Repairs of the Golioth integration."""

from typing import Any

import voluptuous as vol

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .issues import Gaps
from .options import (
    CATCH_UP_WINDOW_SELECTOR,
    CONF_CATCH_UP_WINDOW,
    MAX_CATCH_UP_WINDOW,
    catch_up_window,
)


class GapRepairFlow(RepairsFlow):
    """Shows gaps, and raises the catch-up window."""

    def __init__(self, entry_id: str, gaps: Gaps) -> None:
        """Take the gaps of a project."""
        self._entry_id = entry_id
        self._gaps = gaps

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Start with the only step."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Offer a window that would have left no gap.

        It is the shortest such window. The project is reloaded with the chosen one.
        """
        config_entries = self.hass.config_entries
        issue = ir.async_get(self.hass).async_get_issue(self.handler, self.issue_id)
        entry = config_entries.async_get_entry(self._entry_id)
        if entry is None or issue is None:
            return self.async_abort(reason="gone")
        if user_input is not None:
            if config_entries.async_update_entry(
                entry,
                options={
                    **entry.options,
                    CONF_CATCH_UP_WINDOW: user_input[CONF_CATCH_UP_WINDOW],
                },
            ):
                config_entries.async_schedule_reload(entry.entry_id)
            return self.async_create_entry(data={})
        enough = max(
            catch_up_window(entry), min(self._gaps.needed, MAX_CATCH_UP_WINDOW)
        )
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema(
                {
                    vol.Required(
                        CONF_CATCH_UP_WINDOW, default=enough
                    ): CATCH_UP_WINDOW_SELECTOR
                }
            ),
            description_placeholders={
                **(issue.translation_placeholders or {}),
                # An earlier version has stored other ones.
                "times": self._gaps.text,
            },
        )


async def async_create_fix_flow(
    hass: HomeAssistant,
    issue_id: str,
    data: dict[str, str | int | float | None] | None,
) -> RepairsFlow:
    """Return the flow that fixes an issue."""
    if data and (gaps := Gaps.from_issue(data)) is not None:
        return GapRepairFlow(str(data.get("entry_id")), gaps)
    return ConfirmRepairFlow()
