"""A real Home Assistant with this checkout's integration.

It runs in a process of its own.
"""

import asyncio
from dataclasses import dataclass
import importlib.util
import json
import os
from pathlib import Path
import secrets
import socket
import sys
import time
from typing import Any, Final

import aiohttp

from . import REPOSITORY, DemoError, stand_ins
from .process import ChildProcess

# The first start of a fresh installation compiles a few thousand modules.
START_TIMEOUT: Final = 100
STOP_TIMEOUT: Final = 20
POLL_INTERVAL: Final = 0.1

HOST: Final = "127.0.0.1"
DOMAIN: Final = "golioth"

STAND_INS: Final = ("pymicro_vad", "pyspeex_noise")

# Without default_config, which needs a network and Bluetooth. Without http, which Home
# Assistant tries for five minutes and then reverts if it comes from YAML.
CONFIGURATION: Final = """\
homeassistant:
  name: Demo
  latitude: 0
  longitude: 0
  elevation: 0
  unit_system: metric
  time_zone: UTC
  country: "NO"
  language: en
history:
logbook:
recorder:
  commit_interval: 1
automation: !include automations.yaml
logger:
  default: info
"""


@dataclass(frozen=True, slots=True)
class Login:
    """A user of Home Assistant, and the first login's answer."""

    username: str
    password: str
    tokens: dict[str, Any]

    @property
    def access_token(self) -> str:
        """Return the access token, valid for half an hour."""
        token: str = self.tokens["access_token"]
        return token


class HomeAssistantProcess(ChildProcess):
    """Home Assistant on a free port of 127.0.0.1.

    It has a configuration folder of its own, and needs no network. The folder stays
    when it stops, so that it can be started again.
    """

    def __init__(
        self, folder: Path, *components: Path, recorder_url: str | None = None
    ) -> None:
        """Prepare Home Assistant.

        Args:
            folder: An existing, empty folder for the configuration and the log.
            components: Modules that are set up as custom components of their name,
                without a configuration.
            recorder_url: The database of the recorder; None for the default, SQLite in
                that folder.
        """
        super().__init__(
            "Home Assistant", folder / "home-assistant.log", stop_timeout=STOP_TIMEOUT
        )
        self.config_dir = folder / "config"
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._write_config(components, recorder_url)

    def _write_config(
        self, components: tuple[Path, ...], recorder_url: str | None
    ) -> None:
        """Write the configuration, and settings kept in `.storage` only."""
        storage = self.config_dir / ".storage"
        storage.mkdir(parents=True)
        configuration = CONFIGURATION
        if recorder_url is not None:
            recorder = f"recorder:\n  db_url: {recorder_url}\n"
            configuration = configuration.replace("recorder:\n", recorder)
        (self.config_dir / "configuration.yaml").write_text(
            configuration + "".join(f"{path.stem}:\n" for path in components)
        )
        (self.config_dir / "automations.yaml").write_text("[]\n")
        custom_components = self.config_dir / "custom_components"
        custom_components.mkdir()
        (custom_components / DOMAIN).symlink_to(
            REPOSITORY / "custom_components" / DOMAIN
        )
        for path in components:
            component = custom_components / path.stem
            component.mkdir()
            (component / "__init__.py").symlink_to(path)
            manifest = {"domain": path.stem, "name": path.stem, "version": "1.0.0"}
            (component / "manifest.json").write_text(json.dumps(manifest))
        http = {
            "server_host": [HOST],
            "server_port": self.port,
            "cors_allowed_origins": [],
            "login_attempts_threshold": -1,
            "ip_ban_enabled": True,
            "ssl_profile": "modern",
            "use_x_frame_options": True,
            "created_at": "2026-01-01T00:00:00+00:00",
            "error": None,
            "error_message": None,
        }
        stored = {
            "http": (
                2,
                2,
                {"stable": http, "pending": None, "yaml_migration_done": True},
            ),
            # The user step is left. The step core_config would start integrations that
            # need a network.
            "onboarding": (4, 1, {"done": ["core_config", "analytics", "integration"]}),
        }
        for key, (version, minor_version, data) in stored.items():
            content = {
                "version": version,
                "minor_version": minor_version,
                "key": key,
                "data": data,
            }
            (storage / key).write_text(json.dumps(content))

    async def start(self) -> None:
        """Start Home Assistant, and return once it answers.

        It may still be setting up then.

        Raises:
            DemoError: It ended, or did not answer in time.
        """
        # In a folder of its own, so that nothing of the checkout is imported by
        # accident.
        process = await self.spawn(
            *(sys.executable, "-m", "homeassistant"),
            *("--config", str(self.config_dir), "--skip-pip", "--log-no-color"),
            cwd=self.config_dir,
            env=_stand_ins(),
        )
        deadline = time.monotonic() + START_TIMEOUT
        async with aiohttp.ClientSession(
            self.url, timeout=aiohttp.ClientTimeout(total=5)
        ) as session:
            while True:
                if process.returncode is not None:
                    raise self.ended()
                try:
                    async with session.get("/manifest.json") as response:
                        if response.ok:
                            return
                except aiohttp.ClientError, TimeoutError:
                    pass
                if time.monotonic() > deadline:
                    raise DemoError(
                        f"Home Assistant did not answer within {START_TIMEOUT} s"
                    )
                await asyncio.sleep(POLL_INTERVAL)

    async def create_user(self, username: str) -> Login:
        """Create the first user, an administrator, and log in.

        Args:
            username: Also the name; the password is random.

        Raises:
            DemoError: Home Assistant refused it.
        """
        password = secrets.token_hex(4)
        client_id = f"{self.url}/"
        user = {
            "name": username.capitalize(),
            "username": username,
            "password": password,
            "language": "en",
        }
        timeout = aiohttp.ClientTimeout(total=30)
        try:
            async with aiohttp.ClientSession(
                self.url, timeout=timeout, raise_for_status=True
            ) as session:
                async with session.post(
                    "/api/onboarding/users", json={**user, "client_id": client_id}
                ) as response:
                    code = (await response.json())["auth_code"]
                grant = {
                    "grant_type": "authorization_code",
                    "code": code,
                    "client_id": client_id,
                }
                async with session.post("/auth/token", data=grant) as response:
                    return Login(username, password, await response.json())
        except (aiohttp.ClientError, TimeoutError) as err:
            raise DemoError(
                f"Home Assistant did not make the user {username}: {err!r}"
            ) from err


def _stand_ins() -> dict[str, str]:
    """Return the environment in which uninstalled modules can be imported."""
    if all(importlib.util.find_spec(name) for name in STAND_INS):
        return {}
    paths = (str(Path(stand_ins.__file__).parent), os.environ.get("PYTHONPATH"))
    return {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}


def free_port() -> int:
    """Return a port of 127.0.0.1 that was just free."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
