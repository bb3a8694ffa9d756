"""The answers of this folder's questions in pandas: the second, independent means of `examples/verify.py`.

`nlargest(..., keep="all")` is meant: if two things tie for a place, the answer is not one answer, and verifying fails.
"""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]


def _busiest(frames: Frames) -> Any:
    joined = frames["flights"].merge(frames["airlines"], on="carrier", validate="many_to_one")
    return joined["name"].value_counts().nlargest(1, keep="all").index


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "flights-count": lambda d: len(d["flights"]),
    "flights-from-jfk": lambda d: d["flights"]["origin"].eq("JFK").sum(),
    "flights-per-origin": lambda d: d["flights"]["origin"].value_counts(),
    "flights-longest-delay": lambda d: d["flights"]["dep_delay"].max(),
    "flights-average-arrival-delay": lambda d: d["flights"].groupby("origin")["arr_delay"].mean()["LGA"],
    "flights-top-destinations": lambda d: d["flights"]["dest"].value_counts().nlargest(3, keep="all").index,
    "flights-on-july-4": lambda d: d["flights"].groupby("date").size()["2013-07-04"],
    "flights-farthest": lambda d: d["flights"].groupby("dest")["distance"].max().nlargest(1, keep="all").index,
    "flights-distance": lambda d: d["flights"].groupby("carrier")["distance"].sum()["DL"],
    "flights-airlines": lambda d: d["airlines"]["carrier"].nunique(),
    "flights-busiest-airline": _busiest,
    "flights-never-left": lambda d: d["flights"]["dep_time"].isna().sum(),
    "flights-late-share": lambda d: 100 * d["flights"]["dep_delay"].dropna().gt(60).mean(),
}
