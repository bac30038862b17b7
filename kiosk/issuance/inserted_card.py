"""The card of one case while it lies in a reader: taken when first needed, always checked to be the same card."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import TracebackType

from hw.errors import PinRefused, ReaderMissing
from hw.ports import (
    CardReader,
    CardSession,
    ChannelChallenge,
    ChannelKeys,
    ChannelPurpose,
    KeyReplacement,
    KeyUse,
    ManagementKeys,
    SessionKeys,
)
from kiosk.issuance.card_key import password_policy
from kiosk.issuance.failure import CardNotInserted, WrongCard
from kiosk.issuance.persons import CardAction, Persons
from kiosk.issuance.station import Station
from kiosk.model.authorisation import Authorisation
from kiosk.model.secret import wipe

_SLICE_S = 0.5
"""How long a person who wants to stop may have to wait."""


class InsertedCard:
    """Opens a session with the case's card on demand and holds it until left.

    `number` is the card's number once it is known; every further session must answer the same. `authorisation` is the
    clerk's leave once it is given; without one no channel is opened. `key_replacements` are what the issuer wants put
    in the place of the card's keys under the channel that is open.
    """

    def __init__(self, station: Station, persons: Persons) -> None:
        self._station = station
        self._persons = persons
        self._reader: CardReader | None = station.reader
        self.is_handed_in = False
        self._held = ExitStack()
        self._session: CardSession | None = None
        self._verified: set[KeyUse] = set()
        self._has_channel = False
        self._released_exchanges = 0
        self.key_replacements: tuple[KeyReplacement, ...] = ()
        self.number: str | None = None
        self.authorisation: Authorisation | None = None

    def __enter__(self) -> "InsertedCard":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    @property
    def exchanges(self) -> int:
        """Card commands so far, over all sessions."""
        return self._released_exchanges + (self._session.exchanges if self._session else 0)

    def session(self) -> CardSession:
        """The card, whatever state it is in. Raises `CardNotInserted`, `WrongCard` and what the reader raises."""
        if self._session is None:
            self._wait_until_inserted()
            with ExitStack() as held:
                session = held.enter_context(self.reader.session())
                self._refuse_another(session)
                # Only a card that was checked is ever the case's session, whatever went wrong at the check.
                self._held, self._session = held.pop_all(), session
        return self._session

    def _refuse_another(self, session: CardSession) -> None:
        try:
            number = session.number()
            if self.number not in (None, number):
                raise WrongCard("the card in the reader is not the one of this case")
        except BaseException:
            self._released_exchanges += session.exchanges
            raise
        self.number = number

    @property
    def reader(self) -> CardReader:
        """The reader in which the card is worked with. Raises `ReaderMissing`."""
        if self._reader is None:
            raise ReaderMissing("this station has no reader at the window")
        return self._reader

    def hand_in(self) -> None:
        """From here on the card is worked with at the window."""
        self.release()
        self._reader, self.is_handed_in = self._station.window, True

    def find(self) -> bool:
        """Whether the case's card lies in a reader of this station; that one is worked with from here on."""
        self.release()
        for reader in self._station.readers:
            if reader.is_card_present():
                self._reader = reader
                with suppress(WrongCard):
                    self.session()
                    return True
        return False

    def under_channel(self, purpose: ChannelPurpose = ChannelPurpose.ISSUE) -> CardSession:
        """The card with a secure channel open."""
        session = self.session()
        if not self._has_channel:
            assert self.authorisation is not None, "the steps that need a channel come after the clerk's leave"
            session.open_channel(purpose, self._keys(self.authorisation))
            self._has_channel = True
        return session

    def _keys(self, authorisation: Authorisation) -> ChannelKeys:
        ask = self._station.card_keys(authorisation)

        def answer(challenge: ChannelChallenge) -> SessionKeys | ManagementKeys:
            keys = ask(challenge)
            self.key_replacements = keys.replacements if isinstance(keys, SessionKeys) else ()
            return keys

        return answer

    def verified(self, use: KeyUse = KeyUse.SIGNATURE) -> CardSession:
        """The card with this key's password verified in this session; the resident is asked for it when it is not."""
        session = self.session()
        if use is not KeyUse.SIGNATURE and not session.has_own_pin(use):
            use = KeyUse.SIGNATURE
        if use not in self._verified:
            # Under the channel, so that the password crosses the card service encrypted.
            self.under_channel()
            while use not in self._verified:
                self._verify_once(session, use)
        return session

    def note_verified(self, use: KeyUse = KeyUse.SIGNATURE) -> None:
        """The password was verified in this session by the caller."""
        self._verified.add(use)

    def release(self) -> None:
        """Ends the session, if there is one: application deselected, card powered off."""
        if self._session is not None:
            session, self._session = self._session, None
            self._verified.clear()
            self._has_channel, self.key_replacements = False, ()
            self._held.close()
            self._released_exchanges += session.exchanges

    def _verify_once(self, session: CardSession, use: KeyUse) -> None:
        resident, status = self._persons.resident, session.pin_status(use)
        if use is KeyUse.SIGNATURE:
            password = resident.enter_password(status)
        else:
            rules = password_policy(self._station.policy.passwords["authentication"], session.pin_policy(use))
            password = resident.enter_authentication_password(status, rules)
        try:
            session.verify_pin(password, use)
            self._verified.add(use)
        except PinRefused:
            pass  # the resident is asked again, and sees how many attempts remain
        finally:
            wipe(password)

    def _wait_until_inserted(self) -> None:
        reader, resident = self.reader, self._persons.resident
        if reader.is_card_present():
            return
        if self.is_handed_in:
            action = CardAction.HAND_IN
        else:
            action = CardAction.INSERT if self.number is None else CardAction.INSERT_SAME
        if not wait_in_slices(lambda: resident.card(action), reader.wait_for_card, self._station.waits.card_inserted_s):
            raise CardNotInserted("no card was put into the reader in time")


def wait_in_slices(ask: Callable[[], None], wait: Callable[[float], bool], timeout_s: float) -> bool:
    """Asks a person and waits for the reader, again and again until the time is up.

    In between the person can stop the procedure, which `ask` raises.
    """
    left_s = timeout_s
    while left_s > 0:
        ask()
        if wait(min(_SLICE_S, left_s)):
            return True
        left_s -= _SLICE_S
    return False
