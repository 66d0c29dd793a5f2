import { Page } from "~/kit/page";

export function NewConnectionPage() {
  return <Page title="New">.</Page>;
}
