import { GRANTS, read, SETTINGS } from "./settings";
import { type Settings, settingsOf, type TypeName, typeName, typeOf } from "./types";

/** A term and what it is: settings in words, in full. */
export type Said = [term: string, value: string];

const OBJECT_WORDS: Record<string, string> = { header: "header", query: "query parameter", cookie: "cookie" };

/** What goes on a request, with the secret parts as dots: one line each. */
export function outgoing(method: object): string[] {
  const settings = settingsOf(method);
  switch (typeOf(method)) {
    case "api_key":
      return [placed(settings.in, settings.name, String(settings.format ?? "{key}"))];
    case "bearer":
      return ["Authorization: Bearer ••••••"];
    case "basic":
      return ["Authorization: Basic ••••••"];
    case "digest":
      return ['Authorization: Digest username="…", response="••••••"'];
    case "oauth2":
      return [placed(settings.in ?? "header", settings.name ?? "Authorization", tokenFormat(settings))];
    case "jwt":
      return [
        placed(settings.in ?? "header", settings.name ?? "Authorization", String(settings.format ?? "Bearer {token}")),
      ];
    case "custom":
    case "session_login":
      return injected(settings).map((it) => placed(it.in, it.name, String(it.value ?? "")));
    default:
      return [];
  }
}

function tokenFormat(settings: Settings): string {
  const isUsual = (settings.in ?? "header") === "header" && (settings.name ?? "Authorization") === "Authorization";
  return String(settings.format ?? (isUsual ? "Bearer {key}" : "{key}"));
}

function injected(settings: Settings): Settings[] {
  return Array.isArray(settings.inject) ? (settings.inject as Settings[]) : [];
}

function placed(place: unknown, name: unknown, format: string): string {
  const value = format.replaceAll(/\{[^{}]+\}/g, "••••••");
  const called = String(name || "…");
  if (place === "query") return `?${called}=${value}`;
  if (place === "cookie") return `Cookie: ${called}=${value}`;
  return `${called}: ${value}`;
}

/** Where the credential goes, in a line: for lists and cards. */
export function inserted(method: object): string {
  const type = typeOf(method);
  const settings = settingsOf(method);
  switch (type) {
    case "api_key":
      return `${OBJECT_WORDS[String(settings.in)] ?? ""} ${settings.name ?? ""}, as ${settings.format ?? "{key}"}`;
    case "bearer":
      return "header Authorization, as Bearer {token}";
    case "basic":
      return "header Authorization, as Basic";
    case "none":
      return "nowhere: nothing is put on requests";
    case "hmac":
      return settings.preset ? `checked as ${settings.preset} signs` : "checked as described";
    case "mtls":
      return "in the TLS handshake";
    default: {
      const lines = outgoing(method);
      return lines.length > 0 ? lines.join(", ") : typeName(type);
    }
  }
}

/** All that is set, each setting by its label; what the form has no field for as JSON. */
export function said(method: object): Said[] {
  const type = typeOf(method);
  const settings = settingsOf(method);
  // All of it stands in one line already.
  if (type === "api_key") return more(type, settings);
  const rows: Said[] = SETTINGS[type].flatMap((it) => {
    const value = read(settings, it.at);
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return [];
    const option = it.options?.find(([name]) => name === value)?.[1];
    return [[it.label, option ?? inWords(value)] as Said];
  });
  return rows.concat(more(type, settings));
}

function more(type: TypeName, settings: Settings): Said[] {
  const covered = new Set(SETTINGS[type].map((it) => it.at.split(".")[0]));
  return Object.entries(settings)
    .filter(([name, value]) => !covered.has(name) && !isNothing(value))
    .map(([name, value]) => [name, inWords(value)]);
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.values(value).every(isNothing);
}

function inWords(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((it) => typeof it === "string")) return value.join(", ");
  if (typeof value === "boolean") return value ? "yes" : "no";
  return JSON.stringify(value);
}

/** The grant in words, of those that have one. */
export function grantName(method: object): string | undefined {
  if (typeOf(method) !== "oauth2") return undefined;
  const grant = String(settingsOf(method).grant ?? "authorization_code");
  return GRANTS.find(([it]) => it === grant)?.[1];
}
