import { Page } from "~/kit/page";

export function LivePage() {
  return <Page title="Live">.</Page>;
}
