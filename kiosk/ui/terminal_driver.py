"""Reads the terminal so that nothing it sends can end the program.

Textual's own reader decodes strictly and gives up at the first byte that is not UTF-8, which ends the application: a
broken keyboard, a scanner or a thief with a cable would take the counter down.
"""

import logging
import os
import selectors
from codecs import getincrementaldecoder

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

_LOOKS_EVERY_S = 0.1
_ESCAPE_S = 0.025
"""After so long a lone ESC is the key of that name: terminals write a key's sequence at once."""
_READS_AT_MOST = 4096

_log = logging.getLogger(__name__)


class KioskDriver(LinuxDriver):
    """Textual's driver for Linux terminals with a reader that survives any input."""

    _wait_s = _LOOKS_EVERY_S

    def run_input_thread(self) -> None:
        """Reads, decodes and dispatches until the program ends or the terminal is gone."""
        decode = getincrementaldecoder("utf-8")("replace").decode
        parser = XTermParser(self._debug)
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                data = b""
                if selector.select(self._wait_s):
                    try:
                        data = os.read(self.fileno, _READS_AT_MOST)
                    except OSError:
                        data = b""
                    if not data:
                        # The terminal has gone; the hang-up signal ends the program.
                        self.exit_event.wait(_LOOKS_EVERY_S)
                        continue
                parser = self._dispatch(parser, decode(data))

    def _dispatch(self, parser: XTermParser, text: str) -> XTermParser:
        """Dispatches what the parser makes of `text`; the parser to go on with."""
        try:
            for event in parser.feed(text) if text else ():
                self.process_message(event)
            # The parser would wait four times as long, for slow lines.
            self._wait_s = _LOOKS_EVERY_S
            if parser._timeout_time is not None:
                if text:
                    self._wait_s = _ESCAPE_S
                else:
                    parser._timeout_time = 0.0
            for event in parser.tick():
                self.process_message(event)
        # Whatever a sequence that nobody foresaw raises: it is dropped, and reading goes on.
        except Exception as error:
            _log.warning("input that cannot be read was dropped: %s", type(error).__name__)
            return XTermParser(self._debug)
        return parser
