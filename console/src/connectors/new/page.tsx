import { useSearch } from "@tanstack/react-router";
import { useMay } from "~/api/session";
import { ButtonLink } from "~/kit/button";
import { Page } from "~/kit/page";
import { Empty } from "~/kit/told";
import type { Way } from "../routes";
import { CataloguePart } from "./catalogue";
import { HandPart } from "./hand";
import { OpenApiPart } from "./openapi";
import { Ways } from "./ways";

const TITLES: Record<Way, string> = {
  openapi: "New connector from an OpenAPI file",
  catalogue: "New connector from the catalogue",
  hand: "New connector by hand",
};

export function NewConnectorPage() {
  const { way } = useSearch({ from: "/new/connector" });
  const mayChange = useMay("operator");
  const isOne = way !== undefined && way in TITLES;
  const up = isOne
    ? ({ label: "Other ways", to: "/new/connector" } as const)
    : ({ label: "Connectors", to: "/connectors" } as const);
  if (!mayChange) {
    return (
      <Page title="New connector" up={{ label: "Connectors", to: "/connectors" }}>
        <Empty
          title="This takes the role operator"
          acts={<ButtonLink to="/connectors">Back to the connectors</ButtonLink>}
        >
          You are signed in as a viewer: you see everything and change nothing.
        </Empty>
      </Page>
    );
  }
  return (
    <Page
      title={isOne ? TITLES[way] : "New connector"}
      up={up}
      about={
        isOne ? undefined : "It says where an API is and how it authenticates. Credentials come later, on connections."
      }
    >
      {!isOne && <Ways />}
      {way === "openapi" && <OpenApiPart />}
      {way === "catalogue" && <CataloguePart />}
      {way === "hand" && <HandPart />}
    </Page>
  );
}
