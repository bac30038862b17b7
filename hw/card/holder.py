"""Which other programs use the card service, for the message that somebody else holds the card."""

from pathlib import Path


def programs_at_the_card_service(processes: Path, own_pid: int) -> str:
    """Names and ids of the other processes that have pcsc-lite's client library loaded, "" when none can be seen.

    `processes` is where /proc is mounted. Without privileges one sees the processes of one's own user only.
    """
    names = []
    for process in processes.glob("[0-9]*"):
        if process.name == str(own_pid):
            continue
        try:
            if "libpcsclite" in (process / "maps").read_text():
                names.append(f"{(process / 'comm').read_text().strip()} ({process.name})")
        except OSError:
            continue
    return ", ".join(sorted(names))
