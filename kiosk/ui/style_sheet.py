"""Style sheets that are parsed once, where Textual parses all of them anew for every seat that comes to the front."""

from textual.css.stylesheet import Stylesheet


class ParsedOnce(Stylesheet):
    """Keeps what it has parsed until the colours change; a sheet that is read later is parsed alone."""

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._colours = dict(variables)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Takes other colours; the same ones change nothing."""
        if variables != self._colours:
            self._colours = dict(variables)
            super().set_variables(variables)

    def reparse(self) -> None:
        """Has the rules for the colours and the sheets that there are now."""
        self.parse()
