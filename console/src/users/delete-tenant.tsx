import { useQuery } from "@tanstack/react-query";
import { json } from "~/api/client";
import { part } from "~/api/pages";
import type { Change } from "~/api/schema";
import { Confirm } from "~/kit/dialog";
import { count } from "~/kit/text";
import { Failure, Loading } from "~/kit/told";

interface Props {
  tenant: string;
  name: string;
  onClose: () => void;
  onDone: () => unknown;
}

/** Asks before a user is deleted, with what the API says that goes with them. */
export function DeleteTenant({ tenant, name, onClose, onDone }: Props) {
  const path = `/v1/tenants/${part(tenant)}`;
  const { data, error, refetch } = useQuery({
    queryKey: ["tenant", tenant, "deleted"],
    queryFn: () => json<Change>("DELETE", `${path}?dry_run=true`),
    // As it is now, not as it was when somebody asked last.
    gcTime: 0,
    staleTime: 0,
  });
  const many = data?.activations ?? 0;
  return (
    <Confirm
      title={`Delete ${name}?`}
      act="Delete them"
      type={many > 0 ? tenant : undefined}
      ready={data !== undefined}
      open
      onClose={onClose}
      onAct={async () => {
        await json("DELETE", `${path}${many > 0 ? "?force=true" : ""}`);
        await onDone();
      }}
    >
      {error ? (
        <Failure error={error} again={() => refetch()} />
      ) : !data ? (
        <Loading rows={1} />
      ) : many > 0 ? (
        `${count(many, "activation")} of theirs and the credentials in ${many === 1 ? "it" : "them"} are deleted, and tokens are ended at their providers where these allow it. Requests for ${tenant} are answered 404 from now on.`
      ) : (
        "They are not activated anywhere. Nothing else is lost."
      )}
    </Confirm>
  );
}
