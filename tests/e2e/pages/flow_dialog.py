"""The dialog of config, options and repair flows."""

import re

from playwright.async_api import Locator, Page, expect

from .dropdown import choose


class FlowDialog:
    """A form of a flow, and its last page."""

    def __init__(self, page: Page) -> None:
        """Use the dialog of a page."""
        self.element = page.locator("dialog-data-entry-flow")
        self.window = self.element.locator("dialog")

    async def expect_title(self, title: str) -> None:
        """Wait until the form has a title."""
        await expect(self.element.get_by_text(title, exact=True)).to_be_visible()

    def field(self, label: str) -> Locator:
        """Return the text field with a label."""
        return self.element.get_by_role("textbox", name=label)

    def number(self, label: str) -> Locator:
        """Return the number field with a label."""
        return self.element.get_by_role("spinbutton", name=label)

    def dropdown(self, label: str) -> Locator:
        """Return the dropdown field with a label."""
        return self.element.locator("ha-select").filter(has_text=label)

    async def choose(self, label: str, option: str) -> None:
        """Choose an option of a dropdown field."""
        await choose(self.dropdown(label), option)

    async def add(self, label: str, text: str) -> None:
        """Add a text to a list field."""
        await (
            self._list(label)
            .get_by_role("button", name=_add_button_name(label))
            .click()
        )
        box = self._list(label).get_by_placeholder("Search")
        # Focused once the list of suggestions has opened: it cannot close before.
        await expect(box).to_be_focused()
        await box.fill(text)
        await expect(self._list(label).get_by_text(f'"{text}"')).to_be_visible()
        await box.press("Enter")
        # While the list of suggestions closes, it does not open again.
        await expect(box).to_have_count(0)

    async def expect_list(self, label: str, *texts: str) -> None:
        """Wait until a list field has exactly these texts."""
        shown = self._list(label).get_by_role("button", name="Remove")
        await expect(shown).to_have_count(len(texts))
        for number, text in enumerate(texts):
            await expect(shown.nth(number)).to_have_accessible_name(f"Remove {text}")

    def _list(self, label: str) -> Locator:
        """Return the list field with a label."""
        # The label is on the add button, or from 2026.11 on, above it.
        name = self.element.page.get_by_text(label, exact=True)
        return self.element.locator("ha-selector").filter(has=name)

    async def open_section(self, name: str) -> None:
        """Open a collapsed section of the form."""
        await self.element.get_by_role("button", name=name).click()

    async def submit(self, button: str = "Submit") -> None:
        """Submit the form."""
        await self.element.get_by_role("button", name=button).click()

    async def expect_error(self, label: str, message: str) -> None:
        """Wait for an error right above a text field."""
        await expect(self.element.locator("ha-alert")).to_have_text(message)
        refused = self.element.locator("ha-alert + ha-selector")
        await expect(refused.get_by_role("textbox", name=label)).to_be_visible()

    async def expect_message(self, message: str) -> None:
        """Wait until the dialog shows a message."""
        await expect(self.element.get_by_text(message)).to_be_visible()

    async def finish(self) -> None:
        """Close the dialog after its flow has finished."""
        await self._leave("Finish")

    async def close(self) -> None:
        """Close the dialog, whether its flow has finished or not."""
        await self._leave("Close")

    async def _leave(self, button: str) -> None:
        """Click the last such button."""
        await self.element.get_by_role("button", name=button).last.click()
        await expect(self.element).to_be_hidden()


def _add_button_name(label: str) -> re.Pattern[str]:
    """Return the name of a list field's add button."""
    # The field's label, or from 2026.11 on, the same for all fields.
    return re.compile(rf"{re.escape(label)}|^Add$")
