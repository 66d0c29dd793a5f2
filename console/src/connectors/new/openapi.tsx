import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { raw } from "~/api/client";
import { isApiError } from "~/api/problem";
import type { ImportedConnector } from "~/api/schema";
import { Button } from "~/kit/button";
import { Field, TextInput } from "~/kit/field";
import { Card } from "~/kit/page";
import { useTell } from "~/kit/toast";
import { Failure, Loading } from "~/kit/told";
import { BaseUrlField } from "../base-url";
import { nameOf, once, takenKeys } from "../data";
import { newConnection } from "../elsewhere";
import { type Description, mediaType, takeHanded } from "./document";
import { Drop } from "./drop";
import { freeKey } from "./free-key";
import { keyFault } from "./key";
import { ReportView } from "./report";

/** A document first, then what would come of it. */
export function OpenApiPart() {
  const [given, setGiven] = useState(() => ({ description: takeHanded(), time: 0 }));
  const give = (description: Description | undefined) => setGiven({ description, time: given.time + 1 });
  if (!given.description) return <Drop onGiven={give} />;
  return <Mapping key={given.time} description={given.description} onOther={give} />;
}

async function send(text: string, query: Record<string, string>, more = {}): Promise<ImportedConnector> {
  const headers = { "Content-Type": mediaType(text), ...more };
  const path = `/v1/connectors/import?${new URLSearchParams(query)}`;
  const response = await raw(path, { method: "POST", body: text, headers });
  return response.json();
}

interface MappingProps {
  description: Description;
  /** Another one is wanted, or has been given already. */
  onOther: (description: Description | undefined) => void;
}

function Mapping({ description, onOther }: MappingProps) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const tell = useTell();
  const [key, setKey] = useState<string>();
  const [baseUrl, setBaseUrl] = useState<string>();
  /** What the report is of: asked again once the field is left. */
  const [settled, setSettled] = useState("");
  const [untaken] = useState(() => `new-${crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36)}`);
  const preview = useQuery({
    queryKey: ["import", description.from, untaken, settled],
    queryFn: async () => {
      const query = { dry_run: "true", key: untaken, ...(settled && { base_url: settled }) };
      const found = await send(description.text, query);
      return { ...found, key: await freeKey(nameOf(found.connector), takenKeys) };
    },
    placeholderData: (before) => before,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  // Where another base URL is refused, what was found before stays: it is only that field that is wrong.
  const last = useRef<typeof preview.data>(undefined);
  if (preview.data) last.current = preview.data;
  const found = preview.data ?? last.current;
  useEffect(() => {
    if (!found) return;
    setKey((before) => before ?? found.key);
    setBaseUrl((before) => before ?? found.connector.base_url ?? "");
  }, [found]);
  const create = useMutation({
    mutationFn: () => {
      const given = baseUrl && baseUrl !== found?.connector.base_url ? baseUrl : settled;
      return send(description.text, { key: key ?? "", ...(given && { base_url: given }) }, once());
    },
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: ["list", "/v1/connectors"] });
      tell(`${nameOf(made.connector)} is made. Now a connection to it, with your credential.`);
      navigate(newConnection(made.connector.key));
    },
  });
  if (preview.isPending) return <Loading rows={6} />;
  if (!found) {
    return (
      <div className="grid gap-4">
        <Failure error={preview.error} />
        <Drop compact onGiven={onOther} />
      </div>
    );
  }
  const refused = isApiError(create.error) ? create.error : undefined;
  const isTaken = refused?.status === 409 ? refused.message : undefined;
  const keyError = isTaken ?? (key === undefined ? undefined : keyFault(key));
  const baseUrlError = preview.isError && isApiError(preview.error) ? preview.error.message : refused?.at("/base_url");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!keyError || isTaken) create.mutate();
  };
  return (
    <form onSubmit={submit} className="grid gap-5 lg:grid-cols-[minmax(0,1fr)_minmax(0,1.2fr)]">
      <Card className="grid content-start gap-4 lg:sticky lg:top-6 lg:self-start">
        <div className="flex flex-wrap items-center justify-between gap-2">
          <div className="min-w-0">
            <h2 className="text-[15px] font-semibold">{nameOf(found.connector)}</h2>
            <p className="text-xs text-dim">
              {description.from}, {found.report.format}, version {found.report.version}
            </p>
          </div>
          <Button onClick={() => onOther(undefined)}>Another file</Button>
        </div>
        <Field label="Key" help="Programs and files name the connector by it. It stays." error={keyError}>
          {(ties) => (
            <TextInput
              {...ties}
              mono
              value={key ?? ""}
              onChange={(event) => {
                create.reset();
                setKey(event.target.value);
              }}
            />
          )}
        </Field>
        <BaseUrlField
          value={baseUrl ?? ""}
          onChange={setBaseUrl}
          onBlur={() => baseUrl && baseUrl !== found.connector.base_url && setSettled(baseUrl)}
          error={baseUrlError}
          optional={!found.connector.base_url}
          help={
            found.connector.base_url
              ? "As the document says."
              : "The document names none. Without one, each connection has to say its own."
          }
        />
        {!isTaken && <Failure error={create.error} />}
        <Button type="submit" kind="primary" className="min-h-11" busy={create.isPending}>
          Create it, and add a connection
        </Button>
      </Card>
      <ReportView found={found} />
    </form>
  );
}
