"""Decides: values in, values out.  No clock, no socket, no file; only the standard library's value modules."""
