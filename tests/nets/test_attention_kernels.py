"""Contract of avgen.nets.attention_kernels: fused and in pieces give the numbers and gradients of the equations."""

import pytest
import torch

from avgen.nets import attention_kernels
from avgen.nets.attention_kernels import attend_fused, attend_in_pieces, attend_written_out, map_bytes


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def off(got, want):
    "How far `got` is from `want`, relative to its length."
    return ((got.double() - want).norm() / want.norm().clamp_min(1e-3)).item()


def gradients(function, *inputs):
    inputs = [t.detach().clone().requires_grad_() for t in inputs]
    out = function(*inputs)
    cotangent = torch.randn(out.shape, generator=torch.Generator().manual_seed(9))
    return [out.detach(), *torch.autograd.grad((out * cotangent).sum(), inputs)]


@pytest.fixture(params=[0, 2**21], ids=["kernel", "small maps written out"])
def small_map(request, monkeypatch):
    "Both ways of `attend_fused`: the kernel for every size, and small maps written out."
    monkeypatch.setattr(attention_kernels, "SMALL_MAP", request.param)


@pytest.mark.usefixtures("small_map")
@pytest.mark.parametrize(
    "queries, keys, width, values",
    [(1024, 1024, 8, 64), (1024, 256, 8, 32), (64, 16, 2, 8), (35, 6, 1, 1), (16, 16, 64, 32)],
)
def test_fused_kernel_equals_the_equations(queries, keys, width, values):
    # Scores of unit size, in double precision as the judge: both float32 forms must lie within 1e-5 of it.
    q, k, v = torch.randn(1, queries, width) / width**0.5, torch.randn(1, keys, width), torch.randn(1, keys, values)
    exact = gradients(attend_written_out, q.double(), k.double(), v.double())
    for form in (attend_fused, attend_written_out):
        for got, want in zip(gradients(form, q, k, v), exact):
            torch.testing.assert_close(got.double(), want, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "samples, queries, keys, width, values, piece",
    [(3, 1024, 1024, 8, 64, 2**20), (5, 256, 64, 4, 12, 2**15), (2, 35, 6, 1, 1, 1), (4, 16, 16, 64, 32, 2**20)],
)
def test_pieces_are_as_near_to_the_equations_as_bfloat16_is(samples, queries, keys, width, values, piece, monkeypatch):
    # Far from zero on purpose: what all keys and all values share must not cost digits.
    monkeypatch.setattr(attention_kernels, "PIECE", piece)
    q, k, v = (
        t.bfloat16()
        for t in (
            torch.randn(samples, queries, width) / width**0.5,
            torch.randn(samples, keys, width) + 2,
            torch.randn(samples, keys, values) + 2,
        )
    )
    exact, rounded = (
        gradients(attend_written_out, *(t.to(kind) for t in (q, k, v))) for kind in (torch.float64, torch.bfloat16)
    )
    for got, plain, want in zip(gradients(attend_in_pieces, q, k, v), rounded, exact):
        assert got.dtype == torch.bfloat16 and off(got, want) <= max(1.5 * off(plain, want), 0.01)


@pytest.mark.parametrize("length", [3.0, 30.0, 300.0])
def test_pieces_bear_scores_of_any_size(length):
    # Small scores go through the exponential alone, large ones through the softmax: neither overflows.
    q, k, v = (t.bfloat16() for t in (length * torch.randn(2, 48, 4), torch.randn(2, 40, 4), torch.randn(2, 40, 12)))
    exact, rounded = (
        gradients(attend_written_out, *(t.to(kind) for t in (q, k, v))) for kind in (torch.float64, torch.bfloat16)
    )
    for got, plain, want in zip(gradients(attend_in_pieces, q, k, v), rounded, exact):
        assert got.isfinite().all() and off(got, want) <= max(1.5 * off(plain, want), 0.01)


def test_pieces_are_taken_for_large_maps_in_bfloat16_on_a_cpu_only(monkeypatch):
    taken = []
    monkeypatch.setattr(
        attention_kernels, "attend_in_pieces", lambda q, k, v: taken.append(q.dtype) or attend_written_out(q, k, v)
    )
    q, v = torch.randn(3, 1024, 8), torch.randn(3, 1024, 64)
    attend_fused(q, q, v)
    attend_fused(q[:1].bfloat16(), q[:1].bfloat16(), v[:1].bfloat16())
    assert not taken
    attend_fused(q.bfloat16(), q.bfloat16(), v.bfloat16())
    assert taken == [torch.bfloat16]


def test_a_gradient_of_a_gradient_where_maps_are_large():
    from avgen.nets.attention_kernels import twice_differentiable

    q, k, v = (torch.randn(3, 1024, 4, requires_grad=True) for _ in range(3))
    with twice_differentiable():
        out = attend_fused(q, k, v)
    torch.testing.assert_close(out, attend_fused(q, k, v), atol=1e-5, rtol=1e-4)
    (slope,) = torch.autograd.grad(out.square().sum(), q, create_graph=True)
    slope.square().sum().backward()
    assert all(x.grad.abs().sum() > 0 for x in (q, k, v))


def test_memory_is_known_before():
    assert map_bytes((32, 32), (32, 32)) == 4 * 2**20 and map_bytes((32, 32), (16, 16), samples=64) == 64 * 2**20
    assert map_bytes((32, 32), (32, 32), 2, 8) == 65536
