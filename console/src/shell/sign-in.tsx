import { type FormEvent, useEffect, useState } from "react";
import { isApiError } from "~/api/problem";
import { type Session, useSignIn } from "~/api/session";
import { Button } from "~/kit/button";
import { Field, SecretInput } from "~/kit/field";
import { Failure, Notice } from "~/kit/told";

/** The way in: an operator's token, or the organisation's own sign-in. */
export function SignIn({ session, waits }: { session: Session; waits: boolean }) {
  const [token, setToken] = useState("");
  const signIn = useSignIn();
  const isWrong = isApiError(signIn.error) && signIn.error.status === 401;
  useEffect(() => {
    const before = document.title;
    document.title = "Sign in · attache";
    return () => {
      document.title = before;
    };
  }, []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (token.trim()) signIn.mutate(token.trim());
  };
  return (
    // A dialog of the page that waits would have the pointer for itself.
    <main className="pointer-events-auto grid min-h-dvh place-items-center px-4 py-10">
      <div className="grid w-full max-w-sm gap-5">
        <div>
          <h1 className="text-2xl font-semibold tracking-tight">Sign in to attache</h1>
          <p className="mt-1 text-dim">For operators: who set up connectors and connections, and look after them.</p>
        </div>
        {session.was && (
          <Notice>
            You were signed out. Sign in to go on where you were.
            {waits && ` What you have typed waits for ${session.was.name} for ten minutes.`}
          </Notice>
        )}
        {session.oidc && (
          <>
            <a
              href={`/console/oidc/start?return=${encodeURIComponent(location.pathname.replace(/^\/+/, "/") + location.search)}`}
              {...(waits && { target: "_blank", rel: "noreferrer" })}
              className="inline-flex min-h-11 items-center justify-center rounded-lg bg-accent px-4 font-medium text-on-accent hover:brightness-110"
            >
              Continue with {session.oidc.name}
            </a>
            {waits && (
              <p className="text-center text-xs text-dim">It opens in a new tab. Come back to this one then.</p>
            )}
            <p className="text-center text-xs text-dim">or with a token</p>
          </>
        )}
        <form onSubmit={submit} className="grid gap-4">
          <Field
            label="Operator token"
            help="The one in server.admin.token, or one made under Settings, Operators."
            error={isWrong ? "This token is not known here, or was withdrawn." : undefined}
          >
            {(ties) => (
              <SecretInput
                {...ties}
                required
                autoFocus
                value={token}
                onChange={(event) => setToken(event.target.value)}
              />
            )}
          </Field>
          {!isWrong && <Failure error={signIn.error} />}
          <Button kind={session.oidc ? "plain" : "primary"} type="submit" busy={signIn.isPending} className="min-h-11">
            Sign in
          </Button>
        </form>
      </div>
    </main>
  );
}
