"""Models: from the name a process has for its processor to a driver that answers.

    routes       name -> driver, and why that one              (implements ports.ModelRoutes)
    driver       one endpoint: retries, cuts, limits, cost      (implements ports.ModelDriver)
    wire/        what is sent and how the answer is read: OpenAI-compatible and Anthropic
    profiles     what model families and servers can and cannot do, as data
    prices       dollars, as data
    http         the HTTP client (chosen by measurement, benchmarks/http_clients.py)
    limits       concurrency, requests and tokens per minute
    recording, replay   transcripts: written, and answered from
    nano/        the bundled model

Above: `runtime` calls drivers through `ports.ModelDriver`; `boot` builds the routes. Below: `abi`, `ports`.
"""
