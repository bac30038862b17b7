"""The glass of a customer display: two lines of twenty cells, a cursor, and the three ways of writing past an end."""

from typing import Literal

COLUMNS, ROWS = 20, 2
Mode = Literal["overwrite", "vertical", "horizontal"]


class Screen:
    """What is shown; columns and rows count from 0."""

    def __init__(self) -> None:
        self.mode: Mode = "overwrite"
        self.column = self.row = 0
        self.brightness = 4
        self.blink = 0
        self.is_cursor_on = True
        self.marks: set[int] = set()
        """Columns, from 1, of the annunciators that are lit."""
        self.cells = [[" "] * COLUMNS for _ in range(ROWS)]

    @property
    def lines(self) -> tuple[str, ...]:
        """The text of both lines, twenty characters each."""
        return tuple("".join(row) for row in self.cells)

    def clear(self) -> None:
        """Empties the glass; the cursor goes home."""
        self.cells = [[" "] * COLUMNS for _ in range(ROWS)]
        self.home()

    def clear_line(self) -> None:
        """Empties the cursor's line; the cursor goes to its beginning."""
        self.cells[self.row] = [" "] * COLUMNS
        self.column = 0

    def write_line(self, row: int, text: str) -> None:
        """A whole line at once, the rest of it empty."""
        self.cells[row] = list(text[:COLUMNS].ljust(COLUMNS))

    def put(self, character: str) -> None:
        """A character at the cursor, which moves on."""
        if self.mode == "horizontal" and self.column == COLUMNS:
            self.cells[self.row] = [*self.cells[self.row][1:], character]
            return
        if self.column == COLUMNS:
            self._wrap()
        self.cells[self.row][self.column] = character
        self.column += 1
        if self.column == COLUMNS and self.mode == "overwrite":
            self._wrap()

    def home(self) -> None:
        """The cursor to the upper left."""
        self.column = self.row = 0

    def bottom(self) -> None:
        """The cursor to the lower right."""
        self.column, self.row = COLUMNS - 1, ROWS - 1

    def move_to(self, column: int, row: int) -> None:
        """The cursor to a place, from 1; one that is none is ignored."""
        if 1 <= column <= COLUMNS and 1 <= row <= ROWS:
            self.column, self.row = column - 1, row - 1

    def left(self) -> None:
        """The cursor one back; from the beginning of the lower line to the end of the upper."""
        if self.column:
            self.column -= 1
        elif self.row:
            self.column, self.row = COLUMNS - 1, self.row - 1

    def right(self) -> None:
        """The cursor one on."""
        self.column += 1
        if self.column >= COLUMNS:
            self._wrap()

    def up(self) -> None:
        """The cursor up; in vertical scroll mode the upper line moves down instead."""
        if self.row:
            self.row -= 1
        elif self.mode == "vertical":
            self.cells = [[" "] * COLUMNS, self.cells[0]]

    def down(self) -> None:
        """The cursor down; on the lower line it goes up again, or in vertical scroll mode the lines do."""
        if self.row < ROWS - 1:
            self.row += 1
        elif self.mode == "vertical":
            self.cells = [self.cells[1], [" "] * COLUMNS]
        else:
            self.row = 0

    def _wrap(self) -> None:
        self.column = 0
        self.down()
