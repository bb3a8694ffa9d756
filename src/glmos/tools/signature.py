"""From a typed Python signature to a JSON Schema, and from a model's arguments to Python values.

Type hints are given to msgspec, so everything it knows works: `Literal`, `Optional`, `list`, `dict`, `TypedDict`,
dataclasses, `Annotated`. Descriptions come from the `Args:` section of a Google-style docstring.
"""

import difflib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, cast, get_type_hints

import msgspec

from glmos.abi.errors import UsageError
from glmos.abi.tools import Failure, ToolCall
from glmos.ports import ToolContext


class Docstring(NamedTuple):
    """A Google-style docstring, taken apart."""

    summary: str
    body: str
    """Everything before the first section, the summary included."""
    arguments: Mapping[str, str]


class Signature(NamedTuple):
    """What a function takes from a model, and what it takes from the system."""

    name: str
    struct: type[msgspec.Struct]
    required: tuple[str, ...]
    visible: tuple[str, ...]
    """Arguments that are shown to a model."""
    injected: Mapping[str, type]
    """Parameters the system fills in: `ToolCall` and `ToolContext`."""
    doc: Docstring

    @property
    def names(self) -> tuple[str, ...]:
        return self.struct.__struct_fields__


class Bound(NamedTuple):
    """Arguments ready to be passed, or why they cannot be."""

    values: dict[str, Any]
    failure: Failure | None = None


_SECTION = re.compile(r"^(Args|Arguments|Returns|Raises|Yields|Examples?|Notes?):\s*$")
_ARGUMENT = re.compile(r"^\*{0,2}(\w+)(?:\s*\([^)]*\))?:\s*(.*)$")
_INJECTED = (ToolCall, ToolContext)


def read_docstring(text: str | None) -> Docstring:
    """Take a docstring apart; an empty one gives empty parts."""
    body: list[str] = []
    arguments: dict[str, str] = {}
    section = current = ""
    indent = 0
    for line in inspect.cleandoc(text or "").splitlines():
        if heading := _SECTION.match(line):
            section = heading[1]
        elif not section:
            body.append(line)
        elif section.startswith("Arg") and line.strip():
            depth = len(line) - len(line.lstrip())
            found = _ARGUMENT.match(line.strip())
            if found and (not current or depth <= indent):
                current, indent = found[1], depth
                arguments[current] = found[2]
            elif current:
                arguments[current] += " " + line.strip()
    whole = "\n".join(body).strip()
    return Docstring(whole.split("\n\n")[0].replace("\n", " "), whole, arguments)


def read_signature(function: Callable[..., Any], *, hidden: Sequence[str] = ()) -> Signature:
    """Read what `function` takes. Arguments in `hidden` are accepted but not shown to a model.

    Raises: UsageError when a parameter cannot be described to a model.
    """
    name = getattr(function, "__name__", "tool")
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise UsageError(f"The type hints of {name!r} name something that does not exist: {error}.") from error
    doc = read_docstring(function.__doc__)
    fields: list[tuple[str, Any, Any]] = []
    required: list[str] = []
    injected: dict[str, type] = {}
    for parameter in inspect.signature(function).parameters.values():
        hint = hints.get(parameter.name, Any)
        if parameter.name == "self":
            continue
        if hint in _INJECTED:
            injected[parameter.name] = hint
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise UsageError(f"Parameter {parameter.name!r} of {name!r} has no name a model could use: write it out.")
        if parameter.default is parameter.empty:
            required.append(parameter.name)
            default: Any = msgspec.NODEFAULT
        else:
            default = _default(parameter.default)
        text = doc.arguments.get(parameter.name, "")
        described: Any = Annotated[hint, msgspec.Meta(description=text)] if text else hint
        fields.append((parameter.name, described, default))
    struct = _define(name, fields)
    visible = tuple(field for field, _, _ in fields if field not in hidden)
    return Signature(name, struct, tuple(required), visible, injected, doc)


def json_schema(signature: Signature) -> dict[str, Any]:
    """The JSON Schema of the visible arguments, as short as it can be said."""
    _, components = msgspec.json.schema_components([signature.struct], ref_template="#/$defs/{name}")
    whole = cast("dict[str, Any]", _shorten(components.pop(signature.struct.__name__)))
    properties: dict[str, Any] = whole.get("properties", {})
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: properties[name] for name in signature.visible},
    }
    if required := [name for name in signature.required if name in signature.visible]:
        schema["required"] = required
    if components:
        schema["$defs"] = {name: _shorten(part) for name, part in components.items()}
    return schema


def bind(
    signature: Signature,
    arguments: Mapping[str, Any],
    *,
    title: str,
    ignored: Sequence[str] = (),
    call: ToolCall,
    context: ToolContext,
) -> Bound:
    """Check and convert a model's arguments. Numbers given as text are accepted where a number is due.

    Arguments in `ignored` (another action's) are dropped. `title` is how messages name the call.
    """
    try:
        msgspec.json.encode(arguments)
    except (UnicodeEncodeError, TypeError, ValueError, RecursionError):
        return Bound({}, Failure("bad_arguments", f"The arguments of {title} are not JSON in valid Unicode."))
    given = {
        name: value
        for name, value in arguments.items()
        if (name in signature.names or name not in ignored) and not (value is None and name not in signature.required)
    }
    takes = "it takes " + ", ".join(signature.visible) if signature.visible else "it takes none"
    for name in given:
        if name not in signature.names:
            near = difflib.get_close_matches(str(name), signature.visible, 1)
            hint = f"did you mean {near[0]!r}?" if near else takes + "."
            return Bound({}, Failure("bad_arguments", f"{title} has no argument {str(name)!r}: {hint}"))
    if missing := [name for name in signature.required if name not in given]:
        return Bound({}, Failure("bad_arguments", f"{title} needs the argument {missing[0]!r}; {takes}."))
    try:
        try:
            record = msgspec.convert(given, signature.struct)
        except msgspec.ValidationError:
            record = msgspec.convert(given, signature.struct, strict=False)
    except (msgspec.ValidationError, ValueError, OverflowError, RecursionError) as error:
        return Bound({}, Failure("bad_arguments", f"Wrong argument for {title}: {_plain(str(error))}"))
    values = {name: getattr(record, name) for name in signature.names}
    for name, kind in signature.injected.items():
        values[name] = call if kind is ToolCall else context
    return Bound(values)


def _define(name: str, fields: list[tuple[str, Any, Any]]) -> type[msgspec.Struct]:
    struct = msgspec.defstruct("Arguments", fields, kw_only=True)
    for field, hint, default in fields:
        try:
            msgspec.json.schema(msgspec.defstruct("Argument", [(field, hint, default)], kw_only=True))
        except (TypeError, RuntimeError) as error:
            raise UsageError(
                f"Parameter {field!r} of {name!r} has the type {hint!r}, which JSON cannot carry: "
                "use str, int, float, bool, list, dict, Literal, a TypedDict or a dataclass."
            ) from error
    return struct


def _default(value: Any) -> Any:
    if isinstance(value, (list, dict, set)):
        return msgspec.field(default_factory=lambda: type(value)(value))  # pyright: ignore[reportUnknownLambdaType]
    return value


def _shorten(node: Any) -> Any:
    """Leave out what tells a model nothing: titles, empty defaults, long forms of `X or null`."""
    if isinstance(node, list):
        return [_shorten(item) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    schema: dict[str, Any] = {}
    for key, value in cast("dict[str, Any]", node).items():
        if key == "properties":  # names of arguments, which may be those of keywords
            schema[key] = {name: _shorten(part) for name, part in value.items()}
        elif key not in ("title", "default", "enum", "const"):
            schema[key] = _shorten(value)
        elif key != "title":
            schema[key] = value
    if "default" in schema and schema["default"] in (None, "", [], {}):
        del schema["default"]
    if schema.get("required") == []:
        del schema["required"]
    values = schema.get("enum")
    if values and all(isinstance(value, str) for value in values):
        schema = {"type": "string", **schema}  # some servers insist on it
    options = schema.get("anyOf")
    if options and all(isinstance(o, dict) and set(cast("dict[str, Any]", o)) == {"type"} for o in options):
        del schema["anyOf"]
        schema["type"] = [option["type"] for option in options]
    return schema


def _plain(message: str) -> str:
    message = re.sub(r" - at `\$\.?(.*?)`$", r" (at \1)", message).replace("`", "")
    return message + "."
