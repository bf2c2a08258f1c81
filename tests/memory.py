"""Measure the memory of a process on Linux and macOS."""

from pathlib import Path
import resource
import subprocess


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process, in bytes."""
    statm = Path(f"/proc/{pid}/statm")
    if Path("/proc/self").exists():
        return int(statm.read_text("utf-8").split()[1]) * resource.getpagesize()
    # macOS has no /proc.
    rss = subprocess.check_output(["ps", "-o", "rss=", "-p", str(pid)], text=True)  # noqa: S603, S607
    return int(rss) * 1024
