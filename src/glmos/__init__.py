"""GLM-OS: a computing system with a large language model as its processor.

async with glmos.open(home) as system:
    result = await system.run("Which region had the highest sales in 2025?", files=["sales.csv"])
"""

__version__ = "0.1.0"
