"""Make the stock list of an invented hardware shop, as somebody typed it (CC0).

Messy: prices with a currency sign, quantities with their unit in the cell, `-` for nothing, a thousands comma, spelling of
the supplier in two cases. `clean/` has it tidy, the unit in a column of its own.
"""

import csv
from pathlib import Path

HERE = Path(__file__).parent
STOCK = [  # code, item, department, in stock, unit, reorder at, price in cents, supplier, aisle
    ("HW-101", "Claw hammer 450 g", "Tools", 14, "pcs", 5, 1849, "Brixton Tools", "A1"),
    ("HW-102", "Rubber mallet", "Tools", 3, "pcs", 4, 1295, "Brixton Tools", "A1"),
    ("HW-103", "Cordless drill 18 V", "Power tools", 6, "pcs", 2, 12900, "Voltex", "A2"),
    ("HW-104", "Angle grinder", "Power tools", 2, "pcs", 2, 8450, "Voltex", "A2"),
    ("HW-105", "Pressure washer", "Garden", 1, "pcs", 1, 21999, "Voltex", "D4"),
    ("HW-106", "Tape measure 5 m", "Tools", 31, "pcs", 10, 699, "Brixton Tools", "A1"),
    ("HW-107", "Spirit level 60 cm", "Tools", 9, "pcs", 4, 2250, "Mason & Wye", "A1"),
    ("HW-108", "Wood screws 4x40", "Fixings", 4200, "pcs", 1000, 6, "Fastenall", "B1"),
    ("HW-109", "Wood screws 5x60", "Fixings", 2650, "pcs", 1000, 9, "Fastenall", "B1"),
    ("HW-110", "Wall plugs 8 mm", "Fixings", 1800, "pcs", 800, 4, "Fastenall", "B1"),
    ("HW-111", "Wire nails 50 mm", "Fixings", 38, "kg", 10, 485, "Fastenall", "B2"),
    ("HW-112", "Rope 8 mm", "Fixings", 220, "m", 50, 115, "Seaforth Cordage", "B2"),
    ("HW-113", "Chain galvanised 4 mm", "Fixings", 75, "m", 20, 390, "Seaforth Cordage", "B2"),
    ("HW-114", "White emulsion", "Paint", 96, "l", 40, 620, "Larkhill Paints", "C1"),
    ("HW-115", "Masonry paint grey", "Paint", 30, "l", 40, 945, "Larkhill Paints", "C1"),
    ("HW-116", "Wood stain oak", "Paint", 22, "l", 10, 1380, "Larkhill Paints", "C1"),
    ("HW-117", "Paint brush 50 mm", "Paint", 44, "pcs", 15, 425, "Mason & Wye", "C2"),
    ("HW-118", "Roller set", "Paint", 12, "pcs", 6, 1150, "Mason & Wye", "C2"),
    ("HW-119", "Masking tape", "Paint", 58, "pcs", 20, 310, "Mason & Wye", "C2"),
    ("HW-120", "Potting compost", "Garden", 640, "l", 200, 22, "Greenacre", "D1"),
    ("HW-121", "Garden hose", "Garden", 150, "m", 40, 165, "Greenacre", "D2"),
    ("HW-122", "Secateurs", "Garden", 7, "pcs", 3, 1675, "Greenacre", "D2"),
    ("HW-123", "Wheelbarrow", "Garden", 0, "pcs", 2, 7490, "Mason & Wye", "D4"),
    ("HW-124", "Grass seed", "Garden", 45, "kg", 15, 890, "Greenacre", "D1"),
    ("HW-125", "LED bulb E27", "Electrical", 120, "pcs", 40, 379, "Voltex", "E1"),
    ("HW-126", "Extension lead 10 m", "Electrical", 11, "pcs", 5, 2180, "Voltex", "E1"),
    ("HW-127", "Cable 3x1.5", "Electrical", 310, "m", 100, 142, "Voltex", "E2"),
    ("HW-128", "Smoke alarm", "Electrical", 0, "pcs", 6, 1999, "Safehome", "E2"),
    ("HW-129", "Padlock 40 mm", "Security", 17, "pcs", 6, 1425, "Safehome", "F1"),
    ("HW-130", "Door chain", "Security", 8, "pcs", 4, 799, "Safehome", "F1"),
]


def main() -> None:
    header = ["Code", "Item", "Department", "In stock", "Reorder at", "Price", "Supplier", "Aisle"]
    (HERE / "clean").mkdir(exist_ok=True)
    with (
        (HERE / "stock.csv").open("w", encoding="utf-8", newline="") as messy,
        (HERE / "clean/stock.csv").open("w", encoding="utf-8", newline="") as tidy,
    ):
        raw, clean = csv.writer(messy), csv.writer(tidy, lineterminator="\n")
        raw.writerow(header)
        clean.writerow([*header[:4], "Unit", *header[4:]])
        for number, (code, item, department, amount, unit, reorder, cents, supplier, aisle) in enumerate(STOCK):
            shown = f"{amount:,} {unit}" if amount else "-"
            name = supplier.upper() if number % 7 == 3 else supplier
            raw.writerow([code, item, department, shown, f"{reorder} {unit}", f"${cents / 100:.2f}", name, aisle])
            clean.writerow([code, item, department, amount, unit, reorder, f"{cents / 100:.2f}", supplier, aisle])


if __name__ == "__main__":
    main()
