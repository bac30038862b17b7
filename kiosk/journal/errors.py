"""What is known of a transaction after its store failed, and which stores are none of ours."""


class StoreUnusable(Exception):
    """No store can be had at a URL; the message names it, without password, and says why."""


class StoreDamaged(StoreUnusable):
    """The store's file is there, and is not one that its database wrote."""


class StoreTooNew(StoreUnusable):
    """The database was written by a newer version of this program."""


class StoreLost(Exception):
    """The store failed. Nothing is tried again by itself; which of the two kinds says what is known."""


class NotWritten(StoreLost):
    """The store failed before a commit was asked for: the transaction leaves nothing behind."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the store failed, and nothing was written: {reason}")


class CommitUnknown(StoreLost):
    """The store failed during a commit: whether it was made shows only when the store is read again."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the store failed during a commit, and the next start finds out what is there: {reason}")
