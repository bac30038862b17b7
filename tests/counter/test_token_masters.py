"""The card issuer's masters in a PKCS #11 token: they open the same cards as from a file, and never leave the token."""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pkcs11
import pytest
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.base import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from hw.ports import ChannelChallenge, ChannelPurpose, ManagementKeys, SessionKeys
from kiosk.authority.token_key import MacKeys, TokenPinRefused, TokenPlace, TokenUnusable, cmac_by_cbc, refuse_last_try
from kiosk.counter.card_issuer import CardIssuer, MasterBytes, in_memory
from kiosk.counter.token_masters import TokenMaster, find_masters, label_of, make_generation, open_issuer, put_in
from kiosk.issuance.failure import RolledBack
from tests.authority.softhsm import MODULE, PIN, token
from tests.hw.card.office import CARD_NUMBER, Desk
from tests.issuance.myna_counter import FIRST_MASTERS, check_both, make_myna_authority, new_myna_world
from tests.memory_folder import memory_folder

NAMES = (f"card{number}" for number in itertools.count())
SECOND = {purpose: bytes([at]) * 16 for at, purpose in enumerate(ChannelPurpose, 1)}


@dataclass
class Reading:
    """Who reads the PIN for the token: what he gave, and so how often."""

    pin: str = PIN
    given: list[bytearray] = field(default_factory=list)

    def __call__(self) -> bytearray:
        self.given.append(bytearray(self.pin.encode()))
        return self.given[-1]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the one token of these tests is kept."""
    with TemporaryDirectory(dir=memory_folder()) as name, token(Path(name), "issuer"):
        yield Path(name)


@pytest.fixture
def keys(folder: Path) -> MacKeys:
    """The token, under a name that no other test has."""
    return MacKeys(TokenPlace(MODULE, "issuer", next(NAMES)), Reading())


def session() -> pkcs11.Session:
    """What another program does in the token."""
    there = pkcs11.lib(MODULE).get_token(token_label="issuer")
    try:
        return there.open(user_pin=PIN, rw=True)
    except pkcs11.UserAlreadyLoggedIn:
        return there.open(rw=True)


def create(label: str, key: bytes = bytes(16), **attributes: bool) -> None:
    """Puts a key into the token as somebody else's program might."""
    template = {
        pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY,
        pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.AES,
        pkcs11.Attribute.TOKEN: True,
        pkcs11.Attribute.VALUE: key,
        pkcs11.Attribute.LABEL: label,
        pkcs11.Attribute.SENSITIVE: True,
        pkcs11.Attribute.EXTRACTABLE: False,
        pkcs11.Attribute.SIGN: True,
        **{pkcs11.Attribute[name]: value for name, value in attributes.items()},
    }
    session().create_object(template)


def remove(label: str) -> None:
    for found in session().get_objects({pkcs11.Attribute.LABEL: label}):
        found.destroy()


@given(st.binary(min_size=16, max_size=16), st.binary(max_size=100))
def test_cmac_by_cbc_is_cmac(key: bytes, message: bytes) -> None:
    cmac = CMAC(algorithms.AES(key))
    cmac.update(message)
    assert cmac_by_cbc(lambda blocks: Cipher(AES(key), CBC(bytes(16))).encryptor().update(blocks), message) == (
        cmac.finalize()
    )


@pytest.mark.parametrize("use", ["SIGN", "ENCRYPT"])
def test_a_master_derives_the_same_wherever_it_lies(keys: MacKeys, use: str) -> None:
    key = bytes(range(100, 116))
    create(keys.place.key, key, **{"SIGN": False, use: True})
    there, here = TokenMaster(keys, keys.place.key), MasterBytes(key)
    assert there.check_value() == here.check_value()
    for label, number, size in itertools.product(
        ("issue", "piv-channel"), ("", CARD_NUMBER, "PIV" + "0" * 29), (1, 16, 17, 48)
    ):
        assert there.derive(label, number, size) == here.derive(label, number, size)


@pytest.mark.parametrize("kind", ["juki-2011", "piv"])
@pytest.mark.parametrize("purpose", ChannelPurpose)
def test_a_card_gets_the_same_session_keys_from_either_source(
    keys: MacKeys, kind: str, purpose: ChannelPurpose
) -> None:
    put_in(keys, [FIRST_MASTERS, SECOND])
    from_token, from_file = open_issuer(keys), CardIssuer(in_memory(FIRST_MASTERS), (in_memory(SECOND),))
    asked: list[ChannelChallenge] = []

    def answer(challenge: ChannelChallenge) -> SessionKeys | ManagementKeys:
        asked.append(challenge)
        given = from_token.session_keys(challenge)
        assert given == from_file.session_keys(challenge)
        return given

    desk = Desk(kind=kind)
    with desk.reader.session() as card:
        card.open_channel(purpose, answer)
    assert asked


def test_masters_made_in_the_token_take_the_place_of_the_demos_on_a_card(keys: MacKeys, tmp_path: Path) -> None:
    put_in(keys, [FIRST_MASTERS])
    assert make_generation(keys) == tuple(label_of(keys.place.key, purpose, 2) for purpose in ChannelPurpose)
    authority = make_myna_authority(tmp_path / "ca")
    world = new_myna_world(tmp_path / "world", authority, issuer=open_issuer(keys))
    check_both(world, world.issue())
    (store,) = world.hand.memories.values()
    assert sorted(store.read().channel_keys) == [0x34, 0x35, 0x36]
    for raw in world.stored():
        assert PIN.encode() not in raw


def test_masters_are_made_one_generation_after_the_other_and_an_interrupted_one_is_completed(keys: MacKeys) -> None:
    with pytest.raises(TokenUnusable, match=f"no key {keys.place.key}-issue in it"):
        open_issuer(keys)
    for generation in range(1, 5):
        assert len(make_generation(keys)) == 3
        issuer = open_issuer(keys)
        assert len(issuer.later_masters) == generation - 1
        remove(label_of(keys.place.key, ChannelPurpose.ERASE, generation))
        with pytest.raises(TokenUnusable, match=f"no key {keys.place.key}-erase"):
            open_issuer(keys)
        assert make_generation(keys) == (label_of(keys.place.key, ChannelPurpose.ERASE, generation),)
    with pytest.raises(TokenUnusable, match="4 generations"):
        make_generation(keys)
    assert all(each.traits.is_native and each.traits.is_confined for each in find_masters(keys))
    remove(f"{keys.place.key}-reset-2")
    with pytest.raises(TokenUnusable, match="another one opens no card"):
        make_generation(keys)


def test_masters_of_a_file_are_put_in_once_and_never_beside_others(keys: MacKeys) -> None:
    assert len(put_in(keys, [FIRST_MASTERS])) == 3
    assert put_in(keys, [FIRST_MASTERS, SECOND]) == tuple(label_of(keys.place.key, each, 2) for each in ChannelPurpose)
    assert put_in(keys, [FIRST_MASTERS, SECOND]) == ()
    with pytest.raises(TokenUnusable, match="another one than that of the file"):
        put_in(keys, [SECOND])
    with pytest.raises(TokenUnusable, match="already"):
        keys.make(f"{keys.place.key}-issue", 128)
    assert not any(each.traits.is_native for each in find_masters(keys))
    for found in session().get_objects({pkcs11.Attribute.LABEL: f"{keys.place.key}-issue"}):
        with pytest.raises(pkcs11.AttributeSensitive):
            found[pkcs11.Attribute.VALUE]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"SENSITIVE": False}, "can be taken out"),
        ({"EXTRACTABLE": True}, "can be taken out"),
        ({"key": bytes(32)}, "256 bits"),
        ({"SIGN": False, "ENCRYPT": False}, "makes no AES-CMAC"),
    ],
)
def test_a_master_that_is_not_as_it_must_be_is_refused(keys: MacKeys, wrong: dict[str, bool], said: str) -> None:
    make_generation(keys)
    remove(f"{keys.place.key}-reset")
    create(f"{keys.place.key}-reset", **wrong)
    with pytest.raises(TokenUnusable, match=f"{keys.place.key}-reset.*{said}"):
        open_issuer(keys)


def test_two_keys_of_one_name_are_refused(keys: MacKeys) -> None:
    for _ in range(2):
        create(f"{keys.place.key}-issue")
    with pytest.raises(TokenUnusable, match=f"two keys are called {keys.place.key}-issue"):
        find_masters(keys)
    remove(f"{keys.place.key}-issue")


def test_a_token_or_library_that_is_not_there_is_named(folder: Path) -> None:
    for module, label, said in ((MODULE, "elsewhere", "no such token"), ("/nowhere.so", "issuer", "/nowhere.so")):
        with pytest.raises(TokenUnusable, match=said):
            find_masters(MacKeys(TokenPlace(module, label, "card"), Reading()))


def test_the_pin_is_wiped_and_a_wrong_one_is_presented_once(folder: Path) -> None:
    pkcs11.lib(MODULE).reinitialize()
    right = Reading()
    find_masters(MacKeys(TokenPlace(MODULE, "issuer", "card"), right))
    pkcs11.lib(MODULE).reinitialize()
    wrong = Reading("a wrong one")
    keys = MacKeys(TokenPlace(MODULE, "issuer", "card"), wrong)
    for _ in range(3):
        with pytest.raises(TokenPinRefused, match="PIN") as refused:
            find_masters(keys)
        assert "a wrong one" not in str(refused.value)
    assert [set(pin) for pin in (*right.given, *wrong.given)] == [{0}, {0}]


def test_the_last_try_of_a_pin_is_left_to_a_person(folder: Path) -> None:
    place = TokenPlace(MODULE, "issuer", "card")
    refuse_last_try(pkcs11.TokenFlag.USER_PIN_COUNT_LOW, place)
    for flag in (pkcs11.TokenFlag.USER_PIN_FINAL_TRY, pkcs11.TokenFlag.USER_PIN_LOCKED):
        with pytest.raises(TokenPinRefused):
            refuse_last_try(flag | pkcs11.TokenFlag.USER_PIN_COUNT_LOW, place)


def test_masters_are_used_after_a_fork(keys: MacKeys) -> None:
    make_generation(keys)
    label = f"{keys.place.key}-issue"
    expected = keys.cmac(label, b"text")
    child = os.fork()
    if not child:
        os._exit(0 if keys.cmac(label, b"text") == expected else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_token_that_is_lost_and_comes_back_stops_one_case_and_no_other(
    keys: MacKeys, folder: Path, tmp_path: Path
) -> None:
    put_in(keys, [FIRST_MASTERS])
    world = new_myna_world(tmp_path / "world", make_myna_authority(tmp_path / "ca"), issuer=open_issuer(keys))
    (folder / "tokens").rename(folder / "pulled")
    with pytest.raises(RolledBack, match="K-ISSUER-001"):
        world.issue()
    (folder / "pulled").rename(folder / "tokens")
    check_both(world, world.issue())
