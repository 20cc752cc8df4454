"""Contract of avgen.bench.logmel: all libraries give the same numbers."""

import pytest
import torch

from avgen.bench.logmel import LOGMELS, logmel_function


@pytest.mark.parametrize("which", LOGMELS)
def test_all_log_mels_make_the_same(which):
    if which == "nnAudio":
        pytest.importorskip("nnAudio")
    ours, theirs = logmel_function("ours", 2)(), torch.as_tensor(logmel_function(which, 2)())
    torch.testing.assert_close(theirs, ours, rtol=1e-3, atol=1e-3)
