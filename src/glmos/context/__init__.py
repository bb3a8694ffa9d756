"""From the log to a prompt: a function of what has happened, and of nothing else.

Each prompt begins with the bytes of the one before it, because providers cache prefixes: a head that never changes, then
the events in order. Above: `runtime`, which sends what is made here. Below: `abi`.
"""
