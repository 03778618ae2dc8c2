"""Explorations and seeds together enter every branch of the decision, or somebody says why none can."""
