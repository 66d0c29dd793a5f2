import { Page } from "~/kit/page";

export function IntegrationsPage() {
  return <Page title="Integrations">.</Page>;
}
