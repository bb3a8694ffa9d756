"""Real daemons, killed with `kill -9` where it hurts, and an account kept outside of what their processes did.

    points     the named places at which a daemon can be told to die         daemon    glmosd with such an order
    devices    tools whose effects land outside the home                     outside   where they land, and who counts
    programs   goals that say exactly what must be found at the end          model     a model without memory for them
    home       a home, its daemons and their deaths                          person    sees a goal through all of it
    audit      what must hold when everything has ended                      orphans   programs that should be gone

`tests/crash` and `benchmarks/crashes.py` stand above this.
"""
