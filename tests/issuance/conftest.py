"""An authority for issuances, made once: its keys take longer than an issuance."""

from pathlib import Path

import pytest

from tests.counter_bench import make_authority


@pytest.fixture(scope="session")
def fresh_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of an authority that has issued nothing; worlds get copies."""
    return make_authority(tmp_path_factory.mktemp("authority") / "ca")
