import { Facts } from "~/kit/page";
import { Code } from "~/kit/text";
import { inserted, said } from "./said";
import { typeName, typeOf } from "./types";

/** An auth method's settings in full: its type, where the credential goes, and everything that is set. */
export function MethodFacts({ method, revision }: { method: object; revision?: string | undefined }) {
  const { description, probe } = method as { description?: string | null; probe?: { method?: string; path: string } };
  return (
    <Facts
      items={[
        ["Type", typeName(typeOf(method))],
        ["On requests", inserted(method)],
        ...(description ? ([["Description", description]] as [string, string][]) : []),
        ...(revision ? ([["Revision", revision]] as [string, string][]) : []),
        ...said(method)
          .filter(([, value]) => value !== "")
          .map(([term, value]) => [term, <Code key={term}>{value}</Code>] as [string, React.ReactNode]),
        ...(probe
          ? ([["Tried with", <Code key="probe">{`${probe.method ?? "GET"} ${probe.path}`}</Code>]] as [
              string,
              React.ReactNode,
            ][])
          : []),
      ]}
    />
  );
}
