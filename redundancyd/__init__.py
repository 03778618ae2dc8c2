"""redundancyd decides which of two telephone systems carries the traffic, and sees to it."""

__version__ = "0.1.0"
