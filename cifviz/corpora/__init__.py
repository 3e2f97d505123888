"""Data sets: clips and feature excerpts that ship with the library, corpora found on disk."""
