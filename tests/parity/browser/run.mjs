// CHROMIUM=/path node run.mjs JOBS PACKAGES: run jobs in one headless Chromium, on the processor.
//
// JOBS: a JSON list of { runtime, model, inputs: [{ name, shape, dtype, file }], outputs }; the
// inputs' files hold raw little-endian values, as will `outputs`0, `outputs`1, ...
// PACKAGES: where package.json was installed. Prints a JSON list, an item a job:
// { ok: true, outputs: [{ name, shape, dtype, file }] } or { ok: false, error }.
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const SECONDS = 120; // a job; compiling WebAssembly is part of the first
const MODULES = { "onnxruntime-web": "onnxruntime_web.mjs", "litert.js": "litert_js.mjs" };
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
async function answer({ module, model, inputs }) {
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
  return await run(model, feeds);
}

async function outcome(page, job, index) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${SECONDS} s`)), 1e3 * SECONDS).unref();
  });
  const asked = {
    module: `/${MODULES[job.runtime]}`,
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
  return { ok: true, outputs };
}

let browser;
try {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, headless: true });
  const results = [];
  let page;
  for (const [index, job] of jobs.entries()) {
    if (!page) {
      page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${server.address().port}/page.html`);
    }
    try {
      results.push(await outcome(page, job, index));
    } catch (error) {
      results.push({ ok: false, error: String(error.message).split("\n")[0] });
      await page.close(); // whatever the failure left behind goes with it
      page = undefined;
    }
  }
  console.log(JSON.stringify(results));
} finally {
  await browser?.close();
  server.closeAllConnections();
  server.close();
}
