"""Sound: waveforms, files, resampling, log-mel features."""
