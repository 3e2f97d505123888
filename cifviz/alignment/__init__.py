"""Tokens in time: alignments, and how boundaries are read off weights."""
