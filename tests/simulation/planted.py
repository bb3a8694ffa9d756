"""Runs the simulation against a kernel or runtime with one planted bug, and says which seed finds it.

    python tests/simulation/planted.py NAME [MOST_SEEDS]      # prints one line of JSON
    python tests/simulation/planted.py --table [MOST_SEEDS]   # every bug, as a Markdown table

The bug is a small change to the source of one module, made while it is imported in this interpreter and nowhere else.
A change whose place is not found any more is an error: the table must be kept true.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import NamedTuple

MOST = 25_000
"""Seeds after which a bug counts as not found."""
QUICKLY = 500
"""Seeds within which most are found; these are looked for in every run of the tests."""


class Bug(NamedTuple):
    """A change to the source of a module."""

    what: str
    module: str
    old: str
    new: str
    rare: bool = False
    """It takes more than `QUICKLY` seeds."""


BUGS: dict[str, Bug] = {
    "rerun_unknown": Bug(
        "a call without a receipt is made again, whatever it does",
        "glmos.kernel.fold",
        'state="again" if c.effect == "pure" else "unknown"',
        'state="again"',
    ),
    "no_intent": Bug(
        "a tool is run before its intent is durable",
        "glmos.runtime.work_tools",
        '    await log.flush()\n    parts.crash_point("tool.after_intent")',
        '    parts.crash_point("tool.after_intent")',
    ),
    "lost_is_free": Bug(
        "what was reserved for a lost call counts as nothing",
        "glmos.kernel.fold",
        "    for usage in (*p.reserved.values(), *unreserved):",
        "    for usage in ():",
    ),
    "children_unheld": Bug(
        "what children use does not count for their parent",
        "glmos.kernel.budget",
        "            total += below - Usage(seconds=below.seconds)",
        "            total += Usage()",
    ),
    "undecided_passes": Bug(
        "a check that could not be decided counts as passed",
        "glmos.kernel.cycle",
        'verified = bool(state.checks) and all(s.outcome == "passed" for s in state.checks)',
        'verified = bool(state.checks) and all(s.outcome != "failed" for s in state.checks)',
    ),
    "kill_leaves_tasks": Bug(
        "a killed process ends before what it has under way is stopped",
        "glmos.runtime.process",
        "        while self._running:\n",
        "        while False:\n",
        rare=True,
    ),
    "unshielded_append": Bug(
        "an append can be cancelled half way, and memory is then behind the disk",
        "glmos.runtime.log",
        "with anyio.CancelScope(shield=True):  # a batch",
        "with anyio.CancelScope():  # a batch",
        rare=True,
    ),
    "no_recovery": Bug(
        "a process is brought back without being told that the machine was away",
        "glmos.runtime.machine",
        "if p.exit is None and (lost or checking or p.reserved or self._accounts.ran_through(p)):",
        "if False:",
    ),
    "probe_believed_too_much": Bug(
        "a probe that cannot tell is taken to say that it did not happen",
        "glmos.kernel.fold",
        '"cannot_tell": "cannot_tell"}',
        '"cannot_tell": "again"}',
    ),
    "half_restore": Bug(
        "an interrupted change of files is called taken back, and is not",
        "glmos.runtime.work_tools",
        "await parts.workspaces.restore(log.pid, effect.snapshot)",
        "await parts.workspaces.changes(log.pid, effect.snapshot)",
    ),
    "news_lost": Bug(
        "a parent that was not in memory does not hear of its child's end",
        "glmos.runtime.machine",
        "            await self._families.news_of_children(log)\n",
        "",
        rare=True,
    ),
    "alarm_lost": Bug(
        "an alarm is not set again after a restart",
        "glmos.runtime.process",
        "                self.table.wake_at(self.log.pid, effect.call, effect.until - self.log.ahead)",
        "                if not any(type(x.event).__name__ == 'ProcessRecovered' for x in self.log.entries):\n"
        "                    self.table.wake_at(self.log.pid, effect.call, effect.until - self.log.ahead)",
    ),
    "orphans_live": Bug(
        "children run on when their parent has ended",
        "glmos.runtime.families",
        "            for child in p.children.values():\n                if child.exited is None:",
        "            for child in p.children.values():\n                if False:",
        rare=True,
    ),
    "two_owners": Bug(
        "a process that is being created can be loaded a second time",
        "glmos.runtime.machine",
        "            await self._accounts.open(first.root, pid)\n",
        "            self._arriving.pop(pid), self._arriving.setdefault(pid, None)\n"
        "            await self._accounts.open(first.root, pid)\n",
    ),
    "compensated_twice": Bug(
        "an undo that goes on after a crash compensates everything again",
        "glmos.runtime.undoing",
        'if call.compensated == "done":  # by an undo that was interrupted',
        "if False:",
        rare=True,
    ),
}


class _Planting(MetaPathFinder):
    """Imports one module from changed source."""

    def __init__(self, bug: Bug) -> None:
        self.bug = bug
        self.done = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.bug.module:
            return None
        found = PathFinder.find_spec(fullname, path)
        if found is None or found.origin is None:
            return None
        found.loader = _Changed(fullname, found.origin, self)
        return found


class _Changed(SourceFileLoader):
    def __init__(self, fullname: str, path: str, planting: _Planting) -> None:
        super().__init__(fullname, path)
        self._planting = planting

    def get_code(self, fullname: str):
        bug = self._planting.bug
        source = self.get_source(fullname)
        assert source is not None
        if source.count(bug.old) != 1:
            raise SystemExit(
                f"{bug.module} has {source.count(bug.old)} times what the planted bug changes: {bug.old!r}"
            )
        self._planting.done = True
        return compile(source.replace(bug.old, bug.new), self.path, "exec")


def hunt(name: str, most: int) -> dict[str, object]:
    """Plant the bug and try seeds until one finds it."""
    planting = _Planting(BUGS[name])
    sys.meta_path.insert(0, planting)
    from glmos.testing.simulation.campaign import prepare, run_seeds

    assert planting.done, f"nothing imports {planting.bug.module}"
    prepare()
    tally = run_seeds(0, most)
    failed = tally.failed[0] if tally.failed else None
    return {
        "bug": name, "seeds": tally.schedules, "seed": failed.seed if failed else None,
        "judge": failed.judge if failed else "", "problem": failed.problem if failed else "",
    }  # fmt: skip


def table(most: int) -> str:
    lines = ["| planted bug | where | seeds needed | who found it | what was said |", "|---|---|--:|---|---|"]
    for name, bug in BUGS.items():
        done = subprocess.run([sys.executable, __file__, name, str(most)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        found = json.loads(done.stdout)
        needed = f"{found['seeds']:,}" if found["seed"] is not None else f"**not in {most:,}**"
        where = bug.module.removeprefix("glmos.")
        lines.append(f"| {bug.what} | `{where}` | {needed} | `{found['judge']}` | {found['problem']} |")
    return "\n".join(lines)


if __name__ == "__main__":
    name, *rest = sys.argv[1:]
    limit = int(rest[0]) if rest else MOST
    print(table(limit) if name == "--table" else json.dumps(hunt(name, limit)))
