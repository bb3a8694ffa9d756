"""The `tables` tool: SQL over the workspace's CSV, Excel, Parquet, JSON and SQLite files.

Above: `tool`, which runs beside the kernel and only passes messages. Below, everything that touches a file runs inside
the sandbox, in one worker per process:

    tool ── session ──(Unix socket, JSON)── worker ── engine ── catalogue ── sources ── delimited, workbooks, documents
                                                      │                                  └── layout, inference
                                                      └── crosscheck (a second engine), linking (find)

Outside of this package only `tool.Tables` and `same_rows` are of interest.
"""

from glmos.tools.tables.compare import same_rows

__all__ = ["same_rows"]
