"""The card benchmark judges what it has measured, each limit by itself."""

import pytest

from tests.bench.card import MOST_EXCHANGES, report
from tests.bench.card_jobs import JOBS


def figures(ratio: float = 1.0, hop_ms: float = 1.0, exchanges: dict[str, int] | None = None) -> dict[str, object]:
    most = {**dict.fromkeys(JOBS, 1), **MOST_EXCHANGES, **(exchanges or {})}
    return {
        "exchange": {"select": {"ours": [1.0], "c": [1.0], "ratio": ratio}},
        "hop": {"crossings": 17, "hop_ms": hop_ms},
        "jobs": {job: {"ours": {"exchanges": most[job], "ms": 1.0}} for job in JOBS},
    }


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (figures(), 0),
        (figures(ratio=1.41), 1),
        (figures(hop_ms=3.1), 1),
        *((figures(exchanges={job: most + 1}), 1) for job, most in MOST_EXCHANGES.items()),
    ],
)
def test_every_limit_counts(found: dict[str, object], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(found) == code
    assert "17 times there and back" in capsys.readouterr().out
