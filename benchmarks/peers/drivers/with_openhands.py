"""OpenHands SDK: a `Conversation` with a persistence folder, where it keeps a file for each event."""

import asyncio
import logging
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from openhands.sdk import LLM, Agent, Conversation
from openhands.sdk.tool import Action, Observation, Tool, ToolDefinition, ToolExecutor, register_tool
from pydantic import Field, SecretStr

from peers.driving import FINAL, Setting

END = "message"


class StepAction(Action):
    i: int = Field(description="The number of the step.")


class StepObservation(Observation):
    pass


class StepExecutor(ToolExecutor):
    setting: Setting

    def __call__(self, action: StepAction, conversation: object = None) -> StepObservation:
        return StepObservation.from_text(text=self.setting.blocking_step(action.i))


class StepTool(ToolDefinition[StepAction, StepObservation]):
    name = "step"

    @classmethod
    def create(cls, conv_state: object = None, **_: object) -> Sequence["StepTool"]:
        about = "Do step i and report its result."
        executor = StepExecutor()
        return [cls(description=about, action_type=StepAction, observation_type=StepObservation, executor=executor)]


class Driver:
    """Implements `driving.Driving`."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        StepExecutor.setting = setting

    async def start(self) -> None:
        s = self.setting
        logging.disable(logging.CRITICAL)
        register_tool("step", StepTool)
        model = LLM(
            model=f"openai/{s.model}", base_url=s.url, api_key=SecretStr("sk-mock"), usage_id="bench", num_retries=0
        )
        self.agent = Agent(llm=model, tools=[Tool(name="step")])
        self.threads = ThreadPoolExecutor(max_workers=s.tasks + 32)

    def _converse(self, task: str, begin: bool) -> str:
        s = self.setting
        conversation = Conversation(
            self.agent, workspace=str(s.folder / "workspace"), persistence_dir=str(s.folder / "conversations"),
            conversation_id=uuid.uuid5(uuid.NAMESPACE_URL, task), visualizer=None, max_iteration_per_run=100_000,
            delete_on_close=False,
        )  # fmt: skip
        if begin:
            conversation.send_message(s.goal(task))
        conversation.run()
        ended = any(FINAL in str(event) for event in conversation.state.events)
        return FINAL if ended else str(conversation.state.execution_status)

    async def _go(self, task: str, begin: bool) -> str:
        return await asyncio.get_running_loop().run_in_executor(self.threads, self._converse, task, begin)

    async def run(self, task: str) -> str:
        return await self._go(task, True)

    async def resume(self, task: str) -> str:
        """The same conversation id on the same folder, and run again."""
        return await self._go(task, False)

    async def stop(self) -> None:
        return
