"""What a technician looks at of a station's network: its interfaces and their addresses, the way out, who tells names.

Only what the system knows is read, and nothing is sent: whether the authority answers shows the rest.
"""

import fcntl
import re
import socket
import struct
from collections.abc import Callable, Iterator
from ipaddress import IPv6Address
from pathlib import Path

from kiosk.ui.workbench import Check

_SIOCGIFADDR = 0x8915
"""netdevice(7): the IPv4 address of an interface; it stands from octet 20 on."""
_RTF_UP, _RTF_REJECT = 1, 0x200


def _v4_address(interface: str) -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            answer = fcntl.ioctl(asking, _SIOCGIFADDR, struct.pack("256s", interface.encode()[:15]))
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])


def network(
    interfaces: Path = Path("/sys/class/net"),
    tables: Path = Path("/proc/self/net"),
    resolver: Path = Path("/etc/resolv.conf"),
    address_of: Callable[[str], str | None] = _v4_address,
) -> Iterator[Check]:
    """Every interface but the loopback, the default route, the name servers."""
    v6 = _v6_addresses(tables / "if_inet6")
    for interface in sorted(interfaces.iterdir()) if interfaces.is_dir() else ():
        if interface.name == "lo":
            continue
        state = (interface / "operstate").read_text().strip()
        first = address_of(interface.name)
        addresses = [*([first] if first else []), *v6.get(interface.name, ())]
        is_usable = state in ("up", "unknown") and bool(addresses)
        yield Check(f"network.{interface.name}", "pass" if is_usable else "note", ", ".join([state, *addresses]))
    ways = [*_v4_ways(tables / "route"), *_v6_ways(tables / "ipv6_route")]
    yield Check("network.route", "pass" if ways else "note", ", ".join(ways) or "none")
    servers = re.findall(r"^nameserver\s+(\S+)", _text(resolver), re.MULTILINE)
    yield Check("network.names", "pass" if servers else "note", ", ".join(servers) or "none")


def _v6_addresses(table: Path) -> dict[str, list[str]]:
    """Addresses that others can reach, by interface (proc(5), /proc/net/if_inet6)."""
    found: dict[str, list[str]] = {}
    for line in _text(table).splitlines():
        octets, *_, interface = line.split()
        if not (address := _v6(octets)).is_link_local:
            found.setdefault(interface, []).append(str(address))
    return found


def _v4_ways(table: Path) -> Iterator[str]:
    """The default routes' gateways, if they have one (proc(5), /proc/net/route: addresses in the host's byte order)."""
    for line in _text(table).splitlines()[1:]:
        interface, destination, gateway, flags, _, _, _, mask, *_ = line.split()
        if int(destination, 16) == 0 and int(mask, 16) == 0 and _is_way(flags):
            octets = struct.pack("=I", int(gateway, 16))
            yield f"{socket.inet_ntoa(octets)} ({interface})" if any(octets) else interface


def _v6_ways(table: Path) -> Iterator[str]:
    """The same of IPv6: destination, its prefix, source, its prefix, the gateway, ..., the interface."""
    for line in _text(table).splitlines():
        destination, prefix, _, _, gateway, *_, flags, interface = line.split()
        if int(destination, 16) == 0 and prefix == "00" and _is_way(flags):
            yield f"{_v6(gateway)} ({interface})" if int(gateway, 16) else interface


def _is_way(flags: str) -> bool:
    return bool(int(flags, 16) & _RTF_UP) and not int(flags, 16) & _RTF_REJECT


def _v6(octets: str) -> IPv6Address:
    return IPv6Address(bytes.fromhex(octets))


def _text(path: Path) -> str:
    """Empty where the system has no such file."""
    try:
        return path.read_text()
    except OSError:
        return ""
