// Light or dark: as the system has it, until the button says otherwise.
const listeners = [];
const system = matchMedia("(prefers-color-scheme: dark)");
let chosen = null;

function apply(theme) {
  if (document.documentElement.dataset.theme === theme) return;
  document.documentElement.dataset.theme = theme;
  const button = document.getElementById("theme");
  button.textContent = theme === "dark" ? "Light" : "Dark";
  button.setAttribute("aria-label", `Switch to ${theme === "dark" ? "light" : "dark"} colours`);
  for (const listener of listeners) listener();
}

const current = () => chosen ?? (system.matches ? "dark" : "light");

export function start() {
  apply(current());
  system.addEventListener("change", () => apply(current()));
  document.getElementById("theme").addEventListener("click", () => {
    chosen = current() === "dark" ? "light" : "dark";
    apply(chosen);
  });
  // Paper is white.
  addEventListener("beforeprint", () => apply("light"));
  addEventListener("afterprint", () => apply(current()));
}

export const onChange = (listener) => listeners.push(listener);
