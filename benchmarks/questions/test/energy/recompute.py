"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

import pandas as pd

Frames = dict[str, Any]


def _energy(d: Frames) -> Any:
    month = pd.to_datetime(d["energy"]["month"])
    return d["energy"].assign(year=month.dt.year, number=month.dt.month, month=month.dt.strftime("%Y-%m"))


def _in(d: Frames, building: str, year: int) -> Any:
    return _energy(d).set_index(["building", "year"]).sort_index().loc[(building, year)]


def _line(d: Frames) -> Any:
    found = _in(d, "Town hall", 2025)
    return found.set_index(found["month"] + "-01")["electricity_kwh"]


def _scatter(d: Frames) -> list[int]:
    found = _in(d, "Swimming pool", 2024)
    return [cell for pair in zip(found["electricity_kwh"], found["gas_kwh"], strict=True) for cell in pair]


def _wettest(d: Frames) -> list[str]:
    return _energy(d).query("building == 'Swimming pool'").nlargest(1, "water_m3", keep="all")["month"].tolist()


def _share(d: Frames) -> Any:
    costs = _energy(d).query("year == 2025").groupby("building")["cost_eur"].sum()
    return 100 * costs["Swimming pool"] / costs.sum()


def _between(d: Frames) -> list[str]:
    found = _in(d, "Primary school", 2024)
    return sorted(found[found["electricity_kwh"].between(5000, 5300)]["month"])


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "energy-01": _line,
    "energy-02": _scatter,
    "energy-03": lambda d: (
        _in(d, "Primary school", 2023)["gas_kwh"].sum() - _in(d, "Primary school", 2025)["gas_kwh"].sum()
    ),
    "energy-04": _wettest,
    "energy-05": lambda d: _energy(d).query("year == 2024 and number <= 6")["cost_eur"].sum(),
    "energy-06": lambda d: _energy(d).groupby("year")["electricity_kwh"].sum()[2025],
    "energy-07": lambda d: d["energy"].groupby("building")["cost_eur"].mean()["Town hall"],
    "energy-08": _share,
    "energy-09": _between,
    "energy-10": lambda d: 48600 - 48600 * 15 / 100,
}
