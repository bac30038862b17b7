"""A simulated signal tower with buzzer; it shares no code with the driver."""
