import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";

await loadLiteRt("/npm/@litertjs/core/wasm/");

// inputs: name -> { data: typed array, shape: array }
export async function run(url, inputs) {
  const model = await loadAndCompile(url, { accelerator: "wasm" });
  const feeds = {};
  for (const [name, { data, shape }] of Object.entries(inputs)) {
    feeds[name] = new Tensor(data, shape);
  }
  const results = await model.run(feeds);
  const outputs = {};
  for (const [name, tensor] of Object.entries(results)) {
    outputs[name] = { data: await tensor.data(), shape: [...tensor.type.layout.dimensions] };
  }
  // No garbage collector frees these.
  for (const tensor of [...Object.values(feeds), ...Object.values(results)]) tensor.delete();
  model.delete();
  return outputs;
}
