"""Making data sets: films, recordings and photographs become pairs; corpora are known, checked and cut in shards.

`known_corpora` lists what is known about published corpora, `corpus_check` looks through one, `shards` writes a data
set as Parquet files and a card. Nothing in this folder knows what a network looks like.
"""
