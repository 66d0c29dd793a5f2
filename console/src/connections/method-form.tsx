import { useId, useState } from "react";
import type { ApiError } from "~/api/problem";
import { Field, Select, TextArea, TextInput } from "~/kit/field";
import { cx } from "~/kit/style";
import { credentialFields, isOfTheApp } from "./method/fields";
import { FieldTexts, ProbeInput } from "./method/people";
import { outgoing } from "./method/said";
import { JsonInput, SettingInput, unlessEmpty } from "./method/setting-input";
import { asked, others, read, type Setting, withOthers, write } from "./method/settings";
import { GROUPS, type Method, type Settings, settingsOf, TYPES, type TypeName, typeOf, withType } from "./method/types";
import { More } from "./more";

interface Props {
  value: Method;
  onChange: (value: Method) => void;
  /** What the API said of the method that was sent. */
  faults?: ApiError | undefined;
  /** What lies before the method in the body that was sent: `/auth/token`. */
  at?: string;
  /** Only types whose credentials tenants can bring. */
  embedded?: boolean;
  /** The connector's variables: they may stand in URLs, and are no fields of the credential. */
  connector?: { variables?: Record<string, unknown> | null };
}

/** How an API authenticates: the type, its settings, and what people see who fill its credentials in. */
export function MethodForm({ value, onChange, faults, at = "", embedded, connector }: Props) {
  const type = typeOf(value);
  const settings = settingsOf(value);
  const fault = (pointer: string) => faults?.at(`${at}${pointer}`);
  const set = (next: Settings) => onChange({ ...value, [type]: next } as Method);
  const one = (it: Setting) => (
    <SettingInput
      key={`${type}.${it.at}`}
      setting={it}
      value={read(settings, it.at)}
      fault={fault(`/${type}/${it.at.replaceAll(".", "/")}`)}
      onChange={(next) => set(write(settings, it.at, next))}
    />
  );
  const all = asked(type, settings);
  const rest = others(type, settings);
  const fields = credentialFields(value, Object.keys(connector?.variables ?? {}));
  return (
    <div className="grid gap-5">
      <TypeChoice value={type} embedded={embedded ?? false} onChange={(next) => onChange(withType(value, next))} />
      {type === "all" && (
        <JsonInput
          label="Types, as a list"
          help="Several types at once, each with its settings alone."
          value={value.all}
          fault={fault("/all")}
          rows={6}
          onChange={(next) => onChange({ ...value, all: next } as Method)}
        />
      )}
      {all.some((it) => !it.more) && (
        <div className={cx("grid items-start gap-4", type === "api_key" && "sm:grid-cols-3")}>
          {all.filter((it) => !it.more).map(one)}
        </div>
      )}
      <Preview method={value} />
      {type !== "none" && type !== "all" && (
        <More title="More settings" open={all.some((it) => it.more && fault(`/${type}/${it.at}`))}>
          {all.filter((it) => it.more).map(one)}
          <JsonInput
            label="Other settings, as JSON"
            help="Whatever else this type takes (see docs/auth). It is checked when you save, and kept as it is."
            value={unlessEmpty(rest)}
            fault={fault(`/${type}`)}
            onChange={(next) => set(withOthers(type, settings, asSettings(next)))}
          />
        </More>
      )}
      <Field
        label="Name of the method"
        optional
        error={fault("/name")}
        help="What it is called where somebody chooses it."
      >
        {(ties) => (
          <TextInput
            {...ties}
            value={value.name ?? ""}
            onChange={(event) => onChange(named(value, "name", event.target.value))}
          />
        )}
      </Field>
      <Field label="Description of the method" optional error={fault("/description")}>
        {(ties) => (
          <TextArea
            {...ties}
            rows={2}
            value={value.description ?? ""}
            onChange={(event) => onChange(named(value, "description", event.target.value))}
          />
        )}
      </Field>
      {fields.length > 0 && (
        <More title="What people see when they fill it in" about={fields.map((it) => it.label).join(", ")}>
          <FieldTexts
            fields={fields.filter((it) => it.need !== "obtained" && !isOfTheApp(value, it.name))}
            value={value.fields ?? {}}
            fault={(pointer) => fault(`/fields${pointer}`)}
            onChange={(next) => onChange(withFields(value, next))}
          />
        </More>
      )}
      {type !== "hmac" && type !== "none" && (
        <More title="How a credential is tried" about={value.probe ? value.probe.path : "not at all"}>
          <ProbeInput
            value={value.probe ?? undefined}
            fault={(pointer) => fault(`/probe${pointer}`)}
            onChange={(next) => onChange(withProbe(value, next))}
          />
        </More>
      )}
    </div>
  );
}

function TypeChoice({
  value,
  embedded,
  onChange,
}: {
  value: TypeName;
  embedded: boolean;
  onChange: (type: TypeName) => void;
}) {
  const group = useId();
  const [every, setEvery] = useState(() => TYPES.every((it) => it.group !== "Common" || it.type !== value));
  const offered = TYPES.filter((it) => !embedded || it.type !== "none");
  const common = offered.filter((it) => it.group === "Common");
  const line = TYPES.find((it) => it.type === value)?.line;
  const isCommon = common.some((it) => it.type === value);
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1 text-[13px] font-medium">Type</legend>
      <div className="grid grid-cols-2 gap-1.5 sm:grid-cols-3">
        {common.map((it) => (
          <TypeCard
            group={group}
            key={it.type}
            name={it.name}
            line={it.line}
            checked={it.type === value}
            onPick={() => onChange(it.type)}
          />
        ))}
        <TypeCard
          group={group}
          name="Another"
          line="Signatures, certificates, logins, webhooks."
          checked={!isCommon}
          onPick={() => {
            setEvery(true);
            if (isCommon) onChange("oauth1");
          }}
        />
      </div>
      {every && !isCommon && (
        <Field label="Which" help={line}>
          {(ties) => (
            <Select {...ties} value={value} onChange={(event) => onChange(event.target.value as TypeName)}>
              {GROUPS.filter((group) => group !== "Common").map((group) => (
                <optgroup key={group} label={group}>
                  {offered
                    .filter((it) => it.group === group)
                    .map((it) => (
                      <option key={it.type} value={it.type}>
                        {it.name}
                      </option>
                    ))}
                  {group === "Other" && <option value="all">Several at once</option>}
                </optgroup>
              ))}
            </Select>
          )}
        </Field>
      )}
    </fieldset>
  );
}

function TypeCard({
  group,
  name,
  line,
  checked,
  onPick,
}: {
  group: string;
  name: string;
  line: string;
  checked: boolean;
  onPick: () => void;
}) {
  return (
    <label
      className={cx(
        "flex cursor-pointer flex-col rounded-lg border bg-panel px-3 py-2 has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent",
        checked ? "border-accent bg-accent-soft" : "border-line hover:bg-sunken",
      )}
    >
      <span className="flex items-center gap-2 text-[13px] font-medium">
        <input type="radio" name={group} className="accent-(--accent)" checked={checked} onChange={onPick} />
        {name}
      </span>
      <span className="text-xs text-dim max-sm:hidden">{line}</span>
    </label>
  );
}

/** What goes out, with dots where the secrets are. */
function Preview({ method }: { method: Method }) {
  const lines = outgoing(method);
  if (lines.length === 0) return null;
  return (
    <div>
      <p className="mb-1 text-xs font-medium text-dim">What goes on each request</p>
      <pre className="rounded-lg bg-sunken px-3 py-2 font-mono text-xs whitespace-pre-wrap">{lines.join("\n")}</pre>
    </div>
  );
}

function named(method: Method, at: "name" | "description", text: string): Method {
  const { [at]: _, ...others } = method;
  return (text ? { ...others, [at]: text } : others) as Method;
}

function withFields(method: Method, fields: NonNullable<Method["fields"]>): Method {
  const { fields: _, ...others } = method;
  return (Object.keys(fields).length > 0 ? { ...others, fields } : others) as Method;
}

function withProbe(method: Method, probe: Method["probe"]): Method {
  const { probe: _, ...others } = method;
  return (probe ? { ...others, probe } : others) as Method;
}

function asSettings(value: unknown): Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Settings) : {};
}
