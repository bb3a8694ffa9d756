"""Scripts that checks run inside the sandbox.

They run there because the files are the doer's: a parser must not meet them on the host.
"""

ASSERTION_SCRIPT = r"""
import os, sys, traceback


def run(token):
    code = sys.argv[1]
    sys.path.append("")  # last, so that no file of the workspace stands in for a module of Python
    try:
        exec(compile(code, "<check>", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        last = traceback.extract_tb(end.__traceback__)[-1]
        ours = ("<check>", "<frozen", os.path.dirname(os.__file__))  # `unittest.main()` ends so
        if not last.filename.startswith(ours) or "-packages" in last.filename:
            print(f"{last.filename} ended the program before the check was through", file=sys.stderr)
            sys.exit(1)
        if end.code not in (None, 0):
            raise
    except BaseException as error:
        lines = code.splitlines()
        own = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == "<check>"]
        if isinstance(error, SyntaxError) and error.filename == "<check>":
            own = [error.lineno or 1]
        place = own[-1] if own else 0
        at = f" at line {place}: {lines[place - 1].strip()}" if 0 < place <= len(lines) else ""
        print(f"{type(error).__name__}: {error}{at}" if str(error) else f"{type(error).__name__}{at}", file=sys.stderr)
        sys.exit(1)
    sys.stdout.flush()
    sys.stdout.write(token)


run(sys.stdin.read())
"""
"""Argument: the code; standard input: a word that is printed last when the code ran to its end, and not when a module of
the doer ends the program under it. Exits 1 with the error and the line of the code it came from, without the library's
frames."""

PREVIEW_SCRIPT = r"""
import os, sys
path, room = sys.argv[1], int(sys.argv[2])
end = path.rpartition(".")[2].lower()
print(f"{os.path.getsize(path)} bytes" if os.path.isfile(path) else "not a file")
try:
    if end == "xlsx":
        import openpyxl
        for sheet in openpyxl.load_workbook(path, read_only=True, data_only=True):
            rows = list(sheet.iter_rows(values_only=True))
            print(f"sheet {sheet.title!r}: {len(rows)} rows, first and last:")
            for row in rows[:4] + (rows[-3:] if len(rows) > 7 else rows[4:]):
                print("  ", row)
    elif end in ("png", "jpg", "jpeg", "gif", "webp"):
        from PIL import Image
        with Image.open(path) as image:
            colours = image.convert("RGB").resize((64, 64)).getcolors(4096)
            print(f"{image.format} image, {image.width} x {image.height} pixels, {len(colours)} colours at 64 x 64")
    elif end == "parquet":
        import duckdb
        print(duckdb.sql(f"from read_parquet('{path.replace(chr(39), chr(39) * 2)}') limit 5"))
    else:
        with open(path, "rb") as file:
            data = file.read(room)
        text = data.decode("utf-8", "replace")
        print("not text" if "\0" in text or text.count("\ufffd") > len(text) // 20 + 3 else text)
except Exception as error:
    print(f"cannot be read: {type(error).__name__}: {error}")
"""
"""Arguments: path, room in bytes. Prints what a critic should see of a file."""

SEARCH_SCRIPT = r"""
import json, resource, sys
import regex
given = json.load(sys.stdin)
resource.setrlimit(resource.RLIMIT_DATA, (512 << 20, 512 << 20))
try:
    match = regex.search(given["pattern"], given["text"], regex.MULTILINE, timeout=given["seconds"])
except (TimeoutError, MemoryError, RecursionError):
    sys.exit(3)
print(json.dumps(None if match is None else (match.group(1) or "") if match.re.groups else match.group()))
"""
"""Standard input: `{"pattern", "text", "seconds"}`. Prints what was found, as JSON; exits 3 when that is too much work."""

SCHEMA_SCRIPT = r"""
import json, sys, itertools
import jsonschema, referencing
given = json.load(sys.stdin)


def no(why):
    print(why)
    sys.exit(3)


def refuse(constant):
    raise ValueError(f"{constant} is no number of JSON")


try:
    value = json.loads(given["text"], parse_constant=refuse)
except (ValueError, RecursionError) as error:
    no(f"it is not JSON: {error}")
validator = jsonschema.Draft202012Validator(given["schema"], registry=referencing.Registry())
found = list(itertools.islice(validator.iter_errors(value), 5))
if found:
    no("; ".join(f"{error.json_path}: {error.message[:200]}" for error in found))
"""
"""Standard input: `{"schema", "text"}`. Exits 0 (it fits), 3 (it does not, with why), or otherwise (could not tell)."""

FORMAT_SCRIPT = r"""
import json, os, sys
path, kind, least = sys.argv[1], sys.argv[2], int(sys.argv[3])


def no(why):
    print(why)
    sys.exit(3)


def text():
    with open(path, encoding="utf-8") as file:
        return file.read()


here = os.path.realpath(os.getcwd())
if os.path.commonpath([here, os.path.realpath(path)]) != here or os.path.islink(path):
    no(f"{path!r} leads out of the workspace: the file itself must be there")
if not os.path.isfile(path):
    no(f"there is no file {path!r}")
size = os.path.getsize(path)
if size < least:
    no(f"{path!r} has {size} bytes, wanted at least {least}")
try:
    if kind == "json":
        json.loads(text())
    elif kind == "csv":
        import csv
        widths = {len(row) for row in csv.reader(open(path, encoding="utf-8-sig", newline="")) if row}
        if len(widths) != 1:
            no(f"{path!r} has rows of {sorted(widths)[:5]} fields")
    elif kind == "xlsx":
        import openpyxl
        openpyxl.load_workbook(path, read_only=True)
    elif kind == "parquet":
        import duckdb
        duckdb.sql("select count(*) from read_parquet('" + path.replace("'", "''") + "')").fetchall()
    elif kind == "sqlite":
        import sqlite3
        db = sqlite3.connect("file:" + path.replace("?", "%3f").replace("#", "%23") + "?mode=ro", uri=True)
        bad = db.execute("pragma integrity_check").fetchone()[0]
        if bad != "ok":
            no(f"{path!r} is a damaged database: {bad}")
    elif kind in ("png", "pdf", "jpeg"):
        magic = {"png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-", "jpeg": b"\xff\xd8\xff"}[kind]
        with open(path, "rb") as file:
            if not file.read(8).startswith(magic):
                no(f"{path!r} is not a {kind}")
        if kind != "pdf":
            from PIL import Image
            with Image.open(path) as image:
                image.load()
    elif kind == "python":
        compile(text(), path, "exec")
    elif kind == "text":
        text()
    elif kind:
        print(f"the format {kind!r} is not known here")
        sys.exit(4)
except SystemExit:
    raise
except Exception as error:
    no(f"{path!r} is not {kind}: {type(error).__name__}: {error}")
print(f"{path!r} is there ({size} bytes{', ' + kind if kind else ''})")
"""
"""Arguments: path, format, least bytes. Exits 0 (as promised), 3 (not so), or otherwise (could not tell)."""
