// inputs: name -> { data: typed array, shape: array }
// accelerator: "wasm" or "webgpu"
export async function run(url, inputs, accelerator) {
  const ort =
    accelerator === "webgpu"
      ? await import("onnxruntime-web/webgpu")
      : await import("onnxruntime-web/wasm");
  ort.env.wasm.numThreads = 1; // more need a page that COOP and COEP headers isolate
  const session = await ort.InferenceSession.create(url, { executionProviders: [accelerator] });
  const feeds = {};
  for (const [name, { data, shape }] of Object.entries(inputs)) {
    feeds[name] = new ort.Tensor(data, shape);
  }
  const results = await session.run(feeds);
  const outputs = {};
  for (const [name, tensor] of Object.entries(results)) {
    outputs[name] = { data: await tensor.getData(), shape: [...tensor.dims] };
  }
  await session.release();
  return outputs;
}
