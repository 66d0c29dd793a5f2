import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Button } from "~/kit/button";
import { Acts, Dialog } from "~/kit/dialog";
import { Failure, Loading } from "~/kit/told";

interface Props<T> {
  title: string;
  about?: ReactNode;
  /** What makes one preview another: what it is of, and what is asked. */
  of: readonly unknown[];
  preview: () => Promise<T>;
  children: (preview: T) => ReactNode;
  act: (preview: T) => { label: string; danger?: boolean; disabled?: boolean };
  onAct: (preview: T) => Promise<unknown>;
  onClose: () => void;
}

/** Asks the API first what an act would do, shows that, and only then does it. Shown while it is there. */
export function Decide<T>({ title, about, of, preview, children, act, onAct, onClose }: Props<T>) {
  const asked = useQuery({
    queryKey: ["preview", title, ...of],
    queryFn: preview,
    gcTime: 0,
    staleTime: 0,
    retry: false,
    // Another choice in the dialog: what was shown stays until the new one is there, and so does the focus.
    placeholderData: keepPreviousData,
  });
  const doing = useMutation({ mutationFn: onAct, onSuccess: onClose });
  const does = asked.data !== undefined ? act(asked.data) : undefined;
  return (
    <Dialog title={title} about={about} open onClose={onClose}>
      <div className="grid gap-3 text-[13px]">
        {asked.isPending && <Loading rows={2} />}
        {asked.data !== undefined && children(asked.data)}
        <Failure error={asked.error ?? doing.error} />
      </div>
      <Acts>
        <Button onClick={onClose}>Keep it as it is</Button>
        {does && (
          <Button
            kind={does.danger ? "danger" : "primary"}
            busy={doing.isPending}
            disabled={does.disabled || asked.isFetching}
            onClick={() => asked.data !== undefined && doing.mutate(asked.data)}
          >
            {does.label}
          </Button>
        )}
      </Acts>
    </Dialog>
  );
}
