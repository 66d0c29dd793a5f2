import { createRootRoute } from "@tanstack/react-router";
import { ButtonLink } from "~/kit/button";
import { Page } from "~/kit/page";
import { Empty } from "~/kit/told";
import { Broken } from "./broken";
import { Shell } from "./shell";

/** What all pages lie in. */
export const root = createRootRoute({
  component: Shell,
  errorComponent: Broken,
  notFoundComponent: () => (
    <Page title="No such page">
      <Empty
        title="There is nothing at this address"
        acts={<ButtonLink to="/connectors">Go to the connectors</ButtonLink>}
      >
        What you are looking for may have been deleted, or has another key now.
      </Empty>
    </Page>
  ),
});
