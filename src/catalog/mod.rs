//! What is configured, as values that cannot be wrong: connectors, connections, callers and their kin.
