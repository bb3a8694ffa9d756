"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]


def _of(d: Frames, name: str, subject: str) -> Any:
    return d["marks"].set_index("Name").loc[name, subject]


def _elm(d: Frames) -> list[str]:
    found = d["marks"][d["marks"]["House"] == "Elm"].sort_values("French", ascending=False)
    assert found["French"].is_unique
    return found["Name"].tolist()


def _having(d: Frames) -> list[str]:
    means = d["marks"].groupby("House")["Maths"].mean()
    return sorted(means[means > 70].index)


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "marks-01": lambda d: _of(d, "Jack Ravensworth", "Maths"),
    "marks-02": lambda d: d["marks"]["French"].mean(),
    "marks-03": lambda d: d["marks"].nlargest(3, "English", keep="all")["Name"].tolist(),
    "marks-04": lambda d: d["marks"]["French"].isna().sum(),
    "marks-05": lambda d: sorted(d["marks"].query("Maths < 50")["Name"]),
    "marks-06": lambda d: _of(d, "Rosa Delacroix", "English") - _of(d, "Isla Montrose", "English"),
    "marks-07": _elm,
    "marks-08": _having,
    "marks-09": lambda d: 100 * (d["marks"]["English"].dropna() >= 75).mean(),
}
