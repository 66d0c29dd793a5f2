import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { json } from "~/api/client";
import { listQuery } from "~/api/pages";
import type { Connector, ListedApi } from "~/api/schema";
import { type TypeName, typeName } from "~/connections/method/types";
import { Button, ButtonLink } from "~/kit/button";
import { List, Search } from "~/kit/list";
import { Initials } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Badge, Empty, Failure } from "~/kit/told";
import { nameOf, once, takenKeys } from "../data";
import { newConnection } from "../elsewhere";
import { freeKey } from "./free-key";

/** The APIs that come with attache: one press makes a connector of one. */
export function CataloguePart() {
  const { q } = useSearch({ from: "/new/connector" });
  const navigate = useNavigate({ from: "/new/connector" });
  const apis = useInfiniteQuery(listQuery<ListedApi>("/v1/catalogue", { q }));
  const search = (text: string) => navigate({ search: { way: "catalogue", ...(text && { q: text }) }, replace: true });
  return (
    <>
      <div className="mb-3">
        <Search label="Search the catalogue" value={q ?? ""} onSearch={search} />
      </div>
      <List
        query={apis}
        empty={
          <Empty
            title={`The catalogue has nothing for “${q}”`}
            acts={
              <>
                <ButtonLink to="/new/connector" search={{ way: "openapi" }}>
                  Use its OpenAPI file
                </ButtonLink>
                <ButtonLink to="/new/connector" search={{ way: "hand" }}>
                  Fill in a form
                </ButtonLink>
              </>
            }
          >
            Any API can be a connector: by its OpenAPI file, or by its base URL alone.
          </Empty>
        }
      >
        {(items) => (
          <ul className="grid gap-3 sm:grid-cols-2 xl:grid-cols-3">
            {items.map((it) => (
              <Api key={it.key} api={it} />
            ))}
          </ul>
        )}
      </List>
    </>
  );
}

function Api({ api }: { api: ListedApi }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const tell = useTell();
  const add = useMutation({
    mutationFn: async () => {
      const key = await freeKey(api.key, takenKeys);
      return json<Connector>("POST", "/v1/connectors", { key, from: api.key }, once());
    },
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: ["list", "/v1/connectors"] });
      tell(`${nameOf(made)} is made. Now a connection to it, with your credential.`);
      navigate(newConnection(made.key));
    },
  });
  return (
    <li className="far flex flex-col gap-3 rounded-xl border border-line bg-panel p-4">
      <div className="flex items-start gap-3">
        <Initials name={api.name} />
        <div className="min-w-0 flex-1">
          <h2 className="font-medium">{api.name}</h2>
          <p className="text-xs text-dim">{api.description}</p>
        </div>
      </div>
      <div className="mt-auto flex items-center justify-between gap-2">
        <div className="flex flex-wrap gap-1">
          {[...new Set(Object.values(api.auth))].map((it) => (
            <Badge key={it}>{typeName(it as TypeName)}</Badge>
          ))}
        </div>
        <Button busy={add.isPending} onClick={() => add.mutate()} aria-label={`Add ${api.name}`}>
          Add
        </Button>
      </div>
      <Failure error={add.error} />
    </li>
  );
}
