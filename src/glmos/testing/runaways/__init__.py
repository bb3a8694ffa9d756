"""Scripts that would never stop, run against every kind of limit, with somebody outside who counts.

    counting    a model, tools and a clock that know what was really asked of them
    scripts     what runs away: endless loops, families of children, retries, crashes, ...
    run         one script against one limit: what was allowed, what was really used, what stopped it

Used by `tests/budgets` and `benchmarks/budgets.py`.
"""

from glmos.testing.runaways.run import KINDS, Outcome, run
from glmos.testing.runaways.scripts import SCRIPTS, Script

__all__ = ["KINDS", "SCRIPTS", "Outcome", "Script", "run"]
