"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]


def _songs(d: Frames, column: str, value: str) -> Any:
    return d["songs"][d["songs"][column] == value]


def _loved(d: Frames) -> list[str]:
    means = d["songs"].groupby("genre")["plays"].mean()
    return sorted(means[means > 60].index)


def _albums(d: Frames) -> list[str]:
    years = d["songs"].groupby("album")["year"].first().sort_values()
    assert years.is_unique
    return list(years.index)


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "music-01": lambda d: _songs(d, "title", "Late Bus")["artist"].item(),
    "music-02": lambda d: sorted(d["songs"][d["songs"]["rating"].isna()]["title"]),
    "music-03": lambda d: d["songs"].nlargest(1, "seconds", keep="all")["title"].tolist(),
    "music-04": lambda d: d["songs"].nlargest(5, "plays", keep="all")["title"].tolist(),
    "music-05": _albums,
    "music-06": _loved,
    "music-07": lambda d: d["songs"]["artist"].nunique(),
    "music-08": lambda d: sorted(title for title in d["songs"]["title"] if "love" in title.lower()),
    "music-09": lambda d: _songs(d, "genre", "Jazz")["seconds"].mean(),
    "music-10": lambda d: sorted(d["songs"]["plays"]),
}
