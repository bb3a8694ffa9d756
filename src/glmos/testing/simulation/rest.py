"""What must hold when a machine has come to rest, and at every moment for what it has in memory."""

import msgspec

from glmos.abi.budgets import Usage
from glmos.abi.events import ProcessReopened, ProcessRow, UndoStarted
from glmos.boot.system import LocalSystem
from glmos.kernel.fold import fold_all
from glmos.kernel.process import Process
from glmos.kernel.report import row
from glmos.testing.simulation.tools import mark
from glmos.testing.simulation.world import World


def look_at_memory(world: World, system: LocalSystem) -> None:
    """What a process is in memory is what its log says, up to where it has been read or written."""
    for pid, live in system.machine._live.items():  # pyright: ignore[reportPrivateUsage]
        log, seq = world.disk.logs.get(pid, []), live.log.durable_seq
        if seq > len(log) or live.log.entries[:seq] != log[:seq]:
            world.problem(f"process {pid} stands at event {seq} in memory, which is not what the journal has")


async def look_at_rest(world: World, system: LocalSystem) -> None:
    """Nothing goes on any more: is that right?"""
    machine = system.machine
    if machine.live:
        pids = sorted(machine._live)  # pyright: ignore[reportPrivateUsage]
        world.problem(f"processes {pids} are in memory and nothing moves")
    for pid, log in world.disk.logs.items():
        try:
            state = fold_all(log)
        except Exception as error:
            world.problem(f"process {pid}: its log cannot be folded again: {error}")
            continue
        if await machine.state(pid) != state:
            world.problem(f"process {pid}: loaded and folded from the beginning it is not the same")
        if world.scenario.codec:
            again = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Process)
            if again != state:
                world.problem(f"process {pid}: its snapshot does not come back the same")
        found = world.disk.rows.get(pid)
        if found != row(state):
            world.problem(f"process {pid}: {_difference(found, row(state))}")
        waits = reason_to_rest(world, system, state)
        world.say(f"    process {pid}: {waits or 'rests for no reason'}")
        if not waits:
            world.problem(f"process {pid} is {state.status} and waits for nothing that can be named")
        if _outlives_its_parent(world, system, state):
            world.problem(f"process {pid} lives on and its parent has ended")
        if state.undoing is None:
            _look_at_files(world, state)
    _look_at_ledger(world, system)


def reason_to_rest(world: World, system: LocalSystem, p: Process) -> str:
    """Why a process does nothing, in words; empty when there is no reason."""
    if p.exit is not None:
        return p.exit.status
    if p.pid in system.machine.broken:
        return f"let go of: {system.machine.broken[p.pid]}"
    if p.suspended:
        return "suspended"
    if p.question is not None:
        return "asks a person"
    if p.waiting is not None and p.waiting.until > world.now():
        return "waits for a time"
    if p.waiting is not None:
        living = [c for c in p.waiting.children if c not in world.audit.books or world.audit.books[c].exit is None]
        return f"waits for {living}" if living else ""
    return ""


def _outlives_its_parent(world: World, system: LocalSystem, p: Process) -> bool:
    """Nobody waits for it any more, nobody had it go on, and there is no reason why it could not be ended."""
    parent = world.audit.books.get(p.parent or 0)
    if p.exit is not None or parent is None or parent.exit is None or p.pid in system.machine.broken:
        return False
    return not any(isinstance(x.event, ProcessReopened | UndoStarted) for x in world.disk.logs[p.pid])


def _look_at_files(world: World, p: Process) -> None:
    """Every reversible call that counts has left its file, and no other has."""
    files = world.disk.workspaces.get(p.pid, {})
    book = world.audit.books[p.pid]
    wanted: set[str] = set()
    open_ones: set[str] = set()
    known: set[str] = set()
    for call in book.calls.values():
        if call.intended.tool != "note":
            continue
        name = mark(int(call.intended.arguments["n"]))
        known.add(name)
        if call.state != "closed" or (call.partly and not call.undone):
            open_ones.add(name)
        elif call.good and not call.undone:
            wanted.add(name)
    there = known.intersection(files)
    if wanted - there:
        world.problem(f"process {p.pid}: {sorted(wanted - there)} should be in its workspace")
    if there - wanted - open_ones:
        world.problem(
            f"process {p.pid}: {sorted(there - wanted - open_ones)} was taken back or never made and is there"
        )


def _look_at_ledger(world: World, system: LocalSystem) -> None:
    """Nothing is held for calls that nobody makes."""
    for pid in world.disk.rows:
        held = system.machine.parts.ledger.total(pid)
        if held != Usage():
            world.problem(f"process {pid}: it is not in memory and the ledger holds {held}")


def _difference(found: ProcessRow | None, wanted: ProcessRow) -> str:
    """What a listing has wrong."""
    if found is None:
        return "it is not in the listing"
    wrong = [n for n in ProcessRow.__struct_fields__ if getattr(found, n) != getattr(wanted, n)]
    return f"the listing has another {', '.join(wrong)} than its log"
