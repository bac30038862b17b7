"""The simulated till beside real devices, whose station keeps no simulated state."""

from pathlib import Path

from hw.sim.till import SimulatedTill


def test_money_lies_where_nothing_else_is_kept_and_stays(tmp_path: Path) -> None:
    till = SimulatedTill(tmp_path / "sim" / "till.json")
    assert till.total_yen() == 0
    till.put("a", 1000)
    till.put("a", -500)
    assert SimulatedTill(tmp_path / "sim" / "till.json").count("a") == 500
