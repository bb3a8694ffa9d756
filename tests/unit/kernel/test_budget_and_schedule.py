"""Limits hold for whole trees; places go to who has had least."""

from glmos.abi.budgets import Limits, Usage
from glmos.kernel.budget import Ledger
from glmos.kernel.schedule import Waiting, next_of


def ledger(**limits: float) -> Ledger:
    books = Ledger()
    books.put(1, None, Limits(**limits), Usage(prompt_tokens=50), {})  # type: ignore[arg-type]
    books.put(2, 1, Limits(), Usage(prompt_tokens=20, seconds=9), {"m1": Usage(prompt_tokens=10)})
    return books


def test_what_children_use_and_reserve_counts_for_the_parent() -> None:
    assert ledger().total(1).tokens == 80
    assert ledger().total(1).seconds == 0


def test_a_call_of_a_child_can_break_the_limit_of_the_parent() -> None:
    short = ledger(tokens=100).shortfall(2, Usage(prompt_tokens=21))
    assert short is not None
    assert (short.limit, short.holder, short.allowed, short.used, short.needed) == ("tokens", 1, 100, 80, 21)
    assert ledger(tokens=100).shortfall(2, Usage(prompt_tokens=20)) is None


def test_a_hold_is_seen_by_siblings_before_it_is_in_any_log() -> None:
    books = ledger(tokens=100)
    books.put(3, 1, Limits(), Usage(), {})
    assert books.hold(2, "m2", Usage(prompt_tokens=20)) is None
    assert books.hold(3, "m1", Usage(prompt_tokens=1)) is not None
    books.release(2, "m2")
    assert books.hold(3, "m1", Usage(prompt_tokens=1)) is None


def test_room_is_the_tightest_of_all_ancestors() -> None:
    assert ledger(tokens=100).room(2, "tokens") == 20
    assert ledger().room(2, "tokens") == float("inf")


def test_time_that_is_gone_stops_every_call() -> None:
    books = Ledger()
    books.put(1, None, Limits(seconds=5), Usage(seconds=5), {})
    assert books.shortfall(1, Usage()) is not None


def test_the_tree_that_has_had_least_is_next_and_priority_weighs() -> None:
    queue = [Waiting(1, 10, 1, 0), Waiting(2, 20, 2, 0), Waiting(3, 30, 3, 10)]
    assert next_of(queue, {1: 5.0, 2: 4.0, 3: 20.0}) == queue[2]
    assert next_of(queue, {1: 5.0, 2: 4.0, 3: 60.0}) == queue[1]
    assert next_of([], {}) is None


def test_a_low_priority_tree_is_not_starved() -> None:
    served = {1: 0.0, 2: 0.0}
    for ticket in range(200):
        chosen = next_of([Waiting(ticket, 1, 1, 5), Waiting(ticket, 2, 2, -5)], served)
        assert chosen is not None
        served[chosen.root] += 1
    assert served[2] > 10


def test_a_forgotten_tree_has_no_accounts_and_others_keep_theirs() -> None:
    books = ledger(tokens=100)
    books.put(2, 1, Limits(), Usage(prompt_tokens=60), {})
    books.put(9, None, Limits(tokens=50), Usage(prompt_tokens=50), {})
    books.forget(1)
    assert books.total(1) == books.total(2) == Usage()
    assert books.shortfall(2, Usage(prompt_tokens=1_000)) is None
    assert books.shortfall(9, Usage(prompt_tokens=1)) is not None
