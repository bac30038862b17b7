"""Layouts of the papers that the kiosk prints, as data, one file a paper and language."""
