"""What a plan permits: which actions, with which arguments."""

from msgspec import Struct


class Grant(Struct, frozen=True, gc=False, omit_defaults=True):
    """Permission for calls of one tool whose arguments match every pattern."""

    tool: str
    action: str = "*"
    where: dict[str, str] = {}
    """Argument name to a shell-style pattern its text must match, such as `{"path": "out/*"}`."""
    reason: str = ""
