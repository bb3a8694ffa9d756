"""The answers of this folder's questions in pandas: the second, independent means of `examples/verify.py`.

`nlargest(..., keep="all")` is meant: if two things tie for a place, the answer is not one answer, and verifying fails.
"""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]

CAUSES = ["wounds", "other", "disease"]

ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "crimea-months": lambda d: d["crimea"]["date"].nunique(),
    "crimea-total-wounds": lambda d: d["crimea"]["wounds"].sum(),
    "crimea-total-disease": lambda d: d["crimea"]["disease"].sum(),
    "crimea-worst-month": lambda d: d["crimea"].nlargest(1, "disease", keep="all")["date"].str.slice(0, 7).tolist(),
    "crimea-average-other": lambda d: d["crimea"]["other"].mean(),
    "crimea-disease-1855": lambda d: d["crimea"].loc[d["crimea"]["date"].str.startswith("1855"), "disease"].sum(),
    "crimea-no-wounds": lambda d: d["crimea"]["wounds"].eq(0).sum(),
    "crimea-over-1000": lambda d: d["crimea"]["disease"].gt(1000).sum(),
    "crimea-disease-share": lambda d: 100 * d["crimea"]["disease"].sum() / d["crimea"][CAUSES].to_numpy().sum(),
    "crimea-ratio": lambda d: d["crimea"]["disease"].sum() / d["crimea"]["wounds"].sum(),
}
