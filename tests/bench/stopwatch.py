"""Tells apart whose time it is: how long a program was inside the things that are not its own."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from hw.ports import CardReader, CardSession


class Stopwatch:
    """Sums up, in seconds and by name, the time inside whatever it was wrapped around; what is nested counts once."""

    def __init__(self) -> None:
        self.spent_s: Counter[str] = Counter()
        self._is_running = False

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Time that belongs to `name`, unless it belongs to another already."""
        if self._is_running:
            yield
            return
        self._is_running = True
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.spent_s[name] += time.perf_counter() - begun
            self._is_running = False

    def around(self, name: str, thing: Any) -> Any:
        """The thing itself, with every call of its methods timed."""
        return _Timed(name, thing, self)

    def around_reader(self, name: str, reader: CardReader) -> Any:
        """A card reader and the sessions with its cards."""
        return _TimedReader(name, reader, self)


class _Timed:
    def __init__(self, name: str, thing: Any, watch: Stopwatch) -> None:
        self._name = name
        self._thing = thing
        self._watch = watch

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._thing, attribute)
        if not callable(value):
            return value

        def timed(*words: Any, **named: Any) -> Any:
            with self._watch.on(self._name):
                return value(*words, **named)

        return timed


class _TimedReader(_Timed):
    def session(self) -> AbstractContextManager[CardSession]:
        return self._session()

    @contextmanager
    def _session(self) -> Iterator[CardSession]:
        with ExitStack() as held:
            with self._watch.on(self._name):
                session = held.enter_context(self._thing.session())
            yield self._watch.around(self._name, session)
            with self._watch.on(self._name):
                held.close()
