"""The programs in /bin: what a process may call. Above are the kernel's door and the runtime that opens it; below are
the ports (`Sandbox`) and plain data (`abi`). Tools never import the kernel.

`declare` turns a typed function or class into a tool; `registry` finds tools by name.
"""
