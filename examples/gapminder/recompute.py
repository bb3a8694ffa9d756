"""The answers of this folder's questions in pandas: the second, independent means of `examples/verify.py`.

`nlargest(..., keep="all")` is meant: if two things tie for a place, the answer is not one answer, and verifying fails.
"""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]


def _in(frame: Any, year: int) -> Any:
    return frame[frame["year"] == year].set_index("country")


def _growth_factor(frame: Any) -> float:
    totals = frame[frame["continent"] == "Africa"].groupby("year")["pop"].sum()
    return totals[2007] / totals[1952]


def _biggest_gain(frame: Any) -> Any:
    table = frame.pivot(index="country", columns="year", values="lifeExp")
    return (table[2007] - table[1952]).nlargest(1, keep="all").index


def _share_of_china(frame: Any) -> float:
    asia = _in(frame, 2007).query("continent == 'Asia'")["pop"]
    return 100 * asia["China"] / asia.sum()


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "gapminder-countries": lambda d: d["gapminder"]["country"].nunique(),
    "gapminder-longest-life-2007": lambda d: _in(d["gapminder"], 2007)["lifeExp"].nlargest(1, keep="all").index,
    "gapminder-shortest-life-2007": lambda d: _in(d["gapminder"], 2007)["lifeExp"].nsmallest(1, keep="all").index,
    "gapminder-china-population-1982": lambda d: _in(d["gapminder"], 1982)["pop"]["China"],
    "gapminder-average-life-africa-2007": lambda d: (
        _in(d["gapminder"], 2007).groupby("continent")["lifeExp"].mean()["Africa"]
    ),
    "gapminder-life-per-continent-2002": lambda d: _in(d["gapminder"], 2002).groupby("continent")["lifeExp"].mean(),
    "gapminder-largest-2007": lambda d: _in(d["gapminder"], 2007)["pop"].nlargest(5, keep="all").index,
    "gapminder-below-50-in-2007": lambda d: _in(d["gapminder"], 2007)["lifeExp"].lt(50).sum(),
    "gapminder-asia-population-1952": lambda d: _in(d["gapminder"], 1952).groupby("continent")["pop"].sum()["Asia"],
    "gapminder-richest-continent-2007": lambda d: (
        _in(d["gapminder"], 2007).groupby("continent")["gdpPercap"].mean().nlargest(1, keep="all").index
    ),
    "gapminder-growth-factor": lambda d: _growth_factor(d["gapminder"]),
    "gapminder-biggest-gain": lambda d: _biggest_gain(d["gapminder"]),
    "gapminder-share-china-2007": lambda d: _share_of_china(d["gapminder"]),
}
