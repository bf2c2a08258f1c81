"""The command line of the simulation."""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack
from functools import partial
import math
import multiprocessing
from pathlib import Path
from time import perf_counter
from typing import Final

from tests.demo.terminal import complain, say

from .alone import import_client_alone
from .faults import FAULTS
from .history import HISTORIES, History, generate
from .mutations import MUTATIONS
from .run import Result, run
from .shrink import shrink

# Hours of one simulation by default.
_HOURS_PER_SEED: Final = 20.0

# From this many hours on, the amount of logs and faults is checked.
_ENOUGH: Final = 2000.0
_MUTATION_HOURS: Final = 200.0

_CHECKS: Final = ("lost", "doubled", "out_of_order", "unsaid")


def _parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/simulate",
        description="Runs the feed against a service in memory in simulated time, and checks that each log was"
        " delivered exactly once and in order, or is said. A seed decides everything.",
    )
    add = parser.add_argument
    add("--hours", type=float, help="simulated, in all (default: 20 for each seed)")
    add("--seed", type=int, default=1, help="the first one (default: 1)")
    add("--seeds", type=int, help="how many (default: one for each 20 hours)")
    add("--jobs", type=int, default=2, help="at the same time (default: 2)")
    add("--history", type=Path, action="append", help="run a kept history instead")
    add("--histories", action="store_true", help="run all kept histories")
    add("--trace", action="store_true", help="show all that is known of a failure")
    add(
        "--follow", action="store_true", help="show each line of the client as it comes"
    )
    add("--lines", type=int, default=400, help="of the client that --trace shows")
    add(
        "--until",
        type=float,
        default=math.inf,
        help="of these, the last ones before that simulated second",
    )
    add_kinds = partial(add, nargs="+", choices=sorted(FAULTS), metavar="KIND")
    add_kinds("--only", help="the only kinds of faults; a wrong one lists them all")
    add_kinds("--without", default=[], help="not these kinds")
    add("--plan", action="store_true", help="print the history of --seed and stop")
    add(
        "--mutation",
        choices=sorted(MUTATIONS),
        metavar="NAME",
        help="with a mistake in the feed; a wrong one lists them all",
    )
    add("--mutations", action="store_true", help="look how soon each is found")
    add("--keep", metavar="NAME", help="the name of the file that a failure is kept in")
    add("--no-shrink", action="store_true", help="leave failing histories as they are")
    add("--shrink-seconds", type=float, default=120, help="for one (default: 120)")
    return parser.parse_args()


def _simulate(
    history: History,
    mutation: str | None,
    trace: int,
    until: float = math.inf,
    *,
    stop: bool = False,
) -> Result:
    """Run one simulation, optionally with a mutation of the feed."""
    with ExitStack() as stack:
        if mutation is not None:
            stack.enter_context(MUTATIONS[mutation]())
        return run(history, trace=trace, until=until, stop_at_failure=stop)


def _run_all(
    histories: Iterable[History],
    jobs: int,
    mutation: str | None,
    trace: int,
    until: float = math.inf,
    *,
    stop: bool = False,
) -> Iterator[tuple[History, Result]]:
    """Run histories in parallel, and yield each result."""
    if jobs <= 1:
        for history in histories:
            yield history, _simulate(history, mutation, trace, until, stop=stop)
        return
    # A process for each simulation: what one leaves behind must not change another.
    with ProcessPoolExecutor(
        jobs,
        multiprocessing.get_context("forkserver"),
        initializer=import_client_alone,
        max_tasks_per_child=4,
    ) as pool:
        remaining = iter(histories)
        running: dict[Future[Result], History] = {}
        while True:
            for history in remaining:
                call = partial(_simulate, history, mutation, trace, until, stop=stop)
                running[pool.submit(call)] = history
                if len(running) >= jobs:
                    break
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), future.result()


def _histories(arguments: argparse.Namespace) -> list[History]:
    """Return the histories to run."""
    if arguments.histories or arguments.history:
        paths = arguments.history or sorted(HISTORIES.glob("*.json"))
        return [History.from_json(path.read_text()) for path in paths]
    seeds = arguments.seeds
    if seeds is None:
        hours = arguments.hours or _HOURS_PER_SEED
        seeds = max(1, round(hours / _HOURS_PER_SEED))
    hours = (arguments.hours or _HOURS_PER_SEED * seeds) / seeds
    found = [generate(arguments.seed + each, hours) for each in range(seeds)]
    for history in found:
        history.actions = [
            each
            for each in history.actions
            if each.kind == "traffic"
            or (
                (not arguments.only or each.kind in arguments.only)
                and each.kind not in arguments.without
            )
        ]
    return found


def _report(history: History, result: Result, *, trace: bool) -> None:
    """Report the result of one simulation."""
    unpromised = " ".join(f"{name}={each}" for name, each in result.unpromised.items())
    failed = " ".join(f"{name}={number}" for name, number in result.failed.items())
    complain(
        f"seed {result.seed}: {result.hours:g} h, {result.logs} logs, {result.delivered} delivered,"
        f" {result.requests} requests, {result.runs} runs, said {result.said},"
        f" unpromised {unpromised or 0}, unreadable {result.unreadable}, {result.took:.1f} s,"
        f" {result.fingerprint} {failed or 'good'}"
    )
    if result.is_good:
        return
    for problem in result.problems[: 40 if trace else 3]:
        complain(
            f"  {problem.time:.3f} {problem.check} {problem.number} {problem.text}"
        )
    if trace:
        for text in result.descriptions:
            complain(text)
        complain(history.to_json())
        complain("\n".join(result.trace))
    complain(f"  again: scripts/simulate --seed {result.seed} --hours {result.hours:g}")


def _keep(history: History, result: Result, arguments: argparse.Namespace) -> None:
    """Shrink a failing history, and keep it."""
    check = next((each for each in _CHECKS if each in result.failed), None)
    check = check or next(iter(result.failed))

    def fails(candidate: History) -> float | None:
        found = _simulate(candidate, arguments.mutation, 0)
        if check not in found.failed:
            return None
        times = [each.time for each in found.problems if each.check == check]
        return min(times, default=candidate.hours * 3600)

    name = arguments.keep or f"{check}-{result.seed}"
    HISTORIES.mkdir(exist_ok=True)
    path = HISTORIES / f"{name}.json"

    def write(candidate: History) -> None:
        candidate.check = check
        path.write_text(candidate.to_json())

    shortest = shrink(history, fails, seconds=arguments.shrink_seconds, on_step=write)
    write(shortest)
    complain(
        f"  {len(shortest.actions)} actions in {shortest.hours:g} h:"
        f" scripts/simulate --history {path.relative_to(Path.cwd())}"
    )


def _find_mutations(arguments: argparse.Namespace) -> int:
    """Report after how many hours each mutation is found."""
    is_good = True
    hours = arguments.hours or _MUTATION_HOURS
    for name in sorted(MUTATIONS):
        seeds = round(hours / _HOURS_PER_SEED)
        planned = (
            generate(arguments.seed + each, _HOURS_PER_SEED) for each in range(seeds)
        )
        spent = 0.0
        found: str | None = None
        for _, result in _run_all(planned, arguments.jobs, name, 0, stop=True):
            spent += min(
                result.hours,
                result.hours
                if result.first_failure is None
                else result.first_failure / 3600,
            )
            if not result.is_good:
                found = ", ".join(result.failed)
                break
        say(
            f"{name}: "
            + (f"found after {spent:.1f} hours ({found})" if found else "NOT found")
        )
        is_good &= found is not None
    return 0 if is_good else 1


def _check_amount(
    hours: float, stormy: float, logs: int, kinds: Counter[str]
) -> list[str]:
    """Report what happened too seldom."""
    found = []
    if logs < 300 * hours:
        found.append(f"only {logs / hours:.0f} logs an hour")
    if kinds.total() < 5 * hours:
        found.append(f"only {kinds.total() / hours:.1f} faults an hour")
    if stormy < 0.01 * hours:
        found.append(f"only {stormy:.1f} hours at 200 logs a second")
    rare = [name for name in FAULTS if kinds[name] < 50]
    if rare:
        found.append(f"seldom: {', '.join(f'{each} {kinds[each]}' for each in rare)}")
    return found


def main() -> int:
    """Run the command, and return its exit code."""
    arguments = _parse_arguments()
    if arguments.mutations:
        return _find_mutations(arguments)
    histories = _histories(arguments)
    if arguments.plan:
        say("\n".join(each.to_json() for each in histories))
        return 0
    if arguments.follow:
        with ExitStack() as stack:
            if arguments.mutation is not None:
                stack.enter_context(MUTATIONS[arguments.mutation]())
            run(histories[0], on_line=complain)
    failed: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    hours = stormy = 0.0
    logs = unpromised = 0
    began = perf_counter()
    lines = arguments.lines if arguments.trace else 0
    for history, result in _run_all(
        histories,
        arguments.jobs if len(histories) > 1 else 1,
        arguments.mutation,
        lines,
        arguments.until,
    ):
        hours += result.hours
        stormy += result.stormy_hours
        logs += result.logs
        unpromised += result.unpromised.total()
        failed += result.failed
        kinds += result.kinds
        _report(history, result, trace=arguments.trace)
        if (
            not result.is_good
            and not arguments.no_shrink
            and not arguments.history
            and not arguments.histories
        ):
            _keep(history, result, arguments)
    others = {name: each for name, each in failed.items() if name not in _CHECKS}
    if others:
        complain(f"failed as well: {others}")
    missing = []
    if hours >= _ENOUGH:
        missing = _check_amount(hours, stormy, logs, kinds)
        for each in missing:
            complain(f"too little: {each}")
    complain(
        f"{perf_counter() - began:.0f} s, {stormy:.2f} hours at 200 logs a second or more"
    )
    say(
        f"hours={hours:g} logs={logs} "
        + " ".join(f"{each}={failed[each]}" for each in _CHECKS)
        + f" unpromised={unpromised} faults={kinds.total()} kinds={len(kinds)}"
    )
    return 1 if failed or missing else 0
