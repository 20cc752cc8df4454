"""Pictures, pairs and batches: everything between a folder on disk and a training step.

`corpora` opens a folder (by way of `layout`, `loading` and `prepared`), `pairs` holds a data set in memory, `batches`
deals it out, with partners that do not belong from `mismatched`; `files` reads and writes single sounds and pictures.
A new corpus belongs here. Nothing in this folder knows what a network looks like.
"""
