"""The deals of Partner Center: values, rules and the client. Knows nothing of Teams."""
