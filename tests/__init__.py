"""The tests: one folder per package of the source, and scenarios, e2e, faults and architecture."""
