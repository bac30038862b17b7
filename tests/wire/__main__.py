"""`python -m tests.wire`: everything that can befall a line, byte by byte, and what the drivers make of it.

    coins      every byte of a coin payment in both directions, injured in eleven ways, the host killed at every call
               and note of its ledger, and the acceptor's power cut at every call;
               the same of the change that a hopper pays, and its power cut at every call
    receipts   every byte of a receipt's printing in both directions, injured in nine ways, for each model
    plugs      every device unplugged before every call of each of its commands, and plugged in again
    values     all values of all status bytes, all steps of the event counter, random frames and commands

Each prints its counts, and ends with 1 when a coin was invented, paid twice or lost in silence, a receipt was confirmed
without paper, two unmarked originals came out, or an error came out that is not declared.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from hw.printer.models import MODELS
from tests.wire import coins, payouts, plugs, receipts, values


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.wire", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("coins", "receipts", "plugs", "values", "all"))
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth byte (default: all)")
    parser.add_argument("--frames", type=int, default=2_500_000, metavar="N", help="random frames for each reader")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="which bytes --every takes; draws the frames")
    options = parser.parse_args(words)
    wrong = 0
    if options.what in ("coins", "all"):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as scratch:
            wrong += _report("coins", coins.campaign(options.every, Path(scratch), seed=options.seed))
            wrong += _report("payouts", payouts.campaign(options.every, Path(scratch), options.seed))
        wrong += _report("counter", coins.counter_steps())
    if options.what in ("receipts", "all"):
        found = receipts.campaign(options.every, tuple(MODELS), options.seed)
        wrong += _report("receipts", ((finding.kind, finding.verdict, finding.plan) for finding in found))
    if options.what in ("plugs", "all"):
        pulls = list(plugs.campaign(options.every, options.seed))
        wrong += _report("plugs", ((found.kind, found.verdict, found.plan) for found in pulls))
        for what, is_silence in (("loss", False), ("silence", True)):
            delays_s = sorted(
                found.told_after_s for found in pulls if found.told_after_s and found.is_silence is is_silence
            )
            told = f"plugs: {what} told after"
            median_s, longest_s = delays_s[len(delays_s) // 2], delays_s[-1]
            print(f"{told:48} {median_s:.2f} s in the median, at most {longest_s:.2f} s", flush=True)
    if options.what in ("values", "all"):
        _say("status bytes", values.status_bytes())
        _say("automatic status bytes", values.automatic_status_bytes())
        _say("steps of the event counter", values.counter_steps())
        _say("error codes", values.codes())
        for name, count in values.random_frames(options.frames, options.seed):
            _say(f"random frames: {name}", count)
        for name, count in values.random_answers(options.frames // 25, options.seed):
            _say(f"random answers taken: {name}", count)
        for name, count in values.random_commands(options.frames // 25, options.seed):
            _say(f"random commands: simulated {name}", count)
    return int(wrong > 0)


def is_wrong(verdict: str) -> bool:
    """Whether a verdict begins with a word in capitals."""
    return verdict.split()[0].isupper()


def _report(what: str, found: Iterable[tuple[str, str, str]]) -> int:
    """Prints how often each verdict was reached; how many were wrong."""
    counts: Counter[tuple[str, str]] = Counter()
    wrong = []
    for kind, verdict, plan in found:
        counts[verdict, kind] += 1
        if is_wrong(verdict):
            wrong.append(f"{plan}: {verdict}")
    total = sum(counts.values())
    for verdict in sorted({verdict for verdict, _ in counts}):
        kinds = {kind: count for (reached, kind), count in counts.items() if reached == verdict}
        _say(f"{what}: {verdict}", sum(kinds.values()), ", ".join(f"{kind} {n}" for kind, n in sorted(kinds.items())))
    _say(f"{what}: all", total, f"{len(wrong)} of them wrong")
    for plan in wrong[:20]:
        print(f"  {plan}", flush=True)
    return len(wrong)


def _say(what: str, count: int, more: str = "") -> None:
    print(f"{what:48} {count:10,}  {more}".rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
