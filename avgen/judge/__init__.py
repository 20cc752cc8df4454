"""What a run is worth: evaluators trained on real pairs, measures with intervals, and what attention finds.

`evaluation.evaluate` is where to begin; `evaluator` is its judge, `measures` holds the formulas and `scoring` chooses
checkpoints while a run trains. `structure` asks what attention looks at, `poses` what a generated player does.
A new measure belongs in `measures`, with its source. The evaluator never conditions a generator, and never trains on
generated samples.
"""
