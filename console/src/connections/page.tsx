import { Page } from "~/kit/page";

export function ConnectionPage() {
  return <Page title="Connection">.</Page>;
}
