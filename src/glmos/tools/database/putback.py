"""Taking a PostgreSQL transaction back: its changes are gone through backwards.

Before, the balance of the images says which rows must be there now, and as they were left; a row that is not stops the
whole. Afterwards every row must be as it was, and no other may have moved: what somebody else did since is never touched.
"""

from collections import Counter, deque
from collections.abc import Sequence
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from glmos.tools.database import images_sql
from glmos.tools.database.engine import MAX_CONFLICTS
from glmos.tools.database.images import Db, Images, Missed, name_of, value
from glmos.tools.declare import ToolFailed


class _Target(NamedTuple):
    """A table whose rows are to be put back."""

    relation: int
    table: sql.Composable
    shown: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    """Those that can be written when a row is added."""
    settable: tuple[str, ...]
    """Those that can be written when a row is changed."""


def put_back(db: Db, changes: Sequence[Sequence[Any]]) -> tuple[Jsonb, dict[str, int]]:
    """Undo changes that `taken` gave, inside the caller's transaction; give what that changed.

    Raises: ToolFailed with the rows that have changed since; then the transaction must be rolled back.
    """
    db.execute("SET CONSTRAINTS ALL DEFERRED")
    targets = _targets(db, changes)
    with Images(db, {target.relation for target in targets}) as images:
        quiet = [trigger for target in targets for trigger in _hush(db, target)]
        path = value(db, "SHOW search_path")
        for statement in images_sql.EXACT:
            db.execute(statement)
        conflicts = [text for target in targets for text in _conflicts(db, target)]
        if conflicts:
            more = "; and more" if len(conflicts) > MAX_CONFLICTS else ""
            listed = "; ".join(conflicts[:MAX_CONFLICTS])
            raise ToolFailed("failed", f"nothing was taken back, because rows have changed since: {listed}{more}")
        _go_back(db, targets, changes)
        try:
            back, tables = images.taken()
        except Missed as missed:
            names = ", ".join(str(value(db, "SELECT %s::regclass::text", x)) for x in missed.relations)
            raise ToolFailed("failed", f"nothing was taken back, because rows of {names} would change too") from None
        unlike = value(db, images_sql.UNLIKE)
        if unlike:
            raise ToolFailed(
                "failed", f"nothing was taken back: {unlike} rows would not be as they were (a trigger or rule changes "
                "what is written, or others refer to them)",
            )  # fmt: skip
        value(db, "SELECT set_config('search_path', %s, true)", path)
        for statement in quiet:
            db.execute(statement)
    return back, tables


def _targets(db: Db, changes: Sequence[Sequence[Any]]) -> list[_Target]:
    for statement in images_sql.BACK:
        db.execute(statement)
    found: list[_Target] = []
    for shown in dict.fromkeys(str(change[0]) for change in changes):
        relation = value(db, "SELECT to_regclass(%s)::oid", shown)
        if relation is None:
            raise ToolFailed("failed", f"nothing was taken back, because the table {shown} is gone")
        balance: Counter[str] = Counter()
        for name, before, after in changes:
            if name == shown:
                balance.update([before] if before is not None else [])
                balance.subtract([after] if after is not None else [])
        with db.cursor().copy("COPY pg_temp.glmos_wanted FROM STDIN") as copy:
            for image, n in balance.items():
                if n:
                    copy.write_row((relation, image, n))
        table = name_of(db, relation)
        try:
            readable = sql.SQL("SELECT count(image::{}) FROM pg_temp.glmos_wanted WHERE relation = {}")
            db.execute(readable.format(table, sql.Literal(relation)))
        except psycopg.DataError:
            raise ToolFailed("failed", f"nothing was taken back, because the table {shown} is not as it was") from None
        key = tuple(name for (name,) in db.execute(images_sql.KEY_OF, (relation,)))
        columns = db.execute(images_sql.COLUMNS_OF, (relation,)).fetchall()
        written = tuple(name for name, _ in columns)
        settable = tuple(name for name, identity in columns if identity != "a")
        found.append(_Target(relation, table, shown, key, written, settable))
    return found


def _hush(db: Db, target: _Target) -> list[sql.Composed]:
    """Keep the table's own triggers from changing what is put back; give what wakes them again.

    Only its owner may; for others the comparison at the end decides.
    """
    wake: list[sql.Composed] = []
    db.execute("SAVEPOINT glmos_hush")
    try:
        for name, state in db.execute(images_sql.TRIGGERS_OF, (target.relation,)).fetchall():
            always = sql.SQL("ALWAYS " if state == "A" else "")
            parts = {"table": target.table, "name": sql.Identifier(name), "always": always}
            db.execute(sql.SQL("ALTER TABLE {table} DISABLE TRIGGER {name}").format(**parts))
            wake.append(sql.SQL("ALTER TABLE {table} ENABLE {always}TRIGGER {name}").format(**parts))
    except psycopg.errors.InsufficientPrivilege:
        db.execute("ROLLBACK TO SAVEPOINT glmos_hush")
        return []
    return wake


def _conflicts(db: Db, target: _Target) -> list[str]:
    """Rows that are not there any more as the transaction left them, or whose key others have taken."""
    parts = {"table": target.table, "relation": sql.Literal(target.relation), "most": sql.Literal(MAX_CONFLICTS + 1)}
    if not target.key:
        found = db.execute(sql.SQL(images_sql.LOST_WITHOUT_KEY).format(**parts)).fetchall()
        return [f"{target.shown} {image[:80]} was changed or deleted since" for (image,) in found]
    parts |= _keys(target)
    lost = db.execute(sql.SQL(images_sql.LOST).format(**parts)).fetchall()
    taken = db.execute(sql.SQL(images_sql.TAKEN).format(**parts)).fetchall()
    return [
        *(f"{target.shown} {key[:80]} was {'deleted' if now is None else 'changed'} since" for key, now in lost),
        *(f"{target.shown} {key[:80]} was added since" for (key,) in taken),
    ]


def _keys(target: _Target, image: LiteralString = "image") -> dict[str, sql.Composable]:
    """The key of a row of the table, and of an image of one (`w`, and `e` for another)."""
    names = [sql.Identifier(name) for name in target.key]
    of_row = sql.SQL(", ").join(sql.SQL("glmos_row.{}").format(name) for name in names)
    one = sql.SQL("({}." + image + "::{}).{}")
    of_image = sql.SQL(", ").join(one.format(sql.SQL("w"), target.table, name) for name in names)
    of_other = sql.SQL(", ").join(one.format(sql.SQL("e"), target.table, name) for name in names)
    each = {"of_row": of_row, "of_image": of_image, "of_other": of_other}
    return {name: sql.SQL("({})").format(part) for name, part in each.items()}


class _Run(NamedTuple):
    """Changes that can be taken back by one statement, as one made them or could have: of one table, of one kind, and no
    row is in there twice."""

    target: _Target
    first: int
    end: int
    """The place after the last."""


def _runs(targets: Sequence[_Target], changes: Sequence[Sequence[Any]]) -> list[_Run]:
    by_name = {target.shown: target for target in targets}
    runs: list[_Run] = []
    kind, seen = ("", False, False), set[str]()
    for place, (table, before, after) in enumerate(changes):
        now = (table, before is None, after is None)
        if now != kind or before in seen or after in seen:
            runs.append(_Run(by_name[table], place, place))
            kind, seen = now, set[str]()
        if after is not None and before is not None:
            seen |= {before, after}
        runs[-1] = runs[-1]._replace(end=place + 1)
    return runs


def _go_back(db: Db, targets: Sequence[_Target], changes: Sequence[Sequence[Any]]) -> None:
    """Take the changes back, the last one first.

    What a rule forbids waits for others: the rows of a cascade are noted after the row that set it off. What went before
    with the same row waits with it.
    """
    with db.cursor().copy("COPY pg_temp.glmos_back FROM STDIN") as copy:
        for place, (_, before, after) in enumerate(changes):
            copy.write_row((place, before, after))
    todo = _runs(targets, changes)[::-1]
    while todo:
        later: list[_Run] = []
        blocked: set[tuple[str, Any]] = set()
        problem, done = "", 0
        queue = deque(todo)
        while queue:
            run = queue.popleft()
            rows = changes[run.first : run.end]
            waits = any((table, after) in blocked for table, _, after in rows)
            said = "" if waits else _tried(db, _statement(run, rows[0]))
            if said and len(rows) > 1:  # the order may matter where a rule looks at each row
                queue.extendleft(run._replace(first=place, end=place + 1) for place in range(run.first, run.end))
            elif waits or said:
                problem = said or problem
                later.append(run)
                blocked |= {(table, before) for table, before, _ in rows if before is not None}
            else:
                done += 1
        if not done:
            raise ToolFailed("failed", f"nothing was taken back, because rows have changed since: {problem}")
        todo = later


def _statement(run: _Run, change: Sequence[Any]) -> sql.Composed:
    target, (_, before, after) = run.target, change
    if after is None:
        query = images_sql.ADD
    elif before is None:
        query = images_sql.REMOVE if target.key else images_sql.REMOVE_WITHOUT_KEY
    else:
        query = images_sql.CHANGE if target.key else images_sql.CHANGE_WITHOUT_KEY
    names = [sql.Identifier(name) for name in (target.columns if after is None else target.settable)]
    values = [sql.SQL("(w.before::{}).{}").format(target.table, name) for name in names]
    sets = [sql.SQL("{} = {}").format(name, value) for name, value in zip(names, values, strict=True)]
    return sql.SQL(query).format(
        table=target.table, first=sql.Literal(run.first), end=sql.Literal(run.end), columns=sql.SQL(", ").join(names),
        values=sql.SQL(", ").join(values), sets=sql.SQL(", ").join(sets), **_keys(target, "after"),
    )  # fmt: skip


def _tried(db: Db, statement: sql.Composed) -> str:
    """What rule of a table forbids it, if one does; then nothing was done."""
    db.execute("SAVEPOINT glmos_step")
    try:
        db.execute(statement)
    except psycopg.IntegrityError as error:
        db.execute("ROLLBACK TO SAVEPOINT glmos_step")
        return error.diag.message_primary or "a rule of its table"
    return ""
