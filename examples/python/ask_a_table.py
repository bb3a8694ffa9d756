"""Ask a question of a file and print what the answer rests on. Needs no key: the bundled model answers.

python examples/python/ask_a_table.py examples/sales/sales.csv "Which region had the highest sales in 2025?"
"""

import sys
import tempfile

import anyio

import glmos


async def main(path: str, question: str) -> None:
    # A home of its own; without one it is ~/.glmos, which a running daemon owns.
    with tempfile.TemporaryDirectory() as home:
        async with glmos.open(home) as system:
            report = await system.run(question, files=[path], model="nano")
            print(report.status, "-", report.answer)
            for evidence in report.evidence:
                print(f"  {evidence.claim}  <-  {evidence.quote!r}  (events {evidence.events})")


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2])
