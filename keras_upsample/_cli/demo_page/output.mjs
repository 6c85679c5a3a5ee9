// The network's values -> class numbers or a picture.

// The largest of several scores, or the threshold of one.
export function labelsOf(values, width, height, { kind, outputs, threshold }) {
  const labels = new Uint8Array(width * height);
  const probability = kind === "logits" ? (x) => 1 / (1 + Math.exp(-x)) : (x) => x;
  for (let n = 0; n < labels.length; n += 1) {
    if (kind === "class_map") {
      labels[n] = Math.round(Number(values[n]));
      continue;
    }
    if (outputs === 1) {
      labels[n] = probability(values[n]) >= threshold ? 1 : 0;
      continue;
    }
    let best = 0;
    for (let c = 1; c < outputs; c += 1) {
      if (values[n * outputs + c] > values[n * outputs + best]) best = c;
    }
    labels[n] = best;
  }
  return labels;
}

// A picture of one or three channels; values outside the range are clipped.
export function enlarged(values, width, height, { outputs, range }) {
  const [low, high] = range;
  const image = new ImageData(width, height);
  for (let n = 0; n < width * height; n += 1) {
    for (let c = 0; c < 3; c += 1) {
      const value = values[n * outputs + (outputs === 3 ? c : 0)];
      image.data[4 * n + c] = (255 * (value - low)) / (high - low); // clamps and rounds
    }
    image.data[4 * n + 3] = 255;
  }
  return image;
}
