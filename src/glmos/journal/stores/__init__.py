"""Implementations of `glmos.ports.Store`. Only `boot` and `testing` import from here.

sqlite    `SqliteStore`: a home folder on disk
ram       `RamStore`: memory only, for tests and simulation
writer    the one thread that commits, in groups
feed      who wants to hear of new entries
schema    making, checking and migrating the database file
queries   SQL from named files
"""
