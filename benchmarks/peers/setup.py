"""Make the environments of the peers: one for each, so that none decides what another gets.

    python benchmarks/peers/setup.py                     # all of them, in .peers/ (2 GB, 10 minutes)
    python benchmarks/peers/setup.py langgraph agno      # these
    python benchmarks/peers/setup.py --list              # what each is, and which versions are installed

Versions are whatever is newest when this runs; every benchmark prints them. A peer that needs a newer Python than this
one gets the newest that is found on this machine (pyenv included), and is skipped with the reason where there is none.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".peers"


class Peer(NamedTuple):
    """A system that is compared."""

    packages: str
    driver: str
    durable: tuple[str, ...]
    """The variants of its driver that survive a crash, its own recommended one first."""
    setup: str
    """That set-up in words."""
    imports: str
    """What a program that makes one agent imports."""
    fleeting: tuple[str, ...] = ()
    """Variants that are shown but lose a run that is interrupted."""
    python: tuple[int, int] = (3, 11)
    """The oldest Python it runs on."""


PEERS = {
    "langgraph": Peer(
        "langgraph langchain langchain-openai langgraph-checkpoint-sqlite aiosqlite",
        "with_langgraph",
        ("async", "sync"),
        "create_agent with AsyncSqliteSaver; durability `async` (its default) or `sync` (its advice for durability)",
        "from langchain.agents import create_agent; from langchain_openai import ChatOpenAI",
    ),
    "openai-agents": Peer(
        "openai-agents",
        "with_openai_agents",
        ("sqlite",),
        "Runner with SQLiteSession",
        "from agents import Agent, OpenAIChatCompletionsModel, Runner",
    ),
    "pydantic-ai": Peer(
        "pydantic-ai-slim[openai,dbos]",
        "with_pydantic_ai",
        ("steps", "plain"),
        "DBOS on SQLite; tools with side effects wrapped as DBOS steps, as its documentation asks, or left plain",
        "from pydantic_ai import Agent; from pydantic_ai.models.openai import OpenAIChatModel; from dbos import DBOS; "
        "from pydantic_ai.durable_exec.dbos import DBOSDurability",
    ),
    "google-adk": Peer(
        "google-adk litellm mcp aiosqlite",
        "with_google_adk",
        ("sqlite",),
        "resumable App with SqliteSessionService",
        "from google.adk.agents import LlmAgent; from google.adk.models.lite_llm import LiteLlm; "
        "from google.adk.runners import Runner; import litellm",
    ),
    "openhands": Peer(
        "openhands-sdk",
        "with_openhands",
        ("files",),
        "Conversation with persistence_dir: a file for each event",
        "from openhands.sdk import LLM, Agent, Conversation",
        python=(3, 12),
    ),
    "agno": Peer(
        "agno openai sqlalchemy greenlet aiosqlite",
        "with_agno",
        ("batch",),
        "AsyncSqliteDb; a checkpoint after each batch of tools, or after each run (its default, which loses a run that "
        "is interrupted)",
        "from agno.agent import Agent; from agno.models.openai import OpenAIChat",
        fleeting=("runs",),
    ),
}


def python_of(name: str, folder: Path = FOLDER) -> Path:
    """The interpreter of a peer's environment, there or not."""
    return folder / name / "bin" / "python"


def interpreter(oldest: tuple[int, int]) -> str | None:
    """An interpreter that is new enough; this one if it is."""
    if sys.version_info >= oldest:
        return sys.executable
    names = [f"python3.{minor}" for minor in range(14, oldest[1] - 1, -1)]
    homes = sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin/python"), reverse=True)
    for name in [*filter(None, map(shutil.which, names)), *map(str, homes)]:
        asked = f"import sys; sys.exit(sys.version_info < {oldest})"
        if subprocess.run([name, "-c", asked], check=False, capture_output=True).returncode == 0:
            return name
    return None


def versions(name: str, folder: Path = FOLDER) -> str:
    """The versions of what was asked for in a peer's environment."""
    packages = [p.split("[")[0] for p in PEERS[name].packages.split()]
    code = (
        "import importlib.metadata as m, platform\n"
        f"found = [f'{{p}} {{m.version(p)}}' for p in {packages!r}]\n"
        "print(', '.join(found) + ', Python ' + platform.python_version())"
    )
    done = subprocess.run([python_of(name, folder), "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def install(name: str, folder: Path) -> str:
    """Make one environment; say what came of it."""
    peer = PEERS[name]
    python = interpreter(peer.python)
    if python is None:
        return f"skipped: it needs Python {'.'.join(map(str, peer.python))} or newer, and there is none here"
    subprocess.run([python, "-m", "venv", folder / name], check=True)
    pip = [python_of(name, folder), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, *peer.packages.split()], check=False, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        return f"failed: {done.stderr.strip().splitlines()[-1]}"
    return versions(name, folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="PEER", help=f"one of {', '.join(PEERS)}")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--list", action="store_true", help="say what is there and stop")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in PEERS]:
        parser.error(f"there is no peer {unknown[0]!r}; there are: {', '.join(PEERS)}")
    for name in options.names or PEERS:
        there = python_of(name, options.folder).exists()
        if options.list:
            print(f"{name}: {PEERS[name].setup}. {versions(name, options.folder) if there else 'not installed'}")
        else:
            print(f"{name}: {install(name, options.folder)}", flush=True)


if __name__ == "__main__":
    main()
