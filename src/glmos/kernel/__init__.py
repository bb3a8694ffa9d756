"""The pure machine: what has happened (`fold`) and what should happen next (`decide`).

No input or output, no clock, no chance. The runtime above feeds it events and carries out its effects; `abi` below
declares both.
"""
