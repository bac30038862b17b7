"""The program's own authority: made as this very program is configured, or refused."""

from pathlib import Path

import httpx
import pytest

from kiosk.authority.embedded.terms import read_terms
from kiosk.authority.own_process import AuthorityUnusable, own_authority
from kiosk.config import SHIPPED

CONFIG = SHIPPED / "kiosk.toml"


def test_it_is_made_for_the_town_and_policy_of_the_command_line_and_for_no_other(tmp_path: Path) -> None:
    directory, settings = tmp_path / "authority", [("town.municipality", "清瀬市"), ("store.url", "")]
    with own_authority(directory, CONFIG, settings, "myna-2016") as url:
        assert httpx.get(f"{url}/ca.pem").text == (directory / "ca.pem").read_text()
    terms = read_terms(directory)
    assert (terms.town.municipality, terms.policy.name) == ("清瀬市", "myna-2016")
    with pytest.raises(AuthorityUnusable, match="made for policy myna-2016"):
        with own_authority(directory, CONFIG, settings, "juki-2011"):
            pass
    with pytest.raises(AuthorityUnusable, match=r"made for town .* 清瀬市"):
        with own_authority(directory, CONFIG, [], "myna-2016"):
            pass


def test_what_init_says_is_repeated(tmp_path: Path) -> None:
    with pytest.raises(AuthorityUnusable, match="nowhere-1999"):
        with own_authority(tmp_path / "authority", CONFIG, policy="nowhere-1999"):
            pass


def test_a_lost_key_is_a_file_to_be_mended_and_no_defect(tmp_path: Path) -> None:
    with own_authority(tmp_path, CONFIG):
        pass
    (tmp_path / "ca.key").unlink()
    with pytest.raises(AuthorityUnusable, match="ended before it was ready"):
        with own_authority(tmp_path, CONFIG):
            pass


def test_an_authority_that_cannot_be_read_is_refused_by_file(tmp_path: Path) -> None:
    (tmp_path / "authority.toml").write_text("")
    with pytest.raises(AuthorityUnusable, match=r"authority\.toml"):
        with own_authority(tmp_path, CONFIG):
            pass
