"""One module a verb, each with a click command named `command`, which imports what costs time when called."""
