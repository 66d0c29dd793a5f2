import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMay } from "~/api/session";
import { ButtonLink } from "~/kit/button";
import { Page } from "~/kit/page";
import { Tabs } from "~/kit/tabs";
import { Deliveries } from "./deliveries";
import { Endpoints } from "./endpoints";
import { Subscriptions } from "./subscriptions";
import { Verifier } from "./verifier";

/** Webhooks in: where they come, what became of each, and why one is refused. And events out. */
export function WebhooksPage() {
  const search = useSearch({ from: "/webhooks" });
  const navigate = useNavigate();
  const mayAct = useMay("operator");
  const go = (tab: string) =>
    void navigate({ to: "/webhooks", search: tab === "endpoints" ? {} : { tab }, replace: true });
  return (
    <Page
      title="Webhooks"
      about="What other companies' systems send you: attache checks the signature, and forwards what is genuine."
      acts={
        mayAct && (
          <ButtonLink kind="primary" to="/new/connection">
            New webhook
          </ButtonLink>
        )
      }
    >
      <Tabs
        label="Of webhooks"
        value={search.tab ?? "endpoints"}
        onChange={go}
        tabs={[
          { value: "endpoints", label: "Endpoints", content: <Endpoints /> },
          { value: "deliveries", label: "Deliveries", content: <Deliveries search={search} /> },
          { value: "verifier", label: "Verifier", content: <Verifier wanted={search.connection} /> },
          { value: "events", label: "Events out", content: <Subscriptions /> },
        ]}
      />
    </Page>
  );
}
