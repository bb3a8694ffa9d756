"""Google ADK: a resumable `App` with `SqliteSessionService`; the model through LiteLLM, as for any foreign endpoint."""

from collections.abc import AsyncIterator

from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig
from google.adk.apps.app import App, ResumabilityConfig
from google.adk.models.lite_llm import LiteLlm
from google.adk.runners import Runner
from google.adk.sessions.sqlite_session_service import SqliteSessionService
from google.genai import types

from peers.driving import INSTRUCTIONS, Setting


class Driver:
    """Implements `driving.Driving`."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    async def start(self) -> None:
        s = self.setting
        model = LiteLlm(model=f"openai/{s.model}", api_base=s.url, api_key="sk-mock")
        agent = LlmAgent(name="worker", instruction=INSTRUCTIONS, tools=[s.step], model=model)
        app = App(name="bench", root_agent=agent, resumability_config=ResumabilityConfig(is_resumable=True))
        self.sessions = SqliteSessionService(str(s.folder / "sessions.db"))
        self.runner = Runner(app=app, session_service=self.sessions)

    async def _last_text(self, events: AsyncIterator) -> str:
        text = ""
        async for event in events:
            for part in (event.content and event.content.parts) or []:
                text = part.text or text
        return text

    def _run(self, **given: object) -> AsyncIterator:
        return self.runner.run_async(user_id="user", run_config=RunConfig(max_llm_calls=0), **given)

    async def run(self, task: str) -> str:
        await self.sessions.create_session(app_name="bench", user_id="user", session_id=task)
        goal = types.Content(role="user", parts=[types.Part(text=self.setting.goal(task))])
        return await self._last_text(self._run(session_id=task, new_message=goal))

    async def resume(self, task: str) -> str:
        """A resumable app goes on with an invocation that is named again."""
        session = await self.sessions.get_session(app_name="bench", user_id="user", session_id=task)
        return await self._last_text(self._run(session_id=task, invocation_id=session.events[-1].invocation_id))

    async def stop(self) -> None:
        return
