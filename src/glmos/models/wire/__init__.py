"""Wire protocols: building a request body and reading an event stream. Pure functions and parsers, no sockets."""
