"""Keys and addresses in the environments of those who ask.

A daemon serves many terminals. What is chosen by default follows the terminal that asked last; a process goes on with the
key it was started with when that terminal has none. Nothing of this is ever written down.
Above: `routes`. Below: `keys`. The environment itself is read by `boot` and `cli`.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from glmos.models.keys import Key

_SECRET = ("_KEY", "_TOKEN", "_SECRET")
_MATTERS = (*_SECRET, "_BASE_URL")


class Surroundings:
    """The newest environment, and what was seen in earlier ones."""

    def __init__(self) -> None:
        self._now: dict[str, str] = {}
        self._seen: dict[str, str] = {}
        """The last value of every variable."""
        self._beside: dict[str, str] = {}
        """OPENAI_API_KEY by the origin of the OPENAI_BASE_URL it was set beside."""

    def replace(self, environment: Mapping[str, str]) -> bool:
        """Somebody else asks now. Whether a key or an address became another."""
        given = {name: value.strip() for name, value in environment.items() if value.strip()}
        changed = any(name.endswith(_MATTERS) and self._seen.get(name) != value for name, value in given.items())
        self._now = given
        self._seen.update(given)
        if url := given.get("OPENAI_BASE_URL"):
            self._beside[_origin(url)] = given.get("OPENAI_API_KEY", "")
        return changed

    def now(self, variable: str) -> str:
        """Its value where the question comes from; empty when it is not set."""
        return self._now.get(variable, "")

    def known(self, variable: str) -> str:
        """Its value now, or else the last it had."""
        return self._now.get(variable) or self._seen.get(variable, "")

    def key(self, names: Sequence[str], base_url: str) -> Key:
        """The key for an address: OPENAI_API_KEY goes to OPENAI_BASE_URL, every other to its own provider only."""
        if (beside := self._beside.get(_origin(base_url))) is not None:
            return Key("OPENAI_API_KEY", beside)
        found = next((name for name in names if self.known(name)), names[0] if names else "")
        return Key(found, self.known(found))

    def secrets(self) -> list[str]:
        """Values that are secret by the names of their variables, so that no transcript holds one."""
        return [value for name, value in self._seen.items() if name.endswith(_SECRET) and len(value) >= 8]

    def proxies(self) -> dict[str, str]:
        """The customary proxy variables, in either case: `http`, `https`, `no`."""
        found = {s: self.now(f"{s}_proxy") or self.now(f"{s.upper()}_PROXY") for s in ("http", "https", "no")}
        return {k: v for k, v in found.items() if v} if found["http"] or found["https"] else {}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"
