import { useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { ButtonLink } from "~/kit/button";
import { CatalogueSearch } from "./catalogue-search";
import { type Description, handOver } from "./document";
import { Drop } from "./drop";

/** The three ways to a connector, side by side: each can be begun at once. */
export function Ways() {
  return (
    <div className="grid gap-4 lg:grid-cols-3">
      <Way title="From its OpenAPI file" className="lg:col-span-2">
        <DropHere />
      </Way>
      <div className="grid content-start gap-4">
        <Way title="From the catalogue">
          <p className="mb-3 text-[13px] text-dim">
            Popular APIs that attache knows already: base URL, auth methods and endpoints are filled in.
          </p>
          <CatalogueSearch />
        </Way>
        <Way title="By hand">
          <p className="mb-3 text-[13px] text-dim">For an API without a description: its base URL is enough.</p>
          <ButtonLink to="/new/connector" search={{ way: "hand" }}>
            Fill in a form
          </ButtonLink>
        </Way>
      </div>
    </div>
  );
}

/** Where a description is dropped that is read on the page of a new connector. */
export function DropHere({ compact = false }: { compact?: boolean }) {
  const navigate = useNavigate();
  const read = (given: Description) => {
    handOver(given);
    navigate({ to: "/new/connector", search: { way: "openapi" } });
  };
  return <Drop compact={compact} onGiven={read} />;
}

function Way({ title, className, children }: { title: string; className?: string; children: ReactNode }) {
  return (
    <section className={`flex flex-col rounded-xl border border-line bg-panel p-4 ${className ?? ""}`}>
      <h2 className="mb-2 text-[13px] font-semibold">{title}</h2>
      <div className="flex-1">{children}</div>
    </section>
  );
}
