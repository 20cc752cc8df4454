"""Pictures, pairs and files: everything between a folder on disk and a batch.

`pairs` holds what a data set is in memory, `corpora` opens folders in Sub-URMP's layout and checks them, `files` reads
single sounds and pictures. A new corpus belongs here. Nothing in this folder knows how a network looks.
"""
