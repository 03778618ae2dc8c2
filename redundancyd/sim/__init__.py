"""Thinks every case through: the real core in a world of values, with faults, orders, kills and a clock of its own."""
