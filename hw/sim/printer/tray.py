"""The printer's counters, and where they and the sheets outlive the process. Source: ESC/POS reference, GS g 2."""

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hw.sim.kept_file import reading_kept
from hw.sim.printer.bits import BitImage
from hw.sim.printer.imaging import Imaging
from hw.sim.printer.picture import draw_png
from hw.sim.printer.sheet import Sheet

_NUMBERS = {20: "lines", 50: "cuts", 148: "total_lines", 178: "total_cuts"}
"""GS g 0 and GS g 2: number to field; from 128 on a counter cannot be reset."""
_MEMORY = "counters.json"
_NV_IMAGES = "nv_images.json"


@dataclass
class Counters:
    """What a printer counts in its non-volatile memory; `sheets` numbers the files of its tray."""

    sheets: int = 0
    lines: int = 0
    cuts: int = 0
    drawer_kicks: int = 0
    total_lines: int = 0
    total_cuts: int = 0

    def read(self, number: int) -> int | None:
        """GS g 2: the counter of that number, or None when there is none."""
        field = _NUMBERS.get(number)
        return None if field is None else int(getattr(self, field))

    def reset(self, number: int) -> bool:
        """GS g 0: sets the counter to 0; whether it is one that can be."""
        field = _NUMBERS.get(number)
        if field is None or number >= 128:
            return False
        setattr(self, field, 0)
        return True


class Tray:
    """Where sheets fall: into `directory` as 0001.bin, .txt and .png with the counters beside them, or nowhere."""

    def __init__(self, directory: Path | None, imaging: Imaging) -> None:
        self._directory = directory
        self._imaging = imaging
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)

    def load(self) -> Counters:
        """The counters as the last process left them; new ones in a new or foreign directory, after what lies there."""
        if self._directory is None:
            return Counters()
        path = self._directory / _MEMORY
        with contextlib.suppress(FileNotFoundError), reading_kept(path, "printer"):
            return Counters(**json.loads(path.read_bytes()))
        numbers = (int(path.stem) for path in self._directory.glob("*.bin") if path.stem.isdecimal())
        return Counters(sheets=max(numbers, default=0))

    def load_images(self) -> dict[str, BitImage]:
        """The non-volatile images as the last process left them."""
        if self._directory is None:
            return {}
        path = self._directory / _NV_IMAGES
        with contextlib.suppress(FileNotFoundError), reading_kept(path, "printer"):
            kept = json.loads(path.read_bytes())
            return {key: BitImage(width, height, bytes.fromhex(bits)) for key, (width, height, bits) in kept.items()}
        return {}

    def save_images(self, images: Mapping[str, BitImage]) -> None:
        """Keeps the non-volatile images in one step."""
        if self._directory is not None:
            kept = {key: (image.width, image.height, image.bits.hex()) for key, image in images.items()}
            _write(self._directory / _NV_IMAGES, json.dumps(kept).encode())

    def drop(self, sheet: Sheet, counters: Counters) -> None:
        """Keeps the sheet and then the counters; a process killed between leaves a sheet that the next one replaces.

        So the counters alone tell what came out, and numbers never have gaps.
        """
        if self._directory is not None:
            picture = self._imaging(draw_png, sheet)
            for suffix, content in ((".bin", sheet.data), (".txt", sheet.text.encode()), (".png", picture)):
                _write(self._directory / f"{sheet.number:04d}{suffix}", content)
        self.save(counters)

    def save(self, counters: Counters) -> None:
        """Keeps the counters in one step."""
        if self._directory is not None:
            _write(self._directory / _MEMORY, json.dumps(asdict(counters)).encode())


def _write(path: Path, content: bytes) -> None:
    """Writes a file that others, and the next process, see whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.write_bytes(content)
    os.replace(draft, path)
