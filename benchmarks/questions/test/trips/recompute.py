"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]


def _trips(d: Frames) -> Any:
    return d["trips"].set_axis(["date", "employee", "city", "category", "amount", "note"], axis=1)


def _of(d: Frames, category: str) -> Any:
    return _trips(d)[_trips(d)["category"].str.endswith(category)]


def _singapore(d: Frames) -> list[str]:
    return sorted(set(_of(d, "Hotel").set_index("city").loc["新加坡 Singapore", "employee"]))


def _marco(d: Frames) -> list[str]:
    found = _of(d, "Hotel").set_index("employee").loc["Marco Bellini"].sort_values("amount", ascending=False)
    assert found["amount"].is_unique
    return found["city"].tolist()


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "trips-01": lambda d: (
        _of(d, "Flight").query("employee == 'Elena Varga' and city == '上海 Shanghai'")["amount"].item()
    ),
    "trips-02": _singapore,
    "trips-03": lambda d: len(_of(d, "Taxi")),
    "trips-04": lambda d: _of(d, "Flight")["amount"].sum(),
    "trips-05": lambda d: _trips(d).groupby("employee")["amount"].sum().nlargest(2, keep="all").index,
    "trips-06": lambda d: _trips(d).groupby("city")["amount"].sum(),
    "trips-07": lambda d: _of(d, "Meals").groupby("employee")["amount"].sum()["Gu Ruoxi"],
    "trips-08": lambda d: (86 - 32) * 5 / 9,
    "trips-09": lambda d: _of(d, "Taxi")["amount"].between(80, 100).sum(),
    "trips-10": _marco,
}
