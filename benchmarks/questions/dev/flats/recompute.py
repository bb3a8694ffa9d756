"""The answers in pandas: the second means of `verify.py`."""

from collections.abc import Callable
from typing import Any

Frames = dict[str, Any]


def _flat(d: Frames, address: str) -> Any:
    return d["flats"].set_index("Address").loc[address]


ANSWERS: dict[str, Callable[[Frames], Any]] = {
    "flats-01": lambda d: _flat(d, "Falkenstieg 23")["Rent"],
    "flats-02": lambda d: sorted(d["flats"].query("District == 'Südstadt' and Pets == 'yes'")["Address"]),
    "flats-03": lambda d: d["flats"]["Viewed"].value_counts()["no"],
    "flats-04": lambda d: _flat(d, "Gerberplatz 9")[["Rent", "Extra costs"]].sum(),
    "flats-05": lambda d: d["flats"].groupby("District")["Rent"].mean()["Altstadt"],
    "flats-06": lambda d: d["flats"].nlargest(1, "Area", keep="all")["Address"].tolist(),
    "flats-07": lambda d: sorted(d["flats"][d["flats"]["Area"].between(60, 80)]["Address"]),
    "flats-08": lambda d: _flat(d, "Mühlgasse 2")["Rent"] - _flat(d, "Erlenring 44")["Rent"],
    "flats-09": lambda d: 100 * (d["flats"]["District"] == "Altstadt").mean(),
    "flats-10": lambda d: 3 * 805,
}
