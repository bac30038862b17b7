"""What the technician reads of a network, from tables as Linux writes them."""

import socket
import struct
from pathlib import Path

import pytest

from kiosk.network_checks import network


def hosts(address: str) -> str:
    """An IPv4 address as /proc/net/route has it, in this computer's own order of octets."""
    (number,) = struct.unpack("=I", socket.inet_aton(address))
    return f"{number:08X}"


def route(interface: str, destination: str, gateway: str, flags: str, mask: str) -> str:
    return "\t".join((interface, hosts(destination), hosts(gateway), flags, "0", "0", "0", hosts(mask), *"000"))


ROUTE = "\n".join(
    (
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
        route("eth0", "0.0.0.0", "192.0.2.1", "0003", "0.0.0.0"),
        route("ppp0", "0.0.0.0", "0.0.0.0", "0001", "0.0.0.0"),
        route("tun0", "0.0.0.0", "192.0.2.10", "0003", "128.0.0.0"),
        route("eth0", "192.0.2.0", "0.0.0.0", "0001", "255.255.255.0"),
    )
)
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


TOLD = (
    (
        True,
        [
            ("network.eth0", "pass", "up, 192.0.2.10, 2001:db8::10"),
            ("network.wlan0", "note", "down"),
            ("network.route", "pass", "192.0.2.1 (eth0), ppp0, 2001:db8::1 (eth0)"),
            ("network.names", "pass", "192.0.2.53, 2001:db8::53"),
        ],
    ),
    (
        False,
        [
            ("network.eth0", "note", "down"),
            ("network.wlan0", "note", "down"),
            ("network.route", "note", "none"),
            ("network.names", "note", "none"),
        ],
    ),
)


@pytest.mark.parametrize(("has_network", "told"), TOLD)
def test_interfaces_the_way_out_and_the_name_servers_are_told(
    has_network: bool, told: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    checks = network(**a_system(tmp_path, has_network=has_network))
    assert [(check.name, check.outcome, check.detail) for check in checks] == told


def test_the_system_that_this_runs_on_is_told_too() -> None:
    assert [check.name for check in network()][-2:] == ["network.route", "network.names"]
