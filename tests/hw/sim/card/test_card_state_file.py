"""Every kind of card keeps in its file all that it is, and goes on from there in the next process."""

from pathlib import Path

import pytest

from hw.card.memory import MemorySlot
from hw.card.reader import Reader
from hw.sim.card.card import VirtualCard
from hw.sim.card.memory import FileStore
from tests.hw.card.office import CERTIFICATE, blank, issue, read_certificate, rsa_key


@pytest.mark.parametrize("kind", ["juki-2011", "juki-2011-b", "myna-2016", "piv"])
def test_an_issued_card_is_the_same_card_in_the_next_process(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "card.json"
    FileStore(file).write(blank(kind))
    made = issue(Reader(MemorySlot("first", VirtualCard(FileStore(file), make_key=rsa_key)))).modulus
    reader = Reader(MemorySlot("next", VirtualCard(FileStore(file))))
    assert read_certificate(reader) == CERTIFICATE
    with reader.session() as card:
        public = card.public_key()
        assert public is not None
        assert public.modulus == made
    kept = file.read_text()
    assert "KIOSK123" not in kept
    assert file.stat().st_mode & 0o077 == 0
