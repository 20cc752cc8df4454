"""What a run is worth: evaluators trained on real pairs, measures with intervals, and what attention finds.

`evaluation.evaluate` is where to begin. The evaluator is never the encoder that conditions a generator. A new measure belongs in
`measures`, with its source.
"""
