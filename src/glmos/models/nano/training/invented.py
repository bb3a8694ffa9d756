"""Invented business tables: what people keep in a CSV, with dates, amounts and groups that repeat.

WikiSQL tables come from encyclopedia articles and have hardly any of these. Everything here is made up
from short word lists and the given random generator.
"""

from datetime import date, timedelta
from random import Random

from glmos.models.nano.table import Column, Table, Value

_GROUPS: dict[str, list[str]] = {
    "region": ["North", "South", "East", "West", "Central", "Europe", "Asia", "Americas"],
    "country": ["Germany", "France", "China", "Japan", "Brazil", "Canada", "Spain", "India", "Mexico", "Kenya"],
    "city": ["Berlin", "Paris", "Tokyo", "Madrid", "Toronto", "Beijing", "Shanghai", "Boston", "Lyon", "Osaka"],
    "product": ["Widget", "Gadget", "Lamp", "Desk", "Chair", "Phone", "Laptop", "Tablet", "Monitor", "Keyboard"],
    "category": ["Furniture", "Electronics", "Clothing", "Food", "Toys", "Books", "Garden", "Sports"],
    "department": ["Engineering", "Marketing", "Finance", "HR", "Legal", "Support", "Operations", "Research"],
    "status": ["open", "closed", "pending", "shipped", "cancelled", "delivered", "returned"],
    "priority": ["low", "medium", "high", "urgent"],
    "customer": ["Acme", "Globex", "Initech", "Umbrella", "Stark", "Wayne", "Hooli", "Vandelay", "Soylent"],
    "employee": ["Alice", "Bob", "Carol", "David", "Emma", "Frank", "Grace", "Henry", "Ivan", "Julia"],
    "sales rep": ["Anna Berg", "Li Wei", "Tom Hart", "Maria Lopez", "John Smith", "Sara Khan"],
    "channel": ["online", "retail", "wholesale", "partner", "phone"],
    "supplier": ["Nordwind", "Eastern Foods", "Lakeside", "Blue Sky", "Rapid Parts"],
    "payment method": ["card", "cash", "invoice", "paypal", "bank transfer"],
    "team": ["Red", "Blue", "Green", "Yellow", "Black"],
    "gender": ["male", "female", "other"],
    "subject": ["Maths", "Physics", "History", "Biology", "Chemistry", "Art"],
    "store": ["Downtown", "Airport", "Mall", "Harbour", "Station"],
    "type": ["A", "B", "C", "standard", "premium", "basic"],
}
_AMOUNTS: dict[str, tuple[int, int]] = {
    "sales": (100, 90000), "revenue": (100, 90000), "units": (1, 500), "quantity": (1, 200), "price": (1, 2000),
    "amount": (10, 20000), "cost": (5, 9000), "profit": (-500, 9000), "salary": (20000, 180000), "age": (18, 70),
    "score": (0, 100), "rating": (1, 5), "hours": (1, 80), "stock": (0, 900), "discount": (0, 50), "weight": (1, 400),
    "population": (1000, 9000000), "visits": (1, 4000), "orders": (1, 300), "budget": (1000, 500000),
    "expenses": (10, 9000), "temperature": (-20, 40), "distance": (1, 900), "total": (10, 20000), "tax": (1, 900),
    "unit price": (1, 900), "order value": (10, 9000), "points": (0, 120), "clicks": (0, 9000),
}  # fmt: skip
_DATES = [
    "date",
    "order date",
    "day",
    "created",
    "hire date",
    "invoice date",
    "shipped",
    "month",
    "due date",
    "timestamp",
]
_KEYS = ["id", "order id", "name", "invoice", "ticket", "sku", "code", "title"]
NAMES = {
    "sales": "sale", "orders": "order", "employees": "employee", "expenses": "expense", "tickets": "ticket",
    "invoices": "invoice", "visits": "visit", "students": "student", "shipments": "shipment", "products": "product",
    "customers": "customer", "transactions": "transaction", "events": "event", "items": "item", "projects": "project",
}  # fmt: skip


def invent_table(random: Random) -> Table:
    """A table of 8 to 400 rows whose columns hold the distinct values of those rows."""
    rows = random.choice([8, 12, 20, 40, 120, 400])
    columns: list[Column] = []
    if random.random() < 0.4:
        columns.append(_key(random, rows))
    if random.random() < 0.85:
        columns.append(_dates(random, rows))
    for name in random.sample(sorted(_GROUPS), random.randint(1, 4)):
        pool = _GROUPS[name]
        columns.append(_column(random, name, "text", random.sample(pool, min(len(pool), random.randint(2, 8)))))
    for name in random.sample(sorted(_AMOUNTS), random.randint(1, 4)):
        low, high = _AMOUNTS[name]
        values = dict.fromkeys(float(random.randint(low, high)) for _ in range(rows))
        columns.append(_column(random, name, "number", list(values)))
    if random.random() < 0.15:
        years = sorted(random.sample(range(2010, 2027), min(rows, 6)))
        columns.append(_column(random, "year", "number", [float(year) for year in years]))
    random.shuffle(columns)
    return Table(random.choice(sorted(NAMES)), tuple(columns), rows)


def _column(random: Random, name: str, kind: str, values: list[Value]) -> Column:
    style = random.random()
    name = name.replace(" ", "_") if style < 0.4 else name.title() if style < 0.6 else name
    return Column(name, kind, tuple(values))  # type: ignore[arg-type]


def _key(random: Random, rows: int) -> Column:
    name = random.choice(_KEYS)
    if name == "id":
        return _column(random, name, "number", [float(i + 1) for i in range(rows)])
    stem = random.choice(["AB", "X", "INV", "item", "Case"])
    return _column(random, name, "text", [f"{stem}-{100 + i}" for i in range(rows)])


def _dates(random: Random, rows: int) -> Column:
    start = date(random.randint(2018, 2026), random.randint(1, 12), 1)
    span = random.choice([30, 365, 900])
    days = sorted({start + timedelta(days=random.randint(0, span)) for _ in range(rows)})
    return _column(random, random.choice(_DATES), "date", [day.isoformat() for day in days])
