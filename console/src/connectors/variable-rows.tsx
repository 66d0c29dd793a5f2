import { Button } from "~/kit/button";
import { Field, TextInput, Toggle } from "~/kit/field";
import { Card, Section } from "~/kit/page";
import { NO_VARIABLE, type VariableRow } from "./edit-form";

interface Props {
  rows: VariableRow[];
  onChange: (rows: VariableRow[]) => void;
  fault: (variable: string, member: string) => string | undefined;
}

/** The variables of the base URL: what each may be, and what it is called where it is filled in. */
export function VariableRows({ rows, onChange, fault }: Props) {
  const set = (at: number, more: Partial<VariableRow>) =>
    onChange(rows.map((it, index) => (index === at ? { ...it, ...more } : it)));
  return (
    <Section
      title="Variables"
      about="What stands in braces in the base URL. A connection fills them in, or each tenant its own."
      className="max-w-3xl"
    >
      <div className="grid gap-3">
        {rows.map((row, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place: names are typed here
          <Card key={at} className="grid gap-3">
            <div className="grid gap-3 sm:grid-cols-2">
              <Field label="Variable" error={fault(row.variable, "")}>
                {(ties) => (
                  <TextInput
                    {...ties}
                    mono
                    placeholder="subdomain"
                    value={row.variable}
                    onChange={(event) => set(at, { variable: event.target.value.replace(/[{}\s]/g, "") })}
                  />
                )}
              </Field>
              <Field label="Label" optional error={fault(row.variable, "name")}>
                {(ties) => (
                  <TextInput
                    {...ties}
                    placeholder="Your subdomain"
                    value={row.name}
                    onChange={(event) => set(at, { name: event.target.value })}
                  />
                )}
              </Field>
              <Field
                label="Pattern"
                optional
                help="A regular expression for the whole value."
                error={fault(row.variable, "pattern")}
              >
                {(ties) => (
                  <TextInput
                    {...ties}
                    mono
                    placeholder="[a-z0-9-]+"
                    value={row.pattern}
                    onChange={(event) => set(at, { pattern: event.target.value })}
                  />
                )}
              </Field>
              <Field label="Default" optional error={fault(row.variable, "default")}>
                {(ties) => (
                  <TextInput
                    {...ties}
                    mono
                    value={row.default}
                    onChange={(event) => set(at, { default: event.target.value })}
                  />
                )}
              </Field>
            </div>
            <Field label="Help" optional error={fault(row.variable, "description")}>
              {(ties) => (
                <TextInput
                  {...ties}
                  placeholder="The first part of the address that you sign in at"
                  value={row.description}
                  onChange={(event) => set(at, { description: event.target.value })}
                />
              )}
            </Field>
            <div className="flex flex-wrap items-center justify-between gap-2">
              <Toggle
                label="It has to have a value"
                checked={row.required}
                onChange={(required) => set(at, { required })}
              />
              <Button onClick={() => onChange(rows.filter((_, index) => index !== at))}>
                Remove {row.variable || "it"}
              </Button>
            </div>
          </Card>
        ))}
        <div>
          <Button onClick={() => onChange([...rows, NO_VARIABLE])}>Add a variable</Button>
        </div>
      </div>
    </Section>
  );
}
