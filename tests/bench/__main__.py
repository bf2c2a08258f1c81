"""Run the bench: `python -m tests.bench [--quick] [--check]`."""

import argparse
import asyncio
from collections.abc import Sequence
import json
import os
from pathlib import Path
import platform
import statistics
import sys
from typing import Any

from homeassistant.const import __version__
from tests.demo.terminal import complain, say

from .rows import FULL, QUICK, ROWS, Row, Size
from .service import LoadService


def _parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    names = [row.__name__ for row in ROWS]
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures what a log costs, each figure in turns with its floor, and prints a table.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="measure less, in less than 90 s"
    )
    parser.add_argument(
        "--check", action="store_true", help="exit 1 where a target is missed"
    )
    parser.add_argument(
        "--json",
        type=Path,
        default=Path("bench.json"),
        help="the file for the figures (default: %(default)s)",
    )
    parser.add_argument(
        "--rows",
        nargs="+",
        choices=names,
        default=names,
        help="the only rows to measure",
    )
    return parser.parse_args()


async def _measure(names: Sequence[str], size: Size) -> list[Row]:
    """Measure the rows one after the other."""
    rows = []
    for measure in ROWS:
        if measure.__name__ in names:
            # A service for each row: nothing is left of the previous one.
            async with LoadService.running() as service:
                row = await measure(service, size)
            complain(f"{row.name}: {row.result:.2f}")
            rows.append(row)
    return rows


def _figures(row: Row) -> dict[str, Any]:
    """Return a row for the JSON file."""
    return {
        "name": row.name,
        "unit": row.unit,
        "measured": row.measured,
        "floor": row.floor,
        "ratios": row.ratios,
        "result": row.result,
        "target": row.target,
        "is_met": row.is_met,
    }


def _line(row: Row) -> str:
    """Return a row as a line of the table."""
    measured = f"{statistics.median(row.measured):.2f} {row.unit}"
    if row.floor:
        floor = f"{statistics.median(row.floor):.2f} {row.unit}"
        result = f"{row.result:.2f}× ({min(row.ratios):.2f} to {max(row.ratios):.2f})"
        target = f"≤ {row.target:g}×"
    else:
        floor = "none"
        result = (
            f"{row.result:.2f} {row.unit}"
            f" ({min(row.measured):.2f} to {max(row.measured):.2f})"
        )
        target = f"≤ {row.target:g} {row.unit}"
    return (
        f"| {row.name} | {measured} | {floor} | {result} | {target} |"
        f" {'yes' if row.is_met else 'no'} |"
    )


def _machine() -> str:
    """Return a description of this machine."""
    # Not every Linux processor has a name there, and macOS has no such file.
    cpuinfo = Path("/proc/cpuinfo")
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in (cpuinfo.read_text().splitlines() if cpuinfo.exists() else ())
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()},"
        f" Python {platform.python_version()}, Home Assistant {__version__}"
    )


def main() -> int:
    """Measure, print the table, and return the exit code.

    Writes the JSON file, too.
    """
    arguments = _parse_arguments()
    rows = asyncio.run(_measure(arguments.rows, QUICK if arguments.quick else FULL))
    say(_machine())
    say()
    say("| row | median | floor | result (spread) | target | met |")
    say("| --- | --- | --- | --- | --- | --- |")
    for row in rows:
        say(_line(row))
    figures = {"machine": _machine(), "rows": [_figures(row) for row in rows]}
    arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 1 if arguments.check and not all(row.is_met for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
