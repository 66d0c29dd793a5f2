import { Choices, Toggle } from "~/kit/field";
import { Notice } from "~/kit/told";
import { type Draft, isEmbedded, type Whose } from "./draft";

interface Props {
  draft: Draft;
  /** Why tenants can't bring theirs; nothing where they can. */
  barred?: string | undefined;
  onChange: (change: Partial<Draft>) => void;
}

/** Whose credentials it works with, and who supplies them. */
export function WhoseCredentials({ draft, barred, onChange }: Props) {
  const embedded = isEmbedded(draft);
  const set = (whose: Whose) => onChange({ whose, credentials: {}, inputs: {} });
  return (
    <div className="grid gap-4">
      <Toggle
        label="Embedded"
        checked={embedded}
        disabled={Boolean(barred) && !embedded}
        help={barred ?? "Each tenant has its own credentials under this connection."}
        onChange={(on) => set(on ? "tenant" : "everyone")}
      />
      {embedded && (
        <>
          <Choices<Whose>
            label="Whose credentials"
            value={draft.whose}
            onChange={set}
            options={[
              {
                value: "tenant",
                label: "The tenant's own",
                help: "Each tenant connects its own account: by a connect link, in your application, or with your help.",
              },
              {
                value: "operator",
                label: "The organisation's, one for each tenant",
                help: "You supply them, a different one for each tenant. Tenants are never asked.",
              },
            ]}
          />
          <Notice title="Nothing to fill in here">
            {draft.whose === "tenant"
              ? "Tenants bring the credentials. The connection does nothing until one is activated: in the Users tab, by the API, or by a connect link."
              : "You enter each tenant's credentials in the Users tab, or by the API. The connection does nothing until one is activated."}
          </Notice>
        </>
      )}
    </div>
  );
}
