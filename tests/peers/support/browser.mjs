// A person's browser, as far as the pages of an authorization server need one: it keeps cookies, follows redirects, and
// sends forms.
import assert from "node:assert/strict";

const REDIRECTS_MAX = 10;

export class Browser {
  #cookies = new Map();

  /** Goes there: to the page that is shown in the end, or to the address on another server where redirects lead. */
  async open(url, init = {}) {
    const { origin } = new URL(url);
    for (let at = new URL(url), left = REDIRECTS_MAX; ; left -= 1) {
      assert.ok(left > 0, `redirects without an end: ${at}`);
      const answer = await fetch(at, { ...init, redirect: "manual", headers: { ...init.headers, cookie: this.#sent(at) } });
      answer.headers.getSetCookie().forEach((it) => this.#keep(it));
      const html = await answer.text();
      const location = answer.headers.get("location");
      if (!location) return { url: at.href, status: answer.status, html };
      at = new URL(location, at);
      if (at.origin !== origin) return { url: at.href, left: true };
      init = {};
    }
  }

  /** Sends the page's form, these fields filled in. */
  submit(page, filled = {}) {
    const form = /<form[^>]*>/.exec(page.html)?.[0];
    assert.ok(form, `no form: ${JSON.stringify(page)}`);
    const body = new URLSearchParams();
    for (const [input] of page.html.matchAll(/<input[^>]*>/g)) {
      if (attribute(input, "name")) body.set(attribute(input, "name"), attribute(input, "value") ?? "");
    }
    for (const [name, value] of Object.entries(filled)) body.set(name, value);
    return this.open(new URL(attribute(form, "action") ?? page.url, page.url), { method: "POST", body });
  }

  #keep(line) {
    const [pair, ...attributes] = line.split("; ");
    const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    const path = attributes.find((it) => it.startsWith("path="))?.slice("path=".length) ?? "/";
    this.#cookies.set(`${path} ${name}`, { path, name, value });
  }

  #sent({ pathname }) {
    const fitting = [...this.#cookies.values()].filter((it) => it.value && pathname.startsWith(it.path));
    return fitting.map((it) => `${it.name}=${it.value}`).join("; ");
  }
}

function attribute(tag, name) {
  return new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1].replaceAll("&amp;", "&");
}

/** Logs in and consents, or with `answer: "deny"` does not; where that leads. */
export async function consent(url, { name, password, answer = "allow", browser = new Browser() }) {
  return through(browser, await browser.open(url), { name, password, answer });
}

/** Types the code of a device there (RFC 8628 §3.3), then as above. */
export async function consentOnDevice(uri, code, { name, password, answer = "allow", browser = new Browser() }) {
  const typed = await browser.submit(await browser.open(uri), { user_code: code });
  assert.equal(typed.status, 200, JSON.stringify(typed));
  return through(browser, await browser.submit(typed), { name, password, answer });
}

async function through(browser, page, { name, password, answer }) {
  while (page.html?.includes('name="answer"')) {
    const isLogin = page.html.includes('name="password"');
    page = await browser.submit(page, isLogin ? { name, password } : { answer });
    assert.notEqual(page.status, 403, "the password is not the person's");
  }
  return page;
}
