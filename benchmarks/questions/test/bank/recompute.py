"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

import pandas as pd

Frames = dict[str, Any]


def _month(frame: Any) -> Any:
    return pd.to_datetime(frame["Date"]).dt.strftime("%Y-%m")


def _spent(frame: Any, column: str, value: str) -> Any:
    return -frame.groupby(column)["Amount"].sum()[value]


def _march(d: Frames) -> Any:
    return _spent(d["statement"][_month(d["statement"]) == "2025-03"], "Category", "Groceries")


def _rewe(d: Frames) -> Any:
    found = d["statement"][d["statement"]["Payee"] == "REWE Markt"]
    return found.groupby(_month(found))["Amount"].sum()


def _holiday(d: Frames) -> Any:
    amounts = d["statement"].set_index("Purpose")["Amount"]
    return abs(amounts["Holiday balance"]) - abs(amounts["Holiday deposit"])


def _cards(d: Frames) -> Any:
    return d["statement"].loc[d["statement"]["Purpose"] == "Card payment", "Amount"].abs()


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "bank-01": _march,
    "bank-01.2": lambda d: -_march(d),
    "bank-02": lambda d: d["statement"].nsmallest(1, "Amount", keep="all")["Payee"].tolist(),
    "bank-03": lambda d: int(d["statement"]["Payee"].str.contains("Markt", na=False).sum()),
    "bank-04": lambda d: sorted(d["statement"].query("Category == 'Cash' and Amount == -200")["Date"]),
    "bank-05": lambda d: _spent(d["statement"], "Purpose", "Train ticket"),
    "bank-05.2": lambda d: -_spent(d["statement"], "Purpose", "Train ticket"),
    "bank-06": lambda d: -_rewe(d),
    "bank-06.2": _rewe,
    "bank-07": lambda d: _cards(d).between(50, 70).sum(),
    "bank-08": lambda d: _spent(d["statement"], "Category", "Transport"),
    "bank-08.2": lambda d: -_spent(d["statement"], "Category", "Transport"),
    "bank-09": lambda d: 980 * 104.5 / 100,
    "bank-10": _holiday,
}
