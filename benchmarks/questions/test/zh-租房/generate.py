"""Flats to let in an invented city in July 2025, as a JSON export of an agency. Invented (CC0).

python generate.py      # writes 房源.json
"""

import datetime as dt
import json
import random
from pathlib import Path

HERE = Path(__file__).parent
ESTATES = {  # estate: district, rent a square metre, metres to the underground
    "望江花园": ("滨江区", 72, 650),
    "云锦苑": ("滨江区", 85, 300),
    "青年公社": ("高新区", 78, 420),
    "科创家园": ("高新区", 69, 1100),
    "老钢厂宿舍": ("城北区", 41, 1800),
    "梧桐里": ("老城区", 58, 500),
    "钟楼小区": ("老城区", 52, 780),
    "北苑新村": ("城北区", 45, 950),
}
LAYOUTS = {"一室": (38, 4), "一室一厅": (52, 7), "两室一厅": (75, 8), "三室一厅": (98, 4), "三室两厅": (118, 3)}


def main():
    dice = random.Random(36)
    flats = []
    for number in range(1, 97):
        estate = dice.choices(list(ESTATES), (5, 3, 6, 5, 3, 4, 4, 6))[0]
        district, price, walk = ESTATES[estate]
        layout = dice.choices(list(LAYOUTS), [weight for _, weight in LAYOUTS.values()])[0]
        area = round(LAYOUTS[layout][0] * dice.uniform(0.88, 1.15), 1)
        lift = estate not in ("老钢厂宿舍", "钟楼小区")
        floor = dice.randint(1, 28 if lift else 6)
        pets = dice.choices(("可", "不可", None), (3, 4, 2))[0]
        rent = round(area * price * dice.uniform(0.85, 1.15) / 50) * 50
        day = dt.date(2025, 7, 1) + dt.timedelta(days=dice.randrange(31))
        seen = int(dice.expovariate(0.12))
        flats.append(
            {"编号": f"F{number:03d}", "小区": estate, "区域": district, "户型": layout, "面积": area, "月租": rent}
            | {
                "楼层": floor,
                "电梯": "有" if lift else "无",
                "距地铁米数": walk + 10 * dice.randint(-9, 9),
                "养宠": pets,
            }
            | {"上架日期": day.isoformat(), "看房次数": seen}
        )
    (HERE / "房源.json").write_text(json.dumps(flats, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
