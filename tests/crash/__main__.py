"""`python -m tests.crash`: kills the processes of the kiosk at every place, and looks at what is left.

Without an option: every death in every scenario; a second one after each of them, with fewer changes in between, but in
the scenario whose printer is mute; in the first scenario a third from every distinct state, where nothing but cards has
changed since the second; and the boundaries are compared with what strace sees. How far each goes stands in
`tests/crash/campaign.py` as `REACHES` and `REACHES_OF_OTHERS`. With `--plan` one plan is played again and told. The
grammar of plans is in `tests/crash/plan.py`.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.crash.boundary import Phase, Point
from tests.crash.campaign import LEAST_PLANS, Campaign
from tests.crash.hunt import LADDER
from tests.crash.office import furnished
from tests.crash.plan import parse_plan, text_of
from tests.crash.play import PlanDoesNotFit, come_back, play, set_up
from tests.crash.scenario import SCENARIOS
from tests.crash.workers import workers


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command; 0 when nothing broke and every seeded error was caught, 1 otherwise, 64 for wrong usage."""
    options = _parser().parse_args(words)
    if options.plan is not None:
        return _replay(options.scenario or next(iter(SCENARIOS)), options.plan)
    if options.strace:
        from tests.crash.boundaries import compare_with_strace

        return compare_with_strace(sys.stdout)
    with workers(options.processes) as pool:
        campaign = Campaign(pool, options.seed)
        if options.mutations is not None:
            return int(campaign.hunt(options.mutations, options.rungs) > 0)
        print(f"seed {options.seed}, commit {_commit()}", flush=True)
        if options.scenario or options.depth:
            scenarios = [options.scenario] if options.scenario else list(SCENARIOS)
            return int(bool(campaign.explore(scenarios, options.depth, options.twins).findings))
        total = campaign.explore(list(SCENARIOS), None, options.twins)
    from tests.crash.boundaries import compare_with_strace

    is_other_list = bool(compare_with_strace(sys.stdout))
    if is_too_few := total.runs < LEAST_PLANS:
        print(f"only {total.runs:,} plans were run, of at least {LEAST_PLANS:,}")
    return int(bool(total.findings) or is_other_list or is_too_few)


def _commit() -> str:
    """What is explored; with + when files were changed since."""
    words = ["git", "describe", "--always", "--abbrev=12", "--dirty=+"]
    found = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parent, check=False)
    return found.stdout.strip() or "unknown"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--scenario", choices=list(SCENARIOS), help="only this one (default: all)")
    parser.add_argument("--depth", type=int, choices=(1, 2, 3), help="so many deaths a plan, 1 to 3")
    parser.add_argument("--rungs", type=int, default=len(LADDER), metavar="N", help="how far errors are hunted, 0 to 4")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="draws the merged plans that are compared")
    parser.add_argument("--twins", type=int, default=400, metavar="N", help="so many comparisons (default 400)")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="processes that explore (default 2)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--plan", metavar="TEXT", help='replays one plan, such as "card14+/swapped store9-"')
    what.add_argument("--mutations", nargs="*", metavar="NAME", help="hunts seeded design errors (default: all)")
    what.add_argument("--strace", action="store_true", help="compares the boundaries with what strace sees of a drill")
    return parser


def _replay(scenario: str, text: str) -> int:
    def tell(point: Point, label: str) -> None:
        if point.phase is Phase.BEFORE:
            print(f"  {point!s:10} {label}")

    try:
        plan = parse_plan(text)
    except ValueError as error:
        print(f"crash: {error}", file=sys.stderr)
        return 64
    with furnished() as office:
        stage = set_up(office, SCENARIOS[scenario])
        try:
            played = play(stage, plan, tell)
        except PlanDoesNotFit as error:
            print(f"crash: {error}", file=sys.stderr)
            return 64
        with stage.world(played.rest) as world:
            afterwards = come_back(stage, world, played.legs[-1].is_closed)
    for leg in played.legs:
        print("; ".join(map(str, leg.endings)) or "-", f"crashed at {leg.crashed_at}" if leg.crashed_at else "at rest")
    for deaths, broken in played.broken:
        print(f"VIOLATION after {text_of(plan[:deaths]) or 'the start'}: {broken}")
    for broken in afterwards:
        print(f"VIOLATION when the resident comes back: {broken}")
    return int(bool(played.broken or afterwards))


if __name__ == "__main__":
    sys.exit(main())
