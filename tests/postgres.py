"""A PostgreSQL server of one's own: a fresh cluster in a folder, reached by a Unix socket only, ended with the test run.

It runs as whoever runs the tests, and as `nobody` where that is root, whom PostgreSQL refuses.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

ROLE = "glm"
"""An ordinary role that owns its databases; what a person would put into the settings."""


class Server:
    """A running cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def url(self, database: str, role: str = ROLE) -> str:
        return f"postgresql://{role}:geheim@/{database}?host={self.folder}"

    def database(self) -> str:
        """The URL of a database with nothing in it: one for all tests, emptied, as making one takes a second."""
        with psycopg.connect(self.url("shop", "postgres"), autocommit=True) as db:
            roles = db.execute("SELECT rolname FROM pg_roles WHERE rolname IN ('glm', 'guest')").fetchall()
            for (role,) in roles:
                db.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(sql.Identifier(role)))
        return self.url("shop")


def programs() -> Path:
    """Where the server's programs are.

    Raises: FileNotFoundError with the command that installs them.
    """
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = shutil.which("initdb")
    if not installed and found is None:
        raise FileNotFoundError("there is no PostgreSQL server on this machine; `scripts/setup dev` installs one")
    return installed[-1] if installed else Path(found or "").parent


@contextmanager
def serving() -> Generator[Server]:
    """A cluster that loses its data at the end; syncs are left out, as no test cuts the power."""
    user = "nobody" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="glmos-pg-") as name:
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)
        data, bin_ = folder / "data", programs()
        init = [bin_ / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"]
        subprocess.run(init, user=user, check=True, capture_output=True, cwd="/", timeout=60)
        options = {
            "listen_addresses": "", "unix_socket_directories": str(folder), "fsync": "off", "shared_buffers": "32MB",
            "max_connections": "40", "logging_collector": "off",
        }  # fmt: skip
        words = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*_leash(), bin_ / "postgres", "-D", data, *words],
                user=user,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        try:
            _wait(folder, server)
            with psycopg.connect(f"postgresql://postgres@/postgres?host={folder}", autocommit=True) as db:
                db.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'geheim'").format(sql.Identifier(ROLE)))
                db.execute(sql.SQL("CREATE DATABASE shop OWNER {}").format(sql.Identifier(ROLE)))
            yield Server(folder)
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(timeout=30)


def _wait(folder: Path, server: "subprocess.Popen[bytes]") -> None:
    """Until it takes connections; its own program says when."""
    ready = [programs() / "pg_isready", "-q", "-h", folder, "-t", "30"]
    while subprocess.run(ready, check=False).returncode:
        if server.poll() is not None:
            raise RuntimeError(f"The server did not start:\n{(folder / 'log').read_text()}")


def _leash() -> list[str]:
    """The server ends with us, however we end."""
    return ["setpriv", "--pdeathsig", "QUIT", "--"] if shutil.which("setpriv") else []
