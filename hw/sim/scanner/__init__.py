"""A simulated code scanner on a serial line; it shares no code with the driver."""
