import { useEffect, useId, useRef, useState } from "react";
import { Button } from "~/kit/button";
import { Field, Pairs, Select, TextArea, TextInput, Toggle } from "~/kit/field";
import type { Setting } from "./settings";
import type { Settings } from "./types";

interface Props {
  setting: Setting;
  value: unknown;
  fault?: string | undefined;
  onChange: (value: unknown) => void;
}

/** One setting, by its kind. */
export function SettingInput({ setting, value, fault, onChange }: Props) {
  switch (setting.kind) {
    case "text":
    case "number":
      return <TextSetting {...{ setting, value, fault, onChange }} />;
    case "choice":
      return (
        <Field label={setting.label} help={setting.help} error={fault}>
          {(ties) => (
            <Select
              {...ties}
              value={String(value ?? "")}
              onChange={(event) => onChange(event.target.value || undefined)}
            >
              {(!setting.required || value === undefined) && (
                <option value="">{setting.fallback ? `Default: ${setting.fallback}` : "Choose"}</option>
              )}
              {setting.options?.map(([name, label]) => (
                <option key={name} value={name}>
                  {label}
                </option>
              ))}
            </Select>
          )}
        </Field>
      );
    case "toggle":
      return <Toggle label={setting.label} help={setting.help} checked={value === true} onChange={onChange} />;
    case "chips":
      return <Chips {...{ setting, value, fault, onChange }} />;
    case "pairs":
      return <PairsSetting {...{ setting, value, onChange }} />;
    case "inject":
      return <Injections {...{ setting, value, fault, onChange }} />;
    case "json":
      return (
        <JsonInput
          label={setting.label}
          help={setting.help}
          placeholder={setting.placeholder}
          value={value}
          fault={fault}
          onChange={onChange}
        />
      );
  }
}

function TextSetting({ setting, value, fault, onChange }: Props) {
  const list = useId();
  const set = (text: string) => onChange(setting.kind === "number" && text !== "" ? Number(text) : text || undefined);
  return (
    <Field label={setting.label} help={setting.help} error={fault} optional={!setting.required}>
      {(ties) => (
        <>
          <TextInput
            {...ties}
            mono
            {...(setting.kind === "number" && { type: "number", min: 0 })}
            {...(setting.suggest && { list })}
            value={String(value ?? "")}
            placeholder={setting.placeholder ?? setting.fallback}
            onChange={(event) => set(event.target.value)}
          />
          {setting.suggest && (
            <datalist id={list}>
              {setting.suggest.map((it) => (
                <option key={it} value={it} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
}

/** Several words: Enter, a space or a comma ends one, Backspace takes the last back. */
function Chips({ setting, value, fault, onChange }: Props) {
  const [text, setText] = useState("");
  const chips = Array.isArray(value) ? (value as string[]) : [];
  const add = (typed: string) => {
    const more = typed.split(/[\s,]+/).filter((it) => it && !chips.includes(it));
    setText("");
    if (more.length > 0) onChange([...chips, ...more]);
  };
  return (
    <Field
      label={setting.label}
      help={`${setting.help ? `${setting.help} ` : ""}Enter or a comma ends one.`}
      error={fault}
      optional={!setting.required}
    >
      {(ties) => (
        <div className="flex flex-wrap items-center gap-1.5">
          {chips.map((it) => (
            <span key={it} className="inline-flex items-center gap-0.5 rounded-md bg-sunken pl-2 font-mono text-xs">
              {it}
              <button
                type="button"
                aria-label={`Remove ${it}`}
                className="size-7 rounded-md text-dim hover:text-ink"
                onClick={() => onChange(chips.length > 1 ? chips.filter((one) => one !== it) : undefined)}
              >
                ×
              </button>
            </span>
          ))}
          <TextInput
            {...ties}
            mono
            className="max-w-56 flex-1"
            placeholder={chips.length === 0 ? setting.placeholder : undefined}
            value={text}
            onChange={(event) =>
              /[\s,]$/.test(event.target.value) ? add(event.target.value) : setText(event.target.value)
            }
            onBlur={() => add(text)}
            onKeyDown={(event) => {
              if (event.key === "Enter") {
                event.preventDefault();
                add(text);
              } else if (event.key === "Backspace" && text === "" && chips.length > 0) {
                onChange(chips.length > 1 ? chips.slice(0, -1) : undefined);
              }
            }}
          />
        </div>
      )}
    </Field>
  );
}

/** Names and values of an object: rows without a name are not sent, and not lost while one types. */
export function PairsSetting({ setting, value, onChange }: Omit<Props, "fault">) {
  const given = Object.entries((value ?? {}) as Record<string, string>);
  const [rows, setRows] = useState<[string, string][]>(given);
  const set = (next: [string, string][]) => {
    setRows(next);
    const named = next.filter(([name]) => name);
    onChange(named.length > 0 ? Object.fromEntries(named) : undefined);
  };
  return <Pairs label={setting.label} rows={rows} onChange={set} />;
}

type Row = { in: string; name: string; value: string };

/** What is put on each request: where, under which name, and the value with fields in braces. */
function Injections({ setting, value, fault, onChange }: Props) {
  const rows = Array.isArray(value) ? (value as Row[]) : [];
  const set = (row: number, change: Partial<Row>) =>
    onChange(rows.map((it, index) => (index === row ? { ...it, ...change } : it)));
  return (
    <fieldset className="grid gap-1.5">
      <legend className="mb-1 text-[13px] font-medium">{setting.label}</legend>
      {rows.map((it, row) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place: names may be the same or empty
          key={row}
          className="grid grid-cols-[1fr_auto] gap-1.5 sm:grid-cols-[8.5rem_1fr_1.4fr_auto]"
        >
          <Select
            aria-label={`Where row ${row + 1} goes`}
            value={it.in}
            onChange={(event) => set(row, { in: event.target.value })}
            className="max-sm:col-span-2"
          >
            <option value="header">Header</option>
            <option value="query">Query</option>
            <option value="cookie">Cookie</option>
          </Select>
          <TextInput
            mono
            aria-label={`Name of row ${row + 1}`}
            placeholder="X-Api-Key"
            value={it.name}
            onChange={(event) => set(row, { name: event.target.value })}
            className="max-sm:col-span-2"
          />
          <TextInput
            mono
            aria-label={`Value of row ${row + 1}`}
            placeholder="{key}"
            value={it.value}
            onChange={(event) => set(row, { value: event.target.value })}
          />
          <Button
            kind="quiet"
            aria-label={`Remove row ${row + 1}`}
            onClick={() => onChange(rows.filter((_, index) => index !== row))}
          >
            ×
          </Button>
        </div>
      ))}
      {fault && <p className="text-[13px] text-bad">{fault}</p>}
      {setting.help && <p className="text-xs text-dim">{setting.help}</p>}
      <div>
        <Button onClick={() => onChange([...rows, { in: "header", name: "", value: "" }])}>Add</Button>
      </div>
    </fieldset>
  );
}

interface JsonProps {
  label: string;
  help?: string | undefined;
  placeholder?: string | undefined;
  value: unknown;
  fault?: string | undefined;
  rows?: number;
  onChange: (value: unknown) => void;
}

/** Any JSON. While it is none, that is said here, and the last that was any stands. */
export function JsonInput({ label, help, placeholder, value, fault, rows = 4, onChange }: JsonProps) {
  const shown = value === undefined ? "" : JSON.stringify(value, null, 2);
  const [text, setText] = useState(shown);
  const [told, setTold] = useState(shown);
  const [wrong, setWrong] = useState<string>();
  const area = useRef<HTMLTextAreaElement>(null);
  // The form is not sent meanwhile: what stands here would be left out without a word.
  useEffect(() => area.current?.setCustomValidity(wrong ?? ""), [wrong]);
  useEffect(() => {
    if (shown === told) return;
    setTold(shown);
    setText(shown);
    setWrong(undefined);
  }, [shown, told]);
  const set = (next: string) => {
    setText(next);
    try {
      const parsed = next.trim() ? JSON.parse(next) : undefined;
      setWrong(undefined);
      setTold(parsed === undefined ? "" : JSON.stringify(parsed, null, 2));
      onChange(parsed);
    } catch (error) {
      setWrong(`This is no JSON yet: ${(error as Error).message}`);
    }
  };
  return (
    <Field label={label} help={help} error={wrong ?? fault} optional>
      {(ties) => (
        <TextArea
          {...ties}
          ref={area}
          mono
          rows={rows}
          placeholder={placeholder}
          value={text}
          onChange={(event) => set(event.target.value)}
        />
      )}
    </Field>
  );
}

/** An object of JSON for a {@link JsonInput}; nothing where it is empty. */
export function unlessEmpty(settings: Settings): Settings | undefined {
  return Object.keys(settings).length > 0 ? settings : undefined;
}
