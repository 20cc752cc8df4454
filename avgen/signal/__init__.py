"""Sounds as the networks see them: from waveforms to log-mel spectrograms, and back.

`spectrogram` is where to begin. Everything here works on tensors and on `SpectrogramConfig`, knows nothing of data sets or
networks, and imports nothing of the package but `core`. Change a default of `SpectrogramConfig` and every prepared data
set and checkpoint becomes another one: a new setting needs a default that changes nothing.
"""
