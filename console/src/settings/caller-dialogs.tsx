import { useState } from "react";
import { part } from "~/api/pages";
import type { Caller, IssuedCaller } from "~/api/schema";
import { Field, Select, TextInput, Toggle } from "~/kit/field";
import { FormDialog } from "~/kit/form-dialog";
import { Overlap } from "~/kit/overlap";
import { count } from "~/kit/text";
import { type CallerFields, callerBody, callerPatch, EVERYTHING, fieldsOf } from "./caller-form";

const PATH = "/v1/callers";

const PATTERNS = [
  ["connections", "Connections", "crm-*, mail"],
  ["environments", "Environments", "production"],
  ["tenants", "Tenants", "acme"],
  ["methods", "Methods", "GET, HEAD"],
  ["paths", "Paths", "/repos/*"],
] as const;

const PERIODS = [
  ["1s", "a second"],
  ["1m", "a minute"],
  ["1h", "an hour"],
] as const;

interface Props {
  onClose: () => void;
  onDone: (made: IssuedCaller) => unknown;
}

/** A new caller, or what one may use that there is already. */
export function CallerForm({ caller, onClose, onDone }: Props & { caller?: Caller }) {
  const [fields, setFields] = useState<CallerFields>(caller ? fieldsOf(caller) : EVERYTHING);
  const set = <K extends keyof CallerFields>(name: K, value: CallerFields[K]) =>
    setFields({ ...fields, [name]: value });
  const isOther = !PERIODS.some(([it]) => it === fields.per);
  return (
    <FormDialog<IssuedCaller>
      title={caller ? `What ${caller.key} may use` : "New caller"}
      about={
        caller
          ? "It holds from its next request on; its keys stay. What is left empty allows everything."
          : "What is left empty allows everything. Patterns may have * in them, and may name what does not exist yet."
      }
      wide
      {...(caller
        ? {
            act: "Save",
            method: "PATCH" as const,
            path: `${PATH}/${part(caller.key)}`,
            body: callerPatch(caller, fields),
            etag: caller.version === undefined ? undefined : `"${caller.version}"`,
          }
        : { path: PATH, body: callerBody(fields) })}
      onClose={onClose}
      onDone={onDone}
    >
      {(at) => (
        <>
          {!caller && (
            <Field
              label="Key"
              help="What logs and metrics call it: lower case letters, digits, dots, dashes."
              error={at("/key")}
            >
              {(ties) => (
                <TextInput
                  {...ties}
                  mono
                  required
                  autoFocus
                  value={fields.key}
                  onChange={(event) => set("key", event.target.value)}
                />
              )}
            </Field>
          )}
          <div className="grid gap-4 sm:grid-cols-2">
            {PATTERNS.map(([name, label, example]) => (
              <Field key={name} label={label} optional error={at(`/${name}`)}>
                {(ties) => (
                  <TextInput
                    {...ties}
                    mono
                    placeholder={example}
                    value={fields[name]}
                    onChange={(event) => set(name, event.target.value)}
                  />
                )}
              </Field>
            ))}
            <Field label="Requests at most" optional error={at("/rate") ?? at("/rate/requests") ?? at("/rate/per")}>
              {(ties) => (
                <div className="flex gap-1.5">
                  <TextInput
                    {...ties}
                    inputMode="numeric"
                    placeholder="100"
                    value={fields.requests}
                    onChange={(event) => set("requests", event.target.value)}
                  />
                  <Select
                    aria-label="In what time"
                    className="w-auto shrink-0"
                    value={fields.per}
                    onChange={(event) => set("per", event.target.value)}
                  >
                    {PERIODS.map(([value, label]) => (
                      <option key={value} value={value}>
                        {label}
                      </option>
                    ))}
                    {isOther && <option value={fields.per}>{fields.per}</option>}
                  </Select>
                </div>
              )}
            </Field>
          </div>
          <Toggle
            label="For the tenants themselves"
            help="It sees only connections that are exposed, and lists them at GET /-/connections. It has to name its tenants."
            checked={fields.tenant_scoped}
            onChange={(it) => set("tenant_scoped", it)}
          />
        </>
      )}
    </FormDialog>
  );
}

/** Another key, with a while in which those before are good as well. */
export function Rotate({ caller, onClose, onDone }: Props & { caller: Caller }) {
  const [overlap, setOverlap] = useState("24h");
  return (
    <FormDialog<IssuedCaller>
      title={`Another key for ${caller.key}`}
      about={`It has ${count(caller.keys?.length ?? 0, "key")} now. They go on for a while, so that programs can be given the new one without a stop.`}
      act="Make the key"
      path={`${PATH}/${part(caller.key)}/rotate`}
      body={{ overlap }}
      onClose={onClose}
      onDone={onDone}
    >
      {(at) => (
        <Overlap label="The keys before go on for" value={overlap} error={at("/overlap")} onChange={setOverlap} />
      )}
    </FormDialog>
  );
}
