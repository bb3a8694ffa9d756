"""Give GLM-OS a function of your own as a tool.

    python examples/python/own_tool.py "How much is 250 euros in yuan?" -m zai:glm-5.3

The effect class is part of the declaration: `pure` may be repeated at will; `irreversible` (a mail that is sent) is asked
about first and never silently repeated after a crash.
"""

import argparse
import tempfile

import anyio

import glmos

RATES = {"CNY": 8.2, "USD": 1.1}


@glmos.tool(effect="pure", resident=True)
def exchange(amount: float, currency: str) -> float:
    """Convert euros into another currency at today's rate of our bank.

    Args:
        amount: In euros.
        currency: Three letters, such as CNY.
    """
    return amount * RATES[currency]


async def main(goal: str, model: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        async with glmos.open(home, tools=[exchange]) as system:
            report = await system.run(goal, model=model)
            print(report.status, "-", report.answer or report.reason)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("goal")
    parser.add_argument("-m", "--model", default="")
    options = parser.parse_args()
    anyio.run(main, options.goal, options.model)
