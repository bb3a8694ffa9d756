from datetime import date

import pytest

from glmos.models.nano.periods import find_periods

TODAY = date(2026, 5, 20)


@pytest.mark.parametrize(
    ("question", "start", "end"),
    [
        ("sales in 2025", "2025-01-01", "2026-01-01"),
        ("sales in March 2025", "2025-03-01", "2025-04-01"),
        ("sales in Dec 2025", "2025-12-01", "2026-01-01"),
        ("sales in Q4 2024", "2024-10-01", "2025-01-01"),
        ("the first quarter of 2024", "2024-01-01", "2024-04-01"),
        ("on March 5, 2025", "2025-03-05", "2025-03-06"),
        ("on 5 March 2025", "2025-03-05", "2025-03-06"),
        ("on 2025-03-05", "2025-03-05", "2025-03-06"),
        ("in 2025-03", "2025-03-01", "2025-04-01"),
        ("orders in March", "2026-03-01", "2026-04-01"),
        ("sales last year", "2025-01-01", "2026-01-01"),
        ("sales last quarter", "2026-01-01", "2026-04-01"),
        ("sales this month", "2026-05-01", "2026-06-01"),
        ("sales last month", "2026-04-01", "2026-05-01"),
        ("sales last week", "2026-05-11", "2026-05-18"),
        ("2025年的销售额", "2025-01-01", "2026-01-01"),
        ("2025年12月", "2025-12-01", "2026-01-01"),
        ("去年的销售额", "2025-01-01", "2026-01-01"),
    ],
)
def test_a_period_is_read_from_its_wording(question: str, start: str, end: str):
    (mention,) = find_periods(question, TODAY)
    assert (mention.period.start.isoformat(), mention.period.end.isoformat()) == (start, end)


@pytest.mark.parametrize("question", ["it may rain", "12025 units", "order 3.2025"])
def test_what_only_looks_like_a_date_is_none(question: str):
    assert find_periods(question, TODAY) == []
