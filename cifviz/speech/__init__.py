"""What an alignment is heard against: audio, time-stamped tokens, data sets."""
