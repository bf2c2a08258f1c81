"""Run a soak: `python -m tests.soak [--seconds N] [--seed S]`."""

import argparse
import asyncio
import sys

from tests.demo.terminal import complain, say

from .faults import FAULTS
from .schedule import plan
from .soak import Soak


def _parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/soak",
        description="Runs the integration under load while everything around it fails, and checks that each log was"
        " delivered exactly once, and in order.",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=120.0,
        help="how long the faults go on (default: %(default)g)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="what they are drawn from (default: 1)"
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=200.0,
        help="logs a second (default: %(default)g)",
    )
    parser.add_argument(
        "--kinds",
        nargs="+",
        metavar="KIND",
        choices=[fault.name for fault in FAULTS],
        help=f"the only kinds of faults, of: {', '.join(fault.name for fault in FAULTS)}",
    )
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> int:
    """Run the soak, and return its exit code."""
    faults = [
        fault
        for fault in FAULTS
        if not arguments.kinds or fault.name in arguments.kinds
    ]
    planned = plan(arguments.seconds, arguments.seed, faults)
    complain(
        f"{len(planned)} faults of {len({each.fault.name for each in planned})} kinds in {arguments.seconds:g} s,"
        f" seed {arguments.seed}"
    )
    soak = Soak(planned, rate=arguments.rate, seed=arguments.seed)
    verdict = await soak.run(arguments.seconds)
    soak.report(verdict)
    say(
        f"sent={verdict.sent} delivered={verdict.delivered} lost={verdict.lost.total()}"
        f" duplicated={verdict.duplicated.total()} out_of_order={len(verdict.out_of_order)}"
        f" faults={len(planned)} kinds={len({each.fault.name for each in planned})}"
    )
    return 0 if verdict.is_good and not soak.leaked else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(_run(_parse_arguments())))
