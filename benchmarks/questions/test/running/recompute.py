"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]


def _race(d: Frames, race: str) -> Any:
    return d["results"][d["results"]["Race"] == race]


def _runner(d: Frames, runner: str) -> Any:
    return d["results"][d["results"]["Runner"] == runner]


def _ten(d: Frames) -> list[str]:
    return d["results"].query("Distance_km == 10").nsmallest(1, "Seconds", keep="all")["Runner"].tolist()


def _unfinished(d: Frames) -> list[str]:
    found = _race(d, "Harbour Half")
    return sorted(found[found["Seconds"].isna()]["Runner"])


def _women(d: Frames) -> int:
    return int(_race(d, "City Marathon").dropna(subset="Seconds")["Category"].str.startswith("W").sum())


def _trot(d: Frames) -> list[str]:
    found = _race(d, "Turkey Trot").sort_values("Seconds")
    assert found["Seconds"].is_unique
    return found["Runner"].tolist()


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "running-01": _ten,
    "running-02": lambda d: _race(d, "Harbour Half").nsmallest(3, "Seconds", keep="all")["Runner"].tolist(),
    "running-03": lambda d: _runner(d, "Hanna Brightwater").set_index("Race").loc["City Marathon", "Time"],
    "running-04": _unfinished,
    "running-05": lambda d: sorted(set(d["results"][d["results"]["Date"].str.startswith("2025-05")]["Race"])),
    "running-06": lambda d: len(set(d["results"]["Distance_km"])),
    "running-07": lambda d: len(_runner(d, "Dana Whitcombe")),
    "running-08": _women,
    "running-09": _trot,
    "running-10": lambda d: 42.2 / 1.609344,
}
