"""What a training run leaves behind: its folder, configuration, checkpoints, log, samples and film.

`run.Run` opens a run folder and does everything that can be done with it; `config` says what it was made from,
`checkpoints` owns the files of weights, `logbook` lists many runs. Nothing here trains: the folder `training` does.
The formats of config.json and of checkpoints are fixed, because old runs must still open.
"""
