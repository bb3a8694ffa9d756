"""What is fuzzed: every door through which foreign data comes in, and what must hold whatever comes.

A target is a strategy for cases and a check that raises when something is wrong: anything but a declared error counts as
a crash. `guarded` adds that no case may take long. The engines are chosen by whoever runs them: hypothesis in the tests,
hypothesis and atheris in `benchmarks/fuzz.py`.
"""

import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple

from hypothesis import strategies as st

from glmos.testing.fuzz import doors, kernels, replies

MOST_SECONDS = 3.0
"""CPU time of one case. The dearest thing that is allowed is a pattern, which may take two seconds."""


class TookTooLong(AssertionError):
    """A case used more CPU time than any input is worth."""


class Target(NamedTuple):
    name: str
    about: str
    cases: st.SearchStrategy[Any]
    check: Callable[[Any], None]
    seeds: tuple[bytes, ...] = ()
    """Not empty: a case is bytes, and these are where a coverage-guided engine begins."""
    weight: int = 10
    """Its share of a long run, beside the other targets."""


def guarded(check: Callable[[Any], None], case: Any, *, seconds: float = MOST_SECONDS) -> None:
    """Run `check`; from the main thread, interrupt it when it takes too long.

    Raises: TookTooLong, or what the check raised.
    """

    def over(number: int, frame: FrameType | None) -> None:
        raise TookTooLong(f"still busy after {seconds:g} s of CPU time")

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    begun = time.process_time()
    try:
        check(case)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    if (took := time.process_time() - begun) > seconds:
        raise TookTooLong(f"took {took:.1f} s of CPU time")


TARGETS: tuple[Target, ...] = (
    Target("sse", "bytes of an event stream, in any pieces", replies.PIECES, replies.check_sse, weight=5),
    Target(
        "openai", "answers of an OpenAI-compatible endpoint, through the driver to the next request",
        replies.ANSWERS, replies.check_openai, replies.SEEDS, weight=25,
    ),
    Target(
        "anthropic", "answers of an Anthropic endpoint, through the driver to the next request",
        replies.ANTHROPIC_ANSWERS, replies.check_anthropic, replies.ANTHROPIC_SEEDS, weight=15,
    ),
    Target("calls", "function calls that a model wrote", replies.WRITTEN_CALLS, replies.check_call, weight=15),
    Target("codec", "bodies of the journal", kernels.BODIES, kernels.check_body, kernels.SEEDS, weight=10),
    Target("events", "arbitrary events in any order, folded and decided on", kernels.LOGS, kernels.check_log, weight=20),
    Target("logs", "sound logs with events lost, doubled, swapped and changed", kernels.DAMAGED, kernels.check_damaged),
    Target("worlds", "a model that talks nonsense until the kernel ends it", kernels.NONSENSE, kernels.check_world),
    Target("verify", "patterns, schemas, numbers and citations of a model", kernels.CHECKED, kernels.check_verify),
    Target("settings", "glmos.toml and model names", doors.SETTINGS, doors.check_settings, doors.SETTINGS_SEEDS),
    Target("transcripts", "recorded calls", doors.TRANSCRIPTS, doors.check_transcript, doors.TRANSCRIPT_SEEDS, weight=4),
    Target("requests", "bytes on the daemon's socket", doors.REQUESTS, doors.check_request, doors.REQUEST_SEEDS),
    Target("outputs", "what programs print", doors.OUTPUTS, doors.check_output, doors.OUTPUT_SEEDS, weight=6),
    Target("notebook", "messages of a hostile Jupyter kernel", doors.MESSAGES, doors.check_message, weight=3),
    Target("tables", "files taken for tables", doors.TABLES, doors.check_table, doors.TABLE_SEEDS, weight=1),
)  # fmt: skip
