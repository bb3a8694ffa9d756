"""Where a figure comes from: commit, machine, day and command, and the file that keeps it."""

import os
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path

HERE = Path(__file__).parent


def commit() -> str:
    """The short name of the commit that is checked out, marked when it was changed; `unknown` outside a checkout."""
    here = HERE.parent
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=here
    )
    name = done.stdout.strip()
    if not name:
        return "unknown"
    changed = subprocess.run(
        ["git", "diff", "--quiet", "HEAD", "--", "src", "benchmarks/*.py", "benchmarks/peers"], check=False, cwd=here
    )
    return f"{name} with changes" if changed.returncode else name


def machine() -> str:
    """Cores and how busy they are, processor, kernel and Python, in one sentence."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    kernel = f"{platform.system()} {platform.release().split('-')[0]}"
    load = f"load {os.getloadavg()[1]:.0f} at the end"
    return (
        f"{os.cpu_count()} cores shared with other work ({load}), {model}, {kernel}, Python {platform.python_version()}"
    )


def record(name: str, title: str, text: str) -> Path:
    """Keep a result in `benchmarks/results/`, with where it comes from."""
    today = date.today().isoformat()
    command = " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    path = HERE / "results" / f"{name}-{today}.md"
    about = f"{machine()}. Commit: {commit()}.\n\n    {command}"
    path.write_text(f"# {title}, {today}\n\n{about}\n\n{text.strip()}\n", encoding="utf-8")
    return path
