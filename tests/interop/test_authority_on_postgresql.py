"""`kiosk ca serve` with several workers on PostgreSQL, asked by openssl."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from served_authority import Served, ca, openssl, serving

from tests.stores import Store


def test_several_workers_serve_one_authority(authoritys_store: Store, tmp_path: Path) -> None:
    directory = tmp_path / "authority"
    ca("init", "--data", str(directory), "--store", authoritys_store.url)
    assert not (directory / "store.db").exists()
    with serving(directory, "--workers", "2") as served, ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda number: enrol(served, tmp_path / str(number)), range(8)))
    assert said == ["good"] * 8


def enrol(served: Served, work: Path) -> str:
    """Enrols, confirms, and asks for the status over connections of their own, of whichever worker."""
    work.mkdir()
    made = openssl(work, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key.pem")
    assert made.returncode == 0, made.stderr
    demo = str(served.directory / "stations" / "demo.pem")
    wish = ("-cmd", "ir", "-newkey", "key.pem", "-subject", f"/CN={work.name}", "-certout", "out.pem")
    done = served.cmp(work, *wish, "-trusted", served.trust, "-cert", demo, "-key", demo)
    assert done.returncode == 0, done.stdout
    return "good" if "out.pem: good" in served.ocsp(work, "out.pem") else "not good"
