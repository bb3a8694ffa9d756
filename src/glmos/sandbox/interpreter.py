"""What the sandbox must see of the Python that runs GLM-OS: `python` inside is the same one with the same packages.

Derived from `sys`, so that system Python, virtual environments, pyenv, conda and uv all work wherever they lie.
Only the folders a Python installation consists of are named, never the folder around them: a virtual environment
may have been made in somebody's home. Used by `profile`.
"""

import site
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import glmos

_PARTS = ("bin", "lib", "lib64", "include", "share", "etc", "ssl", "libexec", "pyvenv.cfg")
_PACKAGE_FOLDERS = ("site-packages", "dist-packages")
"""Other entries of `sys.path` may be somebody's home."""


class Interpreter(NamedTuple):
    executable: Path
    """As it is called, not resolved: a virtual environment is recognised by it."""
    search: tuple[Path, ...]
    """Folders with its programs, for PATH."""
    paths: tuple[Path, ...]
    """Folders and files that must be visible at these very places, none below another."""
    packages: tuple[Path, ...]
    """Folders with packages that it does not find by itself, for PYTHONPATH."""


@cache
def current_interpreter() -> Interpreter:
    executable = Path(sys.executable)
    prefixes = list(dict.fromkeys(Path(prefix) for prefix in (sys.prefix, sys.exec_prefix, sys.base_prefix)))
    by_itself = _site_folders()
    added = [folder for folder in map(Path, sys.path) if folder.name in _PACKAGE_FOLDERS and folder not in by_itself]
    ours = Path(glmos.__file__).parent
    if ours.parent not in by_itself:
        added.append(ours.parent)  # an editable installation; only the package itself is shown of that folder
    wanted = [prefix / part for prefix in prefixes for part in _PARTS]
    wanted += [executable.parent, *by_itself, ours, *(folder for folder in added if folder != ours.parent)]
    return Interpreter(
        executable=executable,
        search=tuple(dict.fromkeys([executable.parent, *(prefix / "bin" for prefix in prefixes)])),
        paths=_outermost([place for path in wanted if path.exists() for place in _places(path)]),
        packages=tuple(dict.fromkeys(added)),
    )


def _site_folders() -> list[Path]:
    folders = [Path(folder) for folder in site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        folders.append(Path(site.getusersitepackages()))
    return folders


def _places(path: Path) -> list[Path]:
    """Where it is called from and where it really is: rpaths name the one, the environment the other."""
    real = path.resolve()
    target = [] if real.is_dir() or not path.is_symlink() else [real.parent]
    return [path.absolute(), real, *target]


def _outermost(paths: list[Path]) -> tuple[Path, ...]:
    """Without those that another one, not reached through a link of its own, already shows."""
    kept: list[Path] = []
    for path in sorted(set(paths), key=lambda path: len(path.parts)):
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return tuple(kept)
