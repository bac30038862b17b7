"""The authority's directory: made once for training, opened by every process that serves or changes it.

* `ca.pem`: its own certificates, present generation first; `ca.key`: its key with the present certificate
* `ocsp.pem`, `cmp.pem`: key, certificate, issuer of the OCSP responder, and of who signs messages (if it is there)
* `relying_parties/NAME.pem`: a registered relying party's, to be handed to it
* `stations/NAME.pem`, `clerks/NAME.pem`: a station's, a clerk's (training only) key, certificate, the authority's own
* `card.key`: master of the cards' attestation keys; `person.key`: key of the persons' ids, both in hex
* `card_makers/*.pem`: certificates of the makers of PIV cards whose attestation is believed, put there by the operator
* `policy.toml`: the policy profile; `store.db`: the books, unless they are in PostgreSQL
* `ceremony.txt`, `ceremony.sig`: the protocol of a key ceremony and its signature by the first key (production only)
* `authority.toml`: town, public address, where the books are; a directory without it is no authority
"""

import datetime
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.authority.credential import Credential
from kiosk.authority.embedded.authority import Authority, new_serial
from kiosk.authority.embedded.card_attestation import MakersInvalid, read_makers
from kiosk.authority.embedded.generation import read_generations
from kiosk.authority.embedded.key_files import alone_in, make_durable, write_secret
from kiosk.authority.embedded.registration import RELYING_PARTY, register
from kiosk.authority.embedded.store import Store, StoreUnusable, open_store
from kiosk.authority.embedded.terms import MARK, AuthorityFile, DirectoryInvalid, read_authority_file, read_policy
from kiosk.authority.errors import CredentialInvalid
from kiosk.authority.mac import SHORTEST_SECRET_BYTES
from kiosk.authority.profile import Profiles, authority_certificate
from kiosk.authority.signature import sign
from kiosk.authority.token_key import TokenUnusable, make_token_key, read_uri
from kiosk.authority.training import is_training
from kiosk.durable import sync
from kiosk.journal.head import load_head_key
from kiosk.journal.key_file import KeyDamaged
from kiosk.model.certificate import serial_text
from kiosk.model.policy import Policy
from kiosk.model.town import Town

DEMO_NAME = "demo"
"""Of the station and the clerk that a training authority makes."""

SECOND_CLERK = "second"
"""Of the clerk with whom he settles what one alone cannot tell."""

DEMO_CARD_MASTER = bytes(range(0x70, 0x80))
"""What new simulated cards are personalised with; known to everybody."""

_MADE = (
    "ca.key",
    "ca.pem",
    "card.key",
    "ceremony.sig",
    "ceremony.txt",
    "clerks",
    "cmp.pem",
    "head.key",
    "ocsp.pem",
    "person.key",
    "policy.toml",
    "stations",
    "store.db",
    MARK,
)
"""What `init` makes, in the order in which it is moved into its place: the mark last."""
PROTOCOL, SIGNATURE = "ceremony.txt", "ceremony.sig"
"""What a ceremony adds."""

_WORK = ".init-"
"""How the name of the folder begins in which `init` makes everything."""
OWN_KEY_BITS = 2048
JOINT = b" "
"""What stands between two persons' passphrases."""
_STORE = "store.db"
_HEAD_KEY = "head.key"
_SECRET_BYTES = 16
_LONGEST_LINE_BYTES = 4096
_REFERENCE = re.compile(r"[\x21-\x7e]{1,64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Clock = Callable[[], datetime.datetime]
RandomBytes = Callable[[int], bytes]


def init(
    directory: Path,
    policy_file: Path,
    town: Town,
    clock: Clock,
    random_bytes: RandomBytes = os.urandom,
    store_url: str = "",
    passphrase: bytes | None = None,
    token: str = "",
    certify: Callable[[Credential, Policy], bytes] | None = None,
) -> None:
    """Makes an authority; without a ceremony one for training with one station and one clerk, both called demo.

    Its books are kept at `store_url` (PostgreSQL), empty: in a file beside its keys, which a `passphrase` encrypts.
    `certify` makes the protocol of a ceremony from the new key and the policy; it is signed by that key, and the
    authority appears together with it.

    `authority.toml` comes last, so that an interrupted run leaves no authority; the next run takes back what it left.
    Raises `DirectoryInvalid` when one of its files is there otherwise: nothing is ever overwritten.
    """
    policy = read_policy(policy_file)
    directory.mkdir(parents=True, exist_ok=True)
    with alone_in(directory):
        for left in directory.glob(f"{_WORK}*"):
            _take_back(directory, left)
        work = Path(tempfile.mkdtemp(prefix=_WORK, dir=directory))
        try:
            content = policy_file.read_bytes()
            _make_authority(work, content, policy, town, clock, random_bytes, store_url, passphrase, token, certify)
            made = _made(work / MARK)
            if taken := [name for name in made if (directory / name).exists()]:
                raise DirectoryInvalid(f"{directory}: holds {', '.join(taken)} already; nothing is overwritten")
            make_durable(work)
            for name in made:
                if name == MARK:
                    sync(directory)
                (work / name).rename(directory / name)
            sync(directory)
        finally:
            _take_back(directory, work)


def _take_back(directory: Path, work: Path) -> None:
    """Removes a work folder, and what was moved out of it unless that was everything.

    As long as a whole work folder has its mark, what is missing in it lies in the directory; nothing else is touched.
    """
    mark = work / MARK
    if mark.exists():
        for name in _made(mark):
            if not (work / name).exists():
                _remove(directory / name)
        mark.unlink()
    shutil.rmtree(work)


def _made(mark: Path) -> tuple[str, ...]:
    """What a whole work folder holds; the books are not there when they are in PostgreSQL, a protocol of a ceremony."""
    terms = read_authority_file(mark)
    lacking = (*([_STORE] if terms.store else ()), *(() if terms.ceremony else (PROTOCOL, SIGNATURE)))
    return tuple(name for name in _MADE if name not in lacking)


def _remove(path: Path) -> None:
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    for name in (DEMO_NAME, SECOND_CLERK):
        (path / f"{name}.pem").unlink(missing_ok=True)
    # What somebody else has put in there stays, and stands in the way of a new authority by name.
    with suppress(OSError):
        path.rmdir()


def locate(data: Path) -> Path:
    """The authority's directory: `data` itself, or `data`/authority. Raises `DirectoryInvalid`."""
    for directory in (data, data / "authority"):
        if (directory / MARK).exists():
            return directory
    raise DirectoryInvalid(f"{data}: no authority here; `kiosk ca init` makes one")


def open_authority(
    directory: Path,
    clock: Clock,
    random_bytes: RandomBytes = os.urandom,
    listening_url: str = "",
    passphrase: bytes | None = None,
) -> Authority:
    """Opens the authority in `directory`. Raises `DirectoryInvalid`, which names the file, and `StoreTooNew`.

    `passphrase` opens keys that are encrypted.
    """
    file = read_authority_file(directory / MARK)
    policy = read_policy(directory / "policy.toml")
    try:
        present, *older = read_generations(directory, passphrase)
        card_master, person_key = (bytes.fromhex((directory / f).read_text()) for f in ("card.key", "person.key"))
        in_training = is_training(present.credential.certificate, policy)
        card_makers = read_makers(directory / "card_makers", is_training=in_training)
    except (CredentialInvalid, MakersInvalid) as error:
        raise DirectoryInvalid(str(error)) from error
    except (OSError, ValueError) as error:
        raise DirectoryInvalid(f"{directory}: {error}") from error
    base_url = file.url or listening_url
    return Authority(
        credential=present.credential,
        generations=tuple(g.credential.certificate for g in (present, *older)),
        ocsp=present.ocsp,
        policy=policy,
        town=file.town,
        is_training=in_training,
        card_master=card_master,
        person_key=person_key,
        base_url=base_url,
        profiles=Profiles(present.credential, policy, file.town, in_training, base_url, present.number),
        store=_open_store(directory, file),
        clock=clock,
        random_bytes=random_bytes,
        delegate=present.delegate,
        links=tuple(link for g in (present, *older) for link in g.links),
        generation=present.number,
        older=tuple(older),
        card_makers=card_makers,
    )


def _open_store(directory: Path, file: AuthorityFile) -> Store:
    try:
        return open_store(file.store or directory / _STORE, load_head_key(directory / _HEAD_KEY))
    except StoreUnusable as error:
        named = f"{directory / MARK}: store" if file.store else str(directory / _STORE)
        raise DirectoryInvalid(f"{named}: {error}") from error
    except KeyDamaged as error:
        raise DirectoryInvalid(str(error)) from error


def check_writable(directory: Path) -> None:
    """Whether the books in `directory` can be kept on; those elsewhere say so themselves. Raises `DirectoryInvalid`."""
    if read_authority_file(directory / MARK).store:
        return
    for path in (directory, directory / _STORE):
        if path.exists() and not os.access(path, os.W_OK, effective_ids=True):
            raise DirectoryInvalid(f"{path}: cannot be written to, and the books are kept there")


def add_client(authority: Authority, reference: str, secret: bytes) -> None:
    """Makes a client known by a secret that both sides share. Raises `DirectoryInvalid` for what is no such pair."""
    if not _REFERENCE.fullmatch(reference):
        raise DirectoryInvalid(f"{reference!r} is no reference: printable characters, 64 at most")
    if len(secret) < SHORTEST_SECRET_BYTES:
        raise DirectoryInvalid(f"a secret has at least {SHORTEST_SECRET_BYTES} characters")
    if not authority.is_training:
        raise DirectoryInvalid("a production authority knows its clients by their certificates only")
    with authority.store.write(authority.now()) as books:
        books.add_client(reference.encode(), secret)


def read_secret(path: Path, random_bytes: RandomBytes = os.urandom) -> bytes:
    """The first line of a file; a file that is not there is made, with a new secret.

    Raises `DirectoryInvalid`, which names the file.
    """
    try:
        if path.exists():
            return _first_line(path).strip()
        secret = random_bytes(_SECRET_BYTES).hex().encode()
        write_secret(path, secret + b"\n")
        return secret
    except OSError as error:
        raise DirectoryInvalid(f"{path}: {error.strerror or error}") from error


def read_passphrases(paths: Sequence[Path]) -> bytes | None:
    """What opens the keys: the first line of each file, in this order, with a space between them; None without any.

    Raises `DirectoryInvalid`.
    """
    return JOINT.join(read_passphrase(path) for path in paths) if paths else None


def read_passphrase(path: Path) -> bytes:
    """The first line of a file, which may be a pipe. Raises `DirectoryInvalid`, which names the file."""
    try:
        passphrase = _first_line(path).rstrip(b"\r")
    except OSError as error:
        raise DirectoryInvalid(f"{path}: {error.strerror or error}") from error
    if not passphrase:
        raise DirectoryInvalid(f"{path}: no passphrase in it")
    return passphrase


def _first_line(path: Path) -> bytes:
    """Of a file, which may be a device that never ends. Raises `OSError`, `DirectoryInvalid`."""
    with path.open("rb") as file:
        line = file.readline(_LONGEST_LINE_BYTES + 1)
    if len(line) > _LONGEST_LINE_BYTES:
        raise DirectoryInvalid(f"{path}: its first line has more than {_LONGEST_LINE_BYTES} bytes")
    return line.removesuffix(b"\n")


def add_station(directory: Path, authority: Authority, name: str) -> Path:
    """Makes a station's key and certificate; returns their file. Raises `DirectoryInvalid` when the name is taken."""
    path = directory / "stations" / f"{name}.pem"
    if not _NAME.fullmatch(name):
        raise DirectoryInvalid(f"{name!r} is no station's name: letters, digits, dot, underscore and hyphen")
    if path.exists():
        raise DirectoryInvalid(f"{path}: there already; nothing is overwritten")
    key = ec.generate_private_key(ec.SECP256R1())
    now = authority.now()
    certificate = authority.profiles.station(name, key.public_key(), authority.new_serial(), now)
    with authority.store.write(now) as books:
        register(books, certificate, "station", authority.generation)
    write_secret(path, Credential(key, certificate, authority.known_by).encode())
    return path


def add_relying_party(directory: Path, authority: Authority, name: str) -> Path:
    """Makes a relying party's key and certificate; returns their file. Raises `DirectoryInvalid`."""
    path = directory / "relying_parties" / f"{name}.pem"
    if not _NAME.fullmatch(name):
        raise DirectoryInvalid(f"{name!r} is no relying party's name: letters, digits, dot, underscore and hyphen")
    key = ec.generate_private_key(ec.SECP256R1())
    now = authority.now()
    certificate = authority.profiles.relying_party(name, key.public_key(), authority.new_serial(), now)
    with authority.store.write(now) as books:
        if path.exists() or name in {party.name for party in books.relying_parties()}:
            raise DirectoryInvalid(f"{name}: registered already; nothing is overwritten")
        register(books, certificate, RELYING_PARTY, authority.generation)
        books.add_relying_party(serial_text(certificate.serial_number), name)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_secret(path, Credential(key, certificate, authority.known_by).encode())
    return path


def _make_authority(
    work: Path,
    policy_toml: bytes,
    policy: Policy,
    town: Town,
    clock: Clock,
    random_bytes: RandomBytes,
    store_url: str,
    passphrase: bytes | None,
    token: str,
    certify_ceremony: Callable[[Credential, Policy], bytes] | None,
) -> None:
    for_training = certify_ceremony is None
    now = clock().astimezone(datetime.UTC).replace(microsecond=0)

    def serial() -> int:
        return new_serial(random_bytes)

    def new_key() -> ec.EllipticCurvePrivateKey:
        return ec.generate_private_key(ec.SECP256R1())

    own_key: rsa.RSAPrivateKey = _make_own_key(token, passphrase)
    own = authority_certificate(own_key, policy, town, for_training, serial(), now)
    issuer = Credential(own_key, own)
    profiles = Profiles(issuer, policy, town, for_training, "")
    people = ("station", "clerk", "second") if for_training else ()
    keys = {who: new_key() for who in ("ocsp", "cmp", *people)}
    certify = {
        "station": lambda key: profiles.station(DEMO_NAME, key, serial(), now),
        "clerk": lambda key: profiles.clerk(DEMO_NAME, key, serial(), now),
        "second": lambda key: profiles.clerk(SECOND_CLERK, key, serial(), now),
        "ocsp": lambda key: profiles.ocsp_responder(key, serial(), now),
        "cmp": lambda key: profiles.cmp_delegate(key, serial(), now),
    }
    certificates = {who: certify[who](key.public_key()) for who, key in keys.items()}
    paths = {
        "station": work / "stations" / f"{DEMO_NAME}.pem",
        "clerk": work / "clerks" / f"{DEMO_NAME}.pem",
        "second": work / "clerks" / f"{SECOND_CLERK}.pem",
        "ocsp": work / "ocsp.pem",
        "cmp": work / "cmp.pem",
    }
    for folder in ("stations", "clerks"):
        (work / folder).mkdir(mode=0o700)
    write_secret(work / "ca.key", issuer.encode(passphrase))
    (work / "ca.pem").write_bytes(own.public_bytes(Encoding.PEM))
    for who in keys:
        # A station's and a clerk's are taken elsewhere; the authority's own are opened together.
        own_passphrase = passphrase if who in ("ocsp", "cmp") else None
        write_secret(paths[who], Credential(keys[who], certificates[who], (own,)).encode(own_passphrase))
    write_secret(work / "card.key", (DEMO_CARD_MASTER if for_training else random_bytes(16)).hex().encode())
    write_secret(work / "person.key", random_bytes(32).hex().encode())
    (work / "policy.toml").write_bytes(policy_toml)
    if certify_ceremony is not None:
        protocol = certify_ceremony(issuer, policy)
        (work / PROTOCOL).write_bytes(protocol)
        (work / SIGNATURE).write_bytes(sign(own_key, protocol))
    mark = AuthorityFile(town, store=store_url, ceremony=not for_training)
    if not store_url:
        # The books hold personal data; SQLite gives its journal file the same mode.
        (work / _STORE).touch(mode=0o600)
    store = _open_store(work, mark)
    with store.write(now) as books:
        for who, certificate in certificates.items():
            register(books, certificate, "clerk" if who == "second" else who)
    store.close()
    # Empty after the last commit; SQLite makes it anew.
    (work / f"{_STORE}-journal").unlink(missing_ok=True)
    (work / MARK).write_text(_authority_toml(mark), encoding="utf-8")
    # The store's URL may hold a password.
    (work / MARK).chmod(0o600)


def _make_own_key(token: str, passphrase: bytes | None) -> rsa.RSAPrivateKey:
    if not token:
        return rsa.generate_private_key(public_exponent=65537, key_size=OWN_KEY_BITS)
    if passphrase is None:
        raise DirectoryInvalid("a key in a token needs its PIN: --passphrase")
    try:
        return make_token_key(read_uri(token), passphrase, OWN_KEY_BITS)
    except (TokenUnusable, ValueError) as error:
        raise DirectoryInvalid(str(error)) from error


def _authority_toml(file: AuthorityFile) -> str:
    # A JSON string is a TOML basic string.
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in asdict(file.town).items())
    return "\n".join(
        [
            "# Where certificates say that status services are; empty: where the authority listens.",
            'url = ""',
            "# Where the books are, such as postgresql+psycopg://USER@HOST/NAME; empty: in store.db beside this file.",
            f"store = {json.dumps(file.store)}",
            "# Whether two persons made it at a ceremony, whose signed protocol lies beside this file.",
            f"ceremony = {json.dumps(file.ceremony)}",
            "",
            "[town]",
            *lines,
            "",
        ]
    )
