"""CIF itself: torch only, no audio, no plots."""
