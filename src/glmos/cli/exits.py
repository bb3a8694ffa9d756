"""Exit statuses, in one place. Scripts depend on them: they never change meaning."""

OK = 0
"""Done and verified; for a command other than `run`, it did what it says."""
FAILED = 1
USAGE = 2
UNVERIFIED = 3
"""Finished, but something could not be checked."""
WAITING = 4
"""For a person: an answer, an approval, a `resume`."""
REFUSED = 5
"""By a budget or for want of a permission."""
KILLED = 130

BY_STATUS = {
    "done": OK,
    "failed": FAILED,
    "unverified": UNVERIFIED,
    "waiting": WAITING,
    "suspended": WAITING,
    "refused": REFUSED,
    "killed": KILLED,
}
"""From what a process came to."""


def of_error(error: BaseException) -> int:
    """From what a command ran into."""
    from glmos.abi.errors import ConflictError, NotFoundError, RefusedError, UsageError

    match error:
        case UsageError() | NotFoundError():
            return USAGE
        case ConflictError():
            return FAILED
        case RefusedError():
            return REFUSED
        case _:
            return FAILED
