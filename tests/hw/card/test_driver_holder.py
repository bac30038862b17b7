from pathlib import Path

from hw.card.holder import programs_at_the_card_service


def process(proc: Path, pid: int, name: str, maps: str) -> None:
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "maps").write_text(maps)
    (proc / str(pid) / "comm").write_text(name + "\n")


def test_other_programs_with_the_client_library_are_named(tmp_path: Path) -> None:
    library = "7f00-7f01 r-xp 00000000 08:01 1 /usr/lib/libpcsclite.so.1.0.0"
    process(tmp_path, 10, "scdaemon", library)
    process(tmp_path, 11, "kiosk", library)
    process(tmp_path, 12, "bash", "7f00-7f01 r-xp 00000000 08:01 1 /usr/lib/libc.so.6")
    (tmp_path / "13").mkdir()
    (tmp_path / "self").mkdir()
    assert programs_at_the_card_service(tmp_path, own_pid=11) == "scdaemon (10)"


def test_nobody_is_named_where_nobody_can_be_seen(tmp_path: Path) -> None:
    assert programs_at_the_card_service(tmp_path, own_pid=1) == ""
