"""How much memory a process takes, on Linux and elsewhere."""

from pathlib import Path
import resource
import subprocess


def resident_bytes(pid: int) -> int:
    """Return the bytes of a process that are in memory."""
    statm = Path(f"/proc/{pid}/statm")
    if Path("/proc/self").exists():
        return int(statm.read_text("utf-8").split()[1]) * resource.getpagesize()
    # macOS has no /proc.
    rss = subprocess.check_output(["ps", "-o", "rss=", "-p", str(pid)], text=True)  # noqa: S603, S607
    return int(rss) * 1024
