"""The simulated till beside real devices, whose station keeps no simulated state."""

from pathlib import Path

import pytest

from hw.sim.till import SimulatedTill
from hw.strict_toml import ConfigInvalid


def test_money_lies_where_nothing_else_is_kept_and_stays(tmp_path: Path) -> None:
    till = SimulatedTill(tmp_path / "sim" / "till.json")
    assert till.total_yen() == 0
    till.put("a", 1000)
    till.put("a", -500)
    assert SimulatedTill(tmp_path / "sim" / "till.json").count("a") == 500


@pytest.mark.parametrize("content", [b"{", b"", b"null", b'{"a": "x"}', b'{"a": null}', b"\xff"])
def test_a_damaged_till_is_named_before_anybody_pays_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "till.json").write_bytes(content)
    with pytest.raises(ConfigInvalid, match=f"^{tmp_path}/till.json: damaged"):
        SimulatedTill(tmp_path / "till.json")
    assert (tmp_path / "till.json").read_bytes() == content
