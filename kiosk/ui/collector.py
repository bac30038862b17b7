"""What a long-running screen does with memory: when Python looks for garbage, and where the C library takes it from.

A screen that has left is a heap of widgets that know one another, which only the collector finds. Left to itself it
looks through everything after every fourth change of screen, in the middle of one, and takes longer than that.
"""

import ctypes
import gc

_TWO_SCREENS = 10_000
"""So many new objects are about two screens, and worth a look."""
_FLOOD = 100_000
"""So many, and it is looked for whoever waits."""
_M_ARENA_MAX = -8
"""Parameter of mallopt(3): the most pools that memory is taken from."""


def share_one_pool() -> None:
    """All threads that are yet to start take memory from one pool.

    glibc (mallopt(3)) gives each its own, which keeps 1.5 MB that nobody uses; other C libraries have none.
    """
    _ask_glibc("mallopt", _M_ARENA_MAX, 1)


def hold() -> None:
    """What is loaded for the first paint never becomes garbage, and looking for some takes a fifth of the start."""
    gc.disable()


def let_go() -> None:
    """From now on garbage is looked for among what comes and goes, not among what has been loaded."""
    gc.freeze()
    gc.set_threshold(_FLOOD)
    gc.enable()


def look() -> None:
    """Looks now, if there is anything worth it, and gives back what it finds. For a moment in which nobody waits."""
    if gc.isenabled() and gc.get_count()[0] >= _TWO_SCREENS:
        gc.collect()
        # What screens that have left had of the C library's memory is free now, and glibc keeps it (malloc_trim(3)).
        _ask_glibc("malloc_trim", 0)


def _ask_glibc(function: str, *arguments: int) -> None:
    """Calls a function that other C libraries do not have."""
    known = getattr(ctypes.CDLL(None), function, None)
    if known is not None:
        known(*arguments)
