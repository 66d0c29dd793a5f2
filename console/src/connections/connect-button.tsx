import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { json } from "~/api/client";
import type { Connection } from "~/api/schema";
import { Button } from "~/kit/button";
import { Acts, Dialog } from "~/kit/dialog";
import { Code, Copy, Moment } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Failure, Notice } from "~/kit/told";
import { beginConsent, type OnDevice } from "./consenting";
import { consents } from "./method/fields";
import { pathOf, useReadAgain } from "./query";

/** Between two looks at whether somebody has consented on another device. */
const LOOK_MS = 2000;

interface Props {
  connection: Connection;
  test?: boolean;
  kind?: "primary" | "plain";
  label: string;
}

/** Takes whoever owns the account to the provider, or shows what to type on another device. */
export function ConnectButton({ connection, test = false, kind = "primary", label }: Props) {
  const [device, setDevice] = useState<OnDevice>();
  const way = consents(connection.auth_method ?? {});
  const again = useReadAgain();
  const asking = useMutation({
    mutationFn: () => beginConsent(connection.key, way ?? "browser", test),
    onSuccess: setDevice,
  });
  if (!way) return null;
  const close = () => {
    setDevice(undefined);
    void again();
  };
  return (
    <>
      <Button kind={kind} busy={asking.isPending} onClick={() => asking.mutate()}>
        {label}
      </Button>
      <Failure error={asking.error} />
      {device && (
        <DeviceCode
          connection={connection.key}
          device={device}
          test={test}
          onAgain={() => asking.mutate()}
          onClose={close}
        />
      )}
    </>
  );
}

interface CodeProps {
  connection: string;
  device: OnDevice;
  test: boolean;
  onAgain: () => void;
  onClose: () => void;
}

/** What is to be typed on another device, until somebody has consented there, or has not. */
function DeviceCode({ connection, device, test, onAgain, onClose }: CodeProps) {
  const tell = useTell();
  const grant = useQuery({
    queryKey: ["consent on a device", connection, device.user_code],
    queryFn: async ({ signal }) => {
      const now = await json<Connection>("GET", pathOf(connection), undefined, {}, signal);
      return (test ? now.test_grant : now.grant) ?? null;
    },
    refetchInterval: LOOK_MS,
    gcTime: 0,
  });
  const consent = grant.data?.consent;
  const isDone = grant.data !== undefined && !consent && ["active", "expiring"].includes(grant.data?.state ?? "");
  useEffect(() => {
    if (!isDone) return;
    tell(test ? "The test account is connected" : "The account is connected");
    onClose();
  });
  return (
    <Dialog
      title="Consent on another device"
      about="Open the address, type the code, and consent there. attache sees it by itself."
      open
      onClose={onClose}
    >
      <div className="grid gap-3 text-[13px]">
        <p>
          <Code>{device.verification_uri}</Code> <Copy text={device.verification_uri} />
        </p>
        <p className="font-mono text-2xl tracking-widest">{device.user_code}</p>
        {consent?.state === "failed" ? (
          <Notice tone="bad" title="Nothing came of it">
            {consent.why}
          </Notice>
        ) : (
          <p role="status" className="text-dim">
            Waiting for the consent. The code is good until <Moment at={device.expires_at} />.
          </p>
        )}
        <Failure error={grant.error} />
      </div>
      <Acts>
        <Button onClick={onClose}>Close</Button>
        {consent?.state === "failed" && (
          <Button kind="primary" onClick={onAgain}>
            Another code
          </Button>
        )}
      </Acts>
    </Dialog>
  );
}
