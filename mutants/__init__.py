"""Every rule of the decision and every guard of the LIMs, damaged on purpose: a test or a law must notice."""
