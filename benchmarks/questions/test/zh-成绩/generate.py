"""Marks of a class of 44 in the mid-term and final exams; who was absent has 缺考 in place of a mark, and two pupils
share a name. Invented (CC0).

    python generate.py      # writes 初二3班成绩.csv and clean/初二3班成绩.csv
"""

import csv
import random
from pathlib import Path

HERE = Path(__file__).parent
HEADER = "学号 姓名 性别 小组 考试 语文 数学 英语 物理".split()
NAMES = """陈思源 男 林可欣 女 黄子涵 男 周雨桐 女 吴昊天 男 郑佳怡 女 孙一诺 女 马俊杰 男
朱梓萱 女 胡明轩 男 郭静雯 女 何宇航 男 高诗涵 女 罗嘉豪 男 梁晓彤 女 宋子墨 男
谢雨欣 女 韩博文 男 邓若曦 女 曹天宇 男 许梦瑶 女 彭志远 男 曾心怡 女 萧然 男
田甜 女 董浩 男 潘悦 女 袁野 男 蔡依娜 女 蒋一鸣 男 余思雨 女 杜航 男
叶青 女 程序 男 魏紫嫣 女 苏哲 男 吕晴 女 任远 男 沈星辰 女 姚望 男
卢菲 女 姜山 男 刘洋 男 刘洋 女""".split()
SUBJECTS = {"语文": (94, 9), "数学": (88, 18), "英语": (92, 15), "物理": (71, 14)}
TOP = {"语文": 120, "数学": 120, "英语": 120, "物理": 100}


def rows(dice):
    pupils = list(zip(NAMES[::2], NAMES[1::2], strict=True))
    marks = []
    for number, (name, sex) in enumerate(pupils):
        gift = dice.gauss(0, 1)
        group = f"第{'一二三四五六'[number % 6]}组"
        for exam in ("期中", "期末"):
            row = [20230301 + number, name, sex, group, exam]
            for subject, (middle, spread) in SUBJECTS.items():
                mark = middle + spread * (0.85 * gift + 0.6 * dice.gauss(0, 1)) + (2 if exam == "期末" else 0)
                row.append(min(TOP[subject], max(18, round(mark))))
            if dice.random() < 0.04:
                row[dice.randint(5, 8)] = None
            marks.append(row)
    return sorted(marks, key=lambda row: (row[4] == "期末", row[0]))


def write(path, table):
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *table])


def main():
    table = rows(random.Random(33))
    write(HERE / "clean/初二3班成绩.csv", table)
    write(HERE / "初二3班成绩.csv", [["缺考" if cell is None else cell for cell in row] for row in table])


if __name__ == "__main__":
    main()
