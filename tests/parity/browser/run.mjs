// CHROMIUM=/path node run.mjs JOBS PACKAGES: run jobs in one headless Chromium.
//
// JOBS: a JSON list of { runtime, model, inputs: [{ name, shape, dtype, file }], outputs }; the
// inputs' files hold raw little-endian values, as will `outputs`0, `outputs`1, ...
// PACKAGES: where package.json was installed. Prints JSON: { adapter, results }.
// adapter: WebGPU's, { name, features }; null if there is none.
// results: an item a job, { ok: true, outputs: [{ name, shape, dtype, file }], log } or
// { ok: false, error, log }; `log` is what was written to the page's console during the job.
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const SECONDS = 600; // a job; a software driver compiles shaders for minutes on a busy machine
const RUNTIMES = {
  "onnxruntime-web": { module: "/onnxruntime_web.mjs", accelerator: "wasm" },
  "onnxruntime-web WebGPU": { module: "/onnxruntime_web.mjs", accelerator: "webgpu" },
  "litert.js": { module: "/litert_js.mjs", accelerator: "wasm" },
  "litert.js WebGPU": { module: "/litert_js.mjs", accelerator: "webgpu" },
};
// Without a GPU, Chromium offers its software driver to WebGPU only with this flag.
const FLAGS = ["--enable-unsafe-webgpu"];
const END = "end of the job"; // in the console
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

const [jobsFile, packages] = process.argv.slice(2);
const jobs = JSON.parse(await readFile(jobsFile, "utf8"));
const { chromium } = createRequire(path.join(packages, "package.json"))("playwright-core");

// /npm/... the installed packages; /job/0/model, /job/0/0 a job's files; else what is beside this.
function fileAt(address) {
  const [, first, ...rest] = address.split("/");
  if (first === "npm") return path.join(packages, "node_modules", ...rest);
  if (first !== "job") return path.join(HERE, first);
  const job = jobs[rest[0]];
  return rest[1] === "model" ? job.model : job.inputs[rest[1]].file;
}

const server = createServer(async (request, response) => {
  try {
    const file = fileAt(new URL(request.url, "http://localhost").pathname);
    const content = await readFile(file);
    const type = TYPES[path.extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { "Content-Type": type }).end(content);
  } catch {
    response.writeHead(404).end();
  }
});

// In the page.
async function answer({ module, accelerator, model, inputs }) {
  const arrays = {
    float32: Float32Array,
    int8: Int8Array,
    uint8: Uint8Array,
    int32: Int32Array,
    int64: BigInt64Array,
  };
  const feeds = {};
  for (const { name, shape, dtype, url } of inputs) {
    const values = await (await fetch(url)).arrayBuffer();
    feeds[name] = { data: new arrays[dtype](values), shape };
  }
  const { run } = await import(module);
  return await run(model, feeds, accelerator);
}

// In the page.
async function findAdapter() {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return null;
  const { vendor, architecture } = adapter.info;
  return { name: `${vendor} ${architecture}`, features: [...adapter.features] };
}

// In a page, before its own scripts: log what a GPU device refuses as the native engines do.
// Chromium logs it too, but without a word that all of these errors have in common.
function tellErrors() {
  const adapter = globalThis.GPUAdapter?.prototype;
  if (!adapter) return;
  const { requestDevice } = adapter;
  adapter.requestDevice = async function (...options) {
    const device = await requestDevice.apply(this, options);
    device.addEventListener("uncapturederror", ({ error }) => {
      console.error(`Validation error: ${error.message}`);
    });
    return device;
  };
}

async function open(browser) {
  const page = await browser.newPage();
  await page.addInitScript(tellErrors);
  await page.goto(`http://127.0.0.1:${server.address().port}/page.html`);
  const log = [];
  page.on("console", (message) => log.push(message.text()));
  return { page, log };
}

async function outcome({ page, log }, job, index) {
  log.length = 0;
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${SECONDS} s`)), 1e3 * SECONDS).unref();
  });
  const asked = {
    ...RUNTIMES[job.runtime],
    model: `/job/${index}/model`,
    inputs: job.inputs.map((input, k) => ({ ...input, url: `/job/${index}/${k}` })),
  };
  const given = await Promise.race([page.evaluate(answer, asked), late]);
  const outputs = [];
  for (const [name, { data, shape }] of Object.entries(given)) {
    const dtype = data.constructor.name.replace("Array", "").replace("Big", "").toLowerCase();
    const file = `${job.outputs}${outputs.length}`;
    await writeFile(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    outputs.push({ name, shape, dtype, file });
  }
  // Messages arrive in their order, but later than the outputs.
  const arrived = page.waitForEvent("console", (message) => message.text() === END);
  await Promise.all([arrived, page.evaluate((text) => console.log(text), END)]);
  return { ok: true, outputs };
}

let browser;
try {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    headless: true,
    args: FLAGS,
  });
  const { page } = await open(browser);
  const adapter = await page.evaluate(findAdapter);
  await page.close();
  const results = [];
  const pages = {}; // one a runtime, because a page loads LiteRT.js for one accelerator
  for (const [index, job] of jobs.entries()) {
    const place = (pages[job.runtime] ??= await open(browser));
    let result;
    try {
      result = await outcome(place, job, index);
    } catch (error) {
      result = { ok: false, error: String(error.message).split("\n")[0] };
      await place.page.close(); // whatever the failure left behind goes with it
      delete pages[job.runtime];
    }
    results.push({ ...result, log: place.log.filter((text) => text !== END).join("\n") });
  }
  console.log(JSON.stringify({ adapter, results }));
} finally {
  await browser?.close();
  server.closeAllConnections();
  server.close();
}
