import { Page } from "~/kit/page";

export function ConnectorsPage() {
  return <Page title="Connectors">.</Page>;
}
