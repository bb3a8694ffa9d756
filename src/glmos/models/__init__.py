"""Models: from the name a process has for its processor to a driver that answers.

    routes       name -> driver, and why that one              (implements ports.ModelRoutes)
    config       the `[models.NAME]` tables;  surroundings: keys and addresses of those who ask
    discover     which models a server serves, which servers run on this machine;  offers: what those tell of their models
    driver       one endpoint: retries, cuts, limits, cost      (implements ports.ModelDriver)
    wire/        what is sent and how the answer is read: OpenAI-compatible and Anthropic
    profiles     what model families and servers can and cannot do, as data
    prices       dollars, as data
    http         the HTTP client (chosen by measurement, benchmarks/http_clients.py)
    faults       what a refusal means, in one sentence with the way out;  retry: when to ask again;  adapt: without what
    fallback     another model when the first cannot
    limits       concurrency, requests and tokens per minute
    tokens       an upper bound of a prompt's tokens
    transcript, recording, replay   calls written down, and answered from what was written
    nano/        the bundled model;  local/: GLM weights on this machine's disk

Above: `runtime` calls drivers through `ports.ModelDriver`; `boot` builds the routes. Below: `abi`, `ports`.
"""
