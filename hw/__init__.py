"""Devices of a kiosk station: drivers for real ones, and simulated ones behind the very same drivers."""
