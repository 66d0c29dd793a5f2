import { useState } from "react";
import { part } from "~/api/pages";
import type { EventSubscription, IssuedEventSubscription } from "~/api/schema";
import { Choices, Field, TextInput } from "~/kit/field";
import { FormDialog } from "~/kit/form-dialog";
import { Overlap } from "~/kit/overlap";
import { PATH, TROUBLE } from "./subscription-form";

interface Props {
  onClose: () => void;
  onDone: (made: IssuedEventSubscription) => unknown;
}

export function NewSubscription({ onClose, onDone }: Props) {
  const [key, setKey] = useState("");
  const [url, setUrl] = useState("");
  const [what, setWhat] = useState<"trouble" | "all">("trouble");
  return (
    <FormDialog<IssuedEventSubscription>
      title="Tell a system of events"
      path={PATH}
      body={{ key, url, ...(what === "trouble" && { types: TROUBLE }) }}
      onClose={onClose}
      onDone={onDone}
    >
      {(at) => (
        <>
          <Field label="Key" error={at("/key")}>
            {(ties) => (
              <TextInput
                {...ties}
                mono
                required
                autoFocus
                placeholder="on-call"
                value={key}
                onChange={(event) => setKey(event.target.value)}
              />
            )}
          </Field>
          <Field label="URL" help="Where events are sent: https." error={at("/url")}>
            {(ties) => (
              <TextInput
                {...ties}
                mono
                required
                type="url"
                placeholder="https://app.example.com/attache-events"
                value={url}
                onChange={(event) => setUrl(event.target.value)}
              />
            )}
          </Field>
          <Choices
            label="What it is told of"
            value={what}
            onChange={setWhat}
            options={[
              {
                value: "trouble",
                label: "Trouble",
                help: "Credentials that fail and recover, webhooks that are refused, connections that did not come about.",
              },
              { value: "all", label: "Everything", help: "Each change as well. Single types are chosen by the API." },
            ]}
          />
        </>
      )}
    </FormDialog>
  );
}

/** Another secret, with a while in which the one before signs as well. */
export function Rotate({ subscription, onClose, onDone }: Props & { subscription: EventSubscription }) {
  const [overlap, setOverlap] = useState("24h");
  return (
    <FormDialog<IssuedEventSubscription>
      title={`Another secret for ${subscription.name || subscription.key}`}
      about="Until it is over, each request has a signature by the secret before as well, so that the receiver can be given the new one without a stop. From then on it refuses what it checks with the one before."
      act="Make the secret"
      path={`${PATH}/${part(subscription.key)}/rotate`}
      body={{ overlap }}
      onClose={onClose}
      onDone={onDone}
    >
      {(at) => (
        <Overlap
          label="The secret before signs as well for"
          value={overlap}
          error={at("/overlap")}
          onChange={setOverlap}
        />
      )}
    </FormDialog>
  );
}
