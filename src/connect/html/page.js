// Shows and hides what is typed in secret, says that something is under way, and tells the application that shows the page
// what came of it.
const { seat, origin, link, told, standing, ends, returns } = document.body.dataset;
const say = (text) => (document.getElementById("busy").textContent = text);

for (const button of document.querySelectorAll("button.reveal")) {
  const input = document.getElementById(button.getAttribute("aria-controls"));
  const word = button.firstElementChild;
  const show = (shown) => {
    input.type = shown ? "text" : "password";
    word.textContent = shown ? "Hide" : "Show";
  };
  button.hidden = false;
  button.parentElement.classList.add("can-show");
  button.addEventListener("click", () => show(input.type === "password"));
  // Nothing that was shown is remembered by the browser as something that was not secret.
  input.form.addEventListener("submit", () => show(false));
}

for (const form of document.querySelectorAll("form[data-busy]")) {
  const button = form.querySelector(".acts button");
  const label = button.textContent;
  const busy = (is) => {
    button.textContent = is ? form.dataset.busy : label;
    button.setAttribute("aria-disabled", String(is));
    say(is ? form.dataset.busy : "");
  };
  form.addEventListener("submit", (event) => {
    if (button.getAttribute("aria-disabled") === "true") event.preventDefault();
    else busy(true);
  });
  addEventListener("pageshow", () => busy(false));
}

// To one origin by its name, and to no other.
const tell = (message) => {
  const application = seat === "frame" ? parent : opener;
  if (origin && application && application !== window) application.postMessage(message, origin);
};
if (told) tell({ type: "attache:connect", ...JSON.parse(told) });
// The window that was opened has been cut off by a page on the way: it goes back by itself.
if (seat === "popup" && returns && !opener) location.replace(returns);
// What the frame has opened has done its part.
if (seat === "window" && ends) {
  opener?.postMessage({ type: "attache:connect:back" }, location.origin);
  close();
}
if (seat === "frame") {
  document.querySelector("[aria-invalid]")?.focus();
  new ResizeObserver(() => tell({ type: "attache:connect:size", height: document.body.scrollHeight })).observe(document.body);
  const again = () => location.replace(link);
  addEventListener("message", ({ origin: from, data }) => {
    if (from !== location.origin) return;
    if (data?.type === "attache:connect:back") again();
    // A window that stands for the frame, where the browser keeps nothing for frames.
    if (data?.type === "attache:connect") {
      tell(data);
      if (data.over) document.querySelector(".elsewhere").textContent = "You can go on here.";
    }
  });
  const looks = async () => {
    if (document.hidden) return;
    const answer = await fetch(`${link}?in=frame`, { method: "HEAD" }).catch(() => null);
    const now = answer?.headers.get("attache-connect-standing");
    if (now && now !== standing) again();
  };
  const watch = () => setInterval(looks, 2000);
  for (const form of document.querySelectorAll("form[target]")) {
    form.addEventListener("submit", () => {
      open("about:blank", form.target, "popup,width=520,height=760");
      say("Go on in the window that has opened.");
      watch();
    }, { once: true });
  }
  if (document.querySelector(".code")) watch();
}
