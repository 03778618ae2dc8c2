"""The core, tried as plain functions on a table top."""
