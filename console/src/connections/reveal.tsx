import { useMutation } from "@tanstack/react-query";
import type { RevealedSecret } from "~/api/schema";
import { Button } from "~/kit/button";
import { CodeBlock } from "~/kit/text";
import { Failure } from "~/kit/told";
import { act } from "./acts";

/** Shows a webhook secret that its sender handed over. It is shown once. */
export function RevealSecret({ connection }: { connection: string }) {
  const asking = useMutation({ mutationFn: () => act<RevealedSecret>(connection, "webhook/reveal"), gcTime: 0 });
  if (asking.data) return <CodeBlock label="The webhook secret, shown this once" text={asking.data.secret} />;
  return (
    <div className="grid gap-2">
      <div>
        <Button busy={asking.isPending} onClick={() => asking.mutate()}>
          Show the secret, once
        </Button>
      </div>
      <Failure error={asking.error} />
    </div>
  );
}
