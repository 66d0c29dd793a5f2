import type { Connector } from "~/api/schema";
import { Select } from "~/kit/field";
import { type Draft, inputOf } from "./draft";
import { credentialFields } from "./method/fields";
import { More } from "./more";

interface Props {
  connector: Connector;
  method: object;
  draft: Draft;
  onChange: (change: Partial<Draft>) => void;
}

/** For each input of an embedded connection: set here once, or by each tenant. */
export function Inputs({ connector, method, draft, onChange }: Props) {
  const variables = Object.keys(connector.variables ?? {});
  const fields = credentialFields(method, variables).filter((it) => it.need !== "obtained");
  const rows = [
    ...fields.map((it) => ({ name: it.name, label: it.label, isVariable: false })),
    ...variables.map((name) => ({ name, label: connector.variables?.[name]?.name || name, isVariable: true })),
  ];
  if (rows.length === 0) return null;
  const said = rows.filter((it) => inputOf(draft, method, it.name, it.isVariable) === "global").map((it) => it.label);
  return (
    <More title="What is set once, for all tenants" about={said.length > 0 ? said.join(", ") : "nothing"}>
      <p className="text-[13px] text-dim">
        An OAuth app is yours, and the same for all. Keys and passwords are each tenant's own, unless you say otherwise.
      </p>
      <ul className="grid gap-2">
        {rows.map((it) => (
          <li key={it.name} className="grid items-center gap-2 sm:grid-cols-[1fr_16rem]">
            <span className="text-[13px]">{it.label}</span>
            <Select
              aria-label={`Who sets ${it.label}`}
              value={inputOf(draft, method, it.name, it.isVariable)}
              onChange={(event) =>
                onChange({ inputs: { ...draft.inputs, [it.name]: event.target.value as "global" | "tenant" } })
              }
            >
              <option value="tenant">Each tenant</option>
              <option value="global">Set here, for all</option>
            </Select>
          </li>
        ))}
      </ul>
    </More>
  );
}
