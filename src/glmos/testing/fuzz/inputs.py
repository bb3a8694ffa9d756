"""What comes in when something is wrong: hypothesis strategies for hostile text, numbers, JSON, events and replies.

Every strategy leans towards what has broken programs before: halves of characters, numbers without end, deep nesting,
duplicate and missing ids, names that are almost right.
"""

import json
import math
from typing import Any, get_args

import msgspec
from hypothesis import strategies as st

from glmos.abi import events as e
from glmos.abi.messages import FunctionCall, ModelReply

ODD_TEXT = (
    "", " ", "\0", "\n" * 300, "\ud800", "\udcff", "\u2028", "\u202e", "\ufeff", "a\u0300", "名" * 40, "ß", "İ", "1e999",
    "9e999", "-0", "nan", "١٢٣", "1,234,567.89", "12万", "0x10", "1_000", "../../etc/passwd", "c1", "c0", "c-1", "cx", "[c1]",
    "</think>", "<think>", "data: [DONE]", "(a+)+$", "(?i)x", "[", "\\", "{", "}", '"', "null", "[]", "{}", "'; --",
)  # fmt: skip
ODD_NUMBERS = (0, 1, -1, 2, 255, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**30, -(10**30), 10**400)
ODD_FLOATS = (0.0, -0.0, 0.5, -1.5, 1e-300, 1e300, 1.7976931348623157e308, float("inf"), float("-inf"), float("nan"))

TEXT = st.one_of(
    st.sampled_from(ODD_TEXT),
    st.text(st.characters(exclude_categories=()), max_size=24),
    st.text("abc 01,.\n-+%eE华", max_size=40),
)
INTEGERS = st.one_of(st.integers(0, 3), st.integers(-3, 2000), st.sampled_from(ODD_NUMBERS))
FLOATS = st.one_of(st.floats(0, 1e6), st.sampled_from(ODD_FLOATS))
NUMBERISH = st.one_of(INTEGERS, st.sampled_from(["nan", "inf", "-inf", "1e999", "3", ""]))
"""What a model writes where a number is wanted."""
FINITE = FLOATS.filter(math.isfinite)


def _deep(depth: int) -> Any:
    value: Any = 1
    for place in range(depth):
        value = [value] if place % 2 else {"a": value}
    return value


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | INTEGERS | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
) | st.sampled_from([20, 200]).map(_deep)
OBJECT: st.SearchStrategy[dict[str, Any]] = st.dictionaries(TEXT, JSON, max_size=4)


@st.composite
def broken(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """A text as it is, cut off, doubled, or with a piece of something else in it."""
    text = draw(texts)
    match draw(st.integers(0, 7)):
        case 0:
            return text[: draw(st.integers(0, len(text)))]
        case 1:
            return text + text
        case 2:
            place = draw(st.integers(0, len(text)))
            return text[:place] + draw(TEXT) + text[place:]
        case 3:
            return "[" * draw(st.sampled_from([3, 3000])) + text
        case 4:
            return json.dumps(text)
        case _:
            return text


def as_json(value: Any) -> str:
    return json.dumps(value)


# -- what a model says ------------------------------------------------------------------------------------------------

STEP_IDS = st.sampled_from(["a", "b", "c", "goal"]) | TEXT
CALL_IDS = st.sampled_from(["c1", "c2", "c3", "c4"]) | TEXT
PATTERNS = (
    st.sampled_from(["x", "(\\d+)", "(a+)+$", "(?:(?:a|a)*)*b", "[", "(?P<n>", "\\", "a{99999}", "^\\s*$"]) | TEXT
)

SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([
        {}, True, False, {"type": "string"}, {"type": "nothing"}, {"pattern": "(a+)+$"}, {"$ref": "#"},
        {"$ref": "#/$defs/none"}, {"$ref": "http://127.0.0.1:9/x"}, {"$ref": "file:///etc/passwd"}, {"enum": []},
        {"multipleOf": 0}, {"minLength": -1}, {"$schema": "http://json-schema.org/draft-04/schema#"}, {"required": "x"},
        {"$dynamicRef": "#x"}, {"$anchor": "x"}, {"$id": "::"}, {"const": 10**400}, {"multipleOf": 1e-300},
    ]),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["properties", "patternProperties", "$defs", "dependentSchemas"]),
                        st.dictionaries(TEXT, inner, max_size=3), max_size=2),
        st.dictionaries(st.sampled_from(["items", "not", "if", "then", "additionalProperties", "contains",
                                         "unevaluatedItems", "propertyNames", "$ref"]), inner, max_size=3),
        st.dictionaries(st.sampled_from(["allOf", "anyOf", "oneOf", "prefixItems", "enum"]),
                        st.lists(inner, max_size=3), max_size=2),
    ),
    max_leaves=6,
)  # fmt: skip

CHECKS = st.one_of(
    st.fixed_dictionaries({"kind": st.just("pattern"), "pattern": PATTERNS}, optional={"absent": st.booleans()}),
    st.fixed_dictionaries({"kind": st.just("schema"), "schema": SCHEMAS}),
    st.fixed_dictionaries(
        {"kind": st.just("number")},
        optional={"pattern": PATTERNS, "equals": FINITE | NUMBERISH, "tolerance": FINITE | NUMBERISH, "sql": TEXT},
    ),
    st.fixed_dictionaries({"kind": st.just("query")}, optional={"equals": JSON, "sql": TEXT}),
    st.sampled_from(
        [{"kind": "citation"}, {"kind": "magic"}, {"kind": "critic"}, {"kind": "python", "code": ""}, {}, 1]
    ),
    st.fixed_dictionaries({"kind": st.just("command"), "command": TEXT}, optional={"timeout": FINITE | NUMBERISH}),
)
STEPS = st.fixed_dictionaries(
    {"id": STEP_IDS, "goal": TEXT},
    optional={"needs": st.lists(STEP_IDS, max_size=3), "checks": st.lists(CHECKS, max_size=3), "x": JSON},
)
CLAIMS = st.fixed_dictionaries({"claim": TEXT, "call": CALL_IDS, "quote": TEXT})

ARGUMENTS: dict[str, st.SearchStrategy[Any]] = {
    "plan": st.fixed_dictionaries({"steps": st.lists(STEPS, max_size=4)}, optional={"reason": TEXT}),
    "finish": st.fixed_dictionaries({"result": TEXT}, optional={"claims": st.lists(CLAIMS, max_size=3)}),
    "ask": st.fixed_dictionaries({"question": TEXT}, optional={"options": st.lists(TEXT, max_size=2)}),
    "give_up": st.fixed_dictionaries({"reason": TEXT}),
    "spawn": st.fixed_dictionaries({"goal": TEXT}, optional={"max_tokens": FINITE | NUMBERISH, "files": JSON}),
    "wait": st.fixed_dictionaries(
        {}, optional={"seconds": FINITE | NUMBERISH, "children": st.lists(INTEGERS, max_size=2)}
    ),
    "use": st.fixed_dictionaries(
        {"tool": st.sampled_from(["look", "spawn", "use"]) | TEXT}, optional={"arguments": JSON}
    ),
    "look": st.fixed_dictionaries({"x": INTEGERS}, optional={"y": JSON}),
    "write": st.fixed_dictionaries({"x": INTEGERS | TEXT}),
    "send": OBJECT,
}
"""By function: arguments that are right, nearly right, or wild."""


@st.composite
def function_calls(draw: st.DrawFn) -> tuple[str, str]:
    """(name, arguments as text) as a model might write them."""
    name = draw(st.sampled_from(list(ARGUMENTS)) | TEXT)
    kept = ARGUMENTS.get(name, OBJECT)
    text = draw(broken((kept | JSON).map(as_json)))
    return name, text


CALLS = st.lists(function_calls(), max_size=4).map(
    lambda pairs: tuple(FunctionCall(f"call_{n}", name, text) for n, (name, text) in enumerate(pairs))
)
REPLIES = st.builds(
    ModelReply,
    content=TEXT,
    reasoning=TEXT,
    calls=CALLS,
    finish=st.sampled_from(["stop", "calls", "length", "filtered", "cut", "unknown"]),
)


# -- events -----------------------------------------------------------------------------------------------------------

_BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "call": CALL_IDS,
    "step": STEP_IDS,
    "id": STEP_IDS,
    "needs": st.lists(STEP_IDS, max_size=2).map(tuple),
    "pattern": PATTERNS,
    "schema": OBJECT,
    "child": st.integers(1, 4),
    "snapshot": st.sampled_from(["", "s1"]),
    "number": st.integers(0, 4) | INTEGERS,
    "index": st.integers(0, 3) | INTEGERS,
    "attempt": st.integers(0, 3) | INTEGERS,
}
"""Fields that mean something to the kernel hit what is there more often than chance would."""


def _of(info: Any, name: str = "", depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a type as msgspec describes it."""
    kinds = msgspec.inspect
    if name in _BY_NAME and not isinstance(info, kinds.StructType | kinds.UnionType):
        return _BY_NAME[name]
    match info:
        case kinds.StructType():
            return _struct(info, depth)
        case kinds.UnionType(types=types):
            return st.one_of(*(_of(t, name, depth) for t in types))
        case kinds.LiteralType(values=values):
            return st.sampled_from(sorted(values, key=str))
        case kinds.VarTupleType(item_type=item):
            return st.lists(_of(item, name, depth + 1), max_size=2 if depth < 3 else 0).map(tuple)
        case kinds.DictType(value_type=value):
            return st.dictionaries(TEXT, _of(value, "", depth + 1), max_size=2)
        case kinds.AnyType():
            return JSON
        case kinds.IntType():
            return INTEGERS
        case kinds.FloatType():
            return FINITE
        case kinds.BoolType():
            return st.booleans()
        case kinds.NoneType():
            return st.none()
        case kinds.StrType():
            return TEXT
        case _:
            raise TypeError(f"no strategy for {info!r}")


def _struct(info: Any, depth: int) -> st.SearchStrategy[Any]:
    fields = {f.name: _of(f.type, f.name, depth + 1) for f in info.fields if f.required}
    more = {f.name: _of(f.type, f.name, depth + 1) for f in info.fields if not f.required}
    return st.fixed_dictionaries(fields, optional=more).map(lambda given: info.cls(**given))


EVENT_KINDS: dict[type[Any], st.SearchStrategy[Any]] = {
    kind: _of(msgspec.inspect.type_info(kind)) for kind in get_args(e.Event)
}
EVENTS: st.SearchStrategy[Any] = st.one_of(*EVENT_KINDS.values())
