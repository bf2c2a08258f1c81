"""Downloads in the browser."""

import asyncio

from playwright.async_api import Locator, Page


async def download(page: Page, button: Locator) -> str:
    """Click a download button, and return the file's content."""
    async with page.expect_download() as download:
        await button.click()
    path = await (await download.value).path()
    return await asyncio.to_thread(path.read_text)
