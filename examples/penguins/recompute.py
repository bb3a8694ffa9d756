"""The answers of this folder's questions in pandas: the second, independent means of `examples/verify.py`.

`nlargest(..., keep="all")` is meant: if two things tie for a place, the answer is not one answer, and verifying fails.
"""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]


def _male_heavier(frame: Any) -> float:
    means = frame[frame["species"] == "Gentoo"].groupby("sex")["body_mass_g"].mean()
    return means["male"] - means["female"]


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "penguins-count": lambda d: len(d["penguins"]),
    "penguins-gentoo": lambda d: d["penguins"]["species"].value_counts()["Gentoo"],
    "penguins-per-species": lambda d: d["penguins"]["species"].value_counts(),
    "penguins-average-mass": lambda d: d["penguins"].groupby("species")["body_mass_g"].mean()["Adelie"],
    "penguins-heaviest-species": lambda d: (
        d["penguins"].groupby("species")["body_mass_g"].mean().nlargest(1, keep="all").index
    ),
    "penguins-heaviest-island": lambda d: d["penguins"].nlargest(1, "body_mass_g", keep="all")["island"].tolist(),
    "penguins-longest-bill": lambda d: d["penguins"]["bill_length_mm"].max(),
    "penguins-long-flippers": lambda d: d["penguins"]["flipper_length_mm"].gt(220).sum(),
    "penguins-female-dream": lambda d: (
        d["penguins"].groupby(["sex", "island", "year"]).size().loc["female", "Dream", 2009]
    ),
    "penguins-flipper-per-island": lambda d: d["penguins"].groupby("island")["flipper_length_mm"].mean(),
    "penguins-sex-missing": lambda d: d["penguins"]["sex"].isna().sum(),
    "penguins-male-heavier": lambda d: _male_heavier(d["penguins"]),
    "penguins-share-chinstrap": lambda d: 100 * d["penguins"]["species"].eq("Chinstrap").mean(),
}
