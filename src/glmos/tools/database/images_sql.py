"""The statements of `images`. Names in braces are filled in with quoted names of the table at hand.

Temporary, for one transaction: `glmos_changes` holds each change as it happens, `glmos_balance` what they come to. To take
changes back, `glmos_back` holds them and `glmos_wanted` the balance that is wanted. Above: `images`.
"""

from typing import LiteralString

EXACT: tuple[LiteralString, ...] = (
    "SET LOCAL search_path = pg_catalog", "SET LOCAL TimeZone = 'UTC'", "SET LOCAL DateStyle = 'ISO, YMD'",
    "SET LOCAL IntervalStyle = 'postgres'", "SET LOCAL extra_float_digits = 1", "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL lc_monetary = 'C'",
)  # fmt: skip
"""So that a row is always written the same way: as the function below has it."""

CAPTURE: tuple[LiteralString, ...] = (
    "CREATE TEMP TABLE glmos_changes (number bigint, relation oid, before text, after text) ON COMMIT DROP",
    "CREATE TEMP SEQUENCE glmos_count",
    """
    CREATE TEMP VIEW glmos_balance AS
        SELECT relation, image, sum(n)::int AS n FROM (
            SELECT relation, before AS image, -1 AS n FROM pg_temp.glmos_changes
            UNION ALL SELECT relation, after, 1 FROM pg_temp.glmos_changes) images
        WHERE image IS NOT NULL GROUP BY relation, image HAVING sum(n) <> 0
    """,
    """
    CREATE FUNCTION pg_temp.glmos_capture() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = pg_catalog SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' SET IntervalStyle = 'postgres'
        SET extra_float_digits = 1 SET bytea_output = 'hex' SET lc_monetary = 'C' AS $glmos$
    BEGIN
        IF TG_OP = 'UPDATE' AND OLD IS NOT DISTINCT FROM NEW AND OLD::text = NEW::text THEN
            RETURN NULL;
        END IF;
        IF nextval('pg_temp.glmos_count') > 200000 THEN
            RAISE EXCEPTION 'that changes more rows than can be taken back; see execute_ddl'
                USING ERRCODE = 'program_limit_exceeded';
        END IF;
        INSERT INTO pg_temp.glmos_changes VALUES (currval('pg_temp.glmos_count'), TG_RELID,
            CASE WHEN TG_OP <> 'INSERT' THEN OLD::text END, CASE WHEN TG_OP <> 'DELETE' THEN NEW::text END);
        RETURN NULL;
    END $glmos$
    """,
)

COUNTS = """
    SELECT s.relid, s.n_tup_ins + s.n_tup_upd + s.n_tup_del FROM pg_stat_xact_user_tables s
    JOIN pg_class c ON c.oid = s.relid
    WHERE c.relpersistence <> 't' AND s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0
"""

SHAPE = """
    SELECT md5(coalesce(string_agg(concat_ws(' ', oid, relname, relnamespace, relnatts, relfilenode, relkind), ','
        ORDER BY oid), '')) FROM pg_class WHERE relpersistence <> 't'
"""

SIZE = """
    SELECT count(*), coalesce(sum(coalesce(length(before), 0) + coalesce(length(after), 0)), 0) FROM pg_temp.glmos_changes
"""

CHANGES = """
    SELECT format('%I.%I', nspname, relname), before, after
    FROM pg_temp.glmos_changes ch JOIN pg_class c ON c.oid = ch.relation JOIN pg_namespace s ON s.oid = c.relnamespace
    ORDER BY number
"""

TOUCHED = """
    SELECT relation::regclass::text,
        greatest(coalesce(sum(n) FILTER (WHERE n > 0), 0), coalesce(-sum(n) FILTER (WHERE n < 0), 0))::int
    FROM pg_temp.glmos_balance GROUP BY relation ORDER BY 1
"""

BACK: tuple[LiteralString, ...] = (
    "CREATE TEMP TABLE glmos_wanted (relation oid, image text, n int) ON COMMIT DROP",
    "CREATE TEMP TABLE glmos_back (number int PRIMARY KEY, before text, after text) ON COMMIT DROP",
)

UNLIKE = """
    SELECT count(*) FROM (
        SELECT 1 FROM (
            SELECT relation, image, n FROM pg_temp.glmos_balance
            UNION ALL SELECT relation, image, -n FROM pg_temp.glmos_wanted) both_sides
        GROUP BY relation, image HAVING sum(n) <> 0) unlike
"""

KEY_OF = """
    SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = %s AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum)
"""

COLUMNS_OF = """
    SELECT attname, attidentity FROM pg_attribute
    WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""

TRIGGERS_OF = """
    SELECT tgname, tgenabled FROM pg_trigger
    WHERE tgrelid = %s AND NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgname <> 'zz_glmos_capture'
"""

# Looking first: of `glmos_wanted w`, n < 0 is a row that is there and has to go, n > 0 one that has to come back. `e` is
# another one with the same key: then the row stays, changed.

LOST: LiteralString = """
    SELECT {of_image}::text, (glmos_row.*)::text FROM pg_temp.glmos_wanted w
    LEFT JOIN ONLY {table} glmos_row ON {of_row} = {of_image}
    WHERE w.relation = {relation} AND w.n < 0 AND (glmos_row.*)::text IS DISTINCT FROM w.image LIMIT {most}
"""

TAKEN: LiteralString = """
    SELECT {of_image}::text FROM pg_temp.glmos_wanted w JOIN ONLY {table} glmos_row ON {of_row} = {of_image}
    WHERE w.relation = {relation} AND w.n > 0 AND NOT EXISTS (
        SELECT 1 FROM pg_temp.glmos_wanted e WHERE e.relation = w.relation AND e.n < 0 AND {of_other} = {of_image})
    LIMIT {most}
"""

LOST_WITHOUT_KEY: LiteralString = """
    SELECT w.image FROM pg_temp.glmos_wanted w LEFT JOIN (
        SELECT (glmos_row.*)::text AS image, count(*) AS n FROM ONLY {table} glmos_row
        WHERE (glmos_row.*)::text IN (SELECT image FROM pg_temp.glmos_wanted WHERE relation = {relation} AND n < 0)
        GROUP BY 1
    ) there ON there.image = w.image
    WHERE w.relation = {relation} AND w.n < 0 AND coalesce(there.n, 0) < -w.n LIMIT {most}
"""

# Going back: of `glmos_back w`, `after` is what the row is now and `before` what it is to be. Rows without a key are told
# apart by their place; of equal ones any will do.

REMOVE: LiteralString = """
    DELETE FROM ONLY {table} glmos_row USING pg_temp.glmos_back w
    WHERE w.number >= {first} AND w.number < {end} AND {of_row} = {of_image}
"""

CHANGE: LiteralString = """
    UPDATE ONLY {table} glmos_row SET {sets} FROM pg_temp.glmos_back w
    WHERE w.number >= {first} AND w.number < {end} AND {of_row} = {of_image}
"""

ADD: LiteralString = """
    INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE
    SELECT {values} FROM pg_temp.glmos_back w WHERE w.number >= {first} AND w.number < {end}
"""

_PLACED: LiteralString = """
    (SELECT glmos_row.ctid AS place, (glmos_row.*)::text AS image,
        row_number() OVER (PARTITION BY (glmos_row.*)::text) AS nth
    FROM ONLY {table} glmos_row
    WHERE (glmos_row.*)::text IN (SELECT after FROM pg_temp.glmos_back WHERE number >= {first} AND number < {end})) there
    JOIN (SELECT *, row_number() OVER (PARTITION BY after ORDER BY number) AS nth FROM pg_temp.glmos_back
        WHERE number >= {first} AND number < {end}) w ON w.after = there.image AND w.nth = there.nth
"""

REMOVE_WITHOUT_KEY: LiteralString = f"""
    DELETE FROM ONLY {{table}} WHERE ctid IN (SELECT there.place FROM {_PLACED})
"""

CHANGE_WITHOUT_KEY: LiteralString = f"""
    UPDATE ONLY {{table}} glmos_row SET {{sets}} FROM (SELECT there.place, w.before FROM {_PLACED}) w
    WHERE glmos_row.ctid = w.place
"""
