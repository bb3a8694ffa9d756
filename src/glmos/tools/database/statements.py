"""SQL taken apart far enough to refuse what does not belong: one statement, of a kind that the action is for.

The engines refuse by themselves what must not be (read-only transactions, authorizers, prepared statements that hold
one statement only); what is refused here gets a sentence that a model can act on.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Literal

from glmos.tools.declare import ToolFailed

if TYPE_CHECKING:
    from sqlglot.tokens import Token  # pyright: ignore[reportPrivateImportUsage]

Dialect = Literal["sqlite", "postgres"]

READS = ("SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN", "SHOW")
CHANGES = ("INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "REPLACE")
STRUCTURE = (
    *CHANGES,
    "CREATE",
    "ALTER",
    "DROP",
    "TRUNCATE",
    "COMMENT",
    "GRANT",
    "REVOKE",
    "REFRESH",
    "REINDEX",
    "ANALYZE",
)
OURS = "glmos_calls"
"""The table in which transactions leave the name of their call."""
_LONGEST = 200_000
_REACH_OUT = (
    "load_extension", "fts3_tokenizer", "pg_terminate_backend", "pg_cancel_backend", "pg_notify", "pg_read_file",
    "pg_read_binary_file", "pg_ls_dir", "pg_stat_file", "pg_reload_conf", "pg_sleep_until", "set_config", "dblink",
    "dblink_exec", "dblink_connect", "lo_import", "lo_export", "lo_create", "lo_from_bytea", "lo_put", "lo_unlink",
    "query_to_xml", "query_to_xml_and_xmlschema", "query_to_xmlschema", "cursor_to_xml", "database_to_xml",
    "schema_to_xml", "table_to_xml", "ts_stat", "pg_advisory_lock", "pg_logical_emit_message",
)  # fmt: skip
"""Functions that do more than compute. A role that may call others that do is the person's to choose."""


def one(sql: str, dialect: Dialect, allowed: Collection[str], instead: str) -> str:
    """The statement without what follows it.

    Args:
        allowed: First words.
        instead: What to do about a statement that begins otherwise.

    Raises: ToolFailed.
    """
    if len(sql) > _LONGEST:
        raise ToolFailed("too_large", f"A statement may have {_LONGEST} characters; this one has {len(sql)}.")
    from sqlglot.tokens import TokenType  # pyright: ignore[reportPrivateImportUsage]

    tokens = _tokens(sql, dialect)
    ends = [i for i, token in enumerate(tokens) if token.token_type == TokenType.SEMICOLON]
    body = tokens[: ends[0]] if ends else tokens
    if not body:
        raise ToolFailed("bad_arguments", "The statement is empty.")
    if ends and len(tokens) > ends[0] + len(ends):
        raise ToolFailed("bad_arguments", "Give one statement at a time: something follows the ';'.")
    first = next((token.text.upper() for token in body if token.token_type != TokenType.L_PAREN), "")
    if first not in allowed:
        raise ToolFailed("denied", f"A statement that begins with {first[:40]} cannot be run here: {instead}.")
    _refuse_reaching_out(body, dialect)
    return sql[body[0].start : body[-1].end + 1]


def targets(sql: str, dialect: Dialect) -> list[str]:
    """The tables that a statement seems to write to, as it names them; for a first guess only."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        tree = sqlglot.parse_one(sql, read=dialect)
    except (SqlglotError, RecursionError):
        return []
    found: list[str] = []
    for node in tree.find_all(exp.Insert, exp.Update, exp.Delete, exp.Merge):
        table: exp.Table | None = node.this.find(exp.Table) if node.this is not None else None
        if table is not None:
            parts = [part for part in (table.args.get("db"), table.this) if isinstance(part, exp.Identifier)]
            found.append(".".join(part.sql(dialect=dialect) for part in parts))
    return found


def _tokens(sql: str, dialect: Dialect) -> "list[Token]":
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        return sqlglot.tokenize(sql, read=dialect)
    except (SqlglotError, RecursionError) as error:
        raise ToolFailed("bad_arguments", f"The statement cannot be read as SQL: {str(error)[:300]}") from None


def _refuse_reaching_out(tokens: "Sequence[Token]", dialect: Dialect) -> None:
    from sqlglot.tokens import TokenType  # pyright: ignore[reportPrivateImportUsage]

    for before, token in zip([None, *tokens], tokens, strict=False):
        name = token.text.casefold()
        if token.token_type == TokenType.STRING:
            if before is not None and before.token_type == TokenType.COMMAND:  # EXPLAIN: the rest comes as one token
                _refuse_reaching_out(_tokens(token.text, dialect), dialect)
            continue
        if name == OURS:
            raise ToolFailed("denied", f"The table {OURS} is the system's own: leave it alone.")
        if name in _REACH_OUT:
            raise ToolFailed("denied", f"The function {name} does more than compute and may not be called here.")
        if token.token_type == TokenType.IDENTIFIER and before is not None and before.text == "&":
            raise ToolFailed("denied", 'Write names as they are, not with escapes (U&"...").')
