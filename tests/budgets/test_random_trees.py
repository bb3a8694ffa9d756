"""Trees of processes at random: no limit of any of them is exceeded, whoever races with whom."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmos.abi.budgets import Limits, Usage
from glmos.kernel.budget import Ledger
from glmos.testing.runaways.trees import run_tree

ADDITIVE = ("usd", "tokens", "model_calls", "tool_calls")

# -- the books alone --------------------------------------------------------------------------------------------------


class Books:
    """A ledger driven as the runtime drives it, and an account beside it that is kept by adding everything up."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.now = 0.0
        self.ledger = Ledger(lambda: self.now)
        self.parents: list[int | None] = [None]
        self.limits: list[Limits] = [self.limit()]
        self.used: list[Usage] = [Usage()]
        self.reserved: list[dict[str, Usage]] = [{}]
        self.keys = itertools.count()
        self.tell(0)

    def limit(self) -> Limits:
        number = st.one_of(st.none(), st.integers(0, 30))
        return Limits(
            self.draw(number), self.draw(number), None, self.draw(number), self.draw(number)
        )  # fmt: skip

    def some(self) -> int:
        return self.draw(st.integers(0, len(self.parents) - 1))

    def usage(self) -> Usage:
        a, b, c = (self.draw(st.integers(0, 8)) for _ in range(3))
        return Usage(usd=a, prompt_tokens=b, completion_tokens=c, model_calls=a % 2, tool_calls=b % 2)

    def tell(self, pid: int) -> None:
        self.ledger.put(pid, self.parents[pid], self.limits[pid], self.used[pid], dict(self.reserved[pid]))

    def below(self, pid: int) -> Iterator[int]:
        yield pid
        for child, parent in enumerate(self.parents):
            if parent == pid:
                yield from self.below(child)

    def total(self, pid: int) -> Usage:
        parts = [[self.used[x], *self.reserved[x].values()] for x in self.below(pid)]
        return sum((u for part in parts for u in part), Usage())

    # What can happen.

    def spawn(self) -> None:
        self.parents.append(self.some())
        self.limits.append(self.limit())
        self.used.append(Usage())
        self.reserved.append({})
        self.tell(len(self.parents) - 1)

    def begin(self) -> None:
        """Several at once ask before the first of them has written its intent down."""
        asked: list[tuple[int, str, Usage]] = []
        for _ in range(self.draw(st.integers(1, 4))):
            pid, key, need = self.some(), str(next(self.keys)), self.usage()
            before = {x: self.total(x) for x in range(len(self.parents))}
            if self.ledger.hold(pid, key, need) is None:
                asked.append((pid, key, need))
                self.reserved[pid][key] = need
            else:
                # The refusal was right: some limit upwards would have been broken.
                holder: int | None = pid
                broken = False
                while holder is not None:
                    broken |= self.over(holder, before[holder] + need)
                    holder = self.parents[holder]
                assert broken
        for pid, key, _ in asked:
            self.tell(pid)
            self.ledger.release(pid, key)

    def settle(self) -> None:
        pid = self.some()
        for key, need in list(self.reserved[pid].items())[:1]:
            less = Usage(*(getattr(need, f) * self.draw(st.sampled_from([0, 0.5, 1])) for f in Usage.__struct_fields__))
            self.used[pid] += less
            del self.reserved[pid][key]
            self.tell(pid)

    def crash(self) -> None:
        """What was reserved counts as used, and the books are opened anew."""
        self.ledger = Ledger(lambda: self.now)
        for pid in range(len(self.parents)):
            self.used[pid] += sum(self.reserved[pid].values(), Usage())
            self.reserved[pid] = {}
            self.tell(pid)

    def raise_limit(self) -> None:
        pid = self.some()
        old = self.limits[pid]
        more = {k: None if (v := getattr(old, k)) is None else v + 5 for k in ADDITIVE}
        self.limits[pid] = Limits(**more)  # type: ignore[arg-type]
        self.tell(pid)

    def over(self, pid: int, used: Usage) -> bool:
        limits = {k: getattr(self.limits[pid], k) for k in ADDITIVE}
        return any(v is not None and getattr(used, k) > v + 1e-9 for k, v in limits.items())


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_order_of_asking_exceeds_a_limit(data: st.DataObject) -> None:
    books = Books(data.draw)
    for _ in range(data.draw(st.integers(1, 25))):
        act = data.draw(
            st.sampled_from([books.spawn, books.begin, books.begin, books.settle, books.crash, books.raise_limit])
        )
        act()
        for pid in range(len(books.parents)):
            assert not books.over(pid, books.total(pid))
            assert books.ledger.total(pid) == books.total(pid)


# -- the whole system -------------------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(20))
async def test_no_process_of_a_random_tree_exceeds_its_limits(seed: int, tmp_path: Path) -> None:
    tree = await run_tree(seed, tmp_path)
    assert not tree.exceeded
    assert tree.running == 0, "nothing is left under way"
