"""Tests of Golioth for Home Assistant."""

from pathlib import Path
from typing import Final

# The frames that Golioth's documentation shows.
PUBLISHED_FRAMES: Final = Path(__file__).parent / "fixtures" / "log_frames.ndjson"

# The devices of these frames, as the simulator names them.
GREENHOUSE_NODE: Final = "61a4cfc9b2b45578105aeca3"
WATER_METER: Final = "61a4cfdfb2b45578105aeca5"
