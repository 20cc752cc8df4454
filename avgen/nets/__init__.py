"""The parts of networks: attention and its maps, encoders, generators, discriminators, losses.

A system is assembled from these parts; none of them knows any system by name. A new loss or layer belongs here, with the paper
and section it comes from.
"""
