"""The client's host: clocks, storage, starts and stops."""

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum
import json
from random import Random
from typing import Any, Final, NamedTuple

from custom_components.golioth.client.endpoint import Credential, Endpoint
from custom_components.golioth.client.exceptions import GoliothAuthenticationError

from .accountant import Accountant, Knowledge
from .chance import chance as make_chance
from .conditions import Conditions
from .loop import SimulatedLoop, Timetable
from .service import HOST, KEY, PROJECT, Service
from .store import EPOCH, SECOND
from .wire import SimulatedWire

# Seconds from progress to its save.
SAVE_DELAY: Final = 10.0

# Seconds from a rejection to the end of the feed, which closes its stream meanwhile.
_LONGEST_REJECTION: Final = 10.0

# Seconds between copies of the storage that are kept.
_BACKUP_INTERVAL: Final = 600.0

_MAX_STATE_SIZE: Final = 256 * 1024


# Seconds that the last deliveries may take, and between two checks for them.
_LONGEST_END: Final = 12 * 3600.0
_END_PAUSE: Final = 60.0


class Storage(Enum):
    """The storage that a start finds."""

    KEPT = "kept"
    OLD = "old"
    MISSING = "missing"
    DAMAGED = "damaged"


class Stored:
    """A saved state.

    The text is made when it is read, as Home Assistant writes it in another thread
    while the feed goes on: most saved states are replaced before that.

    Attributes:
        time: When it was saved.
        knowledge: The deliveries that it knows.
    """

    def __init__(self, point: Any, time: float, knowledge: Knowledge) -> None:
        """Keep a resume point."""
        self.time = time
        self.knowledge = knowledge
        self._point = point
        self._text: str | None = None

    @property
    def text(self) -> str:
        """The text of the file."""
        if self._text is None:
            self._text = json.dumps(self._point.as_dict(), separators=(",", ":"))
            self._point = None
        return self._text


class Order(NamedTuple):
    """An order to stop the feed."""

    pause: float
    is_kill: bool
    storage: Storage
    luck: float
    is_end: bool = False


type MakeFeed = Callable[[Host, Any, Any], Any]


def make_feed(host: Host, listener: Any, resume_point: Any) -> Any:
    """Return a feed as the integration makes it."""
    from custom_components.golioth.client.client import GoliothClient  # noqa: PLC0415
    from custom_components.golioth.client.service_clock import Clocks  # noqa: PLC0415

    client = GoliothClient(
        host.wire,
        Endpoint(f"https://{HOST}", PROJECT, Credential(KEY)),
        clocks=Clocks(elapsed=host.elapsed, wall=host.wall),
        random=host.chance,
    )
    return client.feed(
        listener,
        resume_point=resume_point,
        poll_interval=host.settings["poll_interval"],
        catch_up_window=host.settings["catch_up_window"],
        device_ids=lambda: host.service.device_ids,
    )


def load_resume_point(data: Any) -> Any:
    """Return the feed's resume point from stored data."""
    from custom_components.golioth.client.resume_point import ResumePoint  # noqa: PLC0415

    return ResumePoint.from_dict(data)


class Listener:
    """Handles the feed's reports for one run.

    It stands in for the integration.
    """

    def __init__(self, host: Host) -> None:
        """Begin a run."""
        self.feed: Any = None
        self.is_detached = False
        self.has_started = False
        self._host = host
        self._accountant = host.accountant
        self._timetable = host.timetable
        self._do_work = host.loop.do_work
        self._save_timer: asyncio.TimerHandle | None = None

    def on_log(self, entry: Any, source: Any) -> None:
        """Check a delivered log."""
        self._do_work()
        if not self.is_detached:
            self._accountant.add_delivery(
                entry.message,
                entry.device_id,
                entry.timestamp_ns,
                str(source),
                self._timetable.now,
            )
            self._accountant.note_unsaved(self._host.loop.time())

    def on_history(self, _entry: Any) -> None:
        """Ignore history."""

    def on_connection_change(self, reason: Any) -> None:
        """Trace the change."""
        self._host.trace(f"connection: {self.feed and self.feed.transport} ({reason})")

    def on_gap(self, start_ns: int, end_ns: int) -> None:
        """Record a gap."""
        if not self.is_detached:
            self._accountant.add_gap(start_ns, end_ns, self._timetable.now)
            start, end = ((each - EPOCH) / SECOND for each in (start_ns, end_ns))
            self._host.trace(f"gap: {start:.3f} to {end:.3f}")

    def on_complete(self, transport: Any, until: float) -> None:
        """Record until when everything was delivered."""
        self._host.complete_until = until
        if not self.is_detached:
            self._accountant.note_complete(self._timetable.now)

    def on_incomplete(self) -> None:
        """Ignore incomplete deliveries."""

    def on_progress(self) -> None:
        """Schedule a save, unless one is scheduled."""
        self.check_start()
        if self._save_timer is None and not self.is_detached:
            self._save_timer = self._host.loop.call_later(SAVE_DELAY, self._save)

    def check_start(self) -> None:
        """Record when the feed has started, and promises begin."""
        if not self.has_started and self.feed.resume_point is not None:
            self.has_started = True
            self._accountant.note_start(
                self._timetable.now, is_wall_wrong=self._host.is_wall_wrong()
            )
            self._host.trace("it has started")

    def _save(self) -> None:
        self._save_timer = None
        self._host.save(self.feed)

    def stop(self) -> None:
        """Cancel the scheduled save."""
        if self._save_timer is not None:
            self._save_timer.cancel()
            self._save_timer = None


class Host:
    """Runs one feed after the other.

    Attributes:
        runs: Number of starts of the feed.
    """

    def __init__(
        self,
        loop: SimulatedLoop,
        timetable: Timetable,
        wire: SimulatedWire,
        service: Service,
        conditions: Conditions,
        accountant: Accountant,
        settings: dict[str, Any],
        *,
        feed: MakeFeed = make_feed,
        trace: Callable[[str], None] | None = None,
    ) -> None:
        """Start with an empty storage."""
        self.loop = loop
        # Until when everything was delivered, on the monotonic clock.
        self.complete_until = 0.0
        self.timetable = timetable
        self.wire = wire
        self.service = service
        self.accountant = accountant
        self.settings = settings
        self.chance: Random = make_chance(settings["seed"], "feed")
        self.runs = 0
        self.starts: list[float] = []
        self._conditions = conditions
        self._make_feed = feed
        self._trace = trace
        self._stored: Stored | None = None
        self._backups: deque[Stored] = deque(maxlen=60)
        self._order: asyncio.Future[Order] | None = None
        self._ended_at = 0.0
        self._listener: Listener | None = None
        self._end_wanted = False

    def trace(self, text: str) -> None:
        """Trace a line, if a trace is wanted."""
        if self._trace is not None:
            self._trace(text)

    # Clocks

    def elapsed(self) -> float:
        """Return the clock that includes sleep.

        Some hosts have none: there it stops while they sleep.
        """
        if self.settings["elapsed_counts_sleep"]:
            return 500.0 + self.timetable.now
        return self.loop.time()

    def wall(self) -> float:
        """Return the host's time of day."""
        offset: float = self._conditions.wall_offset
        return EPOCH / SECOND + self.timetable.now + offset

    def is_wall_wrong(self) -> bool:
        """Return whether the host's time of day is wrong."""
        offset: float = self._conditions.wall_offset
        return offset != 0

    # Storage

    def save(self, feed: Any) -> None:
        """Save the feed's resume point."""
        if self._conditions.disk_full:
            self.trace("not saved: the disk is full")
            self.accountant.note_saved()
            return
        point = feed.resume_point
        if point is None:
            return
        now = self.timetable.now
        self._stored = Stored(point, now, self.accountant.knowledge(now))
        self.accountant.note_saved()
        if not self._backups or now - self._backups[-1].time >= _BACKUP_INTERVAL:
            self._backups.append(self._stored)
            self._check_size(self._stored)

    def _check_size(self, stored: Stored) -> None:
        if (size := len(stored.text)) > _MAX_STATE_SIZE:
            self.accountant.fail("size", stored.time, f"{size} bytes to store")

    def _load(self, order: Order) -> tuple[Any, Knowledge]:
        """Return the resume point of a start, and its knowledge."""
        match order.storage:
            case Storage.MISSING:
                self._stored = None
                self._backups.clear()
            case Storage.OLD if self._backups:
                self._stored = self._backups[int(order.luck * len(self._backups))]
                while self._backups and self._backups[-1].time > self._stored.time:
                    self._backups.pop()
        if self._stored is None:
            return None, Knowledge()
        data = json.loads(self._stored.text)
        knowledge = self._stored.knowledge
        if order.storage is Storage.DAMAGED:
            knowledge = Knowledge()
            if order.luck < 0.3:
                data = data["delivered"]
            elif order.luck < 0.6:
                data["delivered"] = {"damaged": [1, 2, None]}
            else:
                for key in sorted(data["delivered"]):
                    data["delivered"][key] = "\x00"
        return load_resume_point(data), knowledge

    # Starts and stops

    def restart(
        self, *, pause: float, is_kill: bool, storage: Storage, luck: float
    ) -> None:
        """Restart the feed, unless it is stopped."""
        self._give(Order(pause, is_kill, storage, luck))

    def end_once_complete(self, since: float | None = None) -> None:
        """Stop the feed for good once its deliveries are complete.

        Fails the simulation if they never are.

        Args:
            since: Time that the deliveries must reach, on the host's monotonic clock;
                now by default.
        """
        now = self.loop.time()
        since = now if since is None else since
        if self.complete_until > since:
            self.end()
        elif now - since > _LONGEST_END:
            text = "it never says that all is delivered"
            self.accountant.fail("incomplete", self.timetable.now, text)
            self.end()
        else:
            self.timetable.after(_END_PAUSE, self.end_once_complete, since)

    def end(self) -> None:
        """Stop the feed for good."""
        self._end_wanted = True
        self._give(Order(0.0, False, Storage.KEPT, 0.0, is_end=True))

    def _give(self, order: Order) -> None:
        if self._order is not None and not self._order.done():
            self._order.set_result(order)

    async def run(self) -> None:
        """Run the feed until `end`."""
        order = Order(0.0, False, Storage.KEPT, 0.0)
        while not self._end_wanted:
            order = await self._run_once(order)
            if order.is_end:
                return
            if order.pause:
                await asyncio.sleep(order.pause)

    async def _run_once(self, order: Order) -> Order:
        """Run the feed until an order, and return the order."""
        resume_point, knowledge = self._load(order)
        now = self.timetable.now
        self.runs += 1
        self.starts.append(now)
        self.trace(f"start {self.runs}, storage {order.storage.value}")
        self.accountant.begin_run(now, knowledge, is_first=resume_point is None)
        listener = self._listener = Listener(self)
        feed = listener.feed = self._make_feed(self, listener, resume_point)
        if resume_point is not None:
            listener.check_start()
        self._order = self.loop.create_future()
        task = self.loop.create_task(feed.run())
        began = self.loop.time()
        task.add_done_callback(self._note_end)
        task.add_done_callback(self._handle_end)
        order = await self._order
        self.trace(f"stop: {order}")
        if order.is_kill:
            # A killed feed reports nothing more, and closes nothing.
            listener.is_detached = True
            if listener.has_started:
                # Before, there is nothing to store: the next start is a first one
                # again.
                self.accountant.note_kill(self.loop.time(), self.timetable.now)
            self.wire.drop_all()
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=30)
        if not done:
            self.accountant.fail("stuck", self.timetable.now, "it does not stop")
        elif not task.cancelled() and (error := task.exception()) is not None:
            if not isinstance(error, GoliothAuthenticationError):
                self.accountant.fail("crashed", self.timetable.now, repr(error))
            elif (
                self.wire.rejected_at < began
                or self._ended_at - self.wire.rejected_at > _LONGEST_REJECTION
            ):
                self.accountant.fail("rejected", self.timetable.now, repr(error))
        if not order.is_kill:
            self.save(feed)
            if self._stored is not None and not order.is_end:
                # It is written before anything else goes on.
                self._check_size(self._stored)
        listener.is_detached = True
        listener.stop()
        self.wire.drop_all()
        return order

    def _note_end(self, _task: asyncio.Task[None]) -> None:
        """Record the end at once: the host may sleep next."""
        self._ended_at = self.loop.time()

    def _handle_end(self, task: asyncio.Task[None]) -> None:
        """Restart a feed that ended by itself.

        With a revoked key, some time after the key is accepted again.
        """
        if task.cancelled() or self._order is None or self._order.done():
            return
        if self._conditions.key_revoked:
            self.timetable.after(20.0, self._handle_end, task)
            return
        self.restart(pause=1.0, is_kill=False, storage=Storage.KEPT, luck=0.0)
