"""The counter kiosk: a town office's resident gets a digital certificate into his IC card."""
