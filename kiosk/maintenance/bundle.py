"""The support bundle: what somebody far away needs to find a fault, and nothing of any person, no key and no password.

What goes in is chosen item by item; no file is copied. Texts that a device or a program has chosen come in as the
program already shows them to the technician.
"""

import datetime
import io
import json
import platform
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kiosk.config import Config
from kiosk.journal.chain import read_entries, read_heads
from kiosk.journal.database import UNREADABLE, open_database
from kiosk.journal.entry import ChainBroken, Entry
from kiosk.journal.errors import StoreUnusable
from kiosk.journal.verify import verify_journal
from kiosk.log_file import LOG_NAME, OLDER_LOG_NAME

_NEWEST_ENTRIES = 200
_SECRET = re.compile(r"key|secret|password|pin|credential", re.IGNORECASE)
"""Settings of whose values only is told whether there is one."""
HEALTH_RECORDS = "health.jsonl"
"""The file of the data directory that keeps the self-tests."""
CONFORMITY_REPORTS = "conformance"
"""The folder of the data directory that keeps the reports of compatibility checks."""
_RECORDS = (HEALTH_RECORDS, OLDER_LOG_NAME, LOG_NAME)
"""Files of the data directory that the program wrote for technicians."""


def collect(config: Config, data: Path, told: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """The texts of a bundle by the names of their files; `told` are lines that only a running station knows."""
    texts = {
        "versions.txt": _versions(),
        "settings.txt": "".join(f"{line}\n" for line in settings_told(config)),
        "files.txt": _files(data),
        "journal.txt": _journal(config, data),
    }
    for name in _RECORDS:
        if (data / name).is_file():
            # One that a power cut has damaged tells the more.
            texts[name] = (data / name).read_text("utf-8", "replace")
    for report in sorted((data / CONFORMITY_REPORTS).glob("*.json")):
        texts[f"{CONFORMITY_REPORTS}/{report.name}"] = report.read_text("utf-8")
    texts |= {name: "".join(f"{line}\n" for line in lines) for name, lines in told.items()}
    return texts


def write_bundle(path: Path, texts: Mapping[str, str], at: datetime.datetime) -> None:
    """Writes a .tar.gz of its own folder, readable by its owner only. Raises `OSError`; never replaces a file."""
    import tarfile  # imported here: a station packs nothing until somebody asks for it

    folder = f"kiosk-support-{at:%Y%m%d-%H%M%S}"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in sorted(texts.items()):
            content = text.encode("utf-8", "backslashreplace")
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mtime, member.mode = len(content), int(at.timestamp()), 0o600
            archive.addfile(member, io.BytesIO(content))
    with path.open("xb") as file:
        path.chmod(0o600)
        file.write(packed.getvalue())


def without_secrets(url: str) -> str:
    """The url without name and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else url


def settings_told(config: Config) -> list[str]:
    """Every setting as `table.key = value`; of a secret only whether there is one."""
    return list(_told("", config))


def _told(prefix: str, value: object) -> Iterable[str]:
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _told(f"{prefix}.{field.name}" if prefix else field.name, getattr(value, field.name))
    elif isinstance(value, str | bool | int | float | Path) or value is None:
        name = prefix.rpartition(".")[2]
        if isinstance(value, str) and _SECRET.search(name):
            yield f"{prefix} = {'set' if value else 'not set'}"
        else:
            yield f"{prefix} = {without_secrets(value) if isinstance(value, str) else value}"


def _versions() -> str:
    from importlib.metadata import distributions

    packages = sorted({(found.metadata["Name"], found.version) for found in distributions()}, key=lambda one: one[0])
    system = f"{platform.system()} {platform.release()} {platform.machine()}, Python {platform.python_version()}"
    return "".join(f"{line}\n" for line in (system, *(f"{name} {version}" for name, version in packages)))


def _files(data: Path) -> str:
    """Size, mode and name of what lies directly in the data directory, and the space that is left."""
    lines = []
    for path in sorted(data.iterdir()) if data.is_dir() else ():
        found = path.stat()
        lines.append(f"{found.st_mode & 0o7777:04o} {found.st_size:12} {path.name}{'/' if path.is_dir() else ''}")
    if data.is_dir():
        free = shutil.disk_usage(data)
        lines.append(f"{free.free // 2**20} of {free.total // 2**20} MiB free")
    return "".join(f"{line}\n" for line in lines)


def _journal(config: Config, data: Path) -> str:
    """Whether the chain holds, how often what happened, and the newest entries without their cases."""
    try:
        database = open_database(config.store.location(data), must_exist=True)
    except StoreUnusable as error:
        return f"{without_secrets(str(error))}\n"
    try:
        entries = list(read_entries(database))
        verified = verify_journal(iter(entries), read_heads(database), [])
        lines = [f"{of.station}: {of.entries} entries, {of.heads} signed heads, chain holds" for of in verified]
    except ChainBroken as broken:
        lines = [f"broken: {broken}"]
    except UNREADABLE as error:
        return f"not readable: {type(error).__name__}\n"
    finally:
        database.close()
    counts = Counter(_happened(entry) for entry in entries)
    lines += [f"{count:8} {what}" for what, count in sorted(counts.items())]
    newest = entries[-_NEWEST_ENTRIES:]
    lines += [f"{entry.station} {entry.seq} {_facts(entry)['at']} {_happened(entry)}" for entry in newest]
    return "".join(f"{line}\n" for line in lines)


def _facts(entry: Entry) -> dict[str, object]:
    facts: dict[str, object] = json.loads(entry.body)
    return facts


def _happened(entry: Entry) -> str:
    facts = _facts(entry)
    return " ".join(str(facts[key]) for key in ("event", "step", "code") if facts.get(key))
