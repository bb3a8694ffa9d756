"""Where a figure comes from: the commit it was measured at."""

import subprocess
from pathlib import Path


def commit() -> str:
    """The short name of the commit that is checked out; `unknown` outside a checkout."""
    here = Path(__file__).parent
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=here
    )
    return done.stdout.strip() or "unknown"
