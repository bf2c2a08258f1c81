"""Fixtures: Home Assistant, the Golioth service on loopback, a browser."""

from collections.abc import AsyncIterator, Generator
import contextlib
import os
from pathlib import Path
import shutil
from typing import Final

from playwright.async_api import Browser, Page, StorageState, async_playwright, expect
import pytest

from tests import GREENHOUSE_NODE, WATER_METER
from tests.demo import REPOSITORY
from tests.demo.api import HomeAssistantApi
from tests.demo.home_assistant import DOMAIN, HOST, HomeAssistantProcess, Login
from tests.demo.smoke import check_log_file
from tests.simulator import GoliothSimulator

from . import pictures
from .chromium import ARGUMENTS, find_chromium, may_sandbox
from .dashboards import PATH, make_dashboard, remove_dashboards
from .pages.dashboard import DashboardPage
from .pages.log_card import LogCard
from .pages.login import LoginPage
from .programs import ProgramMissingError

# Remains of failed tests.
REMAINS: Final = REPOSITORY / ".e2e"

# Milliseconds to wait for a condition. Only a failure takes so long.
PATIENCE: Final = 30_000

FAILED: Final = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that takes the README's pictures."""
    parser.addoption(
        "--screenshots",
        action="store_true",
        help=f"take the pictures in {pictures.FOLDER.relative_to(REPOSITORY)} anew",
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Check for a browser, and remove an earlier run's remains.

    Once, before any worker starts.

    Raises:
        pytest.UsageError: There is no browser.
    """
    if hasattr(session.config, "workerinput"):
        return
    try:
        find_chromium()
    except ProgramMissingError as err:
        raise pytest.UsageError(str(err)) from err
    shutil.rmtree(REMAINS, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Store for the fixtures whether the test has failed."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print where the remains of a failure are."""
    if REMAINS.exists():
        terminalreporter.write_line(
            f"The browser's last views and Home Assistant's log: {REMAINS}"
        )


@pytest.fixture(scope="session")
async def home_assistant(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[HomeAssistantProcess]:
    """Run the Home Assistant that the tests share."""
    async with _run_home_assistant(tmp_path_factory) as home_assistant:
        yield home_assistant
    if request.session.testsfailed:
        _keep_log(home_assistant.log_path)


@contextlib.asynccontextmanager
async def _run_home_assistant(
    tmp_path_factory: pytest.TempPathFactory, recorder_url: str | None = None
) -> AsyncIterator[HomeAssistantProcess]:
    """Run Home Assistant, and check how it ended.

    It must stop cleanly, without an error of the integration in its log.
    """
    home_assistant = HomeAssistantProcess(
        tmp_path_factory.mktemp("home-assistant"), recorder_url=recorder_url
    )
    try:
        async with home_assistant:
            await home_assistant.start()
            yield home_assistant
            assert await home_assistant.stop() == 0
        check_log_file(home_assistant.log_path, GoliothSimulator().api_key)
    except BaseException:
        _keep_log(home_assistant.log_path)
        raise


def _keep_log(path: Path) -> None:
    """Keep Home Assistant's log; each worker has its own."""
    REMAINS.mkdir(exist_ok=True)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    shutil.copy(path, REMAINS / f"{worker}{path.name}")


@pytest.fixture(scope="session")
async def login(home_assistant: HomeAssistantProcess) -> Login:
    """Create the user."""
    return await home_assistant.create_user("demo")


@pytest.fixture(scope="session")
async def api(
    home_assistant: HomeAssistantProcess, login: Login
) -> AsyncIterator[HomeAssistantApi]:
    """Open Home Assistant's API once it has started.

    For what a test needs, but does not test.
    """
    async with HomeAssistantApi(home_assistant.url, login.access_token) as api:
        await api.wait_until_running()
        yield api


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Run the browser."""
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(),
            chromium_sandbox=may_sandbox(),
            args=ARGUMENTS,
        )
        yield browser
        await browser.close()


@contextlib.asynccontextmanager
async def _open_page(
    browser: Browser,
    home_assistant: HomeAssistantProcess,
    node: pytest.Item | pytest.Session,
    state: StorageState | None = None,
    *,
    host: str = HOST,
    time_zone: str = "UTC",
) -> AsyncIterator[Page]:
    """Open a page with fixed settings.

    Keeps a picture of it if the test fails.
    """
    context = await browser.new_context(
        base_url=home_assistant.url.replace(HOST, host),
        viewport={"width": 1200, "height": 800},
        locale="en-GB",
        timezone_id=time_zone,
        color_scheme="light",
        reduced_motion="reduce",
        storage_state=state,
    )
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    failed = True
    try:
        yield page
        failed = node.stash.get(FAILED, False)
    finally:
        if failed:
            await page.screenshot(path=REMAINS / f"{node.name or 'log_in'}.png")
        await context.close()


@pytest.fixture
def host() -> str:
    """Return the host of Home Assistant for the `stranger` page.

    A test may override it.
    """
    return HOST


@pytest.fixture
def time_zone() -> str:
    """Return the time zone of the user's browser.

    A test may override it.
    """
    return "UTC"


@pytest.fixture
async def stranger(
    request: pytest.FixtureRequest,
    browser: Browser,
    home_assistant: HomeAssistantProcess,
    api: HomeAssistantApi,
    host: str,
) -> AsyncIterator[Page]:
    """Open a page without a login."""
    async with _open_page(browser, home_assistant, request.node, host=host) as page:
        yield page


@pytest.fixture(scope="session")
async def logged_in(
    request: pytest.FixtureRequest,
    browser: Browser,
    home_assistant: HomeAssistantProcess,
    api: HomeAssistantApi,
    login: Login,
) -> StorageState:
    """Log in once, and return the browser's storage."""
    async with _open_page(browser, home_assistant, request.node) as page:
        await LoginPage(page).log_in(login.username, login.password)
        return await page.context.storage_state()


@pytest.fixture
async def page(
    request: pytest.FixtureRequest,
    browser: Browser,
    home_assistant: HomeAssistantProcess,
    logged_in: StorageState,
    time_zone: str,
    simulator: GoliothSimulator,
) -> AsyncIterator[Page]:
    """Open a page for the logged-in user.

    It closes before the service and the project are removed.
    """
    async with _open_page(
        browser, home_assistant, request.node, logged_in, time_zone=time_zone
    ) as page:
        yield page


@pytest.fixture
def service() -> GoliothSimulator:
    """Return the Golioth service, not yet running.

    A test may override it.
    """
    # A unique ID, so that tests can search for it.
    return GoliothSimulator("allotment-4c1f")


@pytest.fixture
async def simulator(
    api: HomeAssistantApi, service: GoliothSimulator
) -> AsyncIterator[GoliothSimulator]:
    """Run the Golioth service with two devices.

    Projects set up with it are removed before it stops.
    """
    async with service as simulator:
        simulator.add_device("greenhouse-node", device_id=GREENHOUSE_NODE)
        simulator.add_device("water-meter", device_id=WATER_METER)
        yield simulator
        for entry in await api.command("config_entries/get", domain=DOMAIN):
            await api.delete(f"/api/config/config_entries/entry/{entry['entry_id']}")


@pytest.fixture
async def project(api: HomeAssistantApi, simulator: GoliothSimulator) -> str:
    """Add the project, and return its name once streaming."""
    entry = await api.add_project(
        simulator.project_id, simulator.api_key, simulator.url
    )
    await simulator.wait_for_streams(1)
    return str(entry["title"])


@pytest.fixture
async def no_dashboard(api: HomeAssistantApi) -> AsyncIterator[None]:
    """Remove the test's dashboards."""
    yield
    await remove_dashboards(api)


@pytest.fixture
async def card(
    page: Page, api: HomeAssistantApi, project: str, no_dashboard: None
) -> LogCard:
    """Open a dashboard with the card."""
    await make_dashboard(api)
    return await DashboardPage(page).open_card(PATH)


@pytest.fixture
def recorder_url() -> str | None:
    """Return the database of the test's own Home Assistant.

    Without one, it uses its default.
    """
    return None


@pytest.fixture
async def own_home_assistant(
    tmp_path_factory: pytest.TempPathFactory, recorder_url: str | None
) -> AsyncIterator[HomeAssistantProcess]:
    """Run a Home Assistant for one test.

    The test may restart it.
    """
    async with _run_home_assistant(tmp_path_factory, recorder_url) as home_assistant:
        yield home_assistant


@pytest.fixture
async def own_login(own_home_assistant: HomeAssistantProcess) -> Login:
    """Create the user of the test's own Home Assistant."""
    return await own_home_assistant.create_user("demo")


@pytest.fixture
async def own_page(
    request: pytest.FixtureRequest,
    browser: Browser,
    own_home_assistant: HomeAssistantProcess,
    own_login: Login,
) -> AsyncIterator[Page]:
    """Open a logged-in page of the test's own Home Assistant."""
    async with _open_page(browser, own_home_assistant, request.node) as page:
        await LoginPage(page).log_in(own_login.username, own_login.password)
        yield page


@pytest.fixture
def take_picture(request: pytest.FixtureRequest) -> pictures.TakePicture:
    """Return the function that takes or skips README pictures."""
    wanted = request.config.getoption("--screenshots")
    return pictures.take_picture if wanted else pictures.take_no_picture
