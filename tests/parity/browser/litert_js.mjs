import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";

let loading;

// inputs: name -> { data: typed array, shape: array }
// accelerator: "wasm" or "webgpu", the same for all files of a page
export async function run(url, inputs, accelerator) {
  const webgpu = accelerator === "webgpu";
  // Operators that the GPU does not take stay on WASM, which waits for the GPU by JSPI.
  loading ??= loadLiteRt("/npm/@litertjs/core/wasm/", { jspi: webgpu });
  await loading;
  // "fp16" allows half precision, where the GPU has it.
  const gpuOptions = webgpu ? { precision: "fp32" } : {};
  const model = await loadAndCompile(url, { accelerator, gpuOptions });
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
