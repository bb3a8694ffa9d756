"""What outlives a crash in the simulation: logs, rows, snapshots, payloads, saved workspaces, the person's files."""

from collections.abc import Sequence

from glmos.abi.events import Entry, ProcessRow
from glmos.abi.ids import BlobRef, Pid, SnapshotId
from glmos.ports import Snapshot

Files = dict[str, str]


class Disk:
    """Plain tables. Who may write when, and what goes wrong meanwhile, is the business of those who use it."""

    def __init__(self) -> None:
        self.logs: dict[Pid, list[Entry]] = {}
        self.rows: dict[Pid, ProcessRow] = {}
        self.snapshots: dict[Pid, Snapshot] = {}
        self.blobs: dict[BlobRef, bytes] = {}
        self.last_pid = 0
        self.workspaces: dict[Pid, Files] = {}
        self.saved: dict[SnapshotId, Files] = {}
        self.given: Files = {}
        """The person's own files, by absolute path."""
        self._names: dict[frozenset[tuple[str, str]], SnapshotId] = {}

    def commit(self, pid: Pid, entries: Sequence[Entry], row: ProcessRow | None) -> None:
        """Write a batch, all of it at once."""
        self.logs.setdefault(pid, []).extend(entries)
        if row is not None:
            self.rows[pid] = row
        self.last_pid = max(self.last_pid, pid)

    def save(self, pid: Pid) -> SnapshotId:
        """A snapshot's name stands for its content: what did not change has the same name."""
        files = self.workspaces[pid]
        content = frozenset(files.items())
        name = self._names.setdefault(content, f"s{len(self._names) + 1}")
        self.saved.setdefault(name, dict(files))
        return name
