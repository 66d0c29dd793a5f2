import { Page } from "~/kit/page";

export function UsersPage() {
  return <Page title="Users">.</Page>;
}
