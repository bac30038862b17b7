"""Text as data: nothing in it is markup, nothing in it moves the cursor."""

_ALLOWED = frozenset("\n\u3000")


def inert(text: str) -> str:
    """`text` with every control, format and unassigned character made visible as U+FFFD."""
    return "".join(c if c.isprintable() or c in _ALLOWED else "\ufffd" for c in text)
