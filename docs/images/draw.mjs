// Draws what docs/images/make has put into a folder: draw.mjs CHROMIUM FROM TO

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { crc32, deflateSync } from "node:zlib";

const requireFromTests = createRequire(resolve("tests/browser/drive.mjs"));
const { chromium } = requireFromTests("playwright-core");
const [, , program, from, to] = process.argv;

// Colours of the sixteen that a terminal has, by their number, on the dark ground below.
const COLOURS = {
  30: "#484f58", 31: "#ff7b72", 32: "#56d364", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#56d4dd", 37: "#c9d1d9",
  90: "#8b949e", 91: "#ffa198", 92: "#7ee787", 93: "#f2cc60", 94: "#a5d6ff", 95: "#e2c5ff", 96: "#b3f0ff", 97: "#ffffff",
};

// Sharp where it is shown 800 pixels wide.
const SCALE = 2;

const TERMINAL = `
  body { margin: 0; background: #fff }
  pre { margin: 0; padding: 14px 18px; background: #0d1117; color: #c9d1d9; border-radius: 8px;
        font: 13px/1.45 "DejaVu Sans Mono", "Liberation Mono", monospace; width: max-content }`;

const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox", "--disable-gpu"] });

async function shoot(html, { width, locale, selector, until }, name) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, deviceScaleFactor: SCALE, locale, colorScheme: "light" });
  const page = await context.newPage();
  await page.setContent(html);
  const box = await page.locator(selector).boundingBox();
  const end = until ? (await page.locator(until).first().boundingBox()).y : box.y + box.height;
  const clip = { x: box.x, y: box.y, width: box.width, height: end - box.y };
  const shot = await page.screenshot({ clip, fullPage: true });
  writeFileSync(`${to}/${name}.png`, await indexed(page, shot));
  await context.close();
}

// A screenshot as a PNG of 256 colours, which takes a third of the bytes. Of more colours the rarer ones, which
// are edges of letters, become the nearest of the others.
async function indexed(page, shot) {
  const [width, height, base64] = await page.evaluate(pixels, shot.toString("base64"));
  const rgba = new Uint32Array(new Uint8Array(Buffer.from(base64, "base64")).buffer);
  const counts = new Map();
  for (const colour of rgba) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const palette = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a)).slice(0, 256);
  const parts = (colour) => [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
  const distance = (a, b) => a.reduce((sum, part, at) => sum + (part - b[at]) ** 2, 0);
  const known = palette.map(parts);
  const places = new Map(palette.map((colour, at) => [colour, at]));
  for (const colour of counts.keys()) {
    if (places.has(colour)) continue;
    const distances = known.map((other) => distance(parts(colour), other));
    places.set(colour, distances.indexOf(Math.min(...distances)));
  }
  const rows = Buffer.alloc((width + 1) * height);
  rgba.forEach((colour, at) => (rows[at + Math.floor(at / width) + 1] = places.get(colour)));
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3], 8);
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", head),
    chunk("PLTE", Buffer.from(known.flat())),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

// Runs in the page.
async function pixels(png) {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  let text = "";
  for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode(...data.subarray(at, at + 32768));
  return [bitmap.width, bitmap.height, btoa(text)];
}

// Text with colours of ECMA-48 as HTML.
function html(ansi) {
  let style = {};
  let out = "";
  for (const part of ansi.split(/(\x1b\[[0-9;]*m)/)) {
    const codes = part.match(/^\x1b\[([0-9;]*)m$/);
    if (codes) {
      for (const code of codes[1].split(";").map(Number)) {
        if (code === 0) style = {};
        else if (code === 1) style.bold = true;
        else if (code === 2) style.dim = true;
        else if (code === 22) style.bold = style.dim = false;
        else if (code === 39) style.colour = undefined;
        else if (COLOURS[code]) style.colour = COLOURS[code];
        else throw new Error(`no colour is known for ${code}`);
      }
      continue;
    }
    const text = part.replace(/&/g, "&amp;").replace(/</g, "&lt;");
    const css = [
      style.bold && "font-weight: bold",
      style.dim && "opacity: .65",
      style.colour && `color: ${style.colour}`,
    ].filter(Boolean);
    out += css.length ? `<span style="${css.join("; ")}">${text}</span>` : text;
  }
  return out;
}

const ansi = readFileSync(`${from}/trace.ansi`, "utf8").trimEnd();
await shoot(`<style>${TERMINAL}</style><pre>${html(ansi)}</pre>`, { width: 900, selector: "pre" }, "trace");
for (const language of ["en", "ru"]) {
  const page = readFileSync(`${from}/call.${language}.txt`, "utf8");
  await shoot(page, { width: 800, locale: language, selector: "body", until: "section.story" }, `call.${language}`);
}
await browser.close();
