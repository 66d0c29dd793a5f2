import { Page } from "~/kit/page";

export function EnvironmentsPage() {
  return <Page title="Environments">.</Page>;
}
