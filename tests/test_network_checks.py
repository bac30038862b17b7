"""What the technician reads of a network, from tables as Linux writes them."""

import sys
from pathlib import Path

import pytest

from kiosk.network_checks import network

LITTLE = pytest.mark.skipif(sys.byteorder != "little", reason="the table is of a host with its low octets first")

ROUTE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
ppp0\t00000000\t00000000\t0001\t0\t0\t9\t00000000\t0\t0\t0
tun0\t00000000\t0A0200C0\t0003\t0\t0\t0\t00000080\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
ADDRESSES = """\
00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000010 02 40 00 80     eth0
fe800000000000000216 3e fffe000001 02 40 20 80     eth0
""".replace("0216 3e fffe", "02163efffe")
ROUTE_V6 = (
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 20010db8000000000000000000000001"
    " 00000400 00000001 00000000 00000003     eth0\n"
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000"
    " ffffffff 00000001 00000000 00200200       lo\n"
)


def a_system(folder: Path, *, has_network: bool) -> dict[str, object]:
    for name, state in (("lo", "unknown"), ("eth0", "up" if has_network else "down"), ("wlan0", "down")):
        (folder / "net" / name).mkdir(parents=True)
        (folder / "net" / name / "operstate").write_text(f"{state}\n")
    (folder / "tables").mkdir()
    if has_network:
        (folder / "tables" / "route").write_text(ROUTE)
        (folder / "tables" / "if_inet6").write_text(ADDRESSES)
        (folder / "tables" / "ipv6_route").write_text(ROUTE_V6)
        (folder / "resolv.conf").write_text("# of the router\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n")
    addresses = {"eth0": "192.0.2.10"} if has_network else {}
    return {
        "interfaces": folder / "net",
        "tables": folder / "tables",
        "resolver": folder / "resolv.conf",
        "address_of": addresses.get,
    }


@LITTLE
def test_interfaces_their_addresses_the_way_out_and_the_name_servers_are_told(tmp_path: Path) -> None:
    told = [(check.name, check.outcome, check.detail) for check in network(**a_system(tmp_path, has_network=True))]
    assert told == [
        ("network.eth0", "pass", "up, 192.0.2.10, 2001:db8::10"),
        ("network.wlan0", "note", "down"),
        ("network.route", "pass", "192.0.2.1 (eth0), ppp0, 2001:db8::1 (eth0)"),
        ("network.names", "pass", "192.0.2.53, 2001:db8::53"),
    ]


def test_what_is_missing_is_noted(tmp_path: Path) -> None:
    told = [(check.name, check.outcome, check.detail) for check in network(**a_system(tmp_path, has_network=False))]
    assert told == [
        ("network.eth0", "note", "down"),
        ("network.wlan0", "note", "down"),
        ("network.route", "note", "none"),
        ("network.names", "note", "none"),
    ]


def test_the_system_that_this_runs_on_is_told_too() -> None:
    assert [check.name for check in network()][-2:] == ["network.route", "network.names"]
