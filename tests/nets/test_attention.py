"""Contract of avgen.nets.attention: both published forms, fused equals written out, recording, refusals."""

import contextlib
import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from avgen.nets import attention_kernels
from avgen.nets.attention import (
    ATTENTION_FORMS,
    AttentionForm,
    LayerRecorder,
    QueryKeyValue,
    SelfAttention,
    TableRecorder,
    attention_form,
    attention_layers,
    effect_on_output,
    gammas,
    query_positions,
    record_attention,
    without_attention,
)
from avgen.nets.attention_maps import AttentionMap, maps_from_arrays
from avgen.core import InputError
from avgen.signal.representations import torchaudio_cpu
from avgen.signal.sound import Sound
from avgen.signal.spectrogram import SpectrogramConfig


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def opened(channels, form="sa-cmgan", gamma=1.0, **settings):
    layer = SelfAttention(channels, form, **settings)
    with torch.no_grad():
        layer.gamma.fill_(gamma)
    return layer


def network(gamma=0.5):
    net = nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1), SelfAttention(16), nn.Conv2d(16, 32, 4, 2, 1), SelfAttention(32, "sagan")
    )
    for layer in attention_layers(net).values():
        layer.gamma.data.fill_(gamma)
    return net


@pytest.fixture(params=[0, 2**21], ids=["kernel", "small maps written out"])
def small_map(request, monkeypatch):
    "Both ways of `attend_fused`: the kernel for every size, and small maps written out."
    monkeypatch.setattr(attention_kernels, "SMALL_MAP", request.param)


def test_a_layer_trains_in_pieces_under_autocast(monkeypatch):
    monkeypatch.setattr(attention_kernels, "SMALL_MAP", 0)
    layer, x = opened(16, "sagan"), torch.randn(2, 16, 16, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer(x)
    out.square().mean().backward()
    layer.fused = False
    plain = layer(x)
    assert (out - plain).norm() < 0.02 * plain.norm() and all(
        p.grad is not None and p.grad.isfinite().all() for p in layer.parameters()
    )


@pytest.mark.usefixtures("small_map")
@pytest.mark.parametrize("form", ATTENTION_FORMS)
@pytest.mark.parametrize(
    "channels, grid",
    [(64, (32, 32)), (32, (16, 16)), (128, (8, 8)), (16, (4, 4)), (8, (5, 7)), (3, (6, 4)), (1, (2, 2))],
)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_module_fused_equals_written_out(form, channels, grid, mode):
    layer, x = opened(channels, form), torch.randn(2, channels, *grid)
    twin = copy.deepcopy(layer)
    layer.fused, twin.fused = True, False
    results = []
    for module in (layer, twin):
        getattr(module, mode)()
        y = x.clone().requires_grad_()
        out = module(y)
        weight = torch.randn(out.shape, generator=torch.Generator().manual_seed(2)) / out.numel() ** 0.5
        results.append([out.detach(), *torch.autograd.grad((out * weight).sum(), [y, *module.parameters()])])
    for got, want in zip(*results):
        torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-5)


def test_sa_cmgan_form_is_the_published_layer_literally():
    layer, x = opened(16, "sa-cmgan", gamma=0.7).eval(), torch.randn(2, 16, 8, 8)
    for m in layer.modules():
        if isinstance(m, nn.BatchNorm2d):
            for t in (m.running_mean, m.running_var, m.weight.data, m.bias.data):
                t.copy_(torch.rand_like(t) + 0.5)
    norm, start, branches = layer.project.norm, 0, []
    for conv in (layer.project.query, layer.project.key, layer.project.value):
        part = slice(start, start + conv.out_channels)
        y = F.conv2d(F.pad(x, (1, 2, 1, 2)), conv.weight)
        branches.append(
            F.batch_norm(
                y, norm.running_mean[part], norm.running_var[part], norm.weight[part], norm.bias[part], eps=1e-5
            ).relu()
        )
        start = part.stop
    g, f, h = branches
    want = torch.empty_like(x)
    for b in range(2):
        for j in range(64):
            s = torch.stack([f[b].flatten(1)[:, i] @ g[b].flatten(1)[:, j] for i in range(64)])
            want[b].view(16, 64)[:, j] = 0.7 * (h[b].flatten(1) @ s.softmax(0)) + x[b].flatten(1)[:, j]
    assert [t.shape[1] for t in (g, f, h)] == [2, 2, 16]
    torch.testing.assert_close(layer(x), want, atol=1e-5, rtol=1e-4)


def test_sagan_form_is_the_published_layer_literally():
    layer, x = opened(16, "sagan", gamma=-0.3).eval(), torch.randn(2, 16, 8, 6)
    p = layer.project
    theta, phi, g = (
        F.conv2d(x, p.query.weight),
        F.max_pool2d(F.conv2d(x, p.key.weight), 2),
        F.max_pool2d(F.conv2d(x, p.value.weight), 2),
    )
    beta = torch.einsum("bcj,bci->bji", theta.flatten(2), phi.flatten(2)).softmax(-1)
    o = torch.einsum("bji,bci->bcj", beta, g.flatten(2)).view(2, 8, 8, 6)
    torch.testing.assert_close(layer(x), -0.3 * F.conv2d(o, layer.output.weight) + x, atol=1e-5, rtol=1e-4)
    assert phi.shape[2:] == (4, 3) and g.shape[1] == 8
    for conv in (p.query, p.key, p.value, layer.output):
        assert hasattr(conv, "parametrizations") and conv.bias is None


def test_spectral_norm_bounds_the_largest_singular_value():
    layer = SelfAttention(32, "sagan")
    for _ in range(60):
        layer(torch.randn(1, 32, 4, 4))
    for conv in (layer.project.query, layer.project.value, layer.output):
        assert torch.linalg.matrix_norm(conv.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)


def test_same_padding_is_one_before_and_two_after():
    project = QueryKeyValue(1, 1, 1, ATTENTION_FORMS["sa-cmgan"]).eval()
    for conv in (project.query, project.key, project.value):
        with torch.no_grad():
            conv.weight.zero_()[0, 0, 0, 0] = 1.0  # the kernel's first point reads one row up, one column left
    x = torch.rand(1, 1, 5, 5)
    y = project(x)[0]
    torch.testing.assert_close(y[0, 0, 1:, 1:], x[0, 0, :-1, :-1], atol=1e-4, rtol=1e-4)
    assert y[0, 0, 0].abs().max() == 0 and y[0, 0, :, 0].abs().max() == 0


def test_starts_as_identity_and_only_gamma_learns_at_first():
    layer, x = SelfAttention(16), torch.randn(2, 16, 8, 8)
    assert layer.gamma.shape == () and torch.equal(layer(x), x)
    layer(x).square().sum().backward()
    assert layer.gamma.grad.abs() > 0
    assert all(p.grad.abs().max() == 0 for name, p in layer.named_parameters() if name != "gamma")


def test_eval_uses_running_statistics():
    layer, x = opened(16), torch.randn(4, 16, 8, 8)
    for _ in range(3):
        layer(x)
    layer.eval()
    torch.testing.assert_close(
        layer(x)[:1], layer(x[:1]), atol=1e-5, rtol=1e-5
    )  # a sample's output does not depend on its neighbours


@pytest.mark.parametrize("form", ATTENTION_FORMS)
def test_bfloat16_autocast_and_channels_last(form):
    layer, x = opened(64, form), torch.randn(2, 64, 16, 16)
    exact = copy.deepcopy(layer)(x)
    for dtype in (torch.float32, torch.bfloat16):
        twin, y = (
            copy.deepcopy(layer).to(memory_format=torch.channels_last),
            x.to(memory_format=torch.channels_last, dtype=dtype).requires_grad_(),
        )
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = twin(y)
        out.float().square().mean().backward()
        assert out.dtype == dtype and out.is_contiguous(memory_format=torch.channels_last)
        assert all(torch.isfinite(p.grad).all() and p.grad.dtype == torch.float32 for p in twin.parameters())
        assert (out.float() - exact).norm() / exact.norm() < 0.05


def test_channels_last_changes_nothing_but_the_layout():
    layer, x = opened(32).eval(), torch.randn(2, 32, 8, 8)
    torch.testing.assert_close(layer(x), layer(x.to(memory_format=torch.channels_last)), atol=1e-6, rtol=1e-6)


def test_deep_copy_and_state_dict_round_trip():
    for form in ATTENTION_FORMS:
        layer, other = opened(16, form), SelfAttention(16, form)
        x = torch.randn(2, 16, 8, 8)
        layer(x)
        other.load_state_dict(layer.state_dict())
        torch.testing.assert_close(layer.eval()(x), other.eval()(x))
        torch.testing.assert_close(layer(x), copy.deepcopy(layer)(x))


@pytest.mark.parametrize("settings, words", [
    (dict(channels=0), "channels"), (dict(channels=True), "channels"), (dict(channels=8, form="sagan "), "sa-cmgan"),
    (dict(channels=8, reduction=0), "reduction"), (dict(channels=8, pooled="False"), "pooled"),
    (dict(channels=8, spectral_norm=1), "spectral_norm"), (dict(channels=8, fused=None), "fused"),
])  # fmt: skip
def test_wrong_settings_are_refused_by_name(settings, words):
    with pytest.raises(InputError, match=words):
        SelfAttention(**settings)


@pytest.mark.parametrize("form, shape", [("sa-cmgan", (2, 8, 4)), ("sa-cmgan", (2, 4, 8, 8)), ("sagan", (2, 8, 1, 8))])
def test_wrong_inputs_are_refused_with_both_shapes(form, shape):
    with pytest.raises(InputError, match=r"expected \(B, 8, H, W\)"):
        SelfAttention(8, form)(torch.zeros(shape))


def test_forms_can_be_changed_field_by_field():
    assert attention_form("sa-cmgan") == AttentionForm(kernel=4, batch_norm=True)
    pooled = opened(16, "sa-cmgan", pooled=True, spectral_norm=True)
    with record_attention(pooled) as maps:
        assert pooled(torch.randn(2, 16, 8, 8)).shape == (2, 16, 8, 8)
    assert maps["attention"].key_grid == (4, 4) and maps["attention"].query_grid == (8, 8)


def test_recorded_maps_are_those_that_were_used():
    for form in ATTENTION_FORMS:
        layer, x = opened(16, form, gamma=0.5).eval(), torch.randn(3, 16, 8, 8)
        with record_attention(layer) as maps:
            y = layer(x)
        m, v = maps["attention"], layer.project(x)[2]
        assert isinstance(m, AttentionMap) and m.gamma == 0.5
        torch.testing.assert_close(m.weights.sum(2), torch.ones(3, 64))
        o = (m.weights @ v.flatten(2).transpose(1, 2)).transpose(1, 2).unflatten(2, (8, 8))
        if layer.output is not None:
            o = layer.output(o)
        torch.testing.assert_close(y, 0.5 * o + x, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(
            m.effect, (0.5 * o).flatten(1).norm(dim=1) / x.flatten(1).norm(dim=1), atol=1e-5, rtol=1e-4
        )
        assert torch.equal(layer(x), y)  # looking changes nothing


def test_recording_names_layers_and_leaves_nothing_behind():
    net, x, config = network(), torch.randn(4, 1, 32, 32), SpectrogramConfig()
    with record_attention(net, samples=2, config=config, sound=x) as outer:
        with record_attention(net, samples=[3], queries=[0, 5]) as inner:
            net(x)
        assert set(outer) == set(inner) == {"1", "3"}
    assert outer["1"].weights.shape == (2, 256, 256) and outer["3"].weights.shape == (2, 64, 16)
    assert inner["1"].weights.shape == (1, 2, 256) and inner["1"].queries.tolist() == [0, 5]
    torch.testing.assert_close(inner["1"].weights[0], record_all(net, x)["1"].weights[3, [0, 5]])
    assert torch.equal(outer["1"].sound_of(1), x[1]) and outer["3"].config is config
    with pytest.raises(RuntimeError, match="mine"), record_attention(net):
        raise RuntimeError("mine")
    assert not any(layer._recorders for layer in attention_layers(net).values())


def record_all(net, x):
    with record_attention(net) as maps:
        net(x)
    return maps


def test_queries_can_be_points_that_each_layer_places_on_its_own_grid():
    net, x, config = network(), torch.randn(2, 1, 64, 64), SpectrogramConfig()
    with record_attention(net, queries=[(0.1, 440.0), (0.4, 3000.0)], config=config) as maps:
        net(x)
    assert [m.weights.shape[1] for m in maps.values()] == [2, 2]
    assert maps["3"].at(0.4, 3000).shape == (8, 8)
    with record_attention(net, queries=[(0.1, 440.0)]), pytest.raises(InputError, match="config"):
        net(x)
    with record_attention(net, queries=[(0.1, 44000.0)], config=config), pytest.raises(InputError, match="hertz"):
        net(x)


def test_recording_refuses_what_cannot_be():
    net, x = network(), torch.randn(4, 1, 32, 32)
    plain = nn.Linear(1, 1)
    with pytest.raises(InputError, match="no attention weights were heard"), record_attention(plain):
        plain(torch.zeros(1, 1))
    with pytest.raises(InputError, match="'grid'.*know their places"), record_attention(net, grid=(4, 4)):
        pass
    for name, value in (("samples", 5), ("samples", [4]), ("samples", []), ("queries", [256]), ("queries", [])):
        with record_attention(net, **{name: value}), pytest.raises(InputError, match=name):
            net(x)
    with record_attention(net, limit=2**19), pytest.raises(InputError, match="needs 1 MiB"):
        net(x)
    net(x)


def test_recording_is_finite_under_autocast():
    layer, x = opened(32), torch.randn(2, 32, 8, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16), record_attention(layer) as maps:
        layer(x)
    torch.testing.assert_close(maps["attention"].weights.sum(2), torch.ones(2, 64))


def test_gammas_and_muting():
    net, x = network(-0.25).eval(), torch.randn(2, 1, 32, 32)
    assert gammas(net) == {"1": 0.25, "3": 0.25} and gammas(nn.Linear(1, 1)) == {}
    plain = net[2](net[0](x))
    with without_attention(net):
        with without_attention(net):
            pass
        assert torch.equal(net(x), plain)
    assert not torch.allclose(net(x), plain) and gammas(net)["1"] == 0.25
    with pytest.raises(RuntimeError), without_attention(net):
        raise RuntimeError
    assert not torch.allclose(net(x), plain)


def test_effect_on_output():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = network()

        def forward(self, x):
            return x.mean((1, 2, 3)), self.net(x)

    net, x = Two().train(), torch.randn(3, 1, 32, 32)
    net.net[0].eval()
    untouched, changed = effect_on_output(net, x)
    assert untouched.shape == changed.shape == (3,) and untouched.max() == 0 and changed.min() > 0
    assert net.training and net.net[1].training and not net.net[0].training  # modes come back as they were
    for layer in attention_layers(net).values():
        layer.gamma.data.zero_()
    assert effect_on_output(net, x)[1].max() == 0
    with pytest.raises(InputError, match="no SelfAttention"):
        effect_on_output(nn.Linear(1, 1), x)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device in this machine")
def test_cuda_agrees_with_cpu():
    for form in ATTENTION_FORMS:
        layer, x = opened(64, form).eval(), torch.randn(2, 64, 32, 32)
        want = layer(x)
        torch.testing.assert_close(layer.cuda()(x.cuda()).cpu(), want, atol=2e-2, rtol=2e-2)  # TF32 may be on


@pytest.fixture(scope="module")
def transformers():
    "The package, which looks for torchaudio on its way in; that one's compiled part wants a GPU."
    with contextlib.suppress(ImportError):
        torchaudio_cpu()
    return pytest.importorskip("transformers")


SMALL = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_vision_transformer_is_recorded(transformers, attention):
    vit = transformers.ViTModel(transformers.ViTConfig(**SMALL, attn_implementation=attention)).eval()
    pixels = torch.rand(1, 3, 224, 224)
    with torch.no_grad(), record_attention(vit, grid=(14, 14), skip=1, ground=pixels) as maps:
        vit(pixels)
    assert all(m.query_grid == (14, 14) and "leading token" in m.note for m in maps.values()) and len(maps) == 2
    eager = transformers.ViTModel(transformers.ViTConfig(**SMALL, attn_implementation="eager")).eval()
    eager.load_state_dict(vit.state_dict())
    with torch.no_grad():
        given = eager(pixels, output_attentions=True).attentions
    theirs = maps_from_arrays(given, grid=(14, 14), skip=1, ground=pixels)
    for ours, other in zip(maps.values(), theirs.values()):
        torch.testing.assert_close(ours.weights, other.weights, atol=1e-5, rtol=1e-3)


def test_an_audio_transformer_is_recorded(transformers):
    config = SpectrogramConfig(sample_rate=16000, n_fft=1024, hop_length=160, clip_seconds=10.23)
    sound = Sound(torch.rand(1, 128, 1024) * 2 - 1, config)
    ast = transformers.ASTModel(transformers.ASTConfig(**SMALL | {"num_hidden_layers": 1})).eval()
    with torch.no_grad(), record_attention(ast, grid=(12, 101), skip=2, ground=sound, patch=16, stride=10) as maps:
        ast(sound.values.transpose(1, 2))
    (m,) = maps.values()
    assert m.query_grid == (12, 101) and m.at(5.0, 440.0).shape == (12, 101) and m.query_field[0] == 3 / 128


def test_a_decoder_with_cross_attention_is_recorded(transformers):
    config = transformers.BertConfig(**SMALL, vocab_size=8, is_decoder=True, add_cross_attention=True)
    decoder, picture = transformers.BertModel(config).eval(), torch.rand(3, 28, 28)
    sound = Sound(torch.zeros(1, 64, 64), SpectrogramConfig())
    told = dict(query_grid=(14, 14), key_grid=(8, 32), query_ground=picture, key_ground=sound)
    with torch.no_grad(), record_attention(decoder, **told) as maps:
        decoder(inputs_embeds=torch.randn(1, 196, 24), encoder_hidden_states=torch.randn(1, 256, 24))
    across = [m for m in maps.values() if m.crossed and m.key_grid == (8, 32)]
    assert len(maps) == 4 and len(across) == 2 and all(m.config == SpectrogramConfig() for m in across)
    assert all(m.query_grid == (1, 196) for path, m in maps.items() if "cross" not in path)  # on a line


def test_layers_of_pytorch_are_recorded():
    layer = nn.MultiheadAttention(16, 4, batch_first=True)
    x, memory = torch.randn(2, 9, 16), torch.randn(2, 16, 16)
    with record_attention(layer, head="all", samples=1) as maps:
        layer(x, memory, memory, need_weights=False)
    assert list(maps) == [f"attention, head {i}" for i in range(4)] and maps["attention, head 0"].key_grid == (4, 4)
    with record_attention(layer, queries=[4], skip=(1, 0), query_grid=(2, 4)) as maps:
        layer(x, memory, memory)
    theirs = layer(x, memory, memory, average_attn_weights=True)[1]
    torch.testing.assert_close(maps["attention"].weights[:, 0], theirs[:, 5], atol=1e-5, rtol=1e-4)
    with pytest.raises(InputError, match="no layer .* has the places"), record_attention(layer, grid=(5, 5)):
        layer(x, memory, memory)


def test_queries_are_positions_or_points():
    config = SpectrogramConfig()
    assert query_positions(None, (8, 8)) is None and query_positions([3, 5], (8, 8)).tolist() == [3, 5]
    found = query_positions([(0.1, 440.0), (0.3, 660.0)], (16, 8), config).tolist()
    assert found == [config.row_of(f, 16) * 8 + config.column_of(s, 8) for s, f in ((0.1, 440.0), (0.3, 660.0))]
    for wrong, words in (([(0.1, 440.0)], "config="), ([64], "0 to 63"), ([], "0 to 63")):
        with pytest.raises(InputError, match=words):
            query_positions(wrong, (8, 8))


def test_a_recorder_keeps_what_its_layer_computed():
    layer, x, maps = opened(8, gamma=0.5), torch.randn(3, 8, 4, 4), {}
    q, k, v = layer.project(x)
    LayerRecorder(maps, "here", layer, queries=[2, 7], samples=[2])(x, q, k, v)
    scores = q[2].flatten(1)[:, [2, 7]].T @ k[2].flatten(1)
    torch.testing.assert_close(maps["here"].weights[0], scores.softmax(1))
    assert maps["here"].effect.item() == pytest.approx((0.5 * v[2].norm() / x[2].norm()).item(), rel=1e-4)
    with pytest.raises(InputError, match="'here' for 3 samples"):
        LayerRecorder(maps, "here", layer, limit=100)(x, q, k, v)


def test_a_table_without_its_places_is_laid_on_a_line():
    maps = {}
    recorder = TableRecorder(maps, head="all", placing={"grid": (2, 3)})
    recorder("short", torch.full((1, 2, 4, 6), 1 / 6))
    assert not recorder.fitted and "expected 6" in recorder.misfit
    recorder("block", torch.full((1, 2, 6, 6), 1 / 6))
    assert recorder.fitted and sorted(maps) == ["block, head 0", "block, head 1", "short, head 0", "short, head 1"]
    assert maps["short, head 1"].query_grid == (1, 4) and maps["block, head 1"].query_grid == (2, 3)
