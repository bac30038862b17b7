"""Bytes to and from a device: serial line, TCP, file or plain memory, all behind the one protocol `Link`."""
