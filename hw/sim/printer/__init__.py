"""A simulated ESC/POS receipt printer with paper, cutter and drawer; it shares no code with the driver."""
