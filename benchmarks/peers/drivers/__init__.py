"""One module for each peer, in its own recommended durable set-up. They run in the peers' environments."""
