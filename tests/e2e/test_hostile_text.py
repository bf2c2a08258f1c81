"""Text from devices and the service is never markup.

In Home Assistant's dialogs and notifications, which could render it.
"""

from collections.abc import AsyncIterator
import shutil
from typing import Any, Final

from aiohttp import web
from playwright.async_api import Locator, Page, expect
import pytest

from homeassistant.util.yaml import parse_yaml
from tests import GREENHOUSE_NODE
from tests.demo import REPOSITORY
from tests.demo.api import HomeAssistantApi
from tests.demo.home_assistant import DOMAIN, HOST, HomeAssistantProcess
from tests.simulator import GoliothSimulator

from .gaps import TIME_AGO, make_gap
from .pages.integrations import IntegrationPage, IntegrationsPage
from .pages.notifications import NotificationDrawer
from .pages.settings import SettingsPage
from .texts import text

BLUEPRINT: Final = "notify_on_log.yaml"
BLUEPRINTS: Final = REPOSITORY / "blueprints" / "automation" / "golioth"

# The only elements that may render a notification's text.
WORDS: Final = {"P", "PRE", "CODE", "SPAN"}


class ImageServer:
    """A host that counts the requests for its image.

    Attributes:
        url: The address of the image.
        requests: How often it was asked for.
    """

    def __init__(self) -> None:
        """Start with no request."""
        self.url = ""
        self.requests = 0

    async def handle(self, _request: web.Request) -> web.Response:
        """Count a request."""
        self.requests += 1
        return web.Response(status=204)


@pytest.fixture
async def image() -> AsyncIterator[ImageServer]:
    """Run the host."""
    server = ImageServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"http://{HOST}:{port}/x.png"
    yield server
    await runner.cleanup()


@pytest.fixture
def markup(image: ImageServer) -> str:
    """Return an image and a link in Markdown and HTML."""
    return (
        f'![x]({image.url}) <img src="{image.url}"> [go](http://e.example)'
        " https://e.example www.e.example **bold** a_b __c__ <b>&lt;"
    )


@pytest.fixture
def service(markup: str) -> GoliothSimulator:
    """Return a service whose project has a hostile name.

    The name has the markup, a line break and a right-to-left override.
    """
    # Its own ID, because Home Assistant remembers the names of a project's entities.
    return GoliothSimulator("hostile-7d2a", f"Allotment\n\u202e{markup}")


async def expect_text_alone(element: Locator, image: ImageServer) -> None:
    """Check that hostile markup is only text.

    Nothing of it was rendered or fetched.
    """
    await expect(element.locator("ha-markdown a[href*='e.example']")).to_have_count(0)
    await expect(element.locator("a[href*='e.example']")).to_have_count(0)
    await expect(element.locator(f"[src*='{image.url}']")).to_have_count(0)
    await expect(element.locator("ha-markdown :is(b, strong, em)")).to_have_count(0)
    assert image.requests == 0


async def test_names_are_no_markup(
    page: Page,
    api: HomeAssistantApi,
    simulator: GoliothSimulator,
    markup: str,
    image: ImageServer,
) -> None:
    """Dialogs show the project's name as text in one line.

    Both those of the set-up and of the repair.
    """
    name = f"Allotment {markup}"
    simulator.faults.date_offset = -TIME_AGO.total_seconds()
    integrations = IntegrationsPage(page)
    await integrations.open()
    flow = await integrations.add("Golioth")
    await flow.field("Project ID").fill(simulator.project_id)
    await flow.field("API key").fill(simulator.api_key)
    await flow.open_section("Advanced settings")
    await flow.field("API address").fill(simulator.url)
    await flow.submit()
    # The last page shows the names of all devices.
    await expect(flow.field("Device name").first).to_have_value(name)
    await expect_text_alone(flow.element, image)
    await flow.finish()
    (entry,) = await api.command("config_entries/get", domain=DOMAIN)
    assert entry["title"] == name

    integration = IntegrationPage(page, DOMAIN)
    await integration.open()
    flow = await integration.reconfigure(name)
    await flow.expect_title(text("config.step.reconfigure.title", project=name))
    await expect_text_alone(page.locator("body"), image)
    await flow.close()

    await simulator.wait_for_streams(1)
    await make_gap(api, simulator)
    await integration.open()
    await integration.reload(name)
    settings = SettingsPage(page)
    await settings.open()
    title = text("issues.gap.title", project=name)
    repair = await settings.begin_repair(title)
    await repair.expect_message("A window of 3 h would have been enough")
    await expect_text_alone(page.locator("body"), image)
    await repair.close()


@pytest.fixture
async def dismissed(api: HomeAssistantApi) -> AsyncIterator[None]:
    """Dismiss all notifications afterwards."""
    yield
    await api.post("/api/services/persistent_notification/dismiss_all", {})


@pytest.fixture
async def notify_on_log(
    api: HomeAssistantApi, home_assistant: HomeAssistantProcess, project: str
) -> AsyncIterator[None]:
    """Create an automation from the blueprint."""
    folder = home_assistant.config_dir / "blueprints" / "automation" / DOMAIN
    shutil.copytree(BLUEPRINTS, folder)
    devices = await api.command("config/device_registry/list")
    (device_id,) = (
        each["id"]
        for each in devices
        if [DOMAIN, GREENHOUSE_NODE] in each["identifiers"]
    )
    path = "/api/config/automation/config/hostile"
    await api.post(
        path,
        {
            "alias": "Hostile",
            "use_blueprint": {
                "path": f"{DOMAIN}/{BLUEPRINT}",
                "input": {"devices": {"device_id": device_id}, "level": "debug"},
            },
        },
    )
    yield
    await api.delete(path)
    shutil.rmtree(folder)


@pytest.mark.usefixtures("notify_on_log", "dismissed")
async def test_log_is_no_markup_in_a_notification(
    page: Page, simulator: GoliothSimulator, markup: str, image: ImageServer
) -> None:
    """A notification shows a log's message to the letter."""
    lines = [markup, "", "```", markup, "~~~", "</code></pre>", f"[x]: {image.url}"]
    simulator.log("\n".join(lines), device=GREENHOUSE_NODE, level="ERROR")
    drawer = NotificationDrawer(page)
    await drawer.open()
    notification = drawer.notification("Log from greenhouse-node")
    await expect(notification.locator("pre code")).to_have_text("\n".join(lines))
    await expect_text_alone(notification, image)


def messages(url: str) -> list[str]:
    """Return messages that are markup in Markdown or HTML.

    Each alone, and after line ends and spaces of several kinds.
    """
    starts = ("", "\n", "\n\n", "\r", "\r\n", "\u2028", "\x0b", "\x85", " ", "\t")
    markups = (
        f"![x]({url})",
        f"![x][y]\n\n[y]: {url}",
        f"<img src={url}>",
        f"<ha-alert><img src='{url}'></ha-alert>",
        f"</code></pre><img src={url}>",
        f"```\n![x]({url})",
        f"~~~\n![x]({url})\n~~~\n![x]({url})",
        "<http://e.example> http://e.example www.e.example a@e.example",
        "[go](http://e.example)",
        "# a\n## b\n---\n===\n***",
        "- a\n- [ ] b\n1. c\n> d\n> [!NOTE]\n> e",
        "| a | b |\n| - | - |\n| c | d |",
        "**a** __b__ *c* _d_ ~~e~~ `f` a_b \\*g\\* &lt;h&gt; &#60;",
        "<!-- a -->\n<svg><image href=x></svg><!doctype x><?php ?><![CDATA[ ]]>",
        "a  \nb\\\nc<br>d",
    )
    return [start + each for start in starts for each in markups]


@pytest.mark.usefixtures("dismissed")
async def test_any_log_is_no_markup_in_a_notification(
    page: Page, api: HomeAssistantApi, image: ImageServer
) -> None:
    """The frontend's Markdown parser reads the blueprint's message as text."""
    # Only its variables are used, not its inputs.
    blueprint = parse_yaml((BLUEPRINTS / BLUEPRINT).read_text().replace("!input", ""))
    assert isinstance(blueprint, dict)
    sent = messages(image.url)
    create: dict[str, Any] = {
        "action": "persistent_notification.create",
        "data": {"title": "{{ title }}", "message": "{{ message }}"},
    }
    for number, message in enumerate(sent):
        await api.command(
            "execute_script",
            sequence=[
                {"variables": {"message": blueprint["variables"]["message"]}},
                create,
            ],
            variables={
                "title": f"Message {number}",
                "trigger": {"level": f"[x]({image.url})", "message": message},
            },
        )
    # The drawer renders only what fits, so the API returns all notifications.
    await NotificationDrawer(page).open()
    await expect(
        page.locator("persistent-notification-item pre code").first
    ).to_be_visible()
    notifications = await api.command("persistent_notification/get")
    created = {each["title"]: each["message"] for each in notifications}
    shown = await page.evaluate(
        """messages => Promise.all(messages.map(async message => {
            const markdown = document.createElement("ha-markdown");
            markdown.breaks = true;
            markdown.content = message;
            document.body.append(markdown);
            await markdown.updateComplete;
            const inner = markdown.shadowRoot.querySelector("ha-markdown-element");
            await inner.updateComplete;
            const root = inner.shadowRoot ?? inner;
            return [
                [...root.querySelectorAll("*")].map(each => each.tagName),
                [...root.querySelectorAll("pre code")].map(each => each.textContent),
            ];
        }))""",
        [created[f"Message {number}"] for number in range(len(sent))],
    )
    for message, (elements, blocks) in zip(sent, shown, strict=True):
        assert set(elements) <= WORDS, message
        # White space may differ from what the device sent.
        assert ["".join(each.split()) for each in blocks] == ["".join(message.split())]
    assert image.requests == 0
