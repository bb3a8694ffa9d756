"""LangGraph: `create_agent` with a checkpoint in SQLite after every node.

Variants name its `durability`: `async` (default: a checkpoint is written while the next node runs), `sync` (before it
runs), `exit` (only when the graph ends).
"""

import aiosqlite
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from peers.driving import INSTRUCTIONS, Setting


class Driver:
    """Implements `driving.Driving`."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    async def start(self) -> None:
        s = self.setting
        self.db = await aiosqlite.connect(s.folder / "checkpoints.db")
        model = ChatOpenAI(model=s.model, base_url=s.url, api_key="sk-mock")
        self.graph = create_agent(model, [s.step], system_prompt=INSTRUCTIONS, checkpointer=AsyncSqliteSaver(self.db))

    async def _invoke(self, given: object, task: str) -> str:
        config = {"recursion_limit": 100_000, "configurable": {"thread_id": task}}
        state = await self.graph.ainvoke(given, config, durability=self.setting.variant)
        return str(state["messages"][-1].content)

    async def run(self, task: str) -> str:
        return await self._invoke({"messages": [("user", self.setting.goal(task))]}, task)

    async def resume(self, task: str) -> str:
        """Invoked with None, a graph goes on from its last checkpoint."""
        return await self._invoke(None, task)

    async def stop(self) -> None:
        await self.db.close()
