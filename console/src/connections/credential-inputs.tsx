import type { ApiError } from "~/api/problem";
import { Field, SecretArea, SecretInput, TextArea, TextInput } from "~/kit/field";
import type { CredentialField } from "./method/fields";

interface Props {
  fields: CredentialField[];
  values: Record<string, string>;
  onChange: (values: Record<string, string>) => void;
  faults?: ApiError | undefined;
  /** What lies before the field in the body that was sent. */
  at?: string;
}

/** The fields of a credential. What is typed stays here until it is sent. */
export function CredentialInputs({ fields, values, onChange, faults, at = "/credentials" }: Props) {
  return (
    <div className="grid gap-4">
      {withMissing(fields, faults, at).map((field) => {
        const shared = {
          value: values[field.name] ?? "",
          placeholder: field.example,
          onChange: (event: { target: { value: string } }) => onChange({ ...values, [field.name]: event.target.value }),
        };
        return (
          <Field
            key={field.name}
            label={field.label}
            help={field.help}
            error={faults?.at(`${at}/${field.name}`)}
            optional={field.need !== "required"}
          >
            {(ties) =>
              field.lines && field.secret ? (
                <SecretArea {...ties} {...shared} placeholder={field.example ?? "-----BEGIN …"} />
              ) : field.lines ? (
                <TextArea {...ties} mono {...shared} placeholder={field.example ?? "-----BEGIN …"} />
              ) : field.secret ? (
                <SecretInput {...ties} {...shared} />
              ) : (
                <TextInput {...ties} {...shared} />
              )
            }
          </Field>
        );
      })}
    </div>
  );
}

/** With those besides that the API says are missing. */
function withMissing(fields: CredentialField[], faults: ApiError | undefined, at: string): CredentialField[] {
  const known = new Set(fields.map((it) => it.name));
  const named = (faults?.faults ?? []).flatMap((it) => {
    const name = it.pointer.startsWith(`${at}/`) ? it.pointer.slice(at.length + 1) : "";
    return name && !name.includes("/") && !known.has(name) ? [name] : [];
  });
  return [
    ...fields,
    ...named.map((name) => ({ name, label: name, secret: true, need: "required" as const, lines: false })),
  ];
}
