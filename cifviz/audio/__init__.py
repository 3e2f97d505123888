"""Sound: waveforms, files, log-mel features, synthesis."""
