"""pydantic-ai with DBOS on SQLite: the agent's run is a durable workflow, each request to the model a step.

Variants
    steps    the tool is a DBOS step too, as the documentation asks for tools with side effects
    plain    the tool is left as it is
"""

from dbos import DBOS, SetWorkflowID
from pydantic_ai import Agent
from pydantic_ai.durable_exec.dbos import DBOSDurability
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.usage import UsageLimits

from peers.driving import INSTRUCTIONS, Setting


class Driver:
    """Implements `driving.Driving`."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    async def start(self) -> None:
        s = self.setting
        DBOS(
            config={
                "name": "bench", "system_database_url": f"sqlite:///{s.folder / 'dbos.db'}", "run_admin_server": False,
                "enable_otlp": False, "log_level": "ERROR", "application_version": "1", "executor_id": "local",
            }
        )  # fmt: skip
        tool = DBOS.step()(s.step) if s.variant == "steps" else s.step
        model = OpenAIChatModel(s.model, provider=OpenAIProvider(base_url=s.url, api_key="sk-mock"))
        agent = Agent(model, name="worker", instructions=INSTRUCTIONS, tools=[tool], capabilities=[DBOSDurability()])
        limits = UsageLimits(request_limit=None)

        @DBOS.workflow(name="work")
        async def work(goal: str) -> str:
            return (await agent.run(goal, usage_limits=limits)).output

        self.work = work
        DBOS.launch()

    async def run(self, task: str) -> str:
        with SetWorkflowID(f"task-{task}"):
            return await self.work(self.setting.goal(task))

    async def resume(self, task: str) -> str:
        """`DBOS.launch` has begun to recover the pending workflows of this executor; wait for this one."""
        handle = await DBOS.retrieve_workflow_async(f"task-{task}")
        return str(await handle.get_result())

    async def stop(self) -> None:
        DBOS.destroy()
