"""`kiosk.toml` and what it points to, as values; every error names file, key and reason."""

import datetime
import math
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from hw.bench import set_hardware
from hw.hardware import Hardware
from hw.strict_toml import ConfigInvalid, apply_settings, blaming_settings, convert, read_tables
from kiosk.issuance.receipt import ReceiptForm
from kiosk.model.application import Delivery
from kiosk.model.policy import GROUND, LONGEST_GROUND_NAME, MOST_GROUNDS, Policy
from kiosk.model.town import Areas, Town
from kiosk.reception_hours import ReceptionHours, parse_hours

ETC = Path("/etc/kiosk")
SHIPPED = Path(__file__).resolve().parent.parent / "config"


@dataclass(frozen=True)
class StationTable:
    """Which station this is (empty: the one that the authority's credential names), and where its devices are named."""

    name: str = ""
    hardware: str = "hardware.toml"


@dataclass(frozen=True)
class PolicyTable:
    """Which policy profile is in force: `DIRECTORY/PROFILE.toml`."""

    profile: str = "juki-2011"
    directory: str = "policy"


@dataclass(frozen=True)
class AuthorityTable:
    """Where the authority is. An empty `url` lets `demo` and `drill` start one of their own.

    `pending` is what becomes of a certificate until it is confirmed: the authority holds it, or nobody does; `probed`
    lets the program find that out.
    """

    url: str = ""
    credential: str = ""
    timeout_s: float = 10.0
    pending: Literal["probed", "held", "none"] = "probed"


@dataclass(frozen=True)
class ClerkTable:
    """Where the clerk sits, and his key.

    `station` is the one that is asked for him over the store; empty: he sits here, with his key, the register and the
    card keys. `patience_s` is how long it may take to begin with a question. `key` empty: `clerks/demo.pem` of the
    authority that the credential came from (training only). `roster` lists the clerks who may sit here.
    """

    station: str = ""
    patience_s: float = 10.0
    key: str = ""
    roster: str = "demo/clerks.toml"


@dataclass(frozen=True)
class IssuerTable:
    """The card issuer's master keys and the town's person key, at the clerk's station only.

    `keys` is the file of the person key, and in training of the masters too. `token` is the PKCS #11 token that has
    the masters otherwise, `pin_file` the file whose first line is its PIN; `imported` says what becomes of a master
    that was put into the token, and so has been elsewhere.
    """

    keys: str = "demo/issuer.toml"
    token: str = ""
    pin_file: str = ""
    imported: Literal["refuse", "warn", "allow"] = "warn"


@dataclass(frozen=True)
class IssuerPlace:
    """The same, with its paths resolved."""

    keys_file: Path
    token: str
    pin_file: Path
    imported: Literal["refuse", "warn", "allow"]


@dataclass(frozen=True)
class RegisterTable:
    """The town's resident register, and the list of the town's parts for forms that are filled in at the terminal."""

    file: str = "demo/residents.toml"
    areas: str = "demo/areas.toml"


@dataclass(frozen=True)
class StoreTable:
    """The store's URL (`kiosk.journal.connection.place_of`); empty: SQLite in the data directory."""

    url: str = ""

    def location(self, data: Path) -> str | Path:
        """Where the store is: at a URL, or in a file of the data directory, whose name is none."""
        return self.url or data / "kiosk.db"


@dataclass(frozen=True)
class CounterTable:
    """Where a certificate is delivered, and how long the counter waits for people.

    `float_yen` is the change (釣銭準備金) that lay in the drawer before it was counted for the first time. On
    `holidays` the office is closed, as on weekends and for the end of the year.
    """

    delivery: Delivery = Delivery.TERMINAL
    card_inserted_s: float = 120.0
    card_taken_s: float = 30.0
    float_yen: int = 0
    holidays: tuple[datetime.date, ...] = ()


@dataclass(frozen=True)
class HoursTable:
    """From when until when applications are taken in, by day of the week ("08:30-17:15"); empty: not on that day.

    All empty: at any time. On holidays, weekends and for the end of the year none are.
    """

    monday: str = ""
    tuesday: str = ""
    wednesday: str = ""
    thursday: str = ""
    friday: str = ""


@dataclass(frozen=True)
class ReceiptTable:
    """The language of the receipt."""

    language: Literal["ja", "en"] = "ja"


@dataclass(frozen=True)
class VoiceTable:
    """What speaks to the resident: Open JTalk's voice model and the ALSA device of the headset; no model, no voice."""

    model: str = ""
    device: str = "default"


@dataclass(frozen=True)
class SoundTable:
    """The ALSA device of the terminal's loudspeaker; none: the tones are the terminal program's bell."""

    device: str = ""


@dataclass(frozen=True)
class _KioskFile:
    town: Town
    station: StationTable = field(default_factory=StationTable)
    policy: PolicyTable = field(default_factory=PolicyTable)
    authority: AuthorityTable = field(default_factory=AuthorityTable)
    clerk: ClerkTable = field(default_factory=ClerkTable)
    issuer: IssuerTable = field(default_factory=IssuerTable)
    register: RegisterTable = field(default_factory=RegisterTable)
    store: StoreTable = field(default_factory=StoreTable)
    counter: CounterTable = field(default_factory=CounterTable)
    hours: HoursTable = field(default_factory=HoursTable)
    receipt: ReceiptTable = field(default_factory=ReceiptTable)
    voice: VoiceTable = field(default_factory=VoiceTable)
    sound: SoundTable = field(default_factory=SoundTable)


_TOWN_CODE = re.compile(r"(0[1-9]|[1-3][0-9]|4[0-7])[0-9]{3}")
"""A prefecture's number, 01 to 47, and the municipality's in it (全国地方公共団体コード without its check digit)."""
_TELEPHONE = re.compile(r"[0-9+() -]{0,20}")
_LARGEST_FLOAT_YEN = 10_000_000
"""More change than any drawer holds; what is above is a slip of the pen."""
_PATHS = {
    "voice.model",
    "authority.credential",
    "clerk.key",
    "issuer.keys",
    "issuer.pin_file",
    "register.file",
    "register.areas",
    "station.hardware",
    "policy.directory",
}


@dataclass(frozen=True)
class Config:
    """Everything that files and `--set` say; paths are resolved against the directory of `kiosk.toml`."""

    home: Path
    town: Town
    station: StationTable
    policy: Policy
    authority: AuthorityTable
    clerk: ClerkTable
    policies: Path
    register_file: Path
    areas_file: Path
    issuer: IssuerPlace
    store: StoreTable
    counter: CounterTable
    hours: ReceptionHours | None
    """None: applications are taken in at any time."""
    receipt: ReceiptTable
    voice: VoiceTable
    sound: SoundTable
    hardware: Hardware


def locate_config(given: Path | None) -> Path:
    """The `kiosk.toml` to use: the one given, the installed one, or the one shipped with the sources."""
    if given is not None:
        return given
    installed = ETC / "kiosk.toml"
    return installed if installed.exists() else SHIPPED / "kiosk.toml"


def load_config(path: Path, settings: Iterable[tuple[str, str]]) -> Config:
    """Reads `kiosk.toml`, its hardware file and its policy, with `--set` on top. Raises `ConfigInvalid`."""
    settings = list(settings)
    own: list[tuple[str, str]] = []
    devices: list[tuple[str, str]] = []
    for dotted, text in settings:
        if dotted in _PATHS and text:
            # What stands on the command line is relative to where it is typed.
            text = str(Path(text).absolute())
        table = dotted.partition(".")[0]
        (devices if table in Hardware.__dataclass_fields__ else own).append((dotted, text))
    tables = read_tables(path)
    apply_settings(tables, own, _KioskFile)
    home = path.resolve().parent
    with blaming_settings(own, str(path)):
        file = convert(tables, _KioskFile, str(path))
        _check(file, str(path))
        hours = _hours(file, str(path))
        hardware_path = home / file.station.hardware
        hardware_tables = _read_named(path, "station.hardware", hardware_path)
        policy = _policy(path, home / file.policy.directory, file.policy.profile)
    hardware = set_hardware(hardware_tables, devices, str(hardware_path))
    if file.counter.delivery is Delivery.WINDOW and not hardware.window.link:
        raise ConfigInvalid(str(hardware_path), "window.link", "delivery at the window needs a reader there")
    return Config(
        home=home,
        town=file.town,
        station=file.station,
        policy=policy,
        authority=file.authority,
        clerk=file.clerk,
        policies=home / file.policy.directory,
        register_file=home / file.register.file,
        areas_file=home / file.register.areas,
        issuer=IssuerPlace(
            home / file.issuer.keys, file.issuer.token, home / file.issuer.pin_file, file.issuer.imported
        ),
        store=file.store,
        counter=file.counter,
        hours=hours,
        receipt=file.receipt,
        voice=file.voice,
        sound=file.sound,
        hardware=hardware,
    )


def _read_named(path: Path, key: str, named: Path) -> dict[str, Any]:
    """The tables of a file that `key` names in `path`; when that is not there, the key is what has to be mended."""
    if not named.exists():
        raise ConfigInvalid(str(path), key, f"{named}: no such file")
    return read_tables(named)


def _policy(path: Path, directory: Path, profile: str) -> Policy:
    if not (directory / f"{profile}.toml").exists():
        known = ", ".join(sorted(file.stem for file in directory.glob("*.toml"))) or "no profile"
        raise ConfigInvalid(str(path), "policy.profile", f"no {profile!r} in {directory}, which has {known}")
    return load_policy(directory, profile)


def _check(file: _KioskFile, name: str) -> None:
    """Raises `ConfigInvalid` for values that no type rules out."""
    for key, seconds in (
        ("authority.timeout_s", file.authority.timeout_s),
        ("clerk.patience_s", file.clerk.patience_s),
        ("counter.card_inserted_s", file.counter.card_inserted_s),
        ("counter.card_taken_s", file.counter.card_taken_s),
    ):
        if not (math.isfinite(seconds) and seconds > 0):
            raise ConfigInvalid(name, key, f"{seconds} is no time to wait: more than 0, and it must end")
    if not 0 <= file.counter.float_yen <= _LARGEST_FLOAT_YEN:
        raise ConfigInvalid(name, "counter.float_yen", f"not between 0 and {_LARGEST_FLOAT_YEN}")
    if not _TOWN_CODE.fullmatch(file.town.code):
        raise ConfigInvalid(name, "town.code", f"{file.town.code!r} is no municipality's code: five digits, from 01")
    if not _TELEPHONE.fullmatch(file.town.telephone):
        raise ConfigInvalid(
            name, "town.telephone", f"{file.town.telephone!r} is no number: digits, and + ( ) - between"
        )
    if file.authority.url and not _is_http(file.authority.url):
        raise ConfigInvalid(
            name, "authority.url", f"{file.authority.url!r} is not http://HOST:PORT or https://HOST:PORT"
        )
    if _is_sqlite_without_file(file.store.url):
        raise ConfigInvalid(name, "store.url", f"{file.store.url!r} names no file: sqlite:///FILE")


def _hours(file: _KioskFile, name: str) -> ReceptionHours | None:
    weekdays = []
    for day, text in asdict(file.hours).items():
        try:
            weekdays.append(parse_hours(text))
        except ValueError as error:
            raise ConfigInvalid(name, f"hours.{day}", str(error)) from error
    return ReceptionHours(weekdays, file.counter.holidays) if any(weekdays) else None


def _is_sqlite_without_file(url: str) -> bool:
    """Whether SQLite would keep the store in memory, or in a file of its own that it deletes when it is closed."""
    scheme, _, rest = url.partition("://")
    file = unquote(rest.partition("?")[0].removeprefix("/"))
    return scheme.partition("+")[0] == "sqlite" and (not file or file.startswith((":memory:", "file:")))


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def load_policy(directory: Path, profile: str) -> Policy:
    """Reads one policy profile. Raises `ConfigInvalid`."""
    path = directory / f"{profile}.toml"
    policy = convert(read_tables(path), Policy, str(path))
    for rules in policy.certificates:
        if rules.kind not in policy.passwords:
            raise ConfigInvalid(str(path), f"passwords.{rules.kind}", "missing: a certificate of that kind is issued")
    grounds = policy.fee.exemptions
    codes = [ground.code for ground in grounds]
    if len(grounds) > MOST_GROUNDS:
        raise ConfigInvalid(str(path), "fee.exemptions", f"more than {MOST_GROUNDS} grounds")
    for ground in grounds:
        if not GROUND.fullmatch(ground.code) or codes.count(ground.code) > 1:
            reason = f"{ground.code!r} is named twice, or is no word of at most 20 of a-z, 0-9, '-' and '_'"
            raise ConfigInvalid(str(path), "fee.exemptions.code", reason)
        if not ground.name.isprintable() or not 0 < len(ground.name) <= LONGEST_GROUND_NAME:
            reason = f"not 1 to {LONGEST_GROUND_NAME} printable characters, which fit on a key"
            raise ConfigInvalid(str(path), "fee.exemptions.name", reason)
    return policy


def load_areas(path: Path) -> Areas:
    """The town's parts. Raises `ConfigInvalid`."""
    return convert(read_tables(path), Areas, str(path))


def load_receipt_form(language: str, *, is_training: bool) -> ReceiptForm:
    """The receipt's layout in one language, and how that writes days. Raises `ConfigInvalid`."""
    papers = Path(__file__).parent / "papers"
    path, calendar = papers / f"receipt.{language}.toml", papers / f"calendar.{language}.toml"
    tables = {"is_training": is_training, "calendar": read_tables(calendar)}
    return convert(read_tables(path) | tables, ReceiptForm, str(path))
