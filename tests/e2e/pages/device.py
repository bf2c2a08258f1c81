"""The page of one device."""

from playwright.async_api import Page, expect


class DevicePage:
    """A device with its entities."""

    def __init__(self, page: Page) -> None:
        """Look at a page."""
        self.element = page.locator("ha-config-device-page")
        self.activity = self.element.locator("ha-logbook")

    async def expect_state(self, entity: str, state: str) -> None:
        """Wait until the row of an entity shows this state."""
        name = self.element.page.get_by_text(entity, exact=True)
        row = self.element.locator("hui-generic-entity-row").filter(has=name)
        await expect(row).to_contain_text(state)
