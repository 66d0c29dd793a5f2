/** How long after the last key or pointer somebody counts as being there, in milliseconds. */
const THERE_MS = 60_000;

let lastMs = 0;

/** Keeps in mind when somebody last touched a key or the pointer; `now` in milliseconds since the page began. */
export function touched(now = performance.now()) {
  lastMs = now;
}

/** Whether what a page asks now is asked by itself: it does not keep the session from ending idle. */
export function isUnattended(now = performance.now()): boolean {
  return now - lastMs > THERE_MS;
}

/** Begins to watch for it. */
export function watchAttendance(target: EventTarget) {
  for (const event of ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"]) {
    target.addEventListener(event, () => touched(), { capture: true, passive: true });
  }
}
