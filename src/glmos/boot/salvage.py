"""Saving what a damaged home still holds, into a new one. A program of its own, because a daemon cannot start there.

    python -m glmos.boot.salvage HOME               what could be saved; nothing is written
    python -m glmos.boot.salvage HOME --into NEW    save it

A log is saved as far as it is whole and makes sense. What lies behind a gap is kept in `lost-events.jsonl` for a person to
read. Every process that had not ended is suspended in the new home: a log without its end does not know what was done
after it, and nothing may be done twice. The old home is not changed. Prints one JSON object.
"""

import argparse
import re
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import anyio
import msgspec

from glmos.abi import events as e
from glmos.abi.api import Salvage, SalvagedProcess
from glmos.abi.errors import ConflictError, GlmosError, ReplayError, StoreError, UsageError
from glmos.abi.ids import BlobRef, Pid, Seq
from glmos.boot.identity import FILE as IDENTITY
from glmos.boot.settings import FILE as SETTINGS
from glmos.journal.blobs import BlobFolder
from glmos.journal.codec import encode_event
from glmos.journal.lock import HomeLock
from glmos.journal.stores.salvage import Remains, find_remains
from glmos.journal.stores.sqlite import SqliteStore
from glmos.kernel.fold import fold
from glmos.kernel.process import Process
from glmos.kernel.report import row

BATCH = 500
PATIENCE = 15.0
_REF = re.compile(rb'"(?:blob|\$blob)":"([0-9a-f]{64})"')


class Kept(NamedTuple):
    """A log as far as it goes."""

    entries: Sequence[e.Entry]
    state: Process
    why: str
    """Why it goes no further; empty when it is whole."""
    behind: Sequence[e.Entry]
    """Events after the gap."""


async def salvage(home: Path, into: Path | None, *, patience: float = PATIENCE) -> Salvage:
    """See the module. `patience`: seconds to wait for an owner that is ending.

    Raises:
        UsageError: There is no journal, or `into` is not empty.
        ConflictError: The home has an owner, who must end first.
        StoreError: The new home cannot be written.
    """
    if not (home / "journal.db").exists() and not (home / "journal.db-wal").exists():
        raise UsageError(f"There is no journal in {str(home)!r}: nothing can be saved from it.")
    _require_room(home, into)
    lock = HomeLock(home)
    await _own(lock, patience)
    try:
        with tempfile.TemporaryDirectory(prefix="glmos-salvage-", dir=into) as scratch:
            remains = await anyio.to_thread.run_sync(find_remains, _database(home), Path(scratch))
        kept = {
            pid: found for pid, log in sorted(remains.logs.items()) if (found := _kept(log, remains.heads.get(pid, 0)))
        }
        if into is not None:
            await _write(home, into, kept, remains)
        blobs = await anyio.to_thread.run_sync(_blobs, home, into, kept)
        return _told(home, into, kept, remains, blobs)
    finally:
        lock.release()


async def _own(lock: HomeLock, patience: float) -> None:
    """Wait for a daemon that is putting its things away. Raises: ConflictError when it stays."""
    with suppress(StoreError):  # a home that cannot be written has no owner that writes
        with anyio.move_on_after(patience):
            while True:
                try:
                    lock.acquire()
                except ConflictError:
                    await anyio.sleep(0.1)  # nothing tells when a lock is let go of
                    continue
                return
        lock.acquire()


def _database(home: Path) -> Path:
    path = home / "journal.db"
    if not path.exists():
        raise UsageError(f"{str(path)!r} is gone, and the write-ahead log beside it means nothing without it.")
    return path


def _require_room(home: Path, into: Path | None) -> None:
    if into is None:
        return
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise UsageError(f"{str(into)!r} is not an empty folder: what is saved goes into a new home.")
    if into.resolve().is_relative_to(home.resolve()):
        raise UsageError(f"{str(into)!r} lies inside the damaged home: choose another place.")
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {str(into)!r} cannot be made ({error.strerror}).") from error


# -- logs -------------------------------------------------------------------------------------------------------------


def _kept(log: Mapping[Seq, e.Entry], head: Seq) -> Kept | None:
    """The longest beginning of a log that is whole; None when even its first event is lost. `head`: where it ended."""
    state: Process | None = None
    entries: list[e.Entry] = []
    why = ""
    for seq in range(1, max(*log, head) + 1):
        if seq not in log:
            why = f"event {seq} is lost"
            break
        try:
            state = fold(state, log[seq])
        except ReplayError as problem:
            why = f"event {seq} makes no sense any more ({problem})"
            break
        entries.append(log[seq])
    if state is None:
        return None
    return Kept(entries, state, why, [x for seq, x in sorted(log.items()) if seq > len(entries)])


async def _write(home: Path, into: Path, kept: Mapping[Pid, Kept], remains: Remains) -> None:
    store = await SqliteStore.open(into)
    try:
        for pid, found in kept.items():
            await _write_log(store, pid, found)
    finally:
        await store.aclose()
    lost = [x for found in kept.values() for x in found.behind]
    lost += [x for pid, log in remains.logs.items() if pid not in kept for x in log.values()]
    if lost:
        lines = (
            f'{{"pid":{x.pid},"seq":{x.seq},"at":{x.at},"event":{encode_event(x.event).decode()}}}\n' for x in lost
        )
        (into / "lost-events.jsonl").write_text("".join(lines), "utf-8")
    for name in (SETTINGS, IDENTITY):  # under another name a transaction that happened would not be known again
        with suppress(FileNotFoundError):
            shutil.copy2(home / name, into / name)
    if (home / "workspaces").is_dir():
        copied = await anyio.run_process(
            ["cp", "-a", "--reflink=auto", str(home / "workspaces"), str(into / "workspaces")], check=False
        )
        if copied.returncode:
            raise StoreError(f"The workspaces could not be copied: {copied.stderr.decode(errors='replace').strip()}")


async def _write_log(store: SqliteStore, pid: Pid, found: Kept) -> None:
    state: Process | None = None
    for start in range(0, len(found.entries), BATCH):
        batch = found.entries[start : start + BATCH]
        for entry in batch:
            state = fold(state, entry)
        assert state is not None
        await store.append(pid, start, [x.event for x in batch], at=[x.at for x in batch], row=row(state))
    if found.state.exit is not None and not found.why:
        return
    assert state is not None
    ending: list[e.Event] = [e.ProcessRecovered(f"salvaged: {found.why or 'the end of the journal may be missing'}")]
    if not state.suspended:
        ending.append(e.SignalReceived("suspend", by="salvage"))
    for seq, event in enumerate(ending, state.seq + 1):
        state = fold(state, e.Entry(pid, seq, state.at, event))
    await store.append(pid, len(found.entries), ending, at=state.at, row=row(state))


# -- files ------------------------------------------------------------------------------------------------------------


def _blobs(home: Path, into: Path | None, kept: Mapping[Pid, Kept]) -> tuple[int, list[BlobRef]]:
    """How many payloads that the saved logs name are whole, and the names of the others."""
    wanted = {
        ref.decode()
        for found in kept.values()
        for entry in found.entries
        for ref in _REF.findall(encode_event(entry.event))
    }
    whole, lost = 0, list[BlobRef]()
    if not wanted:
        return 0, []
    source = BlobFolder(home / "blobs", read_only=True)
    target = BlobFolder(into / "blobs") if into is not None else None
    for ref in sorted(wanted):
        try:
            data = source.get(ref)
        except GlmosError:
            lost.append(ref)
            continue
        if target is not None:
            target.put(data)
        whole += 1
    return whole, lost


def _quick_check(path: Path) -> str:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        return db.execute("PRAGMA quick_check(1)").fetchone()[0]


def _saved_states(home: Path) -> str:
    """What is wrong with the store of saved files; empty when it is whole or there is none."""
    path = home / "workspaces" / ".objects" / "objects.sqlite"
    if not path.exists():
        return ""
    try:
        found = _quick_check(path)
    except sqlite3.OperationalError:
        # Beside a write-ahead log SQLite must write even to read, which a read-only file system does not let it.
        with tempfile.TemporaryDirectory(prefix="glmos-salvage-") as scratch:
            for name in (path.name, f"{path.name}-wal"):
                with suppress(FileNotFoundError):
                    shutil.copyfile(path.with_name(name), Path(scratch, name))
            try:
                found = _quick_check(Path(scratch, path.name))
            except sqlite3.Error as problem:
                found = str(problem)
    except sqlite3.Error as problem:
        found = str(problem)
    return "" if found == "ok" else f"the saved states of files are damaged ({found}): undo and fork may fail"


# -- the report -------------------------------------------------------------------------------------------------------


def _told(
    home: Path, into: Path | None, kept: Mapping[Pid, Kept], remains: Remains, blobs: tuple[int, list[BlobRef]]
) -> Salvage:
    last = {pid: max(remains.logs.get(pid, {0: None})) for pid in {*remains.logs, *remains.heads}}
    processes = [_process(pid, kept.get(pid), max(last[pid], remains.heads.get(pid, 0))) for pid in sorted(last)]
    problems = [*remains.problems[:20], *remains.unfit[:20]]
    if states := _saved_states(home):
        problems.append(states)
    return Salvage(
        home=str(home), into=str(into) if into is not None else "", processes=tuple(processes), blobs=blobs[0],
        lost_blobs=tuple(blobs[1]), problems=tuple(" ".join(p.split())[:300] for p in problems),
        more_problems=max(0, len(remains.problems) - 20) + max(0, len(remains.unfit) - 20),
    )  # fmt: skip


def _process(pid: Pid, found: Kept | None, last: Seq) -> SalvagedProcess:
    if found is None:
        return SalvagedProcess(pid, "", "lost", 0, last, "its first event is lost")
    status = found.state.exit.status if found.state.exit is not None and not found.why else "suspended"
    return SalvagedProcess(pid, found.state.goal, status, len(found.entries), last, found.why)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="glmos.boot.salvage", description=__doc__.partition("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("home", type=Path)
    parser.add_argument("--into", type=Path, default=None, metavar="NEW")
    options = parser.parse_args(argv)
    try:
        found = anyio.run(salvage, options.home, options.into)
    except (GlmosError, OSError) as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
