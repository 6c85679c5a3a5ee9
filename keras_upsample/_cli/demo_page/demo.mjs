// Runs model.onnx on a picture, and draws what comes out. demo.json says what the values mean.
import * as ort from "./ort.wasm.bundle.min.mjs";
import { fromNpy, fromPicture, networkInput } from "./input.mjs";
import { enlarged, labelsOf } from "./output.mjs";

const at = (selector) => document.querySelector(selector);
const facts = await (await fetch("demo.json")).json();
let session;
let latest; // the file shown

function say(text, state) {
  at("#state").textContent = text;
  document.body.dataset.state = state;
}

// A file -> its pixels, { width, height, channels, data, largest }, at the network's size.
async function pixelsOf(file) {
  const size = facts.size ?? null;
  if (file.name.endsWith(".npy")) return fromNpy(await file.arrayBuffer(), size, facts.multiple);
  if (facts.channels !== 1 && facts.channels !== 3) {
    throw new Error(`The network takes ${facts.channels} channels: open a .npy file of (H, W, ${facts.channels}).`);
  }
  const limit = Number(at("#limit input").value);
  return fromPicture(await createImageBitmap(file), size, facts.whole, facts.multiple, limit, facts.channels);
}

async function show(file) {
  latest = file;
  say("Running.", "running");
  try {
    const pixels = await pixelsOf(file);
    const { width, height } = pixels;
    const values = networkInput(pixels, facts);
    const shape = [1, height, width, facts.channels];
    const begin = performance.now();
    const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", values, shape) };
    const result = (await session.run(feeds))[session.outputNames[0]];
    const milliseconds = Math.round(performance.now() - begin);
    const [, rows, columns] = result.dims;
    pixels.draw(at("#input"));
    at("#classes").replaceChildren();
    if (facts.picture) put(at("#output"), enlarged(result.data, columns, rows, facts));
    else drawClasses(labelsOf(result.data, columns, rows, facts), columns, rows);
    globalThis.demo = { input: values, output: result.data, shape: [...result.dims] };
    say(`${width} x ${height} pixels in ${milliseconds} ms, one thread of WebAssembly.`, "done");
  } catch (error) {
    say(error.message, "failed");
  }
}

function put(canvas, image) {
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// The classes over the picture, and how much of it each one covers.
function drawClasses(labels, width, height) {
  const mask = new ImageData(width, height);
  const counts = new Array(facts.classes.length).fill(0);
  labels.forEach((label, n) => {
    counts[label] += 1;
    if (label > 0) mask.data.set([...facts.classes[label].colour, 140], 4 * n);
  });
  const layer = document.createElement("canvas");
  put(layer, mask);
  const [from, to] = [at("#input"), at("#output")];
  to.width = from.width;
  to.height = from.height;
  const context = to.getContext("2d");
  context.drawImage(from, 0, 0);
  context.drawImage(layer, 0, 0, to.width, to.height);
  facts.classes.forEach(({ name, colour }, label) => {
    const line = document.createElement("li");
    const box = document.createElement("i");
    box.style.background = label > 0 ? `rgb(${colour})` : "none";
    line.append(box, `${name}: ${((100 * counts[label]) / labels.length).toFixed(1)}%`);
    at("#classes").append(line);
  });
}

async function begin() {
  at("h1").textContent = facts.name;
  document.title = facts.name;
  at("#what").textContent = facts.description;
  at("#about").textContent = facts.about;
  at("#limit").hidden = Boolean(facts.size);
  at("#limit input").value = facts.limit;
  at("#limit input").addEventListener("change", () => latest && show(latest));
  at("input[type=file]").addEventListener("change", ({ target }) => target.files[0] && show(target.files[0]));
  ort.env.wasm.numThreads = 1; // more need a page that COOP and COEP headers isolate
  session = await ort.InferenceSession.create("model.onnx", { executionProviders: ["wasm"] });
  if (!facts.sample) return say("Open a file.", "ready");
  const content = await (await fetch(facts.sample)).blob();
  return show(new File([content], facts.sample));
}

begin().catch((error) => say(error.message, "failed"));
