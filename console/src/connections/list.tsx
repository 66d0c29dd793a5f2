import { Page } from "~/kit/page";

export function ConnectionsPage() {
  return <Page title="Connections">.</Page>;
}
