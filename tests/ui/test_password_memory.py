"""Nothing of a password stays in the memory of the kiosk, of its card process, of its authority, on the wire bench."""

import subprocess
import sys
from pathlib import Path

from tests.bench.screen import MOVES_TO_PASSWORD, type_through
from tests.pcscd import PrivatePcscd
from tests.ui.glass import Glass, shown
from tests.ui.process_memory import copies, family

PASSWORD = "Zq7Xw3Kp9Lm5Tv2B"
_FORMS = [PASSWORD.encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-32-le")]
_SIMULATOR = "import sys; from hw.cli import main; sys.exit(main(sys.argv[1:]))"


def _type_as_a_person(glass: Glass) -> None:
    """One key after another; a terminal that got all at once would hold it all in one buffer."""
    for character in PASSWORD:
        glass.settle(0.02)
        glass.type(character)
    glass.settle()
    glass.forget()


def test_no_copy_of_the_password_is_left_once_it_was_used(tmp_path: Path) -> None:
    with PrivatePcscd() as pcscd:
        simulator = ["-c", _SIMULATOR, "sim", "card", "--vpcd", f"127.0.0.1:{pcscd.vpcd_ports[0]}"]
        with subprocess.Popen([sys.executable, *simulator], stdout=subprocess.PIPE, env=pcscd.env) as card:
            try:
                assert card.stdout is not None and card.stdout.readline() == b"ready\n"
                _issue(tmp_path, pcscd)
            finally:
                card.kill()


def _issue(data: Path, pcscd: PrivatePcscd) -> None:
    reader = f"card.link=pcsc:{pcscd.reader_names[0]}"
    command = ("-m", "kiosk", "demo", "--data", data, "--set", reader, "--set", "card.unlisted=allow")
    with shown(*command, env=pcscd.env) as glass:
        glass.await_text("はじめる")
        # The card lies in the reader, so nobody is asked to put it in.
        (*before, (confirmed, _), (_, window)), after = MOVES_TO_PASSWORD[:5], MOVES_TO_PASSWORD[5:]
        type_through(glass, (*before, (confirmed, window), *after))
        _type_as_a_person(glass)
        assert copies(glass.process.pid, _FORMS) == 1, "the one buffer, which shows that copies are found"
        glass.type("\r")
        glass.await_text("もう一度")
        _type_as_a_person(glass)
        glass.type("\r")
        glass.await_text("よろしいですか")
        glass.settle()
        left = {pid: copies(pid, _FORMS) for pid in family(glass.process.pid)}
        assert len(left) > 1 and not any(left.values())
