// An operator's own browser on attache's console, watched: a complaint of the page, a refusal of its
// Content-Security-Policy or a request to anywhere else fails the test.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { person } from "./page.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Of a screen on a desk, a tablet, a phone. */
const WIDTHS = [1440, 1024, 390];
const SCHEMES = ["light", "dark"];

/** A browser of an operator's own, signed in with a token where one is given. `faults` is what was wrong so far. */
export async function openConsole(browser, attache, { token = attache.token, path = "/connectors" } = {}) {
  const origin = `http://${attache.admin}`;
  const { context, page, faults } = await person(browser, origin);
  page.setDefaultTimeout(20_000);
  page.on("request", (it) => {
    if (!it.url().startsWith(origin) && !it.url().startsWith("data:") && page.url().startsWith(origin) && !it.isNavigationRequest()) faults.push(`it asked elsewhere: ${it.url()}`);
  });
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(origin + path);
  if (token) await signIn(page, token);
  return { context, page, faults, origin };
}

/** Types the token, as a person does, and waits for the page behind it. */
export async function signIn(page, token) {
  await page.getByLabel("Operator token").fill(token);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("navigation", { name: "Main" }).waitFor({ state: "attached" });
}

/** Goes to a page of the console by its address, and waits for its title. */
export async function visit(page, path, title) {
  await page.goto(new URL(path, page.url()).href);
  await page.getByRole("heading", { level: 1, name: title }).waitFor();
}

/**
 * No fault of accessibility and nothing to be scrolled sideways on what is shown now, at three widths, in the light and in
 * the dark. With PEERS_SHOTS, a folder, its pictures are kept there.
 */
export async function assertGood(page, name) {
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${name} at ${width} is ${wide} pixels too wide`);
      if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      const told = violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join(" ")}`);
      assert.deepEqual(told, [], `${name} at ${width}, ${colorScheme}`);
      const shots = process.env.PEERS_SHOTS;
      if (shots) await page.screenshot({ path: `${shots}/${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1440, height: 900 });
}

/** Nothing was wrong in this browser so far, but for what a test expects (a refused sign-in is an error to Chromium). */
export function assertQuiet(faults, expected = []) {
  const told = faults.filter((it) => !expected.some((pattern) => pattern.test(it)));
  assert.deepEqual(told, []);
}
