import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Connector } from "~/api/schema";
import { Button } from "~/kit/button";
import { Dialog } from "~/kit/dialog";
import { TextInput } from "~/kit/field";
import { endpointsOf, matching } from "../endpoint-list";
import { MethodMark } from "../method-mark";
import type { Chosen } from "./whom";

/** Endpoints that are drawn: more are found by a word more. */
const DRAWN = 60;

/** Another endpoint of the connector, found by its method, path, name or tag. */
export function EndpointPicker(props: { connector: Connector; current: string | undefined; chosen: Chosen }) {
  const [isOpen, setIsOpen] = useState(false);
  const [text, setText] = useState("");
  const endpoints = endpointsOf(props.connector);
  if (endpoints.length === 0) return null;
  const found = matching(endpoints, text);
  return (
    <>
      <Button onClick={() => setIsOpen(true)}>Endpoints</Button>
      <Dialog title="Choose an endpoint" open={isOpen} onClose={() => setIsOpen(false)} wide>
        <TextInput
          type="search"
          autoFocus
          aria-label="Search by method, path, name or tag"
          placeholder="Search by method, path, name or tag"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <ul className="mt-3 max-h-[55vh] overflow-y-auto">
          {found.slice(0, DRAWN).map((it) => (
            <li key={it.key}>
              <Link
                to="/connectors/$key/try/$endpoint"
                params={{ key: props.connector.key, endpoint: it.key }}
                search={props.chosen}
                aria-current={it.key === props.current ? "true" : undefined}
                onClick={() => setIsOpen(false)}
                className="flex items-baseline gap-2 rounded-lg px-2 py-1.5 hover:bg-sunken aria-[current]:bg-accent-soft"
              >
                <MethodMark method={it.method} />
                <span className="min-w-0 flex-1 font-mono text-xs break-all">{it.path}</span>
                <span className="min-w-0 flex-1 text-[13px] text-dim max-sm:hidden">{it.name}</span>
              </Link>
            </li>
          ))}
        </ul>
        <p className="mt-2 text-xs text-dim">
          {found.length > DRAWN
            ? `${DRAWN} of ${found.length.toLocaleString("en")} are shown: type a word more.`
            : `${found.length.toLocaleString("en")} of ${endpoints.length.toLocaleString("en")}`}
        </p>
      </Dialog>
    </>
  );
}
