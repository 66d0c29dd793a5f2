// Shows and hides what is typed in secret, and says that something is under way.
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
    document.getElementById("busy").textContent = is ? form.dataset.busy : "";
  };
  form.addEventListener("submit", (event) => {
    if (button.getAttribute("aria-disabled") === "true") event.preventDefault();
    else busy(true);
  });
  addEventListener("pageshow", () => busy(false));
}
