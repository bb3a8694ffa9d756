"""The answers of this folder's questions in pandas: the second, independent means of `examples/verify.py`.

`nlargest(..., keep="all")` is meant: if two things tie for a place, the answer is not one answer, and verifying fails.
"""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]


def _days(found: Any) -> list[str]:
    return found["date"].dt.strftime("%Y-%m-%d").tolist()


def _widest(frame: Any) -> list[str]:
    spread = (frame["temp_max"] - frame["temp_min"]).round(6)
    return _days(frame[spread == spread.max()])


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "weather-days": lambda d: d["weather"]["date"].nunique(),
    "weather-hottest": lambda d: d["weather"]["temp_max"].max(),
    "weather-hottest-day": lambda d: _days(d["weather"].nlargest(1, "temp_max", keep="all")),
    "weather-snow-days": lambda d: d["weather"]["weather"].value_counts()["snow"],
    "weather-per-kind": lambda d: d["weather"]["weather"].value_counts(),
    "weather-rain-2014": lambda d: d["weather"].set_index("date")["precipitation"].loc["2014"].sum(),
    "weather-average-july-2015": lambda d: d["weather"].set_index("date")["temp_max"].loc["2015-07"].mean(),
    "weather-freezing": lambda d: d["weather"]["temp_min"].lt(0).sum(),
    "weather-wettest-days": lambda d: _days(d["weather"].nlargest(3, "precipitation", keep="all")),
    "weather-common-2013": lambda d: d["weather"].set_index("date")["weather"].loc["2013"].mode().tolist(),
    "weather-wettest-year": lambda d: (
        d["weather"].groupby(d["weather"]["date"].dt.year)["precipitation"].sum().nlargest(1, keep="all").index
    ),
    "weather-dry-share": lambda d: 100 * d["weather"]["precipitation"].eq(0).mean(),
    "weather-range-day": lambda d: _widest(d["weather"]),
}
