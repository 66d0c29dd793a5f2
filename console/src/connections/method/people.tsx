import type { RawFieldText } from "~/api/schema";
import { Field, Select, TextInput } from "~/kit/field";
import type { CredentialField } from "./fields";
import { labelOf } from "./fields";
import type { Method } from "./types";

type Texts = Record<string, RawFieldText>;

interface TextsProps {
  fields: CredentialField[];
  value: Texts;
  fault: (pointer: string) => string | undefined;
  onChange: (value: Texts) => void;
}

const MEMBERS = [
  ["name", "Label", ""],
  ["description", "Help", "Where it is found: “Settings, API, Create key”"],
  ["pattern", "Pattern", "sk_[a-z0-9]{32}"],
  ["example", "Example", "sk_…"],
] as const;

/** What each field of the credential is to whoever fills it in: on connect pages, in forms, in the API's answers. */
export function FieldTexts({ fields, value, fault, onChange }: TextsProps) {
  const set = (name: string, member: keyof RawFieldText, text: string) => {
    const { [name]: before = {}, ...others } = value;
    const { [member]: _, ...kept } = before;
    const next = text ? { ...kept, [member]: text } : kept;
    onChange(Object.keys(next).length > 0 ? { ...others, [name]: next } : others);
  };
  return fields.map((field) => (
    <fieldset key={field.name} className="grid gap-3 sm:grid-cols-2">
      <legend className="mb-1 font-mono text-xs">{field.name}</legend>
      {MEMBERS.map(([member, label, placeholder]) => (
        <Field key={member} label={label} optional error={fault(`/${field.name}/${member}`)}>
          {(ties) => (
            <TextInput
              {...ties}
              mono={member === "pattern" || member === "example"}
              placeholder={member === "name" ? labelOf(field.name) : placeholder}
              value={value[field.name]?.[member] ?? ""}
              onChange={(event) => set(field.name, member, event.target.value)}
            />
          )}
        </Field>
      ))}
    </fieldset>
  ));
}

interface ProbeProps {
  value: NonNullable<Method["probe"]> | undefined;
  fault: (pointer: string) => string | undefined;
  onChange: (value: NonNullable<Method["probe"]> | undefined) => void;
}

/** The request that a credential has to succeed with before it is taken. */
export function ProbeInput({ value, fault, onChange }: ProbeProps) {
  const set = (change: { method?: string; path?: string }) => {
    const next = { ...value, ...change } as NonNullable<Method["probe"]>;
    onChange(next.path ? next : undefined);
  };
  return (
    <>
      <p className="text-[13px] text-dim">
        A request that changes nothing and needs the credential. What tenants type in is tried with it before it is
        taken, and Check credentials uses it.
      </p>
      <div className="grid gap-3 sm:grid-cols-[8rem_1fr]">
        <Field label="Method" error={fault("/method")}>
          {(ties) => (
            <Select {...ties} value={value?.method ?? "GET"} onChange={(event) => set({ method: event.target.value })}>
              {["GET", "HEAD", "POST"].map((it) => (
                <option key={it}>{it}</option>
              ))}
            </Select>
          )}
        </Field>
        <Field label="Path" optional error={fault("/path")}>
          {(ties) => (
            <TextInput
              {...ties}
              mono
              placeholder="/me"
              value={value?.path ?? ""}
              onChange={(event) => set({ path: event.target.value })}
            />
          )}
        </Field>
      </div>
    </>
  );
}
