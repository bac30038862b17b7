"""What the counter does besides issuing, by the installed commands: in the order in which a town would need them."""

import json
from pathlib import Path

from tests.e2e.commands import APPLICATION, application_file
from tests.e2e.commands import run as kiosk

SECOND = 'authentication_password = "4242"'
NEW_PASSWORD = "Teshio1974xyz"


def last_line(text: str) -> dict[str, object]:
    return json.loads(text.splitlines()[-1])


def test_a_password_is_changed_and_set_anew_and_the_certificate_revoked(tmp_path: Path) -> None:
    data, new = ("--data", tmp_path / "town"), tmp_path / "new"
    new.write_text(f"{NEW_PASSWORD}\n")
    assert kiosk("drill", APPLICATION, "--json", *data).returncode == 0
    changed = kiosk("change-pin", APPLICATION, "--new-password", new, "--json", *data)
    assert (changed.returncode, last_line(changed.stdout)) == (0, {"step": "password_changed"})
    again = kiosk("change-pin", APPLICATION, "--new-password", new, "--number", "C-2", "--json", *data)
    assert (again.returncode, last_line(again.stdout)["code"]) == (1, "K-CASE-002")
    unlocked = kiosk("unlock", APPLICATION, "--new-password", new, *data)
    assert (unlocked.returncode, unlocked.stdout.splitlines()[-1]) == (0, "step unlocked")
    assert kiosk("hold", "2011-0001", "--until", "2099-01-01", *data).returncode == 1
    assert kiosk("revoke", APPLICATION, "--cause", "moved", "--card", *data).returncode == 2
    second = tmp_path / "town" / "authority" / "clerks" / "second.pem"
    revoked = kiosk("revoke", APPLICATION, "--cause", "moved", "--card", "--second", second, "--json", *data)
    told = last_line(revoked.stdout)
    assert (revoked.returncode, told["reason"], told["card_emptied"]) == (0, "affiliationChanged", True)
    gone = kiosk("revoke", APPLICATION, "--number", "R-2", "--json", *data)
    assert (gone.returncode, last_line(gone.stdout)["code"]) == (1, "E24")
    assert kiosk("journal", "verify", *data).returncode == 0
    for file in tmp_path.rglob("*"):
        if file.is_file() and file != new:
            assert NEW_PASSWORD.encode() not in file.read_bytes(), file


def test_the_second_password_of_a_card_is_changed_by_name(tmp_path: Path) -> None:
    data, new = ("--data", tmp_path / "town", "--set", "policy.profile=myna-2016"), tmp_path / "new"
    new.write_text("9731\n")
    file = application_file(tmp_path / "application.toml")
    file.write_text(file.read_text().replace('password = "Horonobe2011"', 'password = "Horonobe2011"\n' + SECOND))
    assert kiosk("drill", file, "--set", "card.profile=myna-2016", *data).returncode == 0
    words = ("--new-password", new, "--password", "authentication", "--set", "card.profile=myna-2016")
    changed = kiosk("change-pin", file, *words, "--json", *data)
    assert (changed.returncode, last_line(changed.stdout)) == (0, {"step": "password_changed"}), changed.stderr
    again = kiosk("change-pin", file, *words, "--number", "P-2", "--json", *data)
    assert (again.returncode, last_line(again.stdout)["code"]) == (1, "K-CASE-002")


def test_what_cannot_be_is_a_clear_error(tmp_path: Path) -> None:
    data = ("--data", tmp_path / "town")
    assert kiosk("hold", "1", "--until", "tomorrow", *data).returncode == 64
    assert kiosk("change-pin", APPLICATION, *data).returncode == 64
    missing = kiosk("unlock", APPLICATION, "--new-password", tmp_path / "none", *data)
    assert missing.returncode == 78 and str(tmp_path / "none") in missing.stderr
    for verb in ("resume", "abort"):
        nothing = kiosk(verb, "9", *data)
        assert nothing.returncode == 1 and "9" in nothing.stderr
