"""The clerk at a station of his own, as the screens of a terminal reach him."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from kiosk.assembly import Assembly, way_to_clerk
from kiosk.config import Config
from kiosk.counter.printed_forms import number_of
from kiosk.counter.remote_clerk import RemoteClerk, RemoteDecisions, RemoteReception, RemoteTwoClerks
from kiosk.model.resident import Resident


class StationFarClerk:
    """`kiosk.ui.far.FarClerk` of an open station; what is opened for it is closed with `held`."""

    def __init__(self, config: Config, data: Path, assembly: Assembly, held: ExitStack) -> None:
        self._config = config
        self._data = data
        self._assembly = assembly
        self._held = held
        self._reception: RemoteReception | None = None
        self._two_clerks: RemoteTwoClerks | None = None
        self._decisions: RemoteDecisions | None = None

    def clerk(self, number: str, give_up: Callable[[], None]) -> RemoteClerk:
        """Asked about the application of a number, over the way that the open station has."""
        assert self._assembly.clerk is not None, "asked where the clerk sits elsewhere"
        remote = self._assembly.clerk(number)
        return replace(remote, desk=replace(remote.desk, give_up=give_up))

    def reception(self, give_up: Callable[[], None]) -> RemoteReception:
        """Asked for a resident without a case, over a way of its own."""
        if self._reception is None:
            self._reception = self.open_reception()
        return RemoteReception(replace(self._reception.desk, give_up=give_up))

    def two_clerks(self, give_up: Callable[[], None]) -> RemoteTwoClerks:
        """Asked about suspect cases, over a way of its own."""
        if self._two_clerks is None:
            self._two_clerks = RemoteTwoClerks(self.open_reception().desk)
        return RemoteTwoClerks(replace(self._two_clerks.desk, give_up=give_up))

    def decisions(self, give_up: Callable[[], None]) -> RemoteDecisions:
        """Asked about cases that were left here, over a way of its own."""
        if self._decisions is None:
            self._decisions = RemoteDecisions(self.open_reception().desk)
        return RemoteDecisions(replace(self._decisions.desk, give_up=give_up))

    def open_reception(self) -> RemoteReception:
        """Another way of its own."""
        station = self._assembly.station
        return RemoteReception(
            self._held.enter_context(way_to_clerk(self._config, self._data, self._assembly.credential, station.clock))
        )


class FarForms:
    """Forms that the clerk's station has printed, scanned at a terminal, which keeps their numbers."""

    def __init__(self, reception: RemoteReception, numbers: dict[str, str]) -> None:
        self._reception = reception
        self._numbers = numbers

    def resident_of(self, code: str) -> Resident | None:
        """Asks whose it is; its application then has the number that stands on the paper."""
        found = self._reception.resident_of(code)
        if found is not None:
            self._numbers[found.code] = number_of(code)
        return found
