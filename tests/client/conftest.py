"""Provide clients of the simulated service."""

from collections.abc import Callable

import aiohttp
import pytest

from custom_components.golioth.client.endpoint import Credential, Endpoint
from custom_components.golioth.client.rest import GoliothRest
from custom_components.golioth.client.wire import HttpWire
from tests.simulator import GoliothSimulator

from .feeds import Recorder


@pytest.fixture
def endpoint(simulator: GoliothSimulator) -> Endpoint:
    """Return the endpoint of the simulated project."""
    return Endpoint(simulator.url, simulator.project_id, Credential(simulator.api_key))


@pytest.fixture
def rest(session: aiohttp.ClientSession, endpoint: Endpoint) -> GoliothRest:
    """Return the REST API of the simulated project."""
    return GoliothRest(HttpWire(session), endpoint)


@pytest.fixture
def endpoint_with(simulator: GoliothSimulator) -> Callable[[str], Endpoint]:
    """Return a function that makes endpoints with other credentials."""
    return lambda secret: Endpoint(
        simulator.url, simulator.project_id, Credential(secret)
    )


@pytest.fixture
def recorder() -> Recorder:
    """Return a recorder of a feed's reports."""
    return Recorder()
