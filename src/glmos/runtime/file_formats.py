"""The script that looks at a file inside the sandbox and says whether it is what its format promises.

It runs in the sandbox because the file is the doer's: a parser must not meet it on the host.
"""

FORMAT_SCRIPT = r"""
import json, os, sys
path, kind, least = sys.argv[1], sys.argv[2], int(sys.argv[3])


def no(why):
    print(why)
    sys.exit(3)


def text():
    with open(path, encoding="utf-8") as file:
        return file.read()


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
