import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { json } from "~/api/client";
import { onceKey } from "~/api/once";
import { listQuery } from "~/api/pages";
import { isApiError } from "~/api/problem";
import type { Connector, ListedConnector } from "~/api/schema";
import { keyFrom, patchJson, useReadAgain } from "~/connections/for-others";
import { Button } from "~/kit/button";
import { Acts, Dialog } from "~/kit/dialog";
import { Field, TextInput } from "~/kit/field";
import { List, Search } from "~/kit/list";
import { cx } from "~/kit/style";
import { Code, Initials } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Failure } from "~/kit/told";
import { pathOf, type ReadIntegration } from "./query";

interface Picked {
  key: string;
  name: string;
  /** Not there yet: its central version is made with the link. */
  fromCatalogue: boolean;
}

/** Links a connector: one that is there, or one of the catalogue, whose central version is made at once. */
export function AddConnector({ read, onClose }: { read: ReadIntegration; onClose: () => void }) {
  const { integration } = read;
  const [picked, setPicked] = useState<Picked>();
  const [ownAlias, setOwnAlias] = useState<string>();
  const again = useReadAgain();
  const tell = useTell();
  const taken = Object.keys(integration.connectors ?? {});
  const alias = ownAlias ?? (picked ? free(keyFrom(picked.key), taken) : "");
  const adding = useMutation({
    mutationFn: async (it: Picked) => {
      if (it.fromCatalogue) {
        const made = json("POST", "/v1/connectors", { key: it.key, from: it.key }, { "Idempotency-Key": onceKey() });
        // Somebody made it meanwhile: then that one is linked.
        await made.catch((error) => {
          if (!isApiError(error) || error.code !== "already_exists") throw error;
        });
      }
      await patchJson(pathOf(integration.key), { connectors: { [alias]: { connector: it.key } } }, {}, read.etag);
    },
    onSuccess: (_, it) => {
      tell(`${it.name} is linked as ${alias}`);
      void again();
      onClose();
    },
  });
  const error = isApiError(adding.error) ? adding.error : undefined;
  return (
    <Dialog
      title="Add a connector"
      about={`What ${integration.name || integration.key} uses.`}
      open
      onClose={onClose}
      wide
    >
      <Pick picked={picked} onPick={setPicked} />
      {picked && (
        <div className="mt-4 grid gap-3">
          <Field
            label="Alias"
            help="What the integration calls it by in its requests: Attache-Connector."
            error={
              taken.includes(alias) ? "The integration has this alias already." : error?.at(`/connectors/${alias}`)
            }
          >
            {(ties) => <TextInput {...ties} mono value={alias} onChange={(event) => setOwnAlias(event.target.value)} />}
          </Field>
          {picked.fromCatalogue && (
            <p className="text-[13px] text-dim">
              {picked.name} comes from the catalogue. Its central version is made now, for other integrations too.
            </p>
          )}
        </div>
      )}
      <div className="mt-3">
        <Failure error={adding.error} />
      </div>
      <Acts>
        <Button onClick={onClose}>Cancel</Button>
        <Button
          kind="primary"
          busy={adding.isPending}
          disabled={!picked || !alias || taken.includes(alias)}
          onClick={() => picked && adding.mutate(picked)}
        >
          Add it
        </Button>
      </Acts>
    </Dialog>
  );
}

function Pick({ picked, onPick }: { picked: Picked | undefined; onPick: (it: Picked) => void }) {
  const [q, setQ] = useState("");
  const own = useInfiniteQuery(listQuery<ListedConnector>("/v1/connectors", { q, endpoints: false }));
  const catalogue = useInfiniteQuery(listQuery<Connector>("/v1/catalogue", { q }, 30));
  const there = new Set(own.data?.items.map((it) => it.key));
  return (
    <div className="grid gap-3">
      <Search label="Search connectors and the catalogue" value={q} onSearch={setQ} />
      <div className="grid max-h-80 gap-4 overflow-y-auto pr-1">
        <Group
          title="Your connectors"
          query={own}
          picked={picked}
          onPick={(it) => onPick({ key: it.key, name: it.name || it.key, fromCatalogue: false })}
        />
        <Group
          title="From the catalogue"
          query={catalogue}
          picked={picked}
          but={there}
          onPick={(it) => onPick({ key: it.key, name: it.name || it.key, fromCatalogue: true })}
        />
      </div>
    </div>
  );
}

interface GroupProps {
  title: string;
  query: ReturnType<typeof useInfiniteQuery<unknown, Error, { items: Named[] }>>;
  picked: Picked | undefined;
  but?: Set<string>;
  onPick: (it: Named) => void;
}

type Named = Pick<Connector, "key" | "name">;

function Group({ title, query, picked, but, onPick }: GroupProps) {
  return (
    <fieldset className="grid gap-1.5">
      <legend className="mb-1 text-xs font-medium text-dim">{title}</legend>
      <List query={query} empty={<p className="text-[13px] text-dim">None has these words.</p>}>
        {(items) => (
          <div className="grid gap-1.5 sm:grid-cols-2">
            {items
              .filter((it) => !but?.has(it.key))
              .map((it) => (
                <label
                  key={it.key}
                  className={cx(
                    "flex cursor-pointer items-center gap-2.5 rounded-lg border px-2.5 py-2 has-focus-visible:outline-2 has-focus-visible:outline-accent",
                    it.key === picked?.key ? "border-accent bg-accent-soft" : "border-line hover:bg-sunken",
                  )}
                >
                  <input
                    type="radio"
                    name="connector"
                    className="accent-(--accent)"
                    checked={it.key === picked?.key}
                    onChange={() => onPick(it)}
                  />
                  <Initials name={it.name || it.key} size="sm" />
                  <span className="min-w-0 text-[13px]">
                    <span className="block truncate font-medium">{it.name || it.key}</span>
                    <Code>{it.key}</Code>
                  </span>
                </label>
              ))}
          </div>
        )}
      </List>
    </fieldset>
  );
}

function free(wanted: string, taken: string[]): string {
  if (!taken.includes(wanted)) return wanted;
  let number = 2;
  while (taken.includes(`${wanted}-${number}`)) number += 1;
  return `${wanted}-${number}`;
}
