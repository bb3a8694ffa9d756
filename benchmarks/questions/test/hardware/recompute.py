"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]


def _low(d: Frames) -> list[str]:
    return sorted(d["stock"].loc[d["stock"]["In stock"] < d["stock"]["Reorder at"], "Item"])


def _security(d: Frames) -> Any:
    found = d["stock"][d["stock"]["Department"] == "Security"]
    return found["In stock"].dot(found["Price"])


def _suppliers(d: Frames) -> list[str]:
    counts = d["stock"]["Supplier"].value_counts()
    return sorted(counts[counts >= 5].index)


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "hardware-01": lambda d: d["stock"].set_index("Item").loc["Secateurs", "Aisle"],
    "hardware-02": _low,
    "hardware-03": lambda d: d["stock"].nlargest(1, "Price", keep="all")["Item"].tolist(),
    "hardware-04": lambda d: d["stock"]["Supplier"].value_counts()["Voltex"],
    "hardware-05": _security,
    "hardware-06": lambda d: sorted(name for name in d["stock"]["Item"] if "screws" in name.lower()),
    "hardware-07": _suppliers,
    "hardware-08": lambda d: d["stock"]["Supplier"].nunique(),
    "hardware-09": lambda d: d["stock"].groupby("Department")["Price"].mean()["Tools"],
    "hardware-10": lambda d: 150 / 0.3048,
}
