import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { json } from "~/api/client";
import { part } from "~/api/pages";
import type { Connector, Preview } from "~/api/schema";
import { Confirm } from "~/kit/dialog";
import { useTell } from "~/kit/toast";
import { Failure, Loading } from "~/kit/told";
import { WouldBreak } from "./affected";
import { ifMatch, nameOf } from "./data";
import { usePreview } from "./preview";

/** Says who uses a connector before it is deleted; in use, its key has to be typed. */
export function DeleteConnector(props: { connector: Connector; open: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const tell = useTell();
  const { connector } = props;
  const path = `/v1/connectors/${part(connector.key)}`;
  const preview = usePreview<Preview>("DELETE", path, props.open);
  const isUsed = preview.data?.refused ?? false;
  const remove = async () => {
    await json("DELETE", isUsed ? `${path}?force=true` : path, undefined, ifMatch(connector));
    tell(`The connector ${nameOf(connector)} is deleted.`);
    await navigate({ to: "/connectors" });
    queries.removeQueries({ queryKey: ["connector", connector.key] });
    await queries.invalidateQueries({ queryKey: ["list"] });
  };
  return (
    <Confirm
      title={`Delete ${nameOf(connector)}?`}
      act={isUsed ? "Delete it, and break these" : "Delete it"}
      {...(isUsed && { type: connector.key })}
      open={props.open}
      onClose={props.onClose}
      onAct={remove}
    >
      {preview.isPending && <Loading rows={2} />}
      <Failure error={preview.error} />
      {preview.data && (
        <>
          <WouldBreak preview={preview.data} what="this connector" />
          <p className="mt-2">
            {isUsed
              ? "Requests by these connections fail from then on. Their credentials stay stored, and work again if a connector of this key is made anew."
              : "Its auth methods and endpoints go with it. It can't be undone."}
          </p>
        </>
      )}
    </Confirm>
  );
}
