"""What the tests of the services begin with."""

from pathlib import Path

import pytest

from tests.issuance.served_counter import Issued, issue_once


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory, fresh_authority: Path) -> Issued:
    """One issuance, to copy."""
    return issue_once(tmp_path_factory.mktemp("issued"), fresh_authority)
