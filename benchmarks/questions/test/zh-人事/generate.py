"""The staff list of a company of 74 and its departments, as the personnel office keeps it in Excel: a title and remarks above
the header, a signature below, departments in merged cells, pay such as 12,500元, dates such as 2021.3.5. Invented.

    python generate.py      # writes 花名册.xlsx and clean/花名册.xlsx
"""

import datetime as dt
import random
from pathlib import Path

from openpyxl import Workbook

HERE = Path(__file__).parent
HEADER = "部门 工号 姓名 性别 职务 学历 入职日期 基本工资 办公地".split()
DEPARTMENTS = {  # name: people, head's title, others' titles, usual pay, floor, budget of the year
    "技术中心": (22, "技术总监", ("高级工程师", "工程师", "测试工程师"), 15000, "5楼", 860),
    "销售部": (18, "销售总监", ("大客户经理", "销售代表"), 8500, "3楼", 520),
    "生产部": (16, "生产经理", ("班组长", "操作工"), 6800, "1楼", 410),
    "财务部": (6, "财务经理", ("会计", "出纳"), 9000, "4楼", 90),
    "人力资源部": (5, "人事经理", ("招聘专员", "薪酬专员"), 8200, "4楼", 120),
    "采购部": (7, "采购经理", ("采购专员",), 7900, "3楼", 75),
}
SURNAMES = "黎樊鲁韦俞翁荆羊庄晏瞿连习艾容向古易慎居衡耿文寇广阙东欧沃蔚"
GIVEN = (
    "晓峰 若兰 建军 子怡 海波 素梅 一鸣 春燕 浩然 丽华 志明 欣然 大勇 玉洁 宏伟 婷婷 少杰 月娥 振宇 安琪 铁柱".split()
)


def main():
    dice = random.Random(74)
    names = dice.sample([surname + given for surname in SURNAMES for given in GIVEN], 74)
    people = []
    for department, (size, head, titles, usual, _, _) in DEPARTMENTS.items():
        for place in range(size):
            title = head if place == 0 else dice.choices(titles, range(1, len(titles) + 1))[0]
            grade = 2.1 if place == 0 else 1.35 if title == titles[0] and len(titles) > 1 else 1
            pay = round(usual * grade * dice.uniform(0.82, 1.2) / 50) * 50
            learnt = dice.choices(
                ("大专", "本科", "硕士", "博士"), (7, 1, 0, 0) if department == "生产部" else (3, 8, 3, 0.4)
            )[0]
            since = dt.date(2012, 3, 1) + dt.timedelta(days=int(4900 * dice.random() ** 0.6))
            place_of_work = dice.choices(("苏州总部", "合肥分公司", "成都办事处"), (6, 3, 1))[0]
            number = f"YG{1001 + len(people)}"
            row = (
                department,
                number,
                names[len(people)],
                dice.choice("男女"),
                title,
                learnt,
                since,
                pay,
                place_of_work,
            )
            people.append(row)
    departments = [(name, row[4], row[5]) for name, row in DEPARTMENTS.items()]
    (HERE / "clean").mkdir(exist_ok=True)
    tidy, messy = Workbook(), Workbook()
    tidy.active.title = messy.active.title = "花名册"
    for row in [HEADER, *people]:
        tidy.active.append(row)
    messy.active.append(["员工花名册（内部资料）"])
    messy.active.append(["注：截至2025年8月31日在册人员，不含实习生"])
    messy.active.append(HEADER)
    for department, number, *rest, since, pay, place in people:
        first = number == next(row[1] for row in people if row[0] == department)
        date = f"{since.year}.{since.month}.{since.day}"
        messy.active.append([department if first else None, number, *rest, date, f"{pay:,}元", place])
    messy.active.append([])
    messy.active.append(["制表：人力资源部", None, None, None, "审核：", None, "2025.9.1"])
    messy.active.merge_cells("A1:I1")
    line = 4
    for size, *_ in DEPARTMENTS.values():
        messy.active.merge_cells(f"A{line}:A{line + size - 1}")
        line += size
    for book in (tidy, messy):
        sheet = book.create_sheet("部门")
        for row in [("部门名称", "楼层", "年度预算万元"), *departments]:
            sheet.append(row)
    tidy.save(HERE / "clean/花名册.xlsx")
    messy.save(HERE / "花名册.xlsx")


if __name__ == "__main__":
    main()
