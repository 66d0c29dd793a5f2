// attache's connect pages, from an application's own page: in a window of their own, or in a frame.
//
//   const result = await Attache.connect({ url, mode: "popup" });
//
// url       the link of a connect session, or a promise of one (so that the window opens with the click)
// mode      "popup" (default) or "frame"
// into      for a frame: the element that it goes into; without one it is shown above the page
// title     of the frame, for screen readers
// onResult  called whenever the page says what came of it
// onClose   called when the window or the frame is gone
//
// A result is { session, status, connection, reason, connections, over }: status is "connected", "failed" or "closed".
// Nothing in it is secret, and nothing in it is proof: what is connected is what the gateway's own API says.
(() => {
  "use strict";
  const TYPE = "attache:connect";
  const MODES = ["popup", "frame"];
  const WIDTH = 520;
  const HEIGHT = 760;
  /** Between two looks at whether a window is still there: no event tells it. */
  const LOOK_MS = 250;
  /** What was said as the window closed may come after it. */
  const LATE_MS = 500;
  let count = 0;

  function connect({ url, mode = "popup", into = null, title = "Connect your account", onResult, onClose } = {}) {
    if (!url) throw new TypeError("Attache.connect: url is the link of a connect session");
    if (!MODES.includes(mode)) throw new TypeError('Attache.connect: mode is "popup" or "frame"');
    count += 1;
    const shown = mode === "frame" ? inFrame(into, title, () => end()) : inWindow(`attache-connect-${count}`, () => end());
    let origin = null;
    let last = { session: null, status: "closed", connection: null, reason: null, connections: [], over: false };
    let settle;
    let fail;
    let isEnded = false;
    const promise = new Promise((resolve, reject) => {
      settle = resolve;
      fail = reject;
    });

    const heard = ({ origin: from, source, data }) => {
      if (from !== origin || source !== shown.window() || typeof data !== "object" || !data) return;
      if (data.type === `${TYPE}:size`) shown.size(Number(data.height) || 0);
      if (data.type !== TYPE) return;
      const { session, status, connection, reason, connections, over } = data;
      last = { session, status, connection, reason, connections, over };
      onResult?.(last);
      if (!over) return;
      settle(last);
      if (!shown.stays) end();
    };
    const end = () => {
      if (isEnded) return;
      isEnded = true;
      removeEventListener("message", heard);
      shown.remove();
      settle(last);
      onClose?.(last);
    };

    addEventListener("message", heard);
    Promise.resolve(url)
      .then((link) => {
        if (isEnded) return;
        if (!link) throw new TypeError("Attache.connect: there is no link");
        const at = new URL(link, location.href);
        if (!["https:", "http:"].includes(at.protocol)) throw new TypeError("Attache.connect: url is no link");
        // Where no window may open, the page itself goes there; the session's return_url leads back.
        if (shown.isBlocked) return location.assign(at.href);
        ({ origin } = at);
        at.searchParams.set("in", mode);
        at.searchParams.set("origin", location.origin);
        shown.open(at.href);
      })
      .catch((problem) => {
        // First: what is closed is settled otherwise.
        fail(problem);
        end();
      });
    promise.close = end;
    return promise;
  }

  /** A window, which the browser may refuse where nobody has clicked. */
  function inWindow(name, gone) {
    const left = Math.max(0, Math.round(screenX + (outerWidth - WIDTH) / 2));
    const top = Math.max(0, Math.round(screenY + (outerHeight - HEIGHT) / 2));
    const opened = open("about:blank", name, `popup,width=${WIDTH},height=${HEIGHT},left=${left},top=${top}`);
    if (!opened) return { isBlocked: true, window: () => null, size() {}, remove() {} };
    const looking = setInterval(() => {
      if (!opened.closed) return;
      clearInterval(looking);
      setTimeout(gone, LATE_MS);
    }, LOOK_MS);
    return {
      stays: false,
      window: () => opened,
      open: (href) => opened.location.replace(href),
      size() {},
      remove() {
        clearInterval(looking);
        opened.close();
      },
    };
  }

  /** A frame: inside an element of the page's, or above all of it. Styled one by one, which the page's policy allows. */
  function inFrame(into, title, gone) {
    const frame = document.createElement("iframe");
    frame.title = title;
    frame.referrerPolicy = "no-referrer";
    Object.assign(frame.style, { display: "block", width: "100%", height: "40rem", border: "0", colorScheme: "light dark" });
    const stays = Boolean(into);
    const holder = stays ? frame : above(frame, gone);
    (into ?? document.body).append(holder);
    if (!stays) holder.showModal();
    return {
      stays,
      window: () => frame.contentWindow,
      open: (href) => (frame.src = href),
      size: (height) => stays && height > 0 && (frame.style.height = `${Math.ceil(height)}px`),
      remove() {
        if (!stays && holder.open) holder.close();
        holder.remove();
      },
    };
  }

  function above(frame, gone) {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", frame.title);
    Object.assign(dialog.style, { width: "min(36rem, 100vw)", height: "min(48rem, 100vh)", maxWidth: "100vw", maxHeight: "100vh", padding: "0", border: "0", borderRadius: "12px", overflow: "hidden" });
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "✕";
    close.setAttribute("aria-label", "Close");
    Object.assign(close.style, { position: "absolute", top: "8px", right: "8px", width: "44px", height: "44px", border: "0", borderRadius: "50%", background: "Canvas", color: "CanvasText", font: "inherit", cursor: "pointer" });
    frame.style.height = "100%";
    dialog.append(close, frame);
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", gone);
    return dialog;
  }

  globalThis.Attache = Object.freeze({ ...globalThis.Attache, connect });
})();
