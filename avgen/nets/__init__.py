"""The parts of networks: attention and its maps, encoders, generators, discriminators, losses.

Systems are assembled from these parts; none of them knows any system by name. A new layer or a new form of adversarial
loss belongs here, with the paper and the section that it comes from. The names of parameters are part of old
checkpoints: keep them.
"""
