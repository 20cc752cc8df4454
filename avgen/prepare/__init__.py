"""Making data sets: films, recordings and photographs become pairs; corpora are known, checked and cut in shards.

`preparing` is the whole job: it finds films with `labels`, cuts them with `clips` (by way of `video` and `regions`),
finds copies with `recordings`, and writes the layout that `data` opens. `stills` pairs recordings with photographs.
`known_corpora` lists published corpora, `corpus_check` looks through one, `shards` writes a data set as Parquet files.
A new way of reaching pairs belongs here. Nothing in this folder knows what a network looks like.
"""
