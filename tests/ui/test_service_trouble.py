"""What a resident reads when a change of password, an unlocking or a revocation stopped: nothing that is not so."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from kiosk.failure_book import load_failure_book
from kiosk.ui.counter import FailureText
from kiosk.ui.ending import Outcome, Trouble
from kiosk.ui.resident.service import ServiceTrouble
from kiosk.ui.service import ServiceKind
from kiosk.ui.words import RESIDENT_LANGUAGES
from tests.ui.fit import flaws
from tests.ui.screen_host import ScreenHost, show

BOOK = load_failure_book()


def told_by(kind: ServiceKind, code: str, outcome: Outcome, locale: Path) -> dict[str, str]:
    """Everything on the screen, by language; every text of it fits where screens are smallest."""
    texts = {language: failure_text(code, language) for language in RESIDENT_LANGUAGES}
    seen: dict[str, str] = {}

    async def use(pilot: Pilot[None], host: ScreenHost) -> None:
        await pilot.resize_terminal(90, 26)
        for language in RESIDENT_LANGUAGES:
            host.seat.speak(language)
            await host.screen.compose_anew()
            await pilot.pause()
            seen[language] = host.text
            # The book's sentence is of any length, and wraps.
            told = [flaw for flaw in flaws(host.screen) if texts[language].what not in flaw]
            assert not told, f"{code} {language}: {told}"

    show(lambda seat: ServiceTrouble(seat, kind, Trouble(outcome, code, False), texts, None), locale, use)
    return seen


def failure_text(code: str, language: str) -> FailureText:
    entry = BOOK[code]
    text = entry.text(language.partition("@")[0])
    return FailureText(text.what, text.remedy, entry.who)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (ServiceKind.CHANGE, "K-CARD-011"),
        (ServiceKind.CHANGE, "K-CARD-012"),
        (ServiceKind.CHANGE, "E15"),
        (ServiceKind.UNLOCK, "K-CARD-011"),
        (ServiceKind.REVOKE, "E24"),
    ],
)
def test_nobody_is_told_to_use_what_he_does_not_have(kind: ServiceKind, code: str, locale: Path) -> None:
    told = told_by(kind, code, Outcome.ROLLED_BACK, locale)
    assert "お使いください" not in told["ja"] and "使えます" not in told["ja"]
    assert "Please use" not in told["en"] and "works as before" not in told["en"]
    assert "職員がご案内します" in told["ja"] and "Our staff will help you" in told["en"]


def test_who_still_has_his_password_is_told_so_and_who_helps(locale: Path) -> None:
    told = told_by(ServiceKind.CHANGE, "K-CARD-005", Outcome.ROLLED_BACK, locale)
    assert "いまのパスワードをお使いください" in told["ja"] and "技術担当に連絡します" in told["ja"]


def test_who_can_help_himself_is_told_how(locale: Path) -> None:
    told = told_by(ServiceKind.CHANGE, "K-CARD-002", Outcome.ROLLED_BACK, locale)
    assert "カードを入れて、もう一度お試しください" in told["ja"]
