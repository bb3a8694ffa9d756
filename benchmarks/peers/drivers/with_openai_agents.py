"""OpenAI Agents SDK: `Runner` with a `SQLiteSession`, chat-completions model, tracing off."""

import agents
from openai import AsyncOpenAI

from peers.driving import INSTRUCTIONS, Setting


class Driver:
    """Implements `driving.Driving`."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    async def start(self) -> None:
        s = self.setting
        agents.set_tracing_disabled(True)
        client = AsyncOpenAI(base_url=s.url, api_key="sk-mock")
        model = agents.OpenAIChatCompletionsModel(model=s.model, openai_client=client)
        tools = [agents.function_tool(s.step)]
        self.agent = agents.Agent(name="worker", instructions=INSTRUCTIONS, model=model, tools=tools)

    async def _go(self, task: str, words: str) -> str:
        session = agents.SQLiteSession(task, str(self.setting.folder / "sessions.db"))
        result = await agents.Runner.run(self.agent, words, max_turns=100_000, session=session)
        return str(result.final_output)

    async def run(self, task: str) -> str:
        return await self._go(task, self.setting.goal(task))

    async def resume(self, task: str) -> str:
        """It has no call for this: a new turn on the same session is what its documentation offers."""
        return await self._go(task, "Go on.")

    async def stop(self) -> None:
        return
