// A person's own browser (Chromium), watched: whatever a page says wrong to its console, or may not load, fails the test.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Of a screen on a desk, a tablet, a phone. */
const WIDTHS = [1440, 1024, 390];
const SCREENS = [...WIDTHS.map((width) => ({ width, colorScheme: "light" })), { width: 390, colorScheme: "dark" }];

/** `more`: arguments of Chromium's own; `others`: what else Playwright takes. */
export async function openBrowser(more = [], others = {}) {
  const executablePath = process.env.CHROMIUM ?? CHROMIUM.find((it) => existsSync(it));
  assert.ok(executablePath, "no Chromium: scripts/need chromium installs it");
  // A sandbox needs what containers do not have; the pages are the tests' own.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage", ...more], ...others });
}

/** Another person's browser: no cookies yet. `faults` is what it complained about on pages of this origin. */
export async function person(browser, origin, { javaScriptEnabled = true } = {}) {
  const context = await browser.newContext({ javaScriptEnabled });
  const page = await context.newPage();
  const faults = [];
  const told = (text) => page.url().startsWith(origin) && faults.push(`${page.url()}: ${text}`);
  page.on("console", (it) => ["error", "warning"].includes(it.type()) && told(it.text()));
  page.on("pageerror", (it) => told(String(it)));
  return { context, page, faults };
}

/** No fault of accessibility, and nothing to be scrolled sideways, on any screen, in the light or in the dark. */
export async function assertGood(browser, html, name) {
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  for (const { width, colorScheme } of SCREENS) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    await page.setContent(html);
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    const told = violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join(" ")}`);
    assert.deepEqual(told, [], `${name} at ${width}, ${colorScheme}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${name} at ${width} is ${wide} pixels too wide`);
    const shots = process.env.PEERS_SHOTS;
    if (shots) await page.screenshot({ path: `${shots}/${name}-${width}-${colorScheme}.png`, fullPage: true });
  }
  await context.close();
}
