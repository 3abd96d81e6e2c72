// Drives Chromium for tests/browser: one JSON command per line on stdin, one JSON answer per line on
// stdout. It only reports; the tests judge. It ends when its stdin closes.
//
//   {"open": URL, "as": {viewport, scheme, locale, script, agent}}   a new browser context
//   {"do": [["click", SELECTOR], ["press", KEY], ...]}                      actions on the open page
//
// Both take "find" (selectors; the answer holds boxes and attributes of their elements), "axe" (true)
// and "shot" (the path of a screenshot). The answer is the state of the page afterwards, or {"failed": WHY}.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // The tests see every request of a page to another host, and none of them leaves this host.
  "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
];

// How long an action waits for its element, and a page for its document (milliseconds).
const PATIENCE = 10_000;

// The largest height of a screenshot (CSS pixels).
const SHOT_MAX = 6_000;

const VIEWPORTS = {
  phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  tablet: { viewport: { width: 768, height: 1024 }, hasTouch: true },
  desktop: { viewport: { width: 1280, height: 900 } },
};

const browser = await chromium.launch({ executablePath: process.argv[2], args: ARGS });
let context;
let page;
let noticed;

async function obey(command) {
  if (command.open) await open(command.open, command.as);
  for (const [action, ...what] of command.do ?? []) await ACTIONS[action](...what);
  const seen = await steady(() => look(command.find ?? []));
  if (command.axe) seen.violations = await violations();
  if (command.shot) await shoot(command.shot);
  return seen;
}

async function open(url, { viewport, scheme, locale, script, agent }) {
  await context?.close();
  context = await browser.newContext({
    ...VIEWPORTS[viewport],
    colorScheme: scheme,
    locale,
    javaScriptEnabled: script,
    ...(agent && { userAgent: agent }),
  });
  context.setDefaultTimeout(PATIENCE);
  page = await context.newPage();
  watch();
  await go(url);
}

async function go(url) {
  noticed = { console: [], errors: [], requests: [], dialogs: [], documents: [] };
  await page.goto(url, { waitUntil: "load" });
}

function watch() {
  page.on("console", (message) => noticed.console.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => noticed.errors.push(String(error)));
  context.on("request", (request) => noticed.requests.push(request.url()));
  context.on("page", (other) => other !== page && noticed.dialogs.push("a window was opened"));
  page.on("dialog", async (dialog) => {
    noticed.dialogs.push(`${dialog.type()}: ${dialog.message()}`);
    await dialog.dismiss();
  });
  page.on("response", (response) => {
    const request = response.request();
    const isDocument = request.isNavigationRequest() && request.frame() === page.mainFrame();
    if (isDocument) noticed.documents.push([response.status(), response.url()]);
  });
}

const ACTIONS = {
  go,
  click: (selector) => page.locator(selector).first().click(),
  focus: (selector) => page.locator(selector).first().focus(),
  fill: (selector, text) => page.locator(selector).first().fill(text),
  choose: (selector, value) => page.locator(selector).first().selectOption(value),
  press: (key) => page.keyboard.press(key),
  wait: (selector, millis) => page.locator(selector).first().waitFor({ state: "attached", timeout: millis }),
  follow: (selector) => arrived(() => page.locator(selector).first().click()),
  submit: (key) => arrived(() => page.keyboard.press(key)),
  back: () => page.goBack({ waitUntil: "load" }),
  media: (media) => page.emulateMedia({ media }),
  pdf: (path) => page.pdf({ path, format: "A4" }),
  resize: (width, height) => page.setViewportSize({ width: Number(width), height: Number(height) }),
  unfold: () => page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true))),
};

// Runs an action that leads to another page, and waits for that page.
async function arrived(doing) {
  const there = page.waitForEvent("load");
  await doing();
  await there;
}

// A page that reloads itself may do so during a query; then the query is repeated.
async function steady(looking) {
  try {
    return await looking();
  } catch {
    await page.waitForLoadState("load");
    return await looking();
  }
}

async function look(selectors) {
  const [status] = noticed.documents.at(-1) ?? [0];
  return {
    url: page.url(),
    status,
    html: await page.content(),
    cookies: (await context.cookies()).map((cookie) => cookie.name),
    ...(await page.evaluate(inside, selectors)),
    ...noticed,
  };
}

// The whole page, or what of it can be drawn at once.
async function shoot(path) {
  const { width, height } = await page.evaluate(() => {
    const { scrollWidth, scrollHeight } = document.documentElement;
    return { width: scrollWidth, height: scrollHeight };
  });
  await page.screenshot({ path, fullPage: true, clip: { x: 0, y: 0, width, height: Math.min(height, SHOT_MAX) } });
}

// Runs in the page.
async function inside(selectors) {
  const width = document.documentElement.clientWidth;
  const box = (element) => {
    const { top, bottom, left, right } = element.getBoundingClientRect();
    return { top: top + scrollY, bottom: bottom + scrollY, left, right };
  };
  const described = (element) => {
    const style = getComputedStyle(element);
    return {
      tag: element.localName,
      text: (element.innerText ?? element.textContent ?? "").trim().slice(0, 200),
      attributes: Object.fromEntries([...element.attributes].map(({ name, value }) => [name, value.slice(0, 300)])),
      open: element.open ?? null,
      value: element.value ?? null,
      outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1,
      ...box(element),
    };
  };
  // An element that scrolls may hold wider elements.
  const isHeld = (element) => {
    for (let at = element; at && at !== document.documentElement; at = at.parentElement) {
      if (["auto", "scroll", "hidden"].includes(getComputedStyle(at).overflowX)) return true;
    }
    return false;
  };
  const isOut = ({ left, right, top, bottom }) => right > left && bottom > top && (right > width + 0.5 || left < -0.5);
  const hanging = [...document.body.querySelectorAll("*")].filter((e) => isOut(box(e)) && !isHeld(e)).map(described);
  // Short words that begin on one line and end on another; words in code may.
  const brokenWords = () => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentElement.closest("pre, code, svg, option") || node.data.length > 2000) continue;
      for (const { 0: word, index } of node.data.matchAll(/(?<!\S)[\p{L}\p{N}:.,()]{2,14}(?!\S)/gu)) {
        const range = new Range();
        range.setStart(node, index);
        range.setEnd(node, index + word.length);
        const tops = [...range.getClientRects()].map(({ top }) => Math.round(top));
        if (Math.max(...tops) - Math.min(...tops) > 4) found.push(word);
      }
    }
    return found;
  };
  const isCut = (e) => e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1;
  const isClipping = (e) => ["overflowX", "overflowY"].some((way) => getComputedStyle(e)[way] !== "visible");
  const cut = [...document.body.querySelectorAll("*")].filter((e) => e.clientHeight > 0 && isClipping(e) && isCut(e));
  const texts = [...document.querySelectorAll("svg[role=img]")].map((svg) => [...svg.querySelectorAll("text")]);
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3;
  const overlaps = texts.flatMap((all) =>
    all.flatMap((a, at) =>
      all.slice(at + 1).filter((b) => meet(box(a), box(b))).map((b) => `${a.textContent} / ${b.textContent}`),
    ),
  );
  const active = document.activeElement;
  const broken = brokenWords();
  const stored = [...Object.keys(localStorage), ...Object.keys(sessionStorage)];
  const databases = (await indexedDB.databases?.()) ?? [];
  return {
    title: document.title,
    lang: document.documentElement.lang,
    text: document.body.innerText,
    links: [...document.links].map((a) => ({ text: a.innerText.trim(), href: a.href })),
    handlers: [...document.querySelectorAll("*")].flatMap((e) => e.getAttributeNames()).filter((n) => n.startsWith("on")),
    stored: [...stored, ...databases.map((database) => database.name)],
    hit: "__hit" in window,
    scroll_width: document.documentElement.scrollWidth,
    client_width: width,
    hanging,
    cut: cut.map(described),
    overlaps,
    broken,
    focus: active && active !== document.body ? described(active) : null,
    found: selectors.map((selector) => [...document.querySelectorAll(selector)].map(described)),
  };
}

// All of axe's usual rules (WCAG 2.1 A and AA are among them), and the size of what is tapped.
async function violations() {
  await page.evaluate(AXE);
  const found = await page.evaluate(() =>
    axe.run(document, { rules: { "target-size": { enabled: true } }, resultTypes: ["violations"] }),
  );
  return found.violations.map(({ id, impact, help, nodes }) => ({
    id,
    impact,
    help,
    nodes: nodes.map(({ target, html, any, all, none }) => ({
      target: target.join(" "),
      html: html.slice(0, 200),
      why: [...any, ...all, ...none].map(({ message }) => message).join("; "),
    })),
  }));
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = await obey(JSON.parse(line));
  } catch (error) {
    answer = { failed: String(error?.stack ?? error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
await browser.close();
