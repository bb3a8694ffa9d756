"""Agno with `AsyncSqliteDb`.

Variants: `batch` (a checkpoint after each batch of tools), `runs` (after each run, its default).
"""

from agno.agent import Agent
from agno.db.sqlite import AsyncSqliteDb
from agno.models.openai import OpenAIChat

from peers.driving import INSTRUCTIONS, Setting


class Driver:
    """Implements `driving.Driving`."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    async def start(self) -> None:
        s = self.setting
        self.agent = Agent(
            name="worker", id="worker", instructions=INSTRUCTIONS, tools=[s.step], telemetry=False,
            model=OpenAIChat(id=s.model, base_url=s.url, api_key="sk-mock"),
            db=AsyncSqliteDb(db_file=str(s.folder / "agno.db")),
            checkpoint="tool-batch" if s.variant == "batch" else "runs",
        )  # fmt: skip

    async def run(self, task: str) -> str:
        done = await self.agent.arun(self.setting.goal(task), session_id=f"s-{task}", run_id=f"r-{task}")
        return str(done.content)

    async def resume(self, task: str) -> str:
        done = await self.agent.acontinue_run(run_id=f"r-{task}", session_id=f"s-{task}")
        return str(done.content)

    async def stop(self) -> None:
        return
