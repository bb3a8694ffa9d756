"""What is remembered of messages, and for how long."""

import gc

from glmos.abi.messages import Message
from glmos.models.memo import Memo


def test_a_value_is_made_once_for_a_message_and_again_for_another_key() -> None:
    known: Memo[Message, int] = Memo()
    message, made = Message("user", "数一数"), list[str]()

    def make(name: str) -> int:
        made.append(name)
        return len(made)

    assert known.get(message, "a", lambda: make("a")) == 1
    assert known.get(message, "a", lambda: make("again")) == 1
    assert known.get(message, "b", lambda: make("b")) == 2
    assert made == ["a", "b"]


def test_equal_messages_are_not_the_same_message() -> None:
    known: Memo[Message, int] = Memo()
    first, second = Message("user", "x"), Message("user", "x")
    assert known.get(first, None, lambda: 1) == 1
    assert known.get(second, None, lambda: 2) == 2


def test_nothing_is_kept_of_messages_that_are_gone() -> None:
    known: Memo[Message, int] = Memo()
    messages = [Message("user", str(n)) for n in range(100)]
    for message in messages:
        known.get(message, None, lambda: 0)
    assert len(known) == 100
    del message
    messages.clear()
    gc.collect()
    assert len(known) == 0
