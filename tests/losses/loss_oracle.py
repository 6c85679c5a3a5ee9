"""The losses as their papers define them: loops and sets in float64, one image at a time."""

import numpy as np


def probabilities(logits):
    """(P, C) by softmax; one channel by the sigmoid, as two classes."""
    x = np.asarray(logits, "float64").reshape(-1, logits.shape[-1])
    if x.shape[1] == 1:
        one = 1 / (1 + np.exp(-x))
        return np.concatenate([1 - one, one], axis=1)
    exponentials = np.exp(x - x.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


def cross_entropy(p, labels, w, alpha, smoothing=0.0):
    total = 0.0
    for i, label in enumerate(labels):
        target = np.full(p.shape[1], smoothing / p.shape[1])
        target[label] += 1 - smoothing
        total -= w[i] * alpha[label] * float((target * np.log(p[i])).sum())
    return total / w.sum()


def focal(p, labels, w, alpha, gamma=2.0):
    """Lin et al., equation 5, the mean over pixels."""
    total = 0.0
    for i, label in enumerate(labels):
        total -= w[i] * alpha[label] * (1 - p[i, label]) ** gamma * np.log(p[i, label])
    return total / w.sum()


def shown(labels, w, channels):
    """The classes of which an image has a pixel that counts; of one channel class 1 alone."""
    found = {int(label) for label, weight in zip(labels, w, strict=True) if weight}
    return sorted(found & {1} if channels == 1 else found)


def tversky(p, labels, w, alpha, channels, false_positive=0.3, false_negative=0.7):
    """Salehi et al., equations 1 and 2."""
    values = []
    for c in shown(labels, w, channels):
        t = labels == c
        tp = sum(w[i] * p[i, c] for i in range(len(p)) if t[i])
        fp = sum(w[i] * p[i, c] for i in range(len(p)) if not t[i])
        fn = sum(w[i] * (1 - p[i, c]) for i in range(len(p)) if t[i])
        values.append(alpha[c] * (1 - tp / (tp + false_positive * fp + false_negative * fn)))
    return np.mean(values) if values else 0.0


def dice(p, labels, w, alpha, channels):
    """2 |A and B| / (|A| + |B|)."""
    values = []
    for c in shown(labels, w, channels):
        t = (labels == c).astype("float64")
        both = (w * t * p[:, c]).sum()
        values.append(alpha[c] * (1 - 2 * both / ((w * t).sum() + (w * p[:, c]).sum())))
    return np.mean(values) if values else 0.0


def lovasz(p, labels, w, alpha, channels):
    """Berman et al., definition 1 with equation 6: the Jaccard loss of growing sets of errors."""
    values = []
    for c in shown(labels, w, channels):
        t = labels == c
        errors = np.where(t, 1 - p[:, c], p[:, c])

        def jaccard_loss(wrong, t=t):
            """Of the prediction that differs from the truth in the pixels `wrong`."""
            guess = t.copy()
            guess[wrong] = ~guess[wrong]
            return 1 - w[t & guess].sum() / w[t | guess].sum()

        order = np.argsort(-errors, kind="stable")
        before, value = jaccard_loss(order[:0]), 0.0
        for i in range(1, len(order) + 1):
            after = jaccard_loss(order[:i])
            value += errors[order[i - 1]] * (after - before)
            before = after
        values.append(alpha[c] * value)
    return np.mean(values) if values else 0.0


def per_image(formula, labels, logits, weights=None, class_weights=None, ignore=255, **options):
    """(N,): `formula` of each image, times the mean weight of the pixels that count."""
    channels = logits.shape[-1]
    alpha = np.ones(max(channels, 2)) if class_weights is None else np.asarray(class_weights)
    values = []
    for n in range(len(labels)):
        flat = np.asarray(labels[n]).ravel().astype(int)
        counted = flat != ignore
        given = np.ones(flat.shape) if weights is None else np.asarray(weights[n], "float64")
        w = np.broadcast_to(given.reshape(-1), flat.shape)[counted]
        if not w.sum():
            values.append(0.0)
            continue
        p = probabilities(logits[n])[counted]
        value = formula(p, flat[counted], w, alpha, channels, **options)
        values.append(value * w.mean())
    return np.array(values)


FORMULAS = {
    "CrossEntropyAndDice": lambda p, y, w, a, c, smoothing=0.0: (
        cross_entropy(p, y, w, a, smoothing) + dice(p, y, w, a, c)
    ),
    "Focal": lambda p, y, w, a, c, gamma=2.0: focal(p, y, w, a, gamma),
    "Tversky": tversky,
    "LovaszSoftmax": lovasz,
}
