"""A check of the compatibility check in a process of its own, which is ended when a reader or a card never answers.

A call that hangs in the card service cannot be called back: only its process's end says anything about it.
"""

from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext, SpawnContext
from typing import Literal

from hw.card.conformance import Check, Finding, Specimen, find

DEADLINE_S = 120.0
"""More than any check takes, with all that a person does meanwhile."""


def find_in_process(
    check: Check, specimen: Specimen, *, deadline_s: float = DEADLINE_S, start: Literal["spawn", "fork"] = "spawn"
) -> Finding:
    """What comes of one check, which has `deadline_s` for it; `start` is how a process begins (`multiprocessing`).

    A new interpreter for each by default: the program around may have threads. Check and specimen are pickled then.
    """
    context: SpawnContext | ForkContext = get_context("spawn") if start == "spawn" else get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_tell, args=(theirs, check, specimen), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(deadline_s):
            return Finding(check.__name__, "FAIL", reason=f"did not come back within {deadline_s:g} s", is_lost=True)
        found = ours.recv()
        assert isinstance(found, Finding)
        return found
    except EOFError:
        return Finding(check.__name__, "FAIL", reason="its process ended without a word")
    finally:
        process.kill()
        process.join()
        ours.close()


def _tell(connection: Connection, check: Check, specimen: Specimen) -> None:
    connection.send(find(check, specimen))
