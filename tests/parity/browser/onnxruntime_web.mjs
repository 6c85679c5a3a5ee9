import * as ort from "onnxruntime-web/wasm";

ort.env.wasm.numThreads = 1; // more need a page that COOP and COEP headers isolate

// inputs: name -> { data: typed array, shape: array }
export async function run(url, inputs) {
  const session = await ort.InferenceSession.create(url);
  const feeds = {};
  for (const [name, { data, shape }] of Object.entries(inputs)) {
    feeds[name] = new ort.Tensor(data, shape);
  }
  const results = await session.run(feeds);
  await session.release();
  const outputs = {};
  for (const [name, tensor] of Object.entries(results)) {
    outputs[name] = { data: tensor.data, shape: [...tensor.dims] };
  }
  return outputs;
}
