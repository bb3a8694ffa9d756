"""Every socket on the back of the machine, on one page. Protocols only: who implements them is decided in `boot`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from glmos.abi.api import (
    Explanation,
    Finding,
    ModelView,
    Progress,
    Report,
    RunRequest,
    SettingView,
    ToolView,
    UndoReport,
)
from glmos.abi.budgets import Limits, Usage
from glmos.abi.events import Entry, Event, InputFile, ProcessRow
from glmos.abi.ids import BlobRef, Pid, Seq, SnapshotId
from glmos.abi.messages import Delta, ModelReply, ModelRequest, ModelTraits
from glmos.abi.tools import ProbeResult, ToolCall, ToolResult, ToolSpec


class Clock(Protocol):
    """Where time and chance come from, so that a test can turn them by hand."""

    def now(self) -> float:
        """Unix time in seconds."""
        ...

    def monotonic(self) -> float: ...


class Snapshot(NamedTuple):
    """A folded state at a place in a log, so that opening need not fold from the beginning."""

    seq: Seq
    version: str
    """Of the state's layout. A snapshot of another version is ignored, never migrated."""
    data: bytes


class Store(Protocol):
    """The journal's disk. One conformance suite (`glmos.testing.stores`) holds for every implementation.

    When `append` returns, the events survive a power cut. Until it returns none of them has happened.
    """

    async def append(
        self,
        pid: Pid,
        expected_seq: Seq,
        events: Sequence[Event],
        *,
        at: float | Sequence[float],
        row: ProcessRow | None = None,
    ) -> Seq:
        """Record `events`, all or none, after `expected_seq` (0 for a new process); give the last sequence number.

        `at` is one time for all or one for each. `row` replaces the listing row of `pid` in the same transaction.

        Raises:
            ConflictError: The log does not end at `expected_seq`. Nothing was recorded.
            StoreError: Nothing was recorded. The caller may append again.
        """
        ...

    async def new_pid(self) -> Pid:
        """A number never given out before in this store, crash or not."""
        ...

    async def read(self, pid: Pid, *, after: Seq = 0, limit: int | None = None) -> list[Entry]:
        """The entries with `seq > after` in order; empty for an unknown process."""
        ...

    async def head(self, pid: Pid) -> Seq:
        """The last sequence number, 0 for an unknown process."""
        ...

    async def rows(
        self, *, live_only: bool = False, awake_only: bool = False, limit: int | None = None
    ) -> list[ProcessRow]:
        """The listing, by pid. `live_only`: without processes that have exited; `awake_only`: without those at rest
        too. `limit`: only so many, the newest."""
        ...

    async def unattended(self) -> list[ProcessRow]:
        """What goes on without a person, by pid: processes that are awake, and those at rest whose parent has ended."""
        ...

    async def tree(self, root: Pid) -> list[ProcessRow]:
        """The rows of a root process and of everything below it, by pid."""
        ...

    async def row(self, pid: Pid) -> ProcessRow | None: ...

    def subscribe(self, pid: Pid | None = None) -> AbstractAsyncContextManager[AsyncIterator[Entry]]:
        """Entries appended from now on, of one process or of all. A slow reader loses none and blocks nobody."""
        ...

    async def save_snapshot(self, pid: Pid, snapshot: Snapshot) -> None: ...

    async def load_snapshot(self, pid: Pid) -> Snapshot | None:
        """The newest."""
        ...

    async def put_blob(self, data: bytes) -> BlobRef:
        """Keep `data` under its hash, durably. The same data twice is kept once."""
        ...

    async def get_blob(self, ref: BlobRef) -> bytes:
        """Raises: NotFoundError when it is not there; StoreError when its content does not match its name."""
        ...

    async def aclose(self) -> None: ...


class ModelDriver(Protocol):
    """A model that can be called."""

    @property
    def traits(self) -> ModelTraits: ...

    async def complete(self, request: ModelRequest, on_delta: Callable[[Delta], None] | None = None) -> ModelReply:
        """Call the model. Cancelling closes the connection.

        Raises:
            ModelError: No reply, after the driver's own retries.
        """
        ...

    def estimate(self, request: ModelRequest) -> int:
        """An upper bound of the prompt's tokens."""
        ...

    def price(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
        """Dollars; 0.0 when the price is not known (then `traits.priced` is False)."""
        ...

    async def aclose(self) -> None: ...


Again = Callable[[Usage], Awaitable[bool]]
"""Asked before every request of a call but the first, with what the requests so far used or may have used. True: its
worst case is reserved, make it. False: no budget is left for it."""


@runtime_checkable
class RetryingDriver(ModelDriver, Protocol):
    """A driver that may make several requests for one call: retries, other routes."""

    async def complete_within(
        self, request: ModelRequest, on_delta: Callable[[Delta], None] | None, again: Again
    ) -> ModelReply:
        """As `complete`, with no request that `again` did not allow.

        The usage of the reply, or of the `ModelError`, is that of all requests together.
        """
        ...


class Finished(NamedTuple):
    """How a sandboxed command ended."""

    status: int | None
    """Exit status; None when it was stopped by us."""
    stdout: bytes
    stderr: bytes
    stopped_by: str = ""
    """`timeout`, `memory`, `output`, `disk`, `files`, `cancelled`, or empty."""
    seconds: float = 0.0
    truncated: bool = False


class SandboxLimits(NamedTuple):
    """Bounds of one sandboxed command or session."""

    seconds: float | None = 120.0
    """Wall-clock; None for a session that lives as long as its process."""
    memory_bytes: int = 2 << 30
    processes: int = 128
    file_bytes: int = 256 << 20
    disk_bytes: int = 2 << 30
    output_bytes: int = 4 << 20
    cpu_seconds: int = 600
    files: int = 50_000
    """Files and folders it may add."""


class SandboxSession(Protocol):
    """A long-lived program inside the sandbox, such as a Jupyter kernel."""

    @property
    def socket_dir(self) -> Path:
        """A private folder, on both sides, for Unix sockets; inside it is `/run/glmos`."""
        ...

    @property
    def alive(self) -> bool: ...

    async def interrupt(self) -> None:
        """SIGINT to the program itself."""
        ...

    async def kill(self) -> None:
        """End it and everything it started. Returns when nothing is left."""
        ...

    async def wait(self) -> Finished: ...


class Sandbox(Protocol):
    """Where tools run, and what they cannot reach."""

    async def require(self) -> None:
        """Raises: SandboxError that names what is missing and the command that installs it."""
        ...

    async def run(
        self,
        argv: Sequence[str],
        *,
        pid: Pid,
        workspace: Path,
        writable: bool = True,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        limits: SandboxLimits = SandboxLimits(),
    ) -> Finished:
        """Run a program with `workspace` as its folder (inside, `/workspace`) and wait for its end.

        `argv[0]` may be `python`, which is the interpreter that runs GLM-OS with the same packages. Cancelling ends
        the whole tree. No operating-system process outlives the call.
        """
        ...

    async def open(
        self,
        argv: Sequence[str],
        *,
        pid: Pid,
        workspace: Path,
        env: Mapping[str, str] | None = None,
        limits: SandboxLimits = SandboxLimits(seconds=None),
    ) -> SandboxSession: ...

    async def kill(self, pid: Pid) -> int:
        """End everything that runs for `pid`; give how many programs were ended. Returns when nothing is left."""
        ...

    async def aclose(self) -> None:
        """End everything."""
        ...


class Change(NamedTuple):
    path: str
    kind: str
    """`added`, `changed`, `deleted`."""


class Workspaces(Protocol):
    """The folders processes work in, and their saved states."""

    def path(self, pid: Pid) -> Path: ...

    async def create(self, pid: Pid, sources: Sequence[Path]) -> tuple[InputFile, ...]:
        """Make the folder and copy the person's files and folders into it. Doing it again for the same pid is harmless.

        Raises: NotFoundError, UsageError (unreadable, special files), WorkspaceError (disk full).
        """
        ...

    async def save(self, pid: Pid) -> SnapshotId:
        """Record the files as they are. Costs time in proportion to what changed."""
        ...

    async def restore(self, pid: Pid, snapshot: SnapshotId) -> tuple[str, ...]:
        """Put every file, mode and link back; what was added since is removed. Gives, in a sentence each, what cannot
        be had again, such as a socket."""
        ...

    async def changes(self, pid: Pid, since: SnapshotId, *, until: SnapshotId = "") -> list[Change]:
        """What differs from the saved state `since`, in the saved state `until` or else now."""
        ...

    async def copy(self, source: Pid, target: Pid, *, snapshot: SnapshotId = "", paths: Sequence[str] = ()) -> None:
        """Give `target` the files of `source`, as they are or as in `snapshot`; only `paths` when given."""
        ...

    async def fetch(self, pid: Pid, source: Pid, paths: Sequence[str], into: str) -> tuple[str, ...]:
        """Copy files of another workspace into this one below `into`; give their paths here."""
        ...

    async def refresh(self, pid: Pid, file: InputFile) -> InputFile | None:
        """If the person's file has changed since it was copied, copy it again and give how it is now; None if it is
        as it was or cannot be read any more."""
        ...

    async def remove(self, pid: Pid) -> None: ...


class ToolContext(NamedTuple):
    """What a tool is given beside its arguments."""

    workspace: Path
    sandbox: Sandbox
    progress: Callable[[str], None]
    """Tell a person, in a few words, what is going on."""


class Tool(Protocol):
    """A device or program that processes may call."""

    @property
    def spec(self) -> ToolSpec: ...

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        """Carry out the call. Failures the model should know of are in the result; exceptions are for bugs
        and for broken devices (`DeviceError`). Cancelling ends whatever was started."""
        ...

    async def probe(self, call: ToolCall, context: ToolContext) -> ProbeResult:
        """Only for actions with `can_probe`."""
        ...

    async def release(self, pid: Pid) -> None:
        """The process is parked or ended: let go of what is held for it (a Python kernel, a browser)."""
        ...


class ModelRoutes(Protocol):
    """From the name a process has for its model to a driver that answers."""

    def driver(self, name: str, *, purpose: str = "work") -> ModelDriver:
        """`name` as `-m` takes it; empty for the default.

        Raises: UsageError or NotFoundError that says which names there are.
        """
        ...

    def choose(self, name: str) -> str:
        """The name a new process carries for `name`: the same, or for an empty one what the defaults lead to.

        Raises: as `driver`.
        """
        ...

    def use_environment(self, environment: Mapping[str, str]) -> None:
        """Keys and addresses of whoever asks next. Kept in memory only."""
        ...

    async def refresh(self) -> None:
        """Look again for what runs on this machine."""
        ...

    def describe(self) -> list[ModelView]:
        """What `glmos models` shows."""
        ...

    async def aclose(self) -> None: ...


class System(Protocol):
    """A running GLM-OS, as a person or a program uses it. Implemented by `boot` in this process and by `client`
    over the daemon's socket, with the same meaning.

    Every method raises `NotFoundError` for an unknown pid and `ConflictError` for a process in the wrong state.
    """

    async def start(self, request: RunRequest) -> Pid:
        """Create the process, durably, and let it run."""
        ...

    async def wait(self, pid: Pid) -> Report:
        """Return when the process has exited, waits for a person, or is suspended."""
        ...

    async def report(self, pid: Pid) -> Report: ...

    async def processes(
        self, *, live_only: bool = True, awake_only: bool = False, limit: int | None = None
    ) -> list[ProcessRow]:
        """As `Store.rows`."""
        ...

    async def log(self, pid: Pid, *, after: Seq = 0) -> list[Entry]: ...

    def follow(self, pid: Pid, *, after: Seq = 0) -> AbstractAsyncContextManager[AsyncIterator[Entry | Progress]]:
        """The log from `after` on and what is added to it, with passing signs of life between, until the process
        ends, waits for a person or is suspended (then one `Progress` of kind `end` closes it)."""
        ...

    async def explain(self, pid: Pid) -> Explanation: ...

    async def answer(self, pid: Pid, text: str) -> None: ...

    async def approve(self, pid: Pid, yes: bool) -> None: ...

    async def correct(self, pid: Pid, what: str, text: str) -> None:
        """Say that a call (`c3`) told something wrong and how it reads instead, or what is wrong with the result of a step.
        Exactly what rests on it is done again; a process that has ended goes on for that."""
        ...

    async def signal(self, pid: Pid, signal: str) -> None:
        """`kill` (returns when nothing it started is left), `suspend`, `resume` (reopens an ended process too)."""
        ...

    async def adjust(self, pid: Pid, *, limits: Limits | None = None, model: str | None = None) -> None:
        """Change limits or model, for instance before resuming a process that was refused."""
        ...

    async def renice(self, pid: Pid, priority: int) -> None: ...

    async def fork(self, pid: Pid, at: Seq | None = None) -> Pid:
        """A new process with the first `at` events of this one and its files of that time; it runs on from there."""
        ...

    async def undo(self, pid: Pid, step: str | None = None) -> UndoReport:
        """Take the process back to the beginning of `step` (of the last step by default). It is suspended then."""
        ...

    async def models(self) -> list[ModelView]: ...

    async def tools(self) -> list[ToolView]: ...

    async def doctor(self) -> list[Finding]: ...

    async def settings(self) -> list[SettingView]: ...
