import { Switch as RadixSwitch } from "radix-ui";
import { type ComponentPropsWithRef, type ReactNode, useId, useState } from "react";
import { Button } from "./button";
import { cx } from "./style";

interface FieldProps {
  label: string;
  help?: ReactNode;
  error?: string | undefined;
  optional?: boolean;
  /** Takes what ties the input to its label, help and error. */
  children: (ties: Ties) => ReactNode;
}

export interface Ties {
  id: string;
  "aria-describedby"?: string;
  "aria-invalid"?: true;
}

/** A label, an input, what it is for, and what is wrong with it. */
export function Field({ label, help, error, optional, children }: FieldProps) {
  const id = useId();
  const described = [help && `${id}-help`, error && `${id}-error`].filter(Boolean).join(" ");
  const ties: Ties = {
    id,
    ...(described && { "aria-describedby": described }),
    ...(error && { "aria-invalid": true as const }),
  };
  return (
    <div className="grid gap-1">
      <label htmlFor={id} className="text-[13px] font-medium">
        {label}
        {optional && <span className="font-normal text-dim"> (optional)</span>}
      </label>
      {children(ties)}
      {error && (
        <p id={`${id}-error`} className="text-[13px] text-bad">
          {error}
        </p>
      )}
      {help && (
        <div id={`${id}-help`} className="text-xs text-dim">
          {help}
        </div>
      )}
    </div>
  );
}

const INPUT =
  "min-h-9 min-w-0 rounded-lg border border-line bg-panel px-2.5 py-1.5 text-[13px] text-ink " +
  "aria-invalid:border-bad disabled:bg-sunken disabled:text-dim max-sm:text-base";

/** As wide as its place, unless a width is said. */
function wide(className: string | undefined): string {
  return className?.split(" ").some((it) => it.startsWith("w-")) ? "" : "w-full";
}

export function TextInput({ className, mono, ...rest }: ComponentPropsWithRef<"input"> & { mono?: boolean }) {
  return (
    <input
      autoComplete="off"
      spellCheck={false}
      className={cx(INPUT, wide(className), mono && "font-mono", className)}
      {...rest}
    />
  );
}

export function TextArea({ className, mono, ...rest }: ComponentPropsWithRef<"textarea"> & { mono?: boolean }) {
  return (
    <textarea
      autoComplete="off"
      spellCheck={false}
      rows={4}
      className={cx(INPUT, wide(className), mono && "font-mono", className)}
      {...rest}
    />
  );
}

/** The browser's own: it works with every keyboard, screen reader and phone there is. */
export function Select({ className, children, ...rest }: ComponentPropsWithRef<"select">) {
  return (
    <select className={cx(INPUT, wide(className), "pr-8", className)} {...rest}>
      {children}
    </select>
  );
}

/** A secret that is typed in: hidden unless asked for, and never filled in by what the API says. */
export function SecretInput({ className, ...rest }: ComponentPropsWithRef<"input">) {
  const [shown, setShown] = useState(false);
  return (
    <div className="flex gap-1.5">
      <input
        type={shown ? "text" : "password"}
        autoComplete="new-password"
        spellCheck={false}
        data-1p-ignore
        className={cx(INPUT, wide(className), "font-mono", className)}
        {...rest}
      />
      <Button aria-pressed={shown} onClick={() => setShown(!shown)}>
        {shown ? "Hide" : "Show"}
      </Button>
    </div>
  );
}

/** A secret of several lines: a private key. Hidden unless asked for, like the others. */
export function SecretArea({ className, ...rest }: ComponentPropsWithRef<"textarea">) {
  const [shown, setShown] = useState(false);
  return (
    <div className="flex items-start gap-1.5">
      <TextArea mono className={cx(!shown && rest.value !== "" && "masked", className)} {...rest} />
      <Button aria-pressed={shown} onClick={() => setShown(!shown)}>
        {shown ? "Hide" : "Show"}
      </Button>
    </div>
  );
}

interface ToggleProps {
  label: string;
  help?: ReactNode;
  checked: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
}

export function Toggle({ label, help, checked, disabled, onChange }: ToggleProps) {
  const id = useId();
  return (
    <div className="flex items-start gap-3">
      <RadixSwitch.Root
        id={id}
        checked={checked}
        disabled={disabled ?? false}
        onCheckedChange={onChange}
        aria-describedby={help ? `${id}-help` : undefined}
        className="relative mt-0.5 h-6 w-10 shrink-0 rounded-full border border-dim bg-sunken transition-colors data-[state=checked]:border-accent data-[state=checked]:bg-accent disabled:opacity-55"
      >
        <RadixSwitch.Thumb className="block size-4 translate-x-1 rounded-full bg-dim transition-transform data-[state=checked]:translate-x-[1.15rem] data-[state=checked]:bg-on-accent" />
      </RadixSwitch.Root>
      <div>
        <label htmlFor={id} className="text-[13px] font-medium">
          {label}
        </label>
        {help && (
          <div id={`${id}-help`} className="text-xs text-dim">
            {help}
          </div>
        )}
      </div>
    </div>
  );
}

interface ChoicesProps<T extends string> {
  label: string;
  value: T;
  options: { value: T; label: string; help?: ReactNode; disabled?: boolean }[];
  onChange: (value: T) => void;
}

/** One of a few, each with what it means: for decisions, where a list would hide them. */
export function Choices<T extends string>({ label, value, options, onChange }: ChoicesProps<T>) {
  const id = useId();
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1 text-[13px] font-medium">{label}</legend>
      {options.map((it) => (
        <label
          key={it.value}
          className={cx(
            "flex cursor-pointer items-start gap-2.5 rounded-lg border bg-panel px-3 py-2 has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent",
            it.value === value ? "border-accent bg-accent-soft" : "border-line",
            it.disabled && "cursor-not-allowed opacity-60",
          )}
        >
          <input
            type="radio"
            name={id}
            className="mt-1 accent-(--accent)"
            checked={it.value === value}
            disabled={it.disabled}
            onChange={() => onChange(it.value)}
          />
          <span>
            <span className="block text-[13px] font-medium">{it.label}</span>
            {it.help && <span className="block text-xs text-dim">{it.help}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** Names and values, any number of them: variables, headers, parameters. */
export function Pairs({
  label,
  rows,
  onChange,
  names = "Name",
  values = "Value",
}: {
  label: string;
  rows: [string, string][];
  onChange: (rows: [string, string][]) => void;
  names?: string;
  values?: string;
}) {
  const set = (row: number, at: 0 | 1, text: string) =>
    onChange(
      rows.map((it, index) => (index === row ? ((at === 0 ? [text, it[1]] : [it[0], text]) as [string, string]) : it)),
    );
  return (
    <fieldset className="grid gap-1.5">
      <legend className="mb-1 text-[13px] font-medium">{label}</legend>
      {rows.map(([name, value], row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place: names may be the same or empty
        <div key={row} className="flex gap-1.5">
          <TextInput
            mono
            aria-label={`${names} ${row + 1}`}
            placeholder={names}
            value={name}
            onChange={(event) => set(row, 0, event.target.value)}
          />
          <TextInput
            mono
            aria-label={`${values} ${row + 1}`}
            placeholder={values}
            value={value}
            onChange={(event) => set(row, 1, event.target.value)}
          />
          <Button
            kind="quiet"
            aria-label={`Remove ${name || `row ${row + 1}`}`}
            onClick={() => onChange(rows.filter((_, index) => index !== row))}
          >
            ×
          </Button>
        </div>
      ))}
      <div>
        <Button onClick={() => onChange([...rows, ["", ""]])}>Add</Button>
      </div>
    </fieldset>
  );
}
