"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]


def _loans(d: Frames) -> Any:
    return d["loans"].merge(d["books"], on="book_id").merge(d["members"], on="member_id")


def _out(d: Frames) -> list[str]:
    found = _loans(d)
    return sorted(found[(found["name"] == "Mateo Silverthorne") & found["returned"].isna()]["title"])


def _authors(d: Frames) -> list[str]:
    counts = d["books"].query("published > 2010")["author"].value_counts()
    return sorted(counts[counts > 1].index)


def _crime(d: Frames) -> list[str]:
    found = d["books"].set_index("genre").loc["Crime"].sort_values("published")
    assert found["published"].is_unique
    return found["title"].tolist()


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "library-01": lambda d: d["books"].set_index("title")["author"]["The Salt Road"],
    "library-02": lambda d: _loans(d)["title"].value_counts().nlargest(1, keep="all").index,
    "library-03": _out,
    "library-04": lambda d: d["loans"]["returned"].isna().sum(),
    "library-05": lambda d: (d["loans"]["borrowed"].str[:7].isin(["2024-10", "2024-11", "2024-12"])).sum(),
    "library-06": _authors,
    "library-07": lambda d: sorted(title for title in d["books"]["title"] if "garden" in title.lower()),
    "library-08": _crime,
    "library-09": lambda d: _loans(d)["name"].value_counts().nlargest(3, keep="all").index,
    "library-10": lambda d: sorted(set(d["books"]["genre"])),
}
