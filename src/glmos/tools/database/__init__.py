"""The `database` tool: SQL on databases that the person has named, SQLite files and PostgreSQL servers.

    tool        actions, what a model reads, probing
    sources     `[databases.NAME]` of the settings
    statements  SQL taken apart far enough to refuse what does not belong
    engine      what both engines do, and the thread they do it in
    sqlite      transactions, and their inverse as changesets
    postgresql  sessions and transactions; `images` has the inverse as images of rows

A transaction writes the name of its call beside its changes, so that after a crash it is certain whether it happened.
"""
