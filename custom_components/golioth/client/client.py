"""Gives access to a project's REST API, history and feed."""

from collections.abc import Callable, Collection
from random import Random

from .closable_wire import ClosableWire
from .endpoint import Endpoint
from .fair_turns import FairTurns
from .feed import FeedListener, LogFeed
from .history import LogHistory
from .pacing import BackOff, FeedTiming, RequestPace
from .rest import GoliothRest
from .resume_point import ResumePoint
from .service_clock import Clocks, ServiceClock
from .websocket import WebSocketWay
from .wire import Wire


class GoliothClient:
    """A client for one project.

    Attributes:
        rest: The REST API.
        history: Reads past logs.
        call_turns: Hold one while a device is called, so that calls never take all
            connections to the service.
        clock: The service's time.
    """

    def __init__(
        self,
        wire: Wire,
        endpoint: Endpoint,
        *,
        timing: FeedTiming | None = None,
        clocks: Clocks | None = None,
        random: Random | None = None,
        rest_timeout: float = 15.0,
    ) -> None:
        """Prepare, without a request.

        Args:
            wire: Carries requests and WebSockets; it is not closed.
            endpoint: The project.
            timing: How long the feed waits; the defaults unless given.
            clocks: The clocks to use; the host's unless given.
            random: Chooses waits.
            rest_timeout: Seconds that one request may take.
        """
        self._wire = ClosableWire(wire)
        self._endpoint = endpoint
        self._timing = timing or FeedTiming()
        self._random = random or Random()  # noqa: S311
        self.clock = ServiceClock(clocks or Clocks.of_host())
        self.rest = GoliothRest(self._wire, endpoint, self.clock, timeout=rest_timeout)
        self.history = LogHistory(
            self.rest,
            request_interval=self._timing.request_interval,
            longest_retry_after=self._timing.longest_retry_after,
        )

        # Each call may take two minutes where a device does not answer, and an HTTP
        # client has a hundred connections to a host, or fewer.
        self.call_turns = FairTurns(
            max_taken=40, max_taken_each=10, max_waiting=300, max_waiting_each=100
        )

    def close(self) -> None:
        """Stop sending, and interrupt requests under way.

        From now on, every call raises GoliothClosedError.
        """
        self._wire.close()
        self.history.turns.close()
        self.call_turns.close()

    async def wait_closed(self) -> None:
        """Close, and wait until no request is under way."""
        self.close()
        await self._wire.wait_closed()

    def feed(
        self,
        listener: FeedListener,
        *,
        resume_point: ResumePoint | None,
        poll_interval: float,
        catch_up_window: float,
        device_ids: Callable[[], Collection[str]] = tuple,
    ) -> LogFeed:
        """Return the feed of the project's logs, not yet running.

        Args:
            listener: Takes the logs.
            resume_point: Where an earlier feed ended; None for the very first start.
            poll_interval: Seconds between two reads while there is no stream.
            catch_up_window: Seconds that a gap may reach back.
            device_ids: Returns Golioth's IDs of the project's devices.
        """
        return LogFeed(
            self.rest,
            WebSocketWay(
                self._wire,
                self._endpoint,
                handshake_timeout=self._timing.handshake_timeout,
                heartbeat=self._timing.heartbeat,
            ),
            listener,
            clock=self.clock,
            pace=RequestPace(self._timing.request_interval),
            back_off=BackOff(self._timing, self._random),
            resume_point=resume_point,
            poll_interval=poll_interval,
            catch_up_window=catch_up_window,
            device_ids=device_ids,
            timing=self._timing,
        )
