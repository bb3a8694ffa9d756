"""What must hold when everything has ended: nothing lost, nothing doubled, nothing left, the journal sound.

Each check answers with sentences about what is wrong; no sentence, no fault. The journal and the workspaces are read
from the disk of a home that no daemon serves.
"""

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from glmos.abi import events as e
from glmos.abi.errors import GlmosError
from glmos.abi.ids import Pid
from glmos.journal.lock import HomeLock
from glmos.journal.stores.sqlite import SqliteStore
from glmos.kernel.fold import fold_all
from glmos.kernel.process import STATE_VERSION, Call, Process
from glmos.kernel.report import row
from glmos.testing.crash.home import Home
from glmos.testing.crash.outside import Happened
from glmos.testing.crash.programs import OUTSIDE, Op, Program

EITHER_WAY = ("killed",)
"""Processes that ended so may have been stopped in the middle of anything."""


async def audit(home: Home, wanted: Iterable[Program], *, killed: Iterable[Program] = ()) -> list[str]:
    """Everything that is wrong with a home in which `wanted` was to be done and `killed` was killed on the way."""
    with HomeLock(home.path):  # whoever still holds it is a fault of its own
        faults = integrity(home.path / "journal.db")
        store = await SqliteStore.open(home.path)
        try:
            rows = {r.pid: r for r in await store.rows()}
            logs = {pid: await store.read(pid) for pid in rows}
            faults += [x for pid in rows for x in await _sound(store, rows[pid], logs[pid])]
        finally:
            await store.aclose()
    states = {pid: fold_all(entries) for pid, entries in logs.items()}
    faults += _all_there(states, list(wanted), list(killed))
    noted = _by_pid(home.outside.happened())
    for pid, p in states.items():
        faults += _effects(p, logs[pid], noted.pop(pid, []), undone=_undone(p, states))
        faults += _files(home, p, states)
    faults += [f"process {pid} does not exist and had effects: {x}" for pid, x in noted.items()]
    return faults + left_behind(home)


def integrity(path: Path) -> list[str]:
    """What SQLite itself finds wrong with the database."""
    with closing(sqlite3.connect(path)) as db:
        found = [text for (text,) in db.execute("PRAGMA integrity_check")]
    return [] if found == ["ok"] else [f"integrity_check of {path.name}: {x}" for x in found]


async def _sound(store: SqliteStore, listed: e.ProcessRow, entries: Sequence[e.Entry]) -> list[str]:
    """A log folds, its row and its snapshot say the same, and every payload it names is there and whole."""
    try:
        state = fold_all(entries)
    except GlmosError as error:
        return [f"the log of process {listed.pid} does not fold: {error}"]
    faults: list[str] = []
    if row(state) != listed:
        faults.append(f"the row of process {listed.pid} does not say what its log says")
    snapshot = await store.load_snapshot(listed.pid)
    if snapshot is not None and snapshot.version == STATE_VERSION:
        kept = msgspec.msgpack.decode(snapshot.data, type=Process)
        if kept != fold_all(entries[: snapshot.seq]):
            faults.append(f"the snapshot of process {listed.pid} is not the fold of its log")
    for ref in _payloads(entries):
        try:
            await store.get_blob(ref)
        except GlmosError as error:
            faults.append(f"process {listed.pid}: {error}")
    return faults


def _payloads(entries: Sequence[e.Entry]) -> list[str]:
    outputs = [x.event.output for x in entries if isinstance(x.event, e.ToolFinished)]
    data = [x.event.data.get("$blob") for x in entries if isinstance(x.event, e.ToolFinished)]
    return [o.blob for o in outputs if o.blob is not None] + [ref for ref in data if isinstance(ref, str)]


def _by_pid(happened: Iterable[Happened]) -> dict[Pid, list[Happened]]:
    found: dict[Pid, list[Happened]] = {}
    for each in happened:
        found.setdefault(each.pid, []).append(each)
    return found


# -- processes --------------------------------------------------------------------------------------------------------


def _all_there(states: dict[Pid, Process], wanted: list[Program], killed: list[Program]) -> list[str]:
    """Every goal has its process, one alone, and that has ended as it should, with what a done one must have."""
    faults: list[str] = []
    tops = Counter(p.goal for p in states.values() if p.parent is None and not p.forked_at)
    for program in wanted + killed:
        if tops[program.goal] != 1:
            faults.append(f"{program.name!r} has {tops[program.goal]} processes")
    doomed = {program.goal for program in killed}
    for p in states.values():
        status = p.exit.status if p.exit is not None else p.status
        ends = {"killed", "done"} if states[p.root].goal in doomed or _undone(p, states) else {"done"}
        if status not in ends:
            faults.append(f"process {p.pid} ended {status!r}: {p.exit.reason if p.exit else p.phase}")
        elif status == "done" and not all(s.status == "passed" for s in p.steps.values()):
            faults.append(f"process {p.pid} is done with steps {[s.status for s in p.steps.values()]}")
    return faults


def _undone(p: Process, states: dict[Pid, Process]) -> bool:
    """A child that was taken back with the step of its parent that had begun it, or one below such a child."""
    above = states.get(p.parent) if p.parent is not None else None
    return above is not None and (above.children[p.pid].undone or _undone(above, states))


# -- effects ----------------------------------------------------------------------------------------------------------


def _effects(p: Process, entries: Sequence[e.Entry], noted: list[Happened], *, undone: bool) -> list[str]:
    """What happened outside is what the log says, and what the program says, and each of it once."""
    program = Program.of(p.goal)
    faults = [
        f"process {p.pid}: {kind} of {call} happened {times} times"
        for (kind, call), times in Counter((x.kind, x.call) for x in noted if x.kind != "ping").items()
        if times > 1
    ]
    if p.exit is None or p.exit.status in EITHER_WAY:
        return faults
    if undone:
        kinds = Counter(x.kind for x in noted)
        return faults + (
            [f"process {p.pid} was taken back with bookings left: {kinds}"] * (kinds["book"] != kinds["cancel"])
        )
    before = _done_before_fork(p, entries)
    for op in program.all_ops():
        if op.kind in OUTSIDE:
            faults += [f"process {p.pid}: {op.tag} {fault}" for fault in _of_op(op, noted, op.tag in before)]
    known = {op.tag for op in program.all_ops()}
    return faults + [f"process {p.pid}: {x} belongs to nothing it was to do" for x in noted if x.tag not in known]


def _of_op(op: Op, noted: list[Happened], elsewhere: bool) -> list[str]:
    """`elsewhere`: it was done before the process was forked from another one."""
    kinds = [x.kind for x in noted if x.tag == op.tag]
    match op.kind:
        case "ping":
            return [] if kinds or elsewhere else ["never happened"]
        case "book":
            turns = ["book", "cancel"] * len(kinds)
            right = kinds == turns[elsewhere : elsewhere + len(kinds)] and (len(kinds) + elsewhere) % 2 == 1
            return [] if right else [f"was {kinds or 'never'} noted, in this order"]
        case kind:
            return [] if kinds == [kind] * (not elsewhere) else [f"happened {len(kinds)} times"]


def _done_before_fork(p: Process, entries: Sequence[e.Entry]) -> set[str]:
    """The operations that the process this one was forked from had done by then."""
    forked = [x for x in entries if isinstance(x.event, e.ProcessForked)]
    if not forked:
        return set()
    then = fold_all(entries[: forked[-1].seq - 1])
    return {str(c.arguments["tag"]) for c in then.calls.values() if _happened(c) and "tag" in c.arguments}


def _happened(call: Call) -> bool:
    return call.state == "closed" and not call.failed and not call.undone


# -- files ------------------------------------------------------------------------------------------------------------


def _files(home: Home, p: Process, states: dict[Pid, Process]) -> list[str]:
    """The workspace of a process that is done holds what its program made, what its children made, and no more."""
    if p.exit is None or p.exit.status != "done":
        return []
    folder = home.path / "workspaces" / str(p.pid)
    found = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
    own = Program.of(p.goal).files() | {file.name: file.digest for file in p.files}
    faults = [
        f"process {p.pid}: the file {path!r} is not as it should be" for path in own if found.get(path) != own[path]
    ]
    inherited = _inherited(p, states)
    for path in found.keys() - own.keys() - inherited:
        faults.append(f"process {p.pid}: there is a file {path!r} that nobody wanted")
    for child in (states[c] for c, known in p.children.items() if known.exited is not None and c in states):
        if child.exit is None or child.exit.status != "done" or child.parent != p.pid or p.children[child.pid].undone:
            continue
        for path, digest in Program.of(child.goal).files().items():
            if found.get(f"children/{child.pid}/{path}") != digest:
                faults.append(f"process {p.pid}: the file {path!r} of child {child.pid} is not as it should be")
    return faults


def _inherited(p: Process, states: dict[Pid, Process]) -> set[str]:
    """Files that may lie there because others made them: those brought back from children, those of the parent."""
    found: set[str] = set()
    for child, known in p.children.items():
        if child in states and not known.undone:
            for program in Program.of(states[child].goal).family():
                found |= {f"children/{child}/{path}" for path in program.files()}
    if p.parent is not None and p.parent in states:
        above = states[p.parent]
        found |= set(Program.of(above.goal).files()) | _inherited(above, states)
    return found


# -- leftovers --------------------------------------------------------------------------------------------------------


def left_behind(home: Home) -> list[str]:
    """Sockets and half-made things that a daemon should have put away, at the latest at the next start."""
    faults = [f"the socket {path.name!r} is still there" for path in home.path.glob("*.sock")]
    faults += [f"the half-made workspace {path.name!r} is still there" for path in home.path.glob("workspaces/.new-*")]
    for place in ("/tmp", "/var/tmp", "/run/user/0"):
        for os_pid in home.daemons:
            faults += [
                f"the folder of sockets {str(x)!r} is still there" for x in Path(place).glob(f"glmos-{os_pid}-*")
            ]
    return faults
