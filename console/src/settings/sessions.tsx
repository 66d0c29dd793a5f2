import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { json } from "~/api/client";
import { listQuery, part } from "~/api/pages";
import type { ConsoleSession } from "~/api/schema";
import { sessionQuery } from "~/api/session";
import { Button } from "~/kit/button";
import { Confirm } from "~/kit/dialog";
import { List } from "~/kit/list";
import { Section } from "~/kit/page";
import { Table } from "~/kit/table";
import { Moment } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Badge, Empty } from "~/kit/told";

const PATH = "/v1/sessions";

/** Who is signed in to the console: for admins, who may end what others are signed in with. */
export function Sessions() {
  const [ending, setEnding] = useState<ConsoleSession>();
  const { data: session } = useQuery(sessionQuery);
  const query = useInfiniteQuery(listQuery<ConsoleSession>(PATH));
  const queries = useQueryClient();
  const tell = useTell();
  const provider = session?.oidc?.name ?? "OpenID Connect";
  return (
    <Section
      title="Signed in"
      about="Each browser in which somebody is signed in to this console. Programs with a token are not among them."
    >
      <List query={query} empty={<Empty title="Nobody is signed in">You use the API with a token.</Empty>}>
        {(items) => (
          <Table
            label="Signed in"
            rows={items}
            keyOf={(it) => it.id}
            columns={[
              {
                head: "Name",
                cell: (it) => (
                  <div className="max-md:text-right">
                    <span className="inline-flex flex-wrap items-center gap-x-2 max-md:justify-end">
                      <strong className="font-medium wrap-anywhere">{it.name}</strong>
                      {it.current && <Badge>this browser</Badge>}
                    </span>
                    <div className="text-xs text-dim">by {it.via === "oidc" ? provider : "a token"}</div>
                  </div>
                ),
              },
              {
                head: "Role",
                className: "whitespace-nowrap",
                cell: (it) => <Badge tone={it.role === "admin" ? "warn" : "dim"}>{it.role}</Badge>,
              },
              { head: "Since", cell: (it) => <Moment at={it.created_at} /> },
              { head: "Last seen", cell: (it) => <Moment at={it.seen_at} /> },
              { head: "Ends", narrow: "hide", cell: (it) => <Moment at={it.expires_at} /> },
              {
                head: "",
                narrow: "bare",
                align: "right",
                cell: (it) => (
                  <Button onClick={() => setEnding(it)} aria-label={`End session of ${it.name}, ${it.id}`}>
                    End session
                  </Button>
                ),
              },
            ]}
          />
        )}
      </List>
      <Confirm
        title={ending?.current ? "End your own session?" : `End the session of ${ending?.name}?`}
        act="End it"
        open={ending !== undefined}
        onClose={() => setEnding(undefined)}
        onAct={async () => {
          if (!ending) return;
          await json("DELETE", `${PATH}/${part(ending.id)}`);
          await queries.invalidateQueries({ queryKey: ["list", PATH] });
          tell(ending.current ? "Your session is ended" : `The session of ${ending.name} is ended`);
        }}
      >
        {ending?.current ? "You are" : `${ending?.name} is`} signed out of that browser at once, and what is typed there
        and not saved is lost. Whoever still has a good token, or a role at the identity provider, can sign in again:
        withdraw the token, or take the role away there, to keep somebody out.
      </Confirm>
    </Section>
  );
}
