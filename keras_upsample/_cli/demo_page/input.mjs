// Files -> pixels -> the network's values.
// Pixels: { width, height, data, largest, draw }. `data` holds the file's channels, last axis first
// to change; `largest` is the largest value of their type, 1 for floats; `draw(canvas)` shows them.

const LONGEST = 1024; // of what is shown

// A picture that the browser reads, at a size that the network takes. A network of whole pictures
// gets all of it, resized; any other a part with the aspect ratio of its size, from the middle.
export function fromPicture(picture, size, whole, multiple, limit, channels) {
  const { width: w, height: h } = picture;
  const shrink = Math.min(1, limit / Math.max(w, h));
  const down = (n) => Math.max(multiple, Math.floor((n * shrink) / multiple) * multiple);
  const [height, width] = size ?? [down(h), down(w)];
  const part = whole ? 1 : Math.min(w / width, h / height);
  const source = whole
    ? [0, 0, w, h]
    : [(w - part * width) / 2, (h - part * height) / 2, part * width, part * height];
  const rgba = drawn(picture, source, width, height).getImageData(0, 0, width, height).data;
  const data = new Float32Array(width * height * channels);
  for (let n = 0; n < width * height; n += 1) {
    const [red, green, blue] = rgba.subarray(4 * n, 4 * n + 3);
    if (channels === 3) data.set([red, green, blue], 3 * n);
    else data[n] = red === green && red === blue ? red : Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
  }
  const draw = (canvas) => {
    const larger = whole ? Math.min(1, LONGEST / Math.max(w, h)) : width / source[2];
    [canvas.width, canvas.height] = [Math.round(source[2] * larger), Math.round(source[3] * larger)];
    canvas.getContext("2d").drawImage(picture, ...source, 0, 0, canvas.width, canvas.height);
  };
  return { width, height, data, largest: 255, draw };
}

function drawn(picture, source, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, ...source, 0, 0, width, height);
  return context;
}

const TYPES = {
  "|u1": [Uint8Array, 255],
  "<u2": [Uint16Array, 65535],
  "<f4": [Float32Array, 1],
  "<f8": [Float64Array, 1],
};

// A .npy file of (H, W, C), of which a network of fixed size gets the upper left part.
export function fromNpy(buffer, size, multiple) {
  const long = new Uint8Array(buffer)[6] > 1; // version 2 has a longer length
  const begin = long ? 12 : 10;
  const length = long ? new DataView(buffer).getUint32(8, true) : new DataView(buffer).getUint16(8, true);
  const header = new TextDecoder().decode(new Uint8Array(buffer, begin, length));
  const type = TYPES[/'descr': '([^']+)'/.exec(header)?.[1]];
  const shape = /'shape': \(([^)]*)\)/.exec(header)?.[1].split(",").filter((n) => n.trim()).map(Number);
  if (!type || !shape || shape.length !== 3 || header.includes("'fortran_order': True")) {
    throw new Error("A .npy file must hold (H, W, C) of uint8, uint16, float32 or float64.");
  }
  const [rows, columns, channels] = shape;
  const [height, width] = size ?? [rows, columns].map((n) => Math.floor(n / multiple) * multiple);
  if (rows < height || columns < width || !height || !width) {
    throw new Error(`The network takes ${width} x ${height} pixels, and the file has ${columns} x ${rows}.`);
  }
  const all = new type[0](buffer.slice(begin + length));
  const data = new Float32Array(width * height * channels);
  for (let row = 0; row < height; row += 1) {
    const from = row * columns * channels;
    data.set(all.subarray(from, from + width * channels), row * width * channels);
  }
  const draw = (canvas) => {
    [canvas.width, canvas.height] = [width, height];
    canvas.getContext("2d").putImageData(asRgb(data, width, height, channels), 0, 0);
  };
  return { width, height, data, largest: type[1], draw, stored: channels };
}

// The first three channels, the third as red where there are more: bands begin with blue.
function asRgb(data, width, height, channels) {
  const image = new ImageData(width, height);
  const order = channels > 3 ? [2, 1, 0] : channels === 3 ? [0, 1, 2] : [0, 0, 0];
  let most = 0;
  for (let n = 0; n < data.length; n += 1) most = Math.max(most, data[n]);
  for (let n = 0; n < width * height; n += 1) {
    for (let c = 0; c < 3; c += 1) {
      image.data[4 * n + c] = 255 * Math.sqrt(Math.max(0, data[n * channels + order[c]]) / (most || 1));
    }
    image.data[4 * n + 3] = 255;
  }
  return image;
}

// y = scale u + offset, as `keras_upsample.metadata.Scaling` says.
export function networkInput({ data, largest, stored }, { channels, order, scaling }) {
  if (stored && stored !== channels) {
    throw new Error(`The network takes ${channels} channels, and the file has ${stored}.`);
  }
  const { base } = scaling;
  const from = stored || !order ? [...Array(channels).keys()] : order;
  const by = (list, c) => list[list.length === 1 ? 0 : c];
  const values = new Float32Array(data.length);
  for (let c = 0; c < channels; c += 1) {
    const plane = data.filter((_, n) => n % channels === from[c]);
    const [low, span] =
      base === "percentiles" ? ends(plane, scaling.percentiles) : [0, base === "stored" ? 1 : largest];
    const [scale, offset] = [by(scaling.scale, c), by(scaling.offset, c)];
    plane.forEach((value, n) => {
      let u = Math.fround(Math.fround(value - low) / span);
      if (base === "percentiles") u = Math.min(1, Math.max(0, u));
      values[n * channels + c] = Math.fround(u * Math.fround(scale)) + Math.fround(offset);
    });
  }
  return values;
}

// The lower percentile, and how far the upper one is from it; linear between values, as NumPy's.
function ends(plane, percentiles) {
  const sorted = plane.slice().sort();
  const [low, high] = percentiles.map((percentile) => {
    const place = (percentile / 100) * (sorted.length - 1);
    const n = Math.floor(place);
    const next = sorted[Math.min(n + 1, sorted.length - 1)];
    return Math.fround(sorted[n] + (place - n) * (next - sorted[n]));
  });
  return [low, high > low ? Math.fround(high - low) : Infinity];
}
