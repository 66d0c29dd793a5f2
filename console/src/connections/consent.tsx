import { Page } from "~/kit/page";

export function ConsentPage() {
  return <Page title="Consent">.</Page>;
}
