"""segmentation_models.pytorch for tests, with weights that are nowhere the initial ones."""

import pytest

_OPERATORS = (
    "nms(Tensor d, Tensor s, float t) -> Tensor",
    "qnms(Tensor d, Tensor s, float t) -> Tensor",
)


def load_smp():
    """The package, or a skip with the reason.

    Beside a CPU build of torch, torchvision's CUDA wheel lacks its operators, and can't be
    imported; what is tested needs none, so that their declaration is enough.
    """
    torch = pytest.importorskip(
        "torch", reason="PyTorch is not installed; .ci/run runs this in an environment that has it"
    )
    try:
        import torchvision  # noqa: F401
    except ImportError:
        pass
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for operator in _OPERATORS:
            library.define(operator)
        _KEPT.append(library)
    return pytest.importorskip("segmentation_models_pytorch")


_KEPT: list = []  # a library that is collected takes its operators along


def seeded(architecture, encoder, seed=0, **options):
    """A net in evaluation mode."""
    import torch

    torch.manual_seed(seed)
    options = {"encoder_weights": None, "classes": 3, **options}
    net = getattr(load_smp(), architecture)(encoder, **options)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.6, 1.4)
                module.weight.uniform_(0.7, 1.3)
                module.bias.normal_(0, 0.2)
    return net.eval()
