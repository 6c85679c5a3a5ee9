"""`from_torch`: values of PyTorch, weights, names, and that the module stays as it was."""

import copy
import subprocess
import sys
import warnings

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed; .ci/run runs this in an environment that has it"
)

import keras  # noqa: E402

import keras_upsample as ku  # noqa: E402
from keras_upsample.errors import ArtefactError, VerificationError  # noqa: E402
from keras_upsample.interchange import _from_torch, from_torch  # noqa: E402

nn, F = torch.nn, torch.nn.functional


class Twice(nn.Sequential):
    def __init__(self, before, after):
        super().__init__(
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    """Strided down, up by `up`, with a skip connection; an output of the input's size."""

    def __init__(self, up):
        super().__init__()
        self.stem = Twice(3, 8)
        self.down = nn.Sequential(nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.GELU())
        self.up = up
        self.merge = Twice(20, 6)
        self.head = nn.Conv2d(6, 3, 1)

    def forward(self, x):
        skip = self.stem(x)
        return self.head(self.merge(torch.cat([skip, self.up(self.down(skip))], 1)))


class Block(nn.Module):
    """As in ConvNeXt: depthwise, LayerNorm over channels, a learnt scale; then attention."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, stride=4)
        self.depthwise = nn.Conv2d(8, 8, 5, padding=2, groups=8)
        self.norm = nn.LayerNorm(8)
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))
        self.scale = nn.Parameter(torch.full((8,), 0.3))
        self.register_buffer("mean", torch.tensor([0.5, 0.4, 0.3]).view(1, 3, 1, 1))

    def forward(self, x):
        x = self.stem((x - self.mean) * 2.5)
        y = self.mlp(self.norm(self.depthwise(x).permute(0, 2, 3, 1)))
        return x + (self.scale * y).permute(0, 3, 1, 2)


class Sisters(nn.Module):
    """Grouped convolution, PReLU, pixel shuffle, GroupNorm, squeeze and excitation."""

    def __init__(self):
        super().__init__()
        self.grouped = nn.Conv2d(3, 12, 3, padding=1, groups=3)
        self.act = nn.PReLU(12)
        self.norm = nn.GroupNorm(3, 12)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(12, 12, 1), nn.Sigmoid())
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, x):
        x = self.norm(self.act(self.grouped(x)))
        return self.shuffle(x * self.gate(x))


NETS = {
    "bilinear": lambda: UNet(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)),
    "transposed": lambda: UNet(nn.ConvTranspose2d(12, 12, 4, stride=2, padding=1)),
    "block": Block,
    "sisters": Sisters,
}


def seeded(make):
    """With weights, and statistics, that are nowhere the initial ones."""
    torch.manual_seed(3)
    net = make()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.6, 1.4)
            if isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm):
                module.weight.uniform_(0.7, 1.3)
                module.bias.normal_(0, 0.2)
    return net


@pytest.fixture(scope="module", params=NETS)
def pair(request):
    net = seeded(NETS[request.param])
    return net, from_torch(net, (1, 3, 20, 28))


def assert_same(net, model, x):
    with torch.no_grad():
        wanted = copy.deepcopy(net).eval()(torch.from_numpy(x)).numpy()
    found = model(np.moveaxis(x, 1, -1), training=False)
    np.testing.assert_allclose(
        np.moveaxis(found, -1, 1), wanted, atol=1e-5 * np.ptp(wanted), rtol=0
    )


def test_values_are_pytorchs(pair):
    net, model = pair
    assert_same(net, model, np.random.default_rng(9).normal(0, 2, (3, 3, 20, 28)).astype("float32"))


def test_parameters_are_the_trainable_weights(pair):
    net, model = pair
    assert sum(p.numel() for p in net.parameters()) == model.count_params() - sum(
        int(np.prod(weight.shape)) for weight in model.non_trainable_weights
    )
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    kept = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(kept) == len(norms)


def test_layers_are_called_after_modules():
    net = seeded(NETS["transposed"])
    model = from_torch(net, (1, 3, 20, 28))
    names = {layer.name for layer in model.layers}
    assert {"stem_0", "stem_1", "stem_2", "down_0", "down_1", "up", "merge_0", "head"} <= names
    assert model.name == "UNet"
    np.testing.assert_array_equal(
        model.get_layer("merge_0").kernel, net.merge[0].weight.detach().permute(2, 3, 1, 0)
    )
    np.testing.assert_array_equal(
        model.get_layer("stem_1").moving_variance, net.stem[1].running_var
    )


def test_buffers_and_numbers_are_not_trained():
    model = from_torch(seeded(Block), (1, 3, 20, 28))
    trained = {weight.path.partition("/")[0] for weight in model.trainable_weights}
    still = {weight.path.partition("/")[0] for weight in model.non_trainable_weights}
    assert still == {"Sub", "Mul"} and "Mul_2" in trained  # the mean, 2.5; the learnt scale


@pytest.mark.parametrize("name", ["bilinear", "block"])
def test_training_lowers_the_loss_and_moves_every_weight(name):
    model = from_torch(seeded(NETS[name]), (1, 3, 20, 28))
    rng = np.random.default_rng(2)
    x = rng.random((4, 20, 28, 3), "float32")
    y = np.tanh(rng.normal(size=(4, *model.output_shape[1:]))).astype("float32")
    before = [weight.numpy() for weight in model.trainable_weights]
    model.compile(keras.optimizers.Adam(3e-3), "mse")
    losses = model.fit(x, y, epochs=20, batch_size=4, verbose=0).history["loss"]
    assert losses[-1] < 0.95 * losses[0]
    changed = zip(before, model.trainable_weights, strict=True)
    assert all((weight.numpy() != old).any() for old, weight in changed)


def test_a_saved_model_is_the_same_in_another_process(tmp_path):
    x = np.random.default_rng(3).random((2, 20, 28, 3), "float32")
    np.save(tmp_path / "x.npy", x)
    nets = ("bilinear", "block")
    models = {name: from_torch(seeded(NETS[name]), (1, 3, 20, 28)) for name in nets}
    for name, model in models.items():
        model.save(tmp_path / f"{name}.keras")
    code = (
        "import glob, keras, numpy as np, keras_upsample, os, sys; os.chdir(sys.argv[1])\n"
        "for f in glob.glob('*.keras'):\n"
        "    m = keras.saving.load_model(f)\n"
        "    np.save(f + '.npy', m(np.load('x.npy'), training=False))\n"
        "    np.save(f + '.n.npy', len(m.trainable_weights))\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True)
    for name, model in models.items():
        again = np.load(tmp_path / f"{name}.keras.npy")
        np.testing.assert_array_equal(again, model(x, training=False))
        assert np.load(tmp_path / f"{name}.keras.n.npy") == len(model.trainable_weights)


def test_the_module_is_left_as_it_was():
    net = seeded(NETS["bilinear"])
    net.train()
    net.stem[1].eval()
    net.head.weight.requires_grad_(False)
    net(torch.rand(2, 3, 8, 8)).sum().backward()
    modes = [module.training for module in net.modules()]
    state = {name: value.clone() for name, value in net.state_dict().items()}
    grads = [p.grad if p.grad is None else p.grad.clone() for p in net.parameters()]
    wanted = [p.requires_grad for p in net.parameters()]
    random, hooks = torch.get_rng_state(), [len(m._forward_hooks) for m in net.modules()]
    for fails in (False, True):
        if fails:
            with pytest.raises(ValueError, match="does not take"):
                from_torch(net, (1, 4, 20, 28))
        else:
            from_torch(net, (1, 3, 20, 28))
        assert [module.training for module in net.modules()] == modes
        assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())
        for parameter, grad in zip(net.parameters(), grads, strict=True):
            assert (parameter.grad is None) == (grad is None)
            assert grad is None or torch.equal(parameter.grad, grad)
        assert [p.requires_grad for p in net.parameters()] == wanted
        assert torch.equal(torch.get_rng_state(), random) and torch.is_grad_enabled()
        assert [len(m._forward_hooks) for m in net.modules()] == hooks


def test_examples_of_several_kinds():
    net = seeded(NETS["bilinear"])
    x = np.random.default_rng(0).random((2, 3, 20, 28), "float32")
    for example in (torch.from_numpy(x), x, (2, 3, 20, 28), torch.Size((2, 3, 20, 28))):
        model = from_torch(net, example, name="mine")
        assert model.name == "mine" and model.input_shape == (None, 20, 28, 3)
    assert_same(nn.DataParallel(net), from_torch(nn.DataParallel(net), x), x)


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.inner = nn.ModuleDict({"act": Inner(function)})
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.inner["act"](self.conv(x))


class Inner(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def test_the_other_exporter_is_named(capfd):
    net = Function(torch.rad2deg)
    with pytest.warns(UserWarning, match="dynamo exporter was taken.*TorchScript.*aten::rad2deg"):
        model = from_torch(net, (1, 3, 12, 16))
    x = np.random.default_rng(1).random((2, 3, 12, 16), "float32")
    assert_same(net, model, x)
    assert model.count_params() - len(model.non_trainable_weights) == 3 * 3 * 3 * 4 + 4
    assert "graph(" not in "".join(capfd.readouterr())  # which PyTorch prints where it fails


def test_an_unread_operator_is_refused_with_its_module(capfd):
    with pytest.raises(
        ArtefactError, match=r"By the dynamo exporter, \w+ in the module 'inner.act'"
    ):
        from_torch(Function(lambda x: torch.fft.rfft(x).abs()), (1, 3, 12, 16))
    assert "graph(" not in "".join(capfd.readouterr())


def test_a_weight_in_two_places_is_named():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.body = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)

        def forward(self, x):
            return self.body(torch.relu(self.body(self.stem(x))))

    with pytest.warns(UserWarning, match="body.bias, body.weight: used in several places"):
        from_torch(Shared(), (1, 3, 12, 16))


def test_a_branch_that_the_export_lost_is_found():
    class Branch(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)

        def forward(self, x):
            return self.conv(x) if x.mean() > 0.9 else -self.conv(x)

    bright = torch.ones(1, 3, 8, 8)
    with pytest.raises(VerificationError, match=r"differs from PyTorch's by"):
        from_torch(Branch(), bright)
    assert from_torch(Branch(), bright, verify=False) is not None


def test_a_model_that_differs_is_not_returned(monkeypatch):
    by = _from_torch._by

    def wrong(*arguments):
        model = by(*arguments)
        model.get_layer("head").kernel.assign(model.get_layer("head").kernel * 1.001)
        return model

    monkeypatch.setattr(_from_torch, "_by", wrong)
    with pytest.raises(VerificationError, match="The output of `UNet` differs from PyTorch's by"):
        from_torch(seeded(NETS["bilinear"]), (1, 3, 20, 28))


class Several(nn.Module):
    def __init__(self, pack):
        super().__init__()
        self.conv, self.pack = nn.Conv2d(3, 2, 1), pack

    def forward(self, x):
        return self.pack(self.conv(x))


SHAPE = (1, 3, 8, 8)


def conv():
    return nn.Conv2d(3, 2, 1)


MISTAKES = {
    "state dict": (lambda: conv().state_dict(), SHAPE, TypeError, "from_smp"),
    "half": (lambda: conv().half(), SHAPE, ValueError, r"'weight' of torch.float16"),
    "bfloat16": (lambda: conv().bfloat16(), SHAPE, ValueError, r"\.float\(\)"),
    "double": (lambda: conv().double(), SHAPE, ValueError, "torch.float64"),
    "elsewhere": (lambda: conv().to("meta"), SHAPE, ValueError, "on meta; the CPU"),
    "two outputs": (lambda: Several(lambda y: (y, y)), SHAPE, ValueError, "returns 2 outputs"),
    "dict": (lambda: Several(lambda y: {"out": y}), SHAPE, ValueError, "a dict of 'out'"),
    "channels": (conv, (1, 4, 8, 8), ValueError, "to have 3 channels"),
    "text": (conv, "image.png", TypeError, "`example` must be a tensor"),
    "two inputs": (conv, [torch.ones(1)] * 2, TypeError, "several inputs"),
    "whole": (conv, torch.ones(1, 3, 8, 8, dtype=torch.uint8), ValueError, "uint8"),
    "double example": (conv, np.ones((1, 3, 8, 8)), ValueError, "float64"),
    "empty": (conv, torch.ones(0, 3, 8, 8), ValueError, r"\(0, 3, 8, 8\)"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name):
    make, example, kind, words = MISTAKES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(kind, match=words) as caught:
            from_torch(make(), example)
    assert "\n" not in str(caught.value)


def test_a_module_goes_on_to_a_file(tmp_path):
    model = from_torch(seeded(NETS["bilinear"]), (1, 3, 20, 28))
    images = [np.random.default_rng(0).random((20, 28, 3), "float32")]
    report = ku.export.to_tflite(model, tmp_path / "m.tflite", images=images)
    assert report.verifications[0].passed
    assert "TRANSPOSE" not in report.operators
