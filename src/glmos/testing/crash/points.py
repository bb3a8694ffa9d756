"""The places at which a crash is hardest to get over, by name, and dying there.

The system calls a function with these names on its way (`boot.open_system(crash_points=...)`); in ordinary life that
function does nothing. `tests/crash/test_named_points.py` holds the list to what the source says.
"""

import os
import signal
from pathlib import Path

POINTS = {
    # the journal
    "append.before_insert": "a transaction has begun, nothing is in it",
    "append.before_commit": "everything is written into the transaction",
    "append.after_commit": "it is durable, nobody has been told",
    "snapshot.before_insert": "a folded state is about to be kept",
    "blob.before_rename": "a payload is on disk under a temporary name",
    "blob.after_rename": "a payload has its name, its folder is not synced",
    # workspaces
    "workspace.filled": "a new workspace is filled, aside",
    "workspace.recorded": "what it was filled with is recorded, it is not in its place",
    "workspace.scanned": "a save has read every file",
    "workspace.large_content": "a large content is on disk under a temporary name",
    "workspace.kept": "contents are kept, the state that names them is not",
    "workspace.before_rename": "a file to be restored is written under a temporary name",
    "workspace.between_files": "some files are restored, others not yet",
    "workspace.laid_out": "all files are restored, what was seen of them is not remembered",
    # a process and its steps
    "start.after_files": "a new process has its files, but is not in the journal",
    "step.before_start": "the workspace is saved, the step has not begun",
    "model.after_intent": "a model call is announced",
    "model.before_receipt": "the model has replied",
    "check.after_start": "a check is announced",
    "check.before_receipt": "a check has found something",
    "process.after_flush": "all that was noted is durable",
    # a tool call
    "tool.before_intent": "the workspace is saved, the call is not announced",
    "tool.after_intent": "the call is announced",
    "tool.before_start": "the call has its place and begins now",
    "tool.after_end": "the tool has done its work",
    "tool.before_receipt": "its output is kept, the receipt is not",
    "probe.before_receipt": "an interrupted call was probed",
    "take_back.before_restore": "an interrupted call is about to be taken back",
    "take_back.after_restore": "it is taken back, which is not journaled",
    # children
    "child.before_decision": "a child has a number",
    "child.after_decision": "a child was decided on",
    "child.after_files": "it has its files, but is not in the journal",
    "child.before_news": "it has ended and its files were brought back, its parent has not been told",
    # leaving memory, ending
    "park.before_release": "a process has left the table, its tools hold things for it",
    "park.before_news": "a process has ended, its children and its parent do not know",
    "kill.before_children": "the programs of a killed process are gone, its children live",
    "kill.before_exit": "nothing is left of a killed process but its end",
    # going back
    "undo.after_suspend": "an undo has stopped the process",
    "undo.after_begin": "it is journaled that an undo began",
    "undo.before_compensation": "a compensation is announced",
    "undo.after_compensation": "a call was compensated, which is not journaled",
    "undo.before_restore": "every call was compensated",
    "undo.before_receipt": "the files are restored, the undo is not journaled",
    "fork.after_files": "a fork has its files, but is not in the journal",
    # coming back
    "recover.between": "some processes are brought back, others not yet",
}
"""Name to what has happened when it is reached."""


class DieAt:
    """Kills this program, as the power would, at the `count`th time `point` is reached."""

    def __init__(self, point: str, count: int = 1, note: Path | None = None) -> None:
        """`note`: a file to which the point's name is appended before."""
        self.point = point
        self.left = count
        self.note = note

    @classmethod
    def parse(cls, text: str, note: Path | None = None) -> "DieAt":
        """`POINT` or `POINT:COUNT`."""
        point, _, count = text.partition(":")
        if point not in POINTS:
            raise ValueError(f"there is no crash point {point!r}; there are: {', '.join(POINTS)}")
        return cls(point, int(count or 1), note)

    def __call__(self, point: str) -> None:
        if point != self.point:
            return
        self.left -= 1
        if self.left == 0:
            if self.note is not None:
                with self.note.open("a") as file:
                    file.write(f"{point}\n")
            os.kill(os.getpid(), signal.SIGKILL)
