"""Dashboards, and the editor of cards."""

from playwright.async_api import Locator, Page, expect

from .dropdown import choose
from .log_card import LogCard
from .navigation import go_to


class CardEditor:
    """The dialog with a card's settings and preview."""

    def __init__(self, page: Page) -> None:
        """Use the dialog of a page."""
        self.element = page.locator("hui-dialog-edit-card")
        self.preview = LogCard(self.element)

    async def choose(self, label: str, option: str) -> None:
        """Choose an option of a dropdown field."""
        dropdown = self.element.locator("ha-select").filter(has_text=label)
        await choose(dropdown, option)

    async def save(self) -> None:
        """Save the card."""
        save = self.element.get_by_role("button", name="Save")
        await save.click()
        await expect(save).to_be_hidden()


class DashboardPage:
    """A dashboard of the user."""

    def __init__(self, page: Page) -> None:
        """Use a page."""
        self._page = page
        self.card = LogCard(page)

    async def create(self, title: str) -> None:
        """Create a dashboard, and open it."""
        await go_to(self._page, "/config/lovelace/dashboards")
        await self._page.get_by_role("button", name="Add dashboard").click()
        await self._page.get_by_text("New dashboard from scratch").click()
        await self._page.get_by_role("textbox", name="Title").fill(title)
        await self._page.get_by_role("button", name="Create").click()
        await self._page.get_by_role("link", name=title).click()

    async def open(self, path: str) -> None:
        """Open an existing dashboard."""
        await go_to(self._page, f"/{path}")

    async def open_card(self, path: str) -> LogCard:
        """Open a dashboard, and return its card."""
        await self.open(path)
        await expect(self.card.element).to_be_visible()
        return self.card

    async def edit(self) -> None:
        """Start editing the dashboard."""
        await self._page.get_by_role("button", name="Edit dashboard").click()

    async def find_card(self, name: str) -> Locator:
        """Search the card picker, and return the card's entry."""
        await self._page.get_by_role("button", name="Add card").first.click()
        await self._page.get_by_role("tab", name="By card").click()
        picker = self._page.locator("hui-card-picker")
        await picker.get_by_placeholder("Search cards").fill(name)
        return picker.locator(".card").filter(has_text=name)

    async def pick(self, entry: Locator) -> CardEditor:
        """Choose a card in the card picker; return its editor."""
        await entry.click()
        return CardEditor(self._page)

    async def edit_card(self) -> CardEditor:
        """Open the editor of the only card."""
        await self._page.locator("hui-card-edit-mode").click()
        return CardEditor(self._page)

    async def finish(self) -> None:
        """Finish editing the dashboard."""
        done = self._page.get_by_role("button", name="Done")
        await done.click()
        await expect(done).to_be_hidden()
