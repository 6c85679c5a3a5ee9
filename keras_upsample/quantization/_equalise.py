"""Cross-layer equalisation: channels are rescaled so that one quantization step suits all of them.

A convolution's channel c may be multiplied by any g_c > 0 if all that reads it divides by g_c: what
lies between, a ReLU, a pool, a resize, a concatenation, a shuffle, only passes factors on:

    y = K2 * relu(K1 * x + b) = (K2 / g) * relu(g K1 * x + g b).

Integer files round activations in one step a tensor, and all parts of a concatenation in one step;
a channel, or a part, of small range keeps few of the 256 values. Weights are rounded in one step an
output channel, so that g costs nothing in K1, and in K2 it turns ranges of inputs into ranges of
weights. For a convolution that reads channels of range [l_c, h_c] and mean square m_c, roundings by
steps a and b_o leave the noise

    N(g) = a^2 sum_c |K_c|^2 / g_c^2 + sum_o b_o^2 k sum_c g_c^2 m_c,   k the number of taps,
    a = (max_c g_c h_c - min_c g_c l_c) / (255 sqrt 12),
    b_o = max_c |K_co| / (g_c 127 sqrt 12),

beside a signal of about sum_c m_c |K_c|^2. Where a maximum is, as max unpooling asks, turns between
pixels that lie within the noise of each other, in a share of the windows of about

    sqrt(a^2 sum_c 1 / g_c^2 / sum_c m_c).

The factors minimise the sum of noise over signal of all convolutions, and of these shares, by
gradient descent on log g. All tensors that share a step share the range in a.

Equalisation of two layers: Nagel, van Baalen, Blankevoort and Welling, Data-Free Quantization
Through Weight Equalization and Bias Correction, ICCV 2019, section 4.1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..program._applied import Applied
from ..program._emit import Emitter
from ..program._graph import Graph
from ..program._operations import Convolution, Transposed
from ..program._probe import IMAGES, values_on_images
from ..program._surroundings import sources
from ._channels import FIXED, Channels, Place, Reader

if TYPE_CHECKING:
    from ..program._program import Program
    from ..program._signature import Signature

NOTE = Applied(
    "equalisation",
    (),
    "channels scaled against each other",
    "channels of small range keep more of the steps of a rounded tensor",
)

_STEPS, _RATE = 300, 0.05
_LEVELS = 255
"""Steps in the range of an activation. Of 16 bits too: where activations cost nothing, the factors
run off to where the model of the weights' noise does not hold (0.8 dB worse than none)."""

_TINY = 1e-30
"""Of a share: roots and logarithms of nothing have no gradient."""


def equalise(
    program: "Program", feeds: Sequence[Mapping[str, np.ndarray]], *, shared_steps: bool
) -> "Program":
    """The program that computes the same, and loses less where it is rounded.

    Args:
        program: of fixed sizes.
        feeds: what the ranges are learnt from.
        shared_steps: whether the parts of a concatenation are rounded in the step of the whole.
    """
    graph = program.graph.copy()
    channels = Channels(graph, shared_steps)
    if not channels.made:
        return program
    factors = _factors(channels, _statistics(graph, channels, program.signature, feeds))
    changed = [p for p in channels.places if _rescale(graph, p, factors)]
    layers = sources(*(place.node for place in changed))
    return program.changed(graph).with_notes(replace(NOTE, layers=layers)) if layers else program


def _readers(channels: Channels) -> list[Reader]:
    return [*channels.places, *channels.choices]


@dataclass(frozen=True)
class _Statistics:
    """Of the channels that one reader reads."""

    low: np.ndarray
    high: np.ndarray
    square: np.ndarray


def _statistics(
    graph: Graph,
    channels: Channels,
    signature: "Signature",
    feeds: Sequence[Mapping[str, np.ndarray]],
) -> list[_Statistics]:
    """One a reader."""
    read = [reader.x for reader in _readers(channels)]
    low, high, square = ([0.0 for _ in read] for _ in range(3))
    shown = min(len(feeds), IMAGES)
    for values in values_on_images(graph, read, signature, feeds):
        for i, value in enumerate(values):
            array = value.astype("float64")
            low[i] = np.minimum(low[i], array.min(axis=(0, 1, 2)))
            high[i] = np.maximum(high[i], array.max(axis=(0, 1, 2)))
            square[i] = square[i] + (array**2).mean(axis=(0, 1, 2)) / shown
    return [_Statistics(*map(np.asarray, each)) for each in zip(low, high, square, strict=True)]


def _factors(channels: Channels, statistics: Sequence[_Statistics]) -> Any:
    """A function: labels -> factors."""
    import keras
    import tensorflow as tf

    roots = sorted({int(n) for p in channels.made for n in channels.roots(p.makes)} - {FIXED})
    index = {n: i + 1 for i, n in enumerate(roots)}  # 0 for what is fixed

    def places_of(labels: np.ndarray) -> np.ndarray:
        return np.array([index.get(int(n), 0) for n in channels.roots(labels)])

    readers = _readers(channels)
    read = [places_of(reader.reads) for reader in readers]
    steps = [channels.step(reader) for reader in readers]
    terms = [_term(*each) for each in zip(readers, statistics, read, strict=True)]
    logs = keras.Variable(np.zeros(len(roots)), dtype="float64")
    rate = keras.optimizers.schedules.PolynomialDecay(_RATE, _STEPS, 0.0)
    optimizer = keras.optimizers.Adam(rate, beta_2=0.99, epsilon=1e-12)
    optimizer.build([logs])

    @tf.function(autograph=False)
    def step() -> None:
        with tf.GradientTape() as tape:
            every = tf.exp(tf.concat([tf.zeros(1, tf.float64), logs.value], 0))
            reaches = _reaches(every, statistics, read, steps)
            loss = tf.math.log(tf.add_n([t(every, r) for t, r in zip(terms, reaches, strict=True)]))
        optimizer.apply(tape.gradient(loss, [logs.value]), [logs])

    for _ in range(_STEPS):
        step()
    found = np.exp(np.concatenate([[0.0], logs.numpy()]))
    return lambda labels: found[places_of(labels)]


def _reaches(
    factors: Any, statistics: Sequence[_Statistics], read: Sequence[np.ndarray], steps: list[int]
) -> list[Any]:
    """The range that each reader's input is rounded in: of all that is rounded with it."""
    import tensorflow as tf

    scaled = [(tf.gather(factors, c), values) for c, values in zip(read, statistics, strict=True)]
    ends = [(tf.reduce_max(g * v.high), tf.reduce_min(g * v.low)) for g, v in scaled]
    together = {
        step: [each for each, own in zip(ends, steps, strict=True) if own == step] for step in steps
    }
    highs = {step: tf.reduce_max([high for high, _ in each]) for step, each in together.items()}
    lows = {step: tf.reduce_min([low for _, low in each]) for step, each in together.items()}
    return [highs[step] - lows[step] for step in steps]


def _term(reader: Reader, values: _Statistics, reads: np.ndarray) -> Any:
    """What rounding costs a reader, as a function of all factors and the range of its input."""
    import tensorflow as tf

    if isinstance(reader, Place):
        return _noise(reader, values, reads)
    signal = float(values.square.sum()) or 1.0

    def turned(factors: Any, reach: Any) -> Any:
        noise = (reach / _LEVELS) ** 2 / 12 * tf.reduce_sum(1 / tf.gather(factors, reads) ** 2)
        return tf.sqrt(noise / signal + _TINY)

    return turned


def _noise(place: Place, values: _Statistics, reads: np.ndarray) -> Any:
    """Noise over signal of a convolution."""
    import tensorflow as tf

    kernel = np.asarray(place.view.kernel, "float64")
    if isinstance(place.view, Transposed):
        kernel = kernel.transpose(0, 1, 3, 2)
    depthwise = isinstance(place.view, Convolution) and place.view.depthwise
    power = (kernel**2).sum(axis=(0, 1, 3))
    tops = np.abs(kernel).max(axis=(0, 1))
    taps = kernel.shape[0] * kernel.shape[1]
    signal = float((values.square * power).sum()) or 1.0

    def term(factors: Any, reach: Any) -> Any:
        g = tf.gather(factors, reads)
        noise = (reach / _LEVELS) ** 2 / 12 * tf.reduce_sum(power / g**2)
        if not depthwise:  # whose weights have a step a channel
            steps = tf.reduce_max(tops / g[:, None], axis=0) / 127
            noise += tf.reduce_sum(steps**2) / 12 * taps * tf.reduce_sum(g**2 * values.square)
        return noise / signal + _TINY

    return term


def _rescale(graph: Graph, place: Place, factors: Any) -> bool:
    """Put a convolution of other weights in its place; whether there was anything to change."""
    reads, makes = factors(place.reads), factors(place.makes)
    if (reads == 1).all() and (makes == 1).all():
        return False
    node = place.node
    scaled = place.view.reading(1 / reads).scaled(makes)
    y = Emitter(node.operation, sources(node)).write(scaled.on(node.inputs[0]))
    graph.replace(node.outputs[0], y)
    return True
