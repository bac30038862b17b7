"""The self-test page: every kind of line that a paper of the counter may hold, to be looked at by a technician."""

from pathlib import Path

from hw.ports import Paper
from hw.printer.form import compose, load_form

_LAYOUT = Path(__file__).parent / "papers" / "self_test.toml"


def self_test_page(*, is_training: bool) -> Paper:
    """The page; the same in every language, since it shows what the printer can. In training it is void."""
    return compose(load_form(_LAYOUT), {}, marks={"training"} if is_training else ())
