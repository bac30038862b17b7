"""Where a station finds the card issuer's keys, what it refuses there, and the command that makes them."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hw.strict_toml import ConfigInvalid
from kiosk.cli import main
from kiosk.config import SHIPPED, IssuerPlace, load_config
from kiosk.config_check import check_settings
from kiosk.issuer_keys import load_issuer, read_pin
from tests.authority.softhsm import MODULE, PIN, token
from tests.e2e.commands import APPLICATION, run
from tests.memory_folder import memory_folder

DEMO = SHIPPED / "demo" / "issuer.toml"
TOWN_ONLY = '[town]\nperson_key = "808182838485868788898a8b8c8d8e8f"\n'


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A token, the file of its PIN, and the town's key beside it."""
    with TemporaryDirectory(dir=memory_folder()) as name, token(Path(name), "issuer"):
        folder = Path(name)
        (folder / "pin").write_text(f"{PIN}\n")
        (folder / "pin").chmod(0o600)
        (folder / "town.toml").write_text(TOWN_ONLY)
        (folder / "town.toml").chmod(0o600)
        yield folder


def settings(folder: Path, name: str) -> tuple[str, ...]:
    """The words by which a command finds its masters under a name in the token."""
    uri = f"pkcs11:token=issuer;object={name}?module-path={MODULE}"
    pairs = {"keys": folder / "town.toml", "token": uri, "pin_file": folder / "pin"}
    return tuple(word for key, value in pairs.items() for word in ("--set", f"issuer.{key}={value}"))


def place(folder: Path, **changes: str) -> IssuerPlace:
    named = {
        "keys": str(folder / "town.toml"),
        "token": f"pkcs11:token=issuer;object=card?module-path={MODULE}",
        "pin_file": str(folder / "pin"),
        "imported": "warn",
    }
    return load_config(
        SHIPPED / "kiosk.toml", [(f"issuer.{key}", text) for key, text in {**named, **changes}.items()]
    ).issuer


def test_masters_come_into_the_token_by_the_command_and_open_cards(folder: Path, tmp_path: Path) -> None:
    words = settings(folder, "card")
    assert run("card-keys", "show", *words).returncode == 1
    put_in = run("card-keys", "import", DEMO, *words)
    assert (put_in.returncode, put_in.stdout.split()) == (0, ["card-issue", "card-reset", "card-erase"])
    made = run("card-keys", "make", *words)
    assert (made.returncode, made.stdout.split()) == (0, ["card-issue-2", "card-reset-2", "card-erase-2"])
    shown = run("card-keys", "show", *words)
    lines = [line.split(maxsplit=3) for line in shown.stdout.splitlines()]
    assert [(label, version) for label, version, _, _ in lines] == [
        ("card-issue", "30"),
        ("card-reset", "31"),
        ("card-erase", "32"),
        ("card-issue-2", "34"),
        ("card-reset-2", "35"),
        ("card-erase-2", "36"),
    ]
    assert [origin for *_, origin in lines] == ["put in"] * 3 + ["made in the token"] * 3
    assert shown.returncode == 0 and len({value for _, _, value, _ in lines}) == 6
    issued = run("drill", APPLICATION, *words, "--data", tmp_path / "town")
    assert issued.returncode == 0 and "made elsewhere" in issued.stderr, issued.stderr
    for said in (put_in, made, shown, issued):
        assert PIN not in said.stdout + said.stderr
    for file in (tmp_path / "town").rglob("*"):
        assert not file.is_file() or PIN.encode() not in file.read_bytes(), file
    refused = run("drill", APPLICATION, *words, "--set", "issuer.imported=refuse", "--data", tmp_path / "other")
    assert refused.returncode == 78 and "issuer.imported: card-issue, card-reset, card-erase" in refused.stderr


def test_production_takes_no_masters_from_a_file_and_never_the_demos(folder: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"issuer\.token: missing"):
        load_issuer(place(folder, keys=str(DEMO), token=""), is_training=False)
    words = settings(folder, "production")
    mine = place(folder, token=f"pkcs11:token=issuer;object=production?module-path={MODULE}", imported="refuse")
    assert run("card-keys", "make", *words).returncode == 0
    issuer, person_key = load_issuer(mine, is_training=False)
    assert issuer.later_masters == () and len(person_key) == 16
    demos = place(folder, token=f"pkcs11:token=issuer;object=demo?module-path={MODULE}")
    assert run("card-keys", "import", DEMO, *settings(folder, "demo")).returncode == 0
    with pytest.raises(ConfigInvalid, match="everybody knows"):
        load_issuer(demos, is_training=False)
    load_issuer(demos, is_training=True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"keys": str(DEMO)}, "take them out of the file"),
        ({"token": "card"}, r"issuer\.token: a key in a token is pkcs11:"),
        ({"token": "pkcs11:token=x;object=y?module-path=/nowhere.so"}, r"issuer\.token: /nowhere\.so: no such file"),
        ({"token": f"pkcs11:token=x;object=y?module-path={MODULE}"}, r"issuer\.token: .*there is no such token"),
        ({"token": f"pkcs11:token=issuer;object=none?module-path={MODULE}"}, "there is no key none-issue in it"),
        ({"pin_file": "/nowhere/pin"}, r"issuer\.pin_file: /nowhere/pin"),
        ({"pin_file": ""}, r"issuer\.pin_file: .*no file with the token's PIN"),
    ],
)
def test_what_is_set_wrongly_is_named_by_its_key(folder: Path, changes: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigInvalid, match=said):
        load_issuer(place(folder, **changes), is_training=True)


def test_a_wrong_pin_is_said_and_not_shown(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text("not the PIN")
    said = run("card-keys", "show", *settings(folder, "card"), "--set", f"issuer.pin_file={tmp_path / 'pin'}")
    assert said.returncode == 1 and "it does not take the PIN" in said.stderr and "not the PIN" not in said.stderr


def test_a_file_with_neither_masters_nor_the_towns_key_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.toml").write_text("")
    (tmp_path / "town.toml").write_text(TOWN_ONLY)
    for name, key in (("empty.toml", "town.person_key"), ("town.toml", "masters")):
        with pytest.raises(ConfigInvalid, match=f"{name}: {key}: missing"):
            load_issuer(place(folder, keys=str(tmp_path / name), token=""), is_training=True)


def test_the_pin_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "pin"
    for content, pin in ((b"1234", b"1234"), (b"12 34\nrest", b"12 34"), ("暗証\n".encode(), "暗証".encode())):
        file.write_bytes(content)
        assert read_pin(file) == pin
    file.write_bytes(b"\n1234")
    with pytest.raises(OSError, match="no PIN"):
        read_pin(file)


def test_the_check_tells_what_is_in_the_token_and_what_is_wrong(folder: Path, tmp_path: Path) -> None:
    assert run("card-keys", "import", DEMO, *settings(folder, "checked")).returncode == 0

    def checked(**changes: str) -> dict[str, tuple[str, str]]:
        uri = f"pkcs11:token=issuer;object=checked?module-path={MODULE}"
        named = {"keys": str(folder / "town.toml"), "token": uri, "pin_file": str(folder / "pin"), **changes}
        path = SHIPPED / "kiosk.toml"
        config = load_config(path, [(f"issuer.{key}", text) for key, text in named.items()])
        return {check.name: (check.outcome, check.detail) for check in check_settings(config, path, tmp_path)}

    fine = checked()
    assert fine["issuer.token"] == ("pass", "1 generation of masters")
    assert fine["issuer.imported"][0] == "note" and fine["issuer.pin_file"] == ("pass", "mode 0600")
    assert checked(imported="refuse")["issuer.imported"][0] == "fail"
    assert checked(token=f"pkcs11:token=issuer;object=gone?module-path={MODULE}")["issuer.token"][0] == "fail"
    (folder / "pin").chmod(0o644)
    assert checked()["issuer.pin_file"][0] == "fail"
    (folder / "pin").chmod(0o600)


def test_the_command_says_what_it_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card-keys", "make"]) == 78
    assert "issuer.token: missing" in capsys.readouterr().err
    assert main(["card-keys", "import"]) == main(["card-keys", "make", str(tmp_path / "file")]) == 64
