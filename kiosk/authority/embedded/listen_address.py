"""The address that a command is told to listen at."""

import argparse


def host_and_port(text: str) -> tuple[str, int]:
    """An address to listen at, of IPv6 in brackets. Raises `argparse.ArgumentTypeError`."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)
