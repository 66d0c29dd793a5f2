import type { RawAuthMethod, RawVariable } from "~/api/schema";

export type FirstMethod = "later" | "api_key" | "bearer" | "basic" | "none";

export const FIRST_METHODS: { value: FirstMethod; label: string }[] = [
  { value: "later", label: "I say it with the connection" },
  { value: "api_key", label: "A key in a header" },
  { value: "bearer", label: "A bearer token" },
  { value: "basic", label: "A user name and a password (Basic)" },
  { value: "none", label: "Not at all" },
];

/** The auth methods that a connector begins with, by key; none where they come later. */
export function firstMethod(choice: FirstMethod, header: string): Record<string, RawAuthMethod> | undefined {
  switch (choice) {
    case "later":
      return undefined;
    case "api_key":
      return { key: { name: "API key", api_key: { in: "header", name: header.trim(), format: "{key}" } } };
    case "bearer":
      return { token: { name: "Token", bearer: {} } };
    case "basic":
      return { login: { name: "Login", basic: {} } };
    case "none":
      return { none: { name: "No authentication", none: {} } };
  }
}

/** The variables that a base URL names in braces, each of which has to have a value. */
export function variablesOf(baseUrl: string): Record<string, RawVariable> | undefined {
  const names = [...baseUrl.matchAll(/\{([^{}]+)\}/g)].map((it) => it[1] as string);
  if (names.length === 0) return undefined;
  return Object.fromEntries(names.map((it) => [it, { required: true }]));
}
