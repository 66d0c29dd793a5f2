import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { isApiError } from "~/api/problem";
import { Button, ButtonLink } from "~/kit/button";
import { Page } from "~/kit/page";
import { useTell } from "~/kit/toast";
import { Failure, Loading, Notice } from "~/kit/told";
import { type Begun, finishConsent, takeBegun } from "./consenting";

/** Where a provider sends an operator back to who connects an account. */
export function ConsentPage() {
  const [begun, setBegun] = useState<Begun | null>();
  const came = useRef("");
  const navigate = useNavigate();
  const queries = useQueryClient();
  const tell = useTell();
  const finish = useMutation({
    mutationFn: (it: Begun & { take?: boolean }) => finishConsent(it, came.current, it.take),
    onSuccess: async (_, it) => {
      if (it.tenant !== undefined) {
        tell(`${it.tenant} is connected`);
        return navigate({ to: "/users/$tenant", params: { tenant: it.tenant }, replace: true });
      }
      await queries.invalidateQueries({ queryKey: ["connection", it.connection] });
      tell(it.test ? "The test account is connected" : "The account is connected");
      await navigate({ to: "/connections/$key", params: { key: it.connection }, replace: true });
    },
  });
  const { mutate } = finish;
  useEffect(() => {
    if (came.current) return;
    came.current = location.href;
    const found = takeBegun(new URL(location.href));
    // The code in the address is good for one use: nobody needs to see it.
    history.replaceState(history.state, "", location.pathname);
    setBegun(found ?? null);
    if (found) mutate(found);
  }, [mutate]);
  const differs = isApiError(finish.error) && finish.error.code === "account_differs";
  return (
    <Page title="Connecting the account">
      {begun === undefined || finish.isPending ? <Loading rows={2} /> : null}
      {begun === null && (
        <Notice
          tone="warn"
          title="This was not begun in this window"
          acts={<ButtonLink to="/connections">Connections</ButtonLink>}
        >
          A consent has to come back to the window that began it. Begin again on the connection's page.
        </Notice>
      )}
      {begun && differs && (
        <Notice
          tone="warn"
          title="It is another account than before"
          acts={<Button onClick={() => finish.mutate({ ...begun, take: true })}>Take the other account</Button>}
        >
          {(finish.error as Error).message}
        </Notice>
      )}
      {begun && finish.error && !differs && (
        <div className="grid gap-3">
          <Failure error={finish.error} />
          <div>
            {begun.tenant === undefined ? (
              <ButtonLink to="/connections/$key" params={{ key: begun.connection }}>
                Back to the connection
              </ButtonLink>
            ) : (
              <ButtonLink to="/users/$tenant" params={{ tenant: begun.tenant }}>
                Back to {begun.tenant}
              </ButtonLink>
            )}
          </div>
        </div>
      )}
    </Page>
  );
}
