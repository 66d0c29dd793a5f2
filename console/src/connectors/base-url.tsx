import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { json } from "~/api/client";
import type { CheckedBaseUrl } from "~/api/schema";
import { Button } from "~/kit/button";
import { Field, TextInput } from "~/kit/field";
import { Failure, Notice } from "~/kit/told";

interface Props {
  value: string;
  onChange: (value: string) => void;
  onBlur?: () => void;
  error?: string | undefined;
  help?: ReactNode;
  optional?: boolean;
  /** A connector that there is: what it allows counts. */
  connector?: string;
}

/** Where an API is, and whether something answers there: asked without any credential. */
export function BaseUrlField({ value, onChange, onBlur, error, help, optional, connector }: Props) {
  const [asked, setAsked] = useState("");
  const check = useMutation({
    mutationFn: (base_url: string) => {
      setAsked(base_url);
      return json<CheckedBaseUrl>("POST", "/v1/check_base_url", { base_url, ...(connector && { connector }) });
    },
  });
  const isTemplate = /[{}]/.test(value);
  const isAsked = asked === value;
  return (
    <div className="grid gap-2">
      <Field label="Base URL" error={error} help={help} {...(optional && { optional })}>
        {(ties) => (
          <div className="flex gap-1.5">
            <TextInput
              {...ties}
              mono
              type="url"
              inputMode="url"
              placeholder="https://api.example.com/v1"
              value={value}
              onChange={(event) => onChange(event.target.value.trim())}
              onBlur={onBlur}
            />
            <Button
              disabled={value === "" || isTemplate}
              title={isTemplate ? "It has variables: it is checked on a connection, which has their values" : undefined}
              busy={check.isPending}
              onClick={() => check.mutate(value)}
            >
              Check
            </Button>
          </div>
        )}
      </Field>
      {isAsked && check.data && <CheckTold it={check.data} />}
      {isAsked && <Failure error={check.error} />}
    </div>
  );
}

function CheckTold({ it }: { it: CheckedBaseUrl }) {
  if (!it.reachable) {
    return (
      <Notice tone="warn" title={it.problem ?? "Nothing answers there."}>
        {it.hint} It can be saved all the same.
      </Notice>
    );
  }
  return (
    <Notice tone="good" title={`It answers: ${it.status} in ${it.ms} ms.`}>
      {it.hint}
    </Notice>
  );
}
