"""What a digest keeps of the turns it stands for, what goes first when room is short, and how seldom it changes."""

from collections.abc import Iterable
from itertools import pairwise

import pytest

from glmos.abi import events as e
from glmos.abi.messages import FunctionCall, Message, ModelReply
from glmos.abi.plans import CitationCheck, GoalCheck, PatternCheck, Step, StillCheck
from glmos.abi.tools import Failure, Output
from glmos.context.digest import HEAD, digest
from glmos.context.sizes import approximate_tokens, message_tokens
from glmos.context.standing import Standing
from glmos.context.turns import Conversation
from glmos.context.window import fit, share

CHECK = PatternCheck(pattern="^好$")
PLAN = (
    Step("read", "read the table 表.csv", checks=(CHECK, GoalCheck())),
    Step("count", "count the sheep 羊", ("read",), (CHECK, StillCheck())),
    Step("tell", "tell it", ("count",), (CitationCheck(), StillCheck())),
)


class Log:
    """Grows like a process's log, and is read into a conversation as it does."""

    def __init__(self) -> None:
        self.conversation = Conversation()
        self.entries: list[e.Entry] = []
        self.numbers = 0
        self.calls = 0
        self.add(e.ProcessCreated("count", root=1))

    def add(self, *events: e.Event) -> None:
        fresh = [e.Entry(1, len(self.entries) + n, 0.0, x) for n, x in enumerate(events, 1)]
        self.entries += fresh
        self.conversation.read(fresh)

    def reply(self, name: str) -> str:
        """A turn with one call; gives its name."""
        self.numbers += 1
        self.calls += 1
        self.add(e.ModelReplied(self.numbers, ModelReply(calls=(FunctionCall("x", name, "{}"),))))
        return f"c{self.calls}"

    def kernel(self, name: str, *events: e.Event, text: str = "") -> None:
        call = self.reply(name)
        self.add(e.CallAnswered(call, self.numbers, 0, name, text), *events)

    def tool(self, output: str, step: str = "read", **arguments: str) -> str:
        call = self.reply("shell")
        intent = e.ToolIntended(call, "shell", "run", dict(arguments), "irreversible", step, self.numbers)
        self.add(intent, e.ToolFinished(call, Output(output)))
        return call

    def write(self, output: str, step: str = "read", **arguments: str) -> str:
        """Changes a file, which can be put back."""
        call = self.reply("files")
        intent = e.ToolIntended(call, "files", "write", dict(arguments), "reversible", step, self.numbers)
        self.add(intent, e.ToolFinished(call, Output(output)))
        return call

    def passed(self, step: str) -> None:
        self.kernel("finish", e.StepPassed(step))

    def start(self, step: str) -> None:
        self.add(e.StepStarted(step, 1))

    def planned(self) -> "Log":
        self.kernel("plan", e.PlanMade(1, PLAN))
        self.start("read")
        return self

    def ask(self, question: str, answer: str) -> None:
        call = self.reply("ask")
        asked = e.PersonAsked(question, "question", call)
        text = f"The person answered: {answer}"
        self.add(asked, e.PersonAnswered(answer), e.CallAnswered(call, self.numbers, 0, "ask", text))

    def digest(self, room: int = 1_000) -> str:
        return digest(Standing(x for t in self.conversation.turns for x in t.kept), room)


def test_a_digest_says_which_steps_passed_and_how_the_rest_of_the_plan_reads() -> None:
    log = Log().planned()
    log.passed("read")
    log.start("count")
    log.add(e.KernelSpoke("check_failed", "Step 'count' is not reached: no 好 in it"))
    assert log.digest().splitlines() == [
        HEAD,
        "The plan now:",
        '- passed: {"id":"read","goal":"read the table 表.csv","checks":[{"kind":"pattern","pattern":"^好$"}]}',
        '- being done: {"id":"count","goal":"count the sheep 羊","needs":["read"],'
        '"checks":[{"kind":"pattern","pattern":"^好$"}]}',
        '- to do: {"id":"tell","goal":"tell it","needs":["count"]}',
        "Last: Step 'count' is not reached: no 好 in it",
    ]


def test_a_step_that_could_not_be_verified_is_not_called_passed() -> None:
    log = Log().planned()
    log.add(e.StepPassed("read", verified=False))
    assert "- done, could not be verified: " in log.digest()


def test_what_an_undo_took_back_is_gone_and_what_it_left_is_told_with_its_call() -> None:
    log = Log().planned()
    before = log.tool("read 300 rows")
    log.passed("read")
    log.start("count")
    since = len(log.entries)
    letter = log.tool("sent it 信", "count", to="王")
    taken = log.tool("what was taken back", "count")
    log.passed("count")
    log.add(e.Undone("count", left=(f"{letter}: shell.run cannot be taken back",), since=since))
    text = log.digest()
    assert '- passed: {"id":"read"' in text
    assert '- to do: {"id":"count"' in text
    assert (
        "The person:\n- undid everything since the beginning of step 'count'.\nCalls; `look` shows an output again, and it "
        f"can still be quoted:\n{before} shell.run({{}}): read 300 rows\n"
        f'{letter} (not taken back) shell.run({{"to":"王"}}): sent it 信\n'
    ) in text
    assert taken not in text


def test_an_undo_opens_what_rests_on_the_step_it_went_back_to() -> None:
    log = Log().planned()
    log.passed("read")
    log.start("count")
    log.add(e.StepPassed("count"), e.Undone("read", since=2))
    text = log.digest()
    assert "passed" not in text
    assert text.count("- to do: ") == 3


def test_a_step_opened_again_says_why_and_its_calls_count_no_more() -> None:
    log = Log().planned()
    call = log.tool("300 rows")
    log.add(e.StepPassed("read"), e.StepReopened("read", "the file 表.csv changed"))
    again = log.tool("301 rows")
    text = log.digest()
    assert '- to be done again (the file 表.csv changed): {"id":"read"' in text
    assert f"{call} (counts no more) shell.run({{}}): 300 rows" in text
    assert f"\n{again} shell.run({{}}): 301 rows" in text


def test_a_revised_plan_stands_in_place_of_the_first_and_keeps_what_passed_unchanged() -> None:
    log = Log().planned()
    log.passed("read")
    log.start("count")
    changed = (PLAN[0], Step("count", "count them twice", ("read",), (CHECK,)), PLAN[2])
    log.kernel("plan", e.PlanMade(2, changed))
    text = log.digest()
    assert '- passed: {"id":"read"' in text
    assert '- to do: {"id":"count","goal":"count them twice"' in text
    assert "count the sheep" not in text


def test_the_words_of_the_person_are_kept_and_the_newer_one_about_the_same_counts() -> None:
    log = Log().planned()
    log.ask("哪个地区?", "南方")
    log.ask("哪个地区?", "北方")
    log.add(e.FactCorrected("call:c7", "there are 12"), e.SourceChanged("表.csv", "d", 3))
    log.add(e.PersonAsked("May it?", "approval", "c9"), e.PersonAnswered("too dear", "no"))
    log.add(e.ProcessReopened("in Chinese, please"))
    assert log.digest().partition("The person:\n")[2].partition("\nThe plan")[0].splitlines() == [
        "- c3 '哪个地区?': The person answered: 北方",
        "- The person corrects: what c7 told is wrong, and reads now: there are 12",
        "- the file '表.csv' was changed",
        "- May it? no, too dear",
        "- The person told you to go on. in Chinese, please",
    ]


def test_children_are_told_with_how_they_ended_and_those_taken_back_are_not() -> None:
    log = Log().planned()
    log.kernel("spawn", e.ChildSpawned(7, "c2", "count the goats"), text="Child 7 was started")
    log.add(e.ChildExited(7, "done", "there are 9", files=("children/7/山羊.txt",)))
    log.kernel("spawn", e.ChildSpawned(8, "c3", "count the cows"), text="Child 8 was started")
    since = len(log.entries) + 1
    log.kernel("spawn", e.ChildSpawned(9, "c4", "count the hens"), text="Child 9 was started")
    log.add(e.Undone("count", since=since))
    assert log.digest().partition("Children:\n")[2].partition("\nThe plan")[0].splitlines() == [
        "- 7 (count the goats): ended done: there are 9 Files: children/7/山羊.txt.",
        "- 8 (count the cows): started",
    ]


def test_a_goal_without_a_plan_has_no_plan_in_its_digest() -> None:
    log = Log()
    log.tool("42")
    log.add(e.PlanMade(1, (Step("goal", "count"),), implied=True))
    assert "plan" not in log.digest()


@pytest.mark.parametrize("room", [0, 100, 200, 400, 1_000, 4_000, 20_000])
@pytest.mark.parametrize("times", [1, 30, 1_000])
def test_however_long_a_conversation_was_its_digest_is_no_larger_than_its_room(room: int, times: int) -> None:
    log = eventful(times)
    text = log.digest(room)
    assert approximate_tokens(text) <= max(room, 80)
    assert "羊" in text or "steps have passed" in text, "where the plan stands is said in the least of rooms"


def eventful(times: int) -> Log:
    """Thirty steps and of everything much, the texts long."""
    long = "一二三四五六七八 and more " * 50
    plan = tuple(Step(f"S{n}", f"count the 羊 {n} {long}", checks=(CHECK,)) for n in range(30))
    log = Log()
    log.kernel("plan", e.PlanMade(1, plan))
    for n in range(times):
        step = f"S{n % 30}"
        log.start(step)
        log.ask(f"Question {n}? {long}", f"answer {n} {long}")
        call = log.tool(f"output {n} {long}", step, command=long)
        log.kernel("spawn", e.ChildSpawned(n + 2, call, f"goal {n} {long}"))
        log.add(e.ChildExited(n + 2, "done", f"told {n} {long}"), e.SourceChanged(f"表{n}.csv", "d", 1))
        log.add(e.KernelSpoke("check_failed", f"failed {n} {long}"), e.StepPassed(step))
        if n % 7 == 0:
            log.add(e.Undone(step, left=(f"{call}: shell.run cannot be taken back",), since=len(log.entries)))
    return log


def test_when_room_is_short_the_plan_and_the_person_outlast_the_calls() -> None:
    log = Log().planned()
    log.ask("which region?", "北方")
    log.tool("an early output")
    for n in range(50):
        log.tool(f"output {n}")
    tight, wide = log.digest(160), log.digest(4_000)
    for text in (tight, wide):
        assert "being done" in text
        assert "北方" in text
    assert "an early output" in wide
    assert "an early output" not in tight
    assert "more left out): " not in wide


def test_what_was_done_outlasts_what_failed_however_often() -> None:
    log = Log().planned()
    log.tool("写好了 the early output")
    for n in range(50):
        call = log.reply("shell")
        intent = e.ToolIntended(call, "shell", "run", {"n": n}, "irreversible", "read", log.numbers)
        log.add(intent, e.ToolFinished(call, Output(""), failure=Failure("cancelled", "interrupted by a restart")))
    tight = log.digest(300)
    assert "写好了 the early output" in tight
    assert "more left out" in tight


def test_what_cannot_be_put_back_outlasts_files_that_can_be_and_is_there_whole() -> None:
    """A letter that an undo had left was sent again: written files had driven it out of a small window."""
    log = Log().planned()
    letters = [log.tool(f"sent letter {n} 信", to=f"王{n}") for n in range(8)]
    log.add(e.Undone("read", left=tuple(f"{c}: shell.run cannot be taken back" for c in letters)))
    for n in range(6):
        log.write("写好了" * 20, path=f"文件{n}.txt", text="好" * 80)
    told = log.digest(room=400)
    assert approximate_tokens(told) <= 400
    assert [c for c in letters if f"{c} (not taken back) shell.run" not in told] == []


def test_where_the_whole_plan_has_no_room_its_goals_and_then_its_names_stay() -> None:
    log = Log().planned()
    log.passed("read")
    log.start("count")
    forms = {len(lines := log.digest(room).splitlines()): lines for room in (70, 100, 130, 160, 1_000)}
    texts = ["\n".join(x) for x in forms.values()] + [log.digest(room) for room in (120, 140)]
    assert any("- 1 of 3 steps have passed; being done: count: count the sheep 羊" in x for x in texts)
    assert any("- read passed: read the table 表.csv" in x for x in texts)
    assert any('{"id":"read"' in x for x in texts)


# -- the window -------------------------------------------------------------------------------------------------------

ROOM = 2_000


def prompts(log: Log) -> list[tuple[Message, ...]]:
    """What is sent before each reply of a log."""
    read, found = Conversation(), list[tuple[Message, ...]]()
    for entry in log.entries:
        if isinstance(entry.event, e.ModelReplied):
            found.append(fit(read, ROOM))
        read.read([entry])
    return found


def is_beginning(earlier: Iterable[Message], later: Iterable[Message]) -> bool:
    return list(later)[: len(list(earlier))] == list(earlier)


def busy(calls: int) -> Log:
    log = Log().planned()
    log.passed("read")
    log.start("count")
    for n in range(calls):
        log.tool(f"output {n} of many: " + "数 " * 20, "count", command=f"count {n}")
    return log


def test_prompts_grow_at_their_end_but_for_a_few_boundaries_that_say_so() -> None:
    sent = prompts(busy(300))
    breaks = [later for earlier, later in pairwise(sent) if not is_beginning(earlier, later)]
    assert 3 < len(breaks) < len(sent) / 8
    assert all(x[0].content.startswith(HEAD) for x in breaks)
    assert all("- passed: " in x[0].content for x in breaks)
    assert len({x[0].content for x in sent if x and x[0].content.startswith(HEAD)}) == len(breaks)


def test_a_prompt_with_its_digest_stays_within_the_room() -> None:
    for sent in prompts(busy(300)):
        assert sum(message_tokens(m) for m in sent) <= ROOM + 8


def test_the_same_log_gives_the_same_prompt_whoever_reads_it_and_when() -> None:
    log = busy(150)
    again = Conversation()
    again.read(log.entries)
    assert fit(log.conversation, ROOM) == fit(again, ROOM)
    assert fit(again, 800) != fit(again, ROOM)
    assert fit(log.conversation, ROOM) == fit(again, ROOM)


def test_a_digest_takes_a_share_of_the_room_and_no_more_after_thousands_of_turns() -> None:
    sent = fit(busy(5_000).conversation, ROOM)
    assert approximate_tokens(sent[0].content) <= share(ROOM)
