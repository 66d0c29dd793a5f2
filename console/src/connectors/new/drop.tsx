import { useEffect, useId, useRef, useState } from "react";
import { Button } from "~/kit/button";
import { TextArea } from "~/kit/field";
import { cx } from "~/kit/style";
import { Notice } from "~/kit/told";
import { type Description, readDescription, UnreadableFile } from "./document";

/** Where a file is dropped, chosen, or its text pasted. */
export function Drop({ onGiven, compact }: { onGiven: (description: Description) => void; compact?: boolean }) {
  const [isOver, setIsOver] = useState(false);
  const [pasted, setPasted] = useState<string>();
  const [fault, setFault] = useState<string>();
  const chosen = useRef<HTMLInputElement>(null);
  const id = useId();
  const take = async (file: File | undefined) => {
    setFault(undefined);
    if (!file) return;
    try {
      onGiven(await readDescription(file));
    } catch (error) {
      setFault(error instanceof UnreadableFile ? error.message : String(error));
    }
  };
  const dropped = useRef<(data: DataTransfer) => void>(undefined);
  dropped.current = (data) => {
    const file = data.files[0];
    const text = data.getData("text/plain");
    if (file) take(file);
    else if (text) onGiven({ from: "What was dropped", text });
  };
  // Anywhere on the page: a browser that is left to itself leaves the console for the file.
  useEffect(() => {
    let inside = 0;
    const isTyped = (event: DragEvent) =>
      event.target instanceof Element && event.target.closest("input, textarea") && !hasFiles(event);
    const on = {
      dragenter: () => setIsOver(++inside > 0),
      dragleave: () => {
        inside = Math.max(0, inside - 1);
        setIsOver(inside > 0);
      },
      dragover: (event: DragEvent) => isTyped(event) || event.preventDefault(),
      drop: (event: DragEvent) => {
        inside = 0;
        setIsOver(false);
        if (isTyped(event)) return;
        event.preventDefault();
        if (event.dataTransfer) dropped.current?.(event.dataTransfer);
      },
    };
    const all = Object.entries(on) as ["drop", (event: DragEvent) => void][];
    for (const [name, act] of all) window.addEventListener(name, act);
    return () => {
      for (const [name, act] of all) window.removeEventListener(name, act);
    };
  }, []);
  if (pasted !== undefined) {
    return (
      <div className="grid gap-2">
        <label htmlFor={id} className="text-[13px] font-medium">
          The document, as JSON or YAML
        </label>
        <TextArea id={id} mono autoFocus rows={10} value={pasted} onChange={(event) => setPasted(event.target.value)} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={() => setPasted(undefined)}>Back</Button>
          <Button
            kind="primary"
            disabled={pasted.trim() === ""}
            onClick={() => onGiven({ from: "What was pasted", text: pasted })}
          >
            Read it
          </Button>
        </div>
      </div>
    );
  }
  return (
    <div className="grid h-full gap-2">
      <div
        data-drop=""
        className={cx(
          "grid place-content-center justify-items-center gap-3 rounded-xl border-2 border-dashed px-4 text-center transition-colors",
          compact ? "py-6" : "py-10",
          isOver ? "border-accent bg-accent-soft" : "border-line bg-sunken/50",
        )}
      >
        <p className="font-medium">{isOver ? "Let go to read it" : "Drop an OpenAPI or Swagger file here"}</p>
        <div className="flex flex-wrap justify-center gap-2">
          <Button kind="primary" onClick={() => chosen.current?.click()}>
            Choose a file
          </Button>
          <Button onClick={() => setPasted("")}>Paste it</Button>
        </div>
        <p className="text-xs text-dim">
          OpenAPI 3.0, 3.1, 3.2 or Swagger 2.0, JSON or YAML. You see what becomes of it before anything is made.
        </p>
        <input
          ref={chosen}
          type="file"
          hidden
          aria-label="OpenAPI file"
          accept=".json,.yaml,.yml,application/json,application/yaml"
          onChange={(event) => {
            take(event.target.files?.[0]);
            event.target.value = "";
          }}
        />
      </div>
      {fault && <Notice tone="bad">{fault}</Notice>}
    </div>
  );
}

function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
