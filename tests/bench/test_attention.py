"""Contract of avgen.bench.attention: the plain block is attention."""

import pytest
import torch

from avgen.bench.attention import PlainAttention


@pytest.mark.parametrize("pooled", [False, True])
def test_the_plain_block_is_attention(pooled):
    block, x = PlainAttention(16, pooled), torch.randn(2, 16, 8, 8)
    assert torch.equal(block(x), x)  # gamma = 0
    block.gamma.data.fill_(1.0)
    assert block(x).shape == x.shape and not torch.equal(block(x), x)
