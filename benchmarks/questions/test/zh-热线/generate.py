"""Calls to an invented city's citizen hotline in the second quarter of 2025: a byte order mark and a line on the export
before the header, times without leading zeros, stars for the satisfaction, / where nothing is known. Invented (CC0).

    python generate.py      # writes 热线工单.csv and clean/热线工单.csv
"""

import csv
import datetime as dt
import random
from pathlib import Path

HERE = Path(__file__).parent
HEADER = "工单编号 来电时间 区县 诉求类别 渠道 承办单位 办结时间 满意度 诉求内容".split()
SORTS = {  # kind: weight, office, usual hours, what is said
    "噪音扰民": (9, "公安分局", 30, ("楼上半夜装修", "广场舞音响太大", "工地夜间施工", "酒吧凌晨放音乐")),
    "垃圾清运": (6, "城管局", 20, ("小区垃圾三天没人收", "路边堆建筑垃圾", "餐馆乱倒泔水")),
    "停车纠纷": (7, "交警大队", 26, ("消防通道被占", "车位被私装地锁", "路边乱停车")),
    "供水供电": (4, "住建局", 9, ("整栋楼停水", "水管爆裂", "夜里突然停电")),
    "物业管理": (8, "住建局", 70, ("电梯坏了没人修", "物业乱收费", "门禁损坏", "楼道漏水")),
    "市容绿化": (4, "城管局", 44, ("树枝挡住路灯", "小广告太多", "草坪被种菜")),
}
DISTRICTS = {"东湖区": 8, "青山区": 6, "临港区": 3, "文昌区": 5}


def rows(dice):
    begin = dt.datetime(2025, 4, 1)
    times = []
    while len(times) < 380:
        time = begin + dt.timedelta(minutes=dice.randrange(91 * 1440))
        if 8 <= time.hour < 21 or dice.random() < 0.25:
            times.append(time)
    for number, time in enumerate(sorted(times), 1):
        sort = dice.choices(list(SORTS), [weight for weight, *_ in SORTS.values()])[0]
        _, office, hours, complaints = SORTS[sort]
        district = dice.choices(list(DISTRICTS), list(DISTRICTS.values()))[0]
        done = time + dt.timedelta(minutes=int(60 * hours * dice.lognormvariate(0, 0.8)))
        done = None if done > dt.datetime(2025, 6, 30, 23, 59) or dice.random() < 0.03 else done
        stars = None if done is None or dice.random() < 0.2 else dice.choices((1, 2, 3, 4, 5), (2, 2, 3, 6, 7))[0]
        way = dice.choices(("电话", "微信小程序", "网站"), (7, 4, 1))[0]
        yield f"GD{number:04d}", time, district, sort, way, office, done, stars, dice.choice(complaints)


def write(path, encoding, table):
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(table)


def shown(time):
    return f"{time.year}/{time.month}/{time.day} {time.hour}:{time:%M}" if time else "/"


def main():
    table = list(rows(random.Random(12345)))
    write(HERE / "clean/热线工单.csv", "utf-8", [HEADER, *table])
    messy = [["市民热线工单导出（2025年二季度）", *[""] * 8], HEADER]
    for number, time, *middle, done, stars, text in table:
        messy.append([number, shown(time), *middle, shown(done), f"{stars}星" if stars else "/", text])
    write(HERE / "热线工单.csv", "utf-8-sig", messy)


if __name__ == "__main__":
    main()
