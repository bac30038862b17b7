"""The resident's seat: one question a screen, the order in `flow`."""
