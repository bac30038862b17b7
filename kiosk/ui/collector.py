"""When Python looks for garbage: while nobody waits for a screen.

A screen that has left is a heap of widgets that know one another, which only the collector finds. Left to itself it
looks through everything after every fourth change of screen, in the middle of one, and takes longer than that.
"""

import gc

_TWO_SCREENS = 10_000
"""So many new objects are about two screens, and worth a look."""
_FLOOD = 100_000
"""So many, and it is looked for whoever waits."""


def hold() -> None:
    """What is loaded for the first paint never becomes garbage, and looking for some takes a fifth of the start."""
    gc.disable()


def let_go() -> None:
    """From now on garbage is looked for among what comes and goes, not among what has been loaded."""
    gc.freeze()
    gc.set_threshold(_FLOOD)
    gc.enable()


def look() -> None:
    """Looks now, if there is anything worth it. For a moment in which nobody waits."""
    if gc.isenabled() and gc.get_count()[0] >= _TWO_SCREENS:
        gc.collect()
