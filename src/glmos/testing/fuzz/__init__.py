"""Fuzzing: hostile inputs for every door of the system, and what must hold whatever comes in.

inputs    strategies for text, JSON, replies and events
worlds    the kernel in a world that answers from a draw
replies   endpoints, streams, calls       kernels   codec, fold, decisions, checks       doors   files, sockets, output
targets   all of them in one table
"""
