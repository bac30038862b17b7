"""The screens of the three seats; nothing outside this package knows Textual."""
