import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { Button } from "~/kit/button";
import { TextInput } from "~/kit/field";

/** Asks for an API by its name, and goes to where the catalogue answers. */
export function CatalogueSearch() {
  const [text, setText] = useState("");
  const navigate = useNavigate();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const q = text.trim();
    navigate({ to: "/new/connector", search: { way: "catalogue", ...(q && { q }) } });
  };
  return (
    <form onSubmit={submit} className="flex gap-1.5">
      <TextInput
        aria-label="Search the catalogue"
        placeholder="GitHub, Stripe, Slack …"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <Button type="submit">Look</Button>
    </form>
  );
}
