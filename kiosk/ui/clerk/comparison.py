"""Form beside register, item by item and character by character; every difference is told in words as well.

What differs stands in reverse video, what is only written otherwise is underlined; neither needs a colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content

from kiosk.model.certificate import CertifiedItems
from kiosk.model.characters import uncertifiable
from kiosk.model.comparison import Agreement, Run, compare
from kiosk.model.form import Form
from kiosk.model.resident import FourItems, Resident
from kiosk.ui.dates import day_text
from kiosk.ui.plain_text import inert
from kiosk.ui.widgets.paragraph import Paragraph
from kiosk.ui.words import Words

_STYLES = {Agreement.SAME: "", Agreement.WRITTEN_OTHERWISE: "underline", Agreement.DIFFERENT: "bold reverse underline"}
_CERTIFIED = ("name", "address")
"""Items whose characters go into the certificate."""


@dataclass(frozen=True, repr=False)
class Pair:
    """One item as form and register have it; `is_left_out` when the form leaves it to the clerk."""

    item: str
    form: str
    register: str
    is_left_out: bool = False

    @property
    def agreement(self) -> Agreement:
        """How they stand to one another; what was left out cannot disagree."""
        return Agreement.SAME if self.is_left_out else compare(self.form, self.register).agreement


def pairs_of_items(form: FourItems, register: FourItems, words: Words) -> tuple[Pair, ...]:
    """The four items of a case."""
    of_form, of_register = _texts(form, words), _texts(register, words)
    return tuple(Pair(item, text, of_register[item]) for item, text in of_form.items())


def pairs_of_form(form: Form, resident: Resident | None, words: Words) -> tuple[Pair, ...]:
    """The items of a form that was handed in, beside a resident's; beside nothing when nobody was found."""
    texts = {
        "kana": form.kana,
        "name": form.name or words("resident.form.by_clerk"),
        "birth_date": day_text(form.birth_date, words),
        "sex": words(f"sex.{form.sex}"),
        "address": form.address,
    }
    of_register = {"kana": resident.kana, **_texts(resident.items, words)} if resident is not None else {}
    return tuple(
        Pair(item, text, of_register.get(item, ""), is_left_out=item == "name" and not form.name)
        for item, text in texts.items()
    )


def _texts(items: FourItems, words: Words) -> dict[str, str]:
    return {
        "name": items.name,
        "address": items.address,
        "birth_date": day_text(items.birth_date, words),
        "sex": words(f"sex.{items.sex}"),
    }


class Marked(Paragraph):
    """A text in runs, each in its style."""

    def __init__(self, runs: Sequence[Run], classes: str) -> None:
        super().__init__("".join(run.text for run in runs), classes=classes)
        self._runs = runs

    def on_mount(self) -> None:
        """Shows the styles."""
        self.update(Content.assemble(*((inert(run.text), _STYLES[run.agreement]) for run in self._runs)))


class Comparison(Vertical):
    """A heading and a row an item; below them what a certificate will say otherwise, where that is known."""

    def __init__(self, words: Words, pairs: Sequence[Pair], certified: CertifiedItems | None = None) -> None:
        super().__init__()
        self._words = words
        self._pairs = pairs
        self._certified = certified

    def compose(self) -> ComposeResult:
        """The rows; under the items that are certified, characters that a certificate cannot carry."""
        words = self._words
        with Horizontal(classes="row -head"):
            for text, kind in (
                ("", "item"),
                (words("clerk.identity.form"), "form"),
                (words("clerk.identity.register"), "register"),
                ("", "mark"),
            ):
                yield Paragraph(text, classes=kind)
        for pair in self._pairs:
            yield self._row(pair)
        if self._certified is not None:
            for text, substitutes in self._certified.substituted:
                certified = words("clerk.identity.certified", text=text, substitutes=substitutes)
                yield Paragraph(certified, classes="substitute")
        elif foreign := "　".join(c for p in self._pairs if p.item in _CERTIFIED for c in uncertifiable(p.register)):
            yield Paragraph(words("clerk.identity.substitute", characters=foreign), classes="substitute")

    def _row(self, pair: Pair) -> Horizontal:
        words, agreement = self._words, pair.agreement
        compared = compare(pair.form, pair.register)
        form = [Run(pair.form, Agreement.SAME)] if pair.is_left_out else compared.form
        register = [Run(pair.register, Agreement.SAME)] if pair.is_left_out else compared.register
        mark = "" if not pair.register else words(f"clerk.identity.agreement.{agreement}")
        return Horizontal(
            Paragraph(words(f"item.{pair.item}"), classes="item"),
            Marked(form, "form"),
            Marked(register, "register"),
            Paragraph(mark, classes="mark"),
            classes=f"row -{agreement.replace('_', '-')}",
        )
