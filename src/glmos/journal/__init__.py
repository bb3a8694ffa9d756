"""The durable record: an append-only log per process, its listing, snapshots, and payloads beside it.

Above: the kernel folds these logs, `runtime` appends to them. Below: files. The port is `glmos.ports.Store`; who
implements it stands in `stores`, and only `boot` and `testing` choose one.

    codec     events to JSON and back; what may be appended at all
    blobs     large payloads, content-addressed and compressed
    lock      one owner per home
    failures  what the operating system and SQLite report, in one sentence for a person
    stores    `SqliteStore` (one file, durable at commit), `RamStore` (tests and simulation)
"""
