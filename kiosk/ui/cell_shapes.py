"""Box-drawing and block characters as shapes that fill their cells, so that lines have no gaps."""

from PIL import ImageDraw

_ARMS = {
    "─": "0101", "│": "1010", "┌": "0110", "┐": "0011", "└": "1100", "┘": "1001",
    "├": "1110", "┤": "1011", "┬": "0111", "┴": "1101", "┼": "1111",
    "╭": "0110", "╮": "0011", "╰": "1100", "╯": "1001", "╌": "0101", "╎": "1010", "╍": "0202", "╏": "2020",
    "━": "0202", "┃": "2020", "┏": "0220", "┓": "0022", "┗": "2200", "┛": "2002",
    "═": "0303", "║": "3030", "╔": "0330", "╗": "0033", "╚": "3300", "╝": "3003",
}  # fmt: skip
"""Arms from the centre up, right, down, left: 0 none, 1 light, 2 heavy, 3 double."""

_BLOCKS = {
    "█": (0, 0, 8, 8), "▀": (0, 0, 8, 4), "▄": (0, 4, 8, 8), "▌": (0, 0, 4, 8), "▐": (4, 0, 8, 8),
    "▁": (0, 7, 8, 8), "▂": (0, 6, 8, 8), "▃": (0, 5, 8, 8), "▅": (0, 3, 8, 8), "▆": (0, 2, 8, 8), "▇": (0, 1, 8, 8),
    "▉": (0, 0, 7, 8), "▊": (0, 0, 6, 8), "▋": (0, 0, 5, 8), "▍": (0, 0, 3, 8), "▎": (0, 0, 2, 8), "▏": (0, 0, 1, 8),
    "▔": (0, 0, 8, 1), "▕": (7, 0, 8, 8),
}  # fmt: skip
"""Left, top, right, bottom in eighths of the cell."""

_QUADRANTS = {"▛": "1110", "▜": "1101", "▙": "1011", "▟": "0111", "▘": "1000", "▝": "0100", "▖": "0010", "▗": "0001"}
"""Upper left, upper right, lower left, lower right."""

Rgb = tuple[int, int, int]


def draw_shape(
    draw: ImageDraw.ImageDraw, character: str, at: tuple[int, int], size: tuple[int, int], colour: Rgb
) -> bool:
    """Draws a character that is a shape; False for one that a font has to draw."""
    if character in _BLOCKS:
        left, top, right, bottom = _BLOCKS[character]
        _fill(draw, at, size, (left / 8, top / 8, right / 8, bottom / 8), colour)
    elif character in _QUADRANTS:
        for index, is_filled in enumerate(_QUADRANTS[character]):
            if is_filled == "1":
                x, y = (index % 2) / 2, (index // 2) / 2
                _fill(draw, at, size, (x, y, x + 0.5, y + 0.5), colour)
    elif character in _ARMS:
        _draw_arms(draw, at, size, _ARMS[character], colour)
    else:
        return False
    return True


def _fill(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    size: tuple[int, int],
    part: tuple[float, float, float, float],
    colour: Rgb,
) -> None:
    left, top, right, bottom = part
    draw.rectangle(
        (
            at[0] + round(left * size[0]),
            at[1] + round(top * size[1]),
            at[0] + round(right * size[0]) - 1,
            at[1] + round(bottom * size[1]) - 1,
        ),
        fill=colour,
    )


def _draw_arms(draw: ImageDraw.ImageDraw, at: tuple[int, int], size: tuple[int, int], arms: str, colour: Rgb) -> None:
    centre = (at[0] + size[0] // 2, at[1] + size[1] // 2)
    ends = (
        (centre[0], at[1]),
        (at[0] + size[0] - 1, centre[1]),
        (centre[0], at[1] + size[1] - 1),
        (at[0], centre[1]),
    )
    for arm, end in zip(arms, ends, strict=True):
        is_vertical = end[0] == centre[0]
        for offset in {"0": (), "1": (0,), "2": (-1, 0, 1), "3": (-2, 2)}[arm]:
            shift = (offset, 0) if is_vertical else (0, offset)
            # A double corner's arms meet at their outer lines, so each reaches two pixels past the centre.
            past = 2 if arm == "3" else 1 if arm == "2" else 0
            start = _beyond(centre, end, past)
            draw.line((start[0] + shift[0], start[1] + shift[1], end[0] + shift[0], end[1] + shift[1]), fill=colour)


def _beyond(centre: tuple[int, int], end: tuple[int, int], pixels: int) -> tuple[int, int]:
    """The point so many pixels from the centre, away from the end."""
    return tuple(c - pixels * ((e > c) - (e < c)) for c, e in zip(centre, end, strict=True))  # type: ignore[return-value]  # two of two
