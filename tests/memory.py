"""Measure the memory and work of a process."""

import os
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


def cpu_seconds(pid: int) -> float:
    """Return the seconds of processor time of a process."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        # The name before them may hold spaces and parentheses.
        fields = stat.read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    time = subprocess.check_output(["ps", "-o", "cputime=", "-p", str(pid)], text=True)  # noqa: S603, S607
    minutes, _, seconds = time.strip().rpartition(":")
    return int(minutes.rpartition(":")[2] or 0) * 60 + float(seconds)
