"""Small tables that the nano tests ask about."""

from datetime import date, timedelta

from glmos.models.nano.table import Column, Table

DAYS = tuple((date(2024, 1, 1) + timedelta(days=4 * i)).isoformat() for i in range(180))
SALES = Table(
    "sales",
    (
        Column("region", "text", ("North", "South", "East", "West")),
        Column("date", "date", DAYS),
        Column("product", "text", ("Widget", "Gadget", "Desk Lamp", "Standing Desk")),
        Column("units", "number", tuple(float(n) for n in range(1, 60))),
        Column("sales", "number", tuple(float(10 * n) for n in range(1, 400))),
    ),
    500,
)
ORDERS = Table(
    "orders",
    (
        Column("order_id", "number", tuple(float(n) for n in range(300))),
        Column("customer_name", "text", ("Alice Smith", "Bob Jones", "Acme")),
        Column("order_date", "date", DAYS),
        Column("amount", "number", tuple(float(7 * n) for n in range(300))),
        Column("status", "text", ("open", "shipped", "cancelled")),
    ),
    300,
)
PEOPLE = Table(
    "employees",
    (
        Column("name", "text", ("Ann", "Bob", "Cat", "Dan", "Eve")),
        Column("department", "text", ("HR", "IT")),
        Column("salary", "number", (100.0, 200.0, 300.0, 400.0, 500.0)),
    ),
    5,
)
CHINESE = Table(
    "销售",
    (
        Column("地区", "text", ("华北", "华东", "华南")),
        Column("日期", "date", DAYS),
        Column("产品", "text", ("手机", "电脑")),
        Column("销售额", "number", tuple(float(10 * n) for n in range(1, 400))),
    ),
    500,
)
