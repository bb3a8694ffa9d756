"""What crosses a boundary: plain, frozen, versioned data and nothing else.

Everything that one part of GLM-OS hands to another, writes to disk or sends over a socket is
declared here. No function in this package does input or output. The JSON these types encode to is
the contract; the codec (msgspec) is replaceable.

`gc=False`: values hold no cycles, so the collector need not walk them (a tenth of a step's CPU, and 16 bytes of each).
"""
