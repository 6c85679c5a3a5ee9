// CHROMIUM=/path node demo.mjs FOLDER PACKAGES OUT: open a demo's page, which shows its sample.
//
// FOLDER: what `keras-upsample demo` wrote. PACKAGES: where package.json was installed.
// OUT: for input.bin and output.bin (float32), screen.png and drawn.png, the output's canvas.
// Prints JSON: { state, text, shape, classes, asked }: what the page says, the output's shape, the
// lines on classes, and the addresses that the page asked for.
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";

const SECONDS = 300;
const TYPES = { ".html": "text/html", ".mjs": "text/javascript", ".wasm": "application/wasm" };
const [folder, packages, out] = process.argv.slice(2);
const { chromium } = createRequire(path.join(packages, "package.json"))("playwright-core");

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  try {
    const file = path.join(folder, pathname === "/" ? "index.html" : pathname);
    const type = TYPES[path.extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { "Content-Type": type }).end(await readFile(file));
  } catch {
    response.writeHead(404).end();
  }
});

// In the page: the bytes of what it computed, as lists are slow.
function bytes(name) {
  const values = globalThis.demo[name];
  const all = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let text = "";
  for (let n = 0; n < all.length; n += 32768) {
    text += String.fromCharCode(...all.subarray(n, n + 32768));
  }
  return btoa(text);
}

let browser;
try {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, headless: true });
  const page = await browser.newPage();
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const ended = () => ["done", "failed"].includes(document.body.dataset.state);
  await page.waitForFunction(ended, null, { timeout: 1e3 * SECONDS });
  const told = await page.evaluate(() => ({
    state: document.body.dataset.state,
    text: document.querySelector("#state").textContent,
    shape: globalThis.demo?.shape,
    classes: [...document.querySelectorAll("#classes li")].map((line) => line.textContent),
  }));
  if (told.state === "done") {
    for (const name of ["input", "output"]) {
      const text = await page.evaluate(bytes, name);
      await writeFile(path.join(out, `${name}.bin`), Buffer.from(text, "base64"));
    }
    const drawn = await page.evaluate(() => document.querySelector("#output").toDataURL());
    await writeFile(path.join(out, "drawn.png"), Buffer.from(drawn.split(",")[1], "base64"));
  }
  await page.screenshot({ path: path.join(out, "screen.png"), fullPage: true });
  console.log(JSON.stringify({ ...told, asked }));
} finally {
  await browser?.close();
  server.close();
}
