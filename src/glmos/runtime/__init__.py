"""Carries effects out and appends what came of them; nothing else changes a process.

`machine` is the process table (with `families`, `accounts` and `alarms`), `process` runs one process, `work_*` carry out
its effects. Below are the kernel, which decides, and the devices, which act; above is `boot`, which puts the parts
together.
"""
