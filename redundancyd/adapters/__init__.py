"""Does: one outside thing each, tried once, answered with a value."""
