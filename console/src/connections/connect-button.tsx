import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { Connection } from "~/api/schema";
import { Button } from "~/kit/button";
import { Acts, Dialog } from "~/kit/dialog";
import { Code, Copy, Moment } from "~/kit/text";
import { Failure } from "~/kit/told";
import { beginConsent, type OnDevice } from "./consenting";
import { consents } from "./method/fields";
import { useReadAgain } from "./query";

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
        <Dialog
          title="Consent on another device"
          about="Open the address, type the code, and consent there. attache sees it by itself."
          open
          onClose={close}
        >
          <div className="grid gap-3 text-[13px]">
            <p>
              <Code>{device.verification_uri}</Code> <Copy text={device.verification_uri} />
            </p>
            <p className="font-mono text-2xl tracking-widest">{device.user_code}</p>
            <p className="text-dim">
              Good until <Moment at={device.expires_at} />.
            </p>
          </div>
          <Acts>
            <Button kind="primary" onClick={close}>
              I have consented
            </Button>
          </Acts>
        </Dialog>
      )}
    </>
  );
}
