import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { json } from "~/api/client";
import type { Change, Environment, Preview } from "~/api/schema";
import { useMay } from "~/api/session";
import { Consequences, Decide, patchJson, useReadAgain } from "~/connections/for-others";
import { Menu } from "~/kit/menu";
import { useTell } from "~/kit/toast";
import { Failure } from "~/kit/told";
import { NewEnvironment } from "./new-environment";
import { pathOf, versionOf } from "./query";

/** What can be done with an environment besides choosing its connections. */
export function EnvironmentMenu({ environment }: { environment: Environment }) {
  const [asks, setAsks] = useState<"copy" | "delete" | "retire">();
  const mayAct = useMay("operator");
  const again = useReadAgain();
  const tell = useTell();
  const name = environment.name || environment.key;
  const deploying = useMutation({
    mutationFn: (deployed: boolean) => patchJson(pathOf(environment.key), { deployed }, {}, versionOf(environment)),
    onSuccess: (_, deployed) => {
      tell(`${name} is ${deployed ? "" : "not "}deployed`);
      void again();
    },
  });
  if (!mayAct) return null;
  const filed = environment.source as unknown as { file: string; line: number } | undefined;
  const close = () => setAsks(undefined);
  const items = [
    { label: "Copy to a new one", onSelect: () => setAsks("copy") },
    ...(filed
      ? [{ label: `Declared in ${filed.file}, line ${filed.line}`, disabled: true, onSelect: () => {} }]
      : [
          environment.deployed
            ? { label: "Mark as not deployed", onSelect: () => setAsks("retire") }
            : { label: "Mark as deployed", onSelect: () => deploying.mutate(true) },
          { label: "Delete", danger: true, onSelect: () => setAsks("delete") },
        ]),
  ];
  return (
    <div>
      <Menu label={`More for ${name}`} items={items} />
      <Failure error={deploying.error} />
      {asks === "copy" && (
        <NewEnvironment integration={environment.integration} copyOf={environment.key} onClose={close} />
      )}
      {asks === "retire" && (
        <Decide<Change>
          title={`Mark ${name} as not deployed?`}
          of={[environment.key, environment.version]}
          preview={() => patchJson<Change>(pathOf(environment.key), { deployed: false }, { dry_run: true })}
          act={() => ({ label: "Mark it" })}
          onAct={() => deploying.mutateAsync(false)}
          onClose={close}
        >
          {() => <p>Its requests go on as before. Its connections are no longer shown as in deployed use.</p>}
        </Decide>
      )}
      {asks === "delete" && (
        <Decide<Preview>
          title={`Delete ${name}?`}
          of={[environment.key, environment.version]}
          preview={() => json<Preview>("DELETE", `${pathOf(environment.key)}?dry_run=true`)}
          act={(it) => ({ label: it.refused ? "Delete it all the same" : "Delete", danger: true })}
          onAct={async (it) => {
            const version = versionOf(environment);
            const expected: Record<string, string> = version ? { "If-Match": version } : {};
            await json("DELETE", `${pathOf(environment.key)}${it.refused ? "?force=true" : ""}`, undefined, expected);
            tell(`${name} is deleted`);
            void again();
          }}
          onClose={close}
        >
          {(it) => (
            <>
              <p>
                {environment.deployed ? "It is deployed. " : ""}Requests that name it are answered environment_not_found
                from then on. Its connections stay.
              </p>
              <Consequences told={it} />
            </>
          )}
        </Decide>
      )}
    </div>
  );
}
