"""Scenario pages: what happens, and what is to be seen, as text that the lab and the simulator play."""
