"""The oracle: every operation of this package once more, as plain loops in float64.

It imports nothing of the package and shares no line with it. Images are (N, H, W, C).
"""

from collections.abc import Callable
from fractions import Fraction
from math import floor

import numpy as np

Array = np.ndarray


def source(i: int, n_in: int, n_out: int, coordinates: str) -> Fraction:
    """The exact source coordinate of output pixel i."""
    scale = Fraction(n_out, n_in)
    if coordinates == "half_pixel":
        return (i + Fraction(1, 2)) / scale - Fraction(1, 2)
    if coordinates == "align_corners":
        return Fraction(0) if n_out == 1 else Fraction(i * (n_in - 1), n_out - 1)
    if coordinates == "asymmetric":
        return i / scale
    raise ValueError(coordinates)


def nearest_line(line: Array, n_out: int, coordinates: str) -> Array:
    rows = []
    for i in range(n_out):
        u = source(i, len(line), n_out, coordinates)
        k = floor(u) if coordinates == "asymmetric" else floor(u + Fraction(1, 2))
        rows.append(line[min(max(k, 0), len(line) - 1)])
    return np.stack(rows)


def linear_line(line: Array, n_out: int, coordinates: str) -> Array:
    last = len(line) - 1
    rows = []
    for i in range(n_out):
        u = source(i, len(line), n_out, coordinates)
        k = floor(u)
        t = float(u - k)
        rows.append((1 - t) * line[min(max(k, 0), last)] + t * line[min(max(k + 1, 0), last)])
    return np.stack(rows)


def keys(distance: float, a: float) -> float:
    """Keys' cubic convolution kernel."""
    d = abs(distance)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    if d < 2:
        return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return 0.0


def cubic_line(line: Array, n_out: int, coordinates: str, coefficient: float, border: str) -> Array:
    last = len(line) - 1
    rows = []
    for i in range(n_out):
        u = source(i, len(line), n_out, coordinates)
        total, weights = np.zeros(line.shape[1:]), 0.0
        for k in range(floor(u) - 1, floor(u) + 3):
            if border == "renormalize" and not 0 <= k <= last:
                continue
            weight = keys(float(u - k), coefficient)
            total = total + weight * line[min(max(k, 0), last)]
            weights += weight
        rows.append(total / weights if border == "renormalize" else total)
    return np.stack(rows)


def lanczos_line(line: Array, n_out: int, coordinates: str, lobes: int, border: str) -> Array:
    last = len(line) - 1
    rows = []
    for i in range(n_out):
        u = source(i, len(line), n_out, coordinates)
        total, weights = np.zeros(line.shape[1:]), 0.0
        for k in range(floor(u) + 1 - lobes, floor(u) + lobes + 1):
            if border == "renormalize" and not 0 <= k <= last:
                continue
            weight = np.sinc(float(u - k)) * np.sinc(float(u - k) / lobes)
            total = total + weight * line[min(max(k, 0), last)]
            weights += weight
        rows.append(total / weights)
    return np.stack(rows)


def lanczos(distance: float, lobes: int) -> float:
    """Lanczos' windowed sinc."""
    inside = abs(distance) < lobes
    return float(np.sinc(distance) * np.sinc(distance / lobes)) if inside else 0.0


def antialiased_line(line: Array, n_out: int, kernel: Callable[[float], float]) -> Array:
    """PIL's definition: the kernel, as wide as n_in/n_out pixels of its own, over the image."""
    ratio = Fraction(len(line), n_out)
    stretch = max(ratio, Fraction(1))
    rows = []
    for i in range(n_out):
        centre = (i + Fraction(1, 2)) * ratio
        total, weights = np.zeros(line.shape[1:]), 0.0
        for k in range(len(line)):
            weight = kernel(float((k + Fraction(1, 2) - centre) / stretch))
            total = total + weight * line[k]
            weights += weight
        rows.append(total / weights)
    return np.stack(rows)


def area_line(line: Array, n_out: int) -> Array:
    """The integral of the line's steps over each output pixel, in exact fractions."""
    rows = []
    for i in range(n_out):
        begin, end = Fraction(i * len(line), n_out), Fraction((i + 1) * len(line), n_out)
        total = np.zeros(line.shape[1:])
        for k in range(len(line)):
            overlap = min(end, Fraction(k + 1)) - max(begin, Fraction(k))
            if overlap > 0:
                total = total + float(overlap / (end - begin)) * line[k]
        rows.append(total)
    return np.stack(rows)


def resize(
    x: Array,
    interpolation: str,
    size: tuple[int, int],
    coordinates: str = "half_pixel",
    coefficient: float = -0.5,
    border: str = "renormalize",
    lobes: int = 3,
    antialias: bool = False,
) -> Array:
    """Resize (N, H, W, C) to (N, *size, C)."""
    kernels: dict[str, Callable[[float], float]] = {
        "bilinear": lambda d: max(0.0, 1 - abs(d)),
        "bicubic": lambda d: keys(d, coefficient),
        "lanczos": lambda d: lanczos(d, lobes),
    }

    def line(values: Array, n_out: int) -> Array:
        if len(values) == n_out:
            return values
        if antialias:
            return antialiased_line(values, n_out, kernels[interpolation])
        if interpolation == "nearest":
            return nearest_line(values, n_out, coordinates)
        if interpolation == "bilinear":
            return linear_line(values, n_out, coordinates)
        if interpolation == "lanczos":
            return lanczos_line(values, n_out, coordinates, lobes, border)
        if interpolation == "area":
            return area_line(values, n_out)
        return cubic_line(values, n_out, coordinates, coefficient, border)

    images = []
    for image in np.asarray(x, "float64"):
        image = line(image, size[0])
        images.append(np.swapaxes(line(np.swapaxes(image, 0, 1), size[1]), 0, 1))
    return np.stack(images)


def resize_lengths(
    x: Array,
    interpolation: str,
    size: tuple[int, ...],
    coordinates: str = "half_pixel",
    antialias: bool = False,
) -> Array:
    """Resize (N, *lengths, C) of any rank to (N, *size, C), by "nearest" or "linear"."""
    x = np.asarray(x, "float64")
    for axis, n_out in enumerate(size, 1):
        line = np.moveaxis(x, axis, 0)
        if len(line) == n_out:
            continue
        if interpolation == "nearest":
            line = nearest_line(line, n_out, coordinates)
        elif antialias:
            line = antialiased_line(line, n_out, lambda d: max(0.0, 1 - abs(d)))
        else:
            line = linear_line(line, n_out, coordinates)
        x = np.moveaxis(line, 0, axis)
    return x


def pixel_shuffle(x: Array, s: int, order: str = "dcr") -> Array:
    n, h, w, channels = x.shape
    c = channels // s**2
    y = np.zeros((n, h * s, w * s, c))
    for i in range(h):
        for j in range(w):
            for a in range(s):
                for b in range(s):
                    for k in range(c):
                        source_channel = (a * s + b) * c + k
                        if order == "crd":
                            source_channel = k * s * s + a * s + b
                        y[:, s * i + a, s * j + b, k] = x[:, i, j, source_channel]
    return y


def pixel_unshuffle(y: Array, s: int, order: str = "dcr") -> Array:
    n, rows, columns, c = y.shape
    x = np.zeros((n, rows // s, columns // s, c * s * s))
    for i in range(rows):
        for j in range(columns):
            a, b = i % s, j % s
            for k in range(c):
                channel = (a * s + b) * c + k if order == "dcr" else k * s * s + a * s + b
                x[:, i // s, j // s, channel] = y[:, i, j, k]
    return x


def transposed_conv(
    x: Array,
    kernel: Array,
    stride: tuple[int, int],
    crop: tuple[tuple[int, int], tuple[int, int]],
    bias: Array | None = None,
) -> Array:
    """Spread each pixel over the kernel (kh, kw, out, in), then take `crop` off both ends."""
    n, h, w, _ = x.shape
    kh, kw, filters, _ = kernel.shape
    full_h, full_w = (h - 1) * stride[0] + kh, (w - 1) * stride[1] + kw
    (top, bottom), (left, right) = crop
    room_h, room_w = max(full_h, full_h - bottom), max(full_w, full_w - right)
    y = np.zeros((n, room_h, room_w, filters))
    for i in range(h):
        for j in range(w):
            for a in range(kh):
                for b in range(kw):
                    spread = x[:, i, j, :] @ kernel[a, b].T
                    y[:, i * stride[0] + a, j * stride[1] + b, :] += spread
    y = y[:, top : full_h - bottom, left : full_w - right, :]
    return y if bias is None else y + bias


def spread(
    x: Array,
    kernel: Array,
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    groups: int,
    crop: tuple[tuple[int, int], ...],
    bias: Array | None = None,
) -> Array:
    """Transposed convolution of (N, *lengths, Cin) with (*taps, Cout/groups, Cin), any rank."""
    batch, lengths, channels = x.shape[0], x.shape[1:-1], x.shape[-1]
    taps, per_group = kernel.shape[:-2], kernel.shape[-2]
    wanted = []
    for n, s, k, d, (begin, end) in zip(lengths, strides, taps, dilations, crop, strict=True):
        wanted.append((n - 1) * s + (k - 1) * d + 1 - begin - end)
    y = np.zeros((batch, *wanted, per_group * groups))
    for image in range(batch):
        for place in np.ndindex(lengths):
            for tap in np.ndindex(taps):
                out = tuple(
                    i * s + j * d - begin
                    for i, s, j, d, (begin, _) in zip(
                        place, strides, tap, dilations, crop, strict=True
                    )
                )
                if not all(0 <= o < m for o, m in zip(out, wanted, strict=True)):
                    continue
                for c in range(channels):
                    group = c // (channels // groups)
                    for f in range(per_group):
                        value = x[(image, *place, c)] * kernel[(*tap, f, c)]
                        y[(image, *out, group * per_group + f)] += value
    return y if bias is None else y + bias


def torch_transposed_conv(
    x: Array,
    kernel: Array,
    stride: int,
    padding: int,
    output_padding: int,
    bias: Array | None = None,
) -> Array:
    """PyTorch's geometry: (n − 1)·stride + k − 2·padding + output_padding."""
    crop = (padding, padding - output_padding)
    return transposed_conv(x, kernel, (stride, stride), (crop, crop), bias)


def conv_same(x: Array, kernel: Array, bias: Array | None = None) -> Array:
    """Convolution (kh, kw, in, out) with zeros around, an odd one at the end."""
    n, h, w, _ = x.shape
    kh, kw, _, filters = kernel.shape
    y = np.zeros((n, h, w, filters))
    for i in range(h):
        for j in range(w):
            for a in range(kh):
                for b in range(kw):
                    p, q = i + a - (kh - 1) // 2, j + b - (kw - 1) // 2
                    if 0 <= p < h and 0 <= q < w:
                        y[:, i, j, :] += x[:, p, q, :] @ kernel[a, b]
    return y if bias is None else y + bias


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def attention_gate(
    decoder: Array, skip: Array, w_skip: Array, w_decoder: Array, b: Array, psi: Array, b_psi: Array
) -> Array:
    """Oktay 2018: [decoder, α·skip], with matrices (in, out) for the 1x1 convolutions."""
    inner = np.maximum(skip @ w_skip + decoder @ w_decoder + b, 0)
    alpha = sigmoid(inner @ psi + b_psi)
    return np.concatenate([decoder, alpha * skip], axis=-1)


def squeeze_excite(
    u: Array, w1: Array, b1: Array, w2: Array, b2: Array, w: Array, b: Array
) -> Array:
    """Roy 2018: U by channel plus U by pixel."""
    mean = u.mean(axis=(1, 2), keepdims=True)
    by_channel = sigmoid(np.maximum(mean @ w1 + b1, 0) @ w2 + b2)
    return u * by_channel + u * sigmoid(u @ w + b)


def pixel(image: Array, i: int, j: int) -> Array:
    """A pixel of (H, W, C), zeros outside."""
    inside = 0 <= i < image.shape[0] and 0 <= j < image.shape[1]
    return image[i, j] if inside else np.zeros(image.shape[2])


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def carafe(x: Array, masks: Array) -> Array:
    """The authors' `carafe(features, masks)`: masks (N, sH, sW, k²), one kernel an output pixel."""
    n, h, w, c = x.shape
    s, k = masks.shape[1] // h, round(masks.shape[3] ** 0.5)
    y = np.zeros((n, s * h, s * w, c))
    for image in range(n):
        for p in range(s * h):
            for q in range(s * w):
                for t in range(k * k):
                    i, j = p // s + t // k - k // 2, q // s + t % k - k // 2
                    y[image, p, q] += masks[image, p, q, t] * pixel(x[image], i, j)
    return y


def carafe_layer(x: Array, p: Array, p_bias: Array, e: Array, e_bias: Array, s: int) -> Array:
    """CARAFE with its predictor; the encoder's channels are (a, b, m, n)."""
    logits = conv_same(conv_same(x, p, p_bias), e, e_bias)
    return carafe(x, softmax(pixel_shuffle(logits, s)))


def layer_norm(x: Array, gamma: Array, beta: Array) -> Array:
    """Over the channels of each pixel, PyTorch's epsilon."""
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta


def similarities(queries: Array, keys: Array, k: int) -> Array:
    """Products of each query (N, sH, sW, C) with the k² keys (N, H, W, C) around its pixel."""
    n, rows, columns, _ = queries.shape
    s = rows // keys.shape[1]
    z = np.zeros((n, rows, columns, k * k))
    for image, p, q, t in np.ndindex(z.shape):
        i, j = p // s + t // k - k // 2, q // s + t % k - k // 2
        z[image, p, q, t] = queries[image, p, q] @ pixel(keys[image], i, j)
    return z


def sapa(x: Array, guide: Array, k: int, *weights: Array) -> Array:
    """Lu 2022: SAPA-I with the 4 weights of two normalizations, -B with 4 more, -G with 8 more."""
    normalized, seen = layer_norm(x, *weights[:2]), layer_norm(guide, *weights[2:4])
    if len(weights) == 4:
        return carafe(x, softmax(similarities(seen, normalized, k)))
    key, key_bias, query, query_bias, *gated = weights[4:]
    keys, queries = normalized @ key[0, 0] + key_bias, seen @ query[0, 0] + query_bias
    if gated:
        own, own_bias, gate, gate_bias = gated
        s = guide.shape[1] // x.shape[1]
        for image, p, q in np.ndindex(guide.shape[:3]):
            i, j = p // s, q // s
            g = sigmoid(normalized[image, i, j] @ gate[0, 0] + gate_bias)
            other = x[image, i, j] @ own[0, 0] + own_bias
            queries[image, p, q] = g * queries[image, p, q] + (1 - g) * other
    return carafe(x, softmax(similarities(queries, keys, k)))


def fade(x: Array, guide: Array, k: int, *weights: Array, gated: bool = True) -> Array:
    """Lu 2022, FADE, or FADE-Lite where the kernel of E is that of a depthwise convolution."""
    own, own_bias, low, encode, encode_bias, *rest = weights
    if encode.shape[3] == 1:
        full = np.zeros((*encode.shape[:3], encode.shape[2]))
        for channel in range(encode.shape[2]):
            full[:, :, channel, channel] = encode[:, :, channel, 0]
        encode = full
    fine = conv_same(guide @ own[0, 0] + own_bias, encode, encode_bias)
    coarse = conv_same(x @ low[0, 0], encode, encode_bias)
    s = guide.shape[1] // x.shape[1]
    y = carafe(x, softmax(fine + coarse.repeat(s, axis=1).repeat(s, axis=2)))
    if not gated:
        return y
    gate = sigmoid(x @ rest[0][0, 0] + rest[1]).repeat(s, axis=1).repeat(s, axis=2)
    through = guide @ rest[2][0, 0] + rest[3] if len(rest) > 2 else guide
    return gate * through + (1 - gate) * y


def hamming_kernels(logits: Array) -> Array:
    """FreqFusion's: a softmax, times Hamming's window of k² taps, scaled to a sum of 1."""
    size = round(logits.shape[-1] ** 0.5)
    line = [0.54 - 0.46 * np.cos(2 * np.pi * n / (size - 1)) for n in range(size)]
    weights = softmax(logits) * np.outer(line, line).reshape(-1)
    return weights / weights.sum(axis=-1, keepdims=True)


def group_norm(x: Array, gamma: Array, beta: Array, groups: int) -> Array:
    y, size = np.zeros(x.shape), x.shape[3] // groups
    for image in range(len(x)):
        for g in range(groups):
            part = x[image, :, :, g * size : (g + 1) * size]
            y[image, :, :, g * size : (g + 1) * size] = (part - part.mean()) / np.sqrt(
                part.var() + 1e-5
            )
    return y * gamma + beta


def cosines(x: Array, step: int = 2) -> Array:
    """Between each pixel and its 8 neighbours at a distance, 0 for those outside."""
    y = np.zeros((*x.shape[:3], 8))
    places = [(a, b) for a in (-step, 0, step) for b in (-step, 0, step) if (a, b) != (0, 0)]
    for image, i, j in np.ndindex(x.shape[:3]):
        for t, (a, b) in enumerate(places):
            p, q = x[image, i, j], pixel(x[image], i + a, j + b)
            length = np.linalg.norm(p) * np.linalg.norm(q)
            y[image, i, j, t] = p @ q / length if length else 0
    return y


def freq_fusion(x: Array, guide: Array, groups: int, *weights: Array) -> tuple[Array, Array]:
    """Chen 2024, step by step as in the authors' code: x enlarged, the guide sharpened."""
    q, q_bias, p, p_bias, low, low_bias, high, high_bias, *moving = weights
    n, rows, columns, _ = guide.shape
    s = rows // x.shape[1]
    d, c = guide @ q[0, 0] + q_bias, x @ p[0, 0] + p_bias
    high_of_d = conv_same(d, high, high_bias)
    d = d + d - carafe(d, hamming_kernels(high_of_d))
    low_of_d = conv_same(d, low, low_bias)
    low_of_c = carafe(conv_same(c, low, low_bias), hamming_kernels(low_of_d))
    kernels = hamming_kernels(low_of_d + low_of_c)
    high_of_c = carafe(conv_same(c, high, high_bias), kernels)
    y = carafe(x, kernels)
    sharp = guide + guide - carafe(guide, hamming_kernels(high_of_d + high_of_c))
    if not moving:
        return y, sharp

    def moves(by_x: list[Array], by_guide: list[Array]) -> Array:
        return pixel_shuffle(conv_same(c_seen, *by_x), s) + conv_same(d_seen, *by_guide)

    # Weights lie in the order in which they are made: all of the guide's, all of x's.
    d_norm, d_offset, d_scope, c_norm, c_offset, c_scope = (
        moving[k : k + 2] for k in range(0, 12, 2)
    )
    size = d.shape[3] // 8
    d, c = group_norm(d, *d_norm, size), group_norm(c, *c_norm, size)
    d_seen = np.concatenate([d, cosines(d)], axis=3)
    c_seen = np.concatenate([c, cosines(c)], axis=3)
    offsets = s * moves(c_offset, d_offset) * sigmoid(moves(c_scope, d_scope))
    return point_sample(y, offsets.reshape(n, rows, columns, -1), 1, groups), sharp


def residual_blocks(x: Array, weights: list[Array]) -> Array:
    """AnyUp's: per block two of group normalization in 8 groups, SiLU and a 1x1 convolution."""
    for k in range(0, len(weights), 6):
        y = x
        for gamma, beta, kernel in (weights[k : k + 3], weights[k + 3 : k + 6]):
            y = group_norm(y, gamma, beta, 8)
            y = (y * sigmoid(y)) @ kernel[0, 0]
        x = x + y
    return x


def window_attention(queries: Array, keys: Array, values: Array, heads: int, ratio: float) -> Array:
    """AnyUp's attention: every query in turn, over the keys that its window allows."""
    n, rows, columns, channels = queries.shape
    h, w = keys.shape[1:3]
    y, size = np.zeros((n, rows, columns, values.shape[3])), channels // heads
    for image, p, q in np.ndindex(n, rows, columns):
        u, v = (p + 0.5) / rows, (q + 0.5) / columns
        places = [
            (i, j)
            for i in range(floor(max(u - ratio, 0) * h), -floor(-min(u + ratio, 1) * h))
            for j in range(floor(max(v - ratio, 0) * w), -floor(-min(v + ratio, 1) * w))
        ]
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            products = [queries[image, p, q, part] @ keys[image, i, j, part] for i, j in places]
            weights = softmax(np.array(products) / size**0.5)
            for (i, j), weight in zip(places, weights, strict=True):
                y[image, p, q] += weight * values[image, i, j] / heads
    return y


def anyup(x: Array, guide: Array, heads: int, ratio: float, *weights: Array) -> Array:
    """Wimmer 2025, from the layer's weights in their order."""
    basis, frequencies, *rest = weights
    taken = iter(rest)

    def take(count: int) -> list[Array]:
        return [next(taken) for _ in range(count)]

    n, rows, columns, _ = guide.shape
    h, w = x.shape[1:3]
    image = residual_blocks(guide @ take(1)[0][0, 0], take(12))
    half = image.shape[3] // 2
    turned = np.zeros(image.shape)
    for i, j in np.ndindex(rows, columns):
        angle = i / (rows - 1) * frequencies[0] + j / (columns - 1) * frequencies[1]
        there = np.concatenate([-image[:, i, j, half:], image[:, i, j, :half]], axis=-1)
        turned[:, i, j] = image[:, i, j] * np.cos(angle) + there * np.sin(angle)
    queries = residual_blocks(turned @ take(1)[0][0, 0], take(12))
    fine = residual_blocks(turned @ take(1)[0][0, 0], take(12))
    s = rows // h
    keys = fine.reshape(n, h, s, w, s, -1).mean(axis=(2, 4))
    unit = x / np.linalg.norm(x, axis=3, keepdims=True)
    unified = np.zeros(keys.shape)
    k = len(basis)
    for b, i, j in np.ndindex(n, h, w):
        for c in range(x.shape[3]):
            total, count = np.zeros(keys.shape[3]), 0
            for a, d in np.ndindex(k, k):
                row, column = i + a - k // 2, j + d - k // 2
                if 0 <= row < h and 0 <= column < w:
                    total = total + basis[a, d, 0] * unit[b, row, column, c]
                    count += 1
            unified[b, i, j] += softmax(total / count) / x.shape[3]
    unified = residual_blocks(unified, take(12))
    both = np.pad(
        np.concatenate([keys, unified], axis=3), ((0, 0), (1, 1), (1, 1), (0, 0)), "reflect"
    )
    keys = conv_same(both, *take(1), np.zeros(keys.shape[3]))[:, 1:-1, 1:-1]
    keys = residual_blocks(keys, take(12))
    queries = conv_same(queries, *take(1), np.zeros(keys.shape[3]))
    eps = np.finfo("float32").eps
    queries, keys = (
        m / np.sqrt((m**2).mean(axis=-1, keepdims=True) + eps) * take(1)[0] for m in (queries, keys)
    )
    query, query_bias, key, key_bias = take(4)
    queries, keys = queries @ query[0, 0] + query_bias, keys @ key[0, 0] + key_bias
    return window_attention(queries, keys, x, heads, ratio)


def grid_sample(image: Array, rows: Array, columns: Array) -> Array:
    """(H, W, C) at points in pixels, bilinear, border padding."""
    h, w, c = image.shape
    y = np.zeros((*rows.shape, c))
    for index in np.ndindex(rows.shape):
        u, v = min(max(rows[index], 0), h - 1), min(max(columns[index], 0), w - 1)
        i, j = floor(u), floor(v)
        for a in (0, 1):
            for b in (0, 1):
                weight = (u - i if a else 1 - (u - i)) * (v - j if b else 1 - (v - j))
                y[index] += weight * image[min(i + a, h - 1), min(j + b, w - 1)]
    return y


def point_sample(x: Array, offsets: Array, s: int, groups: int) -> Array:
    """DySample's sampling, offsets (N, H, W, [axis, a, b, group])."""
    n, h, w, c = x.shape
    y, size = np.zeros((n, s * h, s * w, c)), c // groups
    moves = offsets.reshape(n, h, w, 2, s, s, groups)
    for image in range(n):
        for g in range(groups):
            rows, columns = np.zeros((s * h, s * w)), np.zeros((s * h, s * w))
            for p in range(s * h):
                for q in range(s * w):
                    dr, dc = moves[image, p // s, q // s, :, p % s, q % s, g]
                    rows[p, q] = (p + 0.5) / s - 0.5 + dr
                    columns[p, q] = (q + 0.5) / s - 0.5 + dc
            part = slice(g * size, (g + 1) * size)
            y[image, :, :, part] = grid_sample(x[image, :, :, part], rows, columns)
    return y


def joint_bilateral(
    x: Array, guide: Array, s: int, radius: int, spatial_sigma: float, range_sigma: float
) -> Array:
    n, h, w, c = x.shape
    y = np.zeros((n, s * h, s * w, c))
    for image in range(n):
        low = np.zeros((h, w, guide.shape[3]))
        for i in range(h):
            for j in range(w):
                block = guide[image, s * i : s * i + s, s * j : s * j + s]
                low[i, j] = block.mean(axis=(0, 1))
        for p in range(s * h):
            for q in range(s * w):
                total, weights = np.zeros(c), 0.0
                for i in range(p // s - radius, p // s + radius + 1):
                    for j in range(q // s - radius, q // s + radius + 1):
                        if not (0 <= i < h and 0 <= j < w):
                            continue
                        u, v = (p + 0.5) / s - 0.5, (q + 0.5) / s - 0.5
                        far = ((u - i) ** 2 + (v - j) ** 2) / (2 * spatial_sigma**2)
                        unlike = ((guide[image, p, q] - low[i, j]) ** 2).sum()
                        weight = np.exp(-far - unlike / (2 * range_sigma**2))
                        total = total + weight * x[image, i, j]
                        weights += weight
                y[image, p, q] = total / weights
    return y


def checkerboard_blur(x: Array, s: int) -> Array:
    """The mean over s pixels around each, outer ones counting a half for even s; x goes on."""

    def blurred(line: Array) -> Array:
        n, reach, rows = len(line), s // 2, []
        for i in range(n):
            total = np.zeros(line.shape[1:])
            for j in range(i - reach, i + reach + 1):
                k = j + s if j < 0 else j - s if j >= n else j
                half = s % 2 == 0 and abs(j - i) == reach
                total = total + (0.5 if half else 1.0) * line[k]
            rows.append(total / s)
        return np.stack(rows)

    images = [np.swapaxes(blurred(np.swapaxes(blurred(image), 0, 1)), 0, 1) for image in x]
    return np.stack(images)


def max_pool(x: Array, s: int) -> tuple[Array, Array]:
    """Maxima of whole windows, and the first place of each in its window."""
    n, h, w, c = x.shape
    y, places = np.zeros((n, h // s, w // s, c)), np.zeros((n, h // s, w // s, c), int)
    for index in np.ndindex(y.shape):
        image, i, j, k = index
        best = None
        for place in range(s * s):
            value = x[image, s * i + place // s, s * j + place % s, k]
            if best is None or value > best:
                best, places[index] = value, place
        y[index] = best
    return y, places


def max_unpool(x: Array, places: Array, s: int, size: tuple[int, int]) -> Array:
    y = np.zeros((x.shape[0], *size, x.shape[3]))
    for image, i, j, k in np.ndindex(x.shape):
        place = places[image, i, j, k]
        if 0 <= place < s * s:
            y[image, s * i + place // s, s * j + place % s, k] = x[image, i, j, k]
    return y
