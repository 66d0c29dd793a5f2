import { useRouter } from "@tanstack/react-router";
import { Button } from "~/kit/button";
import { Failure } from "~/kit/told";

/** A page that could not be shown: the others can. */
export function Broken({ error }: { error: unknown }) {
  const router = useRouter();
  return (
    <div className="mx-auto grid max-w-2xl gap-4 p-8">
      <h1 className="text-xl font-semibold">This page could not be shown</h1>
      <Failure error={error} />
      <div>
        <Button onClick={() => router.invalidate()}>Try again</Button>
      </div>
    </div>
  );
}
