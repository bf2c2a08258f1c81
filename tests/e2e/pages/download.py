"""Files that Home Assistant gives to the browser."""

import asyncio

from playwright.async_api import Locator, Page


async def download(page: Page, button: Locator) -> str:
    """Click what downloads a file, and return what is in the file."""
    async with page.expect_download() as download:
        await button.click()
    path = await (await download.value).path()
    return await asyncio.to_thread(path.read_text)
