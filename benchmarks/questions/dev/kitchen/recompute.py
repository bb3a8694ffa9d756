"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]


def _course(d: Frames, course: str) -> Any:
    return d["menu"][d["menu"]["course"] == course]


def _desserts(d: Frames) -> list[str]:
    found = _course(d, "Dessert").sort_values("price")
    assert found["price"].is_unique
    return found["dish"].tolist()


def _sold(d: Frames) -> Any:
    sold = d["orders"].merge(d["menu"], on="dish", validate="many_to_one")
    return sold.assign(money=sold["quantity"] * sold["price"])


def _weekend(d: Frames) -> Any:
    return d["orders"][d["orders"]["date"].isin(["2025-07-19", "2025-07-20"])]["bill"].nunique()


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "kitchen-01": lambda d: d["menu"].set_index("dish")["price"]["Lemon tart"],
    "kitchen-02": lambda d: sorted(_course(d, "Main").query("vegetarian == 'yes'")["dish"]),
    "kitchen-03": lambda d: d["orders"].groupby("dish")["quantity"].sum()["Espresso"],
    "kitchen-04": lambda d: _course(d, "Starter").nlargest(1, "price", keep="all")["dish"].tolist(),
    "kitchen-05": _desserts,
    "kitchen-06": _weekend,
    "kitchen-07": lambda d: sorted(dish for dish in d["menu"]["dish"] if "cheese" in dish.lower()),
    "kitchen-08": lambda d: _sold(d).groupby("waiter")["money"].sum()["Ines"],
    "kitchen-09": lambda d: _sold(d).groupby("course")["money"].sum(),
}
