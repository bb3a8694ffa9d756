"""What a person's own words say about files: which are to be made, and which of theirs may be changed.

The goal is the one text in a process that the doer did not write, so what can be read from it by rule binds the doer
whatever its plan says. The rules read plain sentences in English and Chinese and err on one side only: where they
recognise no wish for a file, none is demanded; where they recognise no wish for a change, what was given stays as given.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

LONGEST = 20_000
"""Characters of a goal that are read for wishes; what is longer holds data."""

_EXTENSION = (
    "csv|tsv|json|jsonl|ndjson|xlsx|xls|parquet|db|sqlite|png|jpe?g|gif|svg|pdf|md|txt|html?|xml|ya?ml|toml|ini|cfg|py|sh|sql|"
    "js|ts|css|c|h|cpp|java|go|rs|r|docx|pptx|ipynb|zip|log|tex|srt|ics"
)
_FILE = re.compile(
    rf"[A-Za-z0-9_\-./\u3400-\u9fff]{{0,120}}[A-Za-z0-9_\-\u3400-\u9fff]\.(?:{_EXTENSION})(?![A-Za-z0-9])"
)
_SENTENCE = re.compile(r"[;!?。；！？\n]|\.(?=\s|$)")

_MAKE = re.compile(
    r"\b(?:writ(?:e|ing)|sav(?:e|ing)|creat(?:e|ing)|mak(?:e|ing)|produc(?:e|ing)|generat(?:e|ing)|export(?:ing)?|stor(?:e|ing)|"
    r"put(?:ting)?|output|convert(?:ing)?|render(?:ing)?|draw(?:ing)?|plot(?:ting)?|build(?:ing)?|dump(?:ing)?|record(?:ing)?|"
    r"extract(?:ing)?|copy|merg(?:e|ing)|combin(?:e|ing)|split(?:ting)?|summari[sz](?:e|ing)|translat(?:e|ing)|transform(?:ing)?|"
    r"turn(?:ing)?|collect(?:ing)?|renam(?:e|ing)|mov(?:e|ing)|list(?:ing)?|prepar(?:e|ing)|compil(?:e|ing)|add(?:ing)?)\b"
    r"|写|保存|存|导出|输出|生成|创建|新建|建立|制作|做|画|绘制|转换|转|整理|汇总|合并|拆分|提取|翻译|总结|重命名|移动|复制|列",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(?:not|never|without|don't|no|nor|instead of)\b|不要|别|勿|不得|不能|不可|禁止|无需|不必", re.IGNORECASE
)
_ASK = re.compile(
    r"[?？]|\b(?:what|which|who|whom|whose|how|when|where|why|tell|say|find|count|compute|calculate|determine|verify|compare|"
    r"report|name|give|explain|describe|summari[sz]e|list|show|analy[sz]e|identify|estimate|check)\b"
    r"|^\s*(?:is|are|does|did|has|have|do (?:the|any|all|we|they|you))\b"
    r"|多少|哪|什么|谁|几|吗|是否|怎么|为什么|告诉|说明|统计|计算|比较|检查|判断|找出|列出|总结|分析|求",
    re.IGNORECASE,
)
_MAKE_SOMETHING = re.compile(
    r"\b(?:create|make|build|write|save|generate|produce|set up|implement|install|draw|plot|compose|design|organi[sz]e)\b"
    r"|导出|保存|创建|新建|建立|生成|写|制作|画|搭建|设计|编",
    re.IGNORECASE,
)


def only_asks(goal: str) -> bool:
    """Whether the goal wants to be told something, and nothing made or changed: then only what was read is evidence."""
    goal = goal[:LONGEST]
    made = _MAKE_SOMETHING.search(goal) or wanted_files(goal) or next(_change_clauses(goal), None)
    return _ASK.search(goal) is not None and not made


_CJK = re.compile(r"[\u3400-\u9fff]")
_LEADING = re.compile(
    r"^.*(?:写成|写到|写入|写进|写|保存为|保存到|保存在|保存|存为|存成|存到|存入|存|导出为|导出到|导出|输出到|输出为|输出|生成|整理成|整理到|"
    r"整理出|整理|转换为|转换成|转成|转为|合并为|合并成|汇总到|汇总成|名为|叫做|叫|创建|新建|建立|制作|画成|画|做成|做|到|为|成|入|把|将|在|和|与|及|并|从|用)"
)


def wanted_files(goal: str) -> list[str]:
    """The files that the goal asks for, and those it names beside them: whoever knows what was given leaves that out."""
    found: dict[str, None] = {}
    for sentence in _SENTENCE.split(goal[:LONGEST]):
        made = _MAKE.search(sentence)
        if made is None or _NOT.search(sentence):
            continue
        for name in _files(sentence, made.start()):
            found[name] = None
    return list(found)


def _files(sentence: str, start: int) -> Iterator[str]:
    for match in _FILE.finditer(sentence):
        name = match.group().removeprefix("/workspace/").removeprefix("./")
        if _CJK.match(name):
            name = _LEADING.sub("", name).lstrip("/")
        if match.end() > start and PurePosixPath(name).stem and not name.startswith(("/", "..", ".")):
            yield name


_VERBS = (
    "fix repair correct change edit modify update rewrite refactor improve clean sort reorder append insert remove delete "
    "rename move replace translate format reformat normalise normalize deduplicate dedupe implement complete fill finish "
    "extend port optimise optimize debug patch annotate mend adjust overwrite anonymise anonymize redact strip add"
)
_STEMS = "|".join(sorted((re.escape(v.removesuffix("e")) for v in _VERBS.split()), key=len, reverse=True))
_CHANGE = re.compile(
    r"(?:^\s*|[,:(\"“]\s*|\b(?:and|then|please|to|must|should|may|can|could|you|now|also|first|just|or|by|after|it)\s+)"
    rf"(?:{_STEMS})(?:e|t?ing|n?ing)?\b(?!\s+up\b|\s+the (?:total|sum|number)s?\b)(?P<en>.*)",
    re.IGNORECASE,
)
_CHANGE_CHINESE = re.compile(
    "修复|修改|修正|修|改(?![为成])|更新|编辑|纠正|更正|替换|删除|删|添加|加上|增加|补充|补|插入|排序|清理|清洗|去重|重命名|移动|"
    "整理(?![成为出到])|翻译(?![成为])|格式化|实现|完善|完成|优化|调试|润色|重构|脱敏"
)
_MADE_TO_WORK = re.compile(
    r"\b(?:make|get|have)\b(?P<en>.*\b(?:pass|passing|work|working|run|running|compile|green)\b.*)", re.I
)
_PURPOSE = re.compile(
    r"\bso that\b|\bsuch that\b|\buntil\b|\bin order\b|\bwithout\b|\bbut\b|\bso\b|使|让|以便|直到|但|而不"
)
_PROGRAM = re.compile(
    r"\b(?:bugs?|errors?|faults?|problems?|programs?|scripts?|code|functions?|modules?|class(?:es)?|implementation|project|"
    r"package)\b|程序|代码|脚本|函数|错误|问题|模块|缺陷",
    re.IGNORECASE,
)
_FILES = re.compile(r"\b(?:files?|documents?|texts?|typos?|it|them)\b|文件|文档|错别字", re.IGNORECASE)
_TESTS = re.compile(r"\b(?:unit )?tests?\b|测试", re.IGNORECASE)
_CODE = frozenset(
    ".py .pyi .sh .js .ts .c .h .cpp .java .go .rs .rb .r .sql .ipynb .html .css .toml .yaml .yml .ini .cfg".split()
)
_TEST_FILE = re.compile(
    r"(?:^|[_.\-])(?:tests?|specs?|expected|golden|conftest|fixtures?|snapshots?|checks?|checker|verify|validate|oracle)"
    r"(?:[_.\-]|$)|测试|校验",
    re.IGNORECASE,
)


def may_change(wish: str, path: str, given: Sequence[str], *, told_by_person: bool = True) -> bool:
    """Whether `wish` asks for a change of `path`, which was given beside the other files of `given`.

    What looks like a test or an expected result is what the work is measured by: it may change only where the wish says so
    of it, and only where a person said it.
    """
    measure = is_measure(path)
    if measure and not told_by_person:
        return False
    things = [_TESTS] if measure else [_FILES, _PROGRAM] if PurePosixPath(path).suffix in _CODE else [_FILES]
    for clause, only_to_work in _change_clauses(wish):
        if measure and only_to_work:
            continue
        if _is_named(path, clause):
            return True
        if not any(_is_named(g, clause) for g in given) and any(t.search(clause) for t in things):
            return True
        if only_to_work and not measure and any(is_measure(g) and _is_named(g, clause) for g in given):
            return PurePosixPath(path).suffix in _CODE
    return False


def is_measure(path: str) -> bool:
    """Whether a file looks like a test or an expected result."""
    return any(_TEST_FILE.search(part) for part in PurePosixPath(path).parts)


def _change_clauses(wish: str) -> Iterator[tuple[str, bool]]:
    """What a change is asked of, and whether only that it be made to work (`make the tests pass`)."""
    for sentence in _SENTENCE.split(wish[:LONGEST]):
        for match in _CHANGE.finditer(sentence):
            yield _PURPOSE.split(match["en"])[0], False
        for match in _MADE_TO_WORK.finditer(sentence):
            yield match["en"], True
        for part in re.split(r"[，,]", sentence):
            match = _CHANGE_CHINESE.search(part)
            if match and not _NOT.search(part):
                # 把 sales.csv 按日期排序: what is to be changed may stand before the word that says so.
                yield _PURPOSE.split(part)[0], False


def _is_named(path: str, text: str) -> bool:
    pure = PurePosixPath(path)
    names = [pure.name, pure.stem] if pure.suffix in _CODE else [pure.name]
    return any(re.search(rf"(?<![A-Za-z0-9_\-]){re.escape(n)}(?![A-Za-z0-9_])", text) for n in names)
