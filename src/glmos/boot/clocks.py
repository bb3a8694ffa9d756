"""The time of this machine, as the system reckons with it.

A wall clock is set: by a person, by a time server, by a virtual machine that was stopped. A limit on time and a wait are
about time that passes. So the wall is read once, when the system is opened, and what has passed since then is added by a
clock that nobody sets. What was set meanwhile counts from the next start on.
"""

import time

from glmos.ports import Clock


class WallClock:
    """The time of this machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        if hasattr(time, "CLOCK_BOOTTIME"):  # goes on while the machine sleeps, which it does not do unnoticed
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic()


class SteadyClock:
    """Another clock as it stood when this one was made, and since then what has really passed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = clock.now() - clock.monotonic()

    def now(self) -> float:
        return self._clock.monotonic() + self._offset

    def monotonic(self) -> float:
        return self._clock.monotonic()
