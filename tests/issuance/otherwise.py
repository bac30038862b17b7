"""Persons, devices and the authority as they are, but for one thing that they do otherwise."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from cryptography import x509

from hw.ports import CardSession
from kiosk.counter.clerk_key import ClerkKey
from kiosk.issuance.station import Station
from kiosk.journal.records import CaseRecord
from kiosk.model.certificate import RevocationReason, serial_text
from tests.counter_bench import World


class But:
    """Someone or something as it is, but for what is given by name."""

    def __init__(self, inner: object, **otherwise: object) -> None:
        self._inner = inner
        self._otherwise = otherwise

    def __getattr__(self, name: str) -> Any:
        return self._otherwise[name] if name in self._otherwise else getattr(self._inner, name)


def with_clerk(world: World, **otherwise: object) -> Any:
    persons = world.persons("1")
    return replace(persons, clerk=But(persons.clerk, **otherwise))


def with_resident(world: World, **otherwise: object) -> Any:
    persons = world.persons("1")
    return replace(persons, resident=But(persons.resident, **otherwise))


def with_card(world: World, change: Callable[[CardSession], dict[str, object]]) -> Station:
    """A station in whose reader every card does something otherwise."""
    station = world.station()

    @contextmanager
    def session() -> Iterator[Any]:
        with station.reader.session() as card:
            yield But(card, **change(card))

    return replace(station, reader=But(station.reader, session=session))  # a reader but for one thing


def with_authority(world: World, change: Callable[[Any], dict[str, object]]) -> Station:
    station = world.station()
    return replace(station, authority=But(station.authority, **change(station.authority)))


def revoke_clerk(world: World, key: ClerkKey) -> None:
    """The authority revokes a clerk's certificate, as `kiosk ca revoke` does."""
    serial = serial_text(x509.load_der_x509_certificate(key.certificate).serial_number)
    with world.authority.store.write(world.now) as books:
        books.revoke(serial, RevocationReason.KEY_COMPROMISE, "by hand")


def noting_whose(station: Station, asked: list[str]) -> Any:
    """The station; whose case is gone on with, or looked into, each time is added to the list."""

    def reopened(record: CaseRecord, resident_code: str) -> CaseRecord | None:
        asked.append(resident_code)
        return station.ended_cases.reopened(record, resident_code)

    return But(station, ended_cases=But(station.ended_cases, reopened=reopened))


def with_printer(world: World, change: Callable[[Any], dict[str, object]]) -> Station:
    station = world.station()
    return replace(station, printer=But(station.printer, **change(station.printer)))


def always(answer: object) -> Callable[..., object]:
    return lambda *_, **__: answer


def raising(error: Exception) -> Callable[..., object]:
    def fail(*_: object, **__: object) -> object:
        raise error

    return fail


def events(world: World) -> list[str]:
    return [entry.body for entry in world.station().journal.entries()]


class Noting:
    """Someone or something as it is, whose every call is noted: (name, arguments), in one list with others' calls."""

    def __init__(self, inner: Any, notes: list[tuple[Any, ...]]) -> None:
        self._inner = inner
        self._notes = notes

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if not callable(value):
            return value

        def noted(*words: object, **named: object) -> Any:
            self._notes.append((name, *words, *named.items()))
            return value(*words, **named)

        return noted


def noting(world: World, station: Station, notes: list[tuple[Any, ...]]) -> tuple[Station, Any]:
    """The station and its persons, with whatever cash box, resident and clerk are asked noted in their order."""
    cash: Any = Noting(station.cash, notes)
    persons = world.persons("1")
    return replace(station, cash=cash), replace(
        persons, resident=Noting(persons.resident, notes), clerk=Noting(persons.clerk, notes)
    )
