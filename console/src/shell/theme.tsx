import { useState } from "react";
import { Button } from "~/kit/button";

const KEY = "attache-theme";
const NEXT = { system: "light", light: "dark", dark: "system" } as const;
type Choice = keyof typeof NEXT;

function chosen(): Choice {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : "system";
  } catch {
    return "system";
  }
}

/** Some browsers keep nothing: then it is as the system has it again next time. */
function keep(choice: Choice) {
  try {
    localStorage.setItem(KEY, choice);
  } catch {}
}

/** Light, dark, or as the system has it. */
export function applyTheme(choice: Choice = chosen()) {
  if (choice === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
}

export function Theme() {
  const [choice, setChoice] = useState(chosen);
  const turn = () => {
    const next = NEXT[choice];
    keep(next);
    applyTheme(next);
    setChoice(next);
  };
  return (
    <Button className="min-h-8 px-2 text-xs" onClick={turn}>
      Theme: {choice}
    </Button>
  );
}
