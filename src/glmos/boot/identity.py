"""What a home is called where several of them meet: a name drawn once and kept beside the journal."""

import os
from pathlib import Path

FILE = "identity"


def identity(home: Path) -> str:
    """The name of `home`, drawn when it is asked for first. Whoever owns the home asks."""
    path = home / FILE
    if path.exists():
        return path.read_text("ascii").strip()
    name = os.urandom(8).hex()
    beside = home / f".{FILE}"
    with beside.open("w", encoding="ascii") as file:
        file.write(name + "\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return name
