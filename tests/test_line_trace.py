"""What passed on the devices' lines stays in sight: what only repeats itself takes one line, and hides no event."""

import datetime

from hw.link.traced import TracedLink
from kiosk.line_trace import LineTrace

POLL, ANSWER = "cash > 02 00 01 e8 15", "cash < 02 00 01 e8 15 01 01 02 00 00 fc"
POLLED = f"{POLL} {ANSWER.removeprefix('cash ')}"
KINDS = ("01", "02", "03", "04")


class Counter:
    """A trace, and the clock by which it is told."""

    def __init__(self, length: int = 400) -> None:
        self.at = datetime.datetime(2026, 11, 22, 10, 0)
        self.trace = LineTrace(length, lambda: self.at)

    def hear(self, *told: str, after_s: float = 0.0) -> None:
        self.at += datetime.timedelta(seconds=after_s)
        for one in told:
            self.trace.hear(one)

    def poll(self, times: int, every_s: float = 0.5) -> None:
        for _ in range(times):
            self.hear(POLL, ANSWER, after_s=every_s)

    def look_at_printer(self) -> None:
        self.hear(*(part for kind in KINDS for part in (f"printer > 10 04 {kind}", "printer < 12")), after_s=0.5)

    def seen(self) -> list[str]:
        """The lines without their day."""
        return [line.removeprefix("11-22 ") for line in self.trace.lines()]

    def seen_later(self) -> list[str]:
        """The lines once nothing that comes is an answer any more."""
        self.at += datetime.timedelta(seconds=2)
        return self.seen()


def test_a_poll_that_repeats_itself_is_one_line_with_its_count_and_its_first_and_last_time() -> None:
    counter = Counter()
    counter.poll(37)
    assert counter.seen_later() == [f"10:00:00-10:00:18 x37 {POLLED}"]


def test_a_coin_of_an_hour_ago_is_still_there() -> None:
    counter = Counter()
    counter.poll(4)
    counter.hear("cash > 02 00 01 e5 18", "cash < 01 0b 02 00 01 02 00", after_s=0.5)
    counter.poll(7200)
    assert counter.seen_later() == [
        f"10:00:00-10:00:02 x4 {POLLED}",
        "10:00:02 cash > 02 00 01 e5 18 < 01 0b 02 00 01 02 00",
        f"10:00:03-11:00:02 x7200 {POLLED}",
    ]


def test_a_fold_ends_when_anything_else_happens_on_that_line_and_goes_on_whatever_happens_on_another() -> None:
    counter = Counter()
    counter.poll(10)
    counter.hear("display > 0c", after_s=0.2)
    counter.poll(10)
    counter.hear("cash < 00", after_s=5)
    counter.poll(2)
    assert counter.seen_later() == [
        "10:00:05 display > 0c",
        f"10:00:00-10:00:10 x20 {POLLED}",
        "10:00:15 cash < 00",
        f"10:00:15-10:00:16 x2 {POLLED}",
    ]


def test_a_look_of_several_exchanges_is_a_line_for_each() -> None:
    counter = Counter()
    for _ in range(50):
        counter.look_at_printer()
    assert counter.seen_later() == [f"10:00:00-10:00:25 x50 printer > 10 04 {kind} < 12" for kind in KINDS]
    counter.hear("printer > 10 04 01", "printer < 12", "printer > 10 04 02", "printer < 16", after_s=0.5)
    for _ in range(3):
        counter.look_at_printer()
    assert [line.partition(" ")[2] for line in counter.seen_later()[4:]] == [
        *("printer > 10 04 01 < 12", "printer > 10 04 02 < 16"),
        *(f"x3 printer > 10 04 {kind} < 12" for kind in KINDS),
    ]


def test_while_coins_are_waited_for_two_polls_alternate_and_still_leave_room() -> None:
    counter = Counter()
    counter.hear("cash > 02 00 01 e5 18", "cash < 07", after_s=0.1)
    for number in range(600):
        counter.hear("cash > 02 00 01 e5 18", "cash < 06", after_s=0.1)
        if number % 5 == 0 or number % 7 == 0:
            counter.hear("cash > 02 00 01 e8 15", "cash < 00")
    told = counter.seen_later()
    assert told[0].endswith("cash > 02 00 01 e5 18 < 07")
    assert len(told) < 10
    counts = [int(line.split(" x")[1].split(" ")[0]) for line in told if " x" in line]
    assert sum(counts) + sum(" x" not in line for line in told) == 601 + sum(
        number % 5 == 0 or number % 7 == 0 for number in range(600)
    )


def test_what_happened_twice_with_long_silence_between_happened_at_two_times() -> None:
    counter = Counter()
    for _ in range(3):
        counter.poll(20)
        counter.hear("cash > 02 00 01 01 fc", "cash < 00", after_s=0.1)
    assert [line.partition(" cash ")[2] for line in counter.seen_later()] == [
        POLLED.removeprefix("cash "),
        "> 02 00 01 01 fc < 00",
    ] * 3


def test_an_answer_is_the_same_however_the_line_cuts_it() -> None:
    counter = Counter()
    counter.poll(2)
    counter.hear(POLL, "cash < 02 00 01", "cash < e8 15 01 01 02 00 00 fc", after_s=0.5)
    counter.poll(1)
    assert counter.seen_later() == [f"10:00:00-10:00:02 x4 {POLLED}"]


def test_what_is_not_answered_is_told_before_it_is_over_and_folded_then() -> None:
    counter = Counter()
    for _ in range(3):
        counter.hear(POLL, after_s=0.5)
    assert counter.seen() == [f"10:00:00-10:00:01 x2 {POLL}", f"10:00:01 {POLL}"]
    counter.hear(ANSWER)
    assert counter.seen() == [f"10:00:00-10:00:01 x2 {POLL}", f"10:00:01 {POLLED}"]


def test_the_newest_exchange_is_seen_at_once_and_counted_when_it_is_over() -> None:
    counter = Counter()
    counter.poll(37)
    assert counter.seen() == [f"10:00:00-10:00:18 x36 {POLLED}", f"10:00:18 {POLLED}"]
    counter.poll(1)
    assert counter.seen() == [f"10:00:00-10:00:18 x37 {POLLED}", f"10:00:19 {POLLED}"]
    assert counter.seen_later() == counter.seen() == [f"10:00:00-10:00:19 x38 {POLLED}"]


def test_an_answer_that_begins_as_an_earlier_one_is_told_whole() -> None:
    counter = Counter()
    for _ in range(3):
        counter.hear("printer > 01", "printer < 06", after_s=0.5)
    counter.hear("printer > 01", "printer < 06", after_s=0.5)
    counter.hear("printer < 15", after_s=0.1)
    assert counter.seen_later() == ["10:00:00-10:00:01 x3 printer > 01 < 06", "10:00:02 printer > 01 < 06 15"]


def test_a_look_whose_last_answer_goes_on_is_told_whole() -> None:
    counter = Counter()
    counter.look_at_printer()
    counter.look_at_printer()
    counter.hear("printer < 15")
    assert len(counter.seen_later()) == 8
    assert counter.seen()[-1] == "10:00:01 printer > 10 04 04 < 12 15"


def test_what_comes_unasked_has_its_own_time() -> None:
    counter = Counter()
    counter.hear("printer > 10 04 01", "printer < 12")
    counter.hear("printer < 3c 00 00 0f", after_s=3600)
    assert counter.seen_later() == ["10:00:00 printer > 10 04 01 < 12", "11:00:00 printer < 3c 00 00 0f"]


def test_papers_and_codes_of_one_length_are_not_told_to_be_the_same() -> None:
    counter = Counter()

    class Line:
        is_one_way = False

        def write(self, data: bytes, deadline_s: float) -> None: ...

        def read(self, maximum: int, deadline_s: float) -> bytes:
            return b"2026-0001-AAAAAAAA\r"

        def drain_input(self) -> None: ...

        def close(self) -> None: ...

    scanner = TracedLink(Line(), "scanner", counter.trace.hear, shows_content=False)
    printer = TracedLink(Line(), "printer", counter.trace.hear)
    for _ in range(2):
        scanner.read(64, 0.0)
        counter.at += datetime.timedelta(seconds=5)
        printer.write("領収書　幌延太郎様".encode("cp932") * 3, 0.0)
    assert [line.partition(" ")[2] for line in counter.seen_later()] == ["scanner < 19 bytes", "printer > 54 bytes"] * 2


def test_a_fold_over_midnight_names_both_days() -> None:
    counter = Counter()
    counter.poll(2, every_s=86400)
    counter.seen_later()
    assert counter.trace.lines() == (f"11-23 10:00:00-11-24 10:00:00 x2 {POLLED}",)


def test_no_more_lines_are_kept_than_there_is_room_for() -> None:
    counter = Counter(length=10)
    for number in range(1000):
        counter.hear(f"printer > {number % 256:02x}", after_s=0.5)
    assert len(counter.seen_later()) == 10
    assert counter.seen_later()[-1].endswith("printer > e7")
    counter.hear("cash > " + "00 " * 20, *["cash < " + "00 " * 20] * 100)
    assert all(len(line) < 400 for line in counter.seen_later())
