"""Names of things. All are small, readable and stable, because people type and models cite them."""

from typing import TypeAlias

Pid: TypeAlias = int
"""A process. Counts up from 1 in each home and is never used twice."""

Seq: TypeAlias = int
"""The position of an event in the log of its process. The first event is 1; there are no gaps."""

CallId: TypeAlias = str
"""A tool call or system call within one process: `c1`, `c2`, ... in the order they were asked for.
The same name is shown to the model, so that a claim can cite it."""

StepId: TypeAlias = str
"""A step of a plan, as its author named it (`s1`, `load`, ...)."""

BlobRef: TypeAlias = str
"""The SHA-256 of a payload kept outside the journal, in lower-case hexadecimal."""

SnapshotId: TypeAlias = str
"""A saved state of a workspace, as the workspace store named it."""
