"""What is compared: every upsampler that the zoo knows by name, two mistakes, three fusions."""

from dataclasses import dataclass
from typing import Any

SIZE = (256, 256, 2)
"""Height, width and channels at which costs are counted and files are timed."""


@dataclass(frozen=True)
class Technique:
    """One row of the study.

    Attributes:
        name: of the row; in the zoo's table of upsamplers unless `upsample` is given.
        layer: its layer in `keras_upsample.layers`.
        equation: what it computes at a factor of 2, in one line.
        group: "technique"; "caution", to see what goes wrong; "fusion", a way to join the skip.
        upsample: what `zoo.unet` takes; None for the name.
        fusion: what `zoo.unet` takes.
        take: when to take it, for one that is not measured here.
    """

    name: str
    layer: str
    equation: str
    group: str = "technique"
    upsample: Any = None
    fusion: str = "concat"
    take: str = ""

    def build(self, filters: tuple[int, ...], classes: int = 3) -> Any:
        """The U-Net with this technique, random weights, any image size."""
        import keras_upsample as ku

        return ku.zoo.unet(
            (None, None, SIZE[2]),
            classes,
            filters=filters,
            upsample=self.upsample or self.name,
            fusion=self.fusion,
        )


ABOUT = {
    "transposed_conv": ("TransposedConv2D", "y[2i+a] = w[a] x[i]: a 2x2 kernel at stride 2"),
    "nearest": ("NearestUpSampling2D", "y[i] = x[floor(i/2)], then a 3x3 convolution"),
    "bilinear": (
        "BilinearUpSampling2D",
        "y[i] = (1−t) x[floor(u)] + t x[floor(u)+1], u = (i+½)/2 − ½, then a 3x3 convolution",
    ),
    "bicubic": (
        "BicubicUpSampling2D",
        "y[i] = Σ k(u−j) x[j] over 4 neighbours, k Keys' cubic, then a 3x3 convolution",
    ),
    "lanczos": (
        "LanczosUpSampling2D",
        "y[i] = Σ w(u−j) x[j] / Σ w(u−j) over 6 neighbours, w(d) = sinc(d) sinc(d/3), then a 3x3 "
        "convolution",
    ),
    "area": (
        "AreaResize2D",
        "the mean over each output pixel's area, at whole factors y[i] = x[floor(i/2)], then a "
        "3x3 convolution",
    ),
    "pixel_shuffle": (
        "SubpixelConv2D",
        "y[2i+a] = (K * x)[i, channel a]: a 3x3 convolution to 4 times the channels and a shuffle, "
        "ICNR start",
    ),
    "pixel_shuffle_blur": (
        "SubpixelConv2D(blur=True)",
        "as `pixel_shuffle`, then the mean of each 2x2 window",
    ),
    "carafe": (
        "CARAFE2D",
        "y[i] = Σ w[i, m] x[floor(i/2)+m] over 5x5, w = softmax of a convolution of x, then a 3x3 "
        "convolution",
    ),
    "dysample": (
        "DySample2D",
        "y[i] = x(u + L x), x between pixels by linear interpolation, L a 1x1 convolution, then a "
        "3x3 convolution",
    ),
    "joint_bilateral": (
        "JointBilateralUpSampling2D",
        "y[p] = Σ w x[q] / Σ w, w = exp(−(u−q)²/2σs² − (G[p]−g[q])²/2σr²), G from the encoder, "
        "then a 3x3 convolution",
    ),
    "sapa": (
        "SAPA2D",
        "y[p] = Σ w x[q] over 5x5, w = softmax of K(x[q])·Q(p), K and Q linear, Q in the encoder's "
        "pixel p and gated with x there, then a 3x3 convolution",
    ),
    "fade": (
        "FADE2D",
        "y[p] = g A G[p] + (1 − g) Σ w x[q] over 5x5, w = softmax of convolutions of the encoder's "
        "G and of x, g a gate of x, then a 3x3 convolution",
    ),
    "freq_fusion": (
        "FreqFusion2D",
        "[Σ w x[q] over 5x5 at points moved by o, 2 G − Σ v G[q] over 3x3], w, v and o from "
        "convolutions of the encoder's G and of x, then a 3x3 convolution of both",
    ),
    "max_unpooling": (
        "MaxUnpooling2D",
        "y[2i+a] = x[i] where the encoder's window had its maximum, else 0, between two 3x3 "
        "convolutions",
    ),
}
"""Name -> layer, equation."""

TAKE = {
    "sapa": (
        "each output pixel should take the value of the region that it belongs to, and the "
        "encoder's features tell the regions apart. In the authors' own table (ADE20K, "
        "SegFormer-B1) it has 44.4% mean IoU; CARAFE 42.8%, bilinear 41.7%"
    ),
    "fade": (
        "both regions and fine detail count, as in matting: the gate lets the encoder's features "
        "through where they are needed. In the authors' own table (ADE20K, SegFormer-B1) it has "
        "44.4% mean IoU and 32.7% boundary IoU; CARAFE 42.8% and 29.8%, bilinear 41.7% and 27.8%"
    ),
    "freq_fusion": (
        "accuracy is worth the dearest of all forms: it smooths x inside of regions, sharpens the "
        "encoder's features, and shifts pixels at edges"
    ),
}
"""Name -> when to take it, for those that the guide may lack figures of."""

BASELINE = "transposed_conv"
"""What ratios are to: the U-Net as published."""


def techniques() -> dict[str, Technique]:
    """Every row by its name; the zoo's table is read now, so that a new upsampler is a new row."""
    from keras_upsample import layers
    from keras_upsample.zoo._upsamplers import UPSAMPLERS

    if missing := [name for name in UPSAMPLERS if name not in ABOUT]:
        raise SystemExit(
            f"{', '.join(missing)}: upsampler of the zoo without a line in `ABOUT` of "
            "benchmarks/upsampler_study/techniques.py. Add its layer and its equation there."
        )
    rows = [Technique(name, *ABOUT[name], take=TAKE.get(name, "")) for name in UPSAMPLERS]
    rows += [
        Technique(
            "transposed_conv_3x3",
            "TransposedConv2D(kernel_size=3)",
            "a 3x3 kernel at stride 2: every other row is written twice",
            "caution",
            lambda f: layers.TransposedConv2D(f, 2, 3),
        ),
        Technique(
            "pixel_shuffle_he",
            'SubpixelConv2D(initializer="he_normal")',
            "pixel shuffle whose four phases start unequal",
            "caution",
            lambda f: layers.SubpixelConv2D(f, 2, kernel_size=3, initializer="he_normal"),
        ),
    ]
    rows += [
        Technique(f"bilinear, {fusion}", "SkipFusion2D", equation, "fusion", "bilinear", fusion)
        for fusion, equation in (
            ("add", "d + P x"),
            ("attention", "[d, α x], one α a pixel"),
            ("scse", "[d, x] weighted by channel and by pixel"),
        )
    ]
    return {row.name: row for row in rows}
