"""All open log WebSockets."""

import asyncio
import contextlib
from itertools import cycle

from .faults import Faults
from .frames import encode_frame, encode_text_frame
from .garbage import GARBAGE_FRAMES
from .log_store import StoredLog
from .log_stream import LogStream
from .watch import Watch

# Seconds that a client has to answer a close frame, or to read what was sent before an
# end.
_CLOSE_GRACE = 0.2


class LogStreams:
    """Sends logs to matching streams, and makes streams fail."""

    def __init__(self, faults: Faults, watch: Watch) -> None:
        """Start without streams.

        `watch` is notified of each change in their number.
        """
        self._faults = faults
        self._watch = watch
        self._streams: set[LogStream] = set()
        self._garbage = cycle(GARBAGE_FRAMES)
        self._published = 0

    def __len__(self) -> int:
        """Return the number of open streams, without stalled ones."""
        return sum(not stream.stalled for stream in self._streams)

    @property
    def transports(self) -> set[asyncio.Transport]:
        """The transports of all streams, including stalled ones."""
        return {stream.transport for stream in self._streams}

    async def run(self, stream: LogStream) -> None:
        """Keep a stream among the open ones until it ends."""
        self._streams.add(stream)
        self._watch.changed()
        try:
            await stream.run()
        finally:
            self._streams.discard(stream)
            self._watch.changed()

    def publish(self, log: StoredLog, payload: bytes, *, limit: int | None) -> None:
        """Send the text frame of a log to matching streams.

        A payload of more than `limit` bytes ends each of those streams instead, without
        a close frame; a stalled or muted one loses it.
        """
        wanted = [stream for stream in self._streams if stream.wanted.matches(log)]
        if limit is not None and len(payload) > limit:
            for stream in wanted:
                if not stream.stalled and not stream.muted:
                    self._streams.discard(stream)
                    stream.end()
            self._watch.changed()
            return
        frame = encode_text_frame(payload)
        for stream in wanted:
            stream.send(frame)
        self._published += 1
        if self._faults.garbage and self._published % self._faults.garbage == 0:
            self.send(next(self._garbage))

    def send(self, payload: str | bytes) -> None:
        """Send a text or binary frame to every stream."""
        frame = encode_frame(payload)
        for stream in self._streams:
            stream.send(frame)

    async def close(self, code: int | None) -> None:
        """End all streams, and wait for their ends.

        Sends a close frame with the code, or none for None.
        """
        streams = self._take_all()
        for stream in streams:
            if code is None:
                stream.end()
            else:
                stream.close(code)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_GRACE):
                for stream in streams:
                    await stream.ended.wait()
        for stream in streams:
            stream.transport.abort()

    def end(self) -> None:
        """End all streams without a close frame."""
        for stream in self._take_all():
            stream.end()

    def reset(self) -> None:
        """Reset all connections."""
        for stream in self._take_all():
            stream.reset()

    def reset_mid_frame(self) -> None:
        """Reset all connections in the middle of a frame."""
        for stream in self._take_all():
            stream.reset_mid_frame()

    def stall(self) -> None:
        """Stall all streams."""
        for stream in self._streams:
            stream.stall()
        self._watch.changed()

    def mute(self) -> None:
        """Mute all streams, which lose their logs from then on."""
        for stream in self._streams:
            stream.muted = True

    def resume(self) -> None:
        """Undo `stall` and `mute`."""
        for stream in self._streams:
            stream.resume()
        self._watch.changed()

    def _take_all(self) -> set[LogStream]:
        """Remove and return all streams."""
        streams = self._streams
        self._streams = set()
        self._watch.changed()
        return streams
