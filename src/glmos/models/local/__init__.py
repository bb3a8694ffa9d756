"""GLM weights that lie on this machine: what they are, and drivers that run them in a process of their own.

    describe    what a folder or file holds, read from it without loading it
    gguf        the head of a GGUF file
    memory      what loading needs, and what is free
    driver      `LocalDriver`, in the daemon, and the `Shelf` of all weights in use
    process     weights that are loaded when they are asked: one call at a time, cancellation, crashes
    child       the operating-system process of the weights, as its parent sees it
    protocol    what the two say to each other
    worker      inside that process: render the prompt, generate, read what was generated
    template    the checkpoint's own chat template
    written     calls, reasoning and text out of what a GLM writes
    engine      what `worker` needs of a library that generates
    torch       generation through transformers
    llama       generation through llama.cpp
    pull        fetch weights from a hub

Nothing here imports torch, transformers or llama.cpp before a model is really used: they come with `glmos[local]`.
"""
