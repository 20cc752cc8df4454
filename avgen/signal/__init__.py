"""Sounds as the networks see them: from waveforms to log-mel spectrograms, and back.

`spectrogram` is where to begin; `inversion` is the way back, by `phases` or by the `vocoder`, and `listening` measures
it; `sound` holds one sound that shows itself. Everything here works on tensors and on `SpectrogramConfig`, and imports
nothing of the package but `core`. A new setting of `SpectrogramConfig` needs a default that changes nothing: other
defaults would turn every prepared data set, every checkpoint and the vocoder into others.
"""
